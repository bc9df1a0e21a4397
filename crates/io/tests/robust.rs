//! No sequence of bytes makes a reader panic or allocate beyond what it has read.

use orthant_io::{Detect, IoError, ReadOptions, Source};
use proptest::prelude::*;

fn read(name: &str, bytes: &[u8], options: &ReadOptions) {
    for len in [None, Some(bytes.len() as u64)] {
        let read = |single: bool| -> Result<usize, IoError> {
            let source = Source::from_reader(name, bytes, len, options)?;
            if single {
                source.read_any::<f32>().map(|t| t.nrows())
            } else {
                source.read_any::<f64>().map(|t| t.nrows())
            }
        };
        if let Err(e) = read(false) {
            assert!(!e.to_string().is_empty());
        }
        let _ = read(true);
    }
}

fn options() -> impl Strategy<Value = ReadOptions> {
    let detect = || prop_oneof![Just(Detect::Auto), Just(Detect::Yes), Just(Detect::No)];
    (detect(), detect()).prop_map(|(header, labels)| ReadOptions { header, labels, ..ReadOptions::default() })
}

/// Text that looks like a table, more or less.
fn tables() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => "[0-9]{1,3}(\\.[0-9])?",
        2 => Just(",".to_owned()),
        2 => Just("\n".to_owned()),
        1 => "[ \t\"#\r;xé-]",
        1 => "(nan|inf|1e999|-3)",
    ];
    proptest::collection::vec(piece, 0..60).prop_map(|p| p.concat().into_bytes())
}

/// A banner of a Matrix Market file, mostly a good one.
fn banners() -> impl Strategy<Value = String> {
    let layout = prop_oneof![4 => Just("coordinate"), 4 => Just("array"), 1 => Just("list")];
    let field =
        prop_oneof![4 => Just("real"), 4 => Just("integer"), 4 => Just("pattern"), 1 => Just("complex")];
    let symmetry =
        prop_oneof![4 => Just("general"), 4 => Just("symmetric"), 4 => Just("skew-symmetric"), 1 => Just("")];
    (layout, field, symmetry).prop_map(|(l, f, s)| format!("%%MatrixMarket matrix {l} {f} {s}\n"))
}

/// Lines that look like those of a Matrix Market file, more or less. Empty rows cost memory, as a file may have them.
fn market_lines() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        6 => "[0-4]",
        4 => Just(" ".to_owned()),
        4 => Just("\n".to_owned()),
        1 => "[%\t\r;xé-]",
        1 => "(nan|1e999|-3|1.5|18446744073709551615|9007199254740993|5000000000)",
    ];
    proptest::collection::vec(piece, 0..80).prop_map(|p| p.concat().into_bytes())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn arbitrary_bytes(
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
        name in prop_oneof![Just("a.npy"), Just("a.csv"), Just("a.tsv"), Just("a.txt"), Just("a.png"), Just("a.jpg"), Just("a.mtx"), Just("a.npz")],
        options in options(),
    ) {
        read(name, &bytes, &options);
    }

    #[test]
    fn behind_a_magic_number(
        magic in proptest::sample::select(vec![
            &b"\x93NUMPY\x01\x00"[..], b"\x93NUMPY\x02\x00", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"\x1f\x8b\x08\x00", b"PK\x03\x04",
        ]),
        rest in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        read("a.csv", &[magic, &rest].concat(), &ReadOptions::default());
    }

    #[test]
    fn array_headers(
        kind in "[<>|=]?[biufcO?][0-9]{0,2}",
        fortran in any::<bool>(),
        rows in prop_oneof![0_u64..9, any::<u64>()],
        cols in prop_oneof![0_u64..9, any::<u64>()],
        body in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let order = if fortran { "True" } else { "False" };
        let header = format!("{{'descr': '{kind}', 'fortran_order': {order}, 'shape': ({rows}, {cols}), }}");
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.bytes().chain(body));
        read("a.npy", &bytes, &ReadOptions::default());
    }

    #[test]
    fn near_tables(bytes in tables(), name in prop_oneof![Just("a.csv"), Just("a.tsv"), Just("a.txt")], options in options()) {
        read(name, &bytes, &options);
    }

    #[test]
    fn behind_a_banner(banner in banners(), rest in proptest::collection::vec(any::<u8>(), 0..300)) {
        read("a.mtx", &[banner.as_bytes(), &rest].concat(), &ReadOptions::default());
    }

    #[test]
    fn near_markets(banner in banners(), sizes in "[0-4]{1,2} [0-4] [0-9]{1,2}\n|", lines in market_lines()) {
        read("a.mtx", &[banner.as_bytes(), sizes.as_bytes(), &lines].concat(), &ReadOptions::default());
    }

    #[test]
    fn near_archives(changes in proptest::collection::vec((any::<u16>(), any::<u8>()), 1..4)) {
        for archive in [&include_bytes!("data/sparse/stored.npz")[..], include_bytes!("data/sparse/coo.npz")] {
            let mut bytes = archive.to_vec();
            for &(at, byte) in &changes {
                let at = usize::from(at) % bytes.len();
                bytes[at] = byte;
            }
            read("a.npz", &bytes, &ReadOptions::default());
        }
    }

    #[test]
    fn near_images(at in 0_usize..90, byte in any::<u8>()) {
        for image in [&include_bytes!("data/grey_16.png")[..], include_bytes!("data/colour_8.png")] {
            let mut bytes = image.to_vec();
            let at = at % bytes.len();
            bytes[at] = byte;
            read("a.png", &bytes, &ReadOptions::default());
        }
    }
}
