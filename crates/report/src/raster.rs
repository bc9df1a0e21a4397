//! Pictures of components: smaller where they are large, as strong as their largest entry allows.

/// How many rows and columns of pixels there are, and 1 or 3 channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    pub rows: usize,
    pub columns: usize,
    pub channels: usize,
}

impl Size {
    /// That of a picture whose longer side is at most so long.
    pub fn within(self, side: usize) -> Self {
        let longer = self.rows.max(self.columns).max(1);
        let shrunk = |of: usize| if longer > side { (of * side).div_ceil(longer) } else { of };
        Self { rows: shrunk(self.rows), columns: shrunk(self.columns), ..self }
    }

    pub fn pixels(self) -> usize {
        self.rows * self.columns
    }
}

/// The range of a line of `from` pixels that is pixel `at` of one of `to`.
fn range(at: usize, from: usize, to: usize) -> std::ops::Range<usize> {
    at * from / to..((at + 1) * from / to).max(at * from / to + 1)
}

/// The means of numbers that share a pixel of a line that is no longer than they are.
pub fn shortened(line: &[f64], to: usize) -> Vec<f64> {
    let mean = |at: usize| {
        let some = &line[range(at, line.len(), to)];
        some.iter().sum::<f64>() / some.len() as f64
    };
    (0..to).map(mean).collect()
}

/// The same of a picture, channel by channel; `level` says what is in a row, a column and a channel of it.
pub fn shrunk(size: Size, to: Size, level: impl Fn(usize, usize, usize) -> f64) -> Vec<f64> {
    let mut all = Vec::with_capacity(to.pixels() * to.channels);
    for i in 0..to.rows {
        for j in 0..to.columns {
            let (rows, columns) = (range(i, size.rows, to.rows), range(j, size.columns, to.columns));
            let count = (rows.len() * columns.len()) as f64;
            for channel in 0..to.channels {
                let some = rows.clone().flat_map(|y| columns.clone().map(move |x| (y, x)));
                all.push(some.map(|(y, x)| level(y, x, channel)).sum::<f64>() / count);
            }
        }
    }
    all
}

/// Levels as a PNG: 0 is black, the largest is white.
pub fn png(size: Size, levels: &[f64]) -> Vec<u8> {
    let most = levels.iter().copied().fold(0.0, f64::max).max(f64::MIN_POSITIVE);
    let bytes: Vec<u8> = levels.iter().map(|x| (x / most * 255.0).clamp(0.0, 255.0).round() as u8).collect();
    let mut png = Vec::new();
    let mut encoder = png::Encoder::new(&mut png, size.columns as u32, size.rows as u32);
    encoder.set_color(if size.channels == 3 { png::ColorType::Rgb } else { png::ColorType::Grayscale });
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::High);
    let written = encoder.write_header().and_then(|mut writer| writer.write_image_data(&bytes));
    written.expect("a vector takes all, and there is a row and a column");
    png
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_are_means_and_the_largest_is_white() {
        let size = Size { rows: 4, columns: 6, channels: 1 };
        let to = size.within(3);
        assert_eq!((to.rows, to.columns), (2, 3));
        let small = shrunk(size, to, |y, x, _| (y * 6 + x) as f64);
        // the mean of 0, 1, 6, 7, and so on
        assert_eq!(small, [3.5, 5.5, 7.5, 15.5, 17.5, 19.5]);
        assert_eq!(shortened(&[1.0, 3.0, 5.0, 9.0, 10.0], 2), [2.0, 8.0]);
        let png = png(to, &small);
        let mut reader = png::Decoder::new(std::io::Cursor::new(png)).read_info().unwrap();
        let mut levels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut levels).unwrap();
        assert_eq!(levels, [46, 72, 98, 203, 229, 255]);
        let thin = Size { rows: 1, columns: 1000, channels: 1 }.within(10);
        assert_eq!((thin.rows, thin.columns), (1, 10));
        assert_eq!(size.within(6), size);
    }
}
