//! From text to the sparse document-term matrix that a topic model factorises, with scikit-learn's numbers.
//!
//! | what | where | as scikit-learn's |
//! |---|---|---|
//! | documents from files, folders, tables and JSON lines | [`Corpus::read`], [`ReadOptions`], [`Column`] | |
//! | tokens | [`Tokenizer`] | `lowercase`, `token_pattern` |
//! | terms | [`Vectorizer`], [`StopWords`], [`Frequency`] → [`Fitted`], [`Vocabulary`] | `stop_words`, `ngram_range`, `min_df`, `max_df`, `max_features` |
//! | counts | [`Fitted::counts`] → [`DocumentTerms`] | `CountVectorizer` |
//! | tf-idf | [`Fitted::tfidf`], [`Weighting`], [`Norm`] | `TfidfVectorizer` |
//! | kept with a model | [`Parts`] | |
//! | what a topic is about, what a document is about | [`top_terms`], [`top_topics`] | |
//! | texts whose words nothing sets apart | [`unsegmented`] | |
//! | what can go wrong | [`TextError`] | |
//!
//! From documents to a [`Csr`](orthant::Csr):
//!
//! ```
//! use orthant_text::{Corpus, Fitted, Frequency, ReadOptions, Vectorizer};
//!
//! let dir = tempfile::tempdir()?;
//! for (name, text) in [
//!     ("a.txt", "Apples and pears are fruit; apples keep."),
//!     ("b.txt", "Pears and plums are fruit."),
//!     ("c.txt", "Trains are late, and trains are full."),
//! ] {
//!     std::fs::write(dir.path().join(name), text)?;
//! }
//! let corpus = Corpus::read(&[dir.path()], &ReadOptions::default())?;
//! let vectorizer = Vectorizer { max_df: Frequency::Share(0.9), ..Vectorizer::default() };
//! let (fitted, tfidf) = vectorizer.fit_transform::<f32, _>(&corpus.documents)?;
//!
//! let v: &orthant::Csr<'_, f32> = &tfidf.matrix;
//! assert_eq!((v.nrows(), v.ncols(), v.nnz()), (3, 8, 10)); // without "and" and "are", which are everywhere
//! assert_eq!(fitted.vocabulary().terms()[..3], ["apples", "fruit", "full"]);
//! assert!(tfidf.empty.is_empty());
//!
//! // kept with the model, for documents that come later
//! let saved: Fitted = serde_json::from_str(&serde_json::to_string(&fitted)?)?;
//! let new = saved.tfidf::<f32, _>(&["full trains", "aeroplanes"]);
//! assert_eq!(new.matrix.row(0).map(|(j, _)| &*saved.vocabulary().terms()[j]).collect::<Vec<_>>(), ["full", "trains"]);
//! assert_eq!(new.empty, [1]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub use corpus::{Column, Corpus, Document, ReadOptions, Skipped};
pub use error::TextError;
pub use fitted::{DocumentTerms, Fitted, Parts};
pub use frequency::{Frequency, NoFrequency};
pub use stop_words::StopWords;
pub use tokens::Tokenizer;
pub use topics::{top_terms, top_topics};
pub use unsegmented::unsegmented;
pub use vectorizer::Vectorizer;
pub use vocabulary::Vocabulary;
pub use weighting::{Norm, Weighting};

mod analyzer;
mod corpus;
mod error;
mod fitted;
mod frequency;
mod stop_words;
mod tokens;
mod topics;
mod unsegmented;
mod vectorizer;
mod vocabulary;
mod weighting;
