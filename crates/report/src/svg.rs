//! A figure: shapes of a class, and text of a size.
//!
//! Colours are classes (`theme.rs`), so that one figure serves light and dark pages and print.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::markup::Markup;
use crate::text::{clipped, shortened, width};

/// How wide figures are, but for heat maps.
pub const WIDTH: f64 = 600.0;
/// The size of most text.
pub const TEXT: f64 = 12.0;
/// The size of numbers at axes and the like.
pub const SMALL: f64 = 10.0;

/// The most characters of a name that is a title, for whoever points at it.
const TITLE: usize = 200;

/// Where text is in relation to its place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Anchor {
    /// To the right of it.
    Start,
    /// Around it.
    Middle,
    /// To the left of it.
    End,
}

impl Anchor {
    fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Middle => "middle",
            Self::End => "end",
        }
    }
}

/// A figure that is being drawn.
pub struct Svg {
    markup: Markup,
}

/// A coordinate, to a hundredth of a pixel.
fn at(x: f64) -> String {
    let text = format!("{x:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

fn path(points: &[(f64, f64)]) -> String {
    points.iter().map(|&(x, y)| format!("{},{}", at(x), at(y))).collect::<Vec<_>>().join(" ")
}

impl Svg {
    /// A figure of this height, with what it shows for whoever cannot see it.
    pub fn new(height: f64, label: &str) -> Self {
        Self::of(WIDTH, height, label)
    }

    /// The same of another width.
    pub fn of(width: f64, height: f64, label: &str) -> Self {
        let (width, high) = (at(width), at(height));
        let mut markup = Markup::new();
        let view = format!("0 0 {width} {high}");
        let attributes = [
            ("xmlns", "http://www.w3.org/2000/svg"),
            ("viewBox", &*view),
            ("width", &*width),
            ("height", &*high),
            ("role", "img"),
            ("aria-label", label),
            ("font-family", "system-ui, sans-serif"),
        ];
        markup.open("svg", &attributes);
        Self { markup }
    }

    /// A rectangle.
    pub fn rect(&mut self, (x, y): (f64, f64), (w, h): (f64, f64), class: &str) {
        let [x, y, w, h] = [x, y, w.max(0.0), h.max(0.0)].map(at);
        let all = [("class", class), ("x", &*x), ("y", &*y), ("width", &*w), ("height", &*h)];
        self.markup.empty("rect", &all);
    }

    /// A line from one point to another.
    pub fn line(&mut self, from: (f64, f64), to: (f64, f64), class: &str) {
        let [x1, y1, x2, y2] = [from.0, from.1, to.0, to.1].map(at);
        let all = [("class", class), ("x1", &*x1), ("y1", &*y1), ("x2", &*x2), ("y2", &*y2)];
        self.markup.empty("line", &all);
    }

    /// A line through points.
    pub fn polyline(&mut self, points: &[(f64, f64)], class: &str) {
        self.markup.empty("polyline", &[("class", class), ("points", &*path(points))]);
    }

    /// The area within points.
    pub fn polygon(&mut self, points: &[(f64, f64)], class: &str) {
        self.markup.empty("polygon", &[("class", class), ("points", &*path(points))]);
    }

    /// A dot.
    pub fn dot(&mut self, (x, y): (f64, f64), radius: f64, class: &str) {
        let [x, y, r] = [x, y, radius].map(at);
        self.markup.empty("circle", &[("class", class), ("cx", &*x), ("cy", &*y), ("r", &*r)]);
    }

    /// Many horizontal strokes of one length, each from its left end: one element.
    pub fn strokes(&mut self, starts: &[(f64, f64)], length: f64, class: &str) {
        if starts.is_empty() {
            return;
        }
        let length = at(length);
        let d: String = starts.iter().map(|&(x, y)| format!("M{},{}h{length}", at(x), at(y))).collect();
        self.markup.empty("path", &[("class", class), ("d", &*d)]);
    }

    /// A band between two points, level at both, `thick` pixels.
    pub fn flow(&mut self, from: (f64, f64), to: (f64, f64), thick: f64, class: &str) {
        let [x1, y1, x2, y2, middle, thick] =
            [from.0, from.1, to.0, to.1, (from.0 + to.0) / 2.0, thick].map(at);
        let d = format!("M{x1},{y1}C{middle},{y1} {middle},{y2} {x2},{y2}");
        self.markup.empty("path", &[("class", class), ("d", &*d), ("stroke-width", &*thick)]);
    }

    /// Text of a size, on a base line.
    pub fn text(&mut self, (x, y): (f64, f64), anchor: Anchor, size: f64, class: &str, text: &str) {
        self.titled(x, y, anchor, size, class, text, None);
    }

    /// A name, shortened where it is wider than `most`; its full form is its title then.
    pub fn name(&mut self, (x, y): (f64, f64), anchor: Anchor, size: f64, most: f64, name: &str) {
        let short = shortened(name, size, most);
        let title = (*short != *name).then(|| clipped(name, TITLE));
        self.titled(x, y, anchor, size, "text", &short, title.as_deref());
    }

    fn titled(
        &mut self,
        x: f64,
        y: f64,
        anchor: Anchor,
        size: f64,
        class: &str,
        text: &str,
        title: Option<&str>,
    ) {
        let [x, y, size] = [x, y, size].map(at);
        let mut all = vec![("class", class), ("x", &*x), ("y", &*y), ("font-size", &*size)];
        if anchor != Anchor::Start {
            all.push(("text-anchor", anchor.name()));
        }
        self.markup.open("text", &all);
        self.markup.text(text);
        if let Some(title) = title {
            self.markup.leaf("title", &[], title);
        }
        self.markup.close("text");
    }

    /// A picture of numbers, stretched to a rectangle. It is turned round on a dark page.
    pub fn image(&mut self, at: (f64, f64), size: (f64, f64), png: &[u8]) {
        self.picture(at, size, png, "map");
    }

    /// A picture of light, which is the same on every page.
    pub fn photo(&mut self, at: (f64, f64), size: (f64, f64), png: &[u8]) {
        self.picture(at, size, png, "photo");
    }

    fn picture(&mut self, (x, y): (f64, f64), (w, h): (f64, f64), png: &[u8], class: &str) {
        let [x, y, w, h] = [x, y, w, h].map(at);
        let data = format!("data:image/png;base64,{}", STANDARD.encode(png));
        let all = [
            ("class", class),
            ("x", &*x),
            ("y", &*y),
            ("width", &*w),
            ("height", &*h),
            ("preserveAspectRatio", "none"),
            ("style", "image-rendering:pixelated"),
            ("href", &*data),
        ];
        self.markup.empty("image", &all);
    }

    /// A row of samples with their names, from `x` on; those that do not fit go to further rows. Returns the base line of the last.
    pub fn legend(&mut self, (x, y): (f64, f64), entries: &[(Sample, &str)]) -> f64 {
        let (mut left, mut line) = (x, y);
        for (sample, name) in entries {
            let wide = 24.0 + width(name, SMALL);
            if left > x && left + wide > WIDTH {
                left = x;
                line += 15.0;
            }
            let middle = line - 3.5;
            match sample {
                Sample::Line(class) => self.line((left, middle), (left + 18.0, middle), class),
                Sample::Dot(class) => self.dot((left + 9.0, middle), 3.0, class),
                Sample::Area(class) => self.rect((left, middle - 4.5), (18.0, 9.0), class),
            }
            self.text((left + 22.0, line), Anchor::Start, SMALL, "muted", name);
            left += wide + 12.0;
        }
        line
    }

    /// All of it.
    pub fn finish(mut self) -> String {
        self.markup.close("svg");
        self.markup.finish()
    }
}

/// What stands before a name in a legend.
#[derive(Clone, Copy, Debug)]
pub enum Sample {
    /// A line of a class.
    Line(&'static str),
    /// A dot of it.
    Dot(&'static str),
    /// An area of it.
    Area(&'static str),
}
