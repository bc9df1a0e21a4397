//! What speaks for each rank: the loss on data held out, and how well components are found again.

use orthant_study::{Recommendation, Row, Thresholds};

use crate::axis::{Panel, Ticks, range, sides};
use crate::svg::{Sample, Svg};

/// The heights of the panels.
const HIGH: f64 = 170.0;
/// The same with what is above and below them.
const BLOCK: f64 = HIGH + 100.0;

/// Both on one axis of ranks; none where neither is known.
pub fn draw(rows: &[Row], found: &Recommendation, thresholds: &Thresholds) -> Option<String> {
    let ranks: Vec<usize> = rows.iter().map(|row| row.k).collect();
    let held_out: Vec<(usize, f64, f64)> =
        rows.iter().filter_map(|row| Some((row.k, row.heldout?, row.heldout_se.unwrap_or(0.0)))).collect();
    let of = |value: fn(&Row) -> Option<f64>| -> Vec<(usize, f64)> {
        rows.iter().filter_map(|row| Some((row.k, value(row)?))).collect()
    };
    let mean = of(|row| row.silhouette_mean);
    let least = of(|row| row.silhouette_min);
    let support = of(|row| row.support_min);
    let panels = usize::from(!held_out.is_empty()) + usize::from(!mean.is_empty());
    if panels == 0 {
        return None;
    }
    let ends = held_out.iter().flat_map(|&(_, x, se)| [x - se, x + se]);
    let losses = range(ends);
    let low = least.iter().chain(&mean).map(|&(_, x)| x).fold(0.0, f64::min);
    let stability = (if low < 0.0 { low - 0.05 } else { 0.0 }, 1.0);
    let (of_losses, of_stability) =
        (Ticks::between(losses.0, losses.1), Ticks::between(stability.0, stability.1));
    let x = sides(of_losses.room().max(of_stability.room()));
    let mut svg = Svg::new(
        panels as f64 * BLOCK - 10.0,
        "Loss on data held out and stability of components, by the number of components",
    );
    let mut top = 20.0;
    let shade = |svg: &mut Svg, panel: &Panel<'_>| {
        if let (Some(first), Some(last)) = (found.heldout_one_se, found.heldout_minimum) {
            panel.shade(svg, first, last, "candidate");
        }
        if let Some(k) = found.rank {
            panel.shade(svg, k, k, "chosen");
        }
    };
    if !held_out.is_empty() {
        let panel = Panel { ranks: &ranks, x, y: (top + HIGH, top), values: losses };
        shade(&mut svg, &panel);
        panel.draw(&mut svg, &of_losses, "loss on data held out");
        let smallest = held_out.iter().map(|&(_, x, _)| x).fold(f64::INFINITY, f64::min);
        let y = panel.at_value(smallest);
        svg.line((x.0, y), (x.1, y), "dash-a");
        let band: Vec<(usize, f64, f64)> = held_out.iter().map(|&(k, x, se)| (k, x - se, x + se)).collect();
        panel.band(&mut svg, &band, "area-a");
        let curve: Vec<(usize, f64)> = held_out.iter().map(|&(k, x, _)| (k, x)).collect();
        panel.curve(&mut svg, &curve, "line-a", "fill-a");
        panel.draw_ranks(&mut svg, found.rank);
        let entries = [
            (Sample::Line("line-a"), "mean loss"),
            (Sample::Area("area-a"), "± a standard error of its difference from the least"),
            (Sample::Line("dash-a"), "least"),
            (Sample::Area("candidate"), "predict as well as any"),
            (Sample::Area("chosen"), "recommended"),
        ];
        svg.legend((x.0, top + HIGH + 48.0), &entries);
        top += BLOCK;
    }
    if !mean.is_empty() {
        let panel = Panel { ranks: &ranks, x, y: (top + HIGH, top), values: stability };
        shade(&mut svg, &panel);
        panel.draw(&mut svg, &of_stability, "stability");
        let limits = [
            (thresholds.silhouette_mean, "dash-a"),
            (thresholds.silhouette_min, "dash-b"),
            (thresholds.support, "dash-c"),
        ];
        for (value, class) in limits {
            let y = panel.at_value(value);
            svg.line((x.0, y), (x.1, y), class);
        }
        panel.curve(&mut svg, &support, "line-c", "fill-c");
        panel.curve(&mut svg, &least, "line-b", "fill-b");
        panel.curve(&mut svg, &mean, "line-a", "fill-a");
        panel.draw_ranks(&mut svg, found.rank);
        let entries = [
            (Sample::Line("line-a"), "mean silhouette"),
            (Sample::Line("line-b"), "least silhouette"),
            (Sample::Line("line-c"), "least support"),
            (Sample::Line("dash-a"), "thresholds, in the colour of what they are for"),
            (Sample::Area("chosen"), "recommended"),
        ];
        svg.legend((x.0, top + HIGH + 48.0), &entries);
    }
    Some(svg.finish())
}
