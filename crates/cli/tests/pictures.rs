//! Pictures in colour, and folders of pictures.

mod common;

use std::path::Path;

use common::{dir, file, run};
use orthant_io::{Names, ReadOptions, read_matrix, write_matrix};

/// A picture of 3×2 pixels with these grey levels in its rows.
fn picture(path: impl AsRef<Path>, rows: [f64; 2]) {
    let levels: Vec<f64> = rows.iter().flat_map(|&level| [level; 3]).collect();
    let view = orthant::View::row_major(&levels, 2, 3).unwrap();
    write_matrix(path, view, Names::default()).unwrap();
}

#[test]
fn a_picture_in_colour_is_said_to_be_read_as_grey_levels() {
    let d = dir();
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../io/tests/data");
    for (name, says) in [("colour_8.png", 1), ("grey_8.png", 0)] {
        std::fs::copy(data.join(name), d.path().join(name)).unwrap();
        let ran = run(d.path(), &format!("fit {name} -k 1 --max-iter 50 -o out")).ends(0);
        let colour = format!("orthant: warning: {name}: colour was read as grey levels; ");
        assert_eq!(ran.err.matches(&colour).count(), says, "{}", ran.err);
    }
}

#[test]
fn a_folder_is_a_matrix_with_a_picture_a_row() {
    let d = dir();
    let images = d.path().join("images");
    std::fs::create_dir(&images).unwrap();
    picture(images.join("b.png"), [0.0, 200.0]);
    picture(images.join("a.png"), [100.0, 0.0]);
    picture(images.join("c.png"), [100.0, 200.0]);
    let ran = run(d.path(), "fit images -k 2 -o out").ends(0);
    assert!(ran.out.starts_with("images: 3×6, float64, 2 components; "), "{}", ran.out);
    assert_eq!(ran.err, "");
    let w = read_matrix::<f64>(d.path().join("out/W.csv"), &ReadOptions::default()).unwrap();
    assert_eq!(w.row_names().unwrap(), ["a.png", "b.png", "c.png"]);
    run(d.path(), "reconstruct out -o v.npy").ends(0);
    let v = read_matrix::<f64>(d.path().join("v.npy"), &ReadOptions::default()).unwrap();
    let rows = [[100.0, 0.0], [0.0, 200.0], [100.0, 200.0]];
    let exact = rows.iter().flat_map(|[above, below]| [[*above; 3], [*below; 3]].concat());
    assert!(v.data().iter().zip(exact).all(|(found, exact)| (found - exact).abs() < 1.0), "{v:?}");
    // new pictures under the same parts
    file(d.path(), "images/notes.txt", "none");
    let ran = run(d.path(), "transform out images").ends(0);
    assert!(ran.out.lines().nth(1).unwrap().starts_with("a.png,"), "{}", ran.out);
    assert!(ran.err.contains("images: 1 file is neither png nor jpg"), "{}", ran.err);
    // results never overwrite what they were made of
    picture(images.join("W.npy.png"), [1.0, 2.0]);
    std::fs::rename(images.join("W.npy.png"), images.join("d.png")).unwrap();
    run(d.path(), "fit images -k 1 -q -o images").ends(0);

    let wide = orthant::View::row_major(&[1.0; 8], 2, 4).unwrap();
    write_matrix(images.join("e.png"), wide, Names::default()).unwrap();
    let ran = run(d.path(), "fit images -k 1 -o none").ends(1);
    assert!(
        ran.err.contains("images/e.png: 4×2 pixels of 8 bits, but images/a.png has 3×2 pixels of 8 bits; "),
        "{}",
        ran.err
    );
}
