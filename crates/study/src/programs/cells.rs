//! Counts as they are fitted.

use orthant::{Csr, Error, Matrix, ToMatrix};
use orthant_io::{AnyTable, Order, Scalar, SparseTable, Table};

use super::MILLION;
use super::overdispersion::Overdispersion;
use super::selection::Rows;
use crate::StudyError;
use crate::data;
use crate::error::invalid;

/// Which genes are fitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Genes {
    /// The most overdispersed ones, at most this many.
    Most(usize),
    /// These columns of the counts.
    Chosen(Vec<usize>),
}

/// Counts of cells × genes, prepared as cNMF prepares them.
///
/// Cells and genes without a count are left out. A gene that is [chosen](Self::chosen) is divided by the standard deviation of its
/// counts over the cells (that of a sample, with m − 1 in the denominator), and not centred; one whose counts are all equal stays as it is.
/// The figures of [genes](Self::overdispersion) are those of transcripts per million, which are counts times 10⁶ over the sum of
/// their cell.
///
/// The documentation of the [module](crate::programs) has an example.
#[derive(Clone, Debug)]
pub struct Cells<T: Scalar> {
    /// Counts of the cells and genes that are kept.
    pub(super) counts: Rows<T>,
    /// The factor by which the counts of a cell become TPM.
    pub(super) factors: Vec<f64>,
    cells: Vec<usize>,
    genes: Vec<usize>,
    chosen: Vec<usize>,
    overdispersion: Overdispersion,
    idle: Vec<usize>,
    /// The standard deviation of the counts of each gene, or 1 where it is 0.
    pub(super) deviations: Vec<f64>,
    /// Whether the data was dense.
    dense: bool,
}

impl<T: Scalar> Cells<T> {
    /// Prepares `v`, cells in rows. With `fractions` any number of at least 0 is taken for a count, and else whole numbers alone.
    ///
    /// Nothing in it depends on threads.
    ///
    /// Cost: reads the entries of `v` a few times, and keeps a copy of those that are above 0.
    ///
    /// # Errors
    /// [`StudyError::NotExpression`] for an entry that is no count; [`StudyError::NoExpression`] if there is no count above 0 at all, or
    /// none of the genes that are chosen; [`StudyError::Fit`] for a number of genes of 0, a column that is not there or is named twice, and
    /// data that is not in memory.
    pub fn of(v: &impl ToMatrix<T>, genes: &Genes, fractions: bool) -> Result<Self, StudyError> {
        let v = v.to_matrix()?;
        data::in_memory(&v)?;
        // what is below 0 says more of the data than a fraction that comes first
        let below = data::first(&v, |x| !(x >= 0.0 && x.is_finite()));
        let bad = below.or_else(|| data::first(&v, |x| !fractions && x.fract() != 0.0));
        if let Some((row, col, value)) = bad {
            return Err(StudyError::NotExpression { row, col, value, fractions });
        }
        let v = data::by_rows(&v);
        let (totals, seen) = sums(&v);
        let cells: Vec<usize> = (0..v.nrows()).filter(|&i| totals[i] > 0.0).collect();
        if cells.is_empty() {
            return Err(StudyError::NoExpression { of: "the data" });
        }
        let kept: Vec<usize> = (0..v.ncols()).filter(|&j| seen[j]).collect();
        let mut to: Vec<Option<u32>> = vec![None; v.ncols()];
        for (new, &old) in (0_u32..).zip(&kept) {
            to[old] = Some(new);
        }
        let mut counts = Rows::new();
        for &i in &cells {
            data::each(&v, i, |j, x| {
                if let (Some(j), true) = (to[j], x > T::ZERO) {
                    counts.columns.push(j);
                    counts.values.push(x);
                }
            });
            counts.end_row();
        }
        let factors: Vec<f64> = cells.iter().map(|&i| MILLION / totals[i]).collect();
        let (means, variances) = moments(&counts, kept.len(), |i, x| x * factors[i]);
        let overdispersion = Overdispersion::of(&means, &variances);
        let chosen = choose(genes, &overdispersion, &to)?;
        let to = places(&chosen, kept.len());
        let idle = (0..cells.len()).filter(|&i| counts.row(i).all(|(j, _)| to[j].is_none())).collect();
        let (_, variances) = moments(&counts, kept.len(), |_, x| x);
        let deviations = variances.iter().map(|&variance| deviation(variance, cells.len())).collect();
        let dense = matches!(v, Matrix::Dense(_));
        Ok(Self { counts, factors, cells, genes: kept, chosen, overdispersion, idle, deviations, dense })
    }

    /// Refuses a number of programs above the number of cells, or of genes that are fitted.
    ///
    /// # Errors
    /// [`StudyError::TooManyPrograms`].
    pub fn check(&self, ranks: &[usize]) -> Result<(), StudyError> {
        let Some(&most) = ranks.iter().max() else { return Ok(()) };
        let sides = [(self.cells.len(), "cells"), (self.chosen.len(), "genes")];
        match sides.into_iter().find(|(there, _)| *there < most) {
            Some((there, of)) => Err(StudyError::TooManyPrograms { rank: most, there, of }),
            None => Ok(()),
        }
    }

    /// What is fitted: counts of the chosen genes at unit variance, in a matrix of the kind of the data, dense or sparse. It is made
    /// anew whenever it is asked for.
    ///
    /// # Errors
    /// [`StudyError::Fit`] for a quotient that its precision cannot hold.
    pub fn scaled(&self) -> Result<AnyTable<T>, StudyError> {
        let rows: Rows<T> = self.counts.select(&self.places(), |_, j, x| x / self.deviations[j]);
        let (m, n) = (self.cells.len(), self.chosen.len());
        let matrix = rows.into_matrix(n)?;
        if self.dense {
            let table = Table::new(matrix.to_dense().into_vec(), m, n, Order::RowMajor);
            return Ok(AnyTable::Dense(table.map_err(Error::from)?));
        }
        Ok(AnyTable::Sparse(SparseTable::by_rows(matrix)))
    }

    /// The rows of the data that have counts: the cells.
    pub fn cells(&self) -> &[usize] {
        &self.cells
    }

    /// The columns of the data that have counts: the genes.
    pub fn genes(&self) -> &[usize] {
        &self.genes
    }

    /// Which of the [genes](Self::genes) are fitted, counting these from 0.
    pub fn chosen(&self) -> &[usize] {
        &self.chosen
    }

    /// Which of the [cells](Self::cells), counting these from 0, have no count of a chosen gene: they use no program.
    pub fn idle(&self) -> &[usize] {
        &self.idle
    }

    /// How each of the [genes](Self::genes) varies, in transcripts per million.
    pub fn overdispersion(&self) -> &Overdispersion {
        &self.overdispersion
    }

    /// Transcripts per million of all genes, cells in rows.
    pub(super) fn tpm(&self) -> Vec<f64> {
        let rows = (0..self.counts.len()).flat_map(|i| self.counts.row(i).map(move |(_, x)| (i, x)));
        rows.map(|(i, x)| x.to_f64() * self.factors[i]).collect()
    }

    /// The matrix of these [values](Self::tpm) of all counts.
    pub(super) fn with<'a>(&'a self, values: &'a [f64]) -> Result<Csr<'a, f64>, Error> {
        let Rows { starts, columns, .. } = &self.counts;
        Ok(Csr::new(self.cells.len(), self.genes.len(), &starts[..], &columns[..], values)?)
    }

    /// For each gene its place among the chosen ones.
    pub(super) fn places(&self) -> Vec<Option<u32>> {
        places(&self.chosen, self.genes.len())
    }
}

fn places(chosen: &[usize], count: usize) -> Vec<Option<u32>> {
    let mut to = vec![None; count];
    for (place, &gene) in (0_u32..).zip(chosen) {
        to[gene] = Some(place);
    }
    to
}

/// The sum of each row, and whether each column has an entry above 0.
fn sums<T: Scalar>(v: &Matrix<'_, T>) -> (Vec<f64>, Vec<bool>) {
    let mut seen = vec![false; v.ncols()];
    let total = |i| {
        let mut total = 0.0;
        data::each(v, i, |j, x| {
            total += x.to_f64();
            seen[j] |= x > T::ZERO;
        });
        total
    };
    ((0..v.nrows()).map(total).collect(), seen)
}

/// Means and variances of columns, these divided by the number of rows, of values that `value` makes of a row's number and an entry.
pub(super) fn moments<T: Scalar>(
    counts: &Rows<T>,
    n: usize,
    value: impl Fn(usize, f64) -> f64,
) -> (Vec<f64>, Vec<f64>) {
    let m = counts.len() as f64;
    let (mut means, mut variances, mut stored) = (vec![0.0; n], vec![0.0; n], vec![0_usize; n]);
    for i in 0..counts.len() {
        for (j, x) in counts.row(i) {
            means[j] += value(i, x.to_f64());
            stored[j] += 1;
        }
    }
    means.iter_mut().for_each(|mean| *mean /= m);
    for i in 0..counts.len() {
        for (j, x) in counts.row(i) {
            variances[j] += (value(i, x.to_f64()) - means[j]).powi(2);
        }
    }
    for ((variance, mean), stored) in variances.iter_mut().zip(&means).zip(stored) {
        // zeros deviate by the mean
        *variance = (*variance + (m - stored as f64) * mean * mean) / m;
    }
    (means, variances)
}

/// The genes that are fitted, of those that are kept; `to` has the place of each column among these.
fn choose(genes: &Genes, found: &Overdispersion, to: &[Option<u32>]) -> Result<Vec<usize>, StudyError> {
    let columns = match genes {
        Genes::Most(0) => return Err(invalid("genes", 0, "at least 1").into()),
        Genes::Most(count) => return Ok(found.strongest(*count)),
        Genes::Chosen(columns) => columns,
    };
    let mut taken = vec![false; to.len()];
    for &column in columns {
        if taken.get(column).is_none_or(|&taken| taken) {
            return Err(invalid("genes", column, "columns of the data, each once").into());
        }
        taken[column] = true;
    }
    let chosen: Vec<usize> =
        columns.iter().filter_map(|&column| to[column]).map(|gene| gene as usize).collect();
    if chosen.is_empty() { Err(StudyError::NoExpression { of: "the chosen genes" }) } else { Ok(chosen) }
}

/// The standard deviation of a sample of m numbers with this variance, or 1 where it is 0 or there is none.
pub(super) fn deviation(variance: f64, m: usize) -> f64 {
    let deviation = (variance * m as f64 / (m as f64 - 1.0)).sqrt();
    if deviation > 0.0 { deviation } else { 1.0 }
}
