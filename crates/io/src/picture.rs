//! Images as matrices of grey levels.

use std::io::{Cursor, Read, Write};
use std::path::Path;

use image::{DynamicImage, ExtendedColorType, ImageEncoder};
use orthant::View;

use crate::{IoError, Order, Scalar, Table};

/// Reads an image as its grey levels: 0 to 255, or 0 to 65535 where the file has 16 bits a channel. Colours
/// become their luma (Rec. 709), transparency is left out.
pub(crate) fn read<T: Scalar>(mut input: impl Read, path: &Path) -> Result<Table<T>, IoError> {
    let mut bytes = Vec::new();
    input.read_to_end(&mut bytes).map_err(IoError::read(path))?;
    let corrupt = |e: image::ImageError| IoError::Corrupt {
        path: path.to_owned(),
        format: "image",
        reason: e.to_string(),
    };
    let image = image::ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .map_err(IoError::read(path))?
        .decode()
        .map_err(corrupt)?;
    let (cols, rows) = (image.width() as usize, image.height() as usize);
    let wide = matches!(
        image,
        DynamicImage::ImageLuma16(_)
            | DynamicImage::ImageLumaA16(_)
            | DynamicImage::ImageRgb16(_)
            | DynamicImage::ImageRgba16(_)
    );
    let data: Vec<T> = if wide {
        image.into_luma16().into_raw().into_iter().map(|x| T::from_f64(x.into())).collect()
    } else {
        image.into_luma8().into_raw().into_iter().map(|x| T::from_f64(x.into())).collect()
    };
    Ok(Table::new(data, rows, cols, Order::RowMajor).expect("an image has rows times columns pixels"))
}

/// Writes an 8-bit grey PNG, entries rounded and clipped to 0..255. Returns how many were clipped.
pub(crate) fn write<T: Scalar>(out: &mut dyn Write, view: View<'_, T>) -> std::io::Result<usize> {
    let side = |n: usize| {
        u32::try_from(n)
            .ok()
            .filter(|&n| n > 0)
            .ok_or_else(|| std::io::Error::other(format!("an image cannot have a side of {n} pixels")))
    };
    let (height, width) = (side(view.nrows())?, side(view.ncols())?);
    let mut clipped = 0;
    let mut pixels = Vec::with_capacity(view.nrows() * view.ncols());
    for i in 0..view.nrows() {
        for j in 0..view.ncols() {
            let x = view.at(i, j).to_f64().round();
            clipped += usize::from(!(0.0..=255.0).contains(&x));
            // a cast from floating point saturates, and makes NaN 0
            pixels.push(x as u8);
        }
    }
    image::codecs::png::PngEncoder::new(out)
        .write_image(&pixels, width, height, ExtendedColorType::L8)
        .map_err(std::io::Error::other)?;
    Ok(clipped)
}
