//! The model file: round trips, and files that are not models.

use std::fs;
use std::path::Path;

use orthant::file::FileError;
use orthant::{BatchOptions, Dense, Error, InitKind, Loss, Method, Model, Nmf, Options, Penalty, Stop};
use orthant_io::{
    AnySavedModel, AnyTable, Fingerprint, FitSummary, IoError, Order, Precision, ReadOptions, SavedModel,
    Scalar, Table, read_any,
};
use proptest::prelude::*;

fn model<T: Scalar>(values: &[f64], k: usize, n: usize) -> Model<T> {
    let h = values.iter().map(|&x| T::from_f64(x)).collect();
    Model::from_components(Dense::from_vec(h, k, n).unwrap(), Penalty::default()).unwrap()
}

fn bytes<T: Scalar>(saved: &SavedModel<T>) -> Vec<u8> {
    let mut out = Vec::new();
    saved.write_to(&mut out).unwrap();
    out
}

/// A safetensors file from a header and its data.
fn raw(header: &str, data: &[u8]) -> Vec<u8> {
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend(header.as_bytes());
    file.extend(data);
    file
}

fn load(bytes: &[u8]) -> Result<SavedModel<f64>, IoError> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model.safetensors");
    fs::write(&path, bytes).unwrap();
    SavedModel::load(&path)
}

#[test]
fn a_fitted_model_comes_back_whole() {
    let table = Table::new((0..20).map(|i| f64::from(i % 7)).collect(), 5, 4, Order::ColMajor).unwrap();
    let penalty = Penalty { alpha_w: 0.1 + 0.2, alpha_h: Some(1.0 / 3.0), l1_ratio: 0.7 };
    let options = Options { penalty, seed: 9, max_iter: 7, ..Options::new(2, Method::hals().sweeps(3)) };
    let fit = Nmf::<f64>::from_options(options.clone()).fit(&table).unwrap();
    let mut saved = SavedModel::new(fit.model);
    saved.manifest.options = Some(options);
    saved.manifest.input = Some(table.fingerprint());
    saved.manifest.columns = Some(["a", "b", "c \"d\"", "é"].map(str::to_owned).to_vec());
    saved.manifest.report = Some(FitSummary::of(&fit.report));
    let back = load(&bytes(&saved)).unwrap();
    assert_eq!(back, saved);
    assert_eq!(back.model.penalty(), penalty);
}

#[test]
fn either_precision() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("m.safetensors");
    SavedModel::new(model::<f32>(&[0.1, 2.0], 1, 2)).save(&path).unwrap();
    let AnySavedModel::F32(saved) = AnySavedModel::load(&path).unwrap() else { panic!() };
    assert_eq!(saved.model.components().as_slice(), [0.1_f32, 2.0]);
    let error = SavedModel::<f64>::load(&path).unwrap_err();
    assert!(matches!(error, IoError::ModelPrecision { found: Precision::Float32, .. }), "{error}");
}

/// The same file of a later format.
fn newer(file: &[u8]) -> Vec<u8> {
    let (mut newer, key) = (file.to_vec(), br#"\"format\":1"#);
    let at = newer.windows(key.len()).position(|w| w == key).unwrap() + key.len() - 1;
    newer[at] = b'2';
    newer
}

#[test]
fn every_cut_and_the_wrong_contents_are_typed() {
    let good = bytes(&SavedModel::new(model::<f64>(&[1.0, 2.0, 3.0, 4.0], 2, 2)));
    for cut in 0..good.len() {
        let error = load(&good[..cut]).unwrap_err();
        assert!(matches!(error, IoError::Corrupt { format: "model", .. }), "{cut}: {error}");
    }
    // an entry made negative, another made NaN
    let at = good.len() - 8;
    for (value, negative) in [(-1.0, true), (f64::NAN, false)] {
        let mut bad = good.clone();
        bad[at..].copy_from_slice(&f64::to_le_bytes(value));
        let IoError::ModelInvalid { source, .. } = load(&bad).unwrap_err() else { panic!() };
        assert_eq!(matches!(source, Error::Negative { row: 1, col: 1, .. }), negative, "{source}");
    }
    assert!(matches!(load(&newer(&good)), Err(IoError::ModelVersion { found: 2, supported: 1, .. })));
    assert!(load(b"PK\x03\x04 and so on").is_err());
    // another program's safetensors file
    let foreign = raw(r#"{"H":{"dtype":"F64","shape":[1,1],"data_offsets":[0,8]}}"#, &[0; 8]);
    assert!(load(&foreign).unwrap_err().to_string().contains("without the manifest"));
    // sizes that would overflow when added up
    let huge = raw(
        r#"{"H":{"dtype":"U8","shape":[18446744073709551615],"data_offsets":[0,18446744073709551615]}}"#,
        &[0; 8],
    );
    assert!(load(&huge).unwrap_err().to_string().contains("beyond the file"));
}

#[test]
fn what_could_not_be_read_back_is_not_written() {
    let mut saved = SavedModel::new(model::<f64>(&[1.0, 2.0], 1, 2));
    saved.manifest.columns = Some(vec!["one".into()]);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("m.safetensors");
    let error = saved.save(&path).unwrap_err();
    assert!(error.to_string().contains("1 column names for 2 features"), "{error}");
    saved.manifest.columns = None;
    saved.manifest.options =
        Some(Options { stop: Some(Stop::Progress { tol: f64::INFINITY }), ..Options::new(1, Method::cd()) });
    assert!(saved.save(&path).is_err());
    assert!(!path.exists());
}

/// The crate's own functions, which know no `orthant-io`, have the same file.
#[test]
fn the_crate_alone_has_the_same_file() {
    fn of<T: Scalar>(model: Model<T>) {
        let dir = tempfile::tempdir().unwrap();
        let (mine, other) = (dir.path().join("mine"), dir.path().join("other"));
        model.save(&mine).unwrap();
        let saved = SavedModel::new(model.clone());
        saved.save(&other).unwrap();
        assert_eq!(fs::read(&mine).unwrap(), fs::read(&other).unwrap());
        assert_eq!(SavedModel::<T>::load(&mine).unwrap(), saved);
        assert_eq!(Model::<T>::load(&other).unwrap(), model);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2, "nothing is left beside them");
    }
    // numbers whose digits do not suffice, a subnormal, and everything else that a model has
    let numbers = [0.1, 1.0 / 3.0, 5e-324, 1e300, 0.0, 2.5];
    let penalty = Penalty { alpha_w: 0.1 + 0.2, alpha_h: Some(1.0 / 3.0), l1_ratio: 0.7 };
    let h = Dense::from_vec(numbers.to_vec(), 2, 3).unwrap();
    let model = Model::from_components(h, penalty).unwrap();
    of(model.clone().with_loss(Loss::Beta(1.1)).unwrap());
    of(model.with_column_weights(&[1.0 / 7.0, 0.0, 3.0]).unwrap());
    of(self::model::<f32>(&[0.1, 1e-40, 2.0], 1, 3).with_loss(Loss::ItakuraSaito).unwrap());

    // what Python wrote, in an earlier version too: the numbers are those of the bytes
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("../python/tests/data");
    let path = python.join("model-0.1.0.safetensors");
    let read = Model::<f64>::load(&path).unwrap();
    assert_eq!((read.rank(), read.n_features(), read.loss()), (2, 5, Loss::KullbackLeibler));
    assert_eq!(read.penalty().alpha_w, 0.01);
    let bytes = fs::read(&path).unwrap();
    let last = f64::from_le_bytes(bytes[bytes.len() - 8..].try_into().unwrap());
    assert_eq!(read.components()[(1, 4)], last);
    let batches = Model::<f32>::load(python.join("minibatch-0.1.0.safetensors")).unwrap();
    assert_eq!((batches.rank(), batches.n_features()), (2, 5));
}

#[test]
fn the_crate_names_what_is_wrong_with_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("m.safetensors");
    let load = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        Model::<f64>::load(&path).unwrap_err()
    };
    let model = model::<f64>(&[1.0, 2.0, 3.0, 4.0], 2, 2);
    let good = bytes(&SavedModel::new(model.clone()));
    for cut in 0..good.len() {
        let error = load(&good[..cut]);
        assert!(matches!(error, FileError::Corrupt { .. }), "{cut}: {error}");
        assert!(error.to_string().starts_with(&*path.to_string_lossy()), "{error}");
    }
    let mut negative = good.clone();
    *negative.last_mut().unwrap() |= 0x80;
    assert!(matches!(load(&negative), FileError::Invalid { source: Error::Negative { .. }, .. }));
    let single = bytes(&SavedModel::new(self::model::<f32>(&[1.0], 1, 1)));
    assert!(matches!(load(&single), FileError::Precision { found: Precision::Float32, .. }));
    assert!(matches!(load(&newer(&good)), FileError::Version { found: 2, supported: 1, .. }));
    assert!(matches!(Model::<f64>::load(dir.path().join("none")), Err(FileError::Read { .. })));

    // a file that cannot be replaced is as it was
    fs::write(&path, "before").unwrap();
    let error = model.save(path.join("below a file")).unwrap_err();
    assert!(matches!(error, FileError::Write { .. }), "{error}");
    assert_eq!(fs::read(&path).unwrap(), b"before");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

/// Others may read it as far as they may read any file of this process, and a link stays one.
#[cfg(unix)]
#[test]
fn a_file_of_the_crate_is_like_any_other() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let dir = tempfile::tempdir().unwrap();
    let (plain, path, link) = (dir.path().join("plain"), dir.path().join("m"), dir.path().join("link"));
    fs::write(&plain, "").unwrap();
    symlink(&path, &link).unwrap();
    let model = model::<f64>(&[1.0, 2.0], 1, 2);
    model.save(&path).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(&path), mode(&plain));
    let model = model.with_loss(Loss::KullbackLeibler).unwrap();
    model.save(&link).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(Model::load(&path).unwrap(), model);
    model.save("/dev/null").unwrap();
    assert!(!fs::metadata("/dev/null").unwrap().is_file());
}

/// Models in any format that serde has; what is no model is refused.
#[test]
fn models_and_matrices_are_serialised() {
    let h = Dense::from_vec(vec![0.1, 1.0 / 3.0, 1e-300, 0.0], 2, 2).unwrap();
    let text = serde_json::to_string(&h).unwrap();
    assert_eq!(text, r#"{"data":[0.1,0.3333333333333333,1e-300,0.0],"nrows":2,"ncols":2}"#);
    assert_eq!(serde_json::from_str::<Dense<f64>>(&text).unwrap(), h);
    let wrong = text.replace(r#""ncols":2"#, r#""ncols":3"#);
    assert!(serde_json::from_str::<Dense<f64>>(&wrong).unwrap_err().to_string().contains("2×3"));
    let huge = r#"{"data":[],"nrows":18446744073709551615,"ncols":18446744073709551615}"#;
    assert!(serde_json::from_str::<Dense<f32>>(huge).is_err());

    let model = Model::from_components(h, Penalty { alpha_w: 0.3, ..Penalty::default() }).unwrap();
    let model = model.with_loss(Loss::Beta(0.5)).unwrap().with_column_weights(&[0.25, 1.0 / 3.0]).unwrap();
    let text = serde_json::to_string(&model).unwrap();
    assert_eq!(serde_json::from_str::<Model<f64>>(&text).unwrap(), model);
    for (right, wrong, why) in [
        ("0.1", "-0.1", "negative"),
        (r#""alpha_w":0.3"#, r#""alpha_w":-1.0"#, "alpha"),
        (r#"{"beta":0.5}"#, r#""itakura_saito""#, "column weights"),
        ("[0.25,", "[0.25,1.0,", "weights"),
    ] {
        assert!(text.contains(right), "{text}");
        let error = serde_json::from_str::<Model<f64>>(&text.replacen(right, wrong, 1)).unwrap_err();
        assert!(error.to_string().contains(why), "{error}");
    }
}

/// A model file with one component 1 2 and this manifest.
fn with_manifest(manifest: &str) -> Vec<u8> {
    let tensors = r#""H":{"dtype":"F64","shape":[1,2],"data_offsets":[0,16]}"#;
    let manifest = serde_json::to_string(manifest).unwrap();
    let header = format!(r#"{{"__metadata__":{{"orthant":{manifest}}},{tensors}}}"#);
    raw(&header, &[1.0_f64, 2.0].map(f64::to_le_bytes).concat())
}

/// A manifest that leaves out what has a default.
const SHORT: &str = r#"{"format":1,"orthant":"0.1.0","dtype":"float64",
"penalty":{"alpha_w":0.0,"alpha_h":null,"l1_ratio":0.0},
"options":{"rank":1,"method":{"mu":"frobenius"},"stop":{"error_decrease":{"tol":0.0001}},"max_iter":200,
"penalty":{"alpha_w":0.0,"alpha_h":null,"l1_ratio":0.0},"seed":4,"products":"fused"},
"input":null,"columns":null,"report":null}"#;

#[test]
fn what_a_manifest_leaves_out_has_its_default() {
    let saved = load(&with_manifest(SHORT)).unwrap();
    assert_eq!((saved.model.loss(), saved.manifest.loss), (Loss::Frobenius, Loss::Frobenius));
    let stop = Some(Stop::ErrorDecrease { tol: 1e-4 });
    let options = Options { seed: 4, stop, ..Options::new(1, Method::mu(Loss::Frobenius)) };
    assert_eq!(saved.manifest.options, Some(options));
    let mu = r#"{"mu":"frobenius"}"#;
    let error = load(&with_manifest(&SHORT.replace(mu, r#""steepest""#))).unwrap_err();
    assert!(error.to_string().contains("a method is a loss, an update"), "{error}");
    let batches = |text| serde_json::from_str::<BatchOptions>(text).unwrap();
    assert_eq!(batches(r#"{"batch_size":5}"#), BatchOptions { batch_size: 5, ..BatchOptions::default() });
    assert_eq!(batches(r#"{"max_no_improvement":null}"#).max_no_improvement, None);
}

/// Methods as they are written, and as they were when one name stood for loss, update and extrapolation.
#[test]
fn methods_written_earlier_are_read() {
    let is = Loss::ItakuraSaito;
    for (text, method) in [
        (
            r#"{"loss":"frobenius","update":"pg","extrapolate":null,"sweeps":null}"#,
            Method::projected_gradient(),
        ),
        (
            r#"{"loss":{"beta":0.5},"update":"mm","extrapolate":true}"#,
            Method::mm(Loss::Beta(0.5)).extrapolated(),
        ),
        (r#"{"loss":"kullback_leibler","update":"newton","sweeps":4}"#, Method::newton().sweeps(4)),
        (r#"{"auto":"kullback_leibler"}"#, Method::auto(Loss::KullbackLeibler)),
        (r#"{"accelerated":{"sweeps":3}}"#, Method::hals().extrapolated().sweeps(3)),
        (r#""cd""#, Method::cd()),
        (r#"{"hals":{"sweeps":null}}"#, Method::hals()),
        (r#"{"mu":"frobenius"}"#, Method::mu(Loss::Frobenius)),
        (r#"{"newton":{"sweeps":2}}"#, Method::newton().sweeps(2)),
        (r#"{"accelerated_newton":{"sweeps":null}}"#, Method::newton().extrapolated()),
        (r#"{"mm":"itakura_saito"}"#, Method::mm(is)),
        (r#"{"accelerated_mm":"itakura_saito"}"#, Method::mm(is).extrapolated()),
        (r#""joint_mm""#, Method::joint_mm()),
        (r#""accelerated_joint_mm""#, Method::joint_mm().extrapolated()),
        (r#""als""#, Method::als()),
        (r#""anls""#, Method::anls()),
        (r#""projected_gradient""#, Method::projected_gradient()),
    ] {
        assert_eq!(serde_json::from_str::<Method>(text).unwrap(), method, "{text}");
        let written = serde_json::to_string(&method).unwrap();
        assert_eq!(serde_json::from_str::<Method>(&written).unwrap(), method, "{written}");
    }
}

/// The hashes are those of Python's xxhash over scipy's `indptr.astype("<u8")`, `indices.astype("<u4")` and `data`.
#[test]
fn fingerprints_of_sparse_tables() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/sparse");
    fn of<T: Scalar>(path: std::path::PathBuf) -> Fingerprint {
        let AnyTable::Sparse(table) = read_any::<T>(path, &ReadOptions::default()).unwrap() else {
            panic!("the files are sparse")
        };
        table.fingerprint()
    }
    let by_rows = of::<f64>(data.join("csr.npz"));
    let by_columns = of::<f64>(data.join("csc.npz"));
    assert_eq!(by_rows.xxh3_128, "8d70d0af8acb54f96b23e19504e89878");
    assert_eq!(by_columns.xxh3_128, "6230dfbfa71c7a2563a26e9ede2c9a47");
    assert_eq!(of::<f32>(data.join("csr.npz")).xxh3_128, "da4190db242706c2de00255a12315f22");
    assert_eq!((by_rows.order, by_columns.order), (Order::RowMajor, Order::ColMajor));
    assert_eq!((by_rows.rows, by_rows.cols, by_rows.nnz), (4, 3, Some(5)));
    // one matrix, one fingerprint, whatever the file
    for name in ["coo.npz", "untidy.npz", "index_big.npz", "real.mtx"] {
        assert_eq!(of::<f64>(data.join(name)), by_rows, "{name}");
    }
    // entries are a part of a fingerprint only where there are such
    let json = serde_json::to_value(&by_rows).unwrap();
    assert_eq!(json["nnz"], 5);
    assert_eq!(serde_json::from_value::<Fingerprint>(json).unwrap(), by_rows);
    let before = r#"{"rows":1,"cols":2,"order":"row_major","dtype":"float64","xxh3_128":"00"}"#;
    let dense: Fingerprint = serde_json::from_str(before).unwrap();
    assert_eq!(dense.nnz, None);
    assert_eq!(serde_json::to_string(&dense).unwrap(), before);
}

#[test]
fn every_loss_comes_back_and_a_wrong_one_is_an_error() {
    let minibatch = BatchOptions { batch_size: 7, max_no_improvement: None, ..Default::default() };
    for loss in [Loss::KullbackLeibler, Loss::ItakuraSaito, Loss::Beta(-0.5), Loss::Beta(1.0 / 3.0)] {
        let mut saved = SavedModel::new(model::<f64>(&[1.0, 2.0], 1, 2).with_loss(loss).unwrap());
        saved.manifest.options = Some(Options {
            init: Some(InitKind::ExactNndsvda),
            shuffle: true,
            minibatch: Some(minibatch.clone()),
            ..Options::new(1, Method::mu(loss))
        });
        let back = load(&bytes(&saved)).unwrap();
        assert_eq!(back, saved);
        assert_eq!(back.model.loss(), loss);
    }
    let with_loss = |loss: &str| {
        let manifest = SHORT.replacen(r#""options""#, &format!(r#""loss":{loss},"options""#), 1);
        load(&with_manifest(&manifest))
    };
    assert_eq!(with_loss(r#"{"beta":0.5}"#).unwrap().model.loss(), Loss::Beta(0.5));
    for wrong in [r#"{"beta":null}"#, r#"{"beta":1e999}"#, r#""hellinger""#, "null"] {
        let error = with_loss(wrong).unwrap_err();
        assert!(matches!(error, IoError::Corrupt { .. }), "{wrong}: {error}");
    }
    // nor is one written
    let mut saved = SavedModel::new(model::<f64>(&[1.0, 2.0], 1, 2));
    saved.manifest.loss = Loss::Beta(f64::NAN);
    assert!(saved.write_to(&mut Vec::new()).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn components_round_trip_to_the_bit(
        (k, n, values) in (1_usize..5, 1_usize..6).prop_flat_map(|(k, n)| {
            (Just(k), Just(n), proptest::collection::vec(0.0..1e300_f64, k * n))
        }),
    ) {
        let saved = SavedModel::new(model::<f64>(&values, k, n));
        prop_assert_eq!(load(&bytes(&saved)).unwrap(), saved);
    }

    #[test]
    fn damaged_bytes_never_panic(at in 0_usize..600, byte in any::<u8>(), cut in 0_usize..700) {
        let mut file = bytes(&SavedModel::new(model::<f64>(&[1.0; 12], 3, 4)));
        let at = at % file.len();
        file[at] = byte;
        file.truncate(cut.max(1));
        let _ = load(&file);
        let _ = AnySavedModel::load(Path::new("no such file"));
    }
}
