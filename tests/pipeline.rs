//! From a file to a model and back, through the crates' public faces.

use orthant::{Dense, Nmf};
use orthant_io::{Names, ReadOptions, SavedModel, read_matrix, write_matrix};

#[test]
fn a_saved_model_transforms_as_the_fitted_one() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("v.npy");
    let v = Dense::from_fn(50, 30, |i, j| ((i * 7 + j * 3) % 11) as f64 + (i * j) as f64 / 100.0);
    write_matrix(&path, v.view(), Names::default()).unwrap();

    let table = read_matrix::<f64>(&path, &ReadOptions::default()).unwrap();
    let fit = Nmf::new(4).fit(&table).unwrap();
    let model = dir.path().join("model.safetensors");
    SavedModel::new(fit.model.clone()).save(&model).unwrap();
    let loaded = SavedModel::<f64>::load(&model).unwrap();
    assert_eq!(loaded.model, fit.model);

    let new = Dense::from_fn(7, 30, |i, j| ((i + j) % 5) as f64);
    let (a, b) = (fit.model.transform(&new).unwrap(), loaded.model.transform(&new).unwrap());
    assert_eq!(a, b);
    let approximation = loaded.model.inverse_transform(&fit.w).unwrap();
    let squares: f64 =
        v.as_slice().iter().zip(approximation.as_slice()).map(|(x, y)| (x - y) * (x - y)).sum();
    assert!((squares.sqrt() - fit.report.reconstruction_error).abs() < 1e-10 * squares.sqrt());
}

/// The first lines of the README, as they stand there.
#[test]
fn the_readme_begins_with_a_fit() -> Result<(), Box<dyn std::error::Error>> {
    std::env::set_current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))?;
    let dir = tempfile::tempdir()?;
    let lines = [
        r#"let v = orthant_io::read_matrix::<f64>("examples/basket.csv", &Default::default())?;"#,
        "let fit = orthant::Nmf::new(2).fit(&v)?;",
        r#"println!("{:.3?}", fit.model.components().row(0)); // [0.000, 0.000, 0.000, 0.556, 0.444]"#,
        r#"fit.model.save("basket.safetensors")?;"#,
    ];
    let readme = std::fs::read_to_string("README.md")?;
    assert!(lines.iter().all(|line| readme.contains(line)), "the README says something else than this test");
    let v = read_matrix::<f64>("examples/basket.csv", &Default::default())?;
    let fit = Nmf::new(2).fit(&v)?;
    assert_eq!(format!("{:.3?}", fit.model.components().row(0)), "[0.000, 0.000, 0.000, 0.556, 0.444]");
    fit.model.save(dir.path().join("basket.safetensors"))?;
    Ok(())
}
