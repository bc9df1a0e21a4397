//! How alike the components of all fits are, in matched order.

use orthant_study::Cosines;

use crate::heat;
use crate::svg::{Anchor, SMALL, Svg, TEXT};
use crate::text::width;

const LEFT: f64 = 62.0;
const TOP: f64 = 28.0;
const SIDE: f64 = 420.0;

/// The cosines, with the number of the component that each group belongs to; `groups` has where groups begin among all, and
/// none for those that were left out.
pub fn draw(cosines: &Cosines, groups: &[(usize, Option<usize>)]) -> String {
    let count = cosines.bounds.last().copied().unwrap_or(0);
    let rows = cosines.bounds.len() - 1;
    let mut svg = Svg::of(
        LEFT + SIDE + 8.0,
        TOP + SIDE + 32.0,
        "Cosines of the components of all fits, in matched order",
    );
    svg.text((LEFT, TOP - 12.0), Anchor::Start, TEXT, "text", "components of all fits, in matched order");
    svg.image((LEFT, TOP), (SIDE, SIDE), &heat::picture(&cosines.matrix, rows));
    svg.rect((LEFT, TOP), (SIDE, SIDE), "frame");
    let place = |e: usize| TOP + e as f64 / count.max(1) as f64 * SIDE;
    let mut free = TOP - 6.0;
    for (g, &(first, component)) in groups.iter().enumerate() {
        let (from, to) = (place(first), place(groups.get(g + 1).map_or(count, |next| next.0)));
        svg.line((LEFT - 6.0, from), (LEFT, from), "frame");
        let text = component.map_or("left out".to_owned(), |c| c.to_string());
        let line = f64::midpoint(from, to) + 3.5;
        // a label is as high as its font
        if line - SMALL >= free && width(&text, SMALL) < LEFT - 8.0 {
            svg.text((LEFT - 10.0, line), Anchor::End, SMALL, "muted", &text);
            free = line + 1.0;
        }
    }
    heat::scale(&mut svg, (LEFT + SIDE - 130.0, TOP + SIDE + 22.0), "cosine");
    svg.finish()
}
