//! From text to what may become a term: tokens without stop words, and n-grams of them.

use std::collections::HashSet;

use crate::{StopWords, TextError, Tokenizer};

/// The most tokens of an n-gram. The n-grams of a document take memory in proportion to it.
const MOST: usize = 10;

/// What scikit-learn calls an analyzer: `stop_words` and `ngram_range=(1, ngrams)` applied to tokens.
pub(crate) struct Analyzer<'a> {
    tokenizer: Tokenizer,
    stop_words: HashSet<&'a str>,
    ngrams: usize,
}

impl<'a> Analyzer<'a> {
    pub fn new(tokenizer: Tokenizer, stop_words: &'a StopWords, ngrams: usize) -> Self {
        Self { tokenizer, stop_words: stop_words.iter().collect(), ngrams }
    }

    /// Calls `visit` with every token that is no stop word, and with every n-gram of 2 to `ngrams` of these tokens, which are
    /// joined by blanks. An n-gram may span stop words, as it may in scikit-learn.
    pub fn each(&self, text: &str, mut visit: impl FnMut(&str)) {
        // the tokens so far, between blanks, and where each begins: an n-gram is a part of it
        let (mut joined, mut starts) = (String::new(), Vec::new());
        self.tokenizer.each(text, |token| {
            if self.stop_words.contains(token) {
                return;
            }
            visit(token);
            if self.ngrams > 1 {
                if !joined.is_empty() {
                    joined.push(' ');
                }
                starts.push(joined.len());
                joined.push_str(token);
                for n in 2..=self.ngrams.min(starts.len()) {
                    visit(&joined[starts[starts.len() - n]..]);
                }
            }
        });
    }
}

/// Refuses lengths of n-grams that are not possible.
pub(crate) fn check(ngrams: usize) -> Result<(), TextError> {
    match ngrams {
        1..=MOST => Ok(()),
        _ => Err(TextError::Option {
            option: "ngrams",
            value: ngrams.to_string(),
            allowed: "it is from 1 to 10",
        }),
    }
}
