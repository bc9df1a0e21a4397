//! How much of W·H each component makes up.

use crate::svg::{Anchor, SMALL, Sample, Svg, TEXT, WIDTH};
use crate::text::{aligned, width};

/// The share of a component.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share {
    pub component: usize,
    pub share: f64,
    /// Whether it was known before, all of it or a part.
    pub known: bool,
}

const LINE: f64 = 17.0;

/// A bar for each component, with what components are called.
pub fn draw(shares: &[Share], component: &str) -> String {
    let known = shares.iter().any(|share| share.known);
    let last = shares.iter().map(|share| share.component).max().unwrap_or(0);
    let (left, right) = (12.0 + width(&last.to_string(), SMALL), WIDTH - width("1.00e−99 %", SMALL) - 8.0);
    let top = 24.0;
    let bottom = top + LINE * shares.len() as f64;
    let label = format!("The share of each {component} in W·H");
    let mut svg = Svg::new(bottom + if known { 24.0 } else { 4.0 }, &label);
    svg.text((0.0, top - 10.0), Anchor::Start, TEXT, "text", component);
    svg.text((WIDTH, top - 10.0), Anchor::End, SMALL, "muted", "share of W·H");
    let most = shares.iter().map(|share| share.share).fold(0.0, f64::max).max(1e-300);
    for (line, share) in shares.iter().enumerate() {
        let middle = top + LINE * (line as f64 + 0.5);
        let long = (share.share / most).clamp(0.0, 1.0) * (right - left);
        svg.text((left - 7.0, middle + 3.5), Anchor::End, SMALL, "text", &share.component.to_string());
        svg.rect((left, middle - 5.5), (long, 11.0), if share.known { "fill-c" } else { "fill-a" });
        svg.text((WIDTH, middle + 3.5), Anchor::End, SMALL, "muted", &aligned(share.share));
    }
    if known {
        let entries = [
            (Sample::Area("fill-c"), "known before the fit, in full or in part"),
            (Sample::Area("fill-a"), "found"),
        ];
        svg.legend((left, bottom + 18.0), &entries);
    }
    svg.finish()
}
