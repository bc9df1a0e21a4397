//! Sheets of small images, enlarged, with gaps between: dark ink on light paper.

use orthant::Dense;

use super::digits::SIDE;

/// Screen pixels for each pixel.
const ZOOM: usize = 12;
/// Screen pixels between tiles and around the sheet.
const GAP: usize = 6;
const PAPER: f64 = 255.0;
const GAP_GREY: f64 = 200.0;

/// Each component as a tile, as dark as its own largest entry allows.
pub fn parts(parts: &[&[f64]]) -> Dense<f64> {
    let columns = parts.len().isqrt() + usize::from(parts.len().isqrt().pow(2) < parts.len());
    let tiles: Vec<(&[f64], f64)> =
        parts.iter().map(|&p| (p, p.iter().copied().fold(f64::MIN_POSITIVE, f64::max))).collect();
    sheet(&tiles, columns)
}

/// A row of images above a row of others, on one scale with `ink` as black.
pub fn pairs(above: &[&[f64]], below: &[&[f64]], ink: f64) -> Dense<f64> {
    let tiles: Vec<(&[f64], f64)> = above.iter().chain(below).map(|&t| (t, ink)).collect();
    sheet(&tiles, above.len())
}

/// Grey levels of tiles laid out in rows; each tile comes with its own black.
fn sheet(tiles: &[(&[f64], f64)], columns: usize) -> Dense<f64> {
    let step = SIDE * ZOOM + GAP;
    let rows = tiles.len().div_ceil(columns.max(1));
    Dense::from_fn(rows * step + GAP, columns * step + GAP, |y, x| {
        let (y, x) = (y.wrapping_sub(GAP), x.wrapping_sub(GAP));
        let (row, col) = (y / step, x / step);
        let (py, px) = (y % step / ZOOM, x % step / ZOOM);
        match tiles.get(row.saturating_mul(columns).saturating_add(col)) {
            Some((tile, black)) if row < rows && col < columns && py < SIDE && px < SIDE => {
                PAPER * (1.0 - (tile[py * SIDE + px] / black).clamp(0.0, 1.0))
            }
            _ => GAP_GREY,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_stand_where_they_should() {
        let (blank, mut dot) = ([0.0; 64], [0.0; 64]);
        dot[9] = 3.0;
        let s = parts(&[&blank, &dot, &blank]);
        let step = SIDE * ZOOM + GAP;
        assert_eq!((s.nrows(), s.ncols()), (2 * step + GAP, 2 * step + GAP));
        assert_eq!(s[(0, 0)], GAP_GREY);
        assert_eq!(s[(GAP, GAP)], PAPER);
        // the dot, second pixel of the second row of the second tile
        assert_eq!(s[(GAP + ZOOM, GAP + step + ZOOM)], 0.0);
        assert_eq!(s[(GAP + ZOOM - 1, GAP + step + ZOOM)], PAPER);
        // no fourth tile
        assert_eq!(s[(GAP + step, GAP + step)], GAP_GREY);
        let p = pairs(&[&dot], &[&blank], 6.0);
        assert_eq!((p.nrows(), p.ncols()), (2 * step + GAP, step + GAP));
        assert_eq!(p[(GAP + ZOOM, GAP + ZOOM)], PAPER / 2.0);
    }
}
