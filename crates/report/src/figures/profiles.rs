//! Components as curves over columns whose names are numbers: spectra and the like.

use crate::plot::{Axis, Plot};
use crate::svg::{Anchor, Svg, TEXT, WIDTH};

/// A component as a curve.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    pub heading: String,
    /// A weight for each place.
    pub weights: Vec<f64>,
}

const HEAD: f64 = 20.0;
const HIGH: f64 = 74.0;
const BELOW: f64 = 34.0;

/// A curve for each component over the same places, which ascend; side by side where there are many.
pub fn draw(places: &[f64], profiles: &[Profile]) -> String {
    let columns = if profiles.len() > 3 { 2 } else { 1 };
    let wide = (WIDTH - 20.0 * (columns - 1) as f64) / columns as f64;
    let step = HEAD + HIGH + BELOW;
    let rows = profiles.len().div_ceil(columns);
    let mut svg = Svg::new((step * rows as f64).max(step), "Components as curves");
    let across = Axis::even(places.first().copied().unwrap_or(0.0), places.last().copied().unwrap_or(1.0));
    let ticks = across.ticks(false);
    for (at, profile) in profiles.iter().enumerate() {
        let (left, top) = ((at % columns) as f64 * (wide + 20.0), (at / columns) as f64 * step);
        let most = profile.weights.iter().copied().fold(0.0, f64::max).max(1e-300);
        let bottom = top + HEAD + HIGH;
        let plot =
            Plot { x: (left, left + wide), y: (bottom, top + HEAD), across, up: Axis::even(0.0, 1.05) };
        svg.name((left, top + 14.0), Anchor::Start, TEXT, wide, &profile.heading);
        plot.draw_across(&mut svg, &ticks);
        plot.frame(&mut svg);
        let points: Vec<(f64, f64)> =
            places.iter().zip(&profile.weights).map(|(&x, &y)| plot.at(x, y / most)).collect();
        svg.polyline(&seen(&points), "line-a");
    }
    svg.finish()
}

/// As many of the points of a curve as can be told apart: in each pixel the first, the lowest, the highest and the last.
fn seen(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mut left: Vec<(f64, f64)> = Vec::new();
    for pixel in points.chunk_by(|a, b| a.0.floor() == b.0.floor()) {
        let by = |a: &&(f64, f64), b: &&(f64, f64)| a.1.total_cmp(&b.1);
        let ends = [pixel.iter().min_by(by), pixel.iter().max_by(by), pixel.first(), pixel.last()];
        let mut some: Vec<(f64, f64)> = ends.into_iter().flatten().copied().collect();
        some.sort_by(|a, b| a.0.total_cmp(&b.0));
        some.dedup();
        left.extend(some);
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_peak_is_lost_where_points_share_a_pixel() {
        let of = |e: usize| (e as f64 / 1000.0, if e == 31_234 { 0.0 } else { 50.0 });
        let points: Vec<(f64, f64)> = (0..100_000).map(of).collect();
        let left = seen(&points);
        assert!(left.len() < 400 && left.contains(&points[31_234]), "{}", left.len());
        assert!(left.windows(2).all(|pair| pair[0].0 <= pair[1].0));
        assert_eq!(seen(&points[..1]), points[..1]);
    }
}
