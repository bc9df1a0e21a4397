//! Gene expression programs: counts that are prepared, and what is made of a consensus of their fits.

use std::sync::Arc;

use numpy::{PyArray1, PyArray2, PyArrayMethods};
use orthant::{Csr, Dense};
use orthant_io::{AnyTable, Scalar, SparseStorage};
use orthant_study::{Cells as OfStudy, Density, Gene, Genes, Programs, StudyError};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::arrays::Data;
use crate::failure::raise_study;
use crate::results::to_array;
use crate::study::{Ranks, beside, by_precision, members};
use crate::{Number, by_dtype};

/// Who raises errors.
const WHOM: &str = "Programs";

/// Counts that are prepared.
#[pyclass(frozen, module = "orthant._orthant")]
pub struct Cells {
    of: OfCells,
}

enum OfCells {
    F32(Arc<OfStudy<f32>>),
    F64(Arc<OfStudy<f64>>),
}

/// Which of the two it is.
trait Prepared: Scalar {
    fn prepared(cells: OfStudy<Self>) -> OfCells;
    fn of(cells: &OfCells) -> Option<&Arc<OfStudy<Self>>>;
}

impl Prepared for f32 {
    fn prepared(cells: OfStudy<Self>) -> OfCells {
        OfCells::F32(Arc::new(cells))
    }

    fn of(cells: &OfCells) -> Option<&Arc<OfStudy<Self>>> {
        if let OfCells::F32(cells) = cells { Some(cells) } else { None }
    }
}

impl Prepared for f64 {
    fn prepared(cells: OfStudy<Self>) -> OfCells {
        OfCells::F64(Arc::new(cells))
    }

    fn of(cells: &OfCells) -> Option<&Arc<OfStudy<Self>>> {
        if let OfCells::F64(cells) = cells { Some(cells) } else { None }
    }
}

/// Prepares counts: of the most overdispersed genes, or of those columns that are chosen.
#[pyfunction]
#[pyo3(signature = (x, most, chosen, fractions, ranks))]
pub fn programs_prepare(
    py: Python<'_>,
    x: &Bound<'_, PyAny>,
    most: usize,
    chosen: Option<Vec<usize>>,
    fractions: bool,
    ranks: Vec<usize>,
) -> PyResult<Cells> {
    by_dtype!(py, x, prepare(most, chosen, fractions, ranks))
}

fn prepare<T: Number + Prepared>(
    py: Python<'_>,
    x: &Bound<'_, PyAny>,
    most: usize,
    chosen: Option<Vec<usize>>,
    fractions: bool,
    ranks: Vec<usize>,
) -> PyResult<Cells> {
    let data = Data::<T>::new(x)?;
    let genes = chosen.map_or(Genes::Most(most), Genes::Chosen);
    let of = beside(py, 1, None, WHOM, move |_| {
        let cells = OfStudy::of(&data.matrix()?, &genes, fractions)?;
        cells.check(&ranks)?;
        Ok(T::prepared(cells))
    })?;
    Ok(Cells { of })
}

#[pymethods]
impl Cells {
    /// What is fitted: an array, or the parts of a sparse matrix by rows.
    fn scaled<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        match &self.of {
            OfCells::F32(cells) => scaled(py, cells),
            OfCells::F64(cells) => scaled(py, cells),
        }
    }

    /// Which cells and genes are kept, which genes are fitted, and how each varies.
    fn figures<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        match &self.of {
            OfCells::F32(cells) => figures(py, cells),
            OfCells::F64(cells) => figures(py, cells),
        }
    }
}

fn places(py: Python<'_>, of: impl IntoIterator<Item = usize>) -> Bound<'_, PyArray1<i64>> {
    PyArray1::from_vec(py, of.into_iter().map(|at| at as i64).collect())
}

fn scaled<'py, T: Number>(py: Python<'py>, cells: &Arc<OfStudy<T>>) -> PyResult<Bound<'py, PyAny>> {
    let cells = cells.clone();
    let table: AnyTable<T> = beside(py, 1, None, WHOM, move |_| cells.scaled())?;
    match &table {
        AnyTable::Dense(dense) => Ok(to_array(py, Dense::copy_of(dense.view())).into_any()),
        AnyTable::Sparse(sparse) => {
            let SparseStorage::ByRows(csr) = sparse.storage() else {
                unreachable!("cells follow one another")
            };
            Ok(parts(py, csr)?.into_any())
        }
        AnyTable::OutOfCore(_) => unreachable!("it was made in memory"),
    }
}

fn parts<'py, T: Number>(py: Python<'py>, csr: &Csr<'_, T>) -> PyResult<Bound<'py, PyDict>> {
    let (mut starts, mut indices, mut values) = (vec![0], Vec::new(), Vec::new());
    for i in 0..csr.nrows() {
        for (j, x) in csr.row(i) {
            indices.push(j);
            values.push(x);
        }
        starts.push(values.len());
    }
    let out = PyDict::new(py);
    out.set_item("indptr", places(py, starts))?;
    out.set_item("indices", places(py, indices))?;
    out.set_item("data", PyArray1::from_vec(py, values))?;
    out.set_item("shape", (csr.nrows(), csr.ncols()))?;
    Ok(out)
}

fn figures<'py, T: Scalar>(py: Python<'py>, cells: &OfStudy<T>) -> PyResult<Bound<'py, PyDict>> {
    let out = PyDict::new(py);
    out.set_item("cells", places(py, cells.cells().iter().copied()))?;
    out.set_item("genes", places(py, cells.genes().iter().copied()))?;
    out.set_item("chosen", places(py, cells.chosen().iter().copied()))?;
    out.set_item("idle", places(py, cells.idle().iter().copied()))?;
    type Figure = fn(&Gene) -> f64;
    let of: [(&str, Figure); 5] = [
        ("mean", |gene| gene.mean),
        ("variance", |gene| gene.variance),
        ("fano", |gene| gene.fano),
        ("expected_fano", |gene| gene.expected),
        ("fano_ratio", |gene| gene.ratio),
    ];
    for (name, figure) in of {
        let column = cells.overdispersion().genes.iter().map(figure).collect();
        out.set_item(name, PyArray1::from_vec(py, column))?;
    }
    Ok(out)
}

/// Columns of figures of all ranks.
type Selection<'py> = (Bound<'py, PyArray1<i64>>, Bound<'py, PyArray1<f64>>, Bound<'py, PyArray1<f64>>);

/// The programs of a rank of a study of these counts, and its consensus' members.
#[pyfunction]
pub fn programs_found<'py>(
    py: Python<'py>,
    ranks: &Ranks,
    cells: &Cells,
    rank: usize,
    threshold: f64,
    threads: usize,
) -> PyResult<Bound<'py, PyDict>> {
    by_precision!(&ranks.of, ranks => found(py, ranks, cells, rank, threshold, threads))
}

fn found<'py, T: Number + Prepared>(
    py: Python<'py>,
    ranks: &Arc<orthant_study::Ranks<T>>,
    cells: &Cells,
    rank: usize,
    threshold: f64,
    threads: usize,
) -> PyResult<Bound<'py, PyDict>> {
    let Some(cells) = T::of(&cells.of).cloned() else {
        return Err(PyTypeError::new_err("the counts are of another type than those that were studied"));
    };
    let ranks = ranks.clone();
    let done = beside(py, threads, None, WHOM, move |watch| {
        let table = cells.scaled()?;
        let density = Density::Below(threshold);
        let consensus = ranks.consensus_with(&table, rank, density, None, &watch.cancel)?;
        let programs = Programs::of(&cells, &consensus, &watch.cancel)?;
        Ok((consensus, programs))
    });
    let (consensus, programs) = done?;
    let Programs { usages, spectra, weights, spectra_tpm, scores, reference } = programs;
    let out = PyDict::new(py);
    for (name, of) in [
        ("usages", usages),
        ("spectra", spectra),
        ("weights", weights),
        ("spectra_tpm", spectra_tpm),
        ("scores", scores),
        ("reference", reference),
    ] {
        out.set_item(name, to_array(py, of))?;
    }
    out.set_item("members", members(py, &consensus.members)?)?;
    let figure = |of: fn(&orthant_study::PickedComponent) -> f64| {
        PyArray1::from_vec(py, consensus.components.iter().map(of).collect())
    };
    out.set_item("silhouette", figure(|component| component.silhouette))?;
    out.set_item("support", figure(|component| component.support))?;
    out.set_item("remarks", consensus.remarks)?;
    Ok(out)
}

/// Stability and error of each rank of a study of these counts.
#[pyfunction]
pub fn programs_k_selection<'py>(
    py: Python<'py>,
    ranks: &Ranks,
    cells: &Cells,
    threads: usize,
) -> PyResult<Selection<'py>> {
    by_precision!(&ranks.of, ranks => k_selection(py, ranks, cells, threads))
}

fn k_selection<'py, T: Number + Prepared>(
    py: Python<'py>,
    ranks: &Arc<orthant_study::Ranks<T>>,
    cells: &Cells,
    threads: usize,
) -> PyResult<Selection<'py>> {
    let Some(cells) = T::of(&cells.of).cloned() else {
        return Err(PyTypeError::new_err("the counts are of another type than those that were studied"));
    };
    let ranks = ranks.clone();
    let found =
        beside(py, threads, None, WHOM, move |watch| ranks.k_selection(&cells.scaled()?, &watch.cancel))?;
    let floats =
        |of: fn(&orthant_study::KSelection) -> f64| PyArray1::from_vec(py, found.iter().map(of).collect());
    Ok((
        places(py, found.iter().map(|row| row.rank)),
        floats(|row| row.silhouette),
        floats(|row| row.prediction_error),
    ))
}

/// The components of all fits of a rank, one fit below the other.
#[pyfunction]
pub fn programs_spectra<'py>(py: Python<'py>, ranks: &Ranks, rank: usize) -> PyResult<Bound<'py, PyAny>> {
    by_precision!(&ranks.of, ranks => spectra(py, ranks, rank))
}

fn spectra<'py, T: Number>(
    py: Python<'py>,
    ranks: &Arc<orthant_study::Ranks<T>>,
    rank: usize,
) -> PyResult<Bound<'py, PyAny>> {
    let all = ranks.components(rank).map_err(|error: StudyError| raise_study(&error, WHOM))?;
    let n = all.first().map_or(0, Dense::ncols);
    let rows: Vec<T> = all.into_iter().flat_map(Dense::into_vec).collect();
    let shape = [rows.len() / n.max(1), n];
    let array: Bound<'py, PyArray2<T>> = PyArray1::from_vec(py, rows).reshape(shape)?;
    Ok(array.into_any())
}
