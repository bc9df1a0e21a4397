//! What the library chooses by itself, and what it expects that to cost.
//!
//! The choice depends on the shape, the rank and the precision alone, by the constants below: never on timing, and not
//! on threads either, so that these cannot change a bit of a result.
//!
//! Costs are in flops as the fused products make them. An iteration is 4mnk of them and the sweeps, 2k² a row. A start on
//! a sketch of l columns is the sketch (6mnl), its basis (4nl²), iterations on it (4(m + n)lk and the sweeps) and a look
//! whether they led anywhere (4mnk); it saves iterations on V. How many, is what `docs/acceleration.md` measures.

use orthant_kernel::Real;

use crate::compress::columns;
use crate::rule::sweeps;
use crate::{Method, Nmf, Start};

/// The most sweeps over a factor that HALS takes by itself in an iteration.
const MOST_SWEEPS: usize = 4;
/// The same where the factors are extrapolated.
const MOST_ACCELERATED_SWEEPS: usize = 5;

/// Iterations on V to convergence, about: from a random start, and from one that was improved on a sketch.
const ITERATIONS: f64 = 50.0;
const ITERATIONS_LEFT: f64 = 25.0;
/// Iterations on the sketch, about.
const ITERATIONS_ON_SKETCH: f64 = 30.0;
/// A flop of a sweep costs as much as so many of the products, in which registers are used over and over.
const SWEEP: f64 = 2.0;
/// A flop of the basis likewise: in double precision on one thread, whatever the precision of the data.
const BASIS: f64 = 10.0;

/// Sweeps over a factor of rows that meet `cols` numbers each, in an iteration of a resolved method.
pub(crate) fn sweeps_of(method: Method, cols: usize, k: usize) -> usize {
    match method {
        Method::Hals { sweeps: Some(count) } | Method::Accelerated { sweeps: Some(count) } => count,
        Method::Hals { sweeps: None } => sweeps(cols, k, MOST_SWEEPS),
        Method::Accelerated { sweeps: None } => sweeps(cols, k, MOST_ACCELERATED_SWEEPS),
        _ => 1,
    }
}

/// What a fit by the accelerated method is expected to cost, in iterations on V, all told: without a sketch, and
/// with one.
pub(crate) fn expected(m: usize, n: usize, k: usize, method: Method) -> (f64, f64) {
    let l = columns(m, n, k) as f64;
    let sweeps = SWEEP
        * 2.0
        * (k * k) as f64
        * ((m * sweeps_of(method, n, k)) as f64 + (n * sweeps_of(method, m, k)) as f64);
    let (m, n, k) = (m as f64, n as f64, k as f64);
    let products = 4.0 * m * n * k;
    let iteration = products + sweeps;
    let on_sketch = 4.0 * (m + n) * l * k + sweeps;
    let sketch = 6.0 * m * n * l + BASIS * 4.0 * n * l * l;
    let apart = sketch + ITERATIONS_ON_SKETCH * on_sketch + products;
    (ITERATIONS, ITERATIONS_LEFT + apart / iteration)
}

/// Columns of the sketch that a fit's start is compressed by, if it is.
pub(crate) fn sketch<T: Real>(nmf: &Nmf<T>, m: usize, n: usize, fixed: bool) -> Option<usize> {
    let method = nmf.method.resolved(fixed);
    if fixed || !matches!(method, Method::Accelerated { .. }) {
        return None;
    }
    let pays = || {
        // who gives factors has a reason to start there
        let given = matches!(nmf.start, Some(Start::Custom { .. }));
        let (plain, compressed) = expected(m, n, nmf.rank, method);
        matches!(nmf.method, Method::Auto(_)) && !given && compressed < plain
    };
    nmf.compress.unwrap_or_else(pays).then(|| columns(m, n, nmf.rank))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sketches_pay_where_they_are_much_thinner_than_v() {
        let pays = |m, n, k| {
            let (plain, compressed) = expected(m, n, k, Method::Accelerated { sweeps: None });
            compressed < plain
        };
        for (m, n, k) in [(2000, 2000, 32), (10_000, 1000, 16), (5000, 5000, 64), (10_000, 784, 49)] {
            assert!(pays(m, n, k), "{m}×{n} at rank {k}");
        }
        for (m, n, k) in [(20, 12, 2), (150, 100, 10), (100_000, 30, 10), (400, 400, 200), (1, 1, 1)] {
            assert!(!pays(m, n, k), "{m}×{n} at rank {k}");
        }
    }
}
