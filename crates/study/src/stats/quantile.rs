//! Quantiles, as numpy has them by default.

/// The quantile at `q` from 0 to 1, between neighbours by their distance; NaN of nothing.
pub fn quantile(x: &[f64], q: f64) -> f64 {
    let mut sorted = x.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    of_sorted(&sorted, q)
}

/// The same of numbers in ascending order.
pub fn of_sorted(sorted: &[f64], q: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    let at = q * last as f64;
    let below = at.floor() as usize;
    let above = (below + 1).min(last);
    sorted[below] + (sorted[above] - sorted[below]) * (at - below as f64)
}

/// The number in the middle.
pub fn median(x: &[f64]) -> f64 {
    quantile(x, 0.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Printed by numpy.quantile.
    #[test]
    fn as_numpy() {
        let x = [3.0, 1.0, 4.0, 1.0, 5.0, 9.0];
        for (q, expected) in [(0.0, 1.0), (0.25, 1.5), (0.5, 3.5), (0.75, 4.75), (1.0, 9.0)] {
            assert_eq!(quantile(&x, q), expected);
        }
        assert_eq!(median(&[7.0]), 7.0);
        assert!(median(&[]).is_nan());
    }
}
