//! Newton's coordinate descent for Kullback–Leibler by plain loops, with WH computed anew for every coordinate.

use orthant::{Dense, Penalty};

use crate::oracle::{Sum, weights};

/// Sweeps over the rows of `x` (rows×k) for data `v` and the other factor `y` (k×columns).
pub(crate) fn update(
    v: &Dense<f64>,
    x: &mut Dense<f64>,
    y: &Dense<f64>,
    (l1, l2): (f64, f64),
    sweeps: usize,
) {
    let (k, cols) = (y.nrows(), y.ncols());
    for i in 0..v.nrows() {
        for t in (0..sweeps).flat_map(|_| 0..k) {
            let (mut below, mut above, mut h, mut most) = (Sum::default(), Sum::default(), l2, 0.0_f64);
            below.add(l1);
            for j in 0..cols {
                below.add(y[(t, j)]);
                let mut p = Sum::default();
                (0..k).for_each(|s| p.add_product(x[(i, s)], y[(s, j)]));
                if v[(i, j)] > 0.0 && y[(t, j)] > 0.0 {
                    let ratio = y[(t, j)] / p.value();
                    above.add_product(v[(i, j)], ratio);
                    h += v[(i, j)] * ratio * ratio;
                    most = most.max(ratio);
                }
            }
            let (from, below, above) = (x[(i, t)], below.value(), above.value());
            let g = below + l2 * from - above;
            // where the majorant −N·x₀·ln x + D·x + ½·l2·x² is least
            let majorised = match (below > 0.0, l2 > 0.0) {
                (_, true) => {
                    let root = (below * below + 4.0 * l2 * from * above).sqrt();
                    if root + below > 0.0 { 2.0 * from * above / (root + below) } else { 0.0 }
                }
                (true, false) => from * above / below,
                (false, false) => from,
            };
            let d = g / h;
            x[(i, t)] = if h == 0.0 {
                majorised
            } else if g <= 0.0 {
                majorised.max(from - d)
            } else if most * d.min(from) <= 0.6838 {
                majorised.min(from - d.min(from))
            } else {
                majorised.min(from - (d / (1.0 + most * d)).min(from))
            };
        }
    }
}

/// One iteration: W, then H.
pub fn step(v: &Dense<f64>, w: &mut Dense<f64>, h: &mut Dense<f64>, penalty: Penalty, sweeps: usize) {
    let on = weights(penalty, v.nrows(), v.ncols());
    update(v, w, h, (on.l1_w, on.l2_w), sweeps);
    let mut ht = h.transposed();
    update(&v.transposed(), &mut ht, &w.transposed(), (on.l1_h, on.l2_h), sweeps);
    *h = ht.transposed();
}
