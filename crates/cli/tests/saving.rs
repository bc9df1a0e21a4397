//! Results are of one fit, whoever else writes there, and are saved whatever becomes of standard output.

mod common;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use common::{COUNTS, Ran, dir, file, listing, orthant, run};
use orthant_io::{Fingerprint, Names, ReadOptions, SavedModel, read_matrix, write_matrix};

const UNNAMED: [&str; 4] = ["H.npy", "W.npy", "model.safetensors", "report.json"];

/// `names.csv`, `plain.csv` with the same numbers, and a folder of texts.
fn data() -> tempfile::TempDir {
    let d = dir();
    file(d.path(), "names.csv", COUNTS);
    let numbers: String = COUNTS.lines().skip(1).map(|line| format!("{}\n", &line[3..])).collect();
    file(d.path(), "plain.csv", numbers);
    fs::create_dir(d.path().join("docs")).unwrap();
    for (i, words) in
        ["apple pear plum", "apple pear fig", "bolt nut gear", "bolt nut cog"].iter().enumerate()
    {
        file(d.path(), &format!("docs/{i}.txt"), format!("{words} and {words}\n"));
    }
    d
}

/// The number of components of the fit in a folder, whose files belong together.
#[track_caller]
fn whole(out: &Path) -> usize {
    let read = |name: &str| read_matrix::<f64>(out.join(name), &ReadOptions::default()).unwrap();
    let (w, h) = (read("W.npy"), read("H.npy"));
    let saved = SavedModel::<f64>::load(out.join("model.safetensors")).unwrap();
    assert_eq!(saved.manifest.weights, Some(w.fingerprint()));
    assert_eq!(saved.model.components().as_slice(), h.data());
    let report: serde_json::Value =
        serde_json::from_slice(&fs::read(out.join("report.json")).unwrap()).unwrap();
    let fingerprint =
        |name: &str| serde_json::from_value::<Fingerprint>(report["factors"][name].clone()).unwrap();
    assert_eq!([fingerprint("W"), fingerprint("H")], [w.fingerprint(), h.fingerprint()]);
    w.ncols()
}

/// The crate's `Model::save` and `Model::load`, and the command.
#[test]
fn models_go_from_the_crate_to_the_command_and_back() {
    let d = data();
    let d = d.path();
    run(d, "fit plain.csv -k 2 --loss kl -q -o o").ends(0);
    let model = orthant::Model::<f64>::load(d.join("o/model.safetensors")).unwrap();
    let v = read_matrix::<f64>(d.join("plain.csv"), &ReadOptions::default()).unwrap();
    model.save(d.join("mine.safetensors")).unwrap();
    run(d, "transform mine.safetensors plain.csv -q -o mine.npy").ends(0);
    run(d, "transform o plain.csv -q -o other.npy").ends(0);
    let read = |name| read_matrix::<f64>(d.join(name), &ReadOptions::default()).unwrap().into_data();
    assert_eq!(read("mine.npy"), model.transform(&v).unwrap().into_vec());
    assert_eq!(read("mine.npy"), read("other.npy"));
}

#[test]
fn files_of_an_earlier_result_are_gone() {
    let d = data();
    let (d, out) = (d.path(), d.path().join("o"));
    run(d, "fit names.csv -k 2 -q -o o").ends(0);
    file(&out, "notes.txt", "mine");
    run(d, "fit plain.csv -k 3 -q -o o").ends(0);
    assert_eq!(listing(&out), ["H.npy", "W.npy", "model.safetensors", "notes.txt", "report.json"]);
    assert_eq!(whole(&out), 3);
    fs::remove_file(out.join("notes.txt")).unwrap();

    run(d, "topics docs -k 2 --min-df 1 -q -o o").ends(0);
    assert_eq!(listing(&out).len(), 8);
    run(d, "fit names.csv -k 2 -q -o o").ends(0);
    assert_eq!(listing(&out), ["H.csv", "H.npy", "W.csv", "W.npy", "model.safetensors", "report.json"]);
    run(d, "fit plain.csv -k 2 -q -o o").ends(0);
    assert_eq!(listing(&out), UNNAMED);

    // the shares of other documents
    run(d, "topics docs -k 2 --min-df 1 -q -o t").ends(0);
    run(d, "topics --model t docs -q -o n").ends(0);
    assert_eq!(listing(&d.join("n")), ["W.npy", "documents.csv"]);
    run(d, "fit plain.csv -k 2 -q -o n").ends(0);
    assert_eq!(listing(&d.join("n")), UNNAMED);
}

#[test]
fn files_of_others_are_kept_whatever_their_names() {
    let d = data();
    let (d, out) = (d.path(), d.path().join("o"));
    run(d, "fit plain.csv -k 2 -q -o o").ends(0);
    for name in ["documents.csv", "topics.json", "W.csv", "H.csv"] {
        file(&out, name, "1,2\n3,4\n");
    }
    fs::create_dir(out.join("W.npz")).unwrap();
    run(d, "fit plain.csv -k 3 -q -o o").ends(0);
    for name in ["documents.csv", "topics.json", "W.csv", "H.csv"] {
        assert_eq!(fs::read(out.join(name)).unwrap(), b"1,2\n3,4\n", "{name}");
    }
    assert!(out.join("W.npz").is_dir());
    assert_eq!(whole(&out), 3);
}

#[cfg(unix)]
#[test]
fn folders_under_other_names_and_the_working_directory_take_results() {
    let d = data();
    let d = d.path();
    std::os::unix::fs::symlink("real", d.join("link")).unwrap();
    fs::create_dir(d.join("real")).unwrap();
    run(d, "fit names.csv -k 2 -q -o link").ends(0);
    run(d, "fit plain.csv -k 3 -q -o link").ends(0);
    assert_eq!((whole(&d.join("real")), listing(&d.join("real"))), (3, UNNAMED.map(String::from).to_vec()));
    assert!(fs::symlink_metadata(d.join("link")).unwrap().is_symlink());
    run(&d.join("real"), "fit ../names.csv -k 2 -q -o .").ends(0);
    assert_eq!(whole(&d.join("real")), 2);
    // a name that leads elsewhere is replaced, and not what it leads to
    fs::rename(d.join("real/W.npy"), d.join("elsewhere.npy")).unwrap();
    std::os::unix::fs::symlink("../elsewhere.npy", d.join("real/W.npy")).unwrap();
    run(d, "fit plain.csv -k 3 -q -o real").ends(0);
    assert_eq!(whole(&d.join("real")), 3);
    assert!(fs::symlink_metadata(d.join("real/W.npy")).unwrap().is_file());
    assert_eq!(read_matrix::<f64>(d.join("elsewhere.npy"), &ReadOptions::default()).unwrap().ncols(), 2);
}

#[test]
fn a_folder_in_the_place_of_a_result_leaves_the_old_ones() {
    let d = data();
    let (d, out) = (d.path(), d.path().join("o"));
    run(d, "fit plain.csv -k 2 -q -o o").ends(0);
    for name in ["W.csv", "H.csv"] {
        fs::create_dir(out.join(name)).unwrap();
        let ran = run(d, "fit names.csv -k 3 -q -o o").ends(1);
        assert!(ran.err.starts_with(&format!("orthant: error: cannot write o/{name}: ")), "{}", ran.err);
        assert_eq!(whole(&out), 2);
        fs::remove_dir(out.join(name)).unwrap();
        assert_eq!(listing(&out), UNNAMED);
    }
}

#[test]
fn what_dead_processes_left_is_removed_and_what_living_ones_write_is_not() {
    let d = data();
    let (d, out) = (d.path(), d.path().join("o"));
    run(d, "fit plain.csv -k 2 -q -o o").ends(0);
    let leave = |dir: &Path| {
        for name in [".orthant-dead00.tmp", ".orthant-alive0.tmp"] {
            fs::create_dir_all(dir.join(name).join("new")).unwrap();
            file(&dir.join(name), "lock", "");
            file(&dir.join(name), "new/W.npy", "half");
        }
        file(dir, ".orthant-file00.tmp", "half");
        fs::create_dir(dir.join(".orthant-empty0.tmp")).unwrap();
    };
    for (dir, args) in [
        ("o", "fit plain.csv -k 3 -q -o o"),
        ("w", "transform o plain.csv -q -o w/w.npy"),
        ("o", "demo -k 2 -o o"),
    ] {
        let dir = d.join(dir);
        _ = fs::create_dir(&dir);
        leave(&dir);
        let alive = fs::File::open(dir.join(".orthant-alive0.tmp/lock")).unwrap();
        alive.lock().unwrap();
        run(d, args).ends(0);
        let hidden = |name: &String| name.starts_with('.');
        let left: Vec<_> = listing(&dir).into_iter().filter(hidden).collect();
        assert_eq!(left, [".orthant-alive0.tmp"], "{args}");
        drop(alive);
        run(d, args).ends(0);
        assert_eq!(listing(&dir).into_iter().find(hidden), None, "{args}");
    }
    assert_eq!(whole(&out), 3);
}

/// The limit of the size of files ends a process that does not ignore the signal.
#[cfg(unix)]
#[test]
fn a_limit_of_the_size_of_files_leaves_the_old_result_and_the_next_run_clears_up() {
    let d = data();
    let (d, out) = (d.path(), d.path().join("o"));
    let rows: String = (0..3000).map(|i| format!("{},{}\n", i % 7, i % 5)).collect();
    file(d, "v.csv", rows);
    run(d, "fit v.csv -k 1 -q -o o").ends(0);
    let script = format!("ulimit -f 20; exec {} fit v.csv -k 2 -q -o o", env!("CARGO_BIN_EXE_orthant"));
    let status = Command::new("sh").args(["-c", &script]).current_dir(d).status().unwrap();
    assert!(!status.success());
    assert_eq!(whole(&out), 1);
    run(d, "fit v.csv -k 2 -q -o o").ends(0);
    assert_eq!((whole(&out), listing(&out)), (2, UNNAMED.map(String::from).to_vec()));
}

#[test]
fn writers_into_one_folder_never_mix() {
    let d = data();
    let (d, out) = (d.path(), d.path().join("o"));
    for _ in 0..4 {
        let start =
            |args: &str| orthant(d).args(args.split_whitespace()).stdout(Stdio::null()).spawn().unwrap();
        let fits = [
            "fit names.csv -k 2 -q -o o",
            "fit plain.csv -k 3 -q -o o",
            "topics docs -k 4 --min-df 1 --f64 -q -o o",
        ];
        let mut children: Vec<_> = fits.iter().cycle().take(6).map(|args| start(args)).collect();
        for child in &mut children {
            assert!(child.wait().unwrap().success());
        }
        let expected: &[&str] = match whole(&out) {
            2 => &["H.csv", "H.npy", "W.csv", "W.npy", "model.safetensors", "report.json"],
            3 => &UNNAMED,
            _ => &[
                "H.csv",
                "H.npy",
                "W.csv",
                "W.npy",
                "documents.csv",
                "model.safetensors",
                "report.json",
                "topics.json",
            ],
        };
        assert_eq!(listing(&out), expected);
    }
}

#[test]
fn weights_of_another_fit_are_not_multiplied_without_a_word() {
    let d = data();
    let d = d.path();
    run(d, "fit names.csv -k 2 -q -o a").ends(0);
    run(d, "fit names.csv -k 2 --seed 1 --max-iter 2 -q -o b").ends(0);
    fs::copy(d.join("b/W.npy"), d.join("a/W.npy")).unwrap();
    let ran = run(d, "reconstruct a -o v.npy").ends(1);
    let message = "orthant: error: a/W.npy: not the weights that were found with the model in a/model.safetensors; if they go \
                   together all the same, say --weights a/W.npy\n";
    assert_eq!(ran.err, message);
    assert!(!d.join("v.npy").exists());
    run(d, "reconstruct a --weights a/W.npy -q -o v.npy").ends(0);
    run(d, "reconstruct b -q -o v.npy").ends(0);
}

#[test]
fn weights_that_no_weights_can_be_are_refused() {
    let d = data();
    let d = d.path();
    run(d, "fit names.csv -k 2 -q -o o").ends(0);
    for (entry, is) in [
        ("nan", "NaN is not finite; every entry must be a number of at least 0"),
        ("inf", "inf is not finite; every entry must be a number of at least 0"),
        ("-2", "-2 is negative; every entry must be at least 0"),
    ] {
        file(d, "w.csv", format!("1,2\n3,{entry}\n"));
        let ran = run(d, "reconstruct o --weights w.csv -o v.csv").ends(1);
        assert_eq!(ran.err, format!("orthant: error: w.csv: line 2, field 2 (row 1, column 1): {is}\n"));
        let value: f64 = entry.parse().unwrap();
        write_matrix(
            d.join("w.npy"),
            orthant::View::row_major(&[1.0, 2.0, 3.0, value], 2, 2).unwrap(),
            Names::default(),
        )
        .unwrap();
        let ran = run(d, "reconstruct o --weights w.npy -o v.npy").ends(1);
        assert_eq!(ran.err, format!("orthant: error: w.npy: row 1, column 1 (counting from 0): {is}\n"));
        assert!(!d.join("v.csv").exists() && !d.join("v.npy").exists());
    }
}

/// Runs `orthant` in a shell, which gives it the standard output that the end of the line says.
#[cfg(target_os = "linux")]
fn shell(dir: &Path, line: &str) -> Ran {
    let line = line.replace("orthant", env!("CARGO_BIN_EXE_orthant"));
    Command::new("sh").args(["-c", &line]).current_dir(dir).stdin(Stdio::null()).output().unwrap().into()
}

#[cfg(target_os = "linux")]
#[test]
fn results_are_saved_whatever_becomes_of_standard_output() {
    let d = data();
    let d = d.path();
    let full = "orthant: error: cannot write to standard output: No space left on device (os error 28)\n";
    let closed = "orthant: error: cannot write to standard output: it is closed\n";
    for (end, message) in [(">/dev/full", full), (">&-", closed)] {
        for (args, k) in [
            ("fit plain.csv -k 2", 2),
            ("fit plain.csv -k 3 -q --print", 3),
            ("topics docs -k 4 --min-df 1 --f64", 4),
        ] {
            _ = fs::remove_dir_all(d.join("o"));
            let ran = shell(d, &format!("orthant {args} -o o {end}")).ends(1);
            assert_eq!((ran.err.as_str(), whole(&d.join("o"))), (message, k), "{args} {end}");
        }
        for args in
            ["transform o plain.csv", "fit plain.csv -k 1 --print", "fit plain.csv -k 2 --explain", "--help"]
        {
            run(d, "fit plain.csv -k 2 -q -o o").ends(0);
            assert_eq!(shell(d, &format!("orthant {args} {end}")).ends(1).err, message, "{args} {end}");
        }
        for (args, output) in [
            ("transform o plain.csv -o w.npy", "w.npy"),
            ("reconstruct o -o v.npy", "v.npy"),
            ("demo -k 2 -o pictures", "pictures/parts.png"),
        ] {
            assert_eq!(shell(d, &format!("orthant {args} {end}")).ends(1).err, message, "{args} {end}");
            fs::remove_file(d.join(output)).unwrap();
        }
    }
    // with nothing to print nothing fails
    run(d, "fit plain.csv -k 2 -q -o o").ends(0);
    assert_eq!(shell(d, "orthant fit plain.csv -k 3 -q -o o >&-").ends(0).err, "");
    assert_eq!(shell(d, "orthant transform o plain.csv -q -o w.npy >&-").ends(0).err, "");
    assert_eq!(shell(d, "orthant transform o plain.csv </dev/null >/dev/null").ends(0).err, "");
}

#[cfg(target_os = "linux")]
#[test]
fn a_reader_that_has_enough_is_no_failure() {
    let d = data();
    let d = d.path();
    let rows: String = (0..20_000).map(|i| format!("{},{}\n", i % 7, i % 5)).collect();
    file(d, "v.csv", rows);
    run(d, "fit v.csv -k 2 -q -o o").ends(0);
    let ran = shell(d, "(orthant transform o v.csv; echo $? >code) | head -1").ends(0);
    assert_eq!((ran.err.as_str(), ran.out.lines().count()), ("", 1));
    assert_eq!(fs::read(d.join("code")).unwrap(), b"0\n");
    let ran = shell(d, "(orthant fit v.csv -k 1 --print -o one; echo $? >code) | head -1").ends(0);
    assert_eq!((ran.err.as_str(), ran.out.lines().count()), ("", 1));
    assert_eq!(fs::read(d.join("code")).unwrap(), b"0\n");
    assert_eq!(whole(&d.join("one")), 1);
}
