//! Sheets of small images, enlarged, with gaps between.

use orthant::Dense;

/// The longer side of an image on the screen has about this many pixels. Larger images keep their size.
const SIDE: usize = 96;
/// The most screen pixels for each pixel.
const MOST: usize = 12;
/// Screen pixels between tiles and around the sheet.
pub const GAP: usize = 6;
/// The brightest level.
const WHITE: f64 = 255.0;
pub const GAP_GREY: f64 = 200.0;

/// How the largest entries look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    /// Black on white paper.
    Dark,
    /// White, and 0 is black.
    Light,
}

/// Images on one sheet.
struct Sheet<'a> {
    /// Each with the entry that is all ink.
    tiles: Vec<(&'a [f64], f64)>,
    /// Tiles in a row.
    columns: usize,
    /// Rows and columns of pixels of a tile.
    size: (usize, usize),
    ink: Ink,
}

/// Each component as a tile of rows and columns of pixels, as strong as its own largest entry allows.
pub fn parts(parts: &[&[f64]], size: (usize, usize), ink: Ink) -> Dense<f64> {
    let tiles = parts.iter().map(|&part| (part, largest(part))).collect();
    Sheet { tiles, columns: side(parts.len()), size, ink }.draw()
}

/// The same of components in colour, with light ink: the sheets of their channels side by side.
pub fn parts_in_colour(parts: &[&[f64]], size: (usize, usize)) -> Dense<f64> {
    let channels = [0, 1, 2].map(|channel| {
        let of = |part: &'_ [f64]| channel * part.len() / 3..(channel + 1) * part.len() / 3;
        let tiles = parts.iter().map(|&part| (&part[of(part)], largest(part))).collect();
        Sheet { tiles, columns: side(parts.len()), size, ink: Ink::Light }.draw()
    });
    let cols = channels[0].ncols();
    Dense::from_fn(channels[0].nrows(), 3 * cols, |i, j| channels[j / cols][(i, j % cols)])
}

/// A row of images above a row of others, on one scale with `ink` as black.
pub fn pairs(above: &[&[f64]], below: &[&[f64]], size: (usize, usize), ink: f64) -> Dense<f64> {
    let tiles = above.iter().chain(below).map(|&tile| (tile, ink)).collect();
    Sheet { tiles, columns: above.len(), size, ink: Ink::Dark }.draw()
}

/// Tiles along a side of a square.
fn side(tiles: usize) -> usize {
    tiles.isqrt() + usize::from(tiles.isqrt().pow(2) < tiles)
}

fn largest(tile: &[f64]) -> f64 {
    tile.iter().copied().fold(f64::MIN_POSITIVE, f64::max)
}

impl Sheet<'_> {
    /// Its levels.
    fn draw(&self) -> Dense<f64> {
        let Self { tiles, columns, size: (height, width), ink } = self;
        let (height, width, columns) = (*height, *width, *columns);
        let zoom = (SIDE / height.max(width).max(1)).clamp(1, MOST);
        let (down, right) = (height * zoom + GAP, width * zoom + GAP);
        let rows = tiles.len().div_ceil(columns.max(1));
        Dense::from_fn(rows * down + GAP, columns * right + GAP, |y, x| {
            let (y, x) = (y.wrapping_sub(GAP), x.wrapping_sub(GAP));
            let (row, col) = (y / down, x / right);
            let (py, px) = (y % down / zoom, x % right / zoom);
            match tiles.get(row.saturating_mul(columns).saturating_add(col)) {
                Some((tile, all)) if row < rows && col < columns && py < height && px < width => {
                    let share = (tile[py * width + px] / all).clamp(0.0, 1.0);
                    WHITE * if *ink == Ink::Light { share } else { 1.0 - share }
                }
                _ => GAP_GREY,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ZOOM: usize = 12;

    #[test]
    fn tiles_stand_where_they_should() {
        let (blank, mut dot) = ([0.0; 64], [0.0; 64]);
        dot[9] = 3.0;
        let s = parts(&[&blank, &dot, &blank], (8, 8), Ink::Dark);
        let step = 8 * ZOOM + GAP;
        assert_eq!((s.nrows(), s.ncols()), (2 * step + GAP, 2 * step + GAP));
        assert_eq!(s[(0, 0)], GAP_GREY);
        assert_eq!(s[(GAP, GAP)], WHITE);
        // the dot, second pixel of the second row of the second tile
        assert_eq!(s[(GAP + ZOOM, GAP + step + ZOOM)], 0.0);
        assert_eq!(s[(GAP + ZOOM - 1, GAP + step + ZOOM)], WHITE);
        // no fourth tile
        assert_eq!(s[(GAP + step, GAP + step)], GAP_GREY);
        let p = pairs(&[&dot], &[&blank], (8, 8), 6.0);
        assert_eq!((p.nrows(), p.ncols()), (2 * step + GAP, step + GAP));
        assert_eq!(p[(GAP + ZOOM, GAP + ZOOM)], WHITE / 2.0);
    }

    #[test]
    fn tiles_have_the_size_and_the_ink_asked_for() {
        // two rows of 50 pixels are drawn as they are
        let mut part = [0.0; 100];
        part[51] = 4.0;
        part[2] = 1.0;
        let s = parts(&[&part], (2, 50), Ink::Light);
        assert_eq!((s.nrows(), s.ncols()), (2 + 2 * GAP, 50 + 2 * GAP));
        assert_eq!([s[(GAP + 1, GAP + 1)], s[(GAP, GAP + 2)], s[(GAP, GAP)]], [WHITE, WHITE / 4.0, 0.0]);
        // red alone in the first pixel, green and half as much blue in the second, one pixel high
        let colours = [9.0, 0.0, 0.0, 18.0, 0.0, 9.0];
        let s = parts_in_colour(&[&colours], (1, 2));
        let zoom = MOST;
        let cols = 2 * zoom + 2 * GAP;
        assert_eq!((s.nrows(), s.ncols()), (zoom + 2 * GAP, 3 * cols));
        let at = |channel, pixel| s[(GAP, channel * cols + GAP + pixel * zoom)];
        assert_eq!([0, 1, 2].map(|channel| at(channel, 0)), [WHITE / 2.0, 0.0, 0.0]);
        assert_eq!([0, 1, 2].map(|channel| at(channel, 1)), [0.0, WHITE, WHITE / 2.0]);
    }
}
