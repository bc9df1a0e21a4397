//! A matrix as `numpy` prints it, at its default of 8 decimals, without folding or leaving anything out.

use orthant::{Real, View};

const DECIMALS: usize = 8;

/// The text of a matrix, rows in brackets.
pub fn matrix<T: Real>(view: View<'_, T>) -> String {
    let (m, n) = (view.nrows(), view.ncols());
    let entries: Vec<T> = (0..m * n).map(|p| view.at(p / n, p % n)).collect();
    let cells = cells(&entries);
    let rows: Vec<String> = cells.chunks(n.max(1)).map(|row| format!("[{}]", row.join(" "))).collect();
    format!("[{}]", rows.join("\n "))
}

/// All entries in one style and of one width: plain digits where these show every entry well, else an exponent.
fn cells<T: Real>(entries: &[T]) -> Vec<String> {
    let sizes = entries.iter().map(|x| x.to_f64().abs()).filter(|x| *x != 0.0 && x.is_finite());
    let (low, high) = sizes.fold((f64::INFINITY, 0.0_f64), |(lo, hi), x| (lo.min(x), hi.max(x)));
    // numpy's rule
    let exponent = high > 0.0 && (high >= 1e8 || low < 1e-4 || high / low > 1000.0);
    let parts: Vec<Parts> =
        entries.iter().map(|&x| if exponent { scientific(x) } else { positional(x) }).collect();
    let widest = |len: fn(&Parts) -> usize| parts.iter().map(len).max().unwrap_or(0);
    let left = widest(|p| p.int.len());
    let right = widest(|p| p.fraction.len());
    let digits = widest(|p| p.exponent.unsigned_abs().to_string().len()).max(2);
    let cell = |Parts { int, fraction, exponent: e }: &Parts| {
        if exponent {
            let sign = if *e < 0 { '-' } else { '+' };
            format!("{int:>left$}.{fraction:0<right$}e{sign}{:0digits$}", e.unsigned_abs())
        } else {
            format!("{int:>left$}.{fraction:<right$}")
        }
    };
    parts.iter().map(cell).collect()
}

struct Parts {
    int: String,
    fraction: String,
    exponent: i32,
}

impl Parts {
    fn of(text: &str, exponent: i32) -> Self {
        let (int, fraction) = text.split_once('.').unwrap_or((text, ""));
        Self { int: int.to_owned(), fraction: fraction.trim_end_matches('0').to_owned(), exponent }
    }
}

/// Digits before and after the point, the fewest that read back as the same number, at most 8 after it.
fn positional<T: Real>(x: T) -> Parts {
    let shortest = x.to_string();
    let long = decimals(&shortest) > DECIMALS;
    Parts::of(&if long { format!("{x:.DECIMALS$}") } else { shortest }, 0)
}

/// The same with one digit before the point and an exponent.
fn scientific<T: Real>(x: T) -> Parts {
    // the shortest digits are those of x in its own precision
    let x: f64 = x.to_string().parse().expect("a printed number");
    let shortest = format!("{x:e}");
    let long = shortest.split_once('e').is_some_and(|(mantissa, _)| decimals(mantissa) > DECIMALS);
    let text = if long { format!("{x:.DECIMALS$e}") } else { shortest };
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    Parts::of(mantissa, exponent.parse().unwrap_or(0))
}

fn decimals(number: &str) -> usize {
    number.split_once('.').map_or(0, |(_, fraction)| fraction.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(values: &[f64], m: usize, n: usize) -> String {
        matrix(View::row_major(values, m, n).unwrap())
    }

    // the right-hand sides are numpy 2.4.6's own: print(numpy.array(…))
    #[test]
    fn as_numpy_prints() {
        assert_eq!(
            text(&[0.0, 0.46880684123, 0.556995234, 0.3894146], 2, 2),
            "[[0.         0.46880684]\n [0.55699523 0.3894146 ]]"
        );
        assert_eq!(text(&[1.0, 2.0, 3.0, 10.0], 2, 2), "[[ 1.  2.]\n [ 3. 10.]]");
        assert_eq!(text(&[0.5, 1e-5], 1, 2), "[[5.e-01 1.e-05]]");
        assert_eq!(text(&[1.0 / 3.0, 2e5, 0.0], 1, 3), "[[3.33333333e-01 2.00000000e+05 0.00000000e+00]]");
        assert_eq!(text(&[1e100, 1.25], 1, 2), "[[1.00e+100 1.25e+000]]");
        assert_eq!(text(&[12345678.1, 20000.0 + 1.0 / 3.0], 1, 2), "[[12345678.1           20000.33333333]]");
        assert_eq!(text(&[9.999999999, 1.0], 1, 2), "[[10.  1.]]");
        assert_eq!(text(&[9.9999999999e-6, 1.0], 1, 2), "[[1.e-05 1.e+00]]");
        assert_eq!(text(&[0.0, 0.0], 1, 2), "[[0. 0.]]");
        let single = [0.1_f32, 3.3, 1.0 / 3.0];
        assert_eq!(matrix(View::row_major(&single, 1, 3).unwrap()), "[[0.1        3.3        0.33333334]]");
    }
}
