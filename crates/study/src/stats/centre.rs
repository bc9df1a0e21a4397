//! What stands for a cluster of components, and how far its members are spread.

use super::quantile::{median, of_sorted};
use super::units::Units;

/// Numbers for each entry of a component, of its members at sum 1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Spread {
    /// The first quartile.
    pub q25: Vec<f64>,
    /// The median.
    pub q50: Vec<f64>,
    /// The third quartile.
    pub q75: Vec<f64>,
    /// The standard error of the mean; 0 of a single member.
    pub sem: Vec<f64>,
}

/// The spread of members with `n` entries each, which are scaled to sum 1 first; one of zeros stays so.
///
/// # Panics
/// If there is no member.
pub fn spread(members: &[Vec<f64>], n: usize) -> Spread {
    let sums: Vec<f64> = members.iter().map(|x| x.iter().sum()).collect();
    let scaled =
        |j: usize| members.iter().zip(&sums).map(move |(x, &sum)| if sum > 0.0 { x[j] / sum } else { 0.0 });
    let count = members.len() as f64;
    let mut out = Spread::default();
    for j in 0..n {
        let mut values: Vec<f64> = scaled(j).collect();
        let mean = values.iter().sum::<f64>() / count;
        let squares: f64 = values.iter().map(|x| (x - mean).powi(2)).sum();
        values.sort_unstable_by(f64::total_cmp);
        out.q25.push(of_sorted(&values, 0.25));
        out.q50.push(of_sorted(&values, 0.5));
        out.q75.push(of_sorted(&values, 0.75));
        out.sem.push(if count > 1.0 { (squares / (count - 1.0) / count).sqrt() } else { 0.0 });
    }
    out
}

/// The medians of members with `n` entries each, at Euclidean length 1.
///
/// # Panics
/// If there is no member.
pub fn medians_of_directions(members: &[Vec<f64>], n: usize) -> Vec<f64> {
    let units = Units::of(n, members.concat());
    (0..n).map(|j| median(&(0..units.len()).map(|t| units.row(t)[j]).collect::<Vec<_>>())).collect()
}

/// The medians of members, at sum 1: the centre of the cluster. Where every median is 0, the mean of the members is taken.
pub fn centre(medians: &[f64], members: &[Vec<f64>]) -> Vec<f64> {
    let at_sum_one = |x: &[f64]| {
        let sum: f64 = x.iter().sum();
        (sum > 0.0).then(|| x.iter().map(|x| x / sum).collect::<Vec<f64>>())
    };
    at_sum_one(medians).unwrap_or_else(|| {
        let mut mean = vec![0.0; medians.len()];
        for x in members.iter().filter_map(|x| at_sum_one(x)) {
            mean.iter_mut().zip(&x).for_each(|(mean, x)| *mean += x);
        }
        at_sum_one(&mean).unwrap_or(mean)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let members = vec![vec![1.0, 3.0], vec![4.0, 4.0], vec![6.0, 2.0]];
        let found = spread(&members, 2);
        assert_eq!(
            (&found.q50, &found.q25, &found.q75),
            (&vec![0.5, 0.5], &vec![0.375, 0.375], &vec![0.625, 0.625])
        );
        // 0.25, 0.5, 0.75: a standard deviation of 0.25
        assert!((found.sem[0] - 0.25 / 3.0_f64.sqrt()).abs() < 1e-15);
        assert_eq!(centre(&found.q50, &members), [0.5, 0.5]);
        // directions (1, 3)/√10, (1, 1)/√2, (3, 1)/√10
        let root = 0.5_f64.sqrt();
        let directions = medians_of_directions(&[vec![1.0, 3.0], vec![4.0, 4.0], vec![6.0, 2.0]], 2);
        assert!(directions.iter().all(|x| (x - root).abs() < 1e-15));
        let even = medians_of_directions(&[vec![3.0, 4.0], vec![0.0, 2.0]], 2);
        assert!((even[0] - 0.3).abs() < 1e-15 && (even[1] - 0.9).abs() < 1e-15);
        assert_eq!(spread(&members[..1], 2).sem, [0.0, 0.0]);
    }

    #[test]
    fn medians_of_zero_give_way_to_the_mean() {
        let members = vec![vec![2.0, 0.0, 0.0], vec![0.0, 1.0, 0.0], vec![0.0, 0.0, 5.0]];
        assert_eq!(centre(&spread(&members, 3).q50, &members), [1.0 / 3.0; 3]);
        assert_eq!(medians_of_directions(&members, 3), [0.0; 3]);
    }
}
