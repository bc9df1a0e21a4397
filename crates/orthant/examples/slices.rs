//! Plain slices with strides in, plain vectors out; one observation a row or one a column.

use orthant::{Nmf, View};

fn main() -> Result<(), orthant::Error> {
    let (m, n) = (60, 40);
    let data: Vec<f32> = (0..m * n)
        .map(|e| {
            let (i, j) = (e / n, e % n);
            (i * j) as f32 + ((m - 1 - i) * (n - 1 - j)) as f32
        })
        .collect();
    // samples in rows, features in columns
    let v = View::row_major(&data, m, n)?;
    let fit = Nmf::new(2).fit(&v)?;
    assert_eq!((fit.w.nrows(), fit.model.components().ncols()), (m, n));
    // the same memory with observations in columns, as in much of the literature: V ≈ (W of the literature)·(H of the
    // literature) is Vᵀ here, so that its W is our Hᵀ and its H our Wᵀ
    let fit = Nmf::new(2).fit(&v.transposed())?;
    assert_eq!((fit.w.nrows(), fit.model.components().ncols()), (n, m));
    // every second column, from an offset
    let part = View::strided(&data, 1, m, n / 2, n as isize, 2)?;
    let part = Nmf::new(2).fit(&part)?;
    let (w, h) = (part.w.into_vec(), part.model.components().as_slice());
    assert_eq!((w.len(), h.len()), (m * 2, 2 * (n / 2)));
    print(part.report.relative_error, part.report.iterations);
    Ok(())
}

#[expect(clippy::print_stdout, reason = "an example shows its result")]
fn print(error: f64, iterations: usize) {
    println!("relative error {error:.2e} after {iterations} iterations");
}
