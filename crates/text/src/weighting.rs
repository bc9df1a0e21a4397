//! How counts become weights.

use serde::{Deserialize, Serialize};

/// What the weights of a document are divided by.
///
/// ```
/// use orthant_text::{Norm, Weighting};
/// let weighting = Weighting { norm: Some(Norm::L1), ..Weighting::default() };
/// assert!(weighting.use_idf);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Norm {
    /// Their sum.
    L1,
    /// The root of the sum of their squares.
    L2,
}

/// From counts to tf-idf weights. The default is that of scikit-learn's `TfidfVectorizer`.
///
/// In a document with term t c times, where df(t) of n documents of the fit have it,
///
/// ```text
/// weight = tf·idf / norm of the document's tf·idf
/// tf     = c                                   1 + ln c         with sublinear_tf
/// idf    = ln((1 + n) / (1 + df(t))) + 1       ln(n / df(t)) + 1   without smooth_idf       1   without use_idf
/// ```
///
/// reckoned in double precision, whatever the element type. None is negative.
///
/// ```
/// use orthant_text::{Vectorizer, Weighting};
/// let weighting = Weighting { norm: None, ..Weighting::default() };
/// let (fitted, tfidf) = Vectorizer { weighting, ..Vectorizer::default() }
///     .fit_transform::<f64, _>(&["pear pear plum", "pear apple"])?;
/// assert_eq!(fitted.vocabulary().terms(), ["apple", "pear", "plum"]);
/// let row: Vec<_> = tfidf.matrix.row(0).collect();
/// assert_eq!(row, [(1, 2.0), (2, (3.0_f64 / 2.0).ln() + 1.0)]);
/// # Ok::<(), orthant_text::TextError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Weighting {
    /// Whether terms that are in many documents weigh less; default `true`.
    pub use_idf: bool,
    /// Whether document frequencies are as if one more document had every term; default `true`.
    pub smooth_idf: bool,
    /// Whether counts enter by their logarithm; default `false`.
    pub sublinear_tf: bool,
    /// What a document's weights are divided by; default [`Norm::L2`].
    pub norm: Option<Norm>,
}

impl Default for Weighting {
    fn default() -> Self {
        Self { use_idf: true, smooth_idf: true, sublinear_tf: false, norm: Some(Norm::L2) }
    }
}

impl Weighting {
    /// The weighting that leaves counts as they are: scikit-learn's `CountVectorizer`.
    ///
    /// ```
    /// use orthant_text::{Vectorizer, Weighting};
    /// let vectorizer = Vectorizer { weighting: Weighting::counts(), ..Vectorizer::default() };
    /// let (_, counts) = vectorizer.fit_transform::<f32, _>(&["pear pear plum"])?;
    /// assert_eq!(counts.matrix.row(0).collect::<Vec<_>>(), [(0, 2.0), (1, 1.0)]);
    /// # Ok::<(), orthant_text::TextError>(())
    /// ```
    pub fn counts() -> Self {
        Self { use_idf: false, smooth_idf: false, sublinear_tf: false, norm: None }
    }

    /// The idf of a term that `with` of `all` documents have.
    pub(crate) fn idf(self, all: usize, with: usize) -> f64 {
        if !self.use_idf {
            return 1.0;
        }
        let more = if self.smooth_idf { 1.0 } else { 0.0 };
        ((all as f64 + more) / (with as f64 + more)).ln() + 1.0
    }

    /// Turns the counts of a document, by column, into weights.
    pub(crate) fn apply(self, row: &mut [(u32, f64)], idf: &[f64]) {
        for (j, x) in &mut *row {
            let tf = if self.sublinear_tf { x.ln() + 1.0 } else { *x };
            *x = tf * idf[*j as usize];
        }
        let norm = match self.norm {
            None => return,
            Some(Norm::L1) => row.iter().map(|(_, x)| x).sum::<f64>(),
            Some(Norm::L2) => row.iter().map(|(_, x)| x * x).sum::<f64>().sqrt(),
        };
        for (_, x) in row {
            *x /= norm;
        }
    }
}
