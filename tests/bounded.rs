//! Whatever number of bytes there is, a call ends with a result or with a typed error.

use std::alloc::{GlobalAlloc, Layout, System};
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};

use orthant::{Dense, Error, Init, Loss, Method, MiniBatchNmf, Model, Nmf, Penalty, Transform};

/// More than there is.
const UNBOUNDED: usize = usize::MAX / 2;

/// How many bytes may still be allocated.
static LEFT: AtomicUsize = AtomicUsize::new(UNBOUNDED);

struct Bounded;

impl Bounded {
    fn takes(size: usize) -> bool {
        LEFT.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(size)).is_ok()
    }
}

// SAFETY: the system's allocator does all of it, or nothing. What grows is another allocation and a copy.
unsafe impl GlobalAlloc for Bounded {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's contract is the system's.
        if Self::takes(layout.size()) { unsafe { System.alloc(layout) } } else { ptr::null_mut() }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's contract is the system's.
        if Self::takes(layout.size()) { unsafe { System.alloc_zeroed(layout) } } else { ptr::null_mut() }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        LEFT.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's contract is the system's.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Bounded = Bounded;

/// Calls it with ever more bytes until it has a result; how often it had none. Each call has a thread of its own, as libraries keep
/// memory by thread.
#[expect(clippy::print_stderr, reason = "where the process ends, nothing else says at which")]
fn until_it_fits(what: &str, call: impl Fn() -> Result<(), Error> + Sync) -> usize {
    let mut bytes = 40_000;
    for count in 0.. {
        eprintln!("{what}: {bytes} bytes");
        let bounded = || {
            LEFT.store(bytes, Ordering::Relaxed);
            let result = call();
            LEFT.store(UNBOUNDED, Ordering::Relaxed);
            result
        };
        match std::thread::scope(|scope| scope.spawn(bounded).join().unwrap()) {
            Ok(()) => return count,
            Err(Error::OutOfMemory { need, have }) if need > have => {}
            Err(other) => panic!("{what} of {bytes} bytes: {other}"),
        }
        assert!(bytes < 1 << 26, "{what} does not come to an end");
        bytes += bytes / 50 + 8;
    }
    unreachable!()
}

#[test]
fn no_number_of_bytes_ends_the_process() {
    let v = Dense::<f32>::from_fn(3000, 40, |i, j| ((i * 7 + j * 3) % 11) as f32 + 0.5);
    let mut failed = 0;
    for init in [Init::Random, Init::Nndsvda, Init::Nndsvd, Init::Spa] {
        for method in [Method::hals().extrapolated(), Method::mm(Loss::KullbackLeibler)] {
            let nmf = Nmf::new(10).method(method).init(init.clone()).max_iter(1).threads(1).tol(0.0);
            failed += until_it_fits(&format!("{method} {init:?}"), || nmf.fit(&v).map(|_| ()));
        }
    }
    let batches = MiniBatchNmf::new(10).init(Init::Random).max_iter(1).threads(1);
    failed += until_it_fits("batches", || batches.fit(&v).map(|_| ()));
    let h = Dense::from_fn(10, 40, |t, j| ((t + 2 * j) % 5) as f32 + 0.1);
    let model = Model::from_components(h, Penalty::default()).unwrap();
    let how = Transform { threads: Some(1), max_sweeps: 2, ..Transform::default() };
    failed += until_it_fits("transform", || model.transform_with(&v, &how).map(|_| ()));
    assert!(failed > 500, "{failed}");
}
