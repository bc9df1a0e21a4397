//! Pictures in colour, and folders of pictures.

mod common;

use std::path::Path;

use common::{dir, file, run};
use orthant_io::{Names, ReadOptions, read_matrix, write_colour, write_matrix};

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
        let colour = format!(
            "orthant: warning: {name}: colour was read as grey levels; --channels keeps red, green and blue\n"
        );
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

/// The levels of the channels of a picture side by side.
fn channels(path: impl AsRef<Path>) -> orthant_io::Table<f64> {
    read_matrix(path, &ReadOptions { channels: true, ..ReadOptions::default() }).unwrap()
}

/// A picture of 2×4 pixels whose channels are each a column times a row, so that three components are enough.
const COLOUR: [[f64; 12]; 2] = [
    [10.0, 20.0, 30.0, 40.0, 80.0, 60.0, 40.0, 20.0, 0.0, 0.0, 100.0, 100.0],
    [40.0, 80.0, 120.0, 160.0, 40.0, 30.0, 20.0, 10.0, 0.0, 0.0, 200.0, 200.0],
];

#[test]
fn a_picture_keeps_its_colour() {
    let d = dir();
    let d = d.path();
    let view = orthant::View::row_major(COLOUR.as_flattened(), 2, 12).unwrap();
    write_colour(d.join("photo.png"), view).unwrap();
    let ran = run(d, "fit photo.png --channels -k 2 --tol 1e-9 --max-iter 5000 -o photo").ends(0);
    assert!(
        ran.out.starts_with("photo.png: 2×12, float64, 2 components; ") && ran.err.is_empty(),
        "{}{}",
        ran.out,
        ran.err
    );
    run(d, "reconstruct photo -q -o small.png").ends(0);
    let small = channels(d.join("small.png"));
    assert_eq!((small.nrows(), small.ncols()), (2, 12));
    let near = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| (a - b).abs() <= 1.0);
    assert!(near(small.data(), COLOUR.as_flattened()), "{:?}", small.data());
    // other formats have the channels side by side, and new pictures are read likewise
    run(d, "reconstruct photo -q -o small.npy").ends(0);
    let v = read_matrix::<f64>(d.join("small.npy"), &ReadOptions::default()).unwrap();
    assert!(near(v.data(), COLOUR.as_flattened()));
    run(d, "transform photo photo.png --channels -q -o w.npy").ends(0);
    let ran = run(d, "transform photo photo.png -q -o w.npy").ends(1);
    assert!(ran.err.contains("4 columns, but the model in photo was fitted to 12"), "{}", ran.err);

    file(d, "v.csv", "1,2\n3,4\n");
    let ran = run(d, "fit v.csv --channels -k 1 -o out").ends(2);
    assert!(ran.err.contains("v.csv: --channels is for pictures, and this is none"), "{}", ran.err);
    let ran = run(d, "fit photo.png --channels --transpose -k 1 -o out").ends(2);
    assert!(ran.err.contains("cannot be used with"), "{}", ran.err);
}

#[test]
fn a_picture_is_drawn_beside_what_is_left_of_it() {
    let d = dir();
    let d = d.path();
    let levels = [[200.0, 0.0, 100.0], [0.0, 50.0, 0.0], [100.0, 0.0, 50.0]];
    let view = orthant::View::row_major(levels.as_flattened(), 3, 3).unwrap();
    write_matrix(d.join("grey.png"), view, Names::default()).unwrap();
    run(d, "fit grey.png -k 1 --tol 1e-12 --max-iter 5000 -q -o out").ends(0);
    let ran = run(d, "reconstruct out -o both.png --beside grey.png").ends(0);
    // of the best of rank 1 the 50 alone is missing: 50/√(200² + 2·100² + 50² + 50²)
    let error = 50.0 / 65000_f64.sqrt();
    let said = format!("relative error {error:.6}; W and H have 6 numbers, 66.7 % of the 9 of the picture\n");
    assert!(ran.out.ends_with(&said), "{}\n{said}", ran.out);
    let both = read_matrix::<f64>(d.join("both.png"), &ReadOptions::default()).unwrap();
    let row = |i: usize| (0..both.ncols()).map(|j| both.view().at(i, j)).collect::<Vec<_>>();
    assert_eq!(row(0), [&[200.0, 0.0, 100.0][..], &[200.0; 6], &[200.0, 0.0, 100.0]].concat());
    assert_eq!(row(1), [&[0.0, 50.0, 0.0][..], &[200.0; 6], &[0.0; 3]].concat());
    assert_eq!(run(d, "reconstruct out -q -o both.png --beside grey.png").ends(0).out, "");

    // in colour
    let view = orthant::View::row_major(COLOUR.as_flattened(), 2, 12).unwrap();
    write_colour(d.join("photo.png"), view).unwrap();
    run(d, "fit photo.png --channels -k 2 --tol 1e-9 --max-iter 5000 -q -o photo").ends(0);
    run(d, "reconstruct photo -o both.png --beside photo.png").ends(0);
    let both = channels(d.join("both.png"));
    assert_eq!((both.nrows(), both.ncols()), (2, 3 * 14));
    for (i, channel, x) in (0..2).flat_map(|i| (0..12).map(move |j| (i, j / 4, j % 4))) {
        let exact = COLOUR[i][4 * channel + x];
        let at = |x: usize| both.view().at(i, 14 * channel + x);
        assert!(at(x) == exact && (at(x + 10) - exact).abs() <= 1.0, "{i}, {channel}, {x}");
    }

    file(d, "v.csv", "1,2\n3,4\n");
    run(d, "fit v.csv -k 1 -q -o table").ends(0);
    for (args, code, message) in [
        (
            "out -o both.npy --beside grey.png",
            2,
            "--beside draws a picture: let the name of --out end in .png",
        ),
        (
            "out -o both.png --beside photo.png",
            1,
            "photo.png: not the picture that the model in out/model.safetensors",
        ),
        ("table -o both.png --beside v.csv", 2, "--beside goes with the fit of a picture"),
        ("out -o grey.png --beside grey.png", 1, "cannot write grey.png: it is an input file"),
        ("out -o both.png --beside grey.png --weights out/W.npy", 2, "cannot be used with"),
    ] {
        let ran = run(d, &format!("reconstruct {args}")).ends(code);
        assert!(ran.err.contains(message), "{args}: {}", ran.err);
    }
}

#[test]
fn the_parts_of_a_folder_are_drawn_as_one_picture() {
    let d = dir();
    let d = d.path();
    // the upper row of pixels, the lower one, and both: two parts
    std::fs::create_dir(d.join("grey")).unwrap();
    for (name, rows) in [("a.png", [100.0, 0.0]), ("b.png", [0.0, 200.0]), ("c.png", [100.0, 200.0])] {
        picture(d.join("grey").join(name), rows);
    }
    run(d, "fit grey -k 2 --tol 1e-9 -q -o out").ends(0);
    run(d, "show out --parts parts.png").ends(0);
    let parts = read_matrix::<f64>(d.join("parts.png"), &ReadOptions::default()).unwrap();
    // tiles of 3×2 pixels, each drawn as 12×12, and gaps of 6
    assert_eq!((parts.nrows(), parts.ncols()), (2 * 12 + 12, 2 * 36 + 18));
    let at = |tile: usize, row: usize| parts.view().at(6 + 12 * row + 5, 6 + 42 * tile + 5);
    let mut found = [0, 1].map(|tile| [0, 1].map(|row| at(tile, row)));
    found.sort_by(|a, b| a[0].total_cmp(&b[0]));
    assert_eq!(found, [[0.0, 255.0], [255.0, 0.0]]);
    assert!((parts.view().at(0, 0) - 200.0).abs() < 0.5);

    // of red and of blue pictures the parts are red and blue
    std::fs::create_dir(d.join("colour")).unwrap();
    for (name, levels) in
        [("a.png", [90.0, 90.0, 0.0, 0.0, 0.0, 0.0]), ("b.png", [0.0, 0.0, 0.0, 0.0, 30.0, 30.0])]
    {
        write_colour(d.join("colour").join(name), orthant::View::row_major(&levels, 1, 6).unwrap()).unwrap();
    }
    run(d, "fit colour --channels -k 2 --tol 1e-9 -q -o colours").ends(0);
    run(d, "show colours --parts parts.png").ends(0);
    let parts = channels(d.join("parts.png"));
    let width = parts.ncols() / 3;
    let at = |tile: usize| [0, 1, 2].map(|channel| parts.view().at(8, channel * width + 6 + 30 * tile + 3));
    let mut found = [at(0), at(1)];
    found.sort_by(|a, b| a[0].total_cmp(&b[0]));
    assert_eq!(found, [[0.0, 0.0, 255.0], [255.0, 0.0, 0.0]]);
    let ran = run(d, "reconstruct colours -o v.png").ends(2);
    assert!(ran.err.contains("colours: its rows are pictures in colour"), "{}", ran.err);
    run(d, "reconstruct colours -q -o v.npy").ends(0);

    run(d, "fit grey/a.png -k 1 -q -o one").ends(0);
    run(d, "fit grey --transpose -k 1 -q -o turned").ends(0);
    for (args, message) in [
        ("one --parts p.png", "--parts draws the components of a folder of pictures"),
        ("turned --parts p.png", "--parts draws the components of a folder of pictures"),
        ("out --parts p.npy", "--parts p.npy: its name has to end in .png"),
    ] {
        let ran = run(d, &format!("show {args}")).ends(2);
        assert!(ran.err.contains(message), "{args}: {}", ran.err);
    }
    assert!(!d.join("p.png").exists());
}
