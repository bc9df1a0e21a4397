//! Every component of every rank by how well it is found again.

use orthant_study::{Row, Thresholds};

use super::{STROKES, Supports};
use crate::axis::{Panel, Ticks, sides};
use crate::svg::{Sample, Svg};

const HIGH: f64 = 230.0;

/// A strip of components for each rank; none where there is one fit of each.
pub fn draw(rows: &[Row], chosen: Option<usize>, thresholds: &Thresholds) -> Option<String> {
    let known: Vec<&Row> = rows.iter().filter(|row| row.silhouette_mean.is_some()).collect();
    let lowest = known.iter().flat_map(|row| &row.components).map(|c| c.silhouette).reduce(f64::min)?;
    let values = (if lowest < 0.0 { lowest - 0.05 } else { 0.0 }, 1.02);
    let ticks = Ticks::between(values.0, 1.0);
    let x = sides(ticks.room());
    let ranks: Vec<usize> = known.iter().map(|row| row.k).collect();
    let mut svg = Svg::new(HIGH + 96.0, "The silhouette of every component, by the number of components");
    let panel = Panel { ranks: &ranks, x, y: (20.0 + HIGH, 20.0), values };
    if let Some(k) = chosen.filter(|k| ranks.contains(k)) {
        panel.shade(&mut svg, k, k, "chosen");
    }
    panel.draw(&mut svg, &ticks, "silhouette of each component");
    let y = panel.at_value(thresholds.silhouette_min);
    svg.line((x.0, y), (x.1, y), "dash-b");
    let supports = Supports::new(thresholds.support);
    let length = (0.7 * panel.slot()).min(36.0);
    for (class, stroke) in STROKES.into_iter().enumerate() {
        let of_row = |row: &&Row| {
            let left = panel.at_rank(row.k) - length / 2.0;
            let here = row.components.iter().filter(|c| supports.class(c.support) == class);
            here.map(|c| (left, panel.at_value(c.silhouette))).collect::<Vec<_>>()
        };
        let starts: Vec<(f64, f64)> = known.iter().flat_map(of_row).collect();
        svg.strokes(&starts, length, stroke);
    }
    panel.draw_ranks(&mut svg, chosen);
    let words = supports.words();
    let mut entries: Vec<(Sample, &str)> =
        STROKES.into_iter().zip(&words).rev().map(|(class, words)| (Sample::Line(class), &**words)).collect();
    entries.push((Sample::Line("dash-b"), "threshold of the least"));
    svg.legend((x.0, HIGH + 69.0), &entries);
    Some(svg.finish())
}
