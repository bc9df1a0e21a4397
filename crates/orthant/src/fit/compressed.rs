//! A fit's compressed start.

use std::ops::ControlFlow;

use orthant_kernel::Buffer;

use super::{Factors, Problem};
use crate::compress::Sketch;
use crate::drive::Known;
use crate::iterate::{Factor, Layout, Pair};
use crate::ranks::Ranks;
use crate::source::{Estimate, Source, Sources};
use crate::{Compression, Error, Iteration, Real, StopReason};

impl<T: Real> Problem<'_, T> {
    /// The factors that a sketch leads to, if they are nearer to V than those given, with what is known of them then; and what was
    /// done.
    pub(super) fn compressed(
        &self,
        factors: Factors<T>,
        columns: usize,
        source: Sources<'_, T>,
        guess: Option<&[Estimate<T>; 2]>,
    ) -> Result<(Factors<T>, Option<Known>, Compression), Error> {
        let k = self.nmf.options.rank;
        let n = self.v.ncols();
        let layout = self.layout(&source.rows.extent());
        let sketch = Sketch::new(source, self.by_columns, n, columns, &self.nmf.random, &layout)?;
        let mut unobserved = |_: &Iteration<'_, T>| ControlFlow::<StopReason>::Continue(());
        let mut watch = self.watch(&mut unobserved);
        // small enough for each rank to do all of it
        let layout = self.layout(&sketch.source()?.extent());
        let layout = Layout { halt: layout.halt_alone(), ranks: Ranks::default(), ..layout };
        let Factors { inner, outer, generator } = factors;
        let again = |of: &Factor<T>, x: Buffer<T>| Factor {
            limits: of.limits.clone(),
            ..Factor::new(x, k, of.weights, of.sweeps)
        };
        let (x, y) = (again(&inner, inner.x.clone()), again(&outer, outer.x.clone()));
        let pair = Pair::new(x, y, self.by_columns);
        let done = |iterations, kept| Compression { rows: self.v.nrows(), columns, iterations, kept };
        let (best, run) = match sketch.iterate(pair, layout, self.terms(0), &mut watch) {
            Ok(found) => found,
            Err(Error::Diverged { iteration }) => {
                self.nmf.ranks.go_on();
                return Ok((Factors { inner, outer, generator }, None, done(iteration, false)));
            }
            Err(other) => return Err(other),
        };
        let (x, y) = (again(&inner, best.inner.x), again(&outer, best.outer.x));
        // of what the sketch was made of, where entries were guessed
        let squares = self.found.squares + guess.map_or(0.0, |[guess, _]| guess.squares);
        let objective = |inner: &Factor<T>, outer: &Factor<T>| {
            let (w, ht) = if self.by_columns { (outer, inner) } else { (inner, outer) };
            let loss = sketch.loss(squares, &w.x, &ht.x, k)?;
            Ok::<_, Error>((loss, loss + w.exact_penalty() + ht.exact_penalty()))
        };
        // both in a moment, or a limit that has ended the iterations would end all
        self.halt.renew();
        let ((_, before), (loss, after)) = (objective(&inner, &outer)?, objective(&x, &y)?);
        self.halt.renew();
        // also where one of them is no number
        let kept = after < before || before.is_nan() && after.is_finite();
        let (inner, outer) = if kept { (x, y) } else { (inner, outer) };
        let step = run.known.map_or(1.0, |known| known.step);
        let known = (kept && guess.is_none()).then_some(Known { loss, objective: after, step });
        Ok((Factors { inner, outer, generator }, known, done(run.iterations, kept)))
    }
}
