//! JPEG files, whole ones only.
//!
//! The decoder takes zeros for bits that are missing at the end of a scan, so that a file whose data end too early would be read
//! without a word. Here a file must have the marker that ends an image, which one that was cut off has not. And it is decoded a second
//! time with other bits before that marker: if the data are whole, the decoder never comes to them; if the pixels differ, some
//! were made of what is not in the file.

use std::io::Cursor;

use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::{MOST_UNPACKED, Pixels, Samples, no_room, too_few};

/// What is put behind the data: neither the zeros that the decoder takes nor a marker.
const OTHER_BITS: [u8; 64] = [0x55; 64];

/// The marker that ends an image.
const END: [u8; 2] = [0xff, 0xd9];

/// Bytes that the decoder takes for a pixel, at most: the coefficients of four channels, of two bytes each, and the samples.
const MEMORY_OF_A_PIXEL: usize = 12;

pub(super) fn decode(bytes: &[u8]) -> Result<Pixels, String> {
    let end = end(bytes).ok_or("it is cut short: it has no end")?;
    let decoder = opened(&bytes[..end + END.len()])?;
    let (cols, rows) = decoder.dimensions().ok_or("it has no size")?;
    let (width, height) = (cols as u32, rows as u32);
    if rows.saturating_mul(cols) > bytes.len().saturating_mul(MOST_UNPACKED) {
        return Err(too_few(width, height, bytes));
    }
    // the decoder would abort the process
    let memory = rows.saturating_mul(cols).saturating_mul(MEMORY_OF_A_PIXEL);
    Vec::<u8>::new().try_reserve_exact(memory).map_err(|_| no_room(width, height))?;
    let channels = if decoder.input_colorspace() == Some(ColorSpace::Luma) { 1 } else { 3 };
    let samples = samples(decoder, channels)?;
    let longer = [&bytes[..end], &OTHER_BITS, &END].concat();
    let again = opened(&longer).and_then(|decoder| self::samples(decoder, channels));
    if again.is_ok_and(|again| again == samples) {
        Ok(Pixels { rows, cols, channels, samples: Samples::Eight(samples) })
    } else {
        Err("it is cut short: its data end before its last pixel".into())
    }
}

type Decoder<'a> = JpegDecoder<Cursor<&'a [u8]>>;

/// A decoder that has read all ahead of the data. What breaks the format's rules is an error.
fn opened(bytes: &[u8]) -> Result<Decoder<'_>, String> {
    let mut decoder = JpegDecoder::new_with_options(Cursor::new(bytes), options());
    decoder.decode_headers().map_err(|e| e.to_string())?;
    Ok(decoder)
}

fn options() -> DecoderOptions {
    let options = DecoderOptions::default().set_strict_mode(true);
    options.set_max_width(usize::MAX).set_max_height(usize::MAX)
}

fn samples(mut decoder: Decoder<'_>, channels: usize) -> Result<Vec<u8>, String> {
    let space = if channels == 1 { ColorSpace::Luma } else { ColorSpace::RGB };
    decoder.set_options(options().jpeg_set_out_colorspace(space));
    decoder.decode().map_err(|e| e.to_string())
}

/// Where the marker that ends the image is: behind a scan, whose data have no markers but restarts.
fn end(bytes: &[u8]) -> Option<usize> {
    let mut at = 2;
    loop {
        let marker = at + bytes.get(at..)?.iter().position(|&b| b == 0xff)?;
        let kind = *bytes.get(marker + 1)?;
        at = match kind {
            0xd9 => return Some(marker),
            // another 0xff before a marker
            0xff => marker + 1,
            // a byte of data, or a marker that stands alone
            0x00 | 0x01 | 0xd0..=0xd8 => marker + 2,
            _ => {
                let length = bytes.get(marker + 2..marker + 4)?;
                marker + 2 + usize::from(u16::from_be_bytes([length[0], length[1]]))
            }
        };
    }
}
