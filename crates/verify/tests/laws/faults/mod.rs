//! What happens with bad and extreme input: an error that names the place, or the exact result stated here.
//!
//! `data/faults.json` is the table of them, by number, for the crate, the command and the Python package; `page` writes
//! `docs/faults.md` from it. `cases` runs the inputs that the table has, and the other modules test what takes more to say.

mod batches;
mod cases;
mod entries;
mod options;
mod page;
mod rows;
mod running;
mod shapes;
mod sparse;
mod starts;

use orthant::{Dense, Init, Loss, Method, MiniBatchNmf, Real};
use orthant_verify::fits::METHODS;
use orthant_verify::layout::Layout;
use orthant_verify::strategies::{Data, Problem, Recipe};

const OWN: Method = Method::hals();
const FITTED: [Method; 6] = [
    Method::cd(),
    OWN,
    Method::mu(Loss::Frobenius),
    Method::mm(Loss::Frobenius),
    Method::anls(),
    Method::projected_gradient(),
];
/// Other losses that take zeros in V.
const DIVERGENCES: [Method; 12] = [
    Method::newton(),
    Method::newton().extrapolated(),
    Method::mm(Loss::KullbackLeibler).extrapolated(),
    Method::mm(Loss::Beta(0.3)).extrapolated(),
    Method::joint_mm(),
    Method::joint_mm().extrapolated(),
    Method::mu(Loss::KullbackLeibler),
    Method::mm(Loss::KullbackLeibler),
    Method::mu(Loss::Beta(0.5)),
    Method::mm(Loss::Beta(0.3)),
    Method::mm(Loss::Beta(1.5)),
    Method::mu(Loss::Beta(3.0)),
];
/// What batches are tested with.
const LOSSES: [Loss; 4] = [Loss::Frobenius, Loss::KullbackLeibler, Loss::Beta(0.5), Loss::Beta(1.5)];
const ORDERS: [Layout; 4] = [Layout::RowMajor, Layout::ColMajor, Layout::Csr, Layout::Csc];

fn problem() -> Problem<f64> {
    Recipe { m: 13, n: 9, k: 3, data: Data::Uniform, zeros_in_start: false, seed: 7 }.build()
}

fn custom<T: Real>(p: &Problem<T>) -> Init<T> {
    Init::Custom { w: p.w.clone(), h: p.h.clone() }
}

fn zero<T: Real>(a: &Dense<T>) -> bool {
    a.as_slice().iter().all(|x| x.to_f64().to_bits() == 0)
}

/// Every method as it is fitted with.
fn all() -> impl Iterator<Item = Method> {
    FITTED.into_iter().chain(DIVERGENCES)
}

/// Every method with a fixed number of sweeps.
fn stepped() -> impl Iterator<Item = Method> {
    METHODS.into_iter().chain(DIVERGENCES)
}

/// Those that fit a single line, or a single number, at once: with an exponent of 1.
fn exact_at_once() -> impl Iterator<Item = Method> {
    all().filter(|m| (1.0..=2.0).contains(&m.loss.beta()))
}

fn batches<T: Real>(loss: Loss) -> MiniBatchNmf<T> {
    MiniBatchNmf::new(3).loss(loss).init(Init::Random).batch_size(5)
}
