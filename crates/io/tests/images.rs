//! Images in and out.

use std::path::{Path, PathBuf};

use orthant::View;
use orthant_io::{Format, IoError, Names, ReadOptions, Source, read_matrix, write_matrix};

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

#[test]
fn grey_levels_are_the_files_own() {
    let read = |name| read_matrix::<f64>(data(name), &ReadOptions::default()).unwrap();
    let t = read("grey_8.png");
    assert_eq!((t.nrows(), t.ncols(), t.data()), (2, 3, &[0.0, 1.0, 2.0, 253.0, 254.0, 255.0][..]));
    assert_eq!(read("grey_16.png").data(), [0.0, 1.0, 256.0, 65533.0, 65534.0, 65535.0]);
    // luma of red, green, blue and white
    assert_eq!(read("colour_8.png").data(), [54.0, 182.0, 18.0, 255.0]);
}

#[test]
fn jpeg_is_close() {
    let pixels: Vec<u8> = (0..64 * 48).map(|i| (i % 64 * 3 + i / 64) as u8).collect();
    let mut jpeg = Vec::new();
    image::codecs::jpeg::JpegEncoder::new_with_quality(&mut jpeg, 95)
        .encode(&pixels, 64, 48, image::ExtendedColorType::L8)
        .unwrap();
    let source = Source::from_reader("photo", &jpeg[..], None, &ReadOptions::default()).unwrap();
    assert_eq!(source.format(), Format::Jpeg);
    let t = source.read::<f32>().unwrap();
    assert_eq!((t.nrows(), t.ncols()), (48, 64));
    assert!(t.data().iter().zip(&pixels).all(|(&a, &b)| (a - f32::from(b)).abs() < 12.0));
}

#[test]
fn a_written_png_reads_back_rounded_and_clipped() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.png");
    let values = [-3.0, 0.49, 0.5, 254.5, 255.4, 256.0_f32];
    assert_eq!(write_matrix(&path, View::row_major(&values, 2, 3).unwrap(), Names::default()).unwrap(), 2);
    let back = read_matrix::<f32>(&path, &ReadOptions::default()).unwrap();
    assert_eq!(back.data(), [0.0, 0.0, 1.0, 255.0, 255.0, 255.0]);
    let none = View::<f32>::row_major(&[], 0, 3).unwrap();
    let error = write_matrix(&path, none, Names::default()).unwrap_err();
    assert!(error.to_string().contains("side of 0 pixels"), "{error}");
    assert!(read_matrix::<f32>(&path, &ReadOptions::default()).is_ok(), "the earlier file is still there");
}

#[test]
fn damaged_images_are_errors() {
    let whole = std::fs::read(data("grey_8.png")).unwrap();
    for cut in [8, 20, 40, whole.len() - 20] {
        let source = Source::from_reader("x.png", &whole[..cut], None, &ReadOptions::default()).unwrap();
        let error = source.read::<f64>().unwrap_err();
        assert!(matches!(error, IoError::Corrupt { format: "image", .. }), "{error}");
    }
    // a text called png
    let source = Source::from_reader("x.png", &b"1,2,3"[..], None, &ReadOptions::default()).unwrap();
    assert!(source.read::<f64>().is_err());
}
