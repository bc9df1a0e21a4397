//! The figures: each a function from plain data to SVG.

pub mod clustergram;
pub mod components;
pub mod density;
pub mod features;
pub mod history;
pub mod lineage;
pub mod loss;
pub mod pictures;
pub mod profiles;
pub mod ranks;
pub mod samples;
pub mod shares;
pub mod usage;

/// The names of all figures that there can be.
pub const NAMES: [&str; 13] = [
    "ranks",
    "loss",
    "components",
    "features",
    "usage",
    "clustergram",
    "density",
    "samples",
    "lineage",
    "history",
    "shares",
    "profiles",
    "pictures",
];

/// The classes of supports, the names of their areas and of their strokes, and the words for them.
pub struct Supports {
    threshold: f64,
}

impl Supports {
    /// With the least support of a component that counts as found again.
    pub fn new(threshold: f64) -> Self {
        Self { threshold }
    }

    /// The class of a support, from 0 to 3.
    pub fn class(&self, support: f64) -> usize {
        match support {
            _ if support > 1.0 - 1e-9 => 3,
            _ if support >= self.threshold => 2,
            _ if support >= self.threshold / 2.0 => 1,
            _ => 0,
        }
    }

    /// What the classes mean.
    pub fn words(&self) -> [String; 4] {
        let percent = |x: f64| crate::text::percent(x);
        let half = percent(self.threshold / 2.0);
        [
            format!("in less than {half} of the fits"),
            format!("{half} and more"),
            format!("{} and more", percent(self.threshold)),
            "in all fits".to_owned(),
        ]
    }
}

/// Areas of the classes.
pub const AREAS: [&str; 4] = ["s0", "s1", "s2", "s3"];
/// Strokes of the classes.
pub const STROKES: [&str; 4] = ["t0", "t1", "t2", "t3"];
