//! From documents to the rows of a document-term matrix.

use orthant::{Csr, Real};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::analyzer::{self, Analyzer};
use crate::{StopWords, TextError, Tokenizer, Vocabulary, Weighting};

/// Documents in rows, terms in columns.
///
/// ```
/// use orthant_text::Vectorizer;
/// let fitted = Vectorizer::default().fit(&["red apples", "green pears"])?;
/// let counts = fitted.counts::<f32, _>(&["red, red", "blue"]);
/// assert_eq!(counts.matrix.row(0).collect::<Vec<_>>(), [(3, 2.0)]);
/// assert_eq!(counts.empty, [1]);
/// # Ok::<(), orthant_text::TextError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct DocumentTerms<T: Real> {
    /// A row for each document and a column for each term.
    pub matrix: Csr<'static, T>,
    /// The documents that have no term of the vocabulary, by their rows, which are empty.
    pub empty: Vec<usize>,
}

/// All that a [`Fitted`] is made of, as data.
///
/// ```
/// use orthant_text::{Fitted, Parts, Vectorizer};
/// let fitted = Vectorizer::default().fit(&["red apples", "green pears"])?;
/// let json = serde_json::to_string(&Parts { document_frequency: None, ..fitted.into_parts() })?;
/// let saved = Fitted::from_parts(serde_json::from_str(&json)?)?;
/// assert_eq!(saved.tfidf::<f64, _>(&["red"]).matrix.row(0).collect::<Vec<_>>(), [(3, 1.0)]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Parts {
    /// The terms, in the order of their code points.
    pub terms: Vec<String>,
    /// A factor for each term, above 0; 1 without [`Weighting::use_idf`].
    pub idf: Vec<f64>,
    /// The documents of the fit that have each term, where that is still known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document_frequency: Option<Vec<usize>>,
    /// How text is cut.
    pub tokenizer: Tokenizer,
    /// Tokens that are no terms, and no part of n-grams.
    #[serde(default, skip_serializing_if = "StopWords::is_empty")]
    pub stop_words: StopWords,
    /// The most tokens of a term.
    #[serde(default = "one")]
    pub ngrams: usize,
    /// What counts become.
    pub weighting: Weighting,
}

/// Of models without n-grams.
fn one() -> usize {
    1
}

/// A vocabulary with what turns documents into rows: what [`Vectorizer::fit`](crate::Vectorizer::fit) finds, and what is
/// to be kept with a model that shall be given new documents. It is serialised as its [`Parts`], and checked when it is
/// read.
///
/// ```
/// use orthant_text::{Fitted, Vectorizer};
/// let fitted = Vectorizer::default().fit(&["red apples", "green pears", "red pears"])?;
/// assert_eq!(fitted.vocabulary().column("pears"), Some(2));
/// assert_eq!(fitted.document_frequency(), Some(&[1, 1, 2, 2][..]));
/// assert_eq!(fitted.idf()[2], (4.0_f64 / 3.0).ln() + 1.0);
/// let saved: Fitted = serde_json::from_str(&serde_json::to_string(&fitted)?)?;
/// assert_eq!(saved, fitted);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Parts", into = "Parts")]
pub struct Fitted {
    vocabulary: Vocabulary,
    idf: Vec<f64>,
    document_frequency: Option<Vec<usize>>,
    tokenizer: Tokenizer,
    stop_words: StopWords,
    ngrams: usize,
    weighting: Weighting,
}

impl Fitted {
    /// Made of its parts.
    ///
    /// # Errors
    /// As [`Vocabulary::new`]; [`TextError::Option`] for an impossible `ngrams`; [`TextError::PartLength`] for numbers that are not one for each term, and
    /// [`TextError::Idf`] for a factor that is not above 0 and finite.
    pub fn from_parts(parts: Parts) -> Result<Self, TextError> {
        let Parts { terms, idf, document_frequency, tokenizer, stop_words, ngrams, weighting } = parts;
        analyzer::check(ngrams)?;
        let vocabulary = Vocabulary::new(terms)?;
        let expected = vocabulary.len();
        for (part, found) in
            [("idf", Some(idf.len())), ("document_frequency", document_frequency.as_ref().map(Vec::len))]
        {
            if let Some(found) = found.filter(|&found| found != expected) {
                return Err(TextError::PartLength { part, expected, found });
            }
        }
        if let Some(column) = idf.iter().position(|&x| !(x > 0.0 && x.is_finite())) {
            let term = vocabulary.terms()[column].clone();
            return Err(TextError::Idf { column, term, value: idf[column] });
        }
        Ok(Self { vocabulary, idf, document_frequency, tokenizer, stop_words, ngrams, weighting })
    }

    /// Its parts.
    pub fn into_parts(self) -> Parts {
        let Self { vocabulary, idf, document_frequency, tokenizer, stop_words, ngrams, weighting } = self;
        let terms = vocabulary.into_terms();
        Parts { terms, idf, document_frequency, tokenizer, stop_words, ngrams, weighting }
    }

    /// The terms.
    pub fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// The factor of each term; 1 without [`Weighting::use_idf`].
    pub fn idf(&self) -> &[f64] {
        &self.idf
    }

    /// The documents of the fit that have each term; `None` if it was made of parts without them.
    pub fn document_frequency(&self) -> Option<&[usize]> {
        self.document_frequency.as_deref()
    }

    /// How text is cut.
    pub fn tokenizer(&self) -> Tokenizer {
        self.tokenizer
    }

    /// Tokens that are no terms, and no part of n-grams.
    pub fn stop_words(&self) -> &StopWords {
        &self.stop_words
    }

    /// The most tokens of a term.
    pub fn ngrams(&self) -> usize {
        self.ngrams
    }

    /// What counts become.
    pub fn weighting(&self) -> Weighting {
        self.weighting
    }

    /// How often each document has each term. Tokens that are no terms are left out. Counts above 2²⁴
    /// are rounded where elements are `f32`.
    ///
    /// Reads every document once, on the rayon pool at hand. Memory: the matrix twice over, for a while.
    pub fn counts<T: Real, D: AsRef<str> + Sync>(&self, documents: &[D]) -> DocumentTerms<T> {
        self.rows(documents, |_| {})
    }

    /// The weights of each document, by the fit's [`Weighting`]; reckoned in double precision, whatever `T`.
    ///
    /// Cost as [`counts`](Self::counts).
    pub fn tfidf<T: Real, D: AsRef<str> + Sync>(&self, documents: &[D]) -> DocumentTerms<T> {
        self.rows(documents, |row| self.weighting.apply(row, &self.idf))
    }

    fn rows<T: Real, D: AsRef<str> + Sync>(
        &self,
        documents: &[D],
        weigh: impl Fn(&mut [(u32, f64)]) + Sync,
    ) -> DocumentTerms<T> {
        let analyzer = Analyzer::new(self.tokenizer, &self.stop_words, self.ngrams);
        let row = |document: &D| -> Vec<(u32, T)> {
            let mut row = self.count(&analyzer, document.as_ref());
            weigh(&mut row);
            row.into_iter().map(|(j, x)| (j, T::from_f64(x))).collect()
        };
        let rows: Vec<_> = documents.par_iter().map(row).collect();
        let empty = (0..rows.len()).filter(|&i| rows[i].is_empty()).collect();
        let nnz = rows.iter().map(Vec::len).sum();
        let mut indptr = Vec::with_capacity(rows.len() + 1);
        let (mut indices, mut values) = (Vec::with_capacity(nnz), Vec::with_capacity(nnz));
        indptr.push(0);
        for row in rows {
            for (j, x) in row {
                indices.push(j);
                values.push(x);
            }
            indptr.push(indices.len());
        }
        let matrix = Csr::new(documents.len(), self.vocabulary.len(), indptr, indices, values);
        DocumentTerms { matrix: matrix.expect("rows ascend, within the columns"), empty }
    }

    /// How often a document has each term, by ascending column.
    fn count(&self, analyzer: &Analyzer<'_>, document: &str) -> Vec<(u32, f64)> {
        let mut columns = Vec::new();
        analyzer.each(document, |token| columns.extend(self.vocabulary.column(token)));
        columns.sort_unstable();
        columns.chunk_by(|a, b| a == b).map(|same| (same[0] as u32, same.len() as f64)).collect()
    }
}

impl TryFrom<Parts> for Fitted {
    type Error = TextError;

    fn try_from(parts: Parts) -> Result<Self, TextError> {
        Self::from_parts(parts)
    }
}

impl From<Fitted> for Parts {
    fn from(fitted: Fitted) -> Self {
        fitted.into_parts()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Norm, Vectorizer};

    const DOCUMENTS: [&str; 3] = ["aa bb aa aa", "bb", "a, cc bb"];

    fn rows(weighting: Weighting) -> Vec<Vec<(usize, f64)>> {
        let vectorizer = Vectorizer { weighting, ..Vectorizer::default() };
        let (_, tfidf) = vectorizer.fit_transform(&DOCUMENTS).unwrap();
        (0..3).map(|i| tfidf.matrix.row(i).collect()).collect()
    }

    #[test]
    fn weights_by_hand() {
        // aa and cc are in one document of three, bb in all
        let plain = Weighting { norm: None, ..Weighting::default() };
        let rare = 2.0_f64.ln() + 1.0;
        assert_eq!(rows(plain), [vec![(0, 3.0 * rare), (1, 1.0)], vec![(1, 1.0)], vec![(1, 1.0), (2, rare)]]);
        let rough = Weighting { smooth_idf: false, ..plain };
        let rare = 3.0_f64.ln() + 1.0;
        assert_eq!(rows(rough)[0], [(0, 3.0 * rare), (1, 1.0)]);
        let sublinear = Weighting { sublinear_tf: true, ..Weighting::counts() };
        assert_eq!(rows(sublinear)[0], [(0, 3.0_f64.ln() + 1.0), (1, 1.0)]);
        assert_eq!(rows(Weighting::counts())[0], [(0, 3.0), (1, 1.0)]);
        let l1 = Weighting { norm: Some(Norm::L1), ..Weighting::counts() };
        assert_eq!(rows(l1)[0], [(0, 0.75), (1, 0.25)]);
        let l2 = Weighting { norm: Some(Norm::L2), ..Weighting::counts() };
        assert_eq!(rows(l2)[0], [(0, 3.0 / 10.0_f64.sqrt()), (1, 1.0 / 10.0_f64.sqrt())]);
    }

    #[test]
    fn new_documents_are_counted_by_the_old_terms() {
        let fitted = Vectorizer::default().fit(&DOCUMENTS).unwrap();
        let new = ["zz", "CC aa cc zz", "", "bb bb"];
        let counts = fitted.counts::<f32, _>(&new);
        assert_eq!((counts.matrix.nrows(), counts.matrix.ncols(), &counts.empty[..]), (4, 3, &[0, 2][..]));
        assert_eq!(counts.matrix.row(1).collect::<Vec<_>>(), [(0, 1.0), (2, 2.0)]);
        let tfidf = fitted.tfidf::<f32, _>(&new);
        assert_eq!(tfidf.empty, [0, 2]);
        assert_eq!(tfidf.matrix.row(1).collect::<Vec<_>>(), [(0, 0.2_f32.sqrt()), (2, 0.8_f32.sqrt())]);
        assert_eq!(fitted.counts::<f64, &str>(&[]).matrix.nrows(), 0);
    }

    #[test]
    fn words_of_models_without_ngrams_are_read() {
        let old = r#"{"terms": ["aa", "bb"], "idf": [1.0, 1.0], "tokenizer": {"lowercase": true, "min_length": 2},
            "weighting": {"sublinear_tf": false, "use_idf": false, "smooth_idf": true, "norm": null}}"#;
        let fitted: Fitted = serde_json::from_str(old).unwrap();
        assert_eq!(
            (fitted.ngrams(), fitted.stop_words().is_empty(), fitted.tokenizer().numbers),
            (1, true, true)
        );
        assert_eq!(
            fitted.counts::<f32, _>(&["aa bb aa"]).matrix.row(0).collect::<Vec<_>>(),
            [(0, 2.0), (1, 1.0)]
        );
    }

    #[test]
    fn parts_that_do_not_fit_are_refused() {
        let parts = || Vectorizer::default().fit(&DOCUMENTS).unwrap().into_parts();
        let message = |parts| Fitted::from_parts(parts).unwrap_err().to_string();
        let terms = |terms: &[&str]| terms.iter().map(|&t| t.to_owned()).collect::<Vec<_>>();
        for (order, expected) in [
            (
                ["aa", "cc", "bb"],
                "term 2, \"bb\", does not come after \"cc\": terms ascend, and none is there twice",
            ),
            (
                ["aa", "aa", "cc"],
                "term 1, \"aa\", does not come after \"aa\": terms ascend, and none is there twice",
            ),
        ] {
            assert_eq!(message(Parts { terms: terms(&order), ..parts() }), expected);
        }
        let error = Fitted::from_parts(Parts { terms: vec![], ..parts() }).unwrap_err();
        assert!(matches!(error, TextError::EmptyVocabulary), "{error}");
        assert_eq!(message(Parts { idf: vec![1.0; 2], ..parts() }), "idf has 2 numbers for 3 terms");
        let document_frequency = Some(vec![1; 4]);
        assert_eq!(
            message(Parts { document_frequency, ..parts() }),
            "document_frequency has 4 numbers for 3 terms"
        );
        for (value, text) in [(-1.0, "-1"), (0.0, "0"), (f64::NAN, "NaN"), (f64::INFINITY, "inf")] {
            let expected = format!("the idf of term 1, \"bb\", is {text}: it must be above 0 and finite");
            assert_eq!(message(Parts { idf: vec![1.0, value, 1.0], ..parts() }), expected);
        }
        let json = serde_json::to_string(&parts()).unwrap();
        assert_eq!(serde_json::from_str::<Fitted>(&json).unwrap(), Fitted::from_parts(parts()).unwrap());
        assert_eq!(message(Parts { ngrams: 0, ..parts() }), "ngrams cannot be 0: it is from 1 to 10");
        let error = serde_json::from_str::<Fitted>(&json.replace("\"aa\"", "\"zz\"")).unwrap_err();
        assert!(error.to_string().contains("does not come after"), "{error}");
    }
}
