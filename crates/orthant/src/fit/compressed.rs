//! A fit's compressed start.

use orthant_kernel::Buffer;

use super::{Factors, Problem};
use crate::compress::{Limits, Sketch};
use crate::iterate::{Factor, Pair};
use crate::source::MatrixSource;
use crate::{Compression, Error, Real};

impl<T: Real> Problem<'_, T> {
    /// The factors that a sketch leads to, if they are nearer to V than those given; and what was done.
    pub(super) fn compressed(
        &self,
        factors: Factors<T>,
        columns: usize,
        source: &MatrixSource<'_, T>,
    ) -> Result<(Factors<T>, Compression), Error> {
        let k = self.nmf.options.rank;
        let n = self.v.ncols();
        let sketch = Sketch::new(source, self.by_columns, n, columns, &self.nmf.random, self.workers);
        let limits = Limits {
            began: self.began,
            max_time: self.nmf.options.max_time,
            cancel: self.nmf.cancel.as_ref(),
        };
        let layout = self.layout(sketch.product());
        let Factors { inner, outer, generator } = factors;
        let again = |of: &Factor<T>, x: Buffer<T>| Factor::new(x, k, of.weights, of.sweeps);
        let (x, y) = (again(&inner, inner.x.clone()), again(&outer, outer.x.clone()));
        let (best, iterations) = sketch.iterate(Pair::new(x, y, self.by_columns), k, layout, &limits);
        let (x, y) = (again(&inner, best.inner.x), again(&outer, best.outer.x));
        let objective = |inner: &Factor<T>, outer: &Factor<T>| {
            let (w, ht) = if self.by_columns { (outer, inner) } else { (inner, outer) };
            let loss = sketch.loss(self.found.squares, &w.x, &ht.x, k);
            loss + w.exact_penalty() + ht.exact_penalty()
        };
        let (before, after) = (objective(&inner, &outer), objective(&x, &y));
        // also where one of them is no number
        let kept = after < before || before.is_nan() && after.is_finite();
        let (inner, outer) = if kept { (x, y) } else { (inner, outer) };
        Ok((
            Factors { inner, outer, generator },
            Compression { rows: self.v.nrows(), columns, iterations, kept },
        ))
    }
}
