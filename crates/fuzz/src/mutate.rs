//! Damaged copies of files.
//!
//! Half of the changes are made without knowing what a file is: bits flipped, bytes set, numbers that are limits of their types put
//! in, ranges removed, repeated, cut off or taken from another file, numbers in text replaced, lines swapped. The other half is made
//! in a part of a file whose container is then put together anew with the right lengths and sums, so that it is opened:
//! an array in an archive, a chunk of a PNG file, what gzip packed, the header of an array or a model.

mod containers;

use containers::{Container, split};

use crate::numbers::Numbers;

/// The longest input.
const LONGEST: usize = 1 << 16;

/// Integers at which something changes.
const EDGES: [u64; 22] = [
    0,
    1,
    2,
    3,
    7,
    16,
    127,
    128,
    255,
    256,
    1000,
    32_767,
    65_535,
    65_536,
    1 << 24,
    i32::MAX as u64,
    u32::MAX as u64,
    1 << 32,
    1 << 53,
    i64::MAX as u64,
    1 << 63,
    u64::MAX,
];

/// Pieces of text that mean something to one reader or another.
const WORDS: &[&str] = &[
    "nan",
    "inf",
    "-inf",
    "1e999",
    "-1",
    "0",
    "-0",
    "1e-320",
    "0x1p3",
    "18446744073709551616",
    "9007199254740993",
    ",",
    ",,",
    "\t",
    "\n",
    "\r\n",
    "\n\n",
    "\"",
    "\"\"",
    "'",
    "#",
    "%",
    "%%",
    ";",
    " ",
    "{",
    "}",
    "[",
    "]",
    "[[[[[[[[",
    "(",
    ")",
    ":",
    "\u{feff}",
    "null",
    "true",
    "True",
    "False",
    "'descr'",
    "'shape'",
    "'<f8'",
    "'>u2'",
    "'|b1'",
    "coordinate",
    "array",
    "symmetric",
    "skew-symmetric",
    "pattern",
    "integer",
    "\"format\"",
    "\"shape\"",
    "\"data_offsets\"",
    "\"H\"",
    "F32",
    "F64",
    "\\u0000",
    "\u{130}",
];

/// One of the files, changed in one place or a few.
pub fn mutated(files: &[Vec<u8>], numbers: &mut Numbers) -> Vec<u8> {
    let mut bytes = files[numbers.below(files.len())].clone();
    let times = 1 << numbers.below(4);
    for _ in 0..times {
        let other = &files[numbers.below(files.len())];
        bytes = changed(bytes, other, numbers, 3);
    }
    bytes.truncate(LONGEST);
    bytes
}

/// `bytes` changed in one place, at most `depth` containers deep.
fn changed(bytes: Vec<u8>, other: &[u8], numbers: &mut Numbers, depth: usize) -> Vec<u8> {
    if depth == 0 || numbers.once_in(2) {
        return damaged(bytes, other, numbers);
    }
    match split(&bytes) {
        Some(mut container) if !container.parts.is_empty() => {
            change_part(&mut container, other, numbers, depth - 1);
            container.joined(numbers)
        }
        _ => damaged(bytes, other, numbers),
    }
}

fn change_part(container: &mut Container, other: &[u8], numbers: &mut Numbers, depth: usize) {
    let parts = &mut container.parts;
    let at = numbers.below(parts.len());
    match numbers.below(12) {
        0 => {
            parts.remove(at);
        }
        1 => {
            let copy = parts[at].clone();
            parts.insert(numbers.below(parts.len() + 1), copy);
        }
        2 => {
            let to = numbers.below(parts.len());
            parts.swap(at, to);
        }
        3 => {
            // the name or kind of a part
            let name = std::mem::take(&mut parts[at].0);
            parts[at].0 = damaged(name, other, numbers);
        }
        _ => {
            let part = std::mem::take(&mut parts[at].1);
            parts[at].1 = changed(part, other, numbers, depth);
        }
    }
}

/// A change without regard to what the bytes are.
fn damaged(mut bytes: Vec<u8>, other: &[u8], numbers: &mut Numbers) -> Vec<u8> {
    let at = numbers.below(bytes.len());
    let (start, end) = range(bytes.len(), numbers);
    match numbers.below(14) {
        0 | 1 if !bytes.is_empty() => bytes[at] ^= 1 << numbers.below(8),
        2 if !bytes.is_empty() => bytes[at] = numbers.draw() as u8,
        3 if !bytes.is_empty() => bytes[at] = numbers.of(&[0, 1, 0x7f, 0x80, 0xff, b'"', b'\n', b'9']),
        4 => bytes.truncate(at),
        5 => drop(bytes.drain(start..end)),
        6 => {
            let again = bytes[start..end].to_vec();
            let times = numbers.of(&[1, 1, 2, 20]);
            bytes.splice(end..end, again.repeat(times));
        }
        7 => {
            let (from, to) = range(other.len(), numbers);
            bytes.splice(start..end, other[from..to].iter().copied());
        }
        8 => {
            let n = numbers.of(&EDGES);
            let n = if numbers.once_in(3) { n.wrapping_neg() } else { n };
            let width = numbers.of(&[1, 2, 4, 8]);
            let little = n.to_le_bytes();
            let mut piece = little[..width].to_vec();
            if numbers.once_in(2) {
                piece.reverse();
            }
            let over = if numbers.once_in(4) { at } else { (at + width).min(bytes.len()) };
            bytes.splice(at..over, piece);
        }
        9 => {
            let word = numbers.of(WORDS).bytes();
            let over = if numbers.once_in(2) { at } else { end.max(at).min(at + 8) };
            bytes.splice(at..over.min(bytes.len()), word);
        }
        10 | 11 => other_number(&mut bytes, numbers),
        12 => swap_lines(&mut bytes, numbers),
        _ => {
            let fill = numbers.of(&[0, 0xff, b' ', b'0', b'1']);
            bytes[start..end].fill(fill);
        }
    }
    bytes
}

/// A range, mostly a short one.
fn range(length: usize, numbers: &mut Numbers) -> (usize, usize) {
    let start = numbers.below(length + 1);
    let longest = numbers.of(&[4, 16, 64, length]);
    (start, (start + numbers.below(longest + 1)).min(length))
}

/// Replaces a number that is written in digits.
fn other_number(bytes: &mut Vec<u8>, numbers: &mut Numbers) {
    let from = numbers.below(bytes.len());
    let Some(start) = (from..bytes.len()).find(|&i| bytes[i].is_ascii_digit()) else { return };
    let end = (start..bytes.len()).find(|&i| !bytes[i].is_ascii_digit()).unwrap_or(bytes.len());
    let text = match numbers.below(4) {
        0 => numbers.below(12).to_string(),
        1 => numbers.of(&EDGES).to_string(),
        2 => (numbers.draw() >> numbers.below(64)).to_string(),
        _ => numbers.of(&["1e400", "-1", "0.5", "00", "+3", "1_0", "99999999999999999999999"]).to_owned(),
    };
    bytes.splice(start..end, text.bytes());
}

/// Swaps two lines, or repeats or removes one.
fn swap_lines(bytes: &mut Vec<u8>, numbers: &mut Numbers) {
    let mut lines: Vec<Vec<u8>> = bytes.split_inclusive(|&b| b == b'\n').map(<[u8]>::to_vec).collect();
    let (a, b) = (numbers.below(lines.len()), numbers.below(lines.len()));
    match numbers.below(3) {
        _ if lines.len() < 2 => return,
        0 => lines.swap(a, b),
        1 => lines.insert(a, lines[b].clone()),
        _ => drop(lines.remove(a)),
    }
    *bytes = lines.concat();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_follows_from_its_number() {
        let files = [b"1,2\n3,4\n".to_vec(), (0..200).collect()];
        let all = |seed| (0..500).map(|n| mutated(&files, &mut Numbers::new(seed, n))).collect::<Vec<_>>();
        assert_eq!(all(1), all(1));
        assert_ne!(all(1), all(2));
        let distinct: std::collections::BTreeSet<_> = all(1).into_iter().collect();
        assert!(distinct.len() > 400, "{}", distinct.len());
    }

    #[test]
    fn what_is_empty_is_changed_without_a_panic() {
        for n in 0..500 {
            mutated(&[vec![]], &mut Numbers::new(3, n));
        }
    }
}
