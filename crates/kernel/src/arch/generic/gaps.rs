//! P = X·Yᵀ at single places of dense rows, by the dots that sparse rows have at their entries.

use super::sparse::{Dots, SLACK, TOGETHER};
use crate::Real;
use crate::arch::vector::{Op, Vector};
use crate::gaps::Gaps;

/// Writes them there, and adds their squares.
pub struct Fill<'a, T> {
    /// rows×cols.
    pub rows: &'a mut [T],
    pub gaps: Gaps<'a>,
    pub x: &'a [T],
    pub y: &'a [T],
    pub k: usize,
    /// What is written at least.
    pub floor: T,
    pub sum: f64,
}

impl<T: Real> Op<T> for Fill<'_, T> {
    type Out = f64;

    #[inline(always)]
    unsafe fn run<V: Vector<Elem = T>>(self) -> f64 {
        let Self { rows, gaps, x, y, k, floor, mut sum } = self;
        let count = gaps.nrows();
        let cols = rows.len() / count.max(1);
        let mut p = [T::ZERO; TOGETHER + SLACK];
        for i in 0..count {
            let (x, row) = (&x[i * k..(i + 1) * k], &mut rows[i * cols..(i + 1) * cols]);
            for indices in gaps.row(i).chunks(TOGETHER) {
                // SAFETY: Y has a row for every column and X is one row; there is room behind the last element.
                unsafe {
                    V::part(Dots { indices, x, y, y_stride: k, k, out: &mut p[..indices.len() + SLACK] });
                }
                for (&j, p) in indices.iter().zip(&p) {
                    let p = if *p > floor { *p } else { floor };
                    row[j as usize] = p;
                    sum += p.to_f64() * p.to_f64();
                }
            }
        }
        sum
    }
}
