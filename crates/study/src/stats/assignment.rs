//! The assignment of rows to columns with the largest sum, exactly.
//!
//! Shortest augmenting paths, as in scipy's `linear_sum_assignment`: D. F. Crouse, On implementing 2D rectangular assignment
//! algorithms, IEEE Trans. Aerosp. Electron. Syst. 52 (2016), doi:10.1109/TAES.2016.140952. Cost r²c for r rows and c columns.

/// For each of the rows of `score` (`rows`×`columns`, rows ≤ columns) a column of its own, so that the sum of their scores is
/// as large as it can be.
///
/// # Panics
/// If there are more rows than columns, or `score` has not as many entries.
pub fn assign(score: &[f64], rows: usize, columns: usize) -> Vec<usize> {
    assert!(rows <= columns && score.len() == rows * columns, "{rows} rows and {columns} columns");
    let cost = |i: usize, j: usize| -score[i * columns + j];
    const NONE: usize = usize::MAX;
    let (mut of_row, mut of_column) = (vec![NONE; rows], vec![NONE; columns]);
    // prices of rows and columns, under which no assigned pair costs more than another
    let (mut u, mut v) = (vec![0.0; rows], vec![0.0; columns]);
    for start in 0..rows {
        let mut path = vec![NONE; columns];
        let mut shortest = vec![f64::INFINITY; columns];
        let (mut in_rows, mut in_columns) = (vec![false; rows], vec![false; columns]);
        let (mut i, mut length) = (start, 0.0);
        let sink = loop {
            in_rows[i] = true;
            let mut next = NONE;
            for j in (0..columns).filter(|&j| !in_columns[j]) {
                let reduced = length + cost(i, j) - u[i] - v[j];
                if reduced < shortest[j] {
                    (shortest[j], path[j]) = (reduced, i);
                }
                // the first of the nearest, but one that is free before others
                let nearer = next == NONE
                    || shortest[j] < shortest[next]
                    || shortest[j] == shortest[next] && of_column[j] == NONE && of_column[next] != NONE;
                if nearer {
                    next = j;
                }
            }
            length = shortest[next];
            in_columns[next] = true;
            if of_column[next] == NONE {
                break next;
            }
            i = of_column[next];
        };
        u[start] += length;
        for i in (0..rows).filter(|&i| in_rows[i] && i != start) {
            u[i] += length - shortest[of_row[i]];
        }
        for j in (0..columns).filter(|&j| in_columns[j]) {
            v[j] -= length - shortest[j];
        }
        let mut j = sink;
        loop {
            let i = path[j];
            of_column[j] = i;
            std::mem::swap(&mut of_row[i], &mut j);
            if i == start {
                break;
            }
        }
    }
    of_row
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::hash;

    /// The largest sum, by trying every way.
    fn best(score: &[f64], columns: usize, taken: &mut Vec<usize>) -> f64 {
        let row = taken.len();
        if row * columns == score.len() {
            return 0.0;
        }
        let mut most = f64::NEG_INFINITY;
        for j in 0..columns {
            if !taken.contains(&j) {
                taken.push(j);
                most = most.max(score[row * columns + j] + best(score, columns, taken));
                taken.pop();
            }
        }
        most
    }

    #[test]
    fn no_other_assignment_has_a_larger_sum() {
        for case in 0..400 {
            let drawn = |what: &str| hash(&format!("{case} {what}"));
            let rows = 1 + drawn("rows") as usize % 6;
            let columns = rows + drawn("columns") as usize % 3;
            // of every third case the scores are a few numbers, so that there are ties
            let levels = if case % 3 == 0 { 4 } else { 1 << 30 };
            let score: Vec<f64> = (0..rows * columns)
                .map(|e| (drawn(&e.to_string()) % levels) as f64 / levels as f64 - 0.3)
                .collect();
            let found = assign(&score, rows, columns);
            let mut distinct = found.clone();
            distinct.sort_unstable();
            distinct.dedup();
            assert_eq!(distinct.len(), rows, "case {case}: {found:?}");
            let sum: f64 = found.iter().enumerate().map(|(i, j)| score[i * columns + j]).sum();
            let most = best(&score, columns, &mut vec![]);
            assert!((sum - most).abs() < 1e-12, "case {case}: {sum} for {most}");
        }
    }

    #[test]
    fn ties_go_to_the_lowest() {
        assert_eq!(assign(&[0.0; 9], 3, 3), [0, 1, 2]);
        assert_eq!(assign(&[1.0; 8], 2, 4), [0, 1]);
    }
}
