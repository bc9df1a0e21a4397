//! The loss of a fit after each iteration.

use crate::axis::sides;
use crate::plot::{Axis, Plot};
use crate::svg::{Sample, Svg};

const HIGH: f64 = 200.0;
/// Iterations from which their axis is logarithmic: most of what happens is at its beginning.
const MANY: f64 = 100.0;

/// The loss after an iteration.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    pub iteration: usize,
    pub loss: f64,
    /// Whether it rose, so that the next one went back to the best.
    pub restarted: bool,
}

/// The curve, with what its axes are called; none where no loss is known.
pub fn draw(points: &[Point], up: &str, across: &str) -> Option<String> {
    // what left the range of numbers has no place
    let known: Vec<Point> =
        points.iter().copied().filter(|p| p.loss.is_finite() && p.loss < f64::MAX).collect();
    let (first, last) = (known.first()?.iteration as f64, known.last()?.iteration as f64);
    let losses: Vec<f64> = known.iter().map(|p| p.loss).collect();
    let axis = if last >= MANY { Axis::logarithmic(first, last) } else { Axis::even(first, last) };
    let loss = Axis::around(&losses);
    let (of_loss, of_iterations) = (loss.ticks(false), axis.ticks(true));
    let plot = Plot { x: sides(of_loss.room()), y: (20.0 + HIGH, 20.0), across: axis, up: loss };
    let restarts: Vec<&Point> = known.iter().filter(|p| p.restarted).collect();
    let below = if restarts.is_empty() { 38.0 } else { 56.0 };
    let mut svg = Svg::new(plot.y.0 + below, &format!("{up} after each {across}"));
    plot.draw_up(&mut svg, &of_loss);
    plot.draw_across(&mut svg, &of_iterations);
    plot.frame(&mut svg);
    let scale = if plot.up.is_logarithmic() { " (logarithmic scale)" } else { "" };
    plot.names(&mut svg, &(of_loss.named(up) + scale), &of_iterations.named(across));
    let mut line: Vec<(f64, f64)> = Vec::new();
    for (at, point) in known.iter().enumerate() {
        let (x, y) = plot.at(point.iteration as f64, point.loss);
        // no screen shows more
        if at + 1 == known.len() || line.last().is_none_or(|before| x - before.0 >= 0.5) {
            line.push((x, y));
        }
    }
    if line.len() > 1 {
        svg.polyline(&line, "line-a");
    }
    if known.len() <= 30 {
        line.iter().for_each(|&at| svg.dot(at, 2.5, "fill-a"));
    }
    if !restarts.is_empty() {
        let mut free = f64::NEG_INFINITY;
        for point in restarts {
            let at = plot.at(point.iteration as f64, point.loss);
            if at.0 >= free {
                svg.dot(at, 3.0, "fill-b");
                free = at.0 + 1.0;
            }
        }
        let words = "rose above the best: went back to it";
        svg.legend((plot.x.0, plot.y.0 + 48.0), &[(Sample::Dot("fill-b"), words)]);
    }
    Some(svg.finish())
}
