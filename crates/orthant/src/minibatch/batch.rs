//! A step on some rows of V.

use orthant_kernel::{Buffer, Dense, allocate};

use super::MiniBatchNmf;
use super::pass::BatchPass;
use crate::cancel::Halt;
use crate::error::invalid;
use crate::iterate::{Factor, Fixed, Layout, Pair, negligible};
use crate::penalty::Weights;
use crate::random::Generator;
use crate::ranks::Ranks;
use crate::rule::Majorizer;
use crate::source::SparsePlan;
use crate::source::Stored;
use crate::state::state;
use crate::{Error, Init, Matrix, Method, Missing, Products, Real, init, scan};

/// Data in a safe range of exponents: V·2^-exponent, with W and H over half of it.
pub(super) struct Data<'a, T> {
    pub nmf: &'a MiniBatchNmf<T>,
    rule: Majorizer<T>,
    pub found: scan::Found,
    pub exponent: i32,
    pub scale: T,
    pub workers: usize,
    /// What ends a step early.
    pub halt: Halt,
}

impl<'a, T: Real> Data<'a, T> {
    /// Looks at all of V; an exponent that is known is kept.
    pub fn new(
        nmf: &'a MiniBatchNmf<T>,
        v: &Matrix<'_, T>,
        exponent: Option<i32>,
        workers: usize,
        halt: Halt,
    ) -> Result<Self, Error> {
        let (m, n) = (v.nrows(), v.ncols());
        if m == 0 || n == 0 {
            return Err(Error::Empty { rows: m, cols: n });
        }
        crate::check::sizes::<T>(m, n, nmf.options.rank)?;
        let loss = nmf.loss_function();
        let found = scan::shared(v, T::ONE, Missing::None, workers, &halt, &Ranks::default())?;
        if loss.beta() <= 0.0 {
            scan::size(v, T::ONE, Missing::None, loss, workers, &Ranks::default())?;
        }
        let safe = scan::Safe::of::<T>(Method::mu(loss));
        let exponent = exponent.unwrap_or_else(|| scan::scale_exponent(found.max, 2, safe));
        let (rule, scale) = (Majorizer::compatible(loss, exponent), scan::scale_by(T::ONE, -exponent));
        Ok(Self { nmf, rule, found, exponent, scale, workers, halt })
    }

    pub fn to_scaled(&self, mut x: Vec<T>) -> Vec<T> {
        x.iter_mut().for_each(|x| *x = scan::scale_by(*x, -self.exponent / 2) + T::ZERO);
        x
    }

    pub fn to_user(&self, mut x: Vec<T>) -> Vec<T> {
        if self.exponent != 0 {
            x.iter_mut().for_each(|x| *x = scan::scale_by(*x, self.exponent / 2));
        }
        x
    }

    /// The weights on W and on H for a part of V.
    pub fn weights(&self, v: &Matrix<'_, T>) -> (Weights, Weights) {
        let (p, beta, penalty) =
            (self.exponent / 2, self.nmf.loss_function().beta(), self.nmf.options.penalty);
        (penalty.on_w(v.ncols()).scaled(p, beta), penalty.on_h(v.nrows()).scaled(p, beta))
    }

    fn plan(&self, v: &Matrix<'_, T>) -> SparsePlan {
        match (v.nnz(), self.nmf.loss_function().beta()) {
            (Some(entries), 1.0 | 2.0) => SparsePlan::summed(v.ncols(), entries),
            _ => SparsePlan { lanes: crate::lanes::lanes(v.nrows()), transpose: false },
        }
    }

    /// Rows of `v`, which [has](Matrix::with_rows) them, and how a pass over them is cut.
    ///
    /// # Errors
    /// Whatever keeps them from being read.
    pub fn source<'b>(&self, v: &'b Matrix<'_, T>) -> Result<(Stored<'b, T>, Layout), Error> {
        let m = v.nrows();
        let source = Stored::by_rows(v, self.scale, &self.plan(v), self.workers)?;
        let layout = Layout {
            block: source.sources().rows.extent().block_rows::<T>(self.nmf.options.rank).min(m),
            workers: self.workers,
            halt: self.halt.clone(),
            ranks: Ranks::default(),
        };
        Ok((source, layout))
    }

    /// Calls `f` with the pass over the rows of `v` from W and Hᵀ, and what stands for ‖V‖² in it; and W after it, whether or not
    /// that failed.
    pub fn pass<R>(
        &self,
        v: &Matrix<'_, T>,
        w: Vec<T>,
        ht: &[T],
        fixed: Fixed,
        f: impl FnOnce(&mut BatchPass<'_, T>, f64) -> Result<R, Error>,
    ) -> (Result<R, Error>, Vec<T>) {
        let k = self.nmf.options.rank;
        let by_entries = self.nmf.loss_function().is_quadratic() && v.nnz().is_some();
        // where the residual is computed by entries, ‖V‖² says how much of it is rounding
        let squares = if by_entries { scan::squares(v, self.scale) } else { Ok(1.0) };
        let (squares, (source, layout)) = match squares.and_then(|squares| Ok((squares, self.source(v)?))) {
            Ok(both) => both,
            Err(error) => return (Err(error), w),
        };
        let (on_w, on_h) = self.weights(v);
        let (w, ht) = (Factor::new(w, k, on_w, 1), Factor::new(ht, k, on_h, 1));
        let pair = Pair::new(w, ht, false).fixed(fixed);
        let negligible = negligible(&pair.inner.x, &pair.outer.x, k);
        let rule = (self.rule, self.exponent, negligible);
        let mut pass = BatchPass::new(source.sources(), rule, k, layout, squares, pair);
        let out = pass.begin().and_then(|()| f(&mut pass, squares));
        (out, pass.into_w())
    }

    /// W from a constant, by at most `max_iter` updates.
    pub fn solve_w(&self, v: &Matrix<'_, T>, ht: &[T], max_iter: usize) -> Result<Vec<T>, Error> {
        let k = self.nmf.options.rank;
        let average = (init::mean(v, self.scale, self.workers > 1)? / T::from_f64(k as f64)).sqrt();
        let mut start = Buffer::roomy(v.nrows() * k);
        start.fill(average);
        let mut before = allocate::copied(&start);
        let tol = self.nmf.options.stopping().tol();
        let (solved, w) = self.pass(v, start, ht, Fixed::Outer, |pass, _| {
            pass.keep_from(negligible(pass.w(), ht, k));
            for _ in 0..max_iter {
                pass.sweep_inner(true)?;
                let w = pass.w();
                if tol > 0.0 && change(w, &before) <= tol {
                    break;
                }
                before.copy_from_slice(w);
            }
            Ok(())
        });
        solved.map(|()| w)
    }

    /// A step on the rows of `v`: the new W, the mean cost and the loss at it with the old H; and H and its sums updated.
    pub fn step(
        &self,
        v: &Matrix<'_, T>,
        w: Option<Vec<T>>,
        state: &mut Learning<T>,
    ) -> Result<(Vec<T>, f64, f64), Error> {
        let nmf = self.nmf;
        let least = self.rule.least(false);
        let (w, update) = match w {
            Some(w) => (w, true),
            None => {
                let mut w = self.solve_w(v, &state.ht, nmf.batches.fresh_restarts_max_iter)?;
                w.iter_mut().filter(|x| **x < least.zero).for_each(|x| *x = T::ZERO);
                (w, false)
            }
        };
        let (on_w, on_h) = self.weights(v);
        let loss = nmf.loss_function();
        let Learning { ht, numerator, denominator, rho, .. } = state;
        let before = allocate::copied(ht);
        let (done, w) = self.pass(v, w, &before, Fixed::Neither, |pass, _| {
            pass.sweep_inner(update)?;
            let distance = pass.exact_loss()?;
            let cost = distance + doubled(on_w, pass.w()) + doubled(on_h, &before);
            let (l1, l2) = on_h.elements::<T>();
            let gamma = loss.exponent();
            let raised = |x: T, e: f64| if e == 1.0 { x } else { x.powf(T::from_f64(e)) };
            let least = self.rule.at_least(negligible(pass.w(), &before, nmf.options.rank)).least(true);
            let rho = T::from_f64(*rho);
            let (numerators, denominators) = pass.sums(&before, nmf.options.rank);
            for (at, (n, d)) in numerators.into_iter().zip(denominators).enumerate() {
                let h = &mut ht[at];
                let mut d = d + (l1 + l2 * *h);
                if d == T::ZERO {
                    d = self.rule.floor;
                }
                let sum = rho * numerator[at] + n * raised(*h, 1.0 / gamma);
                numerator[at] = if sum < T::NEGLIGIBLE { T::ZERO } else { sum };
                denominator[at] = rho * denominator[at] + d;
                let new = raised(numerator[at] / denominator[at], gamma);
                *h = least.of(new);
            }
            Ok((cost / v.nrows() as f64, distance))
        });
        done.map(|(cost, distance)| (w, cost, distance))
    }
}

/// l1·Σx + l2·Σx²: as scikit-learn has it, without the factor ½.
fn doubled<T: Real>(weights: Weights, x: &[T]) -> f64 {
    let (mut sum, mut squares) = (0.0, 0.0);
    for x in x {
        sum += x.to_f64();
        squares += x.to_f64() * x.to_f64();
    }
    weights.value(sum, 2.0 * squares)
}

/// ‖x − before‖ / ‖x‖.
pub(super) fn change<T: Real>(x: &[T], before: &[T]) -> f64 {
    let (mut moved, mut size) = (0.0, 0.0);
    for (x, b) in x.iter().zip(before) {
        moved += (x.to_f64() - b.to_f64()).powi(2);
        size += x.to_f64() * x.to_f64();
    }
    (moved / size).sqrt()
}

/// What is learnt: H, and what it is a quotient of.
#[derive(Debug)]
pub(super) struct Learning<T> {
    /// Hᵀ, n×k, in scaled units.
    pub ht: Vec<T>,
    numerator: Vec<T>,
    denominator: Vec<T>,
    rho: f64,
    pub exponent: i32,
}

/// What was learnt from batches, to be kept and [gone on from](super::MiniBatchNmf::resume).
#[derive(Clone, Debug, PartialEq)]
pub struct Learnt<T> {
    /// H, k×n.
    pub components: Dense<T>,
    /// A, k×n: H is (A/B)^γ where the data needs no scale.
    pub numerator: Dense<T>,
    /// B, k×n.
    pub denominator: Dense<T>,
    /// The share of A and B that a batch leaves, from 0 to 1.
    pub rho: f64,
    /// V was read times 2 to the minus this, and A and B are of that: 0, unless entries are very large or very small.
    pub scale_exponent: i32,
    /// Batches learnt from.
    pub steps: usize,
}

impl<T: Clone> Clone for Learning<T> {
    fn clone(&self) -> Self {
        let Self { ht, numerator, denominator, rho, exponent } = self;
        let [ht, numerator, denominator] = [ht, numerator, denominator].map(|x| allocate::copied(x));
        Self { ht, numerator, denominator, rho: *rho, exponent: *exponent }
    }
}

state!(Learning<T>: ht, numerator, denominator);

impl<T: Real> Learning<T> {
    pub fn new(ht: Vec<T>, rho: f64, exponent: i32) -> Self {
        let (numerator, denominator) = (allocate::copied(&ht), allocate::filled(ht.len(), T::ONE));
        Self { ht, numerator, denominator, rho, exponent }
    }

    /// What a user keeps.
    pub fn learnt(&self, k: usize, steps: usize) -> Learnt<T> {
        let Self { ht, numerator, denominator, rho, exponent } = self;
        let whole = |x: Vec<T>| Dense::from_vec(x, ht.len() / k, k).expect("n×k").transposed();
        Learnt {
            components: whole(allocate::collected(ht.iter().map(|&h| scan::scale_by(h, exponent / 2)))),
            numerator: whole(allocate::copied(numerator)),
            denominator: whole(allocate::copied(denominator)),
            rho: *rho,
            scale_exponent: *exponent,
            steps,
        }
    }

    /// The reverse.
    pub fn of(learnt: &Learnt<T>, k: usize) -> Result<Self, Error> {
        let Learnt { components, numerator, denominator, rho, scale_exponent: exponent, .. } = learnt;
        let n = components.ncols();
        for (operand, x) in [("H", components), ("A", numerator), ("B", denominator)] {
            crate::check::factor(operand, x, (k, n), false)?;
        }
        if !(0.0..=1.0).contains(rho) {
            return Err(invalid("rho", rho, "a number from 0 to 1"));
        }
        if exponent % 2 != 0 {
            return Err(invalid("scale_exponent", exponent, "an even number"));
        }
        let transposed = |x: &Dense<T>| x.transposed().into_vec();
        let ht = transposed(components).into_iter().map(|h| scan::scale_by(h, -exponent / 2)).collect();
        Ok(Self {
            ht,
            numerator: transposed(numerator),
            denominator: transposed(denominator),
            rho: *rho,
            exponent: *exponent,
        })
    }
}

/// W and Hᵀ to start from, in scaled units, and the generator as their making left it.
type Begun<T> = ((Vec<T>, Vec<T>), Generator);

/// Makes them.
pub(super) fn start<T: Real>(data: &Data<'_, T>, v: &Matrix<'_, T>) -> Result<Begun<T>, Error> {
    let nmf = data.nmf;
    let (m, n, k) = (v.nrows(), v.ncols(), nmf.options.rank);
    let default = if k <= m.min(n) { Init::Nndsvda } else { Init::Random };
    let chosen = nmf.init.as_ref().unwrap_or(&default);
    if let Init::Custom { w, h } = chosen {
        for (operand, x, expected) in [("W", w, (m, k)), ("H", h, (k, n))] {
            crate::check::factor(operand, x, expected, true)?;
        }
        let pair = (data.to_scaled(w.clone().into_vec()), data.to_scaled(h.transposed().into_vec()));
        return Ok((pair, nmf.random.clone()));
    }
    let source = Stored::new(v, data.scale, Products::Fused, &data.plan(v), data.workers)?;
    let (source, workers, halt) = (source.sources(), data.workers, &data.halt);
    let ranks = &Ranks::default();
    let of = init::Data { v, scale: data.scale, source, workers, halt, ranks, missing: None, mean: None };
    let mut generator = nmf.random.clone();
    Ok((init::generate(chosen, &of, k, &mut generator)?, generator))
}
