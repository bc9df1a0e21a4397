//! Components as pictures.

use crate::svg::{Anchor, SMALL, Svg, WIDTH};

/// A component as a picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    /// What stands below it.
    pub label: String,
    /// It, as PNG.
    pub png: Vec<u8>,
}

const GAP: f64 = 10.0;
/// The widest that one is drawn.
const WIDEST: f64 = 142.5;

/// All of them side by side, in rows; `size` is the number of rows and of columns of pixels.
pub fn draw(pictures: &[Picture], size: (usize, usize)) -> String {
    let columns = ((pictures.len() as f64).sqrt().ceil() as usize).clamp(4, 8);
    let wide = ((WIDTH - GAP * (columns - 1) as f64) / columns as f64).min(WIDEST);
    let ratio = size.0 as f64 / size.1.max(1) as f64;
    // what is very long is narrow, or low
    let high = (wide * ratio).min(2.0 * wide);
    let narrow = (high / ratio).min(wide);
    let (high, step) = (high.max(2.0), high.max(2.0) + 26.0);
    let rows = pictures.len().div_ceil(columns);
    let mut svg = Svg::new((step * rows as f64).max(step), "Components as pictures");
    for (at, picture) in pictures.iter().enumerate() {
        let (x, y) = ((at % columns) as f64 * (wide + GAP), (at / columns) as f64 * step);
        svg.photo((x, y + 1.0), (narrow.max(2.0), high), &picture.png);
        svg.rect((x, y + 1.0), (narrow.max(2.0), high), "frame");
        svg.name((x, y + high + 14.0), Anchor::Start, SMALL, wide, &picture.label);
    }
    svg.finish()
}
