//! From text to tokens.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory};

/// How text is cut into tokens. The default is scikit-learn's: `lowercase=True`,
/// `token_pattern=r"(?u)\b\w\w+\b"`.
///
/// A token is a longest run of word characters, which are what Python's `\w` matches: the Unicode categories L
/// (letters) and N (digits, letter-like numbers, fractions, superscripts), and `_`. Combining marks are no word
/// characters: they separate, also where they stand for vowels, as in Devanagari.
///
/// Categories are those of Unicode 18, lower case is the compiler's (Rust 1.95: Unicode 17). Of the characters that
/// Python 3.11 knows (Unicode 14), all have the same tokens there, but that a Σ beside U+0295 or U+1171E may be final in
/// the one and not in the other. Newer characters are no word characters to Python 3.11, but may be to later ones, and here.
///
/// ```
/// use orthant_text::Tokenizer;
/// let mut tokens = Vec::new();
/// Tokenizer::default().each("Straße nach ΟΔΟΣ, 2 m² (x_1)", |t| tokens.push(t.to_owned()));
/// assert_eq!(tokens, ["straße", "nach", "οδος", "m²", "x_1"]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tokenizer {
    /// Whether text is made lower case first, by the full mapping of Unicode (`str.lower` of Python).
    pub lowercase: bool,
    /// Characters that a token has at least, from 1.
    pub min_length: usize,
    /// Whether numbers are tokens; default `true`, as in scikit-learn. A number is a run of digits of any script, which are
    /// what Python's `\d` matches: `2026` and `١٢`, but not `x2` or `1_000`.
    pub numbers: bool,
}

impl Default for Tokenizer {
    fn default() -> Self {
        Self { lowercase: true, min_length: 2, numbers: true }
    }
}

impl Tokenizer {
    /// Calls `visit` with every token of `text`, in order.
    pub fn each(&self, text: &str, mut visit: impl FnMut(&str)) {
        // the whole text and not each token: whether a sigma is final depends on what stands around it
        let text = if self.lowercase { Cow::Owned(text.to_lowercase()) } else { Cow::Borrowed(text) };
        for run in text.split(|c| !is_word(c)) {
            // no character is counted that does not matter
            if run.is_empty() || run.chars().take(self.min_length).count() < self.min_length {
                continue;
            }
            if self.numbers || !run.chars().all(is_digit) {
                visit(run);
            }
        }
    }
}

/// What Python's `\w` matches.
fn is_word(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphanumeric() || c == '_';
    }
    matches!(c.general_category_group(), GeneralCategoryGroup::Letter | GeneralCategoryGroup::Number)
}

/// What Python's `\d` matches.
fn is_digit(c: char) -> bool {
    c.general_category() == GeneralCategory::DecimalNumber
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(tokenizer: Tokenizer, text: &str) -> Vec<String> {
        let mut out = Vec::new();
        tokenizer.each(text, |token| out.push(token.to_owned()));
        out
    }

    #[test]
    fn texts_by_hand() {
        for (text, expected) in [
            ("", &[][..]),
            ("a b c", &[]),
            ("It's A1, isn't it?", &["it", "a1", "isn", "it"]),
            ("__init__ x_ _y", &["__init__", "x_", "_y"]),
            // a final sigma, alone and before a full stop, and one that is not final
            ("ΟΔΥΣΣΕΥΣ. ΣΑΣ", &["οδυσσευς", "σας"]),
            // İ is two characters in lower case, and its dot separates
            ("İSTANBUL DİYARBAKIR", &["stanbul", "di", "yarbakir"]),
            // vowel signs separate
            ("हिन्दी में कमल", &["कमल"]),
            ("中文分词 x²y ½ ⅷ١٢", &["中文分词", "x²y", "ⅷ١٢"]),
            ("naïve cafe\u{301}s", &["naïve", "cafe"]),
        ] {
            assert_eq!(tokens(Tokenizer::default(), text), expected, "{text:?}");
        }
    }

    #[test]
    fn options_do_what_they_say() {
        let text = "Der DER der d ÄÖ";
        let plain = Tokenizer { lowercase: false, ..Tokenizer::default() };
        assert_eq!(tokens(plain, text), ["Der", "DER", "der", "ÄÖ"]);
        let any = Tokenizer { min_length: 1, ..Tokenizer::default() };
        assert_eq!(tokens(any, text), ["der", "der", "der", "d", "äö"]);
        // characters, not bytes
        let three = Tokenizer { min_length: 3, ..Tokenizer::default() };
        assert_eq!(tokens(three, text), ["der", "der", "der"]);
    }
}
