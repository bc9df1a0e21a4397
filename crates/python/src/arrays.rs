//! numpy's arrays and scipy's sparse matrices as the library's views, held while a fit looks at them.
//!
//! The only module here with `unsafe`: a fit runs without the interpreter's lock, on other threads, and reads the elements
//! where they lie.

use numpy::{PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray1, PyUntypedArray, PyUntypedArrayMethods};
use orthant::{Csc, Csr, Dense, Error, Indices, Indptr, Matrix, View};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;

use crate::Number;

/// Data to factorise, held: a dense array, or the parts of a sparse one.
pub struct Data<T> {
    parts: Parts<T>,
    /// What keeps the elements where they are.
    _held: Vec<Py<PyUntypedArray>>,
}

enum Parts<T> {
    Dense(Strided<T>),
    Sparse { by_columns: bool, shape: (usize, usize), indptr: Index, indices: Index, values: Line<T> },
}

/// Where a matrix lies.
struct Strided<T> {
    first: *const T,
    shape: (usize, usize),
    strides: (isize, isize),
}

/// Where contiguous elements lie.
struct Line<T> {
    first: *const T,
    len: usize,
}

enum Index {
    I32(Line<i32>),
    I64(Line<i64>),
}

// SAFETY: what the pointers lead to is kept by `_held`, which is sent along, and is only read.
unsafe impl<T: Send> Send for Data<T> {}

impl<T: Number> Data<T> {
    /// Of a two-dimensional array, or of an object with scipy's `format` (csr or csc), `shape`, `indptr`, `indices` and
    /// `data`; elements are aligned and of this type.
    pub fn new(x: &Bound<'_, PyAny>) -> PyResult<Self> {
        if let Ok(array) = x.cast::<PyArray2<T>>() {
            let parts = Parts::Dense(strided(array)?);
            return Ok(Self { parts, _held: vec![array.as_untyped().clone().unbind()] });
        }
        if x.is_instance_of::<PyUntypedArray>() {
            return Err(PyValueError::new_err("the data has not two dimensions"));
        }
        let format: String = x.getattr("format")?.extract()?;
        let by_columns = match format.as_str() {
            "csr" => false,
            "csc" => true,
            other => {
                return Err(PyTypeError::new_err(format!(
                    "sparse data of format {other}; csr and csc are read"
                )));
            }
        };
        let (indptr, indices, values) = (x.getattr("indptr")?, x.getattr("indices")?, x.getattr("data")?);
        let values = values.cast::<PyArray1<T>>()?;
        let mut held = vec![values.as_untyped().clone().unbind()];
        let mut index = |x: &Bound<'_, PyAny>| -> PyResult<Index> {
            held.push(x.cast::<PyUntypedArray>()?.clone().unbind());
            match x.cast::<PyArray1<i32>>() {
                Ok(short) => Ok(Index::I32(line(short)?)),
                Err(_) => Ok(Index::I64(line(x.cast::<PyArray1<i64>>()?)?)),
            }
        };
        let (indptr, indices) = (index(&indptr)?, index(&indices)?);
        let parts = Parts::Sparse {
            by_columns,
            shape: x.getattr("shape")?.extract()?,
            indptr,
            indices,
            values: line(values)?,
        };
        Ok(Self { parts, _held: held })
    }

    /// Entries that a fit looks at.
    pub fn entries(&self) -> usize {
        match &self.parts {
            Parts::Dense(Strided { shape, .. }) => shape.0.saturating_mul(shape.1),
            Parts::Sparse { values, .. } => values.len,
        }
    }

    /// It, as the library sees it.
    pub fn matrix(&self) -> Result<Matrix<'_, T>, Error> {
        self.stored(false)
    }

    /// The same, with zeros that sparse data stores among its entries or not.
    pub fn stored(&self, zeros: bool) -> Result<Matrix<'_, T>, Error> {
        match &self.parts {
            // SAFETY: `strided` has found the pointer aligned and the strides whole, numpy vouches that the elements lie there,
            // and the array is held. That nobody writes to an array while it is being fitted is the caller's part.
            Parts::Dense(Strided { first, shape, strides }) => Ok(Matrix::Dense(unsafe {
                View::from_raw_parts(*first, shape.0, shape.1, strides.0, strides.1)
            })),
            Parts::Sparse { by_columns, shape, indptr, indices, values } => {
                let values = T::values(values.slice());
                let indptr = match indptr {
                    Index::I32(x) => Indptr::from(x.slice()),
                    Index::I64(x) => Indptr::from(x.slice()),
                };
                let indices = match indices {
                    Index::I32(x) => Indices::from(x.slice()),
                    Index::I64(x) => Indices::from(x.slice()),
                };
                // the fit holds no lock: an index that is changed meanwhile must not lead outside
                let indices = indices.shared();
                let (m, n) = *shape;
                Ok(match (*by_columns, zeros) {
                    (true, false) => Matrix::Csc(Csc::new(m, n, indptr, indices, values)?),
                    (true, true) => Matrix::Csc(Csc::keeping_zeros(m, n, indptr, indices, values)?),
                    (false, false) => Matrix::Csr(Csr::new(m, n, indptr, indices, values)?),
                    (false, true) => Matrix::Csr(Csr::keeping_zeros(m, n, indptr, indices, values)?),
                })
            }
        }
    }
}

impl<T> Line<T> {
    fn slice(&self) -> &[T] {
        // SAFETY: `line` has found that number of aligned elements side by side, and the array is held beside this.
        unsafe { std::slice::from_raw_parts(self.first, self.len) }
    }
}

fn strided<T: Number>(array: &Bound<'_, PyArray2<T>>) -> PyResult<Strided<T>> {
    let size = size_of::<T>() as isize;
    let (shape, strides, first) = (array.shape(), array.strides(), array.data().cast_const());
    if !first.is_aligned() || strides.iter().any(|stride| stride % size != 0) {
        return Err(PyValueError::new_err("the array's elements are not aligned"));
    }
    Ok(Strided { first, shape: (shape[0], shape[1]), strides: (strides[0] / size, strides[1] / size) })
}

fn line<T: numpy::Element>(array: &Bound<'_, PyArray1<T>>) -> PyResult<Line<T>> {
    let first = array.data().cast_const();
    if !first.is_aligned() || array.len() > 1 && array.strides()[0] != size_of::<T>() as isize {
        return Err(PyValueError::new_err("a part of the sparse matrix is not contiguous"));
    }
    Ok(Line { first, len: array.len() })
}

/// A copy of a two-dimensional array.
pub fn dense<T: Number>(x: &Bound<'_, PyAny>) -> PyResult<Dense<T>> {
    let array = x.cast::<PyArray2<T>>()?;
    let Strided { first, shape, strides } = strided(array)?;
    // SAFETY: as in `matrix`; it is copied before this returns.
    let view = unsafe { View::from_raw_parts(first, shape.0, shape.1, strides.0, strides.1) };
    Ok(Dense::copy_of(view))
}

/// A copy of a one-dimensional array.
pub fn words(x: &PyReadonlyArray1<'_, u32>) -> Vec<u32> {
    x.as_array().to_vec()
}
