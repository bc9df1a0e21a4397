//! Heat maps: a matrix from 0 to 1 as a picture.

use crate::svg::{Anchor, SMALL, Svg};

/// The colours of 0, ¼, ½, ¾ and 1; between them they are mixed.
const STOPS: [[f64; 3]; 5] = [
    [247.0, 251.0, 255.0],
    [198.0, 219.0, 239.0],
    [107.0, 174.0, 214.0],
    [33.0, 113.0, 181.0],
    [8.0, 48.0, 107.0],
];

fn palette() -> Vec<u8> {
    let colour = |level: usize| {
        let place = level as f64 / 255.0 * 4.0;
        let below = (place as usize).min(3);
        let share = place - below as f64;
        [0, 1, 2].map(|c| ((1.0 - share) * STOPS[below][c] + share * STOPS[below + 1][c]).round() as u8)
    };
    (0..256).flat_map(colour).collect()
}

/// Rows of `width` numbers from 0 to 1 as a PNG; others are taken for the nearest of these.
pub fn picture(matrix: &[f64], width: usize) -> Vec<u8> {
    let levels: Vec<u8> = matrix.iter().map(|x| (x.clamp(0.0, 1.0) * 255.0).round() as u8).collect();
    let mut png = Vec::new();
    let mut encoder = png::Encoder::new(&mut png, width as u32, (matrix.len() / width.max(1)) as u32);
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_palette(palette());
    encoder.set_compression(png::Compression::High);
    let written = encoder.write_header().and_then(|mut writer| writer.write_image_data(&levels));
    written.expect("a vector takes all, and there is a row and a column");
    png
}

/// The scale of colours from 0 to 1, with a name before it.
pub fn scale(svg: &mut Svg, (x, y): (f64, f64), name: &str) {
    let levels: Vec<f64> = (0..100).map(|level| f64::from(level) / 99.0).collect();
    svg.text((x - 16.0, y), Anchor::End, SMALL, "muted", name);
    svg.text((x - 4.0, y), Anchor::End, SMALL, "muted", "0");
    svg.image((x, y - 9.0), (100.0, 10.0), &picture(&levels, 100));
    svg.text((x + 104.0, y), Anchor::Start, SMALL, "muted", "1");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_has_the_colours_of_its_numbers() {
        let png = picture(&[0.0, 1.0, 0.5, 0.25, -3.0, f64::NAN], 3);
        let mut reader = png::Decoder::new(std::io::Cursor::new(png)).read_info().unwrap();
        assert_eq!((reader.info().width, reader.info().height), (3, 2));
        let colours = reader.info().palette.clone().unwrap();
        let mut levels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut levels).unwrap();
        assert_eq!(levels, [0, 255, 128, 64, 0, 0]);
        let colour = |level: usize| &colours[3 * level..][..3];
        assert_eq!([colour(0), colour(255)], [&[247, 251, 255], &[8, 48, 107]]);
    }
}
