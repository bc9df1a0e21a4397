//! Names as they can be shown, how wide they are, and numbers in words.

use std::borrow::Cow;

/// Text without what XML does not allow and what would not be seen: control characters, marks of direction, and what is no
/// character become �.
pub fn clean(text: &str) -> Cow<'_, str> {
    if text.chars().any(is_hidden) {
        Cow::Owned(text.chars().map(|c| if is_hidden(c) { '\u{fffd}' } else { c }).collect())
    } else {
        Cow::Borrowed(text)
    }
}

fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

/// About how wide text is at a font size, rather too much than too little: no font is at hand that could be asked.
pub fn width(text: &str, size: f64) -> f64 {
    text.chars().map(|c| size * em(c)).sum()
}

fn em(c: char) -> f64 {
    match c {
        'i' | 'j' | 'l' | '.' | ',' | ':' | ';' | '\'' | '|' | ' ' | '(' | ')' | 'I' => 0.4,
        'W' | 'M' | 'm' | 'w' | '%' | '@' | '×' | '≥' | '−' | '…' => 1.0,
        '#' | '&' | '+' | '<' | '=' | '>' | '^' | '~' => 0.84,
        'A'..='Z' => 0.79,
        ' '..='\u{24f}' => 0.64,
        '\u{250}'..='\u{10ff}' => 0.8,
        _ => 1.1,
    }
}

/// The text, or as much of it as is no wider than `most`, with an ellipsis.
pub fn shortened(text: &str, size: f64, most: f64) -> Cow<'_, str> {
    let text = clean(text);
    if width(&text, size) <= most {
        return text;
    }
    let mut left = most - width("…", size);
    let fits = |c: &char| {
        left -= size * em(*c);
        left >= 0.0
    };
    let mut short: String = text.chars().take_while(fits).collect();
    short.truncate(short.trim_end().len());
    short.push('…');
    Cow::Owned(short)
}

/// The text, or so many characters of it with an ellipsis.
pub fn clipped(text: &str, most: usize) -> Cow<'_, str> {
    match text.char_indices().nth(most) {
        Some((end, _)) => Cow::Owned(text[..end].trim_end().to_owned() + "…"),
        None => Cow::Borrowed(text),
    }
}

/// Three significant digits.
pub fn number(x: f64) -> String {
    significant(x, 3)
}

/// So many significant digits, and a power of ten where there would be many zeros.
pub fn significant(x: f64, digits: i32) -> String {
    if x == 0.0 || !x.is_finite() {
        return if x == 0.0 { "0".to_owned() } else { "–".to_owned() };
    }
    let power = x.abs().log10().floor() as i32;
    if !(-4..9).contains(&power) {
        let decimals = (digits - 1).max(0) as usize;
        return format!("{x:.decimals$e}").replace('-', "−");
    }
    let decimals = (digits - 1 - power).max(0) as usize;
    let text = format!("{x:.decimals$}");
    let text = if decimals > 0 { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    text.replace('-', "−")
}

/// A share in per cent.
pub fn percent(x: f64) -> String {
    format!("{} %", number(100.0 * x))
}

/// A share with two decimals, so that the figures of a column line up, or as many digits as a small one needs.
pub fn aligned(share: f64) -> String {
    if share == 0.0 || share >= 1e-4 { format!("{:.2} %", 100.0 * share) } else { percent(share) }
}

/// A number of things, with their name.
pub fn count(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

/// Ranks in a list: `2..5, 7`.
pub fn list(ranks: &[usize]) -> String {
    let mut parts: Vec<(usize, usize)> = Vec::new();
    for &k in ranks {
        match parts.last_mut() {
            Some((_, last)) if *last + 1 == k => *last = k,
            _ => parts.push((k, k)),
        }
    }
    let text = |&(first, last): &(usize, usize)| match last - first {
        0 => first.to_string(),
        1 => format!("{first}, {last}"),
        _ => format!("{first} to {last}"),
    };
    parts.iter().map(text).collect::<Vec<_>>().join(", ")
}

/// With a capital letter at its beginning.
pub fn capital(text: &str) -> String {
    // but k = 3, which is a formula
    let mut letters = text.chars();
    match letters.next() {
        Some(first) if !text.starts_with("k = ") => first.to_uppercase().chain(letters).collect(),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_shortened_to_what_there_is_room_for() {
        assert_eq!(shortened("gene", 12.0, 100.0), "gene");
        let name = "a".repeat(60);
        let short = shortened(&name, 12.0, 100.0);
        assert!(short.ends_with("a…") && width(&short, 12.0) <= 100.0, "{short}");
        assert_eq!(shortened("a\u{1}\n\u{202e}b", 12.0, 100.0), "a\u{fffd}\u{fffd}\u{fffd}b");
        assert_eq!(shortened("wide", 12.0, 3.0), "…");
    }

    #[test]
    fn numbers() {
        let all = [0.0, 0.51234, 12.0, 1234.6, 0.000_012_3, 2.5e12, -0.25, 100.0, 0.9996];
        let found = all.map(number);
        assert_eq!(found, ["0", "0.512", "12", "1235", "1.23e−5", "2.50e12", "−0.25", "100", "1"]);
        assert_eq!(significant(123.456, 5), "123.46");
        assert_eq!(list(&[2, 3, 4, 7, 9, 10]), "2 to 4, 7, 9, 10");
    }
}
