//! From documents to the terms that have a column.

use std::cmp::Reverse;
use std::collections::HashMap;

use orthant::Real;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::analyzer::{self, Analyzer};
use crate::{DocumentTerms, Fitted, Frequency, Parts, StopWords, TextError, Tokenizer, Weighting};

/// What becomes a term, and what its counts become. The defaults are those of scikit-learn's `TfidfVectorizer`; with
/// [`Weighting::counts`], those of its `CountVectorizer`.
///
/// Documents are anything that is text: strings, or those of a [`Corpus`](crate::Corpus). They are read by the rayon pool
/// at hand; the result has the same bits on any number of threads.
///
/// ```
/// use orthant_text::{Frequency, Vectorizer};
/// let documents = ["red apples, green apples", "green pears", "red plums and pears"];
/// let vectorizer = Vectorizer { min_df: Frequency::Count(2), ..Vectorizer::default() };
/// let fitted = vectorizer.fit(&documents)?;
/// assert_eq!(fitted.vocabulary().terms(), ["green", "pears", "red"]);
/// assert_eq!(fitted.counts::<f32, _>(&["red pears, red plums"]).matrix.row(0).collect::<Vec<_>>(), [(1, 1.0), (2, 2.0)]);
/// # Ok::<(), orthant_text::TextError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Vectorizer {
    /// How text is cut.
    pub tokenizer: Tokenizer,
    /// Tokens that are no terms, and no part of n-grams; default none.
    pub stop_words: StopWords,
    /// The most tokens of a term, from 1 to 10; default 1. With 2, `red apples` is a term beside `red` and `apples`: this is
    /// scikit-learn's `ngram_range=(1, ngrams)`.
    pub ngrams: usize,
    /// The fewest documents that a term is in; default 1.
    pub min_df: Frequency,
    /// The most documents that a term is in; default all.
    pub max_df: Frequency,
    /// The most terms, if there is a limit: those are kept that are the most frequent in all documents together, of equally
    /// frequent ones the first. (scikit-learn leaves equal ones to an unstable sort, whose choice depends on the processor.)
    pub max_features: Option<usize>,
    /// What counts become.
    pub weighting: Weighting,
}

impl Default for Vectorizer {
    fn default() -> Self {
        Self {
            tokenizer: Tokenizer::default(),
            stop_words: StopWords::default(),
            ngrams: 1,
            min_df: Frequency::Count(1),
            max_df: Frequency::Share(1.0),
            max_features: None,
            weighting: Weighting::default(),
        }
    }
}

impl Vectorizer {
    /// Finds the terms and their document frequencies.
    ///
    /// Reads every document once. Memory: the distinct tokens and n-grams.
    ///
    /// # Errors
    /// [`TextError::Option`] and [`TextError::Limits`] for options, [`TextError::NoDocuments`],
    /// [`TextError::EmptyVocabulary`] for documents without a token, and [`TextError::NothingLeft`].
    pub fn fit<D: AsRef<str> + Sync>(&self, documents: &[D]) -> Result<Fitted, TextError> {
        self.check()?;
        let n = documents.len();
        if n == 0 {
            return Err(TextError::NoDocuments { paths: Vec::new(), skipped: 0 });
        }
        let (fewest, most) = (self.min_df.documents(n), self.max_df.documents(n));
        if most < fewest {
            return Err(TextError::Limits { min_df: self.min_df, max_df: self.max_df, documents: n });
        }
        let mut found: Vec<(String, Tally)> = self.tally(documents).into_iter().collect();
        if found.is_empty() {
            return Err(TextError::EmptyVocabulary);
        }
        let distinct = found.len();
        found.retain(|(_, tally)| (fewest..=most).contains(&(tally.documents as f64)));
        if found.is_empty() {
            return Err(TextError::NothingLeft { distinct, min_df: self.min_df, max_df: self.max_df });
        }
        if let Some(limit) = self.max_features.filter(|&limit| limit < found.len()) {
            found.select_nth_unstable_by(limit, |(a, x), (b, y)| {
                (Reverse(x.occurrences), a).cmp(&(Reverse(y.occurrences), b))
            });
            found.truncate(limit);
        }
        found.par_sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        let document_frequency: Vec<_> = found.iter().map(|(_, tally)| tally.documents).collect();
        let idf = document_frequency.iter().map(|&with| self.weighting.idf(n, with)).collect();
        Fitted::from_parts(Parts {
            terms: found.into_iter().map(|(term, _)| term).collect(),
            idf,
            document_frequency: Some(document_frequency),
            tokenizer: self.tokenizer,
            stop_words: self.stop_words.clone(),
            ngrams: self.ngrams,
            weighting: self.weighting,
        })
    }

    /// The fit, and the weights of the same documents.
    ///
    /// Reads every document twice, so that no tokens need be kept.
    ///
    /// # Errors
    /// As [`fit`](Self::fit).
    ///
    /// ```
    /// use orthant_text::Vectorizer;
    /// let (fitted, tfidf) = Vectorizer::default().fit_transform::<f32, _>(&["one two", "two three"])?;
    /// assert_eq!((tfidf.matrix.nrows(), tfidf.matrix.ncols()), (2, fitted.vocabulary().len()));
    /// # Ok::<(), orthant_text::TextError>(())
    /// ```
    pub fn fit_transform<T: Real, D: AsRef<str> + Sync>(
        &self,
        documents: &[D],
    ) -> Result<(Fitted, DocumentTerms<T>), TextError> {
        let fitted = self.fit(documents)?;
        let weights = fitted.tfidf(documents);
        Ok((fitted, weights))
    }

    fn check(&self) -> Result<(), TextError> {
        self.min_df.check("min_df")?;
        self.max_df.check("max_df")?;
        analyzer::check(self.ngrams)?;
        let at_least_1 = |option, value: usize| match value {
            0 => Err(TextError::Option { option, value: value.to_string(), allowed: "it is at least 1" }),
            _ => Ok(()),
        };
        at_least_1("max_features", self.max_features.unwrap_or(1))?;
        at_least_1("min_length", self.tokenizer.min_length)
    }

    /// Every distinct token and n-gram. Its numbers are sums of integers, whatever the threads.
    fn tally<D: AsRef<str> + Sync>(&self, documents: &[D]) -> HashMap<String, Tally> {
        let analyzer = Analyzer::new(self.tokenizer, &self.stop_words, self.ngrams);
        let each = documents.par_iter().enumerate().fold(HashMap::new, |mut found, (i, document)| {
            analyzer.each(document.as_ref(), |token| match found.get_mut(token) {
                None => {
                    found.insert(token.to_owned(), Tally { occurrences: 1, documents: 1, last: i });
                }
                Some(tally) => {
                    tally.occurrences += 1;
                    tally.documents += usize::from(tally.last != i);
                    tally.last = i;
                }
            });
            found
        });
        each.reduce(HashMap::new, |a, b| {
            let (mut large, small) = if a.len() < b.len() { (b, a) } else { (a, b) };
            for (token, tally) in small {
                let sum = large.entry(token).or_default();
                sum.occurrences += tally.occurrences;
                sum.documents += tally.documents;
            }
            large
        })
    }
}

/// How often a token was seen.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    occurrences: u64,
    documents: usize,
    /// The document it was last seen in.
    last: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENTS: [&str; 4] = ["aa bb cc aa", "aa bb", "aa dd ee", "ff, aa ff bb"];

    fn terms(vectorizer: Vectorizer) -> String {
        vectorizer.fit(&DOCUMENTS).unwrap().vocabulary().terms().join(" ")
    }

    fn limits(min_df: Frequency, max_df: Frequency) -> Vectorizer {
        Vectorizer { min_df, max_df, ..Vectorizer::default() }
    }

    #[test]
    fn document_frequencies_are_limited() {
        use Frequency::{Count, Share};
        // aa is in 4 documents, bb in 3, the others in 1
        for (min_df, max_df, expected) in [
            (Count(1), Share(1.0), "aa bb cc dd ee ff"),
            (Count(2), Share(1.0), "aa bb"),
            (Count(1), Count(1), "cc dd ee ff"),
            (Count(1), Count(3), "bb cc dd ee ff"),
            (Share(0.0), Share(0.75), "bb cc dd ee ff"),
            // 2.996 documents are fewer than 3, and more than 2
            (Share(0.0), Share(0.749), "cc dd ee ff"),
            (Share(0.25), Share(0.25), "cc dd ee ff"),
            (Share(0.251), Count(4), "aa bb"),
            (Share(0.75), Share(0.75), "bb"),
            (Share(0.751), Share(1.0), "aa"),
            (Share(1.0), Share(1.0), "aa"),
        ] {
            assert_eq!(terms(limits(min_df, max_df)), expected, "{min_df:?} {max_df:?}");
        }
        let fitted = Vectorizer::default().fit(&DOCUMENTS).unwrap();
        assert_eq!(fitted.document_frequency(), Some(&[4, 3, 1, 1, 1, 1][..]));
        assert_eq!(fitted.idf()[1], (5.0_f64 / 4.0).ln() + 1.0);
    }

    #[test]
    fn the_most_frequent_are_kept_and_of_equal_ones_the_first() {
        // aa 5, bb 3, ff 2, and one each of cc, dd, ee
        for (limit, expected) in [
            (1, "aa"),
            (2, "aa bb"),
            (3, "aa bb ff"),
            (4, "aa bb cc ff"),
            (5, "aa bb cc dd ff"),
            (6, "aa bb cc dd ee ff"),
            (7, "aa bb cc dd ee ff"),
        ] {
            let vectorizer = Vectorizer { max_features: Some(limit), ..Vectorizer::default() };
            assert_eq!(terms(vectorizer), expected, "{limit}");
        }
        // the limit is of those that the others leave
        let rare = limits(Frequency::Count(1), Frequency::Count(1));
        assert_eq!(terms(Vectorizer { max_features: Some(2), ..rare }), "cc ff");
    }

    #[test]
    fn stop_words_are_no_terms() {
        let stop_words = StopWords::new(["aa", "zz", "ff", "B"]);
        assert_eq!(terms(Vectorizer { stop_words, ..Vectorizer::default() }), "bb cc dd ee");
    }

    #[test]
    fn threads_change_nothing() {
        let documents: Vec<String> =
            (0..500).map(|i| (0..i % 37).map(|j| format!("t{} ", (i * j) % 91)).collect()).collect();
        let on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| Vectorizer::default().fit_transform::<f64, _>(&documents).unwrap())
        };
        let (fitted, tfidf) = on(1);
        let bits = |x: &DocumentTerms<f64>| -> Vec<(usize, u64)> {
            (0..500)
                .flat_map(|i| x.matrix.row(i).map(|(j, x)| (j, x.to_bits())).collect::<Vec<_>>())
                .collect()
        };
        for threads in [2, 3, 8] {
            let (other, weights) = on(threads);
            assert_eq!(other, fitted);
            assert_eq!(bits(&weights), bits(&tfidf));
        }
        assert_eq!(fitted.document_frequency().unwrap().iter().sum::<usize>(), tfidf.matrix.nnz());
    }

    #[test]
    fn wrong_options_are_refused() {
        use Frequency::{Count, Share};
        let message = |v: Vectorizer| v.fit(&DOCUMENTS).unwrap_err().to_string();
        let one = Count(1);
        for (vectorizer, expected) in [
            (limits(Count(0), one), "min_df cannot be 0: a number of documents is at least 1"),
            (limits(one, Count(0)), "max_df cannot be 0: a number of documents is at least 1"),
            (limits(Share(-0.1), one), "min_df cannot be -0.1: a share of documents is from 0.0 to 1.0"),
            (limits(one, Share(2.0)), "max_df cannot be 2.0: a share of documents is from 0.0 to 1.0"),
            (limits(one, Share(f64::NAN)), "max_df cannot be NaN: a share of documents is from 0.0 to 1.0"),
            (
                Vectorizer { max_features: Some(0), ..Vectorizer::default() },
                "max_features cannot be 0: it is at least 1",
            ),
            (
                Vectorizer {
                    tokenizer: Tokenizer { min_length: 0, ..Tokenizer::default() },
                    ..Vectorizer::default()
                },
                "min_length cannot be 0: it is at least 1",
            ),
            (Vectorizer { ngrams: 0, ..Vectorizer::default() }, "ngrams cannot be 0: it is from 1 to 10"),
            (Vectorizer { ngrams: 11, ..Vectorizer::default() }, "ngrams cannot be 11: it is from 1 to 10"),
        ] {
            assert_eq!(message(vectorizer), expected);
        }
        let error = limits(Count(3), Share(0.5)).fit(&DOCUMENTS).unwrap_err();
        assert!(matches!(error, TextError::Limits { documents: 4, .. }), "{error}");
        let error = limits(Share(0.3), Share(0.7)).fit(&DOCUMENTS).unwrap_err();
        assert!(matches!(error, TextError::NothingLeft { distinct: 6, .. }), "{error}");
        let error = Vectorizer::default().fit(&["a b", ""]).unwrap_err();
        assert!(matches!(error, TextError::EmptyVocabulary), "{error}");
        let stop_words = StopWords::new(["aa"]);
        let error = Vectorizer { stop_words, ..Vectorizer::default() }.fit(&["aa"]).unwrap_err();
        assert!(matches!(error, TextError::EmptyVocabulary), "{error}");
        let error = Vectorizer::default().fit::<&str>(&[]).unwrap_err();
        assert!(matches!(error, TextError::NoDocuments { .. }), "{error}");
    }
}
