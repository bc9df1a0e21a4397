//! One factor and what is kept about it.

use std::sync::Arc;

use orthant_kernel::{Buffer, Real};
use orthant_kernel::{allocate, rows::Step};

use super::lines::{Lines, Role, Trail, split_lines};
use super::visit::Mode;
use crate::Error;
use crate::known::Limits;
use crate::lanes::Lanes;
use crate::penalty::Weights;
use crate::ranks::Ranks;
use crate::reduce::Slots;
use crate::state::{State, damaged, restore_made, save_made};

/// One factor, rows of k.
#[derive(Debug)]
pub(crate) struct Factor<T> {
    pub x: Buffer<T>,
    pub weights: Weights,
    pub sweeps: usize,
    /// What bounds its entries, if anything does.
    pub limits: Option<Arc<Limits<T>>>,
    /// XᵀX, k×k, where the loss is quadratic.
    pub gram: Vec<T>,
    /// Σ|x|, kept where an L1 penalty asks for it.
    pub sum: f64,
    /// Σx², kept where an L2 penalty asks for it.
    pub squares: f64,
    /// Of the last update.
    pub step: Step,
    /// Its copies, where it is extrapolated.
    pub trail: Option<Trail<T>>,
}

impl<T: Real> Factor<T> {
    pub fn new(x: impl Into<Buffer<T>>, k: usize, weights: Weights, sweeps: usize) -> Self {
        let gram = allocate::filled(k * k, T::ZERO);
        Self {
            x: x.into(),
            weights,
            sweeps,
            limits: None,
            gram,
            sum: 0.0,
            squares: 0.0,
            step: Step::default(),
            trail: None,
        }
    }

    /// With bounds of its entries, and the entries within them; how many were not.
    pub fn within(mut self, limits: Option<Arc<Limits<T>>>) -> (Self, usize) {
        let outside = limits.as_ref().map_or(0, |limits| limits.all().hold(&mut self.x));
        (Self { limits, ..self }, outside)
    }

    /// Entries of 0 that are not fixed.
    pub fn free_zeros(&self) -> usize {
        let fixed = |at| self.limits.as_ref().is_some_and(|limits| limits.all().is_fixed(at));
        self.x.iter().enumerate().filter(|&(at, &x)| x == T::ZERO && !fixed(at)).count()
    }

    /// The penalty's value from the entries themselves, in double precision.
    pub fn exact_penalty(&self) -> f64 {
        let (mut sum, mut squares) = (0.0, 0.0);
        for x in &self.x {
            sum += x.to_f64();
            squares += x.to_f64() * x.to_f64();
        }
        self.weights.value(sum, squares)
    }

    /// The penalty's value, from the sums that the last update kept.
    pub fn penalty(&self) -> f64 {
        self.weights.value(self.sum, self.squares)
    }

    /// The rows that the other factor is updated against.
    pub fn operand(&self) -> &[T] {
        self.trail.as_ref().and_then(Trail::operand).map_or(&self.x, |(rows, _)| rows)
    }

    /// Their Gram matrix.
    pub fn operand_gram(&self) -> &[T] {
        self.trail.as_ref().and_then(Trail::operand).map_or(&self.gram, |(_, gram)| gram)
    }

    /// Its rows with their copies, by lanes, for a walk in that mode.
    pub(super) fn lines(&mut self, mode: Mode, k: usize, lanes: &Lanes) -> Slots<Lines<'_, T>> {
        if let Some(trail) = &mut self.trail {
            trail.begun |= mode == Mode::Update;
        }
        split_lines(&mut self.x, self.trail.as_mut(), k, lanes)
    }

    /// Completes its rows and their copies, of which each rank has those of its lanes.
    pub(super) fn gather(&mut self, ranks: &Ranks, k: usize, lanes: &Lanes) -> Result<(), Error> {
        ranks.gather(&mut self.x, k, lanes)?;
        self.trail.as_mut().map_or(Ok(()), |trail| trail.gather(ranks, k, lanes))
    }

    /// Whether it is extrapolated in that role.
    pub fn has_role(&self, role: Role) -> bool {
        self.trail.as_ref().is_some_and(|trail| trail.role == role)
    }

    /// Before an update against components of the other factor of these sizes.
    pub fn meet(&mut self, sizes: impl Iterator<Item = f64>) {
        if let Some(trail) = &mut self.trail {
            trail.meet(sizes);
        }
    }

    /// Gives its copies their roles for the next iteration, with β for it.
    pub fn begin_iteration(&mut self, accepted: bool, beta: f64) {
        if let Some(trail) = &mut self.trail {
            trail.begin_iteration(&mut self.x, &mut self.gram, accepted, beta);
        }
    }

    /// Ends extrapolation: x becomes the best pair's.
    pub fn finish(&mut self, accepted: bool) {
        if let Some(trail) = self.trail.take() {
            self.x = trail.best(std::mem::take(&mut self.x), accepted);
        }
    }
}

impl<T: Real> State for Factor<T> {
    fn save(&self, to: &mut Vec<u8>) {
        let Self { x, weights: _, sweeps: _, limits: _, gram, sum, squares, step, trail } = self;
        x.save(to);
        gram.save(to);
        [*sum, *squares].save(to);
        step.save(to);
        save_made(trail.as_ref(), to);
    }

    fn restore(&mut self, from: &mut &[u8]) -> Result<(), Error> {
        let Self { x, weights: _, sweeps: _, limits: _, gram, sum, squares, step, trail } = self;
        x.restore(from)?;
        if let Some(x) = x.iter().find(|x| !(x.is_finite() && **x >= T::ZERO)) {
            return Err(damaged(format!("a factor has the entry {x}")));
        }
        gram.restore(from)?;
        let mut sums = [0.0; 2];
        sums.restore(from)?;
        [*sum, *squares] = sums;
        step.restore(from)?;
        restore_made(trail.as_mut(), from)
    }
}

/// The least entry but 0 that multiplicative updates leave in either factor: below it products with the other could be
/// subnormal, which processors are slow with. It is at most 2⁻³⁹ (f64: 2⁻³¹¹) of any component's largest entry.
pub(crate) fn negligible<T: Real>(a: &[T], b: &[T], k: usize) -> T {
    // half the exponent of the smallest normal number; how far from 1 a component may be; what does no harm else
    let (root, far, last) = if T::NAME == "float32" { (-63, 24, -100) } else { (-511, 200, -960) };
    let ordinary = |x: &[T]| {
        let mut largest = vec![T::ZERO; k];
        for row in x.chunks_exact(k) {
            largest.iter_mut().zip(row).for_each(|(largest, &x)| *largest = largest.max(x));
        }
        largest.iter().all(|x| *x == T::ZERO || x.to_f64().log2().abs() <= f64::from(far))
    };
    let exponent = if ordinary(a) && ordinary(b) { root } else { last };
    T::from_f64(f64::from(exponent).exp2())
}
