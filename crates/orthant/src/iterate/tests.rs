//! That an iteration reads S once.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use orthant_kernel::View;

use super::residual::Steps;
use super::*;
use crate::Products;
use crate::penalty::Weights;
use crate::reduce::Lanes;
use crate::rule::Coordinate;
use crate::source::{DenseSource, Source};

/// Counts how often each row is visited.
struct Counting<'a> {
    inner: DenseSource<'a, f64>,
    visits: Vec<AtomicUsize>,
}

impl Source<f64> for Counting<'_> {
    type Block<'b>
        = <DenseSource<'b, f64> as Source<f64>>::Block<'b>
    where
        Self: 'b;
    type Scratch = Vec<f64>;
    fn rows(&self) -> usize {
        self.inner.rows()
    }
    fn cols(&self) -> usize {
        self.inner.cols()
    }
    fn lanes(&self) -> Lanes {
        Lanes::even(self.rows(), 8)
    }
    fn scratch(&self, rows: usize) -> Vec<f64> {
        self.inner.scratch(rows)
    }
    fn block<'b>(&'b self, range: Range<usize>, scratch: &'b mut Vec<f64>) -> Self::Block<'b> {
        for i in range.clone() {
            self.visits[i].fetch_add(1, Ordering::Relaxed);
        }
        self.inner.block(range, scratch)
    }
}

#[test]
fn an_iteration_visits_each_row_once() {
    let (m, n, k) = (1000, 30, 5);
    let data: Vec<f64> = (0..m * n).map(|i| ((i * 37) % 101) as f64).collect();
    let view = View::row_major(&data, m, n).unwrap();
    let inner = DenseSource::new(view, 1.0, Products::Fused).unwrap();
    let source = Counting { inner, visits: (0..m).map(|_| AtomicUsize::new(0)).collect() };
    let factor = |rows: usize| {
        let x = (0..rows * k).map(|i| ((i * 13) % 7) as f64 + 0.5).collect::<Vec<f64>>();
        Factor::new(x, k, Weights::default(), 2)
    };
    let layout = Layout { block: 17, workers: 3 };
    let squares: f64 = data.iter().map(|x| x * x).sum();
    let pair = Pair::new(factor(m), factor(n), false);
    let mut pass = Quadratic::new(&source, Box::new(Coordinate::default()), k, layout, squares, pair);
    let visits = |times: usize| {
        assert!(source.visits.iter().all(|v| v.swap(0, Ordering::Relaxed) == times));
    };
    pass.sweep_outer(false);
    visits(0);
    for _ in 0..3 {
        pass.sweep_inner(true);
        pass.sweep_outer(true);
        assert!(pass.gram_loss() > 0.0);
        visits(1);
    }
    pass.measure(Steps::Cleared);
    visits(1);
}

/// Law 49: with β = 0 what is accepted is the plain rule's, to the bit, by rows and by columns.
#[test]
fn extrapolation_by_nothing_is_the_plain_rule() {
    let (m, n, k) = (430, 37, 5);
    let data: Vec<f64> = (0..m * n).map(|i| ((i * 7919 + i / 11) % 101) as f64).collect();
    let view = View::row_major(&data, m, n).unwrap();
    let source = DenseSource::new(view, 1.0, Products::Fused).unwrap();
    let factor = |rows: usize| {
        let x = (0..rows * k).map(|i| ((i * 13) % 7) as f64 / 8.0 + 0.5).collect::<Vec<f64>>();
        Factor::new(x, k, Weights { l1: 0.25, l2: 0.5 }, 3)
    };
    let layout = Layout { block: 17, workers: 3 };
    let squares: f64 = data.iter().map(|x| x * x).sum();
    for by_columns in [false, true] {
        let pass = || {
            let pair = Pair::new(factor(m), factor(n), by_columns);
            Quadratic::new(&source, Box::new(Coordinate::default()), k, layout, squares, pair)
        };
        let (mut plain, mut other) = (pass(), pass().extrapolated(Schedule::growing(0.0, 1.0, 0)));
        for p in [&mut plain, &mut other] {
            p.begin();
        }
        for _ in 0..12 {
            for p in [&mut plain, &mut other] {
                p.iterate(false);
                let loss = p.loss();
                let objective = p.pair().objective(loss);
                assert_eq!(p.judge(loss, objective), Verdict::Accepted);
            }
            assert_eq!(plain.pair.inner.x[..], other.pair.inner.x[..]);
            assert_eq!(plain.pair.outer.x[..], other.pair.outer.x[..]);
            // by columns the objective is summed beside the numerators
            let (a, b) = (plain.loss(), other.loss());
            assert!((a - b).abs() <= 1e-12 * squares);
        }
        let (a, b) = (plain.finish(), other.finish());
        assert_eq!((a.loss.to_bits(), a.remaining.to_bits()), (b.loss.to_bits(), b.remaining.to_bits()));
        assert_eq!(plain.into_pair().into_user(), other.into_pair().into_user());
    }
}
