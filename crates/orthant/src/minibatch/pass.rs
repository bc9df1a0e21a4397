//! The pass over the rows of a batch, by Gram matrices for the Frobenius loss and by ratios for the others.

use orthant_kernel::{Isa, accumulator_stride, allocate, rows};

use crate::iterate::{Alternation, Figures, Layout, Pair, Quadratic, Ratio};
use crate::rule::{Majorizer, Multiplicative};
use crate::source::Sources;
use crate::{Error, Real};

/// W and Hᵀ over some rows of V, by multiplicative updates.
pub(super) enum BatchPass<'a, T: Real> {
    Quadratic(Box<Quadratic<'a, T>>),
    Ratios(Box<Ratio<'a, T>>),
}

macro_rules! either {
    ($self:expr, $pass:ident => $call:expr) => {
        match $self {
            Self::Quadratic($pass) => $call,
            Self::Ratios($pass) => $call,
        }
    };
}

impl<'a, T: Real> BatchPass<'a, T> {
    /// The rule for V over 2^`exponent`, with what it takes for 0; `squares` is ‖V‖².
    pub fn new(
        source: Sources<'a, T>,
        (rule, exponent, negligible): (Majorizer<T>, i32, T),
        k: usize,
        layout: Layout,
        squares: f64,
        pair: Pair<T>,
    ) -> Self {
        if rule.beta.beta() == 2.0 {
            let rule = Box::new(Multiplicative::compatible(exponent, negligible));
            Self::Quadratic(Box::new(Quadratic::new(source, rule, k, layout, squares, pair)))
        } else {
            // sizes are the caller's affair
            let rule = rule.at_least(negligible);
            let mut pass = Ratio::new(source, rule, false, k, layout, 1.0, pair);
            pass.ask_for_loss();
            Self::Ratios(Box::new(pass))
        }
    }

    /// Takes the sums that the first update begins with.
    pub fn begin(&mut self) -> Result<(), Error> {
        either!(self, p => p.sweep_outer(false))
    }

    /// Raises small weights to `negligible`, whatever the rule makes of them.
    pub fn keep_from(&mut self, negligible: T) {
        if let Self::Ratios(pass) = self {
            pass.keep_from(negligible);
        }
    }

    /// Updates W, if so, and sums what the update of H needs, unless H is fixed.
    pub fn sweep_inner(&mut self, update: bool) -> Result<(), Error> {
        either!(self, p => p.sweep_inner(update))
    }

    /// W, row-major.
    pub fn w(&self) -> &[T] {
        either!(self, p => &p.pair().inner.x)
    }

    /// The loss, from the residual itself.
    pub fn exact_loss(&mut self) -> Result<f64, Error> {
        either!(self, p => p.exact_loss())
    }

    /// The final figures, of which what remains is the sum of gains, or the root of that of squared steps.
    pub fn figures(&mut self, squares: f64) -> Result<Figures, Error> {
        match self {
            Self::Quadratic(pass) => {
                // for the sums that tell what remains
                pass.sweep_inner(false)?;
                let Figures { loss, remaining } = pass.figures()?;
                Ok(Figures { loss, remaining: remaining * squares.sqrt() })
            }
            Self::Ratios(pass) => pass.finish(),
        }
    }

    /// Numerators and denominators of the update of Hᵀ, n×k, without penalties.
    pub fn sums(&self, ht: &[T], k: usize) -> (Vec<T>, Vec<T>) {
        let stride = accumulator_stride::<T>(k);
        let compact = |padded: &[T]| -> Vec<T> {
            let mut out = allocate::room(ht.len());
            padded.chunks_exact(stride).take(ht.len() / k).for_each(|row| out.extend_from_slice(&row[..k]));
            out
        };
        match self {
            Self::Quadratic(pass) => {
                let (b, gram) = pass.sums_of_outer();
                let mut d = allocate::filled(ht.len(), T::ZERO);
                rows::products(Isa::detect(), ht, gram, k, &mut d);
                (compact(b), d)
            }
            Self::Ratios(pass) => {
                let (b, c, columns) = pass.sums_of_outer();
                let d = if c.is_empty() {
                    // as in scikit-learn: a component without weights has a denominator of 1
                    let column = |&x: &T| if x == T::ZERO { T::ONE } else { x };
                    let mut d = allocate::room(ht.len());
                    d.extend(columns.iter().map(column).cycle().take(ht.len()));
                    d
                } else {
                    compact(c)
                };
                (compact(b), d)
            }
        }
    }

    /// W.
    pub fn into_w(self) -> Vec<T> {
        match self {
            Self::Quadratic(pass) => pass.into_pair().into_user().0,
            Self::Ratios(pass) => pass.into_pair().into_user().0,
        }
    }
}
