//! Array files whose elements stay in the file until they are needed, written by numpy itself, and changed meanwhile.

mod converted;
mod sparse;

use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use orthant::{Dense, Error, Matrix, Nmf, ReadLines, StopReason, ToMatrix};
use orthant_io::{
    AnyTable, FileLines, IoError, Names, NpyLines, Order, ReadOptions, Scalar, Source, read_matrix,
    write_matrix,
};

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

fn open<T: Scalar>(path: &Path, most: usize) -> Result<AnyTable<T>, IoError> {
    Source::open(path, &ReadOptions::default())?.read_within(most)
}

fn lines<T: Scalar>(path: &Path) -> NpyLines<T> {
    match open(path, 0) {
        Ok(AnyTable::OutOfCore(FileLines::Dense(file))) => file,
        other => panic!("{}: {other:?}", path.display()),
    }
}

/// Each line by itself, and all of them.
fn same_as_read<T: Scalar>(path: &Path) {
    let (lines, table) = (lines::<T>(path), read_matrix::<T>(path, &ReadOptions::default()).unwrap());
    assert_eq!((lines.nrows(), lines.ncols(), lines.order()), (table.nrows(), table.ncols(), table.order()));
    let (count, length) = match lines.order() {
        Order::RowMajor => (table.nrows(), table.ncols()),
        Order::ColMajor => (table.ncols(), table.nrows()),
    };
    for first in 0..count {
        for end in first..=count {
            let mut found = vec![T::ONE; (end - first) * length];
            lines.read(first..end, &mut found).unwrap();
            assert_eq!(found, table.data()[first * length..end * length], "{}", path.display());
        }
    }
    assert_eq!(lines.load().unwrap(), table);
    assert_eq!(lines.fingerprint().unwrap(), table.fingerprint());
    let turned = lines.transposed();
    assert_eq!((turned.nrows(), turned.ncols()), (table.ncols(), table.nrows()));
    assert_eq!(turned.fingerprint().unwrap(), table.transposed().fingerprint());
}

#[test]
fn every_element_type_and_order_is_as_it_is_read() {
    let names = "f2 f4 f8 f2_big f4_big f8_big i1 i2 i4 i8 i2_big i4_big i8_big u1 u2 u4 u8 u2_big u4_big u8_big bool \
                 version_2 version_3 fortran_f8 fortran_i4";
    for name in names.split_whitespace() {
        let path = data(&format!("{name}.npy"));
        same_as_read::<f32>(&path);
        same_as_read::<f64>(&path);
    }
}

/// More than one buffer of elements that have to be converted.
#[test]
fn lines_of_many_elements_are_converted_whole() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("v.npy");
    let v = Dense::from_fn(3, 200_003, |i, j| ((i * 7 + j * 13) % 1021) as f64);
    write_matrix(&path, v.view(), Names::default()).unwrap();
    let mut found = vec![0.0_f32; 2 * 200_003];
    lines::<f32>(&path).read(1..3, &mut found).unwrap();
    assert!(found.iter().zip(&v.as_slice()[200_003..]).all(|(a, b)| f64::from(*a) == *b));
    assert_eq!(found.len() + 200_003, v.as_slice().len());
}

#[test]
fn what_has_room_or_cannot_be_read_at_a_place_is_loaded() {
    let path = data("f4.npy");
    // two rows of three
    assert!(matches!(open::<f32>(&path, 24), Ok(AnyTable::Dense(_))));
    assert!(matches!(open::<f32>(&path, 23), Ok(AnyTable::OutOfCore(_))));
    assert!(matches!(open::<f64>(&path, 24), Ok(AnyTable::OutOfCore(_))));
    let dir = tempfile::tempdir().unwrap();
    let csv = dir.path().join("v.csv");
    std::fs::write(&csv, "1,2\n3,4\n").unwrap();
    assert!(matches!(open::<f32>(&csv, 0), Ok(AnyTable::Dense(_))));
    let packed = dir.path().join("v.npy.gz");
    let mut gz =
        flate2::write::GzEncoder::new(File::create(&packed).unwrap(), flate2::Compression::default());
    gz.write_all(&std::fs::read(&path).unwrap()).unwrap();
    gz.finish().unwrap();
    assert!(matches!(open::<f32>(&packed, 0), Ok(AnyTable::Dense(_))));
    let reader = File::open(&path).unwrap();
    let piped = Source::from_reader("v.npy", reader, None, &ReadOptions::default()).unwrap();
    assert!(matches!(piped.read_within::<f32>(0), Ok(AnyTable::Dense(_))));
}

#[test]
fn an_element_that_does_not_fit_is_named_with_its_place() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("v.npy");
    let mut v = Dense::<f64>::from_fn(4, 3, |_, _| 1.0);
    v[(2, 1)] = 1e300;
    for fortran in [false, true] {
        let view = if fortran { v.view().transposed() } else { v.view() };
        write_matrix(&path, view, Names::default()).unwrap();
        let file = lines::<f32>(&path);
        let mut out = vec![0.0; file.nrows() * file.ncols()];
        let said = file.read(0..file.nrows(), &mut out).unwrap_err().to_string();
        let read = read_matrix::<f32>(&path, &ReadOptions::default()).unwrap_err().to_string();
        assert_eq!(said, read);
    }
}

fn written(dir: &Path) -> PathBuf {
    let path = dir.join("v.npy");
    let v = Dense::from_fn(400, 50, |i, j| ((i * 31 + j * 17) % 101) as f32);
    write_matrix(&path, v.view(), Names::default()).unwrap();
    path
}

/// What happens to a file.
type Happens = fn(&Path);

/// A fit of the file at `path`, to which that happens meanwhile, ends with an error that says so.
fn ends_in_the_middle(path: &Path, happens: Happens, says: &str) {
    let table = open::<f32>(path, 0).unwrap();
    let mut observer = |it: &orthant::Iteration<'_, f32>| {
        if it.number == 3 {
            happens(path);
        }
        std::ops::ControlFlow::<StopReason>::Continue(())
    };
    let error = Nmf::new(4).tol(0.0).max_iter(50).fit_observed(&table, &mut observer).unwrap_err();
    assert!(matches!(error, Error::Unreadable { .. }), "{says}: {error}");
    let text = error.to_string();
    assert!(text.starts_with(path.to_str().unwrap()) && text.contains(says), "{says}: {text}");
}

/// Fault 52: whatever happens to the file while a fit reads it.
#[test]
fn a_file_that_is_changed_or_cut_in_the_middle_of_a_fit_is_named() {
    let cut = |path: &Path| OpenOptions::new().write(true).open(path).unwrap().set_len(40_000).unwrap();
    let changed = |path: &Path| {
        let mut file = OpenOptions::new().write(true).open(path).unwrap();
        file.seek(SeekFrom::Start(30_000)).unwrap();
        file.write_all(&7.0_f32.to_le_bytes()).unwrap();
        // a clock may be coarse
        file.set_modified(SystemTime::now() + Duration::from_secs(2)).unwrap();
    };
    let grown = |path: &Path| OpenOptions::new().append(true).open(path).unwrap().write_all(b"more").unwrap();
    let cases: [(Happens, &str); 3] =
        [(cut, "cut short"), (changed, "changed while"), (grown, "changed while")];
    for (happens, says) in cases {
        let dir = tempfile::tempdir().unwrap();
        let path = written(dir.path());
        ends_in_the_middle(&path, happens, says);
    }
}

/// A file that is replaced or removed is still there for who has it open.
#[test]
fn a_file_that_is_replaced_or_removed_stays_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let path = written(dir.path());
    let whole = Nmf::new(4).fit(&read_matrix::<f32>(&path, &ReadOptions::default()).unwrap()).unwrap();
    let table = open::<f32>(&path, 0).unwrap();
    std::fs::write(dir.path().join("other"), "other").unwrap();
    std::fs::rename(dir.path().join("other"), &path).unwrap();
    assert_eq!(Nmf::new(4).fit(&table).unwrap().w, whole.w);
    std::fs::remove_file(&path).unwrap();
    assert_eq!(Nmf::new(4).fit(&table).unwrap().w, whole.w);
}

#[test]
fn a_file_that_is_cut_before_it_is_opened_is_truncated() {
    let dir = tempfile::tempdir().unwrap();
    let path = written(dir.path());
    OpenOptions::new().write(true).open(&path).unwrap().set_len(40_000).unwrap();
    assert!(matches!(open::<f32>(&path, 0), Err(IoError::Truncated { .. })));
}

#[test]
fn it_is_a_matrix_of_its_own_kind() {
    let table = open::<f64>(&data("f8.npy"), 0).unwrap();
    assert!(matches!(table.to_matrix().unwrap(), Matrix::OutOfCore(_)));
    assert_eq!((table.row_names(), table.col_names(), table.remarks().len()), (None, None, 0));
    assert_eq!(
        table.locate(1, 2).to_string(),
        format!("{}: row 1, column 2 (counting from 0)", data("f8.npy").display())
    );
    let AnyTable::Dense(chosen) = table.select_columns(&[2, 0]).unwrap() else {
        panic!("columns are loaded")
    };
    assert_eq!(chosen.view().at(1, 0), 5.0);
}
