//! Files that hold others, taken apart and put together.

use std::io::{Read, Write};

use flate2::Crc;
use flate2::read::{DeflateDecoder, MultiGzDecoder};
use flate2::write::{DeflateEncoder, GzEncoder};

use crate::numbers::Numbers;

/// The most that is unpacked of a part.
const MOST: u64 = 1 << 20;

/// The parts of a file, each with its name.
pub struct Container {
    kind: Kind,
    /// Names and contents.
    pub parts: Vec<(Vec<u8>, Vec<u8>)>,
}

enum Kind {
    Zip,
    Gzip,
    Png,
    /// An npy file: all before the length of the header, the header, the elements.
    Npy,
    /// A model: a header of JSON, and tensors.
    SafeTensors,
}

/// Takes a file apart, if it is one of these and can be.
pub fn split(bytes: &[u8]) -> Option<Container> {
    let (kind, parts) = match bytes {
        [b'P', b'K', 3, 4, ..] => (Kind::Zip, zip(bytes)?),
        [0x1f, 0x8b, ..] => {
            let mut content = Vec::new();
            MultiGzDecoder::new(bytes).take(MOST).read_to_end(&mut content).ok()?;
            (Kind::Gzip, vec![(vec![], content)])
        }
        [0x89, b'P', b'N', b'G', ..] => (Kind::Png, png(bytes)),
        [0x93, b'N', b'U', b'M', b'P', b'Y', 1, _, a, b, rest @ ..] => {
            let length = usize::from(u16::from_le_bytes([*a, *b])).min(rest.len());
            let (header, body) = rest.split_at(length);
            let part = |x: &[u8]| (vec![], x.to_vec());
            (Kind::Npy, vec![part(header), part(body)])
        }
        _ => {
            let (length, rest) = bytes.split_first_chunk::<8>()?;
            let length = usize::try_from(u64::from_le_bytes(*length)).ok().filter(|&n| n <= rest.len())?;
            let (header, body) = rest.split_at(length);
            let is_json = header.first() == Some(&b'{');
            is_json.then(|| (Kind::SafeTensors, vec![(vec![], header.to_vec()), (vec![], body.to_vec())]))?
        }
    };
    Some(Container { kind, parts })
}

impl Container {
    /// Puts the parts together, with lengths and sums that are right.
    pub fn joined(&self, numbers: &mut Numbers) -> Vec<u8> {
        let mut out = Vec::new();
        match self.kind {
            Kind::Zip => return zipped(&self.parts, numbers),
            Kind::Gzip => {
                for (_, content) in &self.parts {
                    let mut packer = GzEncoder::new(Vec::new(), flate2::Compression::fast());
                    packer.write_all(content).expect("memory takes it");
                    out.extend(packer.finish().expect("memory takes it"));
                }
            }
            Kind::Png => {
                out.extend(b"\x89PNG\r\n\x1a\n");
                for (kind, data) in &self.parts {
                    out.extend((data.len() as u32).to_be_bytes());
                    out.extend(kind);
                    out.extend(data);
                    out.extend(sum(&[kind.as_slice(), data].concat()).to_be_bytes());
                }
            }
            Kind::Npy => {
                let header = self.parts.first().map_or(&[][..], |part| &part.1);
                out.extend(b"\x93NUMPY\x01\x00");
                out.extend((header.len() as u16).to_le_bytes());
                self.parts.iter().for_each(|part| out.extend(&part.1));
            }
            Kind::SafeTensors => {
                let header = self.parts.first().map_or(0, |part| part.1.len());
                out.extend((header as u64).to_le_bytes());
                self.parts.iter().for_each(|part| out.extend(&part.1));
            }
        }
        out
    }
}

fn sum(bytes: &[u8]) -> u32 {
    let mut sum = Crc::new();
    sum.update(bytes);
    sum.sum()
}

/// The chunks of a PNG file as far as they are whole, what is packed in them unpacked no further.
fn png(bytes: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let (mut parts, mut rest) = (Vec::new(), bytes.get(8..).unwrap_or_default());
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        let length = u32::from_be_bytes(*length) as usize;
        let Some(chunk) = after.get(..4 + length) else { break };
        parts.push((chunk[..4].to_vec(), chunk[4..].to_vec()));
        rest = after.get(8 + length..).unwrap_or_default();
    }
    parts
}

/// The members of an archive, by its directory.
fn zip(bytes: &[u8]) -> Option<Vec<(Vec<u8>, Vec<u8>)>> {
    let short = |at: usize| Some(usize::from(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?)));
    let long = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?) as usize);
    let end = bytes.windows(4).rposition(|at| at == b"PK\x05\x06")?;
    let (count, mut at) = (short(end + 10)?, long(end + 16)?);
    let mut parts = Vec::new();
    for _ in 0..count {
        let (method, packed) = (short(at + 10)?, long(at + 20)?);
        let (name, extra, comment) = (short(at + 28)?, short(at + 30)?, short(at + 32)?);
        let local = long(at + 42)?;
        let start = local + 30 + short(local + 26)? + short(local + 28)?;
        let data = bytes.get(start..start.checked_add(packed)?)?;
        let mut content = Vec::new();
        match method {
            0 => content.extend(data),
            _ => drop(DeflateDecoder::new(data).take(MOST).read_to_end(&mut content)),
        }
        parts.push((bytes.get(at + 46..at + 46 + name)?.to_vec(), content));
        at += 46 + name + extra + comment;
    }
    Some(parts)
}

/// An archive of members, packed or not.
fn zipped(parts: &[(Vec<u8>, Vec<u8>)], numbers: &mut Numbers) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    let method: u16 = if numbers.once_in(2) { 0 } else { 8 };
    for (name, content) in parts {
        let data = if method == 0 {
            content.clone()
        } else {
            let mut packer = DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
            packer.write_all(content).expect("memory takes it");
            packer.finish().expect("memory takes it")
        };
        // what both headers say: the versions, flags and time, then sum, lengths and the length of the name
        let mut common = [20_u16, 0, method, 0, 0x21].map(u16::to_le_bytes).concat();
        common.extend(sum(content).to_le_bytes());
        common.extend((data.len() as u32).to_le_bytes());
        common.extend((content.len() as u32).to_le_bytes());
        common.extend((name.len() as u16).to_le_bytes());
        common.extend([0, 0]);
        directory.extend(b"PK\x01\x02\x14\x00");
        directory.extend(&common);
        directory.extend([0; 10]);
        directory.extend((out.len() as u32).to_le_bytes());
        directory.extend(name);
        out.extend(b"PK\x03\x04");
        out.extend(&common);
        out.extend(name);
        out.extend(data);
    }
    let (start, count) = (out.len() as u32, (parts.len() as u16).to_le_bytes());
    out.extend(&directory);
    out.extend(b"PK\x05\x06\x00\x00\x00\x00");
    out.extend(count);
    out.extend(count);
    out.extend((directory.len() as u32).to_le_bytes());
    out.extend(start.to_le_bytes());
    out.extend([0, 0]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_together_is_read_again() {
        use orthant_io::{ReadOptions, Source};
        let read = |name: &str, bytes: &[u8]| {
            Source::from_reader(name, bytes, None, &ReadOptions::default()).and_then(|s| s.read_any::<f64>())
        };
        let mut numbers = Numbers::new(1, 1);
        for name in ["f8.npy", "colour_8.png", "savetxt.csv.gz", "sparse/csr.npz", "sparse/stored.npz"] {
            let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../io/tests/data/").to_owned() + name;
            let bytes = std::fs::read(path).unwrap();
            let container = split(&bytes).unwrap();
            let again = container.joined(&mut numbers);
            assert_eq!(split(&again).unwrap().parts, container.parts, "{name}");
            assert_eq!(read(name, &again).unwrap(), read(name, &bytes).unwrap(), "{name}");
        }
    }
}
