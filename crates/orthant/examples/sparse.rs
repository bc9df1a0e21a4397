//! Sparse matrices of faer, sprs and nalgebra-sparse in, without a copy of their entries; and plain parts.

use faer::sparse::{SparseColMat, SparseRowMat, Triplet};
use nalgebra_sparse::{CooMatrix, CscMatrix, CsrMatrix};
use orthant::{Csr, Dense, Matrix, Nmf, ToMatrix};
use sprs::TriMat;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // two groups of words that do not meet
    let entries: Vec<(usize, usize, f64)> =
        (0..40).flat_map(|i| (0..5).map(move |j| (i, 2 * j + i % 2, ((i + 1) * (j + 1)) as f64))).collect();
    let full = {
        let mut full = Dense::zeros(40, 10);
        entries.iter().for_each(|&(i, j, x)| full[(i, j)] = x);
        full
    };
    let expected = Nmf::new(2).fit(&Csr::of_dense(&full))?;

    let mut triplets = TriMat::new((40, 10));
    let mut coo = CooMatrix::new(40, 10);
    for &(i, j, x) in &entries {
        triplets.add_triplet(i, j, x);
        coo.push(i, j, x);
    }
    let of_faer: Vec<_> = entries.iter().map(|&(i, j, x)| Triplet::new(i as u32, j as u32, x)).collect();
    let by_rows =
        SparseRowMat::<u32, f64>::try_new_from_triplets(40, 10, &of_faer).map_err(|e| format!("{e:?}"))?;
    let by_columns =
        SparseColMat::<u32, f64>::try_new_from_triplets(40, 10, &of_faer).map_err(|e| format!("{e:?}"))?;
    let (sprs_rows, sprs_columns) = (triplets.to_csr::<usize>(), triplets.to_csc::<usize>());
    same("faer, by rows", &by_rows, &expected)?;
    same("faer, by columns", &by_columns.as_ref(), &expected)?;
    same("sprs, by rows", &sprs_rows, &expected)?;
    same("sprs, by columns", &sprs_columns, &expected)?;
    same("nalgebra-sparse, by rows", &CsrMatrix::from(&coo), &expected)?;
    same("nalgebra-sparse, by columns", &CscMatrix::from(&coo), &expected)?;

    // slices as scipy keeps them
    let (indptr, indices, data) = ([0_i32, 2, 3], [0_i32, 2, 1], [1_u16, 2, 3]);
    let v = Csr::<f32>::new(2, 3, &indptr[..], &indices[..], &data[..])?;
    assert!(Nmf::new(2).fit(&v)?.report.relative_error < 1e-3);
    // some rows of a matrix
    let part = sprs_rows.slice_outer(10..30);
    assert_eq!(Nmf::new(2).fit(&part)?.w.nrows(), 20);
    Ok(())
}

fn same(what: &str, v: &impl ToMatrix<f64>, expected: &orthant::Fit<f64>) -> Result<(), orthant::Error> {
    let matrix = v.to_matrix()?;
    // the values at least are where they were
    let copied = match &matrix {
        Matrix::Csr(v) => v.copied_bytes(),
        Matrix::Csc(v) => v.transposed().copied_bytes(),
        Matrix::Dense(_) | Matrix::OutOfCore(_) => unreachable!("it is sparse"),
    };
    assert!(copied <= 41 * size_of::<usize>(), "{what}: {copied} bytes copied");
    let fit = Nmf::new(2).fit(v)?;
    let off = |a: &Dense<f64>, b: &Dense<f64>| {
        a.as_slice().iter().zip(b.as_slice()).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
    };
    assert!(off(&fit.w, &expected.w) < 1e-6 && fit.report.relative_error < 1e-3);
    print(what, fit.report.iterations);
    Ok(())
}

#[expect(clippy::print_stdout, reason = "an example shows its result")]
fn print(what: &str, iterations: usize) {
    println!("{what}: {iterations} iterations");
}
