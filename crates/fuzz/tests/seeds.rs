//! The seeds that are no text: what they are made of. `ORTHANT_WRITE=1 cargo test -p orthant-fuzz --test seeds` writes them anew.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use orthant::{Dense, Nmf, Penalty};
use orthant_fuzz::checkpoints;
use orthant_io::{AnySavedModel, ReadOptions, SavedModel, read_checkpoint, read_matrix};

/// A JPEG file of 20×12 pixels.
fn jpeg(colour: ColorType, set: impl Fn(&mut Encoder<&mut Vec<u8>>)) -> Vec<u8> {
    let channels = if colour == ColorType::Luma { 1 } else { 3 };
    let samples: Vec<u8> = (0..20 * 12 * channels).map(|i| (i * i % 251) as u8).collect();
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, 80);
    set(&mut encoder);
    encoder.encode(&samples, 20, 12, colour).unwrap();
    file
}

/// A PNG file of 5×3 pixels.
fn png(colour: png::ColorType, depth: png::BitDepth, palette: &[u8]) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, 5, 3);
    encoder.set_color(colour);
    encoder.set_depth(depth);
    if !palette.is_empty() {
        encoder.set_palette(palette);
    }
    let mut writer = encoder.write_header().unwrap();
    let bytes = 3 * (5 * colour.samples() * depth as usize).div_ceil(8);
    writer.write_image_data(&(0..bytes).map(|i| (i * 37) as u8).collect::<Vec<_>>()).unwrap();
    writer.finish().unwrap();
    file
}

fn model(folder: &Path, single: bool) -> Vec<u8> {
    let path = folder.join("m.safetensors");
    if single {
        let h = Dense::from_vec(vec![1.0_f32, 2.0, 0.0, 0.5], 2, 2).unwrap();
        SavedModel::new(orthant::Model::from_components(h, Penalty::default()).unwrap()).save(&path).unwrap();
    } else {
        let v = Dense::from_fn(6, 4, |i, j| (i * j % 5) as f64);
        let mut saved = SavedModel::new(Nmf::new(2).fit(&v).unwrap().model);
        saved.manifest.columns = Some(["a", "b", "c", "d"].map(str::to_owned).to_vec());
        saved.attachments.insert("text".into(), "[0.5, 2.0]".into());
        saved.save(&path).unwrap();
    }
    fs::read(path).unwrap()
}

fn made(folder: &Path) -> BTreeMap<&'static str, Vec<u8>> {
    use png::BitDepth::{Eight, Four, One, Sixteen};
    use png::ColorType::{Grayscale, GrayscaleAlpha, Indexed, Rgba};
    let colours: Vec<u8> = (0..48).map(|i| i * 5).collect();
    BTreeMap::from([
        ("jpeg/grey", jpeg(ColorType::Luma, |_| ())),
        ("jpeg/colour", jpeg(ColorType::Rgb, |e| e.set_sampling_factor(SamplingFactor::R_4_2_0))),
        ("jpeg/progressive", jpeg(ColorType::Rgb, |e| e.set_progressive(true))),
        ("jpeg/restarts", jpeg(ColorType::Rgb, |e| e.set_restart_interval(1))),
        ("png/bits", png(Grayscale, One, &[])),
        ("png/alpha", png(GrayscaleAlpha, Sixteen, &[])),
        ("png/palette", png(Indexed, Four, &colours)),
        ("png/rgba", png(Rgba, Eight, &[])),
        ("model/single", model(folder, true)),
        ("model/double", model(folder, false)),
    ])
}

#[test]
fn seeds_are_whole_files() {
    let scratch = tempfile::tempdir().unwrap();
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds");
    let made = made(scratch.path()).into_iter().map(|(name, bytes)| (name.to_owned(), bytes));
    for (name, bytes) in made.chain(checkpoints::seeds()) {
        let path = seeds.join(&name);
        if std::env::var_os("ORTHANT_WRITE").is_some() {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, bytes).unwrap();
        }
        if name.starts_with("model") {
            AnySavedModel::load(&path).unwrap();
        } else if name.starts_with("checkpoint") {
            read_checkpoint(&path).unwrap();
        } else if name.starts_with("state") {
            assert!(fs::metadata(&path).unwrap().len() > 500);
        } else {
            read_matrix::<f64>(&path, &ReadOptions::default()).unwrap();
        }
    }
}
