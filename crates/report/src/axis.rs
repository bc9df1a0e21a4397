//! Axes: round numbers along them, and where a value is.

use crate::svg::{Anchor, SMALL, Svg, TEXT, WIDTH};
use crate::text::width;

/// Round numbers along an axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Ticks {
    /// Where they are.
    pub values: Vec<f64>,
    /// What is written there: the values over a power of ten.
    pub labels: Vec<String>,
    /// That power.
    pub power: i32,
}

impl Ticks {
    /// Three to six between two values, the ends among them where they are round.
    pub fn between(low: f64, high: f64) -> Self {
        let most = low.abs().max(high.abs());
        let power = if most > 0.0 { most.log10().floor() as i32 } else { 0 };
        let power = if (-3..5).contains(&power) { 0 } else { power };
        let rough = (high - low) / 4.0;
        let decade = 10_f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].map(|f| f * decade).into_iter().find(|step| *step >= 0.75 * rough);
        let step = step.unwrap_or(rough);
        let decimals = (f64::from(power) - step.log10() - 1e-9).ceil().clamp(0.0, 12.0) as usize;
        let (first, last) = ((low / step - 1e-9).ceil(), (high / step + 1e-9).floor());
        let values: Vec<f64> =
            (0..=(last - first).clamp(0.0, 20.0) as u32).map(|i| (first + f64::from(i)) * step).collect();
        let scale = 10_f64.powi(power);
        // a sum of 0 and rounding is no negative number
        let label = |x: &f64| format!("{:.decimals$}", x / scale + 0.0).replace('-', "−");
        let labels = values.iter().map(label).collect();
        Self { values, labels, power }
    }

    /// The name of an axis with its power of ten.
    pub fn named(&self, name: &str) -> String {
        if self.power == 0 {
            name.to_owned()
        } else {
            format!("{name}, × 1e{}", self.power).replace('-', "−")
        }
    }

    /// How much room the labels take.
    pub fn room(&self) -> f64 {
        self.labels.iter().map(|label| width(label, SMALL)).fold(0.0, f64::max)
    }
}

/// A range that has all finite values in it and some room around, never empty.
pub fn range(values: impl IntoIterator<Item = f64>) -> (f64, f64) {
    let finite = values.into_iter().filter(|x| x.is_finite());
    let (low, high) = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), x| (a.min(x), b.max(x)));
    if low > high {
        return (0.0, 1.0);
    }
    let room = 0.06 * (high - low);
    // values that differ by rounding alone are one
    let least = (high.abs().max(low.abs()) * 1e-6).max(1e-300);
    if room < least { (low - least, high + least) } else { (low - room, high + room) }
}

/// A rectangle with an axis of ranks below and one of values on the left.
#[derive(Clone, Debug)]
pub struct Panel<'a> {
    /// The ranks, which ascend.
    pub ranks: &'a [usize],
    /// The left and the right end, in pixels.
    pub x: (f64, f64),
    /// The lower and the upper end of it, in pixels.
    pub y: (f64, f64),
    /// The values at these.
    pub values: (f64, f64),
}

impl Panel<'_> {
    /// The smallest distance of two ranks.
    fn gap(&self) -> f64 {
        self.ranks.windows(2).map(|pair| pair[1] - pair[0]).min().unwrap_or(1) as f64
    }

    /// Where a rank is.
    pub fn at_rank(&self, k: usize) -> f64 {
        let first = self.ranks.first().copied().unwrap_or(0) as f64 - self.gap() / 2.0;
        let last = self.ranks.last().copied().unwrap_or(0) as f64 + self.gap() / 2.0;
        self.x.0 + (k as f64 - first) / (last - first) * (self.x.1 - self.x.0)
    }

    /// How wide a rank is.
    pub fn step(&self) -> f64 {
        self.at_rank(1) - self.at_rank(0)
    }

    /// How wide what belongs to one rank may be.
    pub fn slot(&self) -> f64 {
        self.step() * self.gap()
    }

    /// Where a value is; one beyond the ends is at the nearer of them.
    pub fn at_value(&self, x: f64) -> f64 {
        let share = ((x - self.values.0) / (self.values.1 - self.values.0)).clamp(0.0, 1.0);
        self.y.0 + share * (self.y.1 - self.y.0)
    }

    /// The background of some ranks, from the first to the last.
    pub fn shade(&self, svg: &mut Svg, first: usize, last: usize, class: &str) {
        let half = self.slot() / 2.0;
        let (left, right) = (self.at_rank(first) - half, self.at_rank(last) + half);
        svg.rect((left, self.y.1), (right - left, self.y.0 - self.y.1), class);
    }

    /// The frame, with lines and numbers at values, and the name above.
    pub fn draw(&self, svg: &mut Svg, ticks: &Ticks, name: &str) {
        for (&value, label) in ticks.values.iter().zip(&ticks.labels) {
            let y = self.at_value(value);
            svg.line((self.x.0, y), (self.x.1, y), "grid");
            svg.text((self.x.0 - 5.0, y + 3.5), Anchor::End, SMALL, "muted", label);
        }
        svg.rect((self.x.0, self.y.1), (self.x.1 - self.x.0, self.y.0 - self.y.1), "frame");
        svg.text((self.x.0, self.y.1 - 7.0), Anchor::Start, TEXT, "text", &ticks.named(name));
    }

    /// The numbers of the ranks below, as many as there is room for, and first that of `chosen`.
    pub fn draw_ranks(&self, svg: &mut Svg, chosen: Option<usize>) {
        let mut taken: Vec<(f64, f64)> = Vec::new();
        for k in chosen.into_iter().chain(self.ranks.iter().copied().filter(|k| Some(*k) != chosen)) {
            let (x, text) = (self.at_rank(k), k.to_string());
            let half = width(&text, SMALL) / 2.0 + 3.0;
            if taken.iter().all(|&(left, right)| x + half < left || right < x - half) {
                taken.push((x - half, x + half));
                let class = if Some(k) == chosen { "text" } else { "muted" };
                svg.text((x, self.y.0 + 14.0), Anchor::Middle, SMALL, class, &text);
            }
        }
        svg.text(
            (f64::midpoint(self.x.0, self.x.1), self.y.0 + 30.0),
            Anchor::Middle,
            TEXT,
            "text",
            "components k",
        );
    }

    /// A line through what is known of each rank, and a dot at each.
    pub fn curve(&self, svg: &mut Svg, values: &[(usize, f64)], line: &str, dot: &str) {
        let points: Vec<(f64, f64)> =
            values.iter().map(|&(k, value)| (self.at_rank(k), self.at_value(value))).collect();
        if points.len() > 1 {
            svg.polyline(&points, line);
        }
        let radius = (self.slot() / 4.0).clamp(1.5, 3.0);
        points.iter().for_each(|&point| svg.dot(point, radius, dot));
    }

    /// The area between two values of each rank.
    pub fn band(&self, svg: &mut Svg, values: &[(usize, f64, f64)], class: &str) {
        let point = |k: usize, value: f64| (self.at_rank(k), self.at_value(value));
        if let [(k, low, high)] = *values {
            // of one rank a bar
            let (x, top) = point(k, high);
            svg.rect((x - 5.0, top), (10.0, self.at_value(low) - top), class);
            return;
        }
        let above = values.iter().map(|&(k, _, high)| point(k, high));
        let below = values.iter().rev().map(|&(k, low, _)| point(k, low));
        let area: Vec<(f64, f64)> = above.chain(below).collect();
        if !area.is_empty() {
            svg.polygon(&area, class);
        }
    }
}

/// The left and the right end of panels whose labels need so much room.
pub fn sides(room: f64) -> (f64, f64) {
    (room + 10.0, WIDTH - 8.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round() {
        let of = |low: f64, high: f64| Ticks::between(low, high);
        assert_eq!(of(0.0, 1.0).labels, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(of(-0.3, 1.0).labels, ["0.0", "0.5", "1.0"]);
        let large = of(1.2e9, 1.9e9);
        assert_eq!((large.power, &*large.labels[0]), (9, "1.2"));
        assert_eq!(large.named("loss"), "loss, × 1e9");
        let near = of(1_000_000.0, 1_000_004.0);
        assert_eq!((near.values[1], &*near.labels[1], near.power), (1_000_001.0, "1.000001", 6));
    }

    #[test]
    fn a_range_is_never_empty() {
        for values in [vec![], vec![3.0], vec![0.0, 0.0], vec![f64::NAN, 1e300], vec![-1.0, 5.0]] {
            let (low, high) = range(values);
            let ticks = Ticks::between(low, high);
            assert!(low < high && ticks.values.len() < 21, "{low} {high}");
        }
    }
}
