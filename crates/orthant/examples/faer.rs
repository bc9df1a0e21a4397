//! A faer matrix in, without a copy; faer matrices out.

use faer::Mat;
use orthant::{Dense, Nmf};

fn main() -> Result<(), orthant::Error> {
    // observations in rows: every entry a mixture of two ramps
    let v = Mat::from_fn(60, 40, |i, j| (i * j) as f64 + ((59 - i) * (39 - j)) as f64);
    let fit = Nmf::new(2).fit(&v)?;
    let h: Mat<f64> = fit.model.components().clone().into();
    let w: Mat<f64> = fit.w.into();
    let error = (&v - &w * &h).norm_l2() / v.norm_l2();
    assert!(error < 1e-3 && (error - fit.report.relative_error).abs() < 1e-12);
    // columns, rows, any strides: also without a copy
    let part = v.as_ref().subcols(5, 20).reverse_rows();
    let part = Nmf::new(2).fit(&part)?;
    assert!(part.report.relative_error < 1e-3);
    // and back, as any component that `Model` takes
    let again: Dense<f64> = h.into();
    assert_eq!(&again, fit.model.components());
    print(error, fit.report.iterations);
    Ok(())
}

#[expect(clippy::print_stdout, reason = "an example shows its result")]
fn print(error: f64, iterations: usize) {
    println!("relative error {error:.2e} after {iterations} iterations");
}
