//! How alike components are to known ones.

use crate::stats::assignment::assign;
use crate::stats::units::{Units, dot};

/// How alike found components are to known ones: their cosines, and which goes with which.
///
/// ```
/// use orthant_study::Similarity;
/// let found = [vec![0.0, 2.0, 2.0], vec![5.0, 0.0, 0.0]];
/// let known = [vec![1.0, 0.0, 0.0], vec![0.0, 1.0, 0.0], vec![0.0, 1.0, 1.0]];
/// let similarity = Similarity::of(&found, &known);
/// assert_eq!(similarity.matched, [Some(2), Some(0)]);
/// assert!((similarity.cosines[0][1] - 0.5_f64.sqrt()).abs() < 1e-12);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Similarity {
    /// For each found component its cosine with each known one. A component that is 0 has the cosine 0.
    pub cosines: Vec<Vec<f64>>,
    /// The known component that goes with each found one, each with one at most, so that the sum of their cosines is as large as it
    /// can be; none where there are fewer known ones than found ones.
    pub matched: Vec<Option<usize>>,
    /// The known component that each found one is most like, of equal ones the first; several can have the same.
    pub nearest: Vec<usize>,
}

impl Similarity {
    /// Of components as rows.
    ///
    /// # Panics
    /// If there are no known components, or rows are not equally long.
    pub fn of(found: &[Vec<f64>], known: &[Vec<f64>]) -> Self {
        let n = known[0].len();
        assert!(found.iter().chain(known).all(|row| row.len() == n), "rows of other lengths");
        let units = |rows: &[Vec<f64>]| Units::of(n, rows.concat());
        let (a, b) = (units(found), units(known));
        let (rows, columns) = (found.len(), known.len());
        let cosines: Vec<Vec<f64>> =
            (0..rows).map(|i| (0..columns).map(|j| dot(a.row(i), b.row(j))).collect()).collect();
        let mut matched = vec![None; rows];
        if rows <= columns {
            let score = cosines.concat();
            assign(&score, rows, columns).into_iter().enumerate().for_each(|(i, j)| matched[i] = Some(j));
        } else {
            let score: Vec<f64> = (0..columns).flat_map(|j| cosines.iter().map(move |row| row[j])).collect();
            assign(&score, columns, rows).into_iter().enumerate().for_each(|(j, i)| matched[i] = Some(j));
        }
        let most = |row: &Vec<f64>| (0..columns).reduce(|a, b| if row[b] > row[a] { b } else { a });
        let nearest = cosines.iter().filter_map(most).collect();
        Self { cosines, matched, nearest }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(rows: usize, salt: usize) -> Vec<Vec<f64>> {
        (0..rows).map(|i| (0..5).map(|j| ((i * 7 + j * 13 + salt) % 11) as f64).collect()).collect()
    }

    /// By plain loops, and no other one-to-one choice has a larger sum.
    #[test]
    fn no_other_match_is_better() {
        let cosine = |x: &[f64], y: &[f64]| {
            let product = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
            product(x, y) / (product(x, x) * product(y, y)).sqrt()
        };
        // the largest sum of a choice for the rows from i on
        fn best(cosines: &[Vec<f64>], i: usize, taken: &mut Vec<usize>, skips: usize) -> f64 {
            if i == cosines.len() {
                return 0.0;
            }
            let mut most = if skips > 0 { best(cosines, i + 1, taken, skips - 1) } else { f64::NEG_INFINITY };
            for j in 0..cosines[i].len() {
                if !taken.contains(&j) {
                    taken.push(j);
                    most = most.max(cosines[i][j] + best(cosines, i + 1, taken, skips));
                    taken.pop();
                }
            }
            most
        }
        for (rows, columns) in [(3, 3), (2, 5), (5, 2), (4, 1)] {
            for salt in 0..9 {
                let (found, known) = (drawn(rows, salt), drawn(columns, 3 * salt + 2));
                let of = Similarity::of(&found, &known);
                for (i, row) in of.cosines.iter().enumerate() {
                    assert!((0..columns).all(|j| (row[j] - cosine(&found[i], &known[j])).abs() < 1e-12));
                    assert!(row.iter().all(|x| *x <= row[of.nearest[i]]));
                }
                let pairs = of.matched.iter().enumerate().filter_map(|(i, j)| Some((i, (*j)?)));
                let sum: f64 = pairs.clone().map(|(i, j)| of.cosines[i][j]).sum();
                let mut columns_of: Vec<usize> = pairs.map(|(_, j)| j).collect();
                columns_of.sort_unstable();
                columns_of.dedup();
                assert_eq!(columns_of.len(), rows.min(columns));
                let most = best(&of.cosines, 0, &mut Vec::new(), rows.saturating_sub(columns));
                assert!((sum - most).abs() < 1e-12, "{rows}×{columns}, {salt}: {sum} {most}");
            }
        }
        let none = Similarity::of(&[vec![0.0; 5]], &drawn(2, 1));
        assert_eq!((none.cosines[0].clone(), none.nearest[0]), (vec![0.0; 2], 0));
    }
}
