//! One matrix in every way that h5py, anndata and loompy keep one, and what is not read. `data/cells/make.py` wrote the files.

mod common;

use std::io::Read;
use std::path::{Path, PathBuf};

use common::rows;
use orthant_io::{
    AnyTable, Extent, IoError, Order, Precision, ReadOptions, Remark, Scalar, Source, read_any,
};

const N: [[f64; 3]; 4] = [[1.0, 0.0, 2.0], [0.0; 3], [0.0, 3.0, 0.0], [4.0, 5.0, 0.0]];
const OBS: &str = "AAAC AAAG AACC AACG";

fn packed(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/cells").join(format!("{name}.gz"))
}

fn layer(name: &str) -> ReadOptions {
    ReadOptions { layer: Some(name.to_owned()), ..ReadOptions::default() }
}

fn read<T: Scalar>(name: &str, options: &ReadOptions) -> Result<AnyTable<T>, IoError> {
    read_any(packed(name), options)
}

fn is_n<T: Scalar>(table: &AnyTable<T>, cols: &str, what: &str) {
    assert_eq!(rows(table), N, "{what}");
    assert_eq!(table.row_names().unwrap().join(" "), OBS, "{what}");
    assert_eq!(table.col_names().unwrap().join(" "), cols, "{what}");
}

#[test]
fn every_type_of_elements_and_indices() {
    for name in ["types_earliest.h5", "types_v114.h5"] {
        let elements =
            "i1 i2 i4 i8 u1 u2 u4 u8 f2 f4 f8 >i2 >i4 >i8 >u2 >u4 >f2 >f4 >f8".split(' ').map(str::to_owned);
        let indices = "i1 i2 i4 i8 u1 u2 u4 u8 >i4 >u8".split(' ').map(|dtype| format!("index {dtype}"));
        for dtype in elements.chain(indices) {
            let source = Source::open(packed(name), &layer(&dtype)).unwrap();
            let single = ["f2", "f4", ">f2", ">f4"].contains(&dtype.as_str());
            assert_eq!(source.precision() == Precision::Float32, single, "{dtype}");
            is_n(&source.read_any::<f64>().unwrap(), "TP53 MYC MYC-1", &dtype);
            is_n(&read::<f32>(name, &layer(&dtype)).unwrap(), "TP53 MYC MYC-1", &dtype);
        }
        let truth = rows(&read::<f64>(name, &layer("bool")).unwrap());
        assert_eq!(truth, N.map(|row| row.map(|x| f64::from(u8::from(x != 0.0)))));
        for (dtype, of) in [("complex", "compound"), ("long double", "f128")] {
            let error = read::<f64>(name, &layer(dtype)).unwrap_err();
            assert!(matches!(error, IoError::UnsupportedDtype { .. }), "{error}");
            assert!(error.to_string().contains(of), "{error}");
        }
    }
}

#[test]
fn every_storage() {
    for name in ["storage_earliest.h5", "storage_v114.h5"] {
        for way in [
            "contiguous",
            "compact",
            "chunks of 1",
            "chunks of 2",
            "growing",
            "gzip",
            "gzip 9, shuffled, summed",
            "lzf",
            "lzf, shuffled",
            "summed",
            "text of any length",
            "text of any length, ascii",
            "text of a length",
            "text of any length, packed",
        ] {
            is_n(&read::<f64>(name, &layer(way)).unwrap(), "TP53 MYC MYC-1", way);
        }
    }
}

#[test]
fn filters_that_are_not_read_are_named() {
    for filter in ["blosc2", "bitshuffle", "bzip2", "lz4", "zstd"] {
        let error = read::<f64>("filters.h5", &layer(filter)).unwrap_err();
        let IoError::UnsupportedFilter { filter: found, .. } = &error else { panic!("{filter}: {error}") };
        assert_eq!(found, filter);
        assert!(error.to_string().contains("write the file again with gzip"), "{error}");
    }
    let error = read::<f64>("dense_zstd.h5ad", &ReadOptions::default()).unwrap_err().to_string();
    assert!(error.contains("/X is packed by zstd, which is not read"), "{error}");
}

#[test]
fn files_by_anndata() {
    for (name, order, precision, sparse) in [
        ("plain.h5ad", Order::RowMajor, Precision::Float32, true),
        ("gzip.h5ad", Order::RowMajor, Precision::Float32, true),
        ("lzf.h5ad", Order::ColMajor, Precision::Float64, true),
        ("dense_gzip.h5ad", Order::RowMajor, Precision::Float32, false),
        ("dense_lzf.h5ad", Order::RowMajor, Precision::Float64, false),
        ("scanpy.h5ad", Order::RowMajor, Precision::Float32, true),
    ] {
        let source = Source::open(packed(name), &ReadOptions::default()).unwrap();
        assert_eq!(source.precision(), precision, "{name}");
        assert_eq!(source.extent(), Some(Extent { rows: 4, cols: 3, nnz: sparse.then_some(5) }), "{name}");
        let table = source.read_any::<f64>().unwrap();
        let found = match &table {
            AnyTable::Dense(table) => (table.order(), false),
            AnyTable::Sparse(table) => (table.order(), true),
            AnyTable::OutOfCore(_) => unreachable!("it was read"),
        };
        assert_eq!(found, (order, sparse), "{name}");
        is_n(&table, "TP53 MYC MYC", name);
    }
    is_n(&read::<f64>("scanpy.h5ad", &layer("counts")).unwrap(), "TP53 MYC MYC", "counts");
    let raw = read::<f64>("scanpy.h5ad", &layer("raw")).unwrap();
    assert_eq!(rows(&raw), N.map(|row| [row, row].concat()));
    assert_eq!(raw.col_names().unwrap().join(" "), "a b c d e f");
}

#[test]
fn files_by_older_versions_of_anndata() {
    for version in ["0.7.8", "0.8.0", "0.10.9"] {
        let name = format!("anndata_{version}.h5ad");
        is_n(&read::<f64>(&name, &ReadOptions::default()).unwrap(), "TP53 MYC EGFR", &name);
        is_n(&read::<f64>(&name, &layer("dense")).unwrap(), "TP53 MYC EGFR", &name);
    }
    // tables were records
    let table = read::<f64>("anndata_0.6.22.post1.h5ad", &ReadOptions::default()).unwrap();
    assert_eq!((rows(&table), table.row_names(), table.col_names()), (N.map(Vec::from).to_vec(), None, None));
}

#[test]
fn more_than_one_block_in_chunks_of_any_size() {
    let names = (0..5).map(|at| format!("chunks_{at}.h5ad"));
    for name in names.chain(["chunks_growing.h5ad".to_owned(), "chunks_latest.h5ad".to_owned()]) {
        let AnyTable::Dense(table) = read::<f32>(&name, &ReadOptions::default()).unwrap() else {
            panic!("X is dense")
        };
        assert_eq!((table.nrows(), table.ncols()), (1300, 130));
        let wrong = table.data().iter().enumerate().find(|&(i, &x)| x != (i * 7 % 251) as f32);
        assert_eq!(wrong, None, "{name}");
    }
    // what the library does not read: several unlimited sides in the latest format, and packed chunks in that of HDF5 2.0
    for name in ["chunks_tree.h5ad", "hdf5_2.h5ad"] {
        let error = read::<f32>(name, &ReadOptions::default()).unwrap_err();
        assert!(matches!(error, IoError::UnsupportedFormat { .. }), "{error}");
        assert!(error.to_string().contains("write it again with the default format"), "{error}");
    }
    let error = read::<f64>("vector.h5ad", &ReadOptions::default()).unwrap_err();
    assert!(matches!(&error, IoError::NotAMatrix { shape, .. } if shape == &[2]), "{error}");
}

#[test]
fn what_was_never_written() {
    let at = |layer: &str| rows(&read::<f64>("filled.h5ad", &self::layer(layer)).unwrap());
    assert_eq!(at("X"), [[0.0, 0.0], [5.0, 6.0], [0.0, 0.0]]);
    assert_eq!(at("filled"), [[7.0, 7.0], [5.0, 6.0], [7.0, 7.0]]);
    assert_eq!(at("unwritten"), [[0.0, 0.0]; 3]);
}

#[test]
fn parts_that_are_no_matrix() {
    let table = read::<f64>("broken.h5", &layer("whole")).unwrap();
    is_n(&table, "TP53 MYC MYC-1", "whole");
    let table = read::<f64>("broken.h5", &layer("names that are numbers")).unwrap();
    assert_eq!(table.row_names().unwrap().join(" "), "7 8 9 10");
    assert_eq!(table.col_names().unwrap().join(" "), "4 5 6");
    for (group, want) in [
        ("few offsets", "4 offsets (indptr), but 5 are needed"),
        ("falling offsets", "line 1 ends before it begins"),
        ("negative offset", "element 1 of /negative offset/indptr is -1"),
        ("index outside", "entry 4, in line 3, has index 3, outside 0 to 2"),
        ("huge index", "element 4 of /huge index/indices is 1099511627776"),
        ("few values", "5 indices and 4 values, but the last offset (indptr) says 5"),
        ("inexact", "row 3, column 1 (counting from 0): -9007199254740993 has no exact"),
        ("three sides", "the shape must be two numbers"),
        ("many rows", "1099511627776×3 with 5 entries: at most 4194304 rows or columns"),
        ("many columns", "4×1099511627776 with 5 entries: at most 4194304 rows or columns"),
        ("few barcodes", "/few barcodes/barcodes has 1 names for 4"),
        ("many genes", "/many genes/gene_names has 4 names for 3"),
        ("real indices", "/real indices/indices must be integers"),
    ] {
        let error = read::<f64>("broken.h5", &layer(group)).unwrap_err().to_string();
        assert!(error.contains(want), "{group}: {error}");
    }
    let error = read::<f32>("broken.h5", &layer("beyond single")).unwrap_err().to_string();
    assert!(error.contains("row 3, column 1 (counting from 0): 1e300 is beyond"), "{error}");
    // no matrix, and not among those that there are
    let error = read::<f64>("broken.h5", &layer("no data")).unwrap_err();
    let IoError::NoLayer { available, .. } = error else { panic!("{error}") };
    assert!(available.contains(&"whole".to_owned()) && !available.contains(&"no data".to_owned()));
}

#[test]
fn types_of_features() {
    let all = read::<f64>("multiome.h5", &ReadOptions::default()).unwrap();
    is_n(&all, "TP53 CD3 MYC", "all");
    let counts = vec![("Gene Expression".to_owned(), 2), ("Antibody Capture".to_owned(), 1)];
    assert_eq!(all.remarks(), [Remark::FeatureTypes { counts }]);
    let said = all.remarks()[0].to_string();
    assert!(said.contains(r#""Gene Expression" (2), "Antibody Capture" (1)"#), "{said}");
    for (kind, names, columns) in
        [("Gene Expression", "TP53 MYC", &[0, 2][..]), ("Antibody Capture", "CD3", &[1])]
    {
        let options = ReadOptions { feature_type: Some(kind.to_owned()), ..ReadOptions::default() };
        let source = Source::open(packed("multiome.h5"), &options).unwrap();
        let extent = source.extent().unwrap();
        assert_eq!((extent.rows, extent.cols), (4, columns.len() as u64));
        let table = source.read_any::<f64>().unwrap();
        let want: Vec<Vec<f64>> = N.iter().map(|row| columns.iter().map(|&j| row[j]).collect()).collect();
        assert_eq!((rows(&table), table.col_names().unwrap().join(" ").as_str()), (want, names));
        assert_eq!((table.row_names().unwrap().join(" ").as_str(), table.remarks()), (OBS, &[][..]));
    }
    let options = ReadOptions { feature_type: Some("Peaks".to_owned()), ..ReadOptions::default() };
    let error = read::<f64>("multiome.h5", &options).unwrap_err().to_string();
    assert!(
        error.ends_with("of type 'Peaks' in it; there are: Gene Expression, Antibody Capture"),
        "{error}"
    );
    for name in ["plain.h5ad", "plain.loom", "chunks_0.h5ad"] {
        let error = read::<f64>(name, &options).unwrap_err();
        assert!(
            matches!(&error, IoError::NoFeatureType { available, .. } if available.is_empty()),
            "{error}"
        );
    }
}

#[test]
fn loom() {
    for (name, cols) in
        [("plain.loom", "TP53 MYC MYC-1"), ("layers.loom", "TP53 MYC MYC-1"), ("anndata.loom", "a b c")]
    {
        let source = Source::open(packed(name), &ReadOptions::default()).unwrap();
        assert_eq!(source.extent(), Some(Extent { rows: 4, cols: 3, nnz: None }), "{name}");
        let AnyTable::Dense(table) = source.read_any::<f64>().unwrap() else { panic!("{name} is dense") };
        assert_eq!(table.order(), Order::ColMajor);
        is_n(&AnyTable::Dense(table), cols, name);
    }
    let spliced = rows(&read::<f64>("layers.loom", &layer("spliced")).unwrap());
    assert_eq!(spliced, N.map(|row| row.map(|x| 2.0 * x)));
    let error = read::<f64>("layers.loom", &layer("unspliced")).unwrap_err();
    assert!(matches!(&error, IoError::NoLayer { available, .. } if available == &["spliced"]), "{error}");
}

/// Datasets that say they are large, in a file that is not.
#[test]
fn memory_is_for_what_is_there() {
    let mut bytes = Vec::new();
    let file = std::fs::File::open(packed("chunks_0.h5ad")).unwrap();
    flate2::read::GzDecoder::new(file).read_to_end(&mut bytes).unwrap();
    let side = 1300_u64.to_le_bytes();
    let places: Vec<usize> = (0..bytes.len() - 8).filter(|&at| bytes[at..at + 8] == side).collect();
    assert!(!places.is_empty());
    let mut refused = 0;
    for at in places {
        let mut bytes = bytes.clone();
        bytes[at..at + 8].copy_from_slice(&(1_u64 << 40).to_le_bytes());
        let source = Source::from_reader("x.h5ad", &bytes[..], None, &ReadOptions::default());
        match source.and_then(Source::read_any::<f64>) {
            // a limit to which it might grow
            Ok(table) => assert_eq!(table.nrows(), 1300),
            Err(error) => {
                refused += usize::from(error.to_string().contains("elements, but has 676000 bytes"))
            }
        }
    }
    assert_eq!(refused, 1);
}
