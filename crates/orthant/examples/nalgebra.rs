//! An nalgebra matrix in, without a copy; nalgebra matrices out.

use nalgebra::DMatrix;
use orthant::{Dense, Nmf};

fn main() -> Result<(), orthant::Error> {
    // nalgebra is column-major; rows are the observations here all the same
    let v = DMatrix::from_fn(60, 40, |i, j| (i * j) as f64 + ((59 - i) * (39 - j)) as f64);
    let fit = Nmf::new(2).fit(&v)?;
    let h: DMatrix<f64> = fit.model.components().clone().into();
    let w: DMatrix<f64> = fit.w.into();
    let error = (&v - &w * &h).norm() / v.norm();
    assert!(error < 1e-3 && (error - fit.report.relative_error).abs() < 1e-12);
    // every second row and column: also without a copy
    let part = v.view_with_steps((0, 1), (30, 19), (1, 1));
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
