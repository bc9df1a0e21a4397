//! An ndarray array in, without a copy; ndarray arrays out.

use ndarray::{Array2, s};
use orthant::{Dense, Nmf};

fn main() -> Result<(), orthant::Error> {
    let v = Array2::from_shape_fn((60, 40), |(i, j)| (i * j) as f64 + ((59 - i) * (39 - j)) as f64);
    let fit = Nmf::new(2).fit(&v)?;
    let h: Array2<f64> = fit.model.components().clone().into();
    let w: Array2<f64> = fit.w.into();
    let norm = |x: &Array2<f64>| x.iter().map(|x| x * x).sum::<f64>().sqrt();
    let error = norm(&(&v - &w.dot(&h))) / norm(&v);
    assert!(error < 1e-3 && (error - fit.report.relative_error).abs() < 1e-12);
    // every second row, columns in reverse: also without a copy
    let part = Nmf::new(2).fit(&v.slice(s![..;2, ..;-1]))?;
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
