//! The features that weigh most in each component, and how far their weights are spread over several fits.

use crate::svg::{Anchor, SMALL, Svg, TEXT, WIDTH};
use crate::text::width;

/// A feature in a component: shares of the component's sum.
#[derive(Clone, Debug, PartialEq)]
pub struct Feature {
    /// Its name.
    pub name: String,
    /// Its share; of several fits the median.
    pub share: f64,
    /// Of several fits the first and the third quartile of it.
    pub quartiles: Option<(f64, f64)>,
}

/// A component with its strongest features.
#[derive(Clone, Debug, PartialEq)]
pub struct Strongest {
    /// Its heading.
    pub heading: String,
    /// Its features, the strongest first.
    pub features: Vec<Feature>,
}

const LINE: f64 = 15.0;
const HEAD: f64 = 20.0;
const SPACE: f64 = 16.0;

/// A block for each component, side by side where there are many.
pub fn draw(components: &[Strongest]) -> String {
    let columns = if components.len() > 3 { 2 } else { 1 };
    let wide = (WIDTH - 20.0 * (columns - 1) as f64) / columns as f64;
    let ends =
        components.iter().flat_map(|c| &c.features).map(|f| f.quartiles.map_or(f.share, |(_, high)| high));
    let most = ends.fold(0.0, f64::max).max(1e-300);
    let rows: Vec<&[Strongest]> = components.chunks(columns).collect();
    let high = |row: &[Strongest]| {
        HEAD + LINE * row.iter().map(|c| c.features.len()).max().unwrap_or(0) as f64 + SPACE
    };
    let height: f64 = rows.iter().map(|row| high(row)).sum();
    let mut svg = Svg::new(height.max(HEAD), "The strongest features of each component");
    let values = width("100.00 %", SMALL);
    let names = 0.42 * wide;
    let mut top = 0.0;
    for row in rows {
        for (column, component) in row.iter().enumerate() {
            let left = column as f64 * (wide + 20.0);
            svg.name((left, top + 14.0), Anchor::Start, TEXT, wide, &component.heading);
            let (from, to) = (left + names + 6.0, left + wide - values - 6.0);
            let place = |x: f64| from + (x / most).clamp(0.0, 1.0) * (to - from);
            for (at, feature) in component.features.iter().enumerate() {
                let middle = top + HEAD + LINE * (at as f64 + 0.5);
                let share = format!("{:.2} %", 100.0 * feature.share);
                svg.name((left + names, middle + 3.5), Anchor::End, SMALL, names, &feature.name);
                svg.rect((from, middle - 4.5), (place(feature.share) - from, 9.0), "fill-a");
                if let Some((low, high)) = feature.quartiles {
                    svg.line((place(low), middle), (place(high), middle), "whisker");
                }
                svg.text((left + wide, middle + 3.5), Anchor::End, SMALL, "muted", &share);
            }
        }
        top += high(row);
    }
    svg.finish()
}
