//! What a page of the site calls: a file and options go in, the factors come out.
//!
//! `page/browser.js` calls it, in a browser and in node; `scripts/site --browser` builds it. A request is JSON, the [`Request`], and
//! after it the bytes of the file; the answer is JSON too, an [`Answer`] or `{"error": "…"}`. JavaScript writes the request where
//! [`input`] says, calls [`factorize`], and reads the answer at [`output`].

use std::error::Error;
use std::ops::ControlFlow;
use std::sync::Mutex;

use orthant::{Iteration, Loss, Method, Nmf};
use orthant_io::{Format, ReadOptions, Source};
use serde::{Deserialize, Serialize};

static INPUT: Mutex<Vec<u8>> = Mutex::new(Vec::new());
static OUTPUT: Mutex<Vec<u8>> = Mutex::new(Vec::new());

/// What is asked for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    /// The file's name, whose ending tells kinds of text apart.
    name: String,
    /// Components.
    rank: usize,
    /// β of the loss: 2, 1 or 0.
    beta: f64,
    seed: u32,
}

/// What was found.
#[derive(Serialize)]
struct Answer<'a> {
    rows: usize,
    columns: usize,
    /// Whether the file is a picture, so that entries are grey levels from 0 to 255.
    picture: bool,
    row_names: Option<&'a [String]>,
    column_names: Option<&'a [String]>,
    /// What the reader guessed and a reader of the page should know.
    remarks: Vec<String>,
    iterations: usize,
    converged: bool,
    relative_error: f64,
    /// rows × rank, row by row.
    w: &'a [f64],
    /// rank × columns, row by row; a row sums to 1.
    h: &'a [f64],
}

#[cfg(target_family = "wasm")]
#[link(wasm_import_module = "orthant")]
// SAFETY: whoever instantiates the module gives this function, of two numbers; it is called with nothing else.
unsafe extern "C" {
    /// Is called after each iteration, with its number, the limit, and ‖V − WH‖/‖V‖ or what stands for it under other losses.
    safe fn progress(iteration: f64, limit: f64, relative_error: f64);
}

/// Elsewhere nobody listens.
#[cfg(not(target_family = "wasm"))]
fn progress(_: f64, _: f64, _: f64) {}

/// Makes room for a request of `len` bytes, and says where.
// SAFETY: no other symbol of the program has this name.
#[unsafe(no_mangle)]
pub extern "C" fn input(len: usize) -> *mut u8 {
    INPUT.lock().map_or(std::ptr::null_mut(), |mut input| {
        *input = vec![0; len];
        input.as_mut_ptr()
    })
}

/// Answers the request, of which the first `head` bytes are the JSON. Returns the answer's length, in bytes.
// SAFETY: no other symbol of the program has this name.
#[unsafe(no_mangle)]
pub extern "C" fn factorize(head: usize) -> usize {
    let request = INPUT.lock().map(|mut input| std::mem::take(&mut *input)).unwrap_or_default();
    let answer = answer(&request, head)
        .unwrap_or_else(|error| serde_json::json!({ "error": error.to_string() }).to_string());
    OUTPUT.lock().map_or(0, |mut output| {
        *output = answer.into_bytes();
        output.len()
    })
}

/// Where the answer is.
// SAFETY: no other symbol of the program has this name.
#[unsafe(no_mangle)]
pub extern "C" fn output() -> *const u8 {
    OUTPUT.lock().map_or(std::ptr::null(), |output| output.as_ptr())
}

fn answer(request: &[u8], head: usize) -> Result<String, Box<dyn Error>> {
    let (head, file) = request.split_at_checked(head).ok_or("the request is shorter than its head")?;
    let Request { name, rank, beta, seed } = serde_json::from_slice(head)?;
    let source = Source::from_reader(name, file, Some(file.len() as u64), &ReadOptions::default())?;
    let picture = matches!(source.format(), Format::Png | Format::Jpeg);
    let table = source.read::<f64>()?;
    let nmf = Nmf::<f64>::new(rank).seed(seed).method(Method::auto(Loss::from_beta(beta)));
    let fit = nmf.fit_observed(&table, &mut |now: &Iteration<'_, f64>| {
        progress(now.number as f64, now.max_iter as f64, now.relative_error);
        ControlFlow::Continue(())
    })?;
    Ok(serde_json::to_string(&Answer {
        rows: table.nrows(),
        columns: table.ncols(),
        picture,
        row_names: table.row_names(),
        column_names: table.col_names(),
        remarks: table.remarks().iter().map(ToString::to_string).collect(),
        iterations: fit.report.iterations,
        converged: fit.report.converged(),
        relative_error: fit.report.relative_error,
        w: fit.w.as_slice(),
        h: fit.model.components().as_slice(),
    })?)
}
