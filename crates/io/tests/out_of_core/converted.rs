//! Matrices of every kind of file, written so that a fit can leave them there.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use orthant::{Csc, Csr, Dense, Loss, Method, Nmf, ToMatrix};
use orthant_io::{
    AnyTable, Conversion, IoError, Order, ReadOptions, Scalar, Source, SparseTable, Table, convert, read_any,
};

use crate::{data, open};

/// At once, or some lines at a time.
const WAYS: [usize; 2] = [usize::MAX, 0];

fn converted<T: Scalar>(from: &Path, to: &Path, memory: usize) -> Result<(), IoError> {
    let options = Conversion { memory, transposed: false };
    Source::open(from, &ReadOptions::default())?.convert::<T>(options, to).map(drop)
}

/// The same entries and names, and order.
fn same<T: Scalar>(found: &AnyTable<T>, expected: &AnyTable<T>, what: &str) {
    let sides = |table: &AnyTable<T>| (table.nrows(), table.ncols());
    assert_eq!(sides(found), sides(expected), "{what}");
    assert_eq!(
        (found.row_names(), found.col_names()),
        (expected.row_names(), expected.col_names()),
        "{what}"
    );
    match (found, expected) {
        (AnyTable::Dense(found), AnyTable::Dense(expected)) => {
            assert_eq!((found.order(), found.data()), (expected.order(), expected.data()), "{what}");
        }
        (AnyTable::Sparse(found), AnyTable::Sparse(expected)) => {
            assert_eq!(found.order(), expected.order(), "{what}");
            assert_eq!(found.to_matrix().unwrap().nnz(), expected.to_matrix().unwrap().nnz(), "{what}");
            let entries = |table: &SparseTable<T>| match table.storage() {
                orthant_io::SparseStorage::ByRows(v) => entries(v),
                orthant_io::SparseStorage::ByColumns(v) => entries(v.transposed()),
            };
            assert_eq!(entries(found), entries(expected), "{what}");
        }
        other => panic!("{what}: {other:?}"),
    }
}

fn entries<T: Scalar>(v: &Csr<'_, T>) -> Vec<(usize, usize, T)> {
    (0..v.nrows()).flat_map(|i| v.row(i).map(move |(j, x)| (i, j, x)).collect::<Vec<_>>()).collect()
}

/// All files of the tests' data that end so, unpacked.
fn files(folder: &str, endings: &[&str], into: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(data(folder)).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let of = |path: &PathBuf| {
        let name = path.file_name()?.to_str()?.trim_end_matches(".gz").to_owned();
        endings.iter().any(|ending| name.ends_with(ending)).then(|| {
            let to = into.join(name);
            if path.extension().is_some_and(|ending| ending == "gz") {
                let mut bytes = Vec::new();
                GzDecoder::new(File::open(path).unwrap()).read_to_end(&mut bytes).unwrap();
                fs::write(&to, bytes).unwrap();
            } else {
                fs::copy(path, &to).unwrap();
            }
            to
        })
    };
    files.iter().filter_map(of).collect()
}

/// How many are read, and how many of them could stay where they are.
fn every_file<T: Scalar>(folder: &str, endings: &[&str]) -> (usize, usize) {
    let dir = tempfile::tempdir().unwrap();
    let to = dir.path().join("converted.npz");
    let (mut count, mut stayed) = (0, 0);
    for file in files(folder, endings, dir.path()) {
        let name = file.display().to_string();
        let expected = match read_any::<T>(&file, &ReadOptions::default()) {
            Ok(expected) => expected,
            Err(refused) => {
                for memory in WAYS {
                    let error = converted::<T>(&file, &to, memory).unwrap_err();
                    assert_eq!(error.to_string(), refused.to_string(), "{memory}");
                }
                continue;
            }
        };
        // and as it is
        if let AnyTable::OutOfCore(lines) = open::<T>(&file, 0).unwrap() {
            same(&lines.load().unwrap(), &expected, &name);
            stayed += 1;
        }
        let mut written = Vec::new();
        for memory in WAYS {
            match converted::<T>(&file, &to, memory) {
                // which only what is loaded can be
                Err(IoError::Unsorted { .. }) if memory == 0 => continue,
                done => done.unwrap(),
            }
            same(&read_any::<T>(&to, &ReadOptions::default()).unwrap(), &expected, &name);
            let precision = Source::open(&to, &ReadOptions::default()).unwrap().precision();
            assert_eq!(precision, T::PRECISION, "{name}: whatever width its numbers have");
            let AnyTable::OutOfCore(lines) = open::<T>(&to, 0).unwrap() else { panic!("{name}") };
            same(&lines.load().unwrap(), &expected, &name);
            written.push(fs::read(&to).unwrap());
        }
        assert!(written.windows(2).all(|both| both[0] == both[1]), "{name}: the same file in both ways");
        count += 1;
    }
    (count, stayed)
}

#[test]
fn every_sparse_file_is_converted_as_it_is_read() {
    let (count, stayed) = every_file::<f64>("sparse", &["mtx", "h5ad", "h5", "npz"]);
    assert!(count > 30 && stayed > 5, "{count} files, {stayed} as they are");
    assert!(every_file::<f32>("sparse", &["mtx", "h5ad"]).0 > 10);
    let (count, stayed) = every_file::<f64>("cells", &["h5ad", "h5", "loom"]);
    assert!(count > 20 && stayed > 6, "{count} files, {stayed} as they are");
}

/// Entries in chunks of HDF5, packed or not, that several threads read.
#[test]
fn a_fit_of_cells_in_their_file_has_the_bits_of_one_in_memory() {
    let dir = tempfile::tempdir().unwrap();
    let mut count = 0;
    for file in files("cells", &["h5ad"], dir.path()) {
        let Ok(AnyTable::Sparse(here)) = read_any::<f32>(&file, &ReadOptions::default()) else { continue };
        let AnyTable::OutOfCore(lines) = open::<f32>(&file, 0).unwrap() else { panic!("{}", file.display()) };
        // for which no transpose is kept
        let nmf = Nmf::new(2).method(Method::mm(Loss::Beta(1.5))).max_iter(4).threads(2);
        let (here, read) = (nmf.fit(&here).unwrap(), nmf.fit(&lines).unwrap());
        assert_eq!(read.w, here.w, "{}", file.display());
        assert_eq!(read.model.components(), here.model.components(), "{}", file.display());
        count += 1;
    }
    assert!(count > 5, "{count} files");
}

#[test]
fn entries_in_any_order_within_their_lines_are_tidied() {
    let dir = tempfile::tempdir().unwrap();
    let (from, to) = (dir.path().join("v.mtx"), dir.path().join("v.npz"));
    let head = "%%MatrixMarket matrix coordinate real general\n4 5 7\n";
    for (entries, order) in [
        ("2 5 1.5\n2 1 2\n2 5 0.5\n3 3 0\n4 2 7\n4 1 3\n4 4 1\n", Order::RowMajor),
        ("4 1 3\n2 1 2\n4 2 7\n3 3 0\n4 4 1\n2 5 1.5\n2 5 0.5\n", Order::ColMajor),
    ] {
        fs::write(&from, format!("{head}{entries}")).unwrap();
        for memory in WAYS {
            converted::<f64>(&from, &to, memory).unwrap();
            let AnyTable::Sparse(table) = read_any::<f64>(&to, &ReadOptions::default()).unwrap() else {
                panic!("it is sparse")
            };
            let all = table.to_matrix().unwrap();
            assert_eq!((all.nrows(), all.ncols(), all.nnz()), (4, 5, Some(5)));
            // what was read whole may be by rows where its lines are not sorted
            if memory == 0 {
                assert_eq!(table.order(), order);
            }
            let dense = match table.storage() {
                orthant_io::SparseStorage::ByRows(v) => v.to_dense(),
                orthant_io::SparseStorage::ByColumns(v) => v.to_dense(),
            };
            let expected = [(1, 4, 2.0), (1, 0, 2.0), (3, 1, 7.0), (3, 0, 3.0), (3, 3, 1.0)];
            let mut whole = Dense::zeros(4, 5);
            expected.iter().for_each(|&(i, j, x)| whole[(i, j)] = x);
            assert_eq!(dense, whole);
        }
    }
    fs::write(&from, format!("{head}1 2 1\n2 1 2\n1 1 3\n1 1 1\n1 1 1\n1 1 1\n1 1 1\n")).unwrap();
    let error = converted::<f64>(&from, &to, 0).unwrap_err();
    assert!(matches!(error, IoError::Unsorted { line: 5, .. }), "{error}");
    converted::<f64>(&from, &to, usize::MAX).unwrap();
}

/// What numpy says of an array in an archive that is not packed.
fn types(path: &Path) -> Vec<String> {
    let bytes = fs::read(path).unwrap();
    let text = String::from_utf8_lossy(&bytes);
    text.split("'descr': '").skip(1).map(|rest| rest.split('\'').next().unwrap().to_owned()).collect()
}

#[test]
fn numbers_take_as_few_bytes_as_hold_them() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("v.npz");
    let of_values = |values: [f64; 2]| {
        let v = Csr::<f64>::new(2, 3, vec![0, 1, 2], vec![0_u32, 2], values.to_vec()).unwrap();
        convert(&AnyTable::Sparse(SparseTable::by_rows(v)), &path).unwrap();
        types(&path).pop().unwrap()
    };
    for (values, expected) in [
        ([1.0, 255.0], "|u1"),
        ([1.0, 256.0], "<u2"),
        ([65_536.0, 1.0], "<u4"),
        ([4_294_967_296.0, 1.0], "<f8"),
        ([0.5, 1.0], "<f8"),
        ([-1.0, 1.0], "<f8"),
        ([f64::NAN, 1.0], "<f8"),
    ] {
        assert_eq!(of_values(values), expected, "{values:?}");
    }
    for (length, expected) in [(65_536, "<u2"), (65_537, "<i4"), ((1_usize << 31) + 1, "<u4")] {
        for by_columns in [false, true] {
            let last = vec![(length - 1) as u32];
            let table = match by_columns {
                false => {
                    SparseTable::by_rows(Csr::<f32>::new(1, length, vec![0, 1], last, vec![1.0]).unwrap())
                }
                true => {
                    SparseTable::by_columns(Csc::<f32>::new(length, 1, vec![0, 1], last, vec![1.0]).unwrap())
                }
            };
            convert(&AnyTable::Sparse(table), &path).unwrap();
            assert_eq!(types(&path)[4], expected, "{length}");
        }
    }
}

#[test]
fn dense_matrices_stay_in_either_kind_of_file() {
    let dir = tempfile::tempdir().unwrap();
    let names = |count: usize| Some((0..count).map(|i| format!("name {i}")).collect::<Vec<_>>());
    for (scale, order) in [(1.0, Order::RowMajor), (0.5, Order::ColMajor)] {
        let elements: Vec<f32> = (0..12).map(|e| scale * (e % 7) as f32).collect();
        let table = Table::new(elements, 3, 4, order).unwrap().named(names(3), names(4));
        for ending in ["npz", "npy"] {
            let path = dir.path().join(format!("v.{ending}"));
            convert(&AnyTable::Dense(table.clone()), &path).unwrap();
            let bare = Table::new(table.data().to_vec(), 3, 4, order).unwrap();
            let expected = if ending == "npz" { table.clone() } else { bare };
            same(&read_any(&path, &ReadOptions::default()).unwrap(), &AnyTable::Dense(expected), ending);
            let AnyTable::OutOfCore(lines) = open::<f32>(&path, 0).unwrap() else { panic!("{ending}") };
            assert_eq!(lines.row_names().is_some(), ending == "npz");
            let AnyTable::Dense(loaded) = lines.load().unwrap() else { panic!("it is dense") };
            assert_eq!((loaded.order(), loaded.data()), (order, table.data()));
        }
    }
}

#[test]
fn what_is_not_written_leaves_what_was_there() {
    let dir = tempfile::tempdir().unwrap();
    let (from, to) = (dir.path().join("v.mtx"), dir.path().join("v.npz"));
    fs::write(&to, "old").unwrap();
    fs::write(&from, "%%MatrixMarket matrix coordinate real general\n2 2 2\n1 1 1\n2 3 1\n").unwrap();
    for memory in WAYS {
        let error = converted::<f64>(&from, &to, memory).unwrap_err();
        assert!(error.to_string().contains("line 4"), "{error}");
    }
    assert_eq!(fs::read(&to).unwrap(), b"old");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2, "nothing is left beside it");
    fs::write(&from, "%%MatrixMarket matrix coordinate real general\n2 2 1\n1 1 1\n").unwrap();
    for (name, says) in
        [("v.csv", "a sparse matrix is written as .npz"), ("v.npy", "a sparse matrix is written")]
    {
        let error = converted::<f64>(&from, &dir.path().join(name), 0).unwrap_err();
        assert!(matches!(error, IoError::NotConverted { sparse: true, .. }), "{error}");
        assert!(error.to_string().contains(says), "{error}");
    }
    let nowhere = dir.path().join("no").join("v.npz");
    for memory in WAYS {
        assert!(matches!(converted::<f64>(&from, &nowhere, memory), Err(IoError::Write { .. })));
    }
}
