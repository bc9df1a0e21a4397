//! Laws of multiplicative updates for every β-divergence: scikit-learn's and the library's own.

mod convergence;
mod descent;
mod scaling;
mod steps;
mod weights;

use orthant::{Dense, Loss, Method, Real};
use orthant_verify::divergences;
use orthant_verify::layout::Layout;
use orthant_verify::strategies::{Data, Recipe};
use proptest::prelude::*;

fn methods() -> impl Strategy<Value = Method> {
    proptest::sample::select(divergences::methods())
}

fn losses() -> impl Strategy<Value = Loss> {
    proptest::sample::select(divergences::LOSSES.to_vec())
}

fn layouts() -> impl Strategy<Value = Layout> {
    proptest::sample::select(vec![Layout::RowMajor, Layout::ColMajor, Layout::EverySecond])
}

/// Whether powers of the data stay clear of single precision's floors and range.
fn suits_single_precision(recipe: &Recipe, loss: Loss) -> bool {
    recipe.data != Data::WideRange || loss.beta() >= 1.0 && loss.beta() <= 2.0
}

/// Powers of two, one for each component.
fn rescaled(w: &Dense<f64>, h: &Dense<f64>, by: &dyn Fn(usize) -> f64) -> (Dense<f64>, Dense<f64>) {
    (
        Dense::from_fn(w.nrows(), w.ncols(), |i, t| w[(i, t)] * by(t)),
        Dense::from_fn(h.nrows(), h.ncols(), |t, j| h[(t, j)] / by(t)),
    )
}

fn permuted_rows<T: Real>(a: &Dense<T>, order: &[usize]) -> Dense<T> {
    Dense::from_fn(a.nrows(), a.ncols(), |i, j| a[(order[i], j)])
}

fn permuted_cols<T: Real>(a: &Dense<T>, order: &[usize]) -> Dense<T> {
    Dense::from_fn(a.nrows(), a.ncols(), |i, j| a[(i, order[j])])
}
