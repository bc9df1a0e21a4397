//! The terms that have a column.

use std::collections::HashMap;

use crate::TextError;

/// The terms, one for each column of the document-term matrix, in the order of their code points.
///
/// ```
/// use orthant_text::Vocabulary;
/// let vocabulary = Vocabulary::new(vec!["apple".into(), "pear".into()])?;
/// assert_eq!((vocabulary.len(), vocabulary.column("pear"), vocabulary.column("plum")), (2, Some(1), None));
/// assert_eq!(vocabulary.terms()[0], "apple");
/// # Ok::<(), orthant_text::TextError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Vocabulary {
    terms: Vec<String>,
    columns: HashMap<String, u32>,
}

impl Vocabulary {
    /// The terms given.
    ///
    /// # Errors
    /// [`TextError::EmptyVocabulary`] without a term; [`TextError::TermOrder`] for terms that do not ascend.
    pub fn new(terms: Vec<String>) -> Result<Self, TextError> {
        if terms.is_empty() {
            return Err(TextError::EmptyVocabulary);
        }
        if let Some(i) = (1..terms.len()).find(|&i| terms[i - 1] >= terms[i]) {
            let (before, term) = (terms[i - 1].clone(), terms[i].clone());
            return Err(TextError::TermOrder { column: i, before, term });
        }
        let columns = terms.iter().zip(0..).map(|(term, j)| (term.clone(), j)).collect();
        Ok(Self { terms, columns })
    }

    /// The terms, by column.
    pub fn terms(&self) -> &[String] {
        &self.terms
    }

    /// The terms, by column, without a copy.
    pub fn into_terms(self) -> Vec<String> {
        self.terms
    }

    /// Their number; never 0.
    #[expect(clippy::len_without_is_empty, reason = "it never is")]
    pub fn len(&self) -> usize {
        self.terms.len()
    }

    /// The column of a term.
    pub fn column(&self, term: &str) -> Option<usize> {
        self.columns.get(term).map(|&j| j as usize)
    }
}
