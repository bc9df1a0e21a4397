//! Texts in scripts that do not set words apart.

use rayon::prelude::*;
use unicode_script::{Script, UnicodeScript};

/// The share of the letters of all documents that are in runs of words with nothing between them: more than 6 letters of
/// Chinese or Japanese, or more than 12 of Thai, Lao, Khmer or Burmese. Texts in these scripts whose words are set apart by
/// blanks have few such runs. 0 if there are no letters.
///
/// ```
/// use orthant_text::unsegmented;
/// assert_eq!(unsegmented(&["我们喜欢北京的公园和天气"]), 1.0);
/// assert_eq!(unsegmented(&["我们 喜欢 北京 的 公园 和 天气", "parks and weather"]), 0.0);
/// ```
pub fn unsegmented<D: AsRef<str> + Sync>(documents: &[D]) -> f64 {
    let counts = documents.par_iter().map(|document| count(document.as_ref()));
    let (within, letters) = counts.reduce(|| (0, 0), |a, b| (a.0 + b.0, a.1 + b.1));
    if letters == 0 { 0.0 } else { within as f64 / letters as f64 }
}

/// Letters in such runs, and all letters.
fn count(text: &str) -> (usize, usize) {
    let (mut within, mut letters) = (0, 0);
    for piece in text.split_whitespace() {
        if piece.is_ascii() {
            letters += piece.bytes().filter(u8::is_ascii_alphabetic).count();
            continue;
        }
        let (mut run, mut longest) = (0, 0);
        let mut end = |run: usize, longest: usize| within += if run > longest { run } else { 0 };
        for c in piece.chars() {
            let letter = usize::from(c.is_alphabetic());
            letters += letter;
            match longest_word(c) {
                // marks of tone are part of the run, and no letters
                Some(limit) => (run, longest) = (run + letter, limit),
                None => {
                    end(run, longest);
                    run = 0;
                }
            }
        }
        end(run, longest);
    }
    (within, letters)
}

/// The letters that words in the character's script hardly ever exceed, if the script does not set words apart.
fn longest_word(c: char) -> Option<usize> {
    use Script::{Han, Hiragana, Katakana, Khmer, Lao, Myanmar, Thai};
    match c.script() {
        Han | Hiragana | Katakana => Some(6),
        Thai | Lao | Khmer | Myanmar => Some(12),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_by_hand() {
        for (texts, expected) in [
            (&[][..], 0.0),
            (&["", "1 2 3 。"], 0.0),
            (&["naïve words are set apart", "слова разделены пробелами", "한국어 텍스트도 그렇다"], 0.0),
            // seven letters are more than a word, six may be one
            (&["银行和股票市场"], 1.0),
            (&["股票市场银行"], 0.0),
            // punctuation ends a run: 7 of 7 + 3
            (&["银行和股票市场,天气好"], 0.7),
            (&["私たちは公園に行きます"], 1.0),
            (&["เราไปสวนสาธารณะวันนี้"], 1.0),
            (&["เรา ไป สวนสาธารณะ วันนี้"], 0.0),
            // 7 letters of 14
            (&["银行和股票市场", "markets"], 0.5),
        ] {
            assert_eq!(unsegmented(texts), expected, "{texts:?}");
        }
    }
}
