//! The header of an npy file.

use std::io::Read;
use std::path::Path;

use crate::read::read_up_to;
use crate::{IoError, Order, Precision};

/// More than numpy itself reads without being told to.
const MAX_HEADER: usize = 1 << 16;

/// What the elements are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Bool,
    Int(u8),
    Uint(u8),
    Float(u8),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub kind: Kind,
    pub big_endian: bool,
    pub order: Order,
    pub shape: Vec<u64>,
    /// Bytes before the first element.
    pub offset: u64,
}

impl Header {
    /// Rows and columns.
    pub fn sides(&self, path: &Path) -> Result<(u64, u64), IoError> {
        match self.shape[..] {
            [rows, cols] => Ok((rows, cols)),
            _ => Err(IoError::NotAMatrix { path: path.to_owned(), shape: self.shape.clone() }),
        }
    }

    /// The same, as far as they can be counted.
    pub fn counts(&self, path: &Path) -> Result<(usize, usize), IoError> {
        let (rows, cols) = self.sides(path)?;
        match (usize::try_from(rows), usize::try_from(cols)) {
            (Ok(rows), Ok(cols)) => Ok((rows, cols)),
            _ => Err(self.too_large(path)),
        }
    }

    pub fn precision(&self) -> Precision {
        match self.kind {
            Kind::Float(2 | 4) => Precision::Float32,
            _ => Precision::Float64,
        }
    }

    /// The elements and the bytes of the file, where both can be counted.
    pub fn size(&self) -> Option<(usize, u64)> {
        let count =
            self.shape.iter().try_fold(1_usize, |n, &side| n.checked_mul(usize::try_from(side).ok()?))?;
        let bytes = count.checked_mul(self.width()).filter(|&bytes| bytes <= isize::MAX as usize)?;
        Some((count, self.offset.checked_add(bytes as u64)?))
    }

    /// Whether the elements take at most `most` bytes in memory, as `T`.
    pub fn fits<T>(&self, most: usize) -> bool {
        self.size().is_some_and(|(count, _)| count.saturating_mul(size_of::<T>()) <= most)
    }

    /// Refuses a shape that no matrix has, or that a file of `len` bytes cannot have.
    pub fn check(&self, len: Option<u64>, path: &Path) -> Result<(), IoError> {
        let (_, expected) = self.size().ok_or_else(|| self.too_large(path))?;
        match len {
            Some(found) if found < expected => {
                Err(IoError::Truncated { path: path.to_owned(), expected, found })
            }
            _ => Ok(()),
        }
    }

    pub fn too_large(&self, path: &Path) -> IoError {
        let side = |i: usize| self.shape.get(i).copied().unwrap_or(1);
        IoError::TooLarge { path: path.to_owned(), rows: side(0), cols: side(1) }
    }

    /// Bytes of an element.
    pub fn width(&self) -> usize {
        match self.kind {
            Kind::Bool => 1,
            Kind::Int(w) | Kind::Uint(w) | Kind::Float(w) => w.into(),
        }
    }
}

/// Reads from the start of the file up to the first element, which must be a real number.
pub(crate) fn read_header(input: &mut impl Read, len: Option<u64>, path: &Path) -> Result<Header, IoError> {
    let (raw, offset) = read_raw(input, len, path)?;
    let (kind, big_endian) = dtype(&raw.descr)
        .ok_or_else(|| IoError::UnsupportedDtype { path: path.to_owned(), dtype: raw.descr.clone() })?;
    let order = if raw.fortran_order { Order::ColMajor } else { Order::RowMajor };
    Ok(Header { kind, big_endian, order, shape: raw.shape, offset })
}

/// Reads from the start of the file up to the first element, whatever it is, and says where that is.
pub(crate) fn read_raw(input: &mut impl Read, len: Option<u64>, path: &Path) -> Result<(Raw, u64), IoError> {
    let mut fixed = [0_u8; 12];
    // magic, version and a two-byte length; version 2 has two bytes more
    take(input, &mut fixed[..10], 0, path)?;
    let (size, start) = match fixed[6] {
        1 => (usize::from(u16::from_le_bytes([fixed[8], fixed[9]])), 10),
        2 | 3 => {
            take(input, &mut fixed[10..], 10, path)?;
            (u32::from_le_bytes([fixed[8], fixed[9], fixed[10], fixed[11]]) as usize, 12)
        }
        v => return Err(corrupt(path, format!("version {v}.{} is not known", fixed[7]))),
    };
    let offset = (start + size) as u64;
    if let Some(found) = len.filter(|&len| len < offset) {
        return Err(IoError::Truncated { path: path.to_owned(), expected: offset, found });
    }
    if size > MAX_HEADER {
        return Err(corrupt(path, format!("a header of {size} bytes; at most {MAX_HEADER} are read")));
    }
    let mut text = vec![0; size];
    take(input, &mut text, start as u64, path)?;
    let raw = parse(&text).map_err(|reason| corrupt(path, format!("header: {reason}")))?;
    Ok((raw, offset))
}

fn corrupt(path: &Path, reason: String) -> IoError {
    IoError::Corrupt { path: path.to_owned(), format: "npy", reason }
}

fn take(input: &mut impl Read, into: &mut [u8], at: u64, path: &Path) -> Result<(), IoError> {
    let got = read_up_to(input, into).map_err(IoError::read(path))?;
    if got < into.len() {
        let expected = at + into.len() as u64;
        return Err(IoError::Truncated { path: path.to_owned(), expected, found: at + got as u64 });
    }
    Ok(())
}

/// `'<f8'` and the like.
fn dtype(descr: &str) -> Option<(Kind, bool)> {
    let (big, rest) = match descr.as_bytes().first()? {
        b'<' | b'|' => (false, &descr[1..]),
        b'=' => (cfg!(target_endian = "big"), &descr[1..]),
        b'>' => (true, &descr[1..]),
        _ => (cfg!(target_endian = "big"), descr),
    };
    let kind = match rest {
        "b1" | "?" => Kind::Bool,
        "i1" => Kind::Int(1),
        "i2" => Kind::Int(2),
        "i4" => Kind::Int(4),
        "i8" => Kind::Int(8),
        "u1" => Kind::Uint(1),
        "u2" => Kind::Uint(2),
        "u4" => Kind::Uint(4),
        "u8" => Kind::Uint(8),
        "f2" => Kind::Float(2),
        "f4" => Kind::Float(4),
        "f8" => Kind::Float(8),
        _ => return None,
    };
    Some((kind, big))
}

/// What a header says, in its own words.
#[derive(Debug)]
pub(crate) struct Raw {
    pub descr: String,
    fortran_order: bool,
    pub shape: Vec<u64>,
}

/// `{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }`, keys in any order.
fn parse(text: &[u8]) -> Result<Raw, String> {
    let mut lexer = Lexer { rest: text };
    let (mut descr, mut fortran_order, mut shape) = (None, None, None);
    lexer.expect(b'{')?;
    while !lexer.accept(b'}') {
        let key = lexer.string()?;
        lexer.expect(b':')?;
        match key.as_str() {
            "descr" => descr = Some(lexer.descr()?),
            "fortran_order" => fortran_order = Some(lexer.boolean()?),
            "shape" => shape = Some(lexer.tuple()?),
            _ => return Err(format!("the key '{key}' is not known")),
        }
        if !lexer.accept(b',') {
            lexer.expect(b'}')?;
            break;
        }
    }
    Ok(Raw {
        descr: descr.ok_or("'descr' is missing")?,
        fortran_order: fortran_order.ok_or("'fortran_order' is missing")?,
        shape: shape.ok_or("'shape' is missing")?,
    })
}

struct Lexer<'a> {
    rest: &'a [u8],
}

impl Lexer<'_> {
    fn peek(&mut self) -> Option<u8> {
        self.rest = self.rest.trim_ascii_start();
        self.rest.first().copied()
    }

    fn accept(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        if found {
            self.rest = &self.rest[1..];
        }
        found
    }

    fn expect(&mut self, byte: u8) -> Result<(), String> {
        if self.accept(byte) { Ok(()) } else { Err(format!("'{}' was expected", byte as char)) }
    }

    fn string(&mut self) -> Result<String, String> {
        let quote = self.peek().filter(|q| matches!(q, b'\'' | b'"')).ok_or("a quoted word was expected")?;
        let body = &self.rest[1..];
        let end = body.iter().position(|&b| b == quote).ok_or("a quoted word does not end")?;
        self.rest = &body[end + 1..];
        Ok(String::from_utf8_lossy(&body[..end]).into_owned())
    }

    /// A simple type is a word; a structured one is a list, kept as it is written up to its closing bracket.
    fn descr(&mut self) -> Result<String, String> {
        if self.peek() != Some(b'[') {
            return self.string();
        }
        let mut depth = 0;
        for (i, &b) in self.rest.iter().enumerate() {
            depth += i32::from(b == b'[') - i32::from(b == b']');
            if depth == 0 {
                let list = String::from_utf8_lossy(&self.rest[..=i]).into_owned();
                self.rest = &self.rest[i + 1..];
                return Ok(list);
            }
        }
        Err("a list does not end".into())
    }

    fn boolean(&mut self) -> Result<bool, String> {
        self.peek();
        for (word, value) in [(&b"True"[..], true), (b"False", false)] {
            if let Some(rest) = self.rest.strip_prefix(word) {
                self.rest = rest;
                return Ok(value);
            }
        }
        Err("True or False was expected".into())
    }

    fn tuple(&mut self) -> Result<Vec<u64>, String> {
        let mut shape = Vec::new();
        self.expect(b'(')?;
        while !self.accept(b')') {
            self.peek();
            let digits = self.rest.iter().take_while(|b| b.is_ascii_digit()).count();
            let (number, rest) = self.rest.split_at(digits);
            // Python 2 wrote long integers with an L
            self.rest = rest.strip_prefix(b"L").unwrap_or(rest);
            let number = str::from_utf8(number).ok().and_then(|n| n.parse().ok());
            shape.push(number.ok_or("a size in the shape is not a number of at most 64 bits")?);
            if !self.accept(b',') {
                self.expect(b')')?;
                break;
            }
        }
        Ok(shape)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_in_any_spelling() {
        let raw = parse(b"{'shape': (3, 4), 'fortran_order': True, \"descr\": \">i2\"}  \n").unwrap();
        assert_eq!((raw.descr.as_str(), raw.fortran_order, raw.shape), (">i2", true, vec![3, 4]));
        assert_eq!(parse(b"{'descr': '<f8', 'fortran_order': False, 'shape': (7L,), }").unwrap().shape, [7]);
        assert_eq!(parse(b"{'descr': '<f8', 'fortran_order': False, 'shape': (), }").unwrap().shape, [0; 0]);
        let list =
            parse(b"{'descr': [('a', '<f8'), ('b', '<i4', (2,))], 'fortran_order': False, 'shape': (1,)}");
        assert_eq!(list.unwrap().descr, "[('a', '<f8'), ('b', '<i4', (2,))]");
        for (text, reason) in [
            (&b""[..], "'{' was expected"),
            (b"{'descr': '<f8'}", "'fortran_order' is missing"),
            (b"{'descr': '<f8", "does not end"),
            (b"{'shape': (18446744073709551616, 2)}", "64 bits"),
            (b"{'shape': (-1, 2)}", "64 bits"),
            (b"{'shape': 3}", "'(' was expected"),
            (b"{'extra': 3}", "not known"),
            (b"{'descr': [[[[", "does not end"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(reason), "{error}");
        }
    }

    #[test]
    fn dtypes() {
        assert_eq!(dtype("<f8"), Some((Kind::Float(8), false)));
        assert_eq!(dtype(">u2"), Some((Kind::Uint(2), true)));
        assert_eq!(dtype("|b1"), Some((Kind::Bool, false)));
        for other in ["<c16", "|O", "<U5", "|S3", "<f16", "<M8[ns]", "", "\u{e9}8"] {
            assert_eq!(dtype(other), None, "{other}");
        }
    }
}
