//! The Bayesian information criterion of a factorisation.

/// Numbers that m×n data of k components is free in: (m + n)·k − k², as W·H does not change where a k×k matrix goes from one
/// factor to the other.
pub fn free_numbers(m: usize, n: usize, k: usize) -> f64 {
    let (m, n, k) = (m as f64, n as f64, k as f64);
    (m + n) * k - k * k
}

/// p·ln N less twice the log-likelihood, but for constants: N·ln(2F/N) for squares, 2F for Kullback–Leibler, with F the loss and N
/// observed entries. None for other losses, and where F is 0.
pub fn bic(beta: f64, loss: f64, free: f64, entries: f64) -> Option<f64> {
    let fit = match beta {
        2.0 if loss > 0.0 => entries * (2.0 * loss / entries).ln(),
        1.0 => 2.0 * loss,
        _ => return None,
    };
    Some(free * entries.ln() + fit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        assert_eq!(free_numbers(10, 6, 3), 39.0);
        // 2·ln 4 + 4·ln(2·8/4) = 2·1.3863 + 4·1.3863
        assert!((bic(2.0, 8.0, 2.0, 4.0).unwrap() - 6.0 * 4.0_f64.ln()).abs() < 1e-12);
        assert!((bic(1.0, 8.0, 2.0, 4.0).unwrap() - (2.0 * 4.0_f64.ln() + 16.0)).abs() < 1e-12);
        assert_eq!((bic(2.0, 0.0, 2.0, 4.0), bic(0.0, 8.0, 2.0, 4.0)), (None, None));
    }
}
