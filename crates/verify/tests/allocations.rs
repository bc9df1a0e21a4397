//! An iteration allocates nothing, from the second on.
//!
//! So with the fused kernels. A gemm backend packs its operands into buffers that it allocates itself.

use std::alloc::{GlobalAlloc, Layout as Block, System};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};

use orthant::{Csr, Dense, Iteration, Loss, Method, Nmf, Real, StopReason, ToMatrix};
use orthant_verify::compare::cast;
use orthant_verify::layout::{Layout, Stored};
use orthant_verify::strategies::Numbers;

/// The system's allocator, counting.
struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call goes to the system's allocator with the arguments it came with.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, block: Block) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promises are the system allocator's.
        unsafe { System.alloc(block) }
    }

    unsafe fn alloc_zeroed(&self, block: Block) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(block) }
    }

    unsafe fn realloc(&self, at: *mut u8, block: Block, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.realloc(at, block, size) }
    }

    unsafe fn dealloc(&self, at: *mut u8, block: Block) {
        // SAFETY: as above.
        unsafe { System.dealloc(at, block) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Allocations from the end of the first iteration to that of the last; the fewest of some fits, as a thread pool's own queue
/// allocates a block now and then, and a second worker what it needs when it first has something to do.
fn between_iterations<T: Real>(nmf: &Nmf<T>, v: &impl ToMatrix<T>) -> usize {
    let mut fewest = usize::MAX;
    for _ in 0..10 {
        let before = ALLOCATIONS.load(Ordering::Relaxed);
        let (mut first, mut last) = (None, before);
        let mut look = |_: &Iteration<'_, T>| {
            last = ALLOCATIONS.load(Ordering::Relaxed);
            first.get_or_insert(last);
            ControlFlow::<StopReason>::Continue(())
        };
        let fit = nmf.fit_observed(v, &mut look).expect("a plain fit");
        assert_eq!(fit.report.history.len(), fit.report.iterations);
        let first = first.expect("an iteration");
        assert!(first > before, "the counter counts");
        fewest = fewest.min(last - first);
        if fewest == 0 {
            break;
        }
    }
    fewest
}

/// No allocations in so many iterations, on one thread and on two.
fn check_fit<T: Real>(method: Method, v: &(impl ToMatrix<T> + Sync), iterations: usize, what: &str) {
    for threads in [1, 2] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        pool.install(|| {
            let nmf = Nmf::new(7).method(method).tol(0.0).max_iter(iterations);
            let found = between_iterations(&nmf, v);
            assert_eq!(found, 0, "{} {what} {method:?} on {threads} threads", T::NAME);
        });
    }
}

/// Sparse data in each way through its pass: read where it lies, or unfolded because of its indices' or values' type or its
/// scale; summed in lanes, put aside where they are long, or multiplied by its transpose.
fn check_sparse<T: Real>() {
    let mut numbers = Numbers::new(2);
    let mut made = |m, n, full: usize, share: f64| {
        let mut v = Dense::<f64>::zeros(m, n);
        for i in 0..m {
            for j in 0..n {
                if j == full || numbers.uniform() < share {
                    v[(i, j)] = (1 + numbers.below(9)) as f64;
                }
            }
        }
        v
    };
    // more and fewer than 50 entries a column, and one that is full in lanes of more than 2048 rows
    let (thick, thin, long) = (made(300, 40, 40, 0.5), made(90, 300, 300, 0.1), made(9000, 60, 3, 0.02));
    // losses that look at all elements unfold some rows at a time
    let by_elements = Method::mm(Loss::Beta(1.5));
    let all = [
        Method::hals(),
        Method::hals().extrapolated(),
        Method::anls(),
        Method::cd(),
        Method::mm(Loss::KullbackLeibler),
        Method::newton(),
        Method::newton().extrapolated(),
        Method::mm(Loss::KullbackLeibler).extrapolated(),
        Method::joint_mm(),
        Method::joint_mm().extrapolated(),
        by_elements,
    ];
    // what differs by precision are the kernels
    let methods = if T::NAME == "float64" { &all[..] } else { &all[3..5] };
    for layout in [Layout::Csr, Layout::Csc] {
        for (v, transpose) in [(&thick, false), (&thin, true)] {
            let v = if layout == Layout::Csc { v.transposed() } else { v.clone() };
            let v = Stored::new(&cast::<f64, T>(&v), layout);
            assert_eq!(
                Nmf::<T>::new(7).method(Method::cd()).explain(&v).expect("a plan").plan.transpose,
                transpose
            );
            for &method in methods {
                check_fit(method, &v, 12, &format!("{layout:?} transpose {transpose}"));
            }
        }
        let v = if layout == Layout::Csc { long.transposed() } else { long.clone() };
        let v = Stored::new(&cast::<f64, T>(&v), layout);
        let plan = Nmf::<T>::new(7).method(Method::cd()).explain(&v).expect("a plan").plan;
        assert!(!plan.transpose && 9000 / plan.lanes > 2048, "{plan:?}");
        check_fit(Method::cd(), &v, 8, &format!("{layout:?} in long lanes"));
    }
    let (mut indptr, mut indices, mut values) = (vec![0_i64], Vec::<i64>::new(), Vec::<u8>::new());
    for i in 0..thick.nrows() {
        for (j, &x) in thick.row(i).iter().enumerate().filter(|(_, x)| **x > 0.0) {
            indices.push(j as i64);
            values.push(x as u8);
        }
        indptr.push(values.len() as i64);
    }
    let unfolded = Csr::<T>::new(300, 40, &indptr[..], &indices[..], &values[..]).expect("a matrix");
    // beyond the exponents that are safe in either precision
    let by = T::from_f64(if T::NAME == "float64" { 1e-120 } else { 1e-25 });
    let scaled = Dense::from_fn(300, 40, |i, j| T::from_f64(thick[(i, j)]) * by);
    let scaled = Stored::new(&scaled, Layout::Csr);
    let exponent = |v: &Stored<T>| {
        Nmf::<T>::new(7).method(Method::cd()).max_iter(1).fit(v).expect("a fit").report.plan.scale_exponent
    };
    assert_ne!(exponent(&scaled), 0);
    for method in [Method::cd(), Method::mm(Loss::KullbackLeibler), by_elements] {
        check_fit(method, &unfolded, 12, "of other types");
        check_fit(method, &scaled, 12, "scaled");
    }
}

fn check<T: Real>() {
    for layout in [Layout::RowMajor, Layout::ColMajor, Layout::EverySecond] {
        let mut v = Numbers::new(1).matrix(300, 40);
        v.as_mut_slice().iter_mut().for_each(|x| *x += 0.01);
        let v = Stored::new(&cast::<f64, T>(&v), layout);
        for method in [
            Method::cd(),
            Method::hals(),
            Method::hals().sweeps(3),
            Method::hals().extrapolated(),
            Method::mu(Loss::Frobenius),
            Method::als(),
            Method::anls(),
            Method::projected_gradient(),
            Method::mu(Loss::KullbackLeibler),
            Method::mm(Loss::KullbackLeibler),
            Method::newton(),
            Method::newton().extrapolated(),
            Method::mm(Loss::ItakuraSaito).extrapolated(),
            Method::joint_mm(),
            Method::joint_mm().extrapolated(),
            Method::mu(Loss::ItakuraSaito),
            Method::mm(Loss::Beta(0.3)),
        ] {
            check_fit(method, &v, 50, &format!("{layout:?}"));
        }
    }
}

// One test, so that nothing else in this process allocates meanwhile.
#[test]
fn an_iteration_allocates_nothing() {
    check::<f64>();
    check::<f32>();
    check_sparse::<f64>();
    check_sparse::<f32>();
}
