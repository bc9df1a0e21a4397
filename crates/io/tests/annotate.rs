//! Results in copies of AnnData's files. `data/cells/check_obsm.py` holds them against what anndata and h5py read.

use std::io::Read;
use std::path::Path;

use hdf5_pure::{AttrValue, File};
use orthant::View;
use orthant_io::{Annotation, IoError, Parameter, ReadOptions, Staged, check_annotatable, read_any};

fn unpacked(name: &str, to: &Path) {
    let mut bytes = Vec::new();
    let packed = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(format!("{name}.gz"));
    flate2::read::GzDecoder::new(std::fs::File::open(packed).unwrap()).read_to_end(&mut bytes).unwrap();
    std::fs::write(to, bytes).unwrap();
}

const W: [f64; 8] = [0.5, 1.0, 0.0, 2.0, 0.25, 0.0, 3.0, 4.0];
const H: [f64; 6] = [0.5, 0.25, 0.25, 0.0, 1.0, 0.125];

#[test]
fn factors_are_added_and_all_else_stays() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.h5ad");
    for name in [
        "cells/scanpy.h5ad",
        "cells/plain.h5ad",
        "cells/dense_gzip.h5ad",
        "cells/anndata_0.7.8.h5ad",
        "cells/anndata_0.10.9.h5ad",
        "sparse/layers.h5ad",
    ] {
        unpacked(name, &path);
        check_annotatable(&path).unwrap();
        let before = std::fs::read(&path).unwrap();
        let parameters = [
            ("loss", Parameter::Text("kl".into())),
            ("seed", Parameter::Integer(-3)),
            ("error", Parameter::Real(0.5)),
        ];
        let results = Annotation {
            name: "NMF",
            weights: View::row_major(&W, 4, 2).unwrap(),
            components: View::row_major(&H, 2, 3).unwrap(),
            parameters: &parameters,
        };
        let out = dir.path().join("out");
        // the second time over the first
        for from in [path.clone(), out.join("x.h5ad")] {
            let from = from.canonicalize().unwrap();
            let mut staged = Staged::in_dir(&out).unwrap();
            staged.h5ad("x.h5ad", &from, &results).unwrap();
            staged.commit().unwrap();
        }
        assert!(std::fs::read(&path).unwrap() == before, "{name}");
        let file = File::open(out.join("x.h5ad")).unwrap();
        let w = file.dataset("obsm/NMF").unwrap();
        assert_eq!((w.shape().unwrap(), w.read_f64().unwrap()), (vec![4, 2], W.to_vec()), "{name}");
        let h = file.dataset("varm/NMF").unwrap();
        let turned = vec![0.5, 0.0, 0.25, 1.0, 0.25, 0.125];
        assert_eq!((h.shape().unwrap(), h.read_f64().unwrap()), (vec![3, 2], turned), "{name}");
        assert_eq!(h.attrs().unwrap()["encoding-type"].as_str(), Some("array"), "{name}");
        let uns = file.group("uns/NMF").unwrap();
        assert_eq!(uns.attrs().unwrap().get("encoding-type").and_then(AttrValue::as_str), Some("dict"));
        assert_eq!(uns.dataset("loss").unwrap().read_string().unwrap(), ["kl"]);
        assert_eq!(uns.dataset("loss").unwrap().shape().unwrap(), [0_u64; 0]);
        assert_eq!(uns.dataset("seed").unwrap().read_i64().unwrap(), [-3]);
        assert_eq!(uns.dataset("error").unwrap().read_f64().unwrap(), [0.5]);
        if name == "cells/scanpy.h5ad" {
            assert_eq!(file.dataset("obsm/X_pca").unwrap().read_f64().unwrap(), [1.0; 8]);
            assert_eq!(file.dataset("uns/neighbors/params/n_neighbors").unwrap().read_i64().unwrap(), [15]);
        }
        let read = |path: &Path| read_any::<f64>(path, &ReadOptions::default()).unwrap();
        let (old, new) = (read(&path), read(&out.join("x.h5ad")));
        assert_eq!((old.row_names(), old.col_names()), (new.row_names(), new.col_names()), "{name}");
        assert_eq!(format!("{old:?}"), format!("{new:?}").replace("/out/x.h5ad", "/x.h5ad"), "{name}");
    }
}

#[test]
fn files_to_which_nothing_can_be_added() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x");
    for (name, want) in [
        ("cells/multiome.h5", "not an AnnData file"),
        ("cells/plain.loom", "not an AnnData file"),
        ("sparse/other.h5", "not an AnnData file"),
    ] {
        unpacked(name, &path);
        let error = check_annotatable(&path).unwrap_err();
        assert!(matches!(error, IoError::UnsupportedFormat { .. }), "{error}");
        assert!(error.to_string().contains(want), "{name}: {error}");
    }
    for bytes in [&b""[..], b"1,2\n", b"\x1f\x8b", b"\x89HDF\r\n\x1a\n"] {
        std::fs::write(&path, bytes).unwrap();
        assert!(check_annotatable(&path).unwrap_err().to_string().contains("no h5ad file"));
    }
}
