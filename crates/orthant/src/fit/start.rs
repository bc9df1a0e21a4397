//! The factors that a fit starts from.

use orthant_kernel::Buffer;

use super::{Factors, Problem, sampled};
use crate::choice::Choice;
use crate::clock::Instant;
use crate::iterate::Factor;
use crate::random::Generator;
use crate::report::Warning;
use crate::source::{Estimate, Sources};
use crate::{Dense, Error, Init, Matrix, Nmf, Real, check, init, scan, threads};

impl<T: Real> Problem<'_, T> {
    /// W and Hᵀ to start from, for the scaled V.
    pub(super) fn start(
        &self,
        generator: &mut Generator,
        source: Sources<'_, T>,
        guess: Option<&[Estimate<T>; 2]>,
    ) -> Result<(Vec<T>, Vec<T>), Error> {
        let Self { nmf, v, scale, workers, .. } = *self;
        let k = nmf.options.rank;
        let unobserved = self.unobserved.as_ref().and_then(|[along, _]| along.as_ref());
        let missing = unobserved.zip(guess.map(|[along, _]| along));
        let mean = self.lists.map(|lists| (lists.mean() * scale.to_f64()).max(0.0));
        let ranks = &self.ranks;
        let data = init::Data { v, scale, source, workers, halt: &self.halt, ranks, missing, mean };
        if let Some(h) = self.given {
            let w = if !self.choice.method.loss.is_quadratic() || self.choice.method.keeps_zeros() {
                (data.mean()? / T::from_f64(k as f64)).sqrt()
            } else {
                T::ZERO
            };
            let mut weights = Buffer::roomy(v.nrows() * k);
            weights.fill(w);
            return Ok((weights, self.scaled(init::transposed(h))));
        }
        let default = nmf.options.default_start(v.nrows(), v.ncols());
        let start = nmf.init.as_ref().unwrap_or(&default);
        if let Init::Custom { w, h } = start {
            let mut weights = Buffer::roomy(v.nrows() * k);
            weights.copy_from_slice(w.as_slice());
            return Ok((self.scaled(weights), self.scaled(init::transposed(h))));
        }
        if let Some(lists) = self.lists {
            return self.start_of_lists(lists, start, &data, generator);
        }
        init::generate(start, &data, k, generator)
    }

    /// The start alone, in the user's units.
    pub(super) fn init_factors(
        &self,
        source: Sources<'_, T>,
        guess: Option<&[Estimate<T>; 2]>,
    ) -> Result<(Dense<T>, Dense<T>), Error> {
        let (m, n, k) = (self.v.nrows(), self.v.ncols(), self.nmf.options.rank);
        let (w, ht) = self.start(&mut self.nmf.random.clone(), source, guess)?;
        let (w, ht) = (self.unscaled(w), self.unscaled(ht));
        Ok((Dense::from_vec(w, m, k)?, Dense::from_vec(ht, n, k)?.transposed()))
    }

    /// A start that is given, at V's size: one that is further from it than 2²⁰⁰ times (2⁶⁰ in single precision) is multiplied by
    /// powers of two, and one whose factors are as far from each other is shared out alike, unless the method is to have it as
    /// it is.
    fn sized(&self, mut w: Vec<T>, mut ht: Vec<T>, warnings: &mut Vec<Warning>) -> (Vec<T>, Vec<T>) {
        let most = if T::NAME == "float32" { 60.0 } else { 200.0 };
        let k = self.nmf.options.rank;
        let size = |x: &[T]| {
            let mut most = vec![T::ZERO; k];
            for row in x.chunks_exact(k) {
                most.iter_mut().zip(row).for_each(|(most, x)| *most = most.max(*x));
            }
            most.into_iter().map(|x| x.to_f64().log2())
        };
        let of_v = self.found.max.log2() - f64::from(self.exponent);
        // of the component whose product is largest
        let largest = size(&w).zip(size(&ht)).max_by(|a, b| (a.0 + a.1).total_cmp(&(b.0 + b.1)));
        let Some((of_w, of_h)) = largest.filter(|(w, h)| (w + h).is_finite()) else { return (w, ht) };
        let (apart, uneven) = (of_v - of_w - of_h, of_h - of_w);
        let (far, uneven_by, rescaled) =
            (apart.abs() > most, uneven.abs() > most, !self.choice.method.is_compatible());
        if far {
            warnings.push(Warning::StartScale { exponent: apart as i32, rescaled });
        }
        if rescaled && (far || uneven_by) {
            let both = if far { apart / 2.0 } else { 0.0 };
            let [on_w, on_h] = [uneven / 2.0 + both, both - uneven / 2.0].map(|e| e.round() as i32);
            w.iter_mut().for_each(|x| *x = scan::scale_by(*x, on_w));
            ht.iter_mut().for_each(|x| *x = scan::scale_by(*x, on_h));
        }
        (w, ht)
    }

    /// Whether V is one row or one column, which one component fits exactly, and no start or penalty asks for another answer.
    fn is_line(&self) -> bool {
        let drawn = matches!(self.nmf.init, None | Some(Init::Random | Init::ScaledRandom));
        self.unobserved.is_none()
            && self.lists.is_none()
            && self.v.nrows().min(self.v.ncols()) == 1
            && drawn
            && self.nmf.options.is_free(self.is_held())
    }

    /// W and Hᵀ with that row or column in the first component, and nothing in the others.
    fn line(&self) -> Result<(Vec<T>, Vec<T>), Error> {
        let (m, n, k) = (self.v.nrows(), self.v.ncols(), self.nmf.options.rank);
        let (mut w, mut ht) = (Buffer::roomy(m * k), Buffer::roomy(n * k));
        let along = if m == 1 { &mut ht } else { &mut w };
        let mut put = |at: usize, x: T| along[at * k] = x * self.scale;
        match self.v {
            Matrix::Dense(v) => (0..m).for_each(|i| (0..n).for_each(|j| put(i + j, v.at(i, j)))),
            Matrix::Csr(v) => (0..m).for_each(|i| v.row(i).for_each(|(j, x)| put(i + j, x))),
            Matrix::Csc(v) => (0..n).for_each(|j| v.transposed().row(j).for_each(|(i, x)| put(i + j, x))),
            Matrix::OutOfCore(_) => {
                let all = self.v.to_dense(T::ONE)?;
                all.as_slice().iter().enumerate().for_each(|(at, &x)| put(at, x));
            }
        }
        // of one size, or single precision could not hold the squares of both
        let largest = along.iter().fold(T::ZERO, |most, x| most.max(*x));
        let half = (largest.to_f64().log2() / 2.0).floor() as i32;
        along.iter_mut().for_each(|x| *x = scan::scale_by(*x, -half));
        let other = if m == 1 { &mut w } else { &mut ht };
        other[0] = scan::scale_by(T::ONE, half);
        Ok((w, ht))
    }

    /// Rows of W and of Hᵀ with what holds for each.
    pub(super) fn factors_of(&self, [w, ht]: [Vec<T>; 2]) -> [Factor<T>; 2] {
        let (m, n, k) = (self.v.nrows(), self.v.ncols(), self.nmf.options.rank);
        let Choice { method, sweeps, .. } = self.choice;
        let (p, beta, penalty) = (self.exponent / 2, method.loss.beta(), self.nmf.options.penalty);
        [
            Factor::new(w, k, penalty.on_w(n).scaled(p, beta), sweeps.0),
            Factor::new(ht, k, penalty.on_h(m).scaled(p, beta), sweeps.1),
        ]
    }

    /// The same within what is known of them; how many entries of both were not.
    pub(super) fn known_factors(&self, [w, ht]: [Factor<T>; 2]) -> ([Factor<T>; 2], usize) {
        let [of_w, of_h] = self.limits.clone();
        let ((w, outside_w), (ht, outside_h)) = (w.within(of_w), ht.within(of_h));
        ([w, ht], outside_w + outside_h)
    }

    /// The factors to start from: those that were found, if any were.
    pub(super) fn factors(
        &self,
        source: Sources<'_, T>,
        guess: Option<&[Estimate<T>; 2]>,
        found: sampled::Found<T>,
    ) -> Result<(Factors<T>, Vec<Warning>), Error> {
        let Self { nmf, by_columns, .. } = *self;
        let (method, k) = (self.choice.method, nmf.options.rank);
        let mut generator = nmf.random.clone();
        let (w, ht) = match found {
            Some(factors) => factors,
            None if self.is_line() => self.line()?,
            None => self.start(&mut generator, source, guess)?,
        };
        let mut warnings = Vec::new();
        let line = self.given.is_none() && self.is_line();
        let started = self.given.is_none() && matches!(nmf.init, Some(Init::Custom { .. }));
        let (w, mut ht) = if started { self.sized(w, ht, &mut warnings) } else { (w, ht) };
        if method.is_newton() && self.given.is_none() && !started && !line {
            init::fill_zero_rows(&mut ht, k);
        }
        let ([w, ht], outside) = self.known_factors(self.factors_of([w, ht]));
        if started && outside > 0 {
            warnings.push(Warning::OutsideBounds { count: outside });
        }
        if method.keeps_zeros() && matches!(nmf.init, Some(Init::Custom { .. })) {
            // also where it is memory that has decided so
            check::not_zero("W", &w.x)?;
            check::not_zero("H", &ht.x)?;
        }
        if ht.x.iter().all(|&x| x == T::ZERO) {
            warnings.push(Warning::ZeroStart);
        }
        if method.keeps_zeros() && self.given.is_none() && !line {
            let zeros = w.free_zeros() + ht.free_zeros();
            if zeros > 0 {
                warnings.push(Warning::LockedZeros { count: zeros });
            }
        }
        // coordinates that move in turn come apart
        let in_turn = method.goes_in_turn();
        let alike = if in_turn || self.given.is_some() || line { None } else { identical(&w.x, &ht.x, k) };
        if let Some((first, second)) = alike {
            warnings.push(Warning::IdenticalComponents { first, second });
        }
        let (inner, outer) = if by_columns { (ht, w) } else { (w, ht) };
        Ok((Factors { inner, outer, generator }, warnings))
    }
}

/// The first two components that are the same in both factors: updates can never tell them apart.
fn identical<T: Real>(w: &[T], ht: &[T], k: usize) -> Option<(usize, usize)> {
    let same = |a: usize, b: usize| w.chunks_exact(k).chain(ht.chunks_exact(k)).all(|row| row[a] == row[b]);
    (0..k).flat_map(|a| (a + 1..k).map(move |b| (a, b))).find(|&(a, b)| same(a, b))
}

/// The start alone, in the user's units.
pub(crate) fn init_factors<T: Real>(nmf: &Nmf<T>, v: &Matrix<'_, T>) -> Result<(Dense<T>, Dense<T>), Error> {
    let began = Instant::now();
    check::in_memory(nmf, v, false)?;
    nmf.check()?;
    check::shapes(nmf, v, None)?;
    if let Some(lines) = nmf.lines.checked(v.nrows(), v.ncols())? {
        return super::weighted::init_factors(nmf, v, &lines);
    }
    threads::on(nmf.options.threads, |workers| {
        let lists = super::lists::wanted(nmf, v, workers)?;
        if let Some(lists) = &lists {
            return super::lists::init_factors(nmf, lists, workers, began);
        }
        let problem = Problem::new(nmf, v, None, workers, began)?;
        let guess = problem.estimate();
        let source = problem.source(guess.as_ref())?;
        problem.init_factors(source.sources(), guess.as_ref())
    })?
    .0
}
