//! How often samples are put together.

use orthant_study::SampleConsensus;

use crate::heat;
use crate::svg::{Anchor, Svg, TEXT};

const LEFT: f64 = 62.0;
const TOP: f64 = 28.0;
const SIDE: f64 = 420.0;

/// The consensus matrix as a heat map, of all samples or of some.
pub fn draw(consensus: &SampleConsensus, of: usize) -> String {
    let count = consensus.rows.len();
    let name = if count < of { format!("{count} of {of} samples") } else { format!("{count} samples") };
    let mut svg =
        Svg::of(LEFT + SIDE + 8.0, TOP + SIDE + 32.0, "How often two samples are put together by the fits");
    svg.text((LEFT, TOP - 12.0), Anchor::Start, TEXT, "text", &format!("{name}, in the order of a tree"));
    svg.image((LEFT, TOP), (SIDE, SIDE), &heat::picture(&consensus.matrix, count));
    svg.rect((LEFT, TOP), (SIDE, SIDE), "frame");
    heat::scale(&mut svg, (LEFT + SIDE - 130.0, TOP + SIDE + 22.0), "share of the fits");
    svg.finish()
}
