//! What the command says and returns when something is wrong.

mod common;

use common::{COUNTS, Ran, dir, file, listing, run};

/// An npy file of doubles.
fn npy(shape: (usize, usize), values: &[f64]) -> Vec<u8> {
    let header = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': {shape:?}, }}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.bytes());
    bytes.extend(values.iter().flat_map(|x| x.to_le_bytes()));
    bytes
}

#[track_caller]
fn says(ran: Ran, code: i32, message: &str) {
    let ran = ran.ends(code);
    assert_eq!(ran.err, format!("orthant: error: {message}\n"));
}

#[test]
fn bad_data_is_named_by_file_line_row_and_column() {
    let d = dir();
    let cases: [(&str, Vec<u8>, &str); 9] = [
        (
            "text.csv",
            b"x,y\n1,2\n3,four\n".to_vec(),
            "text.csv: line 3, field 2 (row 1, column 1 \"y\"): 'four' is not a number",
        ),
        (
            "ragged.csv",
            b"1,2\n\n3\n".to_vec(),
            "ragged.csv: line 3 has 1 fields, but the lines before it have 2",
        ),
        (
            "negative.csv",
            b"id,x,y\na,1,2\nb,3,-0.5\n".to_vec(),
            "negative.csv: line 3, field 3 (row 1 \"b\", column 1 \"y\"): -0.5 is negative; every entry must be at least 0",
        ),
        (
            "nan.txt",
            b"1 2\nnan 3\n".to_vec(),
            "nan.txt: line 2, field 1 (row 1, column 0): NaN is not finite; every entry must be a number of at least 0: take missing values as not observed by --missing nan, fill them in, or leave out their rows or columns",
        ),
        (
            "negative.npy",
            npy((2, 2), &[1.0, 2.0, -3.0, 4.0]),
            "negative.npy: row 1, column 0 (counting from 0): -3 is negative; every entry must be at least 0",
        ),
        ("empty.csv", b"".to_vec(), "empty.csv: 0 rows and 0 columns: there is nothing to factorise"),
        (
            "header.csv",
            b"id,7,z\n1,2,3\n".to_vec(),
            "header.csv: line 1, field 3 (row 0 \"id\", column 1): 'z' is not a number; if this line is a header although it \
             has numbers in it, say --header yes",
        ),
        (
            "labels.csv",
            b"a,1\n2,3\n".to_vec(),
            "labels.csv: line 2 begins with the number 2, but the first column looked like names of rows; say which it is \
             by --labels yes or --labels no",
        ),
        (
            "data.xyz",
            b"1\x002".to_vec(),
            "data.xyz: neither text nor another kind of file that can be read: tables of text (csv, tsv and their kin), npy, npz, \
             mtx, xlsx, ods, h5ad, h5 (10x), png, jpg, and these packed as gz, bz2, xz, zst or zip",
        ),
    ];
    for (name, content, message) in cases {
        file(d.path(), name, content);
        says(run(d.path(), &format!("fit {name} -k 1 -q -o out")), 1, message);
        assert!(!d.path().join("out").exists(), "{name}: nothing is left behind");
    }
    let whole = npy((2, 2), &[1.0; 4]);
    file(d.path(), "cut.npy", &whole[..whole.len() - 5]);
    let message = format!(
        "cut.npy: cut short: it should have {} bytes but ends after {}",
        whole.len(),
        whole.len() - 5
    );
    says(run(d.path(), "fit cut.npy -k 1 -o out"), 1, &message);
    let ran = run(d.path(), "fit missing.csv -k 1 -o out").ends(1);
    assert!(ran.err.starts_with("orthant: error: cannot read missing.csv: "), "{}", ran.err);
}

#[test]
fn the_way_out_that_an_error_names_works() {
    let d = dir();
    file(d.path(), "header.csv", "id,7,z\n1,2,3\n");
    assert!(
        run(d.path(), "fit header.csv --header yes -k 1 --print").ends(0).out.starts_with("header.csv: 1×3")
    );
    file(d.path(), "labels.csv", "a,1\n2,3\n");
    assert!(
        run(d.path(), "fit labels.csv --labels yes -k 1 --print").ends(0).out.starts_with("labels.csv: 2×1")
    );
}

#[test]
fn wrong_arguments_end_with_2() {
    let d = dir();
    file(d.path(), "v.csv", "1,2\n3,4\n");
    for (args, message) in [
        ("fit v.csv -o out", "--components <K>"),
        ("fit v.csv -k 2", "--out <OUT>"),
        ("fit v.csv -k 0 -o out", "a whole number of at least 1 is needed"),
        ("fit v.csv -k -3 -o out", "a whole number of at least 1 is needed"),
        ("fit v.csv -k two -o out", "a whole number of at least 1 is needed"),
        (
            "fit v.csv -k 2 --solver gauss -o out",
            "possible values: auto, hals, cd, newton, mm, joint-mm, mu, als, anls, pg",
        ),
        (
            "fit v.csv -k 2 --init zeros -o out",
            "possible values: random, scaled-random, nndsvd, nndsvda, nndsvdar",
        ),
        (
            "fit v.csv -k 2 --solver newton -o out",
            "newton goes with kullback-leibler, frobenius with auto, hals, cd, mm, mu, als, anls and pg",
        ),
        (
            "fit v.csv -k 2 --solver cd --sweeps 3 -o out",
            "a number of sweeps with cd and loss frobenius is not supported",
        ),
        ("fit v.csv -k 2 --minibatch --sweeps 3 -o out", "'--minibatch' cannot be used with '--sweeps <N>'"),
        (
            "fit v.csv -k 2 --minibatch --extrapolate on -o out",
            "'--minibatch' cannot be used with '--extrapolate",
        ),
        ("fit v.csv -k 2 --solver accelerated -o out", "invalid value 'accelerated' for '--solver <SOLVER>'"),
        ("fit v.csv -k 2 --l1-ratio 0.5 -o out", "give --alpha-w or --alpha-h too"),
        (
            "fit v.csv -k 2 --alpha-w 1 --l1-ratio 1.5 -o out",
            "a number from 0 (all L2) to 1 (all L1) is needed",
        ),
        ("fit v.csv -k 2 --alpha-w -1 -o out", "a number of at least 0 is needed"),
        ("fit v.csv -k 2 --alpha-h nan -o out", "a number of at least 0 is needed"),
        ("fit v.csv -k 2 --tol inf -o out", "a number of at least 0 is needed"),
        ("fit v.csv -k 2 --max-seconds 1e300 -o out", "--max-seconds is more than can be counted"),
        ("fit v.csv -k 2 --max-iter 0 -o out", "a whole number of at least 1 is needed"),
        ("fit v.csv -k 2 --threads 0 -o out", "a whole number of at least 1 is needed"),
        ("fit v.csv -k 2 --seed -1 -o out", "unexpected argument"),
        ("fit v.csv -k 2 --f32 --f64 -o out", "cannot be used with"),
        ("fit v.csv -k 2 --bogus -o out", "unexpected argument '--bogus'"),
        ("factorise v.csv", "unrecognized subcommand"),
        ("reconstruct out -o out.bmp", "must end in .npy, .csv, .tsv, .png or .json"),
        ("transform out v.csv -o W.mat", "must end in .npy, .csv, .tsv, .png or .json"),
    ] {
        let ran = run(d.path(), args).ends(2);
        assert!(ran.err.starts_with("orthant: error: ") && ran.err.contains(message), "{args}: {}", ran.err);
        assert!(ran.out.is_empty() && !d.path().join("out").exists(), "{args}");
    }
    let ran = run(d.path(), "").ends(2);
    assert!(ran.err.starts_with("Non-negative matrix factorization") && ran.err.contains("Examples:"));
}

#[test]
fn help_teaches() {
    let d = dir();
    let ran = run(d.path(), "--help").ends(0);
    for word in ["a sample", "components", "--transpose", "Examples:", "Exit codes:"] {
        assert!(ran.out.contains(word), "{word}");
    }
    assert!(ran.out.lines().all(|l| l.chars().count() <= 100));
    for command in ["fit", "transform", "reconstruct", "topics", "demo"] {
        let ran = run(d.path(), &format!("{command} --help")).ends(0);
        assert!(ran.out.contains("Usage: orthant"), "{}", ran.out);
        assert_eq!(ran.err, "");
    }
    assert!(run(d.path(), "--version").ends(0).out.starts_with("orthant 0."));
}

#[test]
fn blas_is_refused_by_name_where_it_is_not_built_in() {
    let d = dir();
    file(d.path(), "v.csv", "1,2\n3,4\n");
    let ran = run(d.path(), "fit v.csv -k 1 --products blas -o out");
    if cfg!(feature = "openblas") {
        ran.ends(0);
    } else {
        let ran = ran.ends(2);
        assert!(ran.err.contains("openblas"), "{}", ran.err);
        assert!(!d.path().join("out").exists());
    }
}

#[test]
fn models_and_new_data_that_do_not_fit_together() {
    let d = dir();
    file(d.path(), "counts.csv", COUNTS);
    run(d.path(), "fit counts.csv -k 2 -q -o out").ends(0);

    file(d.path(), "narrow.csv", "1,2,3\n");
    says(
        run(d.path(), "transform out narrow.csv"),
        1,
        "narrow.csv: 3 columns, but the model in out was fitted to 5",
    );
    file(d.path(), "mixed.csv", "doc,apple,plum,pear,bolt,nut\nn,1,2,3,4,5\n");
    says(
        run(d.path(), "transform out mixed.csv"),
        1,
        "mixed.csv: column 1 (counting from 0) is \"plum\", but \"pear\" in the data that out was fitted to: put the \
         columns in the same order, or say --match-names",
    );
    file(d.path(), "negative.csv", "1,2,3,4,-5\n");
    says(
        run(d.path(), "transform out negative.csv"),
        1,
        "negative.csv: line 1, field 5 (row 0, column 4): -5 is negative; every entry must be at least 0",
    );
    says(
        run(d.path(), "reconstruct out --weights narrow.csv -o x.npy"),
        1,
        "narrow.csv: 3 columns, but the model has 2 components",
    );
    let model = std::fs::read(d.path().join("out/model.safetensors")).unwrap();
    file(d.path(), "cut.safetensors", &model[..model.len() - 1]);
    let ran = run(d.path(), "transform cut.safetensors counts.csv").ends(1);
    assert!(ran.err.contains("cut.safetensors: not a valid model file: cut short"), "{}", ran.err);
    let ran = run(d.path(), "transform . counts.csv").ends(1);
    assert!(ran.err.contains("model.safetensors: No such file"), "{}", ran.err);
}

#[test]
fn a_fit_that_fails_leaves_the_previous_results() {
    let d = dir();
    file(d.path(), "good.csv", COUNTS);
    run(d.path(), "fit good.csv -k 2 -q -o out").ends(0);
    let content = |d: &std::path::Path| -> Vec<Vec<u8>> {
        listing(d).iter().map(|n| std::fs::read(d.join(n)).unwrap()).collect()
    };
    let out = d.path().join("out");
    let before = content(&out);

    file(d.path(), "bad.csv", "1,2\n3,-4\n");
    run(d.path(), "fit bad.csv -k 2 -q -o out").ends(1);
    assert!(content(&out) == before);

    // a file where the directory should be
    file(d.path(), "occupied", "mine");
    let ran = run(d.path(), "fit good.csv -k 2 -o occupied").ends(1);
    assert!(ran.err.starts_with("orthant: error: cannot write occupied: "), "{}", ran.err);
}

/// A limit on the size of files stands for a full disk: the write that crosses it fails.
#[cfg(unix)]
#[test]
fn a_full_disk_leaves_the_previous_results() {
    let d = dir();
    let rows: String = (0..3000).map(|i| format!("{},{}\n", i % 7, i % 5)).collect();
    file(d.path(), "v.csv", rows);
    run(d.path(), "fit v.csv -k 2 --seed 1 -q -o out").ends(0);
    let out = d.path().join("out");
    let names = listing(&out);
    let before: Vec<_> = names.iter().map(|n| std::fs::read(out.join(n)).unwrap()).collect();
    // W.npy needs 48 kB; the limit is in blocks of 512 bytes, or of 1024 in some shells
    let script = format!(
        "trap '' XFSZ; ulimit -f 20; exec {} fit v.csv -k 2 --seed 2 -q -o out",
        env!("CARGO_BIN_EXE_orthant")
    );
    let output =
        std::process::Command::new("sh").arg("-c").arg(script).current_dir(d.path()).output().unwrap();
    let ran = Ran::from(output).ends(1);
    assert!(ran.err.starts_with("orthant: error: cannot write out/W.npy: "), "{}", ran.err);
    assert_eq!(listing(&out), names, "no temporary file is left");
    let after: Vec<_> = names.iter().map(|n| std::fs::read(out.join(n)).unwrap()).collect();
    assert!(before == after);
}

#[cfg(unix)]
#[test]
fn a_reader_that_goes_away_is_no_error() {
    use std::process::Stdio;
    let d = dir();
    let rows: String = (0..20_000).map(|i| format!("{},{}\n", i % 7, i % 5)).collect();
    file(d.path(), "v.csv", rows);
    let mut child = common::orthant(d.path())
        .args(["fit", "v.csv", "-k", "2", "--print", "-q"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let ran = Ran::from(child.wait_with_output().unwrap()).ends(0);
    assert_eq!(ran.err, "");
}
