//! What no factorisation can do better than.

use orthant::{Dense, Init, Loss, Nmf};
use orthant_verify::forms;
use orthant_verify::oracle;
use orthant_verify::strategies::{Data, Recipe};

/// The eigenvalues of a symmetric matrix, by Jacobi's rotations, the largest first.
fn eigenvalues(mut a: Dense<f64>) -> Vec<f64> {
    let n = a.nrows();
    for _ in 0..40 {
        for (p, q) in (0..n).flat_map(|p| (p + 1..n).map(move |q| (p, q))) {
            if a[(p, q)] == 0.0 {
                continue;
            }
            let theta = 0.5 * (a[(q, q)] - a[(p, p)]) / a[(p, q)];
            let t = theta.signum() / (theta.abs() + theta.hypot(1.0));
            let c = 1.0 / t.hypot(1.0);
            let s = t * c;
            for i in 0..n {
                let (x, y) = (a[(i, p)], a[(i, q)]);
                (a[(i, p)], a[(i, q)]) = (c * x - s * y, s * x + c * y);
            }
            for j in 0..n {
                let (x, y) = (a[(p, j)], a[(q, j)]);
                (a[(p, j)], a[(q, j)]) = (c * x - s * y, s * x + c * y);
            }
        }
    }
    let mut values: Vec<f64> = (0..n).map(|i| a[(i, i)]).collect();
    values.sort_by(|a, b| b.total_cmp(a));
    values
}

/// Law 51. No fit has a smaller loss than the truncated singular value decomposition of its rank.
#[test]
fn no_fit_is_better_than_the_truncated_decomposition() {
    for (seed, data) in (1..).zip([Data::Uniform, Data::Sparse, Data::LowRank, Data::Counts]) {
        let v = Recipe { m: 14, n: 9, k: 4, data, zeros_in_start: false, seed }.build().v;
        let values = eigenvalues(oracle::product(&v.transposed(), &v));
        let size = oracle::norm_squared(&v);
        assert!((values.iter().sum::<f64>() - size).abs() <= 1e-12 * size, "the trace is ‖V‖²");
        for k in 1..=9 {
            let least = 0.5 * values[k..].iter().sum::<f64>();
            for method in forms::methods(&[Loss::Frobenius]) {
                let fit = Nmf::new(k).method(method).init(Init::Random).max_iter(300).fit(&v).unwrap();
                let loss = oracle::loss(&v, &fit.w, fit.model.components());
                assert!(loss >= least - 1e-10 * size, "{method}, rank {k}: {loss} below {least}");
                assert!(
                    fit.report.loss >= least - 1e-10 * size,
                    "{method}, rank {k}: it says {}",
                    fit.report.loss
                );
            }
        }
        // of rank one the bound is met: the leading pair has no negative entry
        let one = Nmf::new(1).tol(0.0).max_iter(500).fit(&v).unwrap();
        let least = 0.5 * values[1..].iter().sum::<f64>();
        assert!((one.report.loss - least).abs() <= 1e-9 * size, "{} and {least}", one.report.loss);
    }
}
