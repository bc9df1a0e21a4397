//! How much samples use each component.

use crate::axis::Ticks;
use crate::svg::{Anchor, SMALL, Svg, TEXT, WIDTH};
use crate::text::width;

/// The use of a component.
#[derive(Clone, Debug, PartialEq)]
pub struct Usage {
    /// Its number.
    pub component: usize,
    /// The shares that it has of samples: at 5, 25, 50, 75 and 95 of a hundred samples in order.
    pub shares: [f64; 5],
    /// How many samples it gives most to.
    pub samples: usize,
}

const LINE: f64 = 17.0;

/// A box for each component, with what components and samples are called.
pub fn draw(components: &[Usage], component: &str, sample: &str) -> String {
    let count = |n: usize| n.to_string();
    let most = components.iter().map(|usage| width(&count(usage.samples), SMALL)).fold(0.0, f64::max);
    let last = components.iter().map(|usage| usage.component).max().unwrap_or(0);
    let left = 12.0 + width(&last.to_string(), SMALL);
    let right = WIDTH - most.max(width("most to", SMALL)) - 14.0;
    let top = 24.0;
    let bottom = top + LINE * components.len() as f64;
    let mut svg = Svg::new(bottom + 40.0, &format!("The share of each {component} in {sample}s"));
    svg.text((0.0, top - 10.0), Anchor::Start, TEXT, "text", component);
    svg.text((WIDTH, top - 10.0), Anchor::End, SMALL, "muted", "gives most to");
    let largest = components.iter().map(|usage| usage.shares[4]).fold(0.0, f64::max).clamp(1e-3, 1.0);
    let place = |x: f64| left + (x / largest).clamp(0.0, 1.0) * (right - left);
    let ticks = Ticks::between(0.0, 100.0 * largest);
    for (value, label) in ticks.values.iter().zip(&ticks.labels) {
        let x = place(value / 100.0);
        svg.line((x, top), (x, bottom), "grid");
        svg.text((x, bottom + 14.0), Anchor::Middle, SMALL, "muted", &format!("{label} %"));
    }
    let name = format!("share of a {sample}");
    svg.text((f64::midpoint(left, right), bottom + 31.0), Anchor::Middle, TEXT, "text", &name);
    for (line, usage) in components.iter().enumerate() {
        let middle = top + LINE * (line as f64 + 0.5);
        let [least, low, median, high, largest] = usage.shares.map(place);
        svg.text((left - 7.0, middle + 3.5), Anchor::End, SMALL, "text", &usage.component.to_string());
        svg.line((least, middle), (largest, middle), "frame");
        svg.rect((low, middle - 4.5), ((high - low).max(1.0), 9.0), "fill-a");
        svg.line((median, middle - 6.0), (median, middle + 6.0), "whisker");
        svg.text((WIDTH, middle + 3.5), Anchor::End, SMALL, "muted", &count(usage.samples));
    }
    svg.finish()
}
