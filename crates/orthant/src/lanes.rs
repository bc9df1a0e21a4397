//! Lanes: how rows are cut for sums in a fixed order.
//!
//! Rows are cut in a power of two of contiguous lanes, by the shape of the data alone.

use std::ops::Range;
use std::sync::Arc;

/// The most lanes there are, unless their rows are too many to be summed one after the other.
pub const MAX_LANES: usize = 64;

/// The most rows that a lane sums one after the other, half as many or more where there are more than [`MAX_LANES`]:
/// rounding does not grow with the rows beyond.
const LANE_ROWS: usize = 1024;

/// Number of lanes of a pass over `rows` rows, whatever the columns, the rank and the precision.
///
/// Zeroing and summing a lane's accumulator costs about as much as 40 flops for each of its cols·k elements, and the
/// pass 4·rows flops for each: the largest power of two up to 64 that keeps the lanes at a tenth of the pass is
/// rows/100, rounded down; and at least 4. From 65536 rows on, as many as have 1024 rows at most.
pub fn lanes(rows: usize) -> usize {
    let most = (rows / 100).clamp(4, MAX_LANES);
    short(rows).max(1 << most.ilog2())
}

/// Lanes that rounding asks for: a power of two.
pub(crate) fn short(rows: usize) -> usize {
    rows.div_ceil(LANE_ROWS).next_power_of_two()
}

/// The rows of a lane.
pub fn lane(rows: usize, lanes: usize, lane: usize) -> Range<usize> {
    let edge = |l: usize| (rows as u128 * l as u128 / lanes as u128) as usize;
    edge(lane)..edge(lane + 1)
}

/// Where rows are cut in lanes: contiguous, in order, none of them left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lanes {
    /// Where each lane begins, and where the last one ends.
    edges: Arc<[usize]>,
}

impl Lanes {
    /// `count` lanes of as many rows each.
    pub fn even(rows: usize, count: usize) -> Self {
        Self { edges: (0..count).map(|l| lane(rows, count, l).start).chain([rows]).collect() }
    }

    /// `count` lanes of about the same weight each, where the rows before row i weigh `before(i)`.
    pub fn weighted(rows: usize, count: usize, before: impl Fn(usize) -> usize) -> Self {
        let all = before(rows) as u128;
        let mut edges = vec![0];
        for l in 1..count {
            let share = (all * l as u128 / count as u128) as usize;
            let (mut low, mut high) = (edges[l - 1], rows);
            while low < high {
                let middle = low.midpoint(high);
                if before(middle) < share { low = middle + 1 } else { high = middle }
            }
            // the nearer of the two edges about the share
            let over = low > edges[l - 1] && before(low) - share > share - before(low - 1);
            edges.push(if over { low - 1 } else { low });
        }
        edges.push(rows);
        Self { edges: edges.into() }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.edges.len() - 1
    }

    /// The rows of a lane.
    pub fn range(&self, lane: usize) -> Range<usize> {
        self.edges[lane]..self.edges[lane + 1]
    }

    /// The most rows that a lane has.
    pub(crate) fn longest(&self) -> usize {
        (0..self.count()).map(|l| self.range(l).len()).max().unwrap_or(0)
    }

    /// Whether a lane has more rows than are to be summed one after the other.
    pub(crate) fn long(&self) -> bool {
        self.longest() > LANE_ROWS
    }

    /// The rows of a lane in blocks, and whether what has been summed so far is to be set aside after each: after every 1024
    /// rows, and the last, of a lane with more.
    pub(crate) fn blocks(
        &self,
        lane: usize,
        block: usize,
    ) -> impl Iterator<Item = (Range<usize>, bool)> + use<> {
        let Range { start, end } = self.range(lane);
        let long = end - start > LANE_ROWS;
        let mut at = start;
        std::iter::from_fn(move || {
            (at < end).then(|| {
                let stretch = if long { at + LANE_ROWS - (at - start) % LANE_ROWS } else { end };
                let rows = at..end.min(at + block).min(stretch);
                at = rows.end;
                let flushes = long && (at == stretch || at == end);
                (rows, flushes)
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_lanes_follows_from_the_rows() {
        for (rows, count) in [(3, 4), (2000, 16), (10_000, 64), (1_000_000, 1024)] {
            assert_eq!(lanes(rows), count, "{rows} rows");
        }
    }

    #[test]
    fn lanes_by_weight_are_as_even_as_rows_allow() {
        let lanes = Lanes::weighted(5, 2, |i| [0, 8, 9, 10, 11, 12][i]);
        assert_eq!((lanes.range(0), lanes.range(1)), (0..1, 1..5));
        // one row weighs as much as all others together, and some weigh nothing
        let weights: Vec<usize> = (0..500).map(|i| if i == 123 { 4000 } else { i % 17 }).collect();
        let before: Vec<usize> = (0..=500).map(|i| weights[..i].iter().sum()).collect();
        for count in [4, 8, 64] {
            let lanes = Lanes::weighted(500, count, |i| before[i]);
            assert_eq!(lanes.count(), count);
            assert_eq!(
                (0..count).flat_map(|l| lanes.range(l)).collect::<Vec<_>>(),
                (0..500).collect::<Vec<_>>()
            );
            for l in 0..count {
                let range = lanes.range(l);
                let weight = before[range.end] - before[range.start];
                assert!(
                    weight <= before[500] / count + 17 || range.contains(&123),
                    "{count}: {range:?} has {weight}"
                );
            }
        }
        assert_eq!(Lanes::weighted(3, 4, |_| 0).range(3).end, 3);
    }

    #[test]
    fn blocks_end_where_sums_are_set_aside() {
        let lanes = Lanes::even(5000, 2);
        for block in [1, 7, 96, 1024, 5000] {
            let (mut next, mut flushes) = (2500, Vec::new());
            for (rows, flush) in lanes.blocks(1, block) {
                assert_eq!(rows.start, next);
                assert!(rows.len() <= block);
                next = rows.end;
                flushes.extend(flush.then_some(next));
            }
            assert_eq!((next, flushes), (5000, vec![3524, 4548, 5000]));
        }
        assert!(Lanes::even(4096, 4).blocks(3, 10).all(|(_, flush)| !flush));
    }

    #[test]
    fn lanes_cover_the_rows_in_order() {
        for rows in [0, 1, 3, 4, 63, 64, 65, 1000, 123_457] {
            for count in [4, 8, 16, 32, 64] {
                let mut next = 0;
                for l in 0..count {
                    let r = lane(rows, count, l);
                    assert_eq!(r.start, next);
                    next = r.end;
                }
                assert_eq!(next, rows);
            }
        }
    }
}
