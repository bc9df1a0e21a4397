//! That an iteration reads S once.

use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use orthant_kernel::View;

use super::residual::Steps;
use super::*;
use crate::Products;
use crate::cancel::Halt;
use crate::lanes::Lanes;
use crate::penalty::Weights;
use crate::ranks::Ranks;
use crate::rule::Coordinate;
use crate::source::{DenseSource, Extent, Memory, Rows, Source, Sources};

/// Counts how often each row is read, and fails at one, if so.
struct Counting<'a> {
    inner: DenseSource<'a, f64>,
    reads: Vec<AtomicUsize>,
    bad: Mutex<Option<usize>>,
}

impl<'a> Counting<'a> {
    fn new(inner: DenseSource<'a, f64>) -> Self {
        let reads = (0..inner.extent().rows).map(|_| AtomicUsize::new(0)).collect();
        Self { inner, reads, bad: Mutex::new(None) }
    }
}

impl Source<f64> for Counting<'_> {
    fn extent(&self) -> Extent {
        self.inner.extent()
    }

    fn lanes(&self) -> Lanes {
        Lanes::even(self.extent().rows, 8)
    }

    fn memory(&self, rows: usize) -> Memory<f64> {
        self.inner.memory(rows)
    }

    fn read<'b>(&'b self, range: Range<usize>, memory: &'b mut Memory<f64>) -> Result<Rows<'b, f64>, Error> {
        match *self.bad.lock().unwrap() {
            Some(row) if range.contains(&row) => Err(Error::Empty { rows: row, cols: 0 }),
            _ => {
                range.clone().for_each(|i| _ = self.reads[i].fetch_add(1, Ordering::Relaxed));
                self.inner.read(range, memory)
            }
        }
    }
}

#[test]
fn an_iteration_visits_each_row_once() {
    let (m, n, k) = (1000, 30, 5);
    let data: Vec<f64> = (0..m * n).map(|i| ((i * 37) % 101) as f64).collect();
    let view = View::row_major(&data, m, n).unwrap();
    let inner = DenseSource::new(view, 1.0, Products::Fused).unwrap();
    let source = Counting::new(inner);
    let factor = |rows: usize| {
        let x = (0..rows * k).map(|i| ((i * 13) % 7) as f64 + 0.5).collect::<Vec<f64>>();
        Factor::new(x, k, Weights::default(), 2)
    };
    let layout = Layout { block: 17, workers: 3, halt: Halt::default(), ranks: Ranks::default() };
    let squares: f64 = data.iter().map(|x| x * x).sum();
    let pair = Pair::new(factor(m), factor(n), false);
    let mut pass =
        Quadratic::new(Sources::of(&source), Box::new(Coordinate::default()), k, layout, squares, pair);
    let visits = |times: usize| {
        assert!(source.reads.iter().all(|v| v.swap(0, Ordering::Relaxed) == times));
    };
    pass.sweep_outer(false).unwrap();
    visits(0);
    for _ in 0..3 {
        pass.sweep_inner(true).unwrap();
        pass.sweep_outer(true).unwrap();
        assert!(pass.gram_loss().unwrap() > 0.0);
        visits(1);
    }
    pass.measure(Steps::Cleared).unwrap();
    visits(1);
}

/// Law 49. With β = 0 what is accepted is the plain rule's, to the bit, by rows and by columns.
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
    let layout = Layout { block: 17, workers: 3, halt: Halt::default(), ranks: Ranks::default() };
    let squares: f64 = data.iter().map(|x| x * x).sum();
    for by_columns in [false, true] {
        let pass = || {
            let pair = Pair::new(factor(m), factor(n), by_columns);
            Quadratic::new(
                Sources::of(&source),
                Box::new(Coordinate::default()),
                k,
                layout.clone(),
                squares,
                pair,
            )
        };
        let (mut plain, mut other) = (pass(), pass().extrapolated(Schedule::growing(0.0, 1.0, 0)));
        for p in [&mut plain, &mut other] {
            p.begin().unwrap();
        }
        for _ in 0..12 {
            for p in [&mut plain, &mut other] {
                p.iterate(false).unwrap();
                let loss = p.loss().unwrap();
                let objective = p.pair().objective(loss);
                assert_eq!(p.judge(loss, objective), Verdict::Accepted);
            }
            assert_eq!(plain.pair.inner.x[..], other.pair.inner.x[..]);
            assert_eq!(plain.pair.outer.x[..], other.pair.outer.x[..]);
            // by columns the objective is summed beside the numerators
            let (a, b) = (plain.loss().unwrap(), other.loss().unwrap());
            assert!((a - b).abs() <= 1e-12 * squares);
        }
        let (a, b) = (plain.finish().unwrap(), other.finish().unwrap());
        assert_eq!((a.loss.to_bits(), a.remaining.to_bits()), (b.loss.to_bits(), b.remaining.to_bits()));
        assert_eq!(plain.into_pair().into_user(), other.into_pair().into_user());
    }
}

/// A source that cannot read some rows ends an iteration with its error, and iterations go on once it can.
#[test]
fn an_error_of_a_source_ends_the_pass_and_leaves_it_usable() {
    let (m, n, k) = (700, 20, 4);
    let data: Vec<f64> = (0..m * n).map(|i| ((i * 29) % 83) as f64).collect();
    let source =
        Counting::new(DenseSource::new(View::row_major(&data, m, n).unwrap(), 1.0, Products::Fused).unwrap());
    let factor = |rows: usize| {
        let x = (0..rows * k).map(|i| ((i * 13) % 7) as f64 + 0.5).collect::<Vec<f64>>();
        Factor::new(x, k, Weights::default(), 1)
    };
    let (layout, squares) = (
        Layout { block: 16, workers: 3, halt: Halt::default(), ranks: Ranks::default() },
        data.iter().map(|x| x * x).sum(),
    );
    let pair = Pair::new(factor(m), factor(n), false);
    let rule = Box::new(Coordinate::default());
    let mut pass = Quadratic::new(Sources::of(&source), rule, k, layout, squares, pair);
    pass.begin().unwrap();
    *source.bad.lock().unwrap() = Some(501);
    for _ in 0..3 {
        assert!(matches!(pass.iterate(false), Err(Error::Empty { rows: 501, .. })));
        assert!(pass.exact_loss().is_err());
    }
    *source.bad.lock().unwrap() = None;
    pass.iterate(false).unwrap();
    let first = pass.loss().unwrap();
    pass.iterate(false).unwrap();
    assert!(pass.loss().unwrap() < first);
}
