//! A model as a file that the command and Python read too: `model PATH` saves one there, or reads the one that is there, and prints
//! its components.

use std::path::PathBuf;

use orthant::{Dense, Model, Nmf};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let given = std::env::args_os().nth(1).map(PathBuf::from);
    let folder = tempfile::tempdir()?;
    let path = given.unwrap_or_else(|| folder.path().join("model.safetensors"));
    if !path.exists() {
        let v = Dense::from_fn(60, 5, |i, j| (i * j) as f64 + ((59 - i) * (4 - j)) as f64);
        let model = Nmf::new(2).fit(&v)?.model;
        model.save(&path)?;
        assert_eq!(Model::load(&path)?, model);
    }
    print(&Model::load(&path)?);
    Ok(())
}

#[expect(clippy::print_stdout, reason = "an example shows its result")]
fn print(model: &Model<f64>) {
    for t in 0..model.rank() {
        let row: Vec<String> = model.components().row(t).iter().map(ToString::to_string).collect();
        println!("{}", row.join(" "));
    }
}
