//! The residual itself, and how far from stationary the factors are.

use std::ops::Range;
use std::sync::PoisonError;

use orthant_kernel::{Isa, Real, View, accumulator_stride, allocate, gram, rows};

use super::Figures;
use super::lines::{Lines, Role, plain_lines};
use super::moving::Moving;
use super::projection::Projection;
use super::quadratic::Quadratic;
use super::row_update::Work;
use super::sums::GramSums;
use super::visit::{HalfStep, Mode, Span, Sums};
use crate::Error;
use crate::known::Limits;
use crate::lanes::Lanes;
use crate::objective::Residual;
use crate::ranks::{Few, Ranks, Shared};
use crate::reduce::{Reducer, Slots, split};
use crate::rule::{Subproblem, bounded};
use crate::source::{DenseRows, Rows, Source};
use crate::state::{State, elements, save_elements, state};
use crate::twofold::Twofold;

/// The Gram form of the loss is known to this many ε·‖S‖².
const ROUNDING: f64 = 2.0;

/// A residual that is computed by entries, from products in single precision, is not trusted below this share of ‖S‖².
const QUICK: f64 = 1.0 / 1024.0;

/// Nor below this many ε·‖S‖² in double precision, whatever the products are of.
const CANCELLED: f64 = 256.0;

/// Rows that are widened together.
const WIDENED: usize = 64;

/// XᵀX in double precision, one triangle.
#[derive(Debug)]
pub(super) struct WideGram {
    g: Vec<f64>,
    rows: Vec<f64>,
}

impl WideGram {
    /// Bytes of one.
    pub fn bytes(k: usize) -> usize {
        (k * accumulator_stride::<f64>(k) + WIDENED * k) * size_of::<f64>()
    }

    pub fn new(k: usize) -> Self {
        Self {
            g: allocate::filled(k * accumulator_stride::<f64>(k), 0.0),
            rows: allocate::filled(WIDENED * k, 0.0),
        }
    }

    /// Of all rows of X.
    fn of<T: Real>(
        reducer: &mut Reducer<Self>,
        isa: Isa,
        x: &[T],
        k: usize,
        lanes: &Lanes,
    ) -> Result<Self, Error> {
        reducer.try_sum(
            |l, _, out| {
                let Self { g, rows } = out;
                g.fill(0.0);
                let range = lanes.range(l);
                for x in x[range.start * k..range.end * k].chunks(WIDENED * k) {
                    let rows = &mut rows[..x.len()];
                    rows.iter_mut().zip(x).for_each(|(to, x)| *to = x.to_f64());
                    gram(isa, rows, k, g);
                }
                Ok(())
            },
            Self::merge,
        )
    }

    /// ⟨XᵀX, YᵀY⟩.
    fn times(&self, other: &Self, k: usize) -> f64 {
        let stride = accumulator_stride::<f64>(k);
        let mut sum = 0.0;
        for t in 0..k {
            let (a, b) = (&self.g[t * stride..][t..k], &other.g[t * stride..][t..k]);
            let row: f64 = a.iter().zip(b).map(|(a, b)| a * b).sum();
            sum += 2.0 * row - a[0] * b[0];
        }
        sum
    }
}

impl Shared for WideGram {
    type Element = f64;

    fn pack(&self, to: &mut Vec<u8>) {
        save_elements(&self.g, to);
    }

    fn unpack(&mut self, from: &mut &[u8]) -> Result<(), Error> {
        elements(&mut self.g, from)
    }

    fn merge(&mut self, other: &Self) {
        self.g.iter_mut().zip(&other.g).for_each(|(a, b)| *a += b);
    }
}

/// XᵀX in twice that precision, k×k, one triangle.
struct TwofoldGram(Vec<Twofold>);

impl TwofoldGram {
    /// Of all rows of X.
    fn of<T: Real>(ranks: &Ranks, workers: usize, x: &[T], k: usize, lanes: &Lanes) -> Result<Self, Error> {
        let zeros = || Self(vec![Twofold::default(); k * k]);
        Reducer::new(lanes.count(), workers, zeros).over(ranks).try_sum(
            |l, _, out| {
                out.0.fill(Twofold::default());
                let range = lanes.range(l);
                for x in x[range.start * k..range.end * k].chunks_exact(k) {
                    for (t, a) in x.iter().enumerate().filter(|(_, a)| **a != T::ZERO) {
                        for (r, b) in x.iter().enumerate().skip(t).filter(|(_, b)| **b != T::ZERO) {
                            let sum = &mut out.0[t * k + r];
                            *sum = sum.plus(Twofold::product(a.to_f64(), b.to_f64()));
                        }
                    }
                }
                Ok(())
            },
            Self::merge,
        )
    }

    /// `sum` + ⟨XᵀX, YᵀY⟩.
    fn add_product(&self, other: &Self, k: usize, mut sum: Twofold) -> Twofold {
        for t in 0..k {
            for r in t..k {
                let product = self.0[t * k + r].times_twofold(other.0[t * k + r]);
                sum = sum.plus(if r == t { product } else { product.times(2.0) });
            }
        }
        sum
    }
}

impl Shared for TwofoldGram {
    type Element = f64;

    fn pack(&self, to: &mut Vec<u8>) {
        self.0.iter().for_each(|sum| sum.save(to));
    }

    fn unpack(&mut self, from: &mut &[u8]) -> Result<(), Error> {
        self.0.iter_mut().try_for_each(|sum| sum.restore(from))
    }

    fn merge(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(a, b)| *a = a.plus(*b));
    }
}

/// Residual and stationarity of the factors as they stand.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Measured {
    /// ‖S − XYᵀ‖², from the residual itself.
    pub squares: Twofold,
    /// The coordinate steps that remain in X, squared, in the units of S.
    pub movement: f64,
}

/// What is done about the steps that remain in X.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Steps {
    Ignored,
    Measured,
    /// Measured, after rows of X whose numerators are all 0 are put at 0 (see [`clear_empty`](Quadratic::clear_empty)).
    Cleared,
}

impl Sums for Measured {
    fn clear(&mut self) {
        *self = Self::default();
    }

    fn add(&mut self, other: &Self) {
        self.merge(other);
    }
}

state!(Measured: squares, movement);

impl Few for Measured {
    fn add(&mut self, other: &Self) {
        self.squares = self.squares.plus(other.squares);
        self.movement += other.movement;
    }
}

/// The residual of rows of S, and the steps that remain in X.
struct RowResidual<'a, T: Real> {
    source: &'a dyn Source<T>,
    subproblem: Subproblem<'a, T>,
    limits: Option<&'a Limits<T>>,
    /// Y as blocks are multiplied with it, and Y itself.
    operand: &'a [T],
    y: &'a [T],
    how: Residual,
    clears: bool,
    projection: Option<Projection<'a, T>>,
    k: usize,
    isa: Isa,
}

impl<T: Real> HalfStep<T> for RowResidual<'_, T> {
    type Work = Work<T>;
    type Sums = Measured;

    fn source(&self) -> Option<&dyn Source<T>> {
        Some(self.source)
    }

    fn opposite(&self) -> (&[T], T) {
        (self.y, T::ZERO)
    }

    fn sums_rows(&self) -> bool {
        true
    }

    fn moves(
        &self,
        at: &Span,
        s: Option<&mut Rows<'_, T>>,
        x: &mut [T],
        work: &mut Work<T>,
        sums: &mut Measured,
    ) {
        let (k, isa, Subproblem { gram, diagonal, l1, .. }) = (self.k, self.isa, self.subproblem);
        let (a, d) = (&mut work.a[..x.len()], &mut work.rule[..x.len()]);
        s.expect("rows are read").numerators(self.operand, k, a);
        if let Some(limits) = self.limits {
            let bounds = limits.rows(&at.rows);
            sums.movement = bounded::distance(x, a, k, &self.subproblem, bounds, d, sums.movement);
            return;
        }
        if self.clears {
            clear(x, a, k, k);
        }
        rows::products(isa, x, gram, k, d);
        sums.movement = rows::distance(isa, x, a, k, d, diagonal, l1, sums.movement);
    }

    fn sums(
        &self,
        _: &Span,
        s: Option<&mut Rows<'_, T>>,
        x: &Lines<'_, T>,
        work: &mut Work<T>,
        sums: &mut Measured,
    ) {
        let (Work { residual, row, .. }, k, s) = (work, self.k, s.expect("rows are read"));
        match (self.projection, &*s) {
            // row by row, at 2·cols·width flops each
            (Some(projection), Rows::Dense(l)) => {
                for (i, x) in x.x.chunks_exact(k).enumerate() {
                    projection.row(l.view().row(i).expect("rows of L are contiguous"), row);
                    let view = View::row_major(row, 1, row.len()).expect("a row");
                    let mut s = Rows::Dense(DenseRows::whole(view, l.isa, l.backend));
                    sums.squares = s.squared_residual(self.how, x, self.y, k, residual, sums.squares);
                }
            }
            _ => sums.squares = s.squared_residual(self.how, x.x, self.y, k, residual, sums.squares),
        }
    }
}

/// Rows of S·Y, or of SᵀX from those of the transpose.
pub(super) struct Products<'a, 'o, T: Real> {
    pub source: &'a dyn Source<T>,
    pub operand: &'a [T],
    pub k: usize,
    /// By lanes.
    pub out: &'a Slots<&'o mut [T]>,
}

impl<T: Real> HalfStep<T> for Products<'_, '_, T> {
    type Work = Work<T>;
    type Sums = GramSums<T>;

    fn source(&self) -> Option<&dyn Source<T>> {
        Some(self.source)
    }

    fn opposite(&self) -> (&[T], T) {
        (self.operand, T::ZERO)
    }

    fn sums_rows(&self) -> bool {
        true
    }

    fn sums(
        &self,
        at: &Span,
        s: Option<&mut Rows<'_, T>>,
        _: &Lines<'_, T>,
        _: &mut Work<T>,
        _: &mut GramSums<T>,
    ) {
        let mut out = self.out[at.lane].lock().unwrap_or_else(PoisonError::into_inner);
        s.expect("rows are read").numerators(self.operand, self.k, &mut out[at.of_lane.clone()]);
    }
}

impl<T: Real> Quadratic<'_, T> {
    /// The figures of the factors as they stand, once a pass has summed.
    pub fn figures(&mut self) -> Result<Figures, Error> {
        let products = self.outer_products()?;
        let residual = self.measure(Steps::Measured)?;
        let outer = self.outer_movement(&products);
        Ok(self.of_residual(residual, outer))
    }

    pub(super) fn of_residual(&self, residual: Measured, outer: f64) -> Figures {
        let remaining = ((residual.movement + outer) / self.squares).sqrt();
        Figures { loss: 0.5 * residual.squares.to_f64(), remaining }
    }

    /// ‖S − XYᵀ‖² from the residual itself, and the steps that remain in X. Reads S once; where the residual is computed by
    /// entries and little is left of ‖S‖², once more.
    pub(super) fn measure(&mut self, steps: Steps) -> Result<Measured, Error> {
        let mut measured = self.measure_by(Residual::Quick, steps)?;
        let Some(wide) = &mut self.wide else { return Ok(measured) };
        let (isa, k) = (self.isa, self.k);
        let of_x = WideGram::of(&mut wide[0], isa, &self.pair.inner.x, k, &self.inner.lanes)?;
        let of_y = WideGram::of(&mut wide[1], isa, &self.pair.outer.x, k, &self.outer.lanes)?;
        let all = of_x.times(&of_y, k);
        wide[0].give_back(of_x);
        wide[1].give_back(of_y);
        let single = T::EPSILON.to_f64() > f64::EPSILON;
        let mut squares = (measured.squares.to_f64() + all).max(0.0);
        if single && squares < QUICK * self.squares {
            squares = (self.measure_by(Residual::Wide, Steps::Ignored)?.squares.to_f64() + all).max(0.0);
        }
        // factors in single precision say no more
        if !single && squares < CANCELLED * f64::EPSILON * self.squares {
            let entries = self.measure_by(Residual::Twofold, Steps::Ignored)?.squares;
            // which takes as much memory as the others, and their place
            let (workers, one) = (self.workers, Ranks::default());
            self.wide = None;
            let of_x = TwofoldGram::of(&self.ranks, workers, &self.pair.inner.x, k, &self.inner.lanes)?;
            let of_y = TwofoldGram::of(&one, workers, &self.pair.outer.x, k, &self.outer.lanes)?;
            squares = of_x.add_product(&of_y, k, entries).to_f64().max(0.0);
            drop((of_x, of_y));
            self.wide = Some(self.wide_grams());
        }
        measured.squares = squares.into();
        Ok(measured)
    }

    /// What sums XᵀX and YᵀY in double precision.
    pub(super) fn wide_grams(&self) -> [Reducer<WideGram>; 2] {
        let of = |lanes: &Lanes| Reducer::new(lanes.count(), self.workers, || WideGram::new(self.k));
        [of(&self.inner.lanes).over(&self.ranks), of(&self.outer.lanes)]
    }

    fn measure_by(&mut self, how: Residual, steps: Steps) -> Result<Measured, Error> {
        let (inner, outer) = (&mut self.pair.inner, &self.pair.outer);
        let y = &outer.x[..];
        let limits = inner.limits.clone();
        let step = RowResidual {
            source: self.source.rows,
            subproblem: self.coupling.subproblem(&outer.gram, inner),
            limits: limits.as_deref(),
            operand: if self.projection.is_some() { &self.projected } else { y },
            y,
            how,
            clears: steps == Steps::Cleared,
            projection: self.projection,
            k: self.k,
            isa: self.isa,
        };
        // the rows of the last update, whatever an extrapolation has made of them
        let lines = plain_lines(&mut inner.x, self.k, &self.inner.lanes);
        let mode = Mode::updates(steps != Steps::Ignored);
        let figures = self.inner.visit(&lines, mode, &step, &mut self.figures, &self.memory)?;
        self.figures.give_back(figures);
        Ok(figures)
    }

    /// How far a loss may be from the true one. In Gram form what V, the sums and the Gram matrices have of ‖S‖²; else
    /// what the entries of the residual have.
    pub(super) fn loss_rounding(&self, loss: f64) -> f64 {
        let epsilon = T::EPSILON.to_f64();
        if self.exact {
            let entries = epsilon * (self.k as f64 * self.squares).sqrt();
            entries * (2.0 * loss).sqrt() + entries * entries
        } else {
            ROUNDING * epsilon * self.squares
        }
    }

    /// Ends extrapolation with the best pair in place, and the sums that belong to it.
    pub(super) fn end_extrapolation(&mut self) -> Result<(), Error> {
        // by columns the last pass summed what the next one would have read
        let summed = !self.pair.inner.has_role(Role::Second);
        match self.pair.finish() {
            Some(accepted) if !accepted || !summed => {
                self.update_outer(Mode::Sum)?;
                self.update_inner(Mode::Sum)
            }
            _ => Ok(()),
        }
    }

    /// SᵀX where nothing has summed it, cols×k: what [`clear_empty`](Self::clear_empty) and
    /// [`outer_movement`](Self::outer_movement) look at instead.
    pub(super) fn outer_products(&mut self) -> Result<Vec<T>, Error> {
        let Some(source) = self.source.transpose else { return Ok(Vec::new()) };
        let k = self.k;
        let mut products = allocate::filled(self.pair.outer.x.len(), T::ZERO);
        let out = split(&mut products, k, &self.outer.lanes);
        let step = Products { source, operand: &self.pair.inner.x, k, out: &out };
        let lines = self.pair.outer.lines(Mode::Sum, k, &self.outer.lanes);
        let sums = self.outer.visit(&lines, Mode::Sum, &step, &mut self.of_outer, &self.memory)?;
        self.of_outer.give_back(sums);
        drop((lines, out));
        Ok(products)
    }

    /// The steps that remain in Y, squared, by the sums of the last pass, or by [`outer_products`](Self::outer_products).
    pub(super) fn outer_movement(&mut self, products: &[T]) -> f64 {
        let k = self.k;
        let subproblem = self.coupling.subproblem(&self.pair.inner.gram, &self.pair.outer);
        let b = &self.sums.as_ref().expect("a pass came before").b[..];
        let mut worker = self.memory[0].lock().unwrap_or_else(PoisonError::into_inner);
        let Work { a, rule: d, .. } = &mut worker.work;
        let rows = (d.len().min(a.len()) / k).max(1);
        let mut movement = 0.0;
        for (at, y) in self.pair.outer.x.chunks(rows * k).enumerate() {
            let range = at * rows..at * rows + y.len() / k;
            let bounds = self.pair.outer.limits.as_ref().map(|limits| limits.rows(&range));
            let (b, stride) =
                known_numerators(self.projection, self.moving.as_ref(), products, range, b, k, a);
            let d = &mut d[..y.len()];
            if let Some(bounds) = bounds {
                movement = bounded::distance(y, b, stride, &subproblem, bounds, d, movement);
                continue;
            }
            rows::products(self.isa, y, subproblem.gram, k, d);
            movement =
                rows::distance(self.isa, y, b, stride, d, subproblem.diagonal, subproblem.l1, movement);
        }
        movement
    }

    /// Puts rows of Y at 0 whose numerators are all 0, where 0 is the exact minimiser: columns of S without an entry,
    /// which rounding can keep from vanishing entirely. Bounds may have it that they do not.
    pub(super) fn clear_empty(&mut self, products: &[T]) -> Result<(), Error> {
        if self.pair.outer.limits.is_some() {
            return Ok(());
        }
        let k = self.k;
        let b = &self.sums.as_ref().expect("a pass came before").b[..];
        let mut worker = self.memory[0].lock().unwrap_or_else(PoisonError::into_inner);
        let a = &mut worker.work.a;
        let rows = (a.len() / k).max(1);
        let mut changed = false;
        for (at, y) in self.pair.outer.x.chunks_mut(rows * k).enumerate() {
            let range = at * rows..at * rows + y.len() / k;
            let (b, stride) =
                known_numerators(self.projection, self.moving.as_ref(), products, range, b, k, a);
            changed |= clear(y, b, stride, k);
        }
        drop(worker);
        if changed { self.update_outer(Mode::Sum) } else { Ok(()) }
    }
}

/// Rows `range` of SᵀX and the elements from one to the next: from `products`, if there are any, or from the sums of a
/// pass.
fn known_numerators<'a, T: Real>(
    projection: Option<Projection<'_, T>>,
    moving: Option<&Moving<T>>,
    products: &'a [T],
    range: Range<usize>,
    sums: &'a [T],
    k: usize,
    scratch: &'a mut [T],
) -> (&'a [T], usize) {
    let stride = accumulator_stride::<T>(k);
    if let Some(moving) = moving {
        let out = &mut scratch[..range.len() * k];
        moving.numerators(sums, range.start, out);
        return (out, k);
    }
    match (products, projection) {
        ([], None) => (&sums[range.start * stride..range.end * stride], stride),
        ([], Some(projection)) => {
            let out = &mut scratch[..range.len() * k];
            projection.lift(range, sums, k, out);
            (out, k)
        }
        _ => (&products[range.start * k..range.end * k], k),
    }
}

/// Puts rows of X (k long) at 0 where A (`stride` apart) is 0 throughout; whether that changed anything.
fn clear<T: Real>(x: &mut [T], a: &[T], stride: usize, k: usize) -> bool {
    let mut changed = false;
    for (x, a) in x.chunks_exact_mut(k).zip(a.chunks_exact(stride)) {
        if a[..k].iter().all(|&a| a == T::ZERO) {
            changed |= x.iter().any(|&x| x != T::ZERO);
            x.fill(T::ZERO);
        }
    }
    changed
}
