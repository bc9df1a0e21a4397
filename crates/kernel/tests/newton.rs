//! Newton's coordinate descent against plain loops that compute everything anew, on every instruction set.

use orthant_kernel::newton::{self, Figures, Subproblem};
use orthant_kernel::{Csr, Dense, Isa, Real, Unfolded, divergence, sparse};

const FLOOR: f64 = 1e-9;

/// A fixed, uneven sequence in (0, 1), with zeros in it if asked for.
fn numbers(count: usize, seed: usize, zeros: bool) -> Vec<f64> {
    (0..count)
        .map(|i| {
            let x = ((i + 1) * (2 * seed + 7919)) % 10_007;
            if zeros && x.is_multiple_of(3) { 0.0 } else { (x + 1) as f64 / 10_008.0 }
        })
        .collect()
}

/// One problem: V, X, Y and the penalties, all of them numbers that f32 holds too.
struct Case {
    v: Dense<f64>,
    x: Vec<f64>,
    y: Vec<f64>,
    k: usize,
    l1: f64,
    l2: f64,
}

impl Case {
    fn new(rows: usize, cols: usize, k: usize, (l1, l2): (f64, f64)) -> Self {
        let rounded = |x: Vec<f64>| x.into_iter().map(|x| f64::from(x as f32)).collect::<Vec<_>>();
        let v = Dense::from_vec(rounded(numbers(rows * cols, 1, true)), rows, cols).unwrap();
        let x = rounded(numbers(rows * k, 3, true));
        Self { v, x, y: rounded(numbers(cols * k, 2, true)), k, l1, l2 }
    }

    fn columns(&self) -> Vec<f64> {
        (0..self.k).map(|t| self.y.iter().skip(t).step_by(self.k).sum()).collect()
    }

    fn product(&self, x: &[f64], j: usize) -> f64 {
        (0..self.k).map(|t| x[t] * self.y[j * self.k + t]).sum()
    }

    /// Σ p − v·ln p + penalties of a row: the divergence but for what does not depend on x.
    fn objective(&self, i: usize, x: &[f64]) -> f64 {
        let of_entries: f64 = (0..self.v.ncols())
            .map(|j| {
                let (v, p) = (self.v[(i, j)], self.product(x, j));
                p - if v > 0.0 { v * p.max(FLOOR).ln() } else { 0.0 }
            })
            .sum();
        of_entries + x.iter().map(|x| self.l1 * x + 0.5 * self.l2 * x * x).sum::<f64>()
    }

    /// The steps of the module's description, from p computed anew for each; and what they moved in the first sweep.
    fn plain(&self, sweeps: usize) -> (Vec<f64>, f64) {
        let (k, columns, mut all) = (self.k, self.columns(), self.x.clone());
        let mut movement = 0.0;
        for (i, x) in all.chunks_exact_mut(k).enumerate() {
            for sweep in 0..sweeps {
                for t in 0..k {
                    let (mut above, mut h, mut most) = (0.0, self.l2, 0.0_f64);
                    for j in 0..self.v.ncols() {
                        let (v, r) = (self.v[(i, j)], self.y[j * k + t] / self.product(x, j).max(FLOOR));
                        above += v * r;
                        h += v * r * r;
                        if v > 0.0 {
                            most = most.max(r);
                        }
                    }
                    let (from, below) = (x[t], columns[t] + self.l1);
                    let g = below + self.l2 * from - above;
                    let m = if self.l2 > 0.0 {
                        ((below * below + 4.0 * self.l2 * from * above).sqrt() - below) / (2.0 * self.l2)
                    } else if below > 0.0 {
                        from * above / below
                    } else {
                        from
                    };
                    x[t] = if h <= 0.0 {
                        m
                    } else if g <= 0.0 {
                        m.max(from - g / h)
                    } else if most * (g / h).min(from) <= 0.6838 {
                        m.min(from - (g / h).min(from))
                    } else {
                        m.min(from - (g / h / (1.0 + most * g / h)).min(from))
                    };
                    if sweep == 0 {
                        movement += from.max(x[t]) * g.abs();
                    }
                }
            }
        }
        (all, movement)
    }

    /// By the kernels, dense or sparse: X, the movement and the divergence.
    fn kernels<T: Real>(&self, isa: Isa, sweeps: usize, as_sparse: bool) -> (Vec<f64>, f64, f64) {
        self.with_floor::<T>(isa, sweeps, as_sparse, FLOOR)
    }

    fn with_floor<T: Real>(
        &self,
        isa: Isa,
        sweeps: usize,
        as_sparse: bool,
        floor: f64,
    ) -> (Vec<f64>, f64, f64) {
        self.run::<T>(isa, sweeps, as_sparse, floor, None)
    }

    /// X within bounds.
    fn within(&self, sweeps: usize, as_sparse: bool, bounds: Option<(&[f64], &[f64])>) -> Vec<f64> {
        self.run::<f64>(Isa::detect(), sweeps, as_sparse, FLOOR, bounds).0
    }

    fn run<T: Real>(
        &self,
        isa: Isa,
        sweeps: usize,
        as_sparse: bool,
        floor: f64,
        bounds: Option<(&[f64], &[f64])>,
    ) -> (Vec<f64>, f64, f64) {
        let of = |x: &[f64]| x.iter().map(|&x| T::from_f64(x)).collect::<Vec<T>>();
        let (k, columns, mut x, y) = (self.k, of(&self.columns()), of(&self.x), of(&self.y));
        let v = Dense::from_vec(of(self.v.as_slice()), self.v.nrows(), self.v.ncols()).unwrap();
        let bounds = bounds.map(|(lower, upper)| (of(lower), of(upper)));
        let subproblem = Subproblem {
            columns: &columns,
            l1: T::from_f64(self.l1),
            l2: T::from_f64(self.l2),
            sweeps,
            floor: T::from_f64(floor),
            bounds: bounds.as_ref().map(|(lower, upper)| (&lower[..], &upper[..])),
        };
        let (mut movement, mut sum) = (0.0, 0.0);
        let beta = divergence::Beta::new(1.0, T::from_f64(FLOOR), T::ZERO);
        let figures = Figures { movement: &mut movement, divergence: Some((&beta, &mut sum)) };
        if as_sparse {
            let v = Csr::of_dense(&v);
            let most = (0..v.nrows()).map(|i| v.row_nnz(i)).max().unwrap_or(0);
            let mut scratch = vec![T::ONE; newton::scratch_len(None, most, k)];
            let mut unfolded = Unfolded::default();
            let stride = sparse::row_stride::<T>(k);
            let mut padded = vec![T::ZERO; v.ncols() * stride];
            for (to, from) in padded.chunks_exact_mut(stride).zip(y.chunks_exact(k)) {
                to[..k].copy_from_slice(from);
            }
            let rows = v.block(0..v.nrows(), T::ONE, &mut unfolded);
            newton::sparse(isa, subproblem, rows, &padded, &mut x, &mut scratch, figures);
        } else {
            let mut packed = vec![T::ZERO; y.len()];
            divergence::pack(&y, k, &mut packed);
            let mut scratch = vec![T::ONE; newton::scratch_len(Some(v.ncols()), 0, k)];
            newton::dense(isa, subproblem, v.view(), &packed, &mut x, &mut scratch, figures);
        }
        (x.iter().map(|x| x.to_f64()).collect(), movement, sum)
    }
}

/// Rows that are too long to be worked on together are as they are alone.
#[test]
fn long_sparse_rows_are_as_short_ones() {
    let case = Case::new(3, 21_000, 2, (0.0, 0.1));
    let (together, ..) = case.kernels::<f64>(Isa::detect(), 1, true);
    for i in 0..3 {
        let v = Dense::from_vec(case.v.row(i).to_vec(), 1, 21_000).unwrap();
        let alone = Case { v, x: case.x[2 * i..2 * i + 2].to_vec(), y: case.y.clone(), ..case };
        assert_eq!(alone.kernels::<f64>(Isa::detect(), 1, true).0, together[2 * i..2 * i + 2]);
    }
    let (dense, ..) = case.kernels::<f64>(Isa::detect(), 1, false);
    assert!(
        together.iter().zip(&dense).all(|(a, b)| (a - b).abs() <= 1e-10 * b.abs()),
        "{together:?} {dense:?}"
    );
}

fn check<T: Real>(isa: Isa, tolerance: f64) {
    for (rows, cols, k) in
        [(1, 1, 1), (3, 5, 2), (4, 17, 3), (2, 255, 17), (3, 256, 4), (2, 257, 5), (2, 600, 33)]
    {
        for penalties in [(0.0, 0.0), (0.5, 0.0), (0.0, 0.25), (1.0, 2.0)] {
            let case = Case::new(rows, cols, k, penalties);
            let (expected, moved) = case.plain(2);
            for as_sparse in [false, true] {
                let what =
                    format!("{} {} {rows}×{cols} k={k} {penalties:?} {as_sparse}", isa.name(), T::NAME);
                let (x, movement, sum) = case.kernels::<T>(isa, 2, as_sparse);
                for (x, e) in x.iter().zip(&expected) {
                    assert!((x - e).abs() <= tolerance * e.abs().max(1e-2), "{what}: {x} against {e}");
                }
                assert!((movement - moved).abs() <= tolerance * moved, "{what}: {movement} against {moved}");
                let of_row = |i: usize| {
                    let x = &expected[i * k..(i + 1) * k];
                    let terms = (0..cols).map(|j| (case.v[(i, j)], case.product(x, j)));
                    terms.map(|(v, p)| if v > 0.0 { v * (v / p.max(FLOOR)).ln() - v } else { 0.0 } + if as_sparse { 0.0 } else { p })
                        .sum::<f64>()
                };
                let of_all: f64 = (0..rows).map(of_row).sum();
                let size: f64 = case.v.as_slice().iter().sum();
                assert!((sum - of_all).abs() <= tolerance * size, "{what}: {sum} against {of_all}");
            }
        }
    }
}

#[test]
fn steps_are_the_plain_loops() {
    for isa in Isa::available() {
        check::<f64>(isa, 1e-10);
        check::<f32>(isa, 2e-3);
    }
}

/// What the module promises, from starts where steps are damped too.
#[test]
fn no_sweep_raises_the_objective() {
    let mut damped = 0;
    for seed in 0..60 {
        let k = 1 + seed % 3;
        let mut case = Case::new(3, 40, k, [(0.0, 0.0), (0.3, 0.0), (0.0, 0.7)][seed / 3 % 3]);
        let far = [1.0, 3.0, 8.0, 50.0][seed % 4];
        case.x = numbers(3 * k, seed + 5, false).into_iter().map(|x| far * x).collect();
        for _ in 0..6 {
            let (x, ..) = case.kernels::<f64>(Isa::detect(), 1, seed % 2 == 0);
            for i in 0..3 {
                let at = i * k..(i + 1) * k;
                let (before, after) = (case.objective(i, &case.x[at.clone()]), case.objective(i, &x[at]));
                assert!(after <= before + 1e-12 * before.abs(), "{before} to {after}");
            }
            damped += usize::from(x.iter().zip(&case.x).any(|(x, from)| *x < 0.5 * from && *x > 0.0));
            case.x = x;
        }
    }
    assert!(damped > 20, "{damped} sweeps had long steps down");
}

/// From any start to where every slope is 0 or points below 0.
#[test]
fn sweeps_end_where_nothing_can_be_gained() {
    let case = Case::new(4, 30, 5, (0.0, 0.0));
    let (_, first, _) = case.kernels::<f64>(Isa::detect(), 1, false);
    let (x, ..) = case.kernels::<f64>(Isa::detect(), 400, false);
    let (_, last, _) = Case { x, ..case }.kernels::<f64>(Isa::detect(), 1, false);
    assert!(last <= 1e-9 * first, "{first} to {last}");
}

/// A row of zeros that nothing has explained: one component at a time finds its place, in one sweep in either precision.
#[test]
fn rows_of_zeros_come_to_life() {
    fn check<T: Real>(tolerance: f64) {
        let mut case = Case::new(3, 40, 1, (0.0, 0.0));
        case.x.fill(0.0);
        case.y = numbers(40, 2, false).into_iter().map(|y| f64::from(y as f32)).collect();
        let total: f64 = case.y.iter().sum();
        for as_sparse in [false, true] {
            let (x, movement, _) = case.with_floor::<T>(
                Isa::detect(),
                1,
                as_sparse,
                if T::NAME == "float32" { 1e-24 } else { 1e-180 },
            );
            assert!(movement.is_finite(), "{movement}");
            for (i, x) in x.iter().enumerate() {
                let best = (0..40).map(|j| case.v[(i, j)]).sum::<f64>() / total;
                assert!((x - best).abs() <= tolerance * best, "{x} and {best}");
            }
        }
    }
    check::<f64>(1e-12);
    check::<f32>(1e-5);
}

/// Within bounds each coordinate goes where the free step would, or to the bound before it; what is fixed stays.
#[test]
fn steps_end_at_their_bounds() {
    for (m, n, k, zeros) in [(7, 300, 3, false), (5, 19, 1, true), (9, 40, 6, true)] {
        let case = Case::new(m, n, k, if zeros { (0.3, 0.1) } else { (0.0, 0.1) });
        for as_sparse in [false, true] {
            let (free, ..) = case.kernels::<f64>(Isa::detect(), 1, as_sparse);
            let upper: Vec<f64> = case.x.iter().map(|x| 1.1 * x).collect();
            let lower: Vec<f64> = case.x.iter().map(|x| 0.9 * x).collect();
            let bounded = case.within(1, as_sparse, Some((&lower, &upper)));
            // the first coordinate of a row meets the same p
            for i in 0..m {
                let at = i * k;
                assert!(
                    (bounded[at] - free[at].clamp(lower[at], upper[at])).abs() <= 1e-14 * bounded[at].abs()
                );
            }
            for (at, x) in case.within(7, as_sparse, Some((&lower, &upper))).iter().enumerate() {
                assert!((lower[at]..=upper[at]).contains(x), "{x} {} {}", lower[at], upper[at]);
            }
            assert_eq!(case.within(3, as_sparse, Some((&case.x, &case.x))), case.x);
        }
    }
}
