//! Components as vectors of length 1.

/// Rows of Euclidean length 1, in double precision. A row of zeros stays one.
#[derive(Clone, Debug, PartialEq)]
pub struct Units {
    n: usize,
    data: Vec<f64>,
}

impl Units {
    /// Of rows of `n` entries each.
    pub fn of(n: usize, mut data: Vec<f64>) -> Self {
        for row in data.chunks_exact_mut(n.max(1)) {
            normalise(row);
        }
        Self { n, data }
    }

    /// Entries of a row.
    pub fn n(&self) -> usize {
        self.n
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.data.len() / self.n.max(1)
    }

    /// A row.
    pub fn row(&self, t: usize) -> &[f64] {
        &self.data[t * self.n..][..self.n]
    }
}

/// Gives a vector the length 1, unless it is 0. It is divided by its largest entry first, as squares could leave the range.
pub fn normalise(x: &mut [f64]) {
    let most = x.iter().copied().fold(0.0, f64::max);
    if most > 0.0 {
        x.iter_mut().for_each(|x| *x /= most);
        let norm = dot(x, x).sqrt();
        x.iter_mut().for_each(|x| *x /= norm);
    }
}

/// The inner product, summed in eight lanes that a compiler can put side by side.
pub fn dot(x: &[f64], y: &[f64]) -> f64 {
    let mut lanes = [0.0; 8];
    let (left, right) = (x.chunks_exact(8), y.chunks_exact(8));
    let rest: f64 = left.remainder().iter().zip(right.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in left.zip(right) {
        for l in 0..8 {
            lanes[l] += x[l] * y[l];
        }
    }
    lanes.iter().sum::<f64>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_have_length_one_at_any_scale() {
        let units = Units::of(2, vec![3.0, 4.0, 3e200, 4e200, 3e-200, 4e-200, 0.0, 0.0]);
        for t in 0..3 {
            assert!((units.row(t)[0] - 0.6).abs() < 1e-15 && (units.row(t)[1] - 0.8).abs() < 1e-15);
        }
        assert_eq!(units.row(3), [0.0, 0.0]);
    }

    #[test]
    fn a_product_of_any_length() {
        for n in 0..40_u32 {
            let x: Vec<f64> = (0..n).map(f64::from).collect();
            let expected: u32 = (0..n).map(|i| i * i).sum();
            assert_eq!(dot(&x, &x), f64::from(expected));
        }
    }
}
