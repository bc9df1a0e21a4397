//! Where the iterations of a fit begin: at a start, or where another fit stood.

use std::sync::OnceLock;

use super::{Factors, Problem};
use orthant_kernel::allocate;

use crate::checkpoint::{Checkpoint, Data, Said};
use crate::drive::Known;
use crate::iterate::{Factor, Pair, negligible};
use crate::random::Generator;
use crate::source::{Estimate, Sources};
use crate::state::{State, damaged};
use crate::{Error, Real};

/// What a fit has at its first iteration besides the factors.
pub(super) struct Begun<'c, T> {
    /// As the start left it.
    pub generator: Generator,
    pub said: Said,
    /// Which data the fit is of, once a checkpoint has asked for it.
    pub data: OnceLock<Data>,
    /// The start is near to a minimum.
    pub near: bool,
    /// What is known of the start, if it is worth to be returned by itself.
    pub known: Option<Known>,
    /// What is as good as 0 in its factors, by the start.
    pub negligible: T,
    /// The state of its loop and its run, where it is gone on with.
    pub state: Option<&'c [u8]>,
}

impl<T: Real> Problem<'_, T> {
    /// The factors of the start, on a sample or a sketch if that is the plan.
    pub(super) fn begin(
        &self,
        source: Sources<'_, T>,
        guess: Option<&[Estimate<T>; 2]>,
    ) -> Result<(Pair<T>, Begun<'static, T>), Error> {
        let mut compression = None;
        let found_on_sample = match self.choice.sample {
            Some(rows) => {
                let (start, done) = self.sampled(rows)?;
                compression = Some(done);
                start
            }
            None => None,
        };
        let near = found_on_sample.is_some();
        let (mut factors, warnings) = self.factors(source, guess, found_on_sample)?;
        let mut known = None;
        if let Some(columns) = self.choice.sketch {
            let done;
            (factors, known, done) = self.compressed(factors, columns, source, guess)?;
            compression = Some(done);
        }
        let Factors { inner, outer, generator } = factors;
        let negligible = negligible(&inner.x, &outer.x, self.nmf.options.rank);
        let said = Said { warnings, compression };
        Ok((
            self.pair(inner, outer),
            Begun { generator, said, data: OnceLock::new(), near, known, negligible, state: None },
        ))
    }

    /// Factors of the right size, to be filled by the loop's state, and the beginning of the fit that the checkpoint is of.
    ///
    /// # Errors
    /// [`Error::CheckpointMismatch`].
    pub(super) fn resume<'c>(&self, checkpoint: &'c Checkpoint) -> Result<(Pair<T>, Begun<'c, T>), Error> {
        let data = checkpoint.check(|| self.data(), &self.nmf.options, self.given.is_some())?;
        let mut state = checkpoint.state();
        let (mut generator, mut negligible) = (self.nmf.random.clone(), [T::ZERO]);
        generator.restore(&mut state)?;
        negligible.restore(&mut state)?;
        let (m, n, k) = (self.v.nrows(), self.v.ncols(), self.nmf.options.rank);
        let zeros = [m * k, n * k].map(|len| allocate::filled(len, T::ZERO));
        let ([w, ht], _) = self.known_factors(self.factors_of(zeros));
        let (inner, outer) = if self.by_columns { (ht, w) } else { (w, ht) };
        let [negligible] = negligible;
        let said = checkpoint.said();
        let begun = Begun {
            generator,
            said,
            data: data.into(),
            near: false,
            known: None,
            negligible,
            state: Some(state),
        };
        Ok((self.pair(inner, outer), begun))
    }

    /// Which data the fit is of.
    fn data(&self) -> Result<Data, Error> {
        let weights = self.lists.and_then(|lists| lists.weights.as_deref());
        let [w, h] = self.limits.each_ref().map(|limits| limits.as_deref());
        Ok(Data::of(self.v)?
            .besides("weights", weights)
            .besides("W from", w.map(|w| &w.lower[..]))
            .besides("to", w.map(|w| &w.upper[..]))
            .besides("H from", h.map(|h| &h.lower[..]))
            .besides("to", h.map(|h| &h.upper[..])))
    }

    /// What a loop keeps of the fit, with the state behind it.
    pub(super) fn checkpoint(
        &self,
        begun: &Begun<'_, T>,
        iterations: usize,
        append: impl FnOnce(&mut Vec<u8>),
    ) -> Result<Checkpoint, Error> {
        let mut state = Vec::new();
        begun.generator.save(&mut state);
        [begun.negligible].save(&mut state);
        append(&mut state);
        let (options, weights_only) = (self.nmf.options.clone(), self.given.is_some());
        let data = Data::kept(&begun.data, || self.data())?;
        Ok(Checkpoint::new(data, options, weights_only, iterations, begun.said.clone(), state))
    }

    /// Refuses a state with another H than the one that is given.
    pub(super) fn check_given(&self, pair: &Pair<T>) -> Result<(), Error> {
        match self.given {
            Some(h) if self.scaled(h.transposed().into_vec())[..] != pair.of_user().1.x[..] => {
                Err(damaged("the H in it is not the one that is given"))
            }
            _ => Ok(()),
        }
    }

    fn pair(&self, inner: Factor<T>, outer: Factor<T>) -> Pair<T> {
        Pair::new(inner, outer, self.by_columns).fixed(self.fixed())
    }
}
