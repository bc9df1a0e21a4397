//! bzip2, xz and Zstandard.

use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::Path;

use ruzstd::decoding::{FrameDecoder, StreamingDecoder};

use crate::IoError;
use crate::format::Packing;

/// The most memory that unpacking may take, in kB: what `xz -9` needs, and as much again.
const XZ_MEMORY: u32 = 1 << 17;

pub(super) fn unpack<'a>(
    packing: Packing,
    input: Box<dyn BufRead + 'a>,
    path: &Path,
) -> Result<Box<dyn BufRead + 'a>, IoError> {
    Ok(match packing {
        Packing::Gzip => super::unpack(packing, input, path)?,
        Packing::Bzip2 => Box::new(BufReader::new(bzip2::bufread::MultiBzDecoder::new(input))),
        Packing::Xz => Box::new(BufReader::new(lzma_rust2::XzReader::new_mem_limit(input, true, XZ_MEMORY))),
        Packing::Zstd => Box::new(BufReader::new(Zstd { frame: None, rest: Some(input) })),
    })
}

/// Frame after frame of Zstandard.
struct Zstd<R: Read> {
    frame: Option<StreamingDecoder<Headed<R>, FrameDecoder>>,
    /// What follows the last frame.
    rest: Option<R>,
}

/// The first four bytes of a frame, and what follows.
type Headed<R> = io::Chain<Cursor<[u8; 4]>, R>;

impl<R: BufRead> Read for Zstd<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let invalid = |reason: String| io::Error::new(io::ErrorKind::InvalidData, reason);
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            if let Some(frame) = &mut self.frame {
                let got = frame.read(buffer)?;
                if got > 0 {
                    return Ok(got);
                }
                let (said, found) =
                    (frame.decoder.get_checksum_from_data(), frame.decoder.get_calculated_checksum());
                if said.zip(found).is_some_and(|(said, found)| said != found) {
                    return Err(invalid("the checksum of a Zstandard frame does not match".to_owned()));
                }
                self.rest = self.frame.take().map(|frame| frame.into_inner().into_inner().1);
            }
            let Some(rest) = &mut self.rest else { return Ok(0) };
            if rest.fill_buf()?.is_empty() {
                return Ok(0);
            }
            let mut magic = [0; 4];
            rest.read_exact(&mut magic)?;
            if let [0x50..=0x5f, 0x2a, 0x4d, 0x18] = magic {
                let mut length = [0; 4];
                rest.read_exact(&mut length)?;
                io::copy(&mut rest.take(u32::from_le_bytes(length).into()), &mut io::sink())?;
                continue;
            }
            let Some(rest) = self.rest.take() else { return Ok(0) };
            let frame = StreamingDecoder::new(Cursor::new(magic).chain(rest));
            self.frame = Some(frame.map_err(|error| invalid(error.to_string()))?);
        }
    }
}
