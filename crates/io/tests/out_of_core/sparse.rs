//! Archives of sparse matrices whose entries stay in the file until they are needed.

use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use orthant::{Csr, Nmf, ReadSparseLines};
use orthant_io::{
    AnyTable, FileLines, IoError, Order, ReadOptions, Scalar, Source, SparseLines, SparseTable, convert,
    read_any,
};
use rawzip::{CompressionMethod, ZipArchiveWriter};

use crate::{Happens, ends_in_the_middle, open};

/// An array of numpy: its type, its shape, its bytes.
type Array = (&'static str, String, Vec<u8>);

/// An archive of arrays that are not packed.
fn archive(path: &Path, arrays: &[(&str, Array)]) {
    let mut zip = ZipArchiveWriter::new(File::create(path).unwrap());
    for (name, (descr, shape, bytes)) in arrays {
        let file = format!("{name}.npy");
        let entry = zip.new_file(&file).compression_method(CompressionMethod::STORE).start();
        let (mut entry, config) = entry.unwrap();
        let mut out = config.wrap(&mut entry);
        let dict = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
        let header = format!("{dict:<117}\n");
        out.write_all(b"\x93NUMPY\x01\x00").unwrap();
        out.write_all(&(header.len() as u16).to_le_bytes()).unwrap();
        out.write_all(header.as_bytes()).unwrap();
        out.write_all(bytes).unwrap();
        let (_, descriptor) = out.finish().unwrap();
        entry.finish(descriptor).unwrap();
    }
    zip.finish().unwrap();
}

/// Numbers as an array of that type.
fn array(descr: &'static str, numbers: &[i64]) -> Array {
    let big = descr.starts_with('>');
    let width: usize = descr[2..].parse().unwrap();
    let bytes = numbers.iter().flat_map(|&x| {
        let mut bytes = match &descr[1..] {
            "f4" => (x as f32).to_le_bytes().to_vec(),
            "f8" => (x as f64).to_le_bytes().to_vec(),
            _ => x.to_le_bytes()[..width].to_vec(),
        };
        if big {
            bytes.reverse();
        }
        bytes
    });
    (descr, format!("({},)", numbers.len()), bytes.collect())
}

fn word(text: &'static str) -> Array {
    ("|S3", "()".into(), text.as_bytes().to_vec())
}

/// Three lines of five.
const STARTS: [i64; 4] = [0, 2, 2, 5];
const INDICES: [i64; 5] = [1, 4, 0, 2, 3];
const VALUES: [i64; 5] = [7, 2, 1, 100, 5];

fn arrays(format: &'static str, indices: Array, data: Array) -> Vec<(&'static str, Array)> {
    let shape = if format == "csr" { [3, 5] } else { [5, 3] };
    vec![
        ("format", word(format)),
        ("shape", array("<i8", &shape)),
        ("indptr", array("<i4", &STARTS)),
        ("indices", indices),
        ("data", data),
    ]
}

fn lines<T: Scalar>(path: &Path) -> SparseLines<T> {
    match open(path, 0) {
        Ok(AnyTable::OutOfCore(FileLines::Sparse(file))) => file,
        other => panic!("{}: {other:?}", path.display()),
    }
}

fn loaded<T: Scalar>(path: &Path) -> SparseTable<T> {
    match read_any(path, &ReadOptions::default()) {
        Ok(AnyTable::Sparse(table)) => table,
        other => panic!("{}: {other:?}", path.display()),
    }
}

#[test]
fn every_type_of_index_and_value_is_as_it_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("v.npz");
    let types = ["|i1", "<i2", "<i4", "<i8", "|u1", "<u2", "<u4", "<u8", ">i4", ">i8", ">u2", ">u4"];
    for format in ["csr", "csc"] {
        for (i, index) in types.into_iter().enumerate() {
            let value = ["<f4", "<f8", "|u1", "<u2", ">f4", "<i8", "<u4"][i % 7];
            archive(&path, &arrays(format, array(index, &INDICES), array(value, &VALUES)));
            let lines = lines::<f32>(&path);
            let by_columns = format == "csc";
            assert_eq!((lines.nrows(), lines.ncols()), if by_columns { (5, 3) } else { (3, 5) });
            assert_eq!((lines.nnz(), lines.by_columns()), (5, by_columns));
            assert_eq!(ReadSparseLines::starts(&lines), [0, 2, 2, 5]);
            for first in 0..3 {
                for end in first..=3 {
                    let range = STARTS[first] as usize..STARTS[end] as usize;
                    let (mut indices, mut values) = (vec![9; range.len()], vec![9.0; range.len()]);
                    lines.read(first..end, &mut indices, &mut values).unwrap();
                    assert!(
                        indices.iter().map(|&i| i64::from(i)).eq(INDICES[range.clone()].iter().copied()),
                        "{index}"
                    );
                    assert!(values.iter().map(|&x| x as i64).eq(VALUES[range].iter().copied()), "{value}");
                }
            }
            assert_eq!(lines.load().unwrap(), loaded(&path));
            assert_eq!(lines.fingerprint().unwrap(), loaded::<f32>(&path).fingerprint());
            let turned = lines.transposed();
            assert_eq!(turned.order(), if by_columns { Order::RowMajor } else { Order::ColMajor });
            assert_eq!((turned.nrows(), turned.ncols()), if by_columns { (3, 5) } else { (5, 3) });
        }
    }
}

#[test]
fn what_has_room_or_is_packed_or_in_no_order_is_loaded() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("v.npz");
    let (indices, data) = (array("<i4", &INDICES), array("<f4", &VALUES));
    archive(&path, &arrays("csr", indices.clone(), data.clone()));
    // five entries of eight bytes, four offsets
    assert!(matches!(open::<f32>(&path, 5 * 8 + 4 * 8), Ok(AnyTable::Sparse(_))));
    assert!(matches!(open::<f32>(&path, 5 * 8 + 4 * 8 - 1), Ok(AnyTable::OutOfCore(_))));
    let packed = dir.path().join("packed.npz");
    orthant_io::write_npz(&packed, &Csr::<f32>::new(1, 2, vec![0, 1], vec![1_u32], vec![1.0]).unwrap())
        .unwrap();
    assert!(matches!(open::<f32>(&packed, 0), Ok(AnyTable::Sparse(_))));
    let list = [("format", word("coo")), ("shape", array("<i8", &[5, 5])), ("row", indices.clone())];
    archive(&path, &[&list[..], &[("col", indices), ("data", data)]].concat());
    assert!(matches!(open::<f32>(&path, 0), Ok(AnyTable::Sparse(_))));
}

#[test]
fn parts_that_are_no_matrix_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("v.npz");
    let (indices, data) = (array("<i4", &INDICES), array("<f4", &VALUES));
    for (starts, says) in [
        (&[0, 2, 5][..], "3 offsets (indptr), but 4 are needed"),
        (&[1, 2, 2, 5], "the first offset (indptr) is not 0"),
        (&[0, 2, 1, 5], "line 1 ends before it begins"),
        (&[0, 2, 2, 6], "5 indices and 5 values, but the last offset (indptr) says 6"),
        (&[0, -1, 2, 5], "element 1 is -1"),
    ] {
        let mut parts = arrays("csr", indices.clone(), data.clone());
        parts[2].1 = array("<i4", starts);
        archive(&path, &parts);
        let error = open::<f32>(&path, 0).unwrap_err();
        assert!(matches!(error, IoError::Corrupt { .. }) && error.to_string().contains(says), "{error}");
    }
    for (bad, says) in [
        (array("<i4", &[1, 4, 0, -2, 3]), "indices.npy: not a valid npy file: element 3 is -2"),
        (array("<i8", &[1, 4, 0, 1 << 33, 3]), "element 3 is 8589934592"),
        (array("<f4", &INDICES), "these must be integers"),
        (array("<i4", &[1, 5, 0, 2, 3]), "entry 1, in line 0, has index 5, outside 0 to 4"),
        (array("<i4", &[4, 1, 0, 2, 3]), "the indices of line 0 do not ascend"),
    ] {
        archive(&path, &arrays("csr", bad, data.clone()));
        let error = Nmf::new(2).fit(&open::<f32>(&path, 0).unwrap()).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
    archive(&path, &arrays("csr", indices, array("<f8", &[1, 2, 0, 4, 5])));
    let error = Nmf::new(2).fit(&open::<f64>(&path, 0).unwrap()).unwrap_err().to_string();
    assert!(error.contains("line 2 stores a zero"), "{error}");
}

#[test]
fn names_beside_a_matrix_are_its_names() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("v.npz");
    let text = |words: &[&str]| -> Array {
        let bytes = words.iter().flat_map(|word| {
            let mut bytes: Vec<u8> = word.chars().flat_map(|c| u32::from(c).to_le_bytes()).collect();
            bytes.resize(4 * 4, 0);
            bytes
        });
        ("<U4", format!("({},)", words.len()), bytes.collect())
    };
    let whole = |rows: Array, columns: Array| {
        let mut parts = arrays("csr", array("<i4", &INDICES), array("<f4", &VALUES));
        parts.extend([("row_names", rows), ("column_names", columns)]);
        archive(&path, &parts);
    };
    whole(text(&["a", "größ", ""]), ("|S2", "(5,)".into(), b"a\0bbc\0ddee".to_vec()));
    for table in [open::<f32>(&path, 0).unwrap(), read_any::<f32>(&path, &ReadOptions::default()).unwrap()] {
        assert_eq!(table.row_names().unwrap(), ["a", "größ", ""]);
        assert_eq!(table.col_names().unwrap(), ["a", "bb", "c", "dd", "ee"]);
        assert!(table.locate(1, 3).to_string().contains("\"größ\""), "{}", table.locate(1, 3));
        assert_eq!(table.transposed().col_names().unwrap()[1], "größ");
    }
    // numbers are no names
    whole(array("<i4", &[1, 2, 3]), text(&["a", "b", "c", "d", "e"]));
    assert_eq!(open::<f32>(&path, 0).unwrap().row_names(), None);
    whole(text(&["a", "b"]), text(&["a", "b", "c", "d", "e"]));
    for most in [0, 1000] {
        let error = open::<f32>(&path, most).unwrap_err().to_string();
        assert!(error.contains("there are 2 names, but 3 are needed"), "{error}");
    }
}

fn written(dir: &Path) -> PathBuf {
    let path = dir.join("v.npz");
    let columns = (0..4000).flat_map(|i| [i % 7, 7 + i % 11, 18 + i % 32]).collect::<Vec<u32>>();
    let values = (0..12_000).map(|i| 0.5 + (i * 31 % 101) as f32).collect::<Vec<_>>();
    let v =
        Csr::<f32>::new(4000, 50, (0..=4000).map(|i| 3 * i).collect::<Vec<_>>(), columns, values).unwrap();
    convert(&AnyTable::Sparse(SparseTable::by_rows(v)), &path).unwrap();
    path
}

/// Fault 52: whatever happens to the file while a fit reads it.
#[test]
fn an_archive_that_is_changed_or_cut_in_the_middle_of_a_fit_is_named() {
    let cut = |path: &Path| OpenOptions::new().write(true).open(path).unwrap().set_len(60_000).unwrap();
    let changed = |path: &Path| {
        let mut file = OpenOptions::new().write(true).open(path).unwrap();
        file.seek(SeekFrom::Start(90_000)).unwrap();
        file.write_all(&7.0_f32.to_le_bytes()).unwrap();
        // a clock may be coarse
        file.set_modified(SystemTime::now() + Duration::from_secs(2)).unwrap();
    };
    let cases: [(Happens, &str); 2] = [(cut, "cut short"), (changed, "changed while")];
    for (happens, says) in cases {
        let dir = tempfile::tempdir().unwrap();
        let path = written(dir.path());
        ends_in_the_middle(&path, happens, says);
    }
}

#[test]
fn an_archive_that_is_replaced_or_removed_stays_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let path = written(dir.path());
    let nmf = Nmf::new(4).max_iter(5);
    let whole = nmf.fit(&loaded::<f32>(&path)).unwrap();
    let table = Source::open(&path, &ReadOptions::default()).unwrap().read_within::<f32>(0).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert_eq!(nmf.fit(&table).unwrap().w, whole.w);
}
