//! How well the fits of each rank describe the data they were fitted to.

use orthant_study::{FitFigures, Row, quantile};

use crate::axis::{Panel, Ticks, range, sides};
use crate::svg::{Sample, Svg};

/// The heights of the panels.
const HIGH: f64 = 140.0;

/// The name of a figure of a fit, which that is, and the better one of two.
type Figured = (&'static str, fn(&FitFigures) -> f64, fn(f64, f64) -> f64);

/// The loss and the share explained: the best fit's, the median, and the quartiles.
pub fn draw(rows: &[Row], chosen: Option<usize>) -> String {
    let ranks: Vec<usize> = rows.iter().map(|row| row.k).collect();
    let panels: [Figured; 2] =
        [("loss", |fit| fit.loss, f64::min), ("share explained", |fit| fit.explained, f64::max)];
    let found = panels.map(|(name, value, better)| {
        let values = |row: &Row| row.each.iter().map(value).collect::<Vec<f64>>();
        let best: Vec<(usize, f64)> =
            rows.iter().filter_map(|row| Some((row.k, values(row).into_iter().reduce(better)?))).collect();
        let at = |q: f64| rows.iter().map(move |row| (row.k, quantile(&values(row), q))).collect::<Vec<_>>();
        let [low, middle, high] = [0.25, 0.5, 0.75].map(at);
        let band: Vec<(usize, f64, f64)> =
            low.iter().zip(&high).map(|(&(k, a), &(_, b))| (k, a, b)).collect();
        let values = range(best.iter().map(|x| x.1).chain(band.iter().flat_map(|&(_, a, b)| [a, b])));
        (name, best, middle, band, values, Ticks::between(values.0, values.1))
    });
    let x = sides(found.iter().map(|(.., ticks)| ticks.room()).fold(0.0, f64::max));
    let mut svg =
        Svg::new(2.0 * (HIGH + 57.0) + 17.0, "Loss and share explained, by the number of components");
    let mut top = 20.0;
    for (name, best, middle, band, values, ticks) in &found {
        let panel = Panel { ranks: &ranks, x, y: (top + HIGH, top), values: *values };
        if let Some(k) = chosen {
            panel.shade(&mut svg, k, k, "chosen");
        }
        panel.draw(&mut svg, ticks, name);
        panel.band(&mut svg, band, "area-a");
        panel.curve(&mut svg, middle, "line-a", "fill-a");
        panel.curve(&mut svg, best, "line-b", "fill-b");
        panel.draw_ranks(&mut svg, chosen);
        top += HIGH + 57.0;
    }
    let entries = [
        (Sample::Line("line-b"), "best fit"),
        (Sample::Line("line-a"), "median"),
        (Sample::Area("area-a"), "from the first to the third quartile"),
        (Sample::Area("chosen"), "recommended"),
    ];
    svg.legend((x.0, top - 8.0), &entries);
    svg.finish()
}
