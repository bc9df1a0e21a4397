//! Words that are no terms.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::TextError;
use crate::corpus::utf8;

/// Words that are left out of the vocabulary. There are none by default, as in scikit-learn.
///
/// They are compared with tokens as they stand, after tokens were made lower case.
///
/// ```
/// use orthant_text::{StopWords, Vectorizer};
/// let stop_words = StopWords::new(["the", "on"]);
/// let fitted = Vectorizer { stop_words, ..Vectorizer::default() }.fit(&["The cat sat on the mat"])?;
/// assert_eq!(fitted.vocabulary().terms(), ["cat", "mat", "sat"]);
/// # Ok::<(), orthant_text::TextError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StopWords(BTreeSet<String>);

impl StopWords {
    /// The words given.
    pub fn new<S: Into<String>>(words: impl IntoIterator<Item = S>) -> Self {
        Self(words.into_iter().map(Into::into).collect())
    }

    /// The list of a language by its ISO 639-1 code: NLTK's, 198 words for English, or where it has none that of the collection
    /// Stopwords ISO, whose lists are longer. Give a list of your own where one of their words matters.
    ///
    /// ```
    /// use orthant_text::StopWords;
    /// assert!(StopWords::language("en")?.contains("the") && !StopWords::language("en")?.contains("computer"));
    /// assert!(StopWords::language("de")?.contains("und"));
    /// assert!(StopWords::language("tlh").unwrap_err().to_string().contains("\"tlh\""));
    /// # Ok::<(), orthant_text::TextError>(())
    /// ```
    ///
    /// # Errors
    /// [`TextError::UnknownLanguage`], with those that there are.
    pub fn language(code: &str) -> Result<Self, TextError> {
        let words = stop_words::lookup(code);
        words.map(|words| Self::new(words.iter().copied())).ok_or_else(|| TextError::UnknownLanguage {
            language: code.to_owned(),
            available: stop_words::available_languages(),
        })
    }

    /// A file with a word a line. White space around words and empty lines mean nothing.
    ///
    /// ```
    /// use orthant_text::StopWords;
    /// let dir = tempfile::tempdir()?;
    /// let path = dir.path().join("stop.txt");
    /// std::fs::write(&path, "the\n\nof \n")?;
    /// assert_eq!(StopWords::read(&path)?, StopWords::new(["of", "the"]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`TextError::Read`] and [`TextError::NotUtf8`].
    pub fn read(path: impl AsRef<Path>) -> Result<Self, TextError> {
        let path = path.as_ref();
        let text = utf8(fs::read(path).map_err(TextError::read(path))?, path)?;
        Ok(Self::new(text.lines().map(str::trim).filter(|word| !word.is_empty())))
    }

    /// These words, and those of another list.
    ///
    /// ```
    /// use orthant_text::StopWords;
    /// let both = StopWords::language("en")?.union(StopWords::new(["computer"]));
    /// assert!(both.contains("the") && both.contains("computer"));
    /// # Ok::<(), orthant_text::TextError>(())
    /// ```
    #[must_use]
    pub fn union(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// The words, ascending.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether it is one of them.
    pub fn contains(&self, word: &str) -> bool {
        self.0.contains(word)
    }
}
