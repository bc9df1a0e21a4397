//! An iteration allocates nothing: a fit of 50 iterations makes as many allocations as one of 5.
//!
//! So with the fused kernels. A gemm backend packs its operands into buffers that it allocates itself.

use std::alloc::{GlobalAlloc, Layout as Block, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use orthant::{Loss, Method, Nmf, Real};
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
fn fewest<T: Real>(nmf: &Nmf<T>, v: &Stored<T>) -> usize {
    let count = || {
        let before = ALLOCATIONS.load(Ordering::Relaxed);
        let fit = nmf.fit(v).expect("a plain fit");
        let after = ALLOCATIONS.load(Ordering::Relaxed);
        assert_eq!(fit.report.history.len(), fit.report.iterations);
        after - before
    };
    (0..5).map(|_| count()).min().expect("five fits")
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
            for threads in [1, 2] {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
                pool.install(|| {
                    let nmf = Nmf::new(7).method(method).tol(0.0);
                    fewest(&nmf.clone().max_iter(2), &v); // the pool's threads set themselves up
                    let few = fewest(&nmf.clone().max_iter(5), &v);
                    let many = fewest(&nmf.clone().max_iter(50), &v);
                    assert!(few > 0, "the counter counts");
                    assert_eq!(few, many, "{} {layout:?} {method:?} on {threads} threads", T::NAME);
                });
            }
        }
    }
}

// One test, so that nothing else in this process allocates meanwhile.
#[test]
fn an_iteration_allocates_nothing() {
    check::<f64>();
    check::<f32>();
}
