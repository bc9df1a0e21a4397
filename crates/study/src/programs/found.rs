//! What is made of the components that came back.

use faer::{Mat, Side};
use orthant::{Cancel, Csc, Csr, Dense, Error, Loss, Model, Penalty, ToMatrix, Transform};
use orthant_io::Scalar;
use rayon::prelude::*;

use super::MILLION;
use super::cells::{Cells, deviation};
use super::selection::Rows;
use crate::{Consensus, StudyError};

/// Ranges of rows that are summed by themselves.
const CHUNKS: usize = 16;
/// The least variance that transcripts are divided by.
const LEAST_VARIANCE: f64 = 1e-12;

/// The programs of a [consensus](crate::Consensus), as cNMF has them. k programs, over m cells and n genes, of which c are chosen.
///
/// From the [weights](Self::weights) U ≥ 0 that minimise the loss of the fitted counts against U times the spectra follow, with T for
/// transcripts per million:
///
/// - [`spectra_tpm`](Self::spectra_tpm): S ≥ 0 that minimises the loss of T against ÛS, where the rows of Û are those of U at sum 1;
/// - [`scores`](Self::scores): B that minimises ‖Z − UB‖², where the columns of Z are those of T at mean 0 and variance 1 (one of
///   less than 10⁻¹² counts as that); of several the smallest;
/// - [`usages`](Self::usages): U ≥ 0 that minimises the loss of T·D against U·S·E, over the chosen genes, where D divides a gene by its
///   standard deviation as that of a sample and E as that of a population.
///
/// The loss is that of the fits. A cell that uses nothing has a row of zeros in Û.
#[derive(Clone, Debug)]
pub struct Programs {
    /// How much each cell uses each program, m×k.
    pub usages: Dense<f64>,
    /// The components that came back at sum 1, k×c.
    pub spectra: Dense<f64>,
    /// How much of each spectrum the fitted counts of a cell are made of, m×k: usages before they are fitted again.
    pub weights: Dense<f64>,
    /// What each program adds to the transcripts per million of a cell that uses nothing else, k×n.
    pub spectra_tpm: Dense<f64>,
    /// How many standard deviations a unit of usage adds to each gene, k×n: the largest are the genes that mark a program.
    pub scores: Dense<f64>,
    /// [`spectra_tpm`](Self::spectra_tpm) at sum 10⁶ over the standard deviations of the chosen genes, k×c, as starCAT takes a reference.
    pub reference: Dense<f64>,
}

impl Programs {
    /// Those of a consensus of fits of `cells`. The documentation of the [module](crate::programs) has an example.
    ///
    /// Nothing in it depends on threads.
    ///
    /// Cost: three passes over all counts, of 2k operations for each, and the minima of m + n rows of k unknowns.
    ///
    /// # Errors
    /// [`StudyError::Fit`] for a consensus of other cells or genes, and [`Interrupted`](Error::Interrupted) once the flag is raised.
    pub fn of<T: Scalar>(
        cells: &Cells<T>,
        consensus: &Consensus<T>,
        cancel: &Cancel,
    ) -> Result<Self, StudyError> {
        let h = consensus.fit.model.components();
        let expected = (cells.cells().len(), cells.chosen().len());
        let found = (consensus.fit.w.nrows(), h.ncols());
        if found != expected {
            return Err(Error::ShapeMismatch { operand: "the consensus", expected, found }.into());
        }
        let (m, k, c) = (expected.0, h.nrows(), expected.1);
        let sums: Vec<f64> = (0..k).map(|t| h.row(t).iter().map(|x| x.to_f64()).sum()).collect();
        let share = |t: usize, j: usize| if sums[t] > 0.0 { h[(t, j)].to_f64() / sums[t] } else { 0.0 };
        let spectra = Dense::from_fn(k, c, share);
        let loss = consensus.options.method.loss;
        let fitted: Rows<f64> = cells.counts.select(&cells.places(), |_, j, x| x / cells.deviations[j]);
        let weights = least(fitted.into_matrix(c)?, spectra.clone(), loss, cancel)?;

        let tpm = cells.tpm();
        let tpm = cells.with(&tpm)?;
        let spectra_tpm =
            least(Csc::of_transposed(tpm.by_ref()), at_sum_one(&weights), loss, cancel)?.transposed();
        let genes = &cells.overdispersion().genes;
        let scores = scores(&weights, &tpm, genes.iter().map(|gene| (gene.mean, gene.variance)))?;

        let of_chosen = |j: usize| genes[cells.chosen()[j]].variance.sqrt();
        let over = |x: f64, deviation: f64| if deviation > 0.0 { x / deviation } else { x };
        let norm = |t: usize, j: usize| over(spectra_tpm[(t, cells.chosen()[j])], of_chosen(j));
        let rows: Rows<f64> = cells
            .counts
            .select(&cells.places(), |i, j, x| x * cells.factors[i] / deviation(genes[j].variance, m));
        let usages = least(rows.into_matrix(c)?, Dense::from_fn(k, c, norm), loss, cancel)?;
        let totals: Vec<f64> = (0..k).map(|t| spectra_tpm.row(t).iter().sum()).collect();
        let reference = Dense::from_fn(k, c, |t, j| over(norm(t, j), totals[t] / MILLION));
        Ok(Self { usages, spectra, weights, spectra_tpm, scores, reference })
    }

    /// The genes of the largest [scores](Self::scores) of each program, at most `count`, the largest first; of equal ones the first.
    pub fn top_genes(&self, count: usize) -> Vec<Vec<usize>> {
        let of = |t: usize| {
            let scores = self.scores.row(t);
            let mut order: Vec<usize> = (0..scores.len()).collect();
            order.sort_by(|&i, &j| scores[j].total_cmp(&scores[i]));
            order.truncate(count);
            order
        };
        (0..self.scores.nrows()).map(of).collect()
    }
}

/// Rows at sum 1; one of zeros stays so.
fn at_sum_one(u: &Dense<f64>) -> Dense<f64> {
    let sums: Vec<f64> = (0..u.nrows()).map(|i| u.row(i).iter().sum()).collect();
    Dense::from_fn(u.ncols(), u.nrows(), |t, i| if sums[i] > 0.0 { u[(i, t)] / sums[i] } else { 0.0 })
}

/// W ≥ 0 that minimises the loss of V against WH.
fn least(v: impl ToMatrix<f64>, h: Dense<f64>, loss: Loss, cancel: &Cancel) -> Result<Dense<f64>, Error> {
    let model = Model::from_components(h, Penalty::default())?.with_loss(loss)?;
    let options = Transform { cancel: Some(cancel.clone()), ..Transform::default() };
    Ok(model.transform_with(&v, &options)?.0)
}

/// The least squares coefficients of standardised columns of `v` on the columns of `u`. The matrix of the normal equations is inverted by
/// its eigenvalues, those left out that rounding alone could have made.
fn scores(
    u: &Dense<f64>,
    v: &Csr<'_, f64>,
    moments: impl Iterator<Item = (f64, f64)>,
) -> Result<Dense<f64>, StudyError> {
    let (m, k, n) = (u.nrows(), u.ncols(), v.ncols());
    let lines = m.div_ceil(CHUNKS).max(1);
    let part = |chunk: usize| {
        let mut sums = vec![0.0; n * k];
        for i in chunk * lines..((chunk + 1) * lines).min(m) {
            for (j, x) in v.row(i) {
                sums[j * k..][..k].iter_mut().zip(u.row(i)).for_each(|(sum, u)| *sum += x * u);
            }
        }
        sums
    };
    let parts: Vec<Vec<f64>> = (0..CHUNKS).into_par_iter().map(part).collect();
    let mut products = vec![0.0; n * k];
    for part in &parts {
        products.iter_mut().zip(part).for_each(|(sum, x)| *sum += x);
    }
    let totals: Vec<f64> = (0..k).map(|t| (0..m).map(|i| u[(i, t)]).sum()).collect();
    for (j, (mean, variance)) in moments.enumerate() {
        let deviation = variance.max(LEAST_VARIANCE).sqrt();
        for (x, total) in products[j * k..][..k].iter_mut().zip(&totals) {
            *x = (*x - total * mean) / deviation;
        }
    }
    let gram = Mat::from_fn(k, k, |s, t| (0..m).map(|i| u[(i, s)] * u[(i, t)]).sum::<f64>());
    let inverse = pseudo_inverse(&gram)?;
    Ok(Dense::from_fn(k, n, |t, j| (0..k).map(|s| inverse[(t, s)] * products[j * k + s]).sum()))
}

/// Of a symmetric matrix without negative eigenvalues. Those of at most k·ε times the largest count as 0.
fn pseudo_inverse(gram: &Mat<f64>) -> Result<Mat<f64>, StudyError> {
    let k = gram.nrows();
    let eigen = gram.self_adjoint_eigen(Side::Lower).map_err(|_| StudyError::Degenerate)?;
    let (vectors, values) = (eigen.U(), eigen.S().column_vector());
    let most = (0..k).map(|e| values[e]).fold(0.0, f64::max);
    let least = k as f64 * f64::EPSILON * most;
    let over = |e: usize| if values[e] > least { 1.0 / values[e] } else { 0.0 };
    let scales: Vec<f64> = (0..k).map(over).collect();
    Ok(Mat::from_fn(k, k, |s, t| (0..k).map(|e| vectors[(s, e)] * scales[e] * vectors[(t, e)]).sum()))
}
