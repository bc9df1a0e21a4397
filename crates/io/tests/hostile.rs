//! Files that promise what they do not have. What a header says takes no memory before there is data for it, or before it is
//! compared with the size of the file.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use orthant_io::{AnyTable, IoError, ReadOptions, Source};

fn read(name: &str, bytes: &[u8], len: Option<u64>) -> Result<AnyTable<f64>, IoError> {
    Source::from_reader(name, bytes, len, &ReadOptions::default())?.read_any()
}

/// The most memory that this process ever had, in kilobytes, where the system says so.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

fn npy(descr: &str, shape: &str) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': True, 'shape': {shape}}}");
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend((header.len() as u16).to_le_bytes());
    file.extend(header.as_bytes());
    file.extend([1; 64]);
    file
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

/// An archive of one stored member that says of itself how long it is.
fn npz(name: &str, content: &[u8], says: u32) -> Vec<u8> {
    let mut sum = flate2::Crc::new();
    sum.update(content);
    let mut common = [20_u16, 0, 0, 0, 0x21].map(u16::to_le_bytes).concat();
    common.extend(sum.sum().to_le_bytes());
    common.extend([says.to_le_bytes(), says.to_le_bytes()].concat());
    common.extend((name.len() as u16).to_le_bytes());
    common.extend([0, 0]);
    let mut file = [b"PK\x03\x04", common.as_slice(), name.as_bytes(), content].concat();
    let start = file.len() as u32;
    let directory = [b"PK\x01\x02\x14\x00", common.as_slice(), &[0; 14], name.as_bytes()].concat();
    file.extend(&directory);
    file.extend(b"PK\x05\x06\x00\x00\x00\x00\x01\x00\x01\x00");
    file.extend((directory.len() as u32).to_le_bytes());
    file.extend(start.to_le_bytes());
    file.extend([0, 0]);
    file
}

/// One test, so that nothing else in this process takes memory meanwhile.
#[test]
fn promises_take_no_memory() {
    let market =
        |kind: &str, sizes: &str| format!("%%MatrixMarket matrix {kind}\n{sizes}\n1 1 1\n").into_bytes();
    let pixels = |bytes: &[u8], at: usize| {
        let mut file = bytes.to_vec();
        file[at..at + 4].copy_from_slice(&[0x27, 0x10, 0x27, 0x10]);
        file
    };
    let grey = include_bytes!("data/grey_8.png");
    let jpeg = include_bytes!("data/truncated.jpg");
    let frame = jpeg.windows(2).position(|marker| marker == [0xff, 0xc0]).unwrap();
    let wide = npy("<f8", "(50000, 40000)");
    let files: Vec<(&str, Vec<u8>)> = vec![
        ("rows.mtx", market("coordinate real general", "400000000 3 1")),
        ("cols.mtx", market("coordinate real general", "3 4000000000 1")),
        ("entries.mtx", market("coordinate real general", "3 3 400000000000")),
        ("entries.mtx", market("coordinate pattern symmetric", "400000000 400000000 9223372036854775807")),
        ("all.mtx", market("array real general", "400000 30000")),
        ("all.mtx", market("array real symmetric", "3000000000 3000000000")),
        ("long.npy", npy("<f8", "(400000000, 3)")),
        ("wide.npy", wide.clone()),
        ("bytes.npy", npy("|b1", "(3, 1000000000000)")),
        ("packed.npz", npz("a.npy", &wide, u32::MAX)),
        ("packed.npz", npz("a.npy", &wide, wide.len() as u32)),
        ("image.png", pixels(grey, 16)),
        ("image.jpg", pixels(jpeg, frame + 5)),
    ];
    let before = peak();
    for (name, file) in &files {
        for (name, file) in [((*name).to_owned(), file.clone()), (format!("{name}.gz"), gz(file))] {
            for len in [Some(file.len() as u64), None] {
                let error = read(&name, &file, len).expect_err(&name);
                let typed = matches!(
                    error,
                    IoError::Truncated { .. }
                        | IoError::MissingEntries { .. }
                        | IoError::MostlyEmpty { .. }
                        | IoError::TooLarge { .. }
                        | IoError::Corrupt { .. }
                        | IoError::Read { .. }
                );
                assert!(typed, "{name}: {error}");
            }
        }
    }
    if let (Some(before), Some(after)) = (before, peak()) {
        assert!(after - before < 32 << 10, "{} kB more than before", after - before);
    }
}

#[test]
fn rows_and_columns_are_accounted_for_by_entries() {
    let market = |rows: u64, cols: u64, entries: usize| {
        let lines = "1 1 1\n".repeat(entries);
        format!("%%MatrixMarket matrix coordinate real general\n{rows} {cols} {entries}\n{lines}")
            .into_bytes()
    };
    let error = read("v.mtx", &market(400_000_000, 3, 1), None).unwrap_err();
    assert!(matches!(
        error,
        IoError::MostlyEmpty { rows: 400_000_000, cols: 3, entries: 1, most: 4_194_304, .. }
    ));
    assert_eq!(
        error.to_string(),
        "v.mtx: 400000000×3 with 1 entries: at most 4194304 rows or columns are read for so few; leave out those that are empty"
    );
    // of those there are few enough for, sparse ones are read
    for (rows, cols, entries) in [(4_194_304, 3, 1), (8000, 4_194_304, 2), (3, 6_400_000, 100_000)] {
        let table = read("v.mtx", &market(rows, cols, entries), None).unwrap();
        assert_eq!((table.nrows() as u64, table.ncols() as u64), (rows, cols));
    }
    assert!(read("v.mtx", &market(3, 6_400_001, 100_000), None).is_err());
}

/// Looking up a name was a search through all of them.
#[test]
fn an_archive_of_many_arrays_is_listed_at_once() {
    let mut file = Vec::new();
    let mut archive = rawzip::ZipArchiveWriter::new(&mut file);
    let array = npy("<f8", "(2, 1)");
    for i in 0..20_000 {
        let (mut entry, config) = archive.new_file(format!("{i}.npy")).start().unwrap();
        let mut writer = config.wrap(&mut entry);
        writer.write_all(&array).unwrap();
        let (_, sum) = writer.finish().unwrap();
        entry.finish(sum).unwrap();
    }
    archive.finish().unwrap();
    let begin = std::time::Instant::now();
    let error = read("many.npz", &file, None).unwrap_err();
    assert!(matches!(&error, IoError::SeveralMatrices { names, .. } if names.len() == 20_000));
    assert!(begin.elapsed().as_secs() < 10, "{:?}", begin.elapsed());
}
