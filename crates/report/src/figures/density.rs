//! How far each component is from its nearest like ones, and which were left out for it.

use crate::axis::Ticks;
use crate::svg::{Anchor, SMALL, Sample, Svg, TEXT, WIDTH};

const HIGH: f64 = 120.0;
/// How many bars there are.
const BARS: usize = 50;

/// A histogram of the mean distances, with the threshold from which components were left out.
pub fn draw(densities: &[f64], threshold: Option<f64>) -> String {
    let most = densities.iter().copied().chain(threshold).fold(0.0, f64::max).max(1e-3) * 1.02;
    let mut counts = [0_usize; BARS];
    for &x in densities {
        counts[((x / most * BARS as f64) as usize).min(BARS - 1)] += 1;
    }
    let tallest = counts.iter().copied().max().unwrap_or(0).max(1) as f64;
    let ticks = Ticks::between(0.0, tallest);
    let (left, right) = (ticks.room() + 10.0, WIDTH - 8.0);
    let (top, bottom) = (20.0, 20.0 + HIGH);
    let mut svg = Svg::new(bottom + 60.0, "Mean distance of components to their nearest like ones");
    svg.text((left, top - 7.0), Anchor::Start, TEXT, "text", &ticks.named("components"));
    let height = |count: f64| bottom - count / tallest * HIGH;
    for (&value, label) in ticks.values.iter().zip(&ticks.labels) {
        if value.fract() == 0.0 {
            svg.line((left, height(value)), (right, height(value)), "grid");
            svg.text((left - 5.0, height(value) + 3.5), Anchor::End, SMALL, "muted", label);
        }
    }
    let wide = (right - left) / BARS as f64;
    for (bar, &count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
        let y = height(count as f64);
        svg.rect((left + bar as f64 * wide + 0.5, y), (wide - 1.0, bottom - y), "fill-a");
    }
    svg.line((left, bottom), (right, bottom), "frame");
    let place = |x: f64| left + x / most * (right - left);
    let across = Ticks::between(0.0, most);
    for (&value, label) in across.values.iter().zip(&across.labels) {
        svg.text((place(value), bottom + 14.0), Anchor::Middle, SMALL, "muted", label);
    }
    let name = across.named("mean distance to the nearest like components");
    svg.text((f64::midpoint(left, right), bottom + 30.0), Anchor::Middle, TEXT, "text", &name);
    if let Some(threshold) = threshold {
        svg.line((place(threshold), top), (place(threshold), bottom), "dash-b");
        svg.legend(
            (left, bottom + 50.0),
            &[(Sample::Line("dash-b"), "threshold: what is not below it is left out")],
        );
    }
    svg.finish()
}
