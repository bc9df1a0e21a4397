//! What a fit does not know of itself.

use orthant::Options;

use crate::raster::Size;

/// What components, samples and features are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Subject {
    /// Components of samples with features.
    #[default]
    Components,
    /// Topics of documents with words.
    Topics,
}

impl Subject {
    pub(crate) fn component(self) -> &'static str {
        match self {
            Self::Components => "component",
            Self::Topics => "topic",
        }
    }

    pub(crate) fn sample(self) -> &'static str {
        match self {
            Self::Components => "sample",
            Self::Topics => "document",
        }
    }

    pub(crate) fn feature(self) -> &'static str {
        match self {
            Self::Components => "feature",
            Self::Topics => "word",
        }
    }
}

/// The pictures that were fitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pictures {
    /// Rows of pixels.
    pub rows: usize,
    /// Columns of pixels.
    pub columns: usize,
    /// 1 for grey levels, 3 for colour: the channels one after the other, of each picture or, where the data is one, of each row.
    pub channels: usize,
    /// Whether each row of the data is a picture, and not the data one.
    pub in_each_row: bool,
}

impl Pictures {
    pub(crate) fn size(self) -> Size {
        Size { rows: self.rows, columns: self.columns, channels: self.channels }
    }

    /// Whether data of this shape can be such pictures.
    pub(crate) fn fits(self, rows: usize, columns: usize) -> bool {
        let height = if self.in_each_row { self.rows } else { 1 };
        let levels = height.checked_mul(self.columns).and_then(|pixels| pixels.checked_mul(self.channels));
        let high = self.in_each_row || self.rows == rows;
        levels == Some(columns) && high && self.rows * self.columns > 0 && [1, 3].contains(&self.channels)
    }
}

/// How much was known of a component before the fit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// Entries of its row of H that were fixed.
    pub of_h: usize,
    /// Entries of its column of W that were.
    pub of_w: usize,
}

/// What the report of a fit calls things, and what the fit does not know of itself.
///
/// ```
/// use orthant::{Dense, Method, Nmf, Options};
/// use orthant_report::{AboutFit, Report};
/// let v = Dense::from_fn(30, 8, |i, j| ((i % 3) * (j % 2) + (i * j) % 5) as f64);
/// let options = Options { seed: 1, ..Options::new(2, Method::hals()) };
/// let fit = Nmf::from_options(options.clone()).fit(&v)?;
/// let about = AboutFit { commands: &["orthant fit v.npy -k 2".into()], ..AboutFit::new("v.npy", &options) };
/// let report = Report::of_fit(&fit, &about);
/// assert!(report.html().contains("<title>Fit of v.npy</title>"));
/// # Ok::<(), orthant::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct AboutFit<'a> {
    /// The name of the data.
    pub data: &'a str,
    /// The options of the fit.
    pub options: &'a Options,
    /// What components, samples and features are.
    pub subject: Subject,
    /// The names of the columns; without these, or where they are not as many, columns are called by their numbers, from 0.
    pub features: Option<&'a [String]>,
    /// The names of the rows, likewise.
    pub samples: Option<&'a [String]>,
    /// The texts of the rows, if they have any.
    pub texts: Option<&'a [&'a str]>,
    /// The pictures that rows are, if they are any.
    pub pictures: Option<Pictures>,
    /// What was known of each component; nothing where it is empty.
    pub known: &'a [Known],
    /// The fingerprint of the data.
    pub fingerprint: Option<&'a str>,
    /// The commands that make the fit again, as they are typed.
    pub commands: &'a [String],
}

impl<'a> AboutFit<'a> {
    /// Of data with this name, of whose rows and columns nothing is known.
    pub fn new(data: &'a str, options: &'a Options) -> Self {
        Self {
            data,
            options,
            subject: Subject::default(),
            features: None,
            samples: None,
            texts: None,
            pictures: None,
            known: &[],
            fingerprint: None,
            commands: &[],
        }
    }
}
