//! Rows and columns in halves: a quarter is predicted from the other three.
//!
//! With V as blocks [A B; C D] and A held out: D ≈ W·H, then B gives the weights of A's rows on H, and C the components' entries in
//! A's columns on W (A. B. Owen and P. O. Perry 2009, doi:10.1214/08-AOAS227).

use orthant::{Dense, Error, Loss, Matrix, Model, Nmf, Real, ToMatrix, Transform};

use super::loss::{Prediction, loss, marginals};
use crate::data::{Part, select, shuffled, transposed};

/// The four blocks of a fold.
#[derive(Debug)]
pub struct Blocks<T: Real> {
    a: Part<T>,
    b: Part<T>,
    /// Cᵀ.
    ct: Part<T>,
    d: Part<T>,
}

/// Two halves of the numbers below `count`, each in ascending order: a division that is drawn.
fn halves(count: usize, seed: u32, what: &str) -> [Vec<usize>; 2] {
    let mut numbers = shuffled(count, &format!("{seed}/block-data/{what}"));
    let mut second = numbers.split_off(count / 2);
    numbers.sort_unstable();
    second.sort_unstable();
    [numbers, second]
}

impl<T: Real> Blocks<T> {
    /// Of a matrix by rows, its division number `replicate`, with fold 0 to 3 held out.
    pub fn of(v: &Matrix<'_, T>, seed: u32, replicate: usize, fold: usize) -> Result<Self, Error> {
        let [mut rows, mut other_rows] = halves(v.nrows(), seed, &format!("{replicate}/row"));
        let [mut columns, mut other_columns] = halves(v.ncols(), seed, &format!("{replicate}/column"));
        if fold % 2 == 1 {
            (rows, other_rows) = (other_rows, rows);
        }
        if fold / 2 == 1 {
            (columns, other_columns) = (other_columns, columns);
        }
        Ok(Self {
            a: select(v, &rows, &columns)?,
            b: select(v, &rows, &other_columns)?,
            ct: transposed(&select(v, &other_rows, &columns)?),
            d: select(v, &other_rows, &other_columns)?,
        })
    }

    /// The rows and columns that are fitted.
    pub fn fitted(&self) -> Result<(usize, usize), Error> {
        let d = self.d.to_matrix()?;
        Ok((d.nrows(), d.ncols()))
    }

    /// The loss on the block that is held out.
    pub fn test(&self, nmf: &Nmf<T>, solve: &Transform) -> Result<f64, Error> {
        let fit = nmf.fit(&self.d)?;
        let of = fit.report.loss_function;
        let (w, _) = fit.model.transform_with(&self.b, solve)?;
        let weights = Model::from_components(fit.w.transposed(), fit.model.penalty())?.with_loss(of)?;
        let (ht, _) = weights.transform_with(&self.ct, solve)?;
        self.measured(of, &w, &ht.transposed())
    }

    fn measured(&self, of: Loss, w: &Dense<T>, h: &Dense<T>) -> Result<f64, Error> {
        let (rows, _) = marginals(&self.b.to_matrix()?);
        let (columns, _) = marginals(&self.ct.to_matrix()?);
        Ok(loss(of, &Prediction::new(w, h, 1.0), &self.a.to_matrix()?, &rows, &columns))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_all() {
        let [a, b] = halves(7, 1, "x");
        assert_eq!((a.len(), b.len()), (3, 4));
        let mut all = [a, b].concat();
        all.sort_unstable();
        assert!(all.into_iter().eq(0..7));
    }

    /// Data of exact rank 2 is predicted exactly with 2 components, and not with 1.
    #[test]
    fn the_rank_of_the_data_predicts_what_is_held_out() {
        let v = Dense::from_fn(24, 20, |i, j| ((i % 3) * (j % 4) + (i % 2 + 1) * (j % 3 + 1)) as f64);
        let squares: f64 = v.as_slice().iter().map(|x| x * x).sum();
        for fold in 0..4 {
            let blocks = Blocks::of(&v.to_matrix().unwrap(), 3, 0, fold).unwrap();
            assert_eq!(blocks.fitted().unwrap(), (12, 10));
            let of = |k| {
                blocks.test(&Nmf::new(k).tol(1e-10).max_iter(3000).seed(1), &Transform::default()).unwrap()
            };
            assert!(of(2) < 1e-5 * squares && of(1) > 1e-3 * squares, "fold {fold}: {} {}", of(2), of(1));
        }
    }
}
