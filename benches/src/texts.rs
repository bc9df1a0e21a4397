//! Large sparse matrices that look like counts of words, made row after row.

use orthant::Csr;

use crate::Sequence;

/// A sparse matrix by rows, in its parts.
pub struct Texts {
    /// Columns.
    pub cols: usize,
    /// Where each row begins, and where the last one ends.
    pub indptr: Vec<usize>,
    /// The column of each entry, ascending in every row.
    pub indices: Vec<u32>,
    /// The entries: 1 and above.
    pub values: Vec<f32>,
}

/// How fast a rank's frequency falls: as 1/(rank + FLAT).
const FLAT: f64 = 10.0;

/// A column of every topic's own order of them: rank r is column (a·r + b) modulo the number of columns.
struct Order {
    a: u64,
    b: u64,
}

impl Order {
    fn draw(cols: u64, numbers: &mut Sequence) -> Self {
        let mut at = || (numbers.draw() * cols as f64) as u64;
        let (mut a, b) = (at().max(1), at());
        while gcd(a, cols) != 1 {
            a += 1;
        }
        Self { a, b }
    }
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

impl Texts {
    /// `rows` rows of `cols` columns with about `entries` entries, from the [`Sequence`] of `seed`.
    ///
    /// A row's number of entries is exp(u₁ + u₂ + u₃ − 3/2) for three uniform numbers, which is nearly log-normal with
    /// σ = 0.5, to scale, but at most a quarter of the columns. Its tokens are drawn until it has so many different ones: half
    /// by an order of the columns that all rows share, 7 of 20 by that of its first topic and 3 of 20 by that of its second,
    /// both drawn for the row; in each order a column's frequency is 1/(rank + 10). Entries count tokens.
    ///
    /// ```
    /// let texts = orthant_benches::Texts::new(50, 400, 1000, 5, 1);
    /// assert_eq!((texts.indptr[50], texts.indices.len(), texts.values.len()), (1000, 1000, 1000));
    /// assert_eq!((texts.csr().nrows(), texts.csr().nnz()), (50, 1000));
    /// ```
    ///
    /// # Panics
    /// Without topics, or for more columns than 2³².
    pub fn new(rows: usize, cols: usize, entries: usize, topics: usize, seed: u64) -> Self {
        assert!(topics > 0 && cols as u64 <= 1 << 32, "topics, and columns that can be counted");
        let mut numbers = Sequence::new(seed);
        let orders: Vec<Order> = (0..=topics).map(|_| Order::draw(cols as u64, &mut numbers)).collect();
        let mut lengths: Vec<f64> =
            (0..rows).map(|_| (numbers.draw() + numbers.draw() + numbers.draw() - 1.5).exp()).collect();
        let scale = entries as f64 / lengths.iter().sum::<f64>();
        // rounded in the sum, so that they make up the whole
        let mut end = 0.0;
        for length in &mut lengths {
            let begin = end;
            end += *length * scale;
            *length = (end.round() - f64::round(begin)).min((cols / 4) as f64);
        }
        let total = lengths.iter().sum::<f64>() as usize;
        let (mut indptr, mut indices, mut values) =
            (Vec::with_capacity(rows + 1), Vec::with_capacity(total), Vec::with_capacity(total));
        indptr.push(0);
        let steepness = (cols as f64 / FLAT).ln_1p();
        let mut counts = vec![0_u32; cols];
        for length in lengths {
            let first = indices.len();
            let mut topic = || 1 + (numbers.draw() * topics as f64) as usize;
            let of = [0, topic(), topic()];
            while indices.len() - first < length as usize {
                let which = numbers.draw();
                let order = &orders[of[usize::from(which >= 0.5) + usize::from(which >= 0.85)]];
                let rank = (FLAT * ((numbers.draw() * steepness).exp() - 1.0)) as u64;
                let column = (order.a * rank + order.b) % cols as u64;
                let count = &mut counts[column as usize];
                if *count == 0 {
                    indices.push(column as u32);
                }
                *count += 1;
            }
            indices[first..].sort_unstable();
            for &column in &indices[first..] {
                values.push(counts[column as usize] as f32);
                counts[column as usize] = 0;
            }
            indptr.push(indices.len());
        }
        Self { cols, indptr, indices, values }
    }

    /// The matrix, over its parts.
    pub fn csr(&self) -> Csr<'_, f32> {
        let Self { cols, indptr, indices, values } = self;
        Csr::new(indptr.len() - 1, *cols, &indptr[..], &indices[..], &values[..]).expect("made in order")
    }
}
