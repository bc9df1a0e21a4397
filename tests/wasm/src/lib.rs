//! Fits in WebAssembly: what `run.mjs` calls in node, as a page can in a browser.
//!
//!     cargo build --release -p orthant-wasm --target wasm32-unknown-unknown
//!     node tests/wasm/run.mjs target/wasm32-unknown-unknown/release/orthant_wasm.wasm

use std::sync::Mutex;
use std::time::Duration;

use orthant::{Dense, Error, Loss, Method, MiniBatchNmf, Nmf};

/// Components of each fit.
const RANK: usize = 3;

static RESULT: Mutex<Vec<f64>> = Mutex::new(Vec::new());

fn data() -> Dense<f64> {
    Dense::from_fn(60, 12, |i, j| ((i % 4) * (j % 5) + (i % 3) * (j % 2) + 1) as f64)
}

/// Fits with the loss of β = 2, 1 or 0, and keeps the iterations, the relative error, W and H. Returns whether all went well.
// SAFETY: no other symbol of the program has this name.
#[unsafe(no_mangle)]
pub extern "C" fn fit(beta: u32, threads: u32) -> bool {
    let nmf = Nmf::<f64>::new(RANK).seed(1).method(Method::auto(Loss::from_beta(beta.into())));
    let nmf = if threads == 0 { nmf } else { nmf.threads(threads as usize) };
    let Ok(fit) = nmf.fit(&data()) else { return false };
    let mut out = vec![fit.report.iterations as f64, fit.report.relative_error];
    out.extend(fit.w.as_slice());
    out.extend(fit.model.components().as_slice());
    RESULT.lock().is_ok_and(|mut result| {
        *result = out;
        true
    })
}

/// Whether mini-batches run, and a limit of time is refused where there is no clock.
// SAFETY: no other symbol of the program has this name.
#[unsafe(no_mangle)]
pub extern "C" fn others() -> bool {
    let limited = Nmf::<f64>::new(RANK).max_time(Duration::from_secs(60)).fit(&data());
    let refused = matches!(limited, Err(Error::Unsupported { .. }));
    refused == cfg!(target_family = "wasm")
        && MiniBatchNmf::<f64>::new(RANK).batch_size(20).fit(&data()).is_ok()
}

/// Where the result of [`fit`] begins.
// SAFETY: no other symbol of the program has this name.
#[unsafe(no_mangle)]
pub extern "C" fn result() -> *const f64 {
    RESULT.lock().map_or(std::ptr::null(), |result| result.as_ptr())
}

/// Its numbers.
// SAFETY: no other symbol of the program has this name.
#[unsafe(no_mangle)]
pub extern "C" fn result_len() -> usize {
    RESULT.lock().map_or(0, |result| result.len())
}
