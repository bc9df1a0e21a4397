//! The report of a study or of a single fit: one page with words and figures.
//!
//! [`Report::of`] draws what a study found ([`Ranks`]): how many components there are, why, and which they are. [`Report::of_fit`] draws
//! a fit: how it went, what its components are, and what the samples are made of. The page is one file with its figures in it: it loads nothing, has
//! no script, is light or dark as the reader's system is, and goes on paper. The figures are also files of their own, in SVG.
//! Nothing in either depends on when, where, or on how many threads they were made.
//!
//! Colours are classes of style sheets, so that one drawing serves light, dark and paper; that is why shapes are written here and no
//! plotting library is used, which would write one colour into each.
//!
//! ```
//! use orthant::{Cancel, Dense};
//! use orthant_report::{About, Report};
//! use orthant_study::Study;
//! let v = Dense::from_fn(45, 18, |i, j| if i % 3 == j % 3 { (1 + (i * 7 + j * 3) % 5) as f64 } else { 0.0 });
//! let ranks = Study::new(2..=4).replicates(4).fit(&v)?;
//! let about = About { data: "v", features: None, commands: &[] };
//! let report = Report::of(&ranks, &v, None, &about, &Cancel::new())?;
//! assert!(report.html().contains("Recommended: k = 3"));
//! let dir = tempfile::tempdir()?;
//! report.write_into(dir.path())?;
//! assert!(dir.path().join("figures/ranks.svg").exists());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::path::{Path, PathBuf};

use orthant::{Cancel, EntryWeights, Fit, ToMatrix};
use orthant_io::{Scalar, Staged};
use orthant_study::{Ranks, StudyError};

mod axis;
mod contributions;
mod document;
mod figures;
mod fit;
mod heat;
mod markup;
mod plot;
mod raster;
mod study;
mod svg;
mod text;
mod theme;

pub use fit::about::{AboutFit, Known, Pictures, Subject};

/// What the report of a study calls things, which the study does not know.
#[derive(Clone, Copy, Debug)]
pub struct About<'a> {
    /// The name of the data.
    pub data: &'a str,
    /// The names of its columns; without these they are called by their numbers, from 0.
    pub features: Option<&'a [String]>,
    /// The commands that make the study again, as they are typed.
    pub commands: &'a [String],
}

/// A page, and its figures.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    html: String,
    figures: Vec<Figure>,
}

/// A figure of a report.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// The name of its file, without the ending.
    pub name: &'static str,
    /// The SVG, with classes for colours.
    svg: String,
}

impl Figure {
    /// It as a file of its own, with colours for light paper.
    pub fn standalone(&self) -> String {
        theme::standalone(&self.svg)
    }
}

impl Report {
    /// Draws the report of a study of `v`, whose entries are weighted as they were in it.
    ///
    /// The rank that is shown in detail is the recommended one, and else that of the largest mean silhouette. Its consensus is made
    /// ([`Ranks::consensus`]), which takes about as long as a fit.
    ///
    /// # Errors
    /// [`StudyError::Different`] for other data than was studied, [`StudyError::Io`], and
    /// [`Interrupted`](orthant::Error::Interrupted) once the flag is raised.
    pub fn of<T: Scalar>(
        ranks: &Ranks<T>,
        v: &impl ToMatrix<T>,
        weights: Option<&EntryWeights<T>>,
        about: &About<'_>,
        cancel: &Cancel,
    ) -> Result<Self, StudyError> {
        let content = study::gather::content(ranks, v, weights, about, cancel)?;
        Ok(study::report(&content))
    }

    /// Draws the report of a fit.
    ///
    /// Of many components the 60 largest are drawn, of many features those that weigh most. Features whose names are numbers that go up
    /// or down about evenly, such as wavelengths, are the places of a curve.
    pub fn of_fit<T: Scalar>(fit: &Fit<T>, about: &AboutFit<'_>) -> Self {
        fit::report(&fit::gather::content(fit, about))
    }

    /// Whether a text is the page of a fit, by how it begins.
    pub fn is_of_fit(html: &str) -> bool {
        let generator = format!("name=\"generator\" content=\"{}\"", fit::GENERATOR);
        let head = html.split("<title>").next().unwrap_or_default();
        html.starts_with("<!DOCTYPE html>") && head.contains(&generator)
    }

    /// The page.
    pub fn html(&self) -> &str {
        &self.html
    }

    /// The figures, in the order of the page.
    pub fn figures(&self) -> &[Figure] {
        &self.figures
    }

    /// Writes `figures/NAME.svg` and then `report.html` into a folder. Figures of an earlier report that this one does not have are
    /// removed.
    ///
    /// # Errors
    /// [`StudyError::Io`].
    pub fn write_into(&self, dir: impl AsRef<Path>) -> Result<Vec<PathBuf>, StudyError> {
        let dir = dir.as_ref();
        let mut figures = Staged::in_dir(dir.join("figures"))?;
        for name in figures::NAMES {
            figures.remove_if(&format!("{name}.svg"), |path| {
                std::fs::read(path).is_ok_and(|bytes| bytes.starts_with(b"<svg"))
            });
        }
        for figure in &self.figures {
            let text = figure.standalone();
            figures.file(&format!("{}.svg", figure.name), |out| out.write_all(text.as_bytes()))?;
        }
        let mut written = figures.commit()?;
        let mut page = Staged::in_dir(dir)?;
        page.file("report.html", |out| out.write_all(self.html.as_bytes()))?;
        written.extend(page.commit()?);
        Ok(written)
    }
}

#[cfg(test)]
mod tests;
