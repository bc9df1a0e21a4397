//! Files of every kind that the command reads, as arrays and as the parts of sparse matrices.

use std::path::PathBuf;

use numpy::{PyArray1, PyArrayMethods};
use orthant::{Csr, Real};
use orthant_io::{
    AnyTable, Decimal, Detect, Edge, IoError, Order, Precision, ReadOptions, Remark, Source, SparseStorage,
    SparseTable, Table,
};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::Number;
use crate::failure::raise_io;

/// How a file is read; the keys of a dict.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct How {
    header: String,
    labels: String,
    layer: Option<String>,
    delimiter: Option<String>,
    decimal: Option<String>,
    drop: Vec<String>,
    missing: bool,
    triplets: bool,
    feature_type: Option<String>,
    channels: bool,
    transpose: bool,
    /// `float32` or `float64`; none is that of the file.
    dtype: Option<String>,
}

/// What a file has: a dict with the matrix, in parts where it is sparse, the names, and what its reader remarks.
#[pyfunction]
pub fn read(py: Python<'_>, path: PathBuf, how: How) -> PyResult<Bound<'_, PyDict>> {
    let delimiter = how.delimiter.as_deref().map(str::parse).transpose();
    let options = ReadOptions {
        header: detect(&how.header),
        labels: detect(&how.labels),
        layer: how.layer,
        delimiter: delimiter.map_err(|text| PyValueError::new_err(format!("delimiter: {text}")))?,
        decimal: how.decimal.map(|mark| if mark == "," { Decimal::Comma } else { Decimal::Point }),
        drop: how.drop,
        missing: how.missing,
        triplets: how.triplets,
        feature_type: how.feature_type,
        channels: how.channels,
    };
    let (transpose, dtype) = (how.transpose, how.dtype);
    let read = move || -> Result<Read, IoError> {
        let source = Source::open(path, &options)?;
        let single = match dtype.as_deref() {
            None => source.precision() == Precision::Float32,
            Some(name) => name == "float32",
        };
        Ok(if single {
            Read::F32(turned(source.read_any()?, transpose))
        } else {
            Read::F64(turned(source.read_any()?, transpose))
        })
    };
    match py.detach(read).map_err(|error| raise_io(&error))? {
        Read::F32(table) => given(py, table, transpose),
        Read::F64(table) => given(py, table, transpose),
    }
}

enum Read {
    F32(AnyTable<f32>),
    F64(AnyTable<f64>),
}

fn turned<T: Real>(table: AnyTable<T>, transpose: bool) -> AnyTable<T> {
    if transpose { table.transposed() } else { table }
}

fn detect(word: &str) -> Detect {
    match word {
        "yes" => Detect::Yes,
        "no" => Detect::No,
        _ => Detect::Auto,
    }
}

fn given<T: Number>(py: Python<'_>, table: AnyTable<T>, transposed: bool) -> PyResult<Bound<'_, PyDict>> {
    let out = PyDict::new(py);
    out.set_item("row_names", table.row_names())?;
    out.set_item("column_names", table.col_names())?;
    let said = table.remarks().iter().filter_map(|remark| match remark {
        // what was asked for
        Remark::Features { along } if (*along == Edge::Rows) == transposed => None,
        remark => Some(remark.to_string()),
    });
    out.set_item("remarks", said.collect::<Vec<_>>())?;
    out.set_item("shape", (table.nrows(), table.ncols()))?;
    // all of it is in memory: `read_any` leaves nothing in the file
    if let AnyTable::Sparse(table) = &table {
        sparse(py, table, &out)?;
    }
    if let AnyTable::Dense(table) = table {
        dense(py, table, &out)?;
    }
    Ok(out)
}

/// Not copied, in the order of the file.
fn dense<T: Number>(py: Python<'_>, table: Table<T>, out: &Bound<'_, PyDict>) -> PyResult<()> {
    let (shape, order) = ([table.nrows(), table.ncols()], table.order());
    let data = PyArray1::from_vec(py, table.into_data());
    match order {
        Order::RowMajor => out.set_item("dense", data.reshape(shape)?),
        Order::ColMajor => out.set_item("dense", data.reshape([shape[1], shape[0]])?.transpose()?),
    }
}

/// The parts, as scipy has them.
fn sparse<T: Number>(py: Python<'_>, table: &SparseTable<T>, out: &Bound<'_, PyDict>) -> PyResult<()> {
    let (format, lines): (_, &Csr<'static, T>) = match table.storage() {
        SparseStorage::ByRows(csr) => ("csr", csr),
        SparseStorage::ByColumns(csc) => ("csc", csc.transposed()),
    };
    let (mut indptr, mut indices, mut data) = (vec![0_i64], Vec::new(), Vec::new());
    indices.reserve_exact(lines.nnz());
    data.reserve_exact(lines.nnz());
    for i in 0..lines.nrows() {
        for (j, x) in lines.row(i) {
            indices.push(j as i64);
            data.push(x);
        }
        indptr.push(indices.len() as i64);
    }
    let parts =
        (PyArray1::from_vec(py, data), PyArray1::from_vec(py, indices), PyArray1::from_vec(py, indptr));
    out.set_item("format", format)?;
    out.set_item("sparse", parts)
}
