//! Each allocation of a fit fails in turn: the fit ends with a typed error, and never the process.

use std::alloc::{GlobalAlloc, Layout, System};
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};

use orthant::{
    Csc, Csr, Dense, Error, Init, Loss, Matrix, Method, MiniBatchNmf, Model, Nmf, Penalty, ToMatrix,
    Transform, Update,
};

/// Smaller ones are not those whose size data or options decide.
const LARGE: usize = 6 << 10;

/// How many large allocations succeed before one fails.
static LEFT: AtomicUsize = AtomicUsize::new(usize::MAX);

struct Failing;

impl Failing {
    fn fails(size: usize) -> bool {
        if size < LARGE {
            return false;
        }
        let count = |left: usize| {
            if left == usize::MAX { None } else { Some(left.checked_sub(1).unwrap_or(usize::MAX)) }
        };
        LEFT.fetch_update(Ordering::Relaxed, Ordering::Relaxed, count) == Ok(0)
    }
}

// SAFETY: the system's allocator does all of it, or nothing.
unsafe impl GlobalAlloc for Failing {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's contract is the system's.
        if Self::fails(layout.size()) { ptr::null_mut() } else { unsafe { System.alloc(layout) } }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's contract is the system's.
        if Self::fails(layout.size()) { ptr::null_mut() } else { unsafe { System.alloc_zeroed(layout) } }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller's contract is the system's.
        if Self::fails(size) { ptr::null_mut() } else { unsafe { System.realloc(at, layout, size) } }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: the caller's contract is the system's.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Failing = Failing;

/// Calls it until none of its allocations fails; how often one did.
#[expect(clippy::print_stderr, reason = "where the process ends, nothing else says at which")]
fn each_fails(what: &str, call: impl Fn() -> Result<(), Error>) -> usize {
    for count in 0.. {
        assert!(count < 1000, "{what} does not come to an end");
        eprintln!("{what}: allocation {count} fails");
        LEFT.store(count, Ordering::Relaxed);
        let result = call();
        let failed = LEFT.swap(usize::MAX, Ordering::Relaxed) == usize::MAX;
        match result {
            Ok(()) if !failed => return count,
            // it is not needed where there is another way
            Ok(()) | Err(Error::OutOfMemory { .. }) => assert!(failed, "{what} {count}"),
            Err(other) => panic!("{what} {count}: {other}"),
        }
    }
    unreachable!()
}

const M: usize = 230;
const N: usize = 150;
const K: usize = 7;

fn entry(i: usize, j: usize) -> f64 {
    if (i * 31 + j * 17 + i * j).is_multiple_of(3) { ((i * 7 + j * 3) % 11) as f64 + 0.5 } else { 0.0 }
}

/// Starts that are decomposed by faer, which ends the process where it finds no memory, are asked for it first; its own allocations
/// are tried in `bounded.rs`.
#[test]
fn a_failed_allocation_is_an_error() {
    let dense = Dense::from_fn(M, N, entry);
    let across = Dense::from_fn(N, M, |j, i| entry(i, j));
    let csr = Csr::of_dense(&dense);
    let csc = Csc::of_transposed(csr.to_transposed());
    let data = [
        ("rows", Matrix::Dense(dense.view())),
        ("columns", Matrix::Dense(across.view().transposed())),
        ("csr", Matrix::Csr(csr.by_ref())),
        ("csc", Matrix::Csc(csc)),
    ];
    let methods = [
        Method::hals(),
        Method::hals().extrapolated(),
        Method::new(Loss::Frobenius, Update::Cd),
        Method::new(Loss::Frobenius, Update::Anls),
        Method::new(Loss::Frobenius, Update::Mu),
        Method::new(Loss::KullbackLeibler, Update::Mu),
        Method::auto(Loss::KullbackLeibler),
        Method::new(Loss::KullbackLeibler, Update::Newton),
        Method::new(Loss::Beta(1.5), Update::Mm),
    ];
    let mut failed = 0;
    for (name, v) in &data {
        for method in methods {
            for init in [Init::Random, Init::ScaledRandom, Init::Spa] {
                if matches!(init, Init::Spa) && method.update != Update::Hals {
                    continue;
                }
                let nmf =
                    Nmf::<f64>::new(K).method(method).init(init.clone()).max_iter(2).tol(0.0).threads(1);
                failed += each_fails(&format!("{name} {method} {init:?}"), || nmf.fit(v).map(|_| ()));
            }
        }
        for loss in [Loss::Frobenius, Loss::KullbackLeibler] {
            let batches = MiniBatchNmf::<f64>::new(K).loss(loss).batch_size(64).init(Init::Random);
            let batches = batches.max_iter(2).threads(1);
            failed += each_fails(&format!("{name} batches {loss}"), || batches.fit(v).map(|_| ()));
            let fit = batches.fit(v).unwrap();
            let learnt = fit.learnt.unwrap();
            failed +=
                each_fails(&format!("{name} partial_fit {loss}"), || batches.resume(&learnt)?.partial_fit(v));
            let h = fit.model.components();
            failed += each_fails(&format!("{name} transform by batches {loss}"), || {
                batches.transform(v, h).map(|_| ())
            });
            let model =
                Model::from_components(h.clone(), Penalty::default()).unwrap().with_loss(loss).unwrap();
            let how = Transform { threads: Some(1), ..Transform::default() };
            failed +=
                each_fails(&format!("{name} transform {loss}"), || model.transform_with(v, &how).map(|_| ()));
        }
    }
    assert!(failed > 500, "{failed}");
    assert!(data[0].1.to_matrix().is_ok());
}
