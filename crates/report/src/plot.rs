//! A rectangle with an axis of numbers below and one on the left, each even or logarithmic.

use crate::axis::{Ticks, range};
use crate::svg::{Anchor, SMALL, Svg, TEXT};
use crate::text::{significant, width};

/// An axis: its ends, or their decimal logarithms.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Axis {
    ends: (f64, f64),
    logarithmic: bool,
}

impl Axis {
    /// From one number to another.
    pub fn even(low: f64, high: f64) -> Self {
        Self { ends: if low < high { (low, high) } else { (low - 0.5, low + 0.5) }, logarithmic: false }
    }

    /// The same, logarithmic, of positive numbers.
    pub fn logarithmic(low: f64, high: f64) -> Self {
        let (low, high) = (low.log10(), high.log10());
        Self { ends: if low < high { (low, high) } else { (low - 0.1, low + 0.1) }, logarithmic: true }
    }

    /// Around some numbers, with a little room: logarithmic where those above 0 spread over more than a decade.
    pub fn around(values: &[f64]) -> Self {
        let positive = || values.iter().copied().filter(|x| *x > 0.0);
        let (least, most) = (positive().fold(f64::INFINITY, f64::min), positive().fold(0.0, f64::max));
        // a quotient could be infinite
        if most.log10() - least.log10() > 1.0 {
            return Self { ends: range(positive().map(f64::log10)), logarithmic: true };
        }
        Self { ends: range(values.iter().copied()), logarithmic: false }
    }

    pub fn is_logarithmic(&self) -> bool {
        self.logarithmic
    }

    /// Where a number is, from 0 to 1; one beyond the ends is at the nearer of them.
    pub fn place(&self, x: f64) -> f64 {
        // the logarithm of 0 is below all others
        let x = if self.logarithmic { x.log10() } else { x };
        ((x - self.ends.0) / (self.ends.1 - self.ends.0)).clamp(0.0, 1.0)
    }

    /// Round numbers along it; where `whole`, without fractions.
    pub fn ticks(&self, whole: bool) -> Ticks {
        let (low, high) = self.ends;
        if !self.logarithmic {
            let mut ticks = Ticks::between(low, high);
            if whole && ticks.values.iter().any(|x| x.fract() != 0.0) {
                ticks.values.retain(|x| x.fract() == 0.0);
                ticks.labels = ticks.values.iter().map(|x| significant(*x, 1)).collect();
            }
            return ticks;
        }
        let decades = (low.ceil() as i32, high.floor() as i32);
        let every = ((decades.1 - decades.0) / 6 + 1) as usize;
        let multiples: &[f64] = if high - low <= 3.0 { &[1.0, 2.0, 5.0] } else { &[1.0] };
        let powers =
            (decades.0 - 1..=decades.1).filter(|power| (power - decades.0).rem_euclid(every as i32) == 0);
        // by way of text, as a power in floating point can be off by its last digit
        let number = |multiple: &f64, power: i32| format!("{multiple}e{power}").parse::<f64>().unwrap_or(0.0);
        let all = powers.flat_map(|power| multiples.iter().map(move |multiple| number(multiple, power)));
        let values: Vec<f64> = all.filter(|x| (low - 1e-9..=high + 1e-9).contains(&x.log10())).collect();
        let label = |x: &f64| match *x {
            x if (1e-3..1e5).contains(&x) => significant(x, 1),
            x => format!("{x:e}").replace('-', "−"),
        };
        let labels = values.iter().map(label).collect();
        Ticks { values, labels, power: 0 }
    }
}

/// The rectangle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plot {
    /// The left and the right end, in pixels.
    pub x: (f64, f64),
    /// The lower and the upper end of it, in pixels.
    pub y: (f64, f64),
    pub across: Axis,
    pub up: Axis,
}

impl Plot {
    /// Where a point is.
    pub fn at(&self, x: f64, y: f64) -> (f64, f64) {
        let ((left, right), (bottom, top)) = (self.x, self.y);
        (left + self.across.place(x) * (right - left), bottom + self.up.place(y) * (top - bottom))
    }

    /// Lines and numbers at values on the left.
    pub fn draw_up(&self, svg: &mut Svg, ticks: &Ticks) {
        for (&value, label) in ticks.values.iter().zip(&ticks.labels) {
            let (_, y) = self.at(0.0, value);
            svg.line((self.x.0, y), (self.x.1, y), "grid");
            svg.text((self.x.0 - 5.0, y + 3.5), Anchor::End, SMALL, "muted", label);
        }
    }

    /// Numbers below, as many as there is room for, none of them beyond the ends.
    pub fn draw_across(&self, svg: &mut Svg, ticks: &Ticks) {
        let mut free = f64::NEG_INFINITY;
        for (&value, label) in ticks.values.iter().zip(&ticks.labels) {
            let (x, _) = self.at(value, 0.0);
            let half = width(label, SMALL) / 2.0;
            let middle = x.min(self.x.1 - half).max(self.x.0 + half);
            svg.line((x, self.y.0), (x, self.y.0 + 3.0), "frame");
            if middle - half > free {
                svg.text((middle, self.y.0 + 14.0), Anchor::Middle, SMALL, "muted", label);
                free = middle + half + 4.0;
            }
        }
    }

    /// The frame.
    pub fn frame(&self, svg: &mut Svg) {
        svg.rect((self.x.0, self.y.1), (self.x.1 - self.x.0, self.y.0 - self.y.1), "frame");
    }

    /// The names of both axes: of the upper one above, of the other below its numbers.
    pub fn names(&self, svg: &mut Svg, up: &str, across: &str) {
        svg.text((self.x.0, self.y.1 - 7.0), Anchor::Start, TEXT, "text", up);
        let middle = f64::midpoint(self.x.0, self.x.1);
        svg.text((middle, self.y.0 + 30.0), Anchor::Middle, TEXT, "text", across);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decades_are_labelled() {
        let labels = |low, high| Axis::logarithmic(low, high).ticks(false).labels;
        assert_eq!(labels(1.0, 500.0), ["1", "2", "5", "10", "20", "50", "100", "200", "500"]);
        assert_eq!(labels(3e-7, 4e3), ["1e−6", "1e−4", "0.01", "1", "100"]);
        assert_eq!(labels(30.0, 80.0), ["50"]);
        assert_eq!(labels(1e-300, 1e300).len(), 6);
    }

    #[test]
    fn a_scale_is_logarithmic_where_numbers_spread_over_decades() {
        assert!(!Axis::around(&[1.0, 9.9]).is_logarithmic() && Axis::around(&[1.0, 10.1]).is_logarithmic());
        let axis = Axis::around(&[0.0, 1.0, 1e4]);
        let third = axis.place(100.0);
        assert!((third - 0.5).abs() < 1e-12 && axis.place(0.0) == 0.0, "{third}");
        for values in [vec![], vec![0.0], vec![0.0, 3.0], vec![-1.0, 1e-300, 1e300]] {
            let axis = Axis::around(&values);
            assert!(
                (0.0..=1.0).contains(&axis.place(2.0)) && axis.ticks(true).values.len() < 21,
                "{values:?}"
            );
        }
        assert_eq!(Axis::even(1.0, 3.0).ticks(true).labels, ["1", "2", "3"]);
        assert_eq!(Axis::even(1.0, 1.0).ticks(true).labels, ["1"]);
    }
}
