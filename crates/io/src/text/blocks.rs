//! Text of any length, block after block.

use std::io::{self, BufRead, Read};

use encoding_rs_io::DecodeReaderBytes;
use memchr::{memchr, memchr2_iter};

/// Reads text as UTF-8, or as an encoding that has all of ASCII, with lines that end in `\n`.
pub(super) struct Blocks<'a> {
    input: Box<dyn Read + 'a>,
    /// What was read and not taken yet.
    pub buffer: Vec<u8>,
    /// Nothing follows the buffer.
    pub ended: bool,
    /// Lines end in a carriage return alone, as older programs for the Mac write them.
    old_mac: bool,
}

impl<'a> Blocks<'a> {
    pub fn new(mut input: Box<dyn BufRead + 'a>) -> io::Result<Self> {
        let mut buffer = Vec::new();
        input.by_ref().take(3).read_to_end(&mut buffer)?;
        let utf16 = buffer.starts_with(b"\xff\xfe") || buffer.starts_with(b"\xfe\xff");
        // a byte order mark is no part of the first field
        if buffer == b"\xef\xbb\xbf" {
            buffer.clear();
        }
        let input: Box<dyn Read + 'a> = if utf16 {
            let mark = io::Cursor::new(std::mem::take(&mut buffer));
            Box::new(DecodeReaderBytes::new(mark.chain(input)))
        } else {
            Box::new(input)
        };
        Ok(Self { input, buffer, ended: false, old_mac: false })
    }

    /// Reads the first bytes, until there are `bytes` of them and `lines` line ends, or there is no more.
    pub fn begin(&mut self, bytes: usize, lines: usize) -> io::Result<()> {
        loop {
            self.more(bytes)?;
            if self.ended || memchr2_iter(b'\n', b'\r', &self.buffer).count() >= lines {
                break;
            }
        }
        if memchr(b'\n', &self.buffer).is_none() && memchr(b'\r', &self.buffer).is_some() {
            self.old_mac = true;
            end_lines(&mut self.buffer);
        }
        Ok(())
    }

    /// Reads at least so many bytes more, and as many as there are where a record is longer.
    pub fn more(&mut self, bytes: usize) -> io::Result<()> {
        let bytes = bytes.max(self.buffer.len());
        self.buffer.try_reserve(bytes).map_err(|_| io::ErrorKind::OutOfMemory)?;
        let before = self.buffer.len();
        let got = self.input.by_ref().take(bytes as u64).read_to_end(&mut self.buffer)?;
        self.ended = got < bytes;
        if self.old_mac {
            end_lines(&mut self.buffer[before..]);
        }
        Ok(())
    }

    /// Takes the first bytes away.
    pub fn take(&mut self, bytes: usize) {
        self.buffer.drain(..bytes);
    }
}

fn end_lines(text: &mut [u8]) {
    text.iter_mut().filter(|b| **b == b'\r').for_each(|b| *b = b'\n');
}
