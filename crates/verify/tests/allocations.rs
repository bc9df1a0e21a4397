//! An iteration allocates nothing: a fit of 50 iterations makes as many allocations as one of 5.
//!
//! So with the fused kernels. A gemm backend packs its operands into buffers that it allocates itself.

use std::alloc::{GlobalAlloc, Layout as Block, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use orthant::{Csr, Dense, Loss, Method, Nmf, Real, ToMatrix};
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

/// The fewest allocations of a few fits: a thread pool's own queue allocates a block now and then.
fn fewest<T: Real>(nmf: &Nmf<T>, v: &impl ToMatrix<T>) -> usize {
    let count = || {
        let before = ALLOCATIONS.load(Ordering::Relaxed);
        let fit = nmf.fit(v).expect("a plain fit");
        let after = ALLOCATIONS.load(Ordering::Relaxed);
        assert_eq!(fit.report.history.len(), fit.report.iterations);
        after - before
    };
    (0..5).map(|_| count()).min().expect("five fits")
}

/// Blocks that a pool's queue may allocate in every one of a few fits; an iteration that allocated would do so more often.
const QUEUE: usize = 2;

/// As many allocations with few iterations as with `many`, on one thread and on two, but for up to `late` that a second
/// worker makes when it first has something to do, and the blocks of its queue.
fn check_fit<T: Real>(method: Method, v: &(impl ToMatrix<T> + Sync), many: usize, late: usize, what: &str) {
    assert!(many - 5 > QUEUE, "{many} iterations are too few to tell");
    for threads in [1, 2] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        pool.install(|| {
            let nmf = Nmf::new(7).method(method).tol(0.0);
            fewest(&nmf.clone().max_iter(2), v); // the pool's threads set themselves up
            let few = fewest(&nmf.clone().max_iter(5), v);
            let many = fewest(&nmf.clone().max_iter(many), v);
            assert!(few > 0, "the counter counts");
            let same = few.abs_diff(many) <= late.max(QUEUE) * (threads - 1);
            assert!(same, "{} {what} {method:?} on {threads} threads: {few} and {many}", T::NAME);
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
    // losses that look at all elements unfold some rows at a time, into memory that a worker has from its first block on
    let by_elements = Method::Mm(Loss::Beta(1.5));
    let all = [
        (Method::Hals { sweeps: None }, 0),
        (Method::Accelerated { sweeps: None }, 0),
        (Method::Anls, 0),
        (Method::Cd, 0),
        (Method::Mm(Loss::KullbackLeibler), 0),
        (by_elements, 4),
    ];
    // what differs by precision are the kernels
    let methods = if T::NAME == "float64" { &all[..] } else { &all[3..5] };
    for layout in [Layout::Csr, Layout::Csc] {
        for (v, transpose) in [(&thick, false), (&thin, true)] {
            let v = if layout == Layout::Csc { v.transposed() } else { v.clone() };
            let v = Stored::new(&cast::<f64, T>(&v), layout);
            assert_eq!(Nmf::<T>::new(7).method(Method::Cd).explain(&v).expect("a plan").transpose, transpose);
            for &(method, late) in methods {
                check_fit(method, &v, 12, late, &format!("{layout:?} transpose {transpose}"));
            }
        }
        let v = if layout == Layout::Csc { long.transposed() } else { long.clone() };
        let v = Stored::new(&cast::<f64, T>(&v), layout);
        let plan = Nmf::<T>::new(7).method(Method::Cd).explain(&v).expect("a plan");
        assert!(!plan.transpose && 9000 / plan.lanes > 2048, "{plan}");
        check_fit(Method::Cd, &v, 8, 0, &format!("{layout:?} in long lanes"));
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
        Nmf::<T>::new(7).method(Method::Cd).max_iter(1).fit(v).expect("a fit").report.plan.scale_exponent
    };
    assert_ne!(exponent(&scaled), 0);
    // before the first iteration all entries are looked at, in memory that grows by the rows that a worker happens to get
    for method in [Method::Cd, Method::Mm(Loss::KullbackLeibler), by_elements] {
        check_fit(method, &unfolded, 12, 8, "of other types");
        check_fit(method, &scaled, 12, 8, "scaled");
    }
}

fn check<T: Real>() {
    for layout in [Layout::RowMajor, Layout::ColMajor, Layout::EverySecond] {
        let mut v = Numbers::new(1).matrix(300, 40);
        v.as_mut_slice().iter_mut().for_each(|x| *x += 0.01);
        let v = Stored::new(&cast::<f64, T>(&v), layout);
        for method in [
            Method::Cd,
            Method::Hals { sweeps: None },
            Method::Hals { sweeps: Some(3) },
            Method::Accelerated { sweeps: None },
            Method::Mu(Loss::Frobenius),
            Method::Als,
            Method::Anls,
            Method::ProjectedGradient,
            Method::Mu(Loss::KullbackLeibler),
            Method::Mm(Loss::KullbackLeibler),
            Method::Mu(Loss::ItakuraSaito),
            Method::Mm(Loss::Beta(0.3)),
        ] {
            check_fit(method, &v, 50, 0, &format!("{layout:?}"));
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
