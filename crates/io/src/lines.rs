//! Lines of text, of which none can take more memory than there is.

use std::io::{self, BufRead, Read};

/// Bytes for which room is made at a time.
const PIECE: usize = 1 << 13;

/// Appends a line to `line`, its ending included, as [`BufRead::read_until`] does, and returns the bytes read: 0 at the end. A line
/// for which there is no memory is an error, and no abort.
pub(crate) fn read_line(input: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<usize> {
    let before = line.len();
    loop {
        line.try_reserve(PIECE).map_err(|_| io::ErrorKind::OutOfMemory)?;
        let got = input.by_ref().take(PIECE as u64).read_until(b'\n', line)?;
        if got < PIECE || line.ends_with(b"\n") {
            return Ok(line.len() - before);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_every_length_around_a_piece() {
        for length in [0, 1, PIECE - 2, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE - 1, 2 * PIECE] {
            for ended in [false, true] {
                let mut text = vec![b'x'; length];
                let rest = if ended { &b"\nnext"[..] } else { b"" };
                text.extend(rest);
                let (mut input, mut line) = (&text[..], b"before".to_vec());
                let got = read_line(&mut input, &mut line).unwrap();
                assert_eq!(got, length + usize::from(ended));
                assert_eq!(line.len(), 6 + got);
                assert_eq!(input, rest.strip_prefix(b"\n").unwrap_or(rest));
            }
        }
    }
}
