//! The built-in digits.

use orthant::{Dense, View};
use orthant_io::{ReadOptions, Source};

/// 64 pixels and the digit, 1797 lines; see the README beside the file for source and licence.
static FILE: &[u8] = include_bytes!("../../data/digits.csv.gz");

/// Pixels along a side.
pub const SIDE: usize = 8;
/// The darkest pixel.
pub const INK: f64 = 16.0;

/// Images and what they show.
pub struct Digits {
    /// One image a row.
    pub images: Dense<f64>,
    labels: Vec<f64>,
}

/// Unpacks the digits.
pub fn load() -> Digits {
    let source = Source::from_reader("digits.csv.gz", FILE, None, &ReadOptions::default());
    let table = source.and_then(Source::read::<f64>).expect("the built-in file is sound");
    let all: View<'_, f64> = table.view();
    let images = Dense::copy_of(all.cols(0..SIDE * SIDE));
    let labels = (0..all.nrows()).map(|i| all.at(i, SIDE * SIDE)).collect();
    Digits { images, labels }
}

impl Digits {
    /// The first 0, the first 1, …, the first 9.
    pub fn one_of_each(&self) -> Vec<usize> {
        (0..10).filter_map(|d| self.labels.iter().position(|&l| l == f64::from(d))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_the_published_set() {
        let digits = load();
        assert_eq!((digits.images.nrows(), digits.images.ncols()), (1797, 64));
        assert_eq!(digits.images.as_slice().iter().sum::<f64>(), 561718.0);
        assert!(digits.images.as_slice().iter().all(|x| (0.0..=INK).contains(x)));
        assert_eq!(digits.one_of_each(), (0..10).collect::<Vec<_>>());
    }
}
