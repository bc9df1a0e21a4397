//! Images as matrices of grey levels.

mod folder;
mod jpeg;

use std::io::{Cursor, Read, Write};
use std::path::Path;

use orthant::View;

use crate::{IoError, Order, Remark, Scalar, Table};

pub(crate) use folder::Folder;

/// The most bytes of rows that a byte of a PNG file can unpack to, and the most pixels that a byte of a JPEG file can
/// stand for. A larger image than that is not in the file, and no memory is taken for it.
const MOST_UNPACKED: usize = 1032;

/// Shares of red, green and blue in the luma: those that follow from the primaries of Rec. 709 and the white D65,
/// rounded there to 0.2126, 0.7152 and 0.0722.
const LUMA: [f32; 3] = [0.212_647_81, 0.715_179_15, 0.072_173_04];

/// Pixels by rows, several channels each.
struct Pixels {
    rows: usize,
    cols: usize,
    /// Grey, grey and alpha, red, green and blue, or these and alpha: 1 to 4.
    channels: usize,
    samples: Samples,
}

enum Samples {
    Eight(Vec<u8>),
    /// Two bytes each, the higher one first.
    Sixteen(Vec<u8>),
}

/// An image as its grey levels, or those of its channels: 0 to 255, or 0 to 65535 where the file has 16 bits a channel.
struct Levels<T> {
    rows: usize,
    cols: usize,
    /// By rows; one channel after the other.
    levels: Vec<T>,
    bits: usize,
    /// Whether a pixel has a colour other than grey, and colour is not kept.
    coloured: bool,
}

impl<T> Levels<T> {
    /// Width, height and bits, for messages.
    fn size(&self) -> String {
        let Self { rows, cols, bits, .. } = self;
        format!("{cols}×{rows} pixels of {bits} bits")
    }
}

/// Reads an image as its grey levels, or as its channels side by side.
pub(crate) fn read<T: Scalar>(input: impl Read, channels: bool, path: &Path) -> Result<Table<T>, IoError> {
    let Levels { rows, cols, mut levels, coloured, .. } = levels_of(input, channels, path)?;
    if channels {
        let mut beside = Vec::new();
        beside.try_reserve_exact(levels.len()).map_err(|_| too_large(rows, cols, path))?;
        for i in 0..rows {
            for channel in levels.chunks_exact((rows * cols).max(1)) {
                beside.extend_from_slice(&channel[i * cols..][..cols]);
            }
        }
        levels = beside;
    }
    let cols = levels.len() / rows.max(1);
    let mut table =
        Table::new(levels, rows, cols, Order::RowMajor).expect("an image has rows times columns pixels");
    table.remarks.extend(coloured.then_some(Remark::Colour));
    Ok(table)
}

/// Decodes an image. Colours become their luma (Rec. 709) or, of three channels, stay; transparency is left out.
fn levels_of<T: Scalar>(mut input: impl Read, three: bool, path: &Path) -> Result<Levels<T>, IoError> {
    let mut bytes = Vec::new();
    input.read_to_end(&mut bytes).map_err(IoError::read(path))?;
    let decoded = if bytes.starts_with(b"\x89PNG") { png(&bytes) } else { jpeg::decode(&bytes) };
    let image =
        decoded.map_err(|reason| IoError::Corrupt { path: path.to_owned(), format: "image", reason })?;
    let Pixels { rows, cols, channels, .. } = image;
    let (levels, bits, coloured) = match &image.samples {
        Samples::Eight(samples) => {
            let level = |&x: &u8| x.into();
            let levels = if three {
                planes(samples, channels, level)
            } else {
                grey(samples, channels, u8::MAX.into(), level)
            };
            (levels, 8, has_colour(samples, channels))
        }
        Samples::Sixteen(samples) => {
            let (pairs, _) = samples.as_chunks::<2>();
            let level = |&x: &[u8; 2]| u16::from_be_bytes(x).into();
            let levels = if three {
                planes(pairs, channels, level)
            } else {
                grey(pairs, channels, u16::MAX.into(), level)
            };
            (levels, 16, has_colour(pairs, channels))
        }
    };
    let levels = levels.ok_or_else(|| too_large(rows, cols, path))?;
    Ok(Levels { rows, cols, levels, bits, coloured: coloured && !three })
}

fn too_large(rows: usize, cols: usize, path: &Path) -> IoError {
    IoError::TooLarge { path: path.to_owned(), rows: rows as u64, cols: cols as u64 }
}

/// The levels of red, then those of green, then those of blue; `None` if there is no memory for them.
fn planes<T: Scalar, S>(samples: &[S], channels: usize, level: impl Fn(&S) -> f32) -> Option<Vec<T>> {
    let mut out = Vec::new();
    out.try_reserve_exact((samples.len() / channels).checked_mul(3)?).ok()?;
    for channel in 0..3 {
        let at = if channels < 3 { 0 } else { channel };
        out.extend(samples.chunks_exact(channels).map(|pixel| T::from_f64(level(&pixel[at]).into())));
    }
    Some(out)
}

/// Whether red, green and blue differ somewhere.
fn has_colour<S: PartialEq>(samples: &[S], channels: usize) -> bool {
    channels >= 3 && samples.chunks_exact(channels).any(|rgb| rgb[0] != rgb[1] || rgb[1] != rgb[2])
}

/// The grey level of each pixel, from 0 to `most`; nothing if there is no room for them.
fn grey<T: Scalar, S>(
    samples: &[S],
    channels: usize,
    most: f32,
    level: impl Fn(&S) -> f32,
) -> Option<Vec<T>> {
    let pixels = samples.chunks_exact(channels);
    let mut out = Vec::new();
    out.try_reserve_exact(pixels.len()).ok()?;
    if channels < 3 {
        out.extend(pixels.map(|pixel| T::from_f64(level(&pixel[0]).into())));
        return Some(out);
    }
    let unit = 1.0 / most;
    let share = |sample: &S, weight: f32| level(sample) * unit * weight;
    out.extend(pixels.map(|pixel| {
        let luma = share(&pixel[0], LUMA[0]) + share(&pixel[1], LUMA[1]) + share(&pixel[2], LUMA[2]);
        T::from_f64((luma * most).round().into())
    }));
    Some(out)
}

fn png(bytes: &[u8]) -> Result<Pixels, String> {
    let mut decoder = png::Decoder::new(Cursor::new(bytes));
    // 1, 2 and 4 bits become 8, and palettes their colours
    decoder.set_transformations(png::Transformations::EXPAND);
    let header = decoder.read_header_info().map_err(|e| e.to_string())?;
    let (width, height) = header.size();
    // a row is whole bytes, and one more for its filter
    let row = 1 + (u128::from(width) * header.bits_per_pixel() as u128).div_ceil(8);
    if row * u128::from(height) > bytes.len().saturating_mul(MOST_UNPACKED) as u128 {
        return Err(too_few(width, height, bytes));
    }
    let mut reader = decoder.read_info().map_err(|e| e.to_string())?;
    // the decoder would panic
    if reader.info().palette.as_ref().is_some_and(|colours| colours.len() % 3 != 0 || colours.len() > 3 * 256)
    {
        return Err("its palette is not of at most 256 colours of three bytes".into());
    }
    let length = reader.output_buffer_size().ok_or_else(|| too_few(width, height, bytes))?;
    let mut samples = Vec::new();
    samples.try_reserve_exact(length).map_err(|_| no_room(width, height))?;
    samples.resize(length, 0);
    reader.next_frame(&mut samples).map_err(|e| e.to_string())?;
    let (colour, depth) = reader.output_color_type();
    let samples = match depth {
        png::BitDepth::Sixteen => Samples::Sixteen(samples),
        _ => Samples::Eight(samples),
    };
    Ok(Pixels { rows: height as usize, cols: width as usize, channels: colour.samples(), samples })
}

fn too_few(width: u32, height: u32, bytes: &[u8]) -> String {
    format!("it says that it has {width}×{height} pixels, which its {} bytes cannot hold", bytes.len())
}

fn no_room(width: u32, height: u32) -> String {
    format!("there is no memory for its {width}×{height} pixels")
}

/// Writes an 8-bit PNG, grey or of three `channels` that are side by side in the matrix, entries rounded and clipped to
/// 0..255. Returns how many were clipped.
pub(crate) fn write<T: Scalar>(
    out: &mut dyn Write,
    view: View<'_, T>,
    channels: usize,
) -> std::io::Result<usize> {
    let side = |n: usize| {
        u32::try_from(n)
            .ok()
            .filter(|&n| n > 0)
            .ok_or_else(|| std::io::Error::other(format!("an image cannot have a side of {n} pixels")))
    };
    let cols = view.ncols() / channels;
    let (height, width) = (side(view.nrows())?, side(cols)?);
    let mut clipped = 0;
    let mut pixels = Vec::with_capacity(view.nrows() * view.ncols());
    for i in 0..view.nrows() {
        for j in 0..cols {
            for channel in 0..channels {
                let x = view.at(i, channel * cols + j).to_f64().round();
                clipped += usize::from(!(0.0..=255.0).contains(&x));
                // a cast from floating point saturates, and makes NaN 0
                pixels.push(x as u8);
            }
        }
    }
    let mut encoder = png::Encoder::new(out, width, height);
    encoder.set_color(if channels == 3 { png::ColorType::Rgb } else { png::ColorType::Grayscale });
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    encoder.set_filter(png::Filter::Adaptive);
    let mut writer = encoder.write_header().map_err(std::io::Error::other)?;
    writer.write_image_data(&pixels).map_err(std::io::Error::other)?;
    writer.finish().map_err(std::io::Error::other)?;
    Ok(clipped)
}
