//! Images in and out.

use std::path::{Path, PathBuf};

use orthant::View;
use orthant_io::{Format, IoError, Names, ReadOptions, Remark, Source, read_matrix, write_matrix};
use png::{BitDepth, ColorType};

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

/// A PNG of these samples, the higher byte of wide ones first.
fn encoded(
    (width, height): (u32, u32),
    colour: ColorType,
    depth: BitDepth,
    palette: &[u8],
    samples: &[u8],
) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(colour);
    encoder.set_depth(depth);
    if !palette.is_empty() {
        encoder.set_palette(palette);
    }
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(samples).unwrap();
    writer.finish().unwrap();
    file
}

fn levels(file: &[u8]) -> Result<Vec<f64>, IoError> {
    let source = Source::from_reader("x.png", file, None, &ReadOptions::default())?;
    Ok(source.read::<f64>()?.data().to_vec())
}

#[test]
fn every_kind_of_png_is_read() {
    use BitDepth::{Eight, Four, One, Sixteen, Two};
    use ColorType::{Grayscale, GrayscaleAlpha, Indexed, Rgb, Rgba};
    let read = |size, colour, depth, palette: &[u8], samples: &[u8]| {
        levels(&encoded(size, colour, depth, palette, samples)).unwrap()
    };
    // few bits spread over 0 to 255
    assert_eq!(read((4, 1), Grayscale, One, &[], &[0b0110_0000]), [0.0, 255.0, 255.0, 0.0]);
    assert_eq!(read((4, 1), Grayscale, Two, &[], &[0b0001_1011]), [0.0, 85.0, 170.0, 255.0]);
    assert_eq!(read((2, 1), Grayscale, Four, &[], &[0x3f]), [51.0, 255.0]);
    // transparency is left out
    assert_eq!(read((2, 1), GrayscaleAlpha, Eight, &[], &[7, 0, 200, 255]), [7.0, 200.0]);
    assert_eq!(read((1, 2), GrayscaleAlpha, Sixteen, &[], &[1, 2, 0, 0, 255, 255, 9, 9]), [258.0, 65535.0]);
    assert_eq!(read((1, 1), Rgba, Eight, &[], &[255, 255, 255, 0]), [255.0]);
    // the luma of a palette's colours
    assert_eq!(read((2, 1), Indexed, Eight, &[255, 0, 0, 0, 0, 255], &[1, 0]), [18.0, 54.0]);
    assert_eq!(read((1, 1), Rgb, Sixteen, &[], &[255, 255, 0, 0, 0, 0]), [13936.0]);
}

#[test]
fn luma_is_rounded_to_the_nearest() {
    let colours: Vec<[u8; 3]> =
        (0..4096_u32).map(|i| [i * 37, i * 101 + 5, i * 59 + 90].map(|x| x as u8)).collect();
    let file = encoded((64, 64), ColorType::Rgb, BitDepth::Eight, &[], colours.as_flattened());
    for (level, [r, g, b]) in levels(&file).unwrap().into_iter().zip(colours) {
        let exact = 0.212648 * f64::from(r) + 0.715179 * f64::from(g) + 0.072173 * f64::from(b);
        assert!((level - exact).abs() < 0.501, "{r} {g} {b}: {level}");
    }
}

#[test]
fn damaged_headers_take_no_memory_and_do_not_panic() {
    let message = |file: &[u8]| levels(file).unwrap_err().to_string();
    // 4 billion pixels in a few bytes
    let mut file = encoded((2, 1), ColorType::Grayscale, BitDepth::Eight, &[], &[1, 2]);
    file[16..24].copy_from_slice(&[0, 1, 0, 0, 0, 1, 0, 0]);
    let sum = crc(&file[12..29]);
    file[29..33].copy_from_slice(&sum.to_be_bytes());
    assert!(message(&file).contains("65536×65536 pixels"), "{}", message(&file));
    // a palette that is not of whole colours
    let mut file = encoded((2, 1), ColorType::Indexed, BitDepth::Eight, &[1, 2, 3, 4, 5, 6], &[0, 1]);
    let at = file.windows(4).position(|kind| kind == b"PLTE").unwrap();
    let palette = [&[0, 0, 0, 5][..], b"PLTE", &[1, 2, 3, 4, 5]].concat();
    let sum = crc(&palette[4..]).to_be_bytes();
    file.splice(at - 4..at + 4 + 6 + 4, [palette, sum.to_vec()].concat());
    assert!(message(&file).contains("palette"), "{}", message(&file));
    let mut jpeg = Vec::new();
    jpeg_encoder::Encoder::new(&mut jpeg, 90).encode(&[9; 64], 8, 8, jpeg_encoder::ColorType::Luma).unwrap();
    let at = jpeg.windows(2).position(|marker| marker == [0xff, 0xc0]).unwrap();
    jpeg[at + 5..at + 9].copy_from_slice(&[255; 4]);
    assert!(message(&jpeg).contains("65535×65535 pixels"), "{}", message(&jpeg));
}

/// The sum that ends a chunk of a PNG file.
fn crc(bytes: &[u8]) -> u32 {
    let mut sum = flate2::Crc::new();
    sum.update(bytes);
    sum.sum()
}

#[test]
fn a_jpeg_in_colour_has_its_luma() {
    let mut jpeg = Vec::new();
    let pixels: Vec<u8> = [[200, 30, 60]; 64].concat();
    jpeg_encoder::Encoder::new(&mut jpeg, 100).encode(&pixels, 8, 8, jpeg_encoder::ColorType::Rgb).unwrap();
    let exact = 0.2126 * 200.0 + 0.7152 * 30.0 + 0.0722 * 60.0;
    assert!(levels(&jpeg).unwrap().iter().all(|level| (level - exact).abs() < 3.0));
}

#[test]
fn jpeg_is_close() {
    let pixels: Vec<u8> = (0..64 * 48).map(|i| (i % 64 * 3 + i / 64) as u8).collect();
    let mut jpeg = Vec::new();
    jpeg_encoder::Encoder::new(&mut jpeg, 95).encode(&pixels, 64, 48, jpeg_encoder::ColorType::Luma).unwrap();
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
fn images_whose_data_end_early_are_errors() {
    let message = |file: &[u8]| levels(file).unwrap_err().to_string();
    // an end, but not the data before it
    let error = message(&std::fs::read(data("truncated.jpg")).unwrap());
    assert!(error.contains("its data end before its last pixel"), "{error}");
    let error = message(&std::fs::read(data("palette-short.png")).unwrap());
    assert!(error.contains("palette"), "{error}");
    let pixels: Vec<u8> = (0..64 * 48 * 3).map(|i| (i * i % 251) as u8).collect();
    type Set = fn(&mut jpeg_encoder::Encoder<&mut Vec<u8>>);
    let kinds: [(jpeg_encoder::ColorType, Set); 4] = [
        (jpeg_encoder::ColorType::Luma, |_| ()),
        (jpeg_encoder::ColorType::Rgb, |e| e.set_sampling_factor(jpeg_encoder::SamplingFactor::R_4_2_0)),
        (jpeg_encoder::ColorType::Rgb, |e| e.set_restart_interval(2)),
        (jpeg_encoder::ColorType::Rgb, |e| e.set_progressive(true)),
    ];
    for (colour, set) in kinds {
        let mut file = Vec::new();
        let mut encoder = jpeg_encoder::Encoder::new(&mut file, 90);
        set(&mut encoder);
        let channels = if colour == jpeg_encoder::ColorType::Luma { 1 } else { 3 };
        encoder.encode(&pixels[..64 * 48 * channels], 64, 48, colour).unwrap();
        assert!(levels(&file).is_ok(), "{colour:?}");
        let error = message(&file[..file.len() - 2]);
        assert!(error.contains("it has no end"), "{error}");
        // the last scan of a progressive file may add nothing
        let shorter = if colour == jpeg_encoder::ColorType::Luma { [2, 40, 400] } else { [20, 40, 400] };
        for cut in shorter {
            let short = [&file[..file.len() - 2 - cut], &[0xff, 0xd9]].concat();
            assert!(levels(&short).is_err(), "{colour:?}, {cut} bytes short");
        }
    }
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

#[test]
fn colour_is_remarked_where_there_is_some() {
    use BitDepth::{Eight, Sixteen};
    use ColorType::{Grayscale, GrayscaleAlpha, Indexed, Rgb, Rgba};
    let remarks = |colour, depth, palette: &[u8], samples: &[u8]| {
        let file = encoded((2, 1), colour, depth, palette, samples);
        let source = Source::from_reader("x.png", &file[..], None, &ReadOptions::default()).unwrap();
        source.read::<f64>().unwrap().remarks().to_vec()
    };
    for (colour, depth, palette, samples) in [
        (Grayscale, Eight, &[][..], &[1, 2][..]),
        (GrayscaleAlpha, Eight, &[], &[1, 2, 3, 4]),
        (Rgb, Eight, &[], &[7, 7, 7, 9, 9, 9]),
        (Rgba, Eight, &[], &[7, 7, 7, 1, 9, 9, 9, 2]),
        (Rgb, Sixteen, &[], &[1, 2, 1, 2, 1, 2, 3, 4, 3, 4, 3, 4]),
        (Indexed, Eight, &[5, 5, 5, 6, 6, 6], &[1, 0]),
    ] {
        assert_eq!(remarks(colour, depth, palette, samples), [], "{colour:?}");
    }
    for (colour, depth, palette, samples) in [
        (Rgb, Eight, &[][..], &[7, 7, 7, 9, 9, 8][..]),
        (Rgba, Eight, &[], &[7, 6, 7, 1, 9, 9, 9, 2]),
        (Rgb, Sixteen, &[], &[1, 2, 1, 2, 1, 3, 3, 4, 3, 4, 3, 4]),
        (Indexed, Eight, &[5, 5, 5, 6, 6, 7], &[1, 0]),
    ] {
        assert_eq!(remarks(colour, depth, palette, samples), [Remark::Colour], "{colour:?}");
    }
}

#[test]
fn a_folder_of_pictures_has_one_in_each_row() {
    use BitDepth::{Eight, Sixteen};
    use ColorType::{Grayscale, Rgb};
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| std::fs::write(dir.path().join(name), bytes).unwrap();
    let read = || Source::open(dir.path(), &ReadOptions::default())?.read::<f64>();
    let error = || read().unwrap_err().to_string();
    assert!(
        error().contains("a folder without a matrix.mtx or matrix.mtx.gz, and without png"),
        "{}",
        error()
    );
    write("b.png", &encoded((2, 2), Grayscale, Eight, &[], &[1, 2, 3, 4]));
    write("a.PNG", &encoded((2, 2), Rgb, Eight, &[], &[[9; 6], [8; 6]].concat()));
    let mut jpeg = Vec::new();
    jpeg_encoder::Encoder::new(&mut jpeg, 100).encode(&[50; 4], 2, 2, jpeg_encoder::ColorType::Luma).unwrap();
    write("c.jpeg", &jpeg);
    write(".hidden.png", b"");
    std::fs::create_dir(dir.path().join("below.png")).unwrap();
    let table = read().unwrap();
    assert_eq!((table.nrows(), table.ncols(), table.remarks()), (3, 4, &[][..]));
    assert_eq!(table.row_names().unwrap(), ["a.PNG", "b.png", "c.jpeg"]);
    assert_eq!(table.data(), [[9.0, 9.0, 8.0, 8.0], [1.0, 2.0, 3.0, 4.0], [50.0; 4]].concat());
    assert_eq!(table.locate(1, 2).row_name.as_deref(), Some("b.png"));
    assert_eq!(Source::open(dir.path(), &ReadOptions::default()).unwrap().format(), Format::Pictures);
    let names = ["a.PNG", "b.png", "c.jpeg"].map(|name| dir.path().join(name));
    assert_eq!(Source::files(dir.path()), names);

    write("labels.csv", b"1,2");
    write("d.png", &encoded((2, 2), Rgb, Eight, &[], &[1; 11].into_iter().chain([2]).collect::<Vec<_>>()));
    let left_out = Remark::FilesLeftOut { count: 1, first: "labels.csv".into() };
    assert_eq!(read().unwrap().remarks(), [Remark::Colour, left_out]);

    for (size, depth, says) in
        [((1, 4), Eight, "1×4 pixels of 8 bits"), ((2, 2), Sixteen, "2×2 pixels of 16 bits")]
    {
        let bytes = if depth == Eight { 4 } else { 8 };
        write("e.png", &encoded(size, Grayscale, depth, &[], &vec![0; bytes]));
        assert!(matches!(read(), Err(IoError::DifferentPictures { .. })));
        for part in ["e.png: ", says, "a.PNG has 2×2 pixels of 8 bits"] {
            assert!(error().contains(part), "{}", error());
        }
    }
    write("e.png", b"a text");
    assert!(error().contains("e.png: not a valid image file"), "{}", error());
    // options that go with other files
    let refused = |options: ReadOptions| Source::open(dir.path(), &options).unwrap_err();
    let layer = ReadOptions { layer: Some("raw".into()), ..ReadOptions::default() };
    assert!(matches!(refused(layer), IoError::NoLayer { .. }));
    let triplets = ReadOptions { triplets: true, ..ReadOptions::default() };
    assert!(matches!(refused(triplets), IoError::NotForThis { .. }));
    // a matrix comes first
    write("matrix.mtx", b"%%MatrixMarket matrix coordinate integer general\n2 1 1\n1 1 7\n");
    let table = orthant_io::read_any::<f64>(dir.path(), &ReadOptions::default()).unwrap();
    assert_eq!((table.nrows(), table.ncols()), (2, 1));
}

#[test]
fn channels_stay_apart_where_that_is_asked_for() {
    use BitDepth::{Eight, Sixteen};
    use ColorType::{Grayscale, Indexed, Rgb, Rgba};
    let options = ReadOptions { channels: true, ..ReadOptions::default() };
    let read = |name: &str, file: &[u8]| {
        Source::from_reader(name, file, None, &options).and_then(|s| s.read::<f64>())
    };
    let png = |size, colour, depth, palette: &[u8], samples: &[u8]| {
        let table = read("x.png", &encoded(size, colour, depth, palette, samples)).unwrap();
        assert!(table.remarks().is_empty());
        table.data().to_vec()
    };
    // two rows of two pixels: red, green and blue are matrices side by side
    let pixels = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
    let expected = [1.0, 4.0, 2.0, 5.0, 3.0, 6.0, 7.0, 10.0, 8.0, 11.0, 9.0, 12.0];
    assert_eq!(png((2, 2), Rgb, Eight, &[], &pixels), expected);
    assert_eq!(png((1, 1), Rgba, Eight, &[], &[1, 2, 3, 4]), [1.0, 2.0, 3.0]);
    assert_eq!(png((1, 1), Rgb, Sixteen, &[], &[1, 0, 2, 0, 3, 1]), [256.0, 512.0, 769.0]);
    assert_eq!(png((2, 1), Indexed, Eight, &[1, 2, 3, 4, 5, 6], &[1, 0]), [4.0, 1.0, 5.0, 2.0, 6.0, 3.0]);
    assert_eq!(png((2, 1), Grayscale, Eight, &[], &[7, 9]), [7.0, 9.0, 7.0, 9.0, 7.0, 9.0]);
    // in a folder they follow one another, in the picture's row
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("a.png"), encoded((2, 2), Rgb, Eight, &[], &pixels)).unwrap();
    std::fs::write(dir.path().join("b.png"), encoded((2, 2), Grayscale, Eight, &[], &[1, 2, 3, 4])).unwrap();
    let table = read_matrix::<f64>(dir.path(), &options).unwrap();
    let rows: Vec<&[f64]> = table.data().chunks(12).collect();
    assert_eq!(rows[0], [1.0, 4.0, 7.0, 10.0, 2.0, 5.0, 8.0, 11.0, 3.0, 6.0, 9.0, 12.0]);
    assert_eq!(rows[1], [1.0, 2.0, 3.0, 4.0].repeat(3));
    let error = read("x.csv", b"1,2\n").unwrap_err();
    assert!(matches!(error, IoError::NotForThis { .. }), "{error}");
    let error = read("x.npy", &std::fs::read(data("f8.npy")).unwrap()).unwrap_err();
    assert!(matches!(error, IoError::NotForThis { .. }), "{error}");
}
