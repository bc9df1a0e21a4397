//! Whether counts vary more than a Poisson distribution does.

/// What of a fit P = W·H says how counts are spread around it.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Moments {
    /// Σ (v − p)².
    pub residual: f64,
    /// Σ p.
    pub sum: f64,
    /// Σ p².
    pub squares: f64,
}

/// φ of a variance of p + φ·p², by the moments: (N/(N − f)·Σ(v − p)² − Σp)/Σp², and at least 0, with N entries and f numbers that
/// the fit is free in. None where these are as many, or P is 0.
pub fn overdispersion(moments: &Moments, entries: f64, free: f64) -> Option<f64> {
    let Moments { residual, sum, squares } = *moments;
    let freedom = entries - free;
    (freedom > 0.0 && squares > 0.0).then(|| ((entries / freedom * residual - sum) / squares).max(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        // 8 entries of p = 2, each 3 away from its count: (8/6·72 − 16)/32
        let moments = Moments { residual: 72.0, sum: 16.0, squares: 32.0 };
        assert_eq!(overdispersion(&moments, 8.0, 2.0), Some(2.5));
        assert_eq!(overdispersion(&moments, 8.0, 8.0), None);
        assert_eq!(overdispersion(&Moments { residual: 1.0, ..moments }, 8.0, 2.0), Some(0.0));
    }
}
