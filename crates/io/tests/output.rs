//! Writing whole files and whole directories, or nothing.

use std::fs;

use orthant::View;
use orthant_io::{IoError, Names, OutputFormat, Staged, write_matrix};

fn listing(dir: &std::path::Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn nothing_shows_before_commit_and_a_failure_leaves_the_old() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("deep/out");
    let one = [1.0];
    let view = View::row_major(&one, 1, 1).unwrap();

    // dropped without commit: no directory either
    let mut staged = Staged::in_dir(&out).unwrap();
    staged.npy("W.npy", view).unwrap();
    drop(staged);
    assert!(!out.exists());

    let mut staged = Staged::in_dir(&out).unwrap();
    staged.npy("W.npy", view).unwrap();
    staged.file("note.txt", |f| f.write_all(b"first")).unwrap();
    assert_eq!(staged.commit().unwrap(), [out.join("W.npy"), out.join("note.txt")]);
    assert_eq!(listing(&out), ["W.npy", "note.txt"]);

    // the second file fails: the first is not replaced
    let mut staged = Staged::in_dir(&out).unwrap();
    staged.file("note.txt", |f| f.write_all(b"second")).unwrap();
    let full = staged.file("W.npy", |f| {
        f.write_all(&[0; 100_000])?;
        Err(std::io::Error::new(std::io::ErrorKind::StorageFull, "no space left"))
    });
    let message = full.unwrap_err().to_string();
    assert!(message.starts_with("cannot write ") && message.ends_with("W.npy: no space left"), "{message}");
    drop(staged);
    assert_eq!(fs::read(out.join("note.txt")).unwrap(), b"first");
    assert_eq!(listing(&out), ["W.npy", "note.txt"]);
}

/// Two generations of different files, and a file of somebody else's.
#[test]
fn names_change_together_and_other_files_stay() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path();
    fs::write(out.join("mine.txt"), "mine").unwrap();
    let write = |files: &[&str], gone: &[&str], text: &str| {
        let mut staged = Staged::in_dir(out).unwrap();
        for name in files {
            staged.file(name, |f| f.write_all(text.as_bytes())).unwrap();
        }
        gone.iter().for_each(|name| staged.remove_if(name, |_| true));
        staged.commit()
    };
    write(&["a", "b", "c"], &["never was"], "first").unwrap();
    write(&["a", "d"], &["a", "b", "c"], "second").unwrap();
    assert_eq!(listing(out), ["a", "d", "mine.txt"]);
    assert_eq!(fs::read(out.join("a")).unwrap(), b"second");
    let mut staged = Staged::in_dir(out).unwrap();
    staged.remove_if("mine.txt", |path| path.ends_with("other.txt"));
    staged.commit().unwrap();
    assert_eq!(listing(out), ["a", "d", "mine.txt"]);
    // a folder in the place of a file, found before anything is changed
    fs::create_dir(out.join("e")).unwrap();
    for (files, gone) in [(["a", "e"], "d"), (["a", "f"], "e")] {
        assert!(matches!(write(&files, &[gone], "third"), Err(IoError::Write { .. })));
    }
    assert_eq!(listing(out), ["a", "d", "e", "mine.txt"]);
    assert_eq!(fs::read(out.join("a")).unwrap(), b"second");
    // nothing to write is nothing to change
    assert!(write(&[], &[], "").unwrap().is_empty());
    assert_eq!(listing(out), ["a", "d", "e", "mine.txt"]);
}

/// A switch that was begun by a process that is dead: names lead to the generation that was in force, before and after the
/// next one has put files in their places.
#[cfg(unix)]
#[test]
fn a_switch_that_was_broken_off_is_finished() {
    use std::os::unix::fs::symlink;
    for (now, text) in [("old", "1"), ("new", "2")] {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path();
        let hidden = out.join(".orthant-abcdef.tmp");
        for (generation, files) in [("old", ["a", "b"]), ("new", ["a", "c"])] {
            fs::create_dir_all(hidden.join(generation)).unwrap();
            let text = if generation == "old" { "1" } else { "2" };
            files.iter().for_each(|name| fs::write(hidden.join(generation).join(name), text).unwrap());
        }
        fs::write(hidden.join("lock"), "").unwrap();
        symlink(now, hidden.join("now")).unwrap();
        for name in ["a", "b", "c"] {
            symlink(format!(".orthant-abcdef.tmp/now/{name}"), out.join(name)).unwrap();
        }
        symlink("../elsewhere", out.join("link")).unwrap();
        assert_eq!(fs::read_to_string(out.join("a")).unwrap(), text);
        write_matrix(out.join("x.csv"), View::row_major(&[1.0], 1, 1).unwrap(), Names::default()).unwrap();
        let other = if now == "old" { "b" } else { "c" };
        assert_eq!(listing(out), ["a", other, "link", "x.csv"]);
        for name in ["a", other] {
            assert!(fs::symlink_metadata(out.join(name)).unwrap().is_file());
            assert_eq!(fs::read_to_string(out.join(name)).unwrap(), text);
        }
    }
}

/// A single file takes its place in the folder of the results, not in the hidden one that its name leads through.
#[cfg(unix)]
#[test]
fn a_file_is_written_where_a_switch_was_broken_off() {
    let dir = tempfile::tempdir().unwrap();
    let hidden = dir.path().join(".orthant-abcdef.tmp");
    fs::create_dir_all(hidden.join("new")).unwrap();
    fs::write(hidden.join("new/a.csv"), "old").unwrap();
    std::os::unix::fs::symlink("new", hidden.join("now")).unwrap();
    std::os::unix::fs::symlink(".orthant-abcdef.tmp/now/a.csv", dir.path().join("a.csv")).unwrap();
    let path = dir.path().join("a.csv");
    write_matrix(&path, View::row_major(&[1.0], 1, 1).unwrap(), Names::default()).unwrap();
    assert_eq!(listing(dir.path()), ["a.csv"]);
    assert!(fs::symlink_metadata(&path).unwrap().is_file());
    assert_eq!(fs::read_to_string(&path).unwrap(), "1\n");
}

#[test]
fn a_file_that_is_cancelled_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    let stop = orthant::Cancel::new();
    let mut staged = Staged::in_dir(&out).unwrap().cancelled_by(stop.clone());
    staged.json("a.json", &1).unwrap();
    let error = staged.file("b", |f| {
        for _ in 0..100 {
            f.write_all(&[0; 10_000])?;
            stop.cancel();
        }
        Ok(())
    });
    assert!(error.unwrap_err().to_string().ends_with("b: cancelled"));
    drop(staged);
    assert!(!out.exists());
}

#[test]
fn a_file_in_the_directorys_place_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("out");
    fs::write(&path, "mine").unwrap();
    assert!(matches!(Staged::in_dir(&path), Err(IoError::Write { .. })));
    assert_eq!(fs::read(&path).unwrap(), b"mine");
}

#[test]
fn json_is_rows() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.json");
    let values = [0.1_f32, 2.0, f32::NAN, 1e-20];
    write_matrix(&path, View::row_major(&values, 2, 2).unwrap(), Names::default()).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "[\n[0.1,2],\n[null,1e-20]\n]\n");
    let json: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    assert_eq!(json[0][1], 2.0);
    write_matrix(&path, View::<f32>::row_major(&[], 0, 2).unwrap(), Names::default()).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "[]\n");
}

#[test]
fn the_ending_chooses() {
    assert_eq!(OutputFormat::of("a/b.TSV".as_ref()).unwrap(), OutputFormat::Tsv);
    let one = [1.0];
    let view = View::row_major(&one, 1, 1).unwrap();
    for name in ["a", "a.mat", "dir.npy/"] {
        let known = name.contains("npy");
        let error = write_matrix(name, view, Names::default()).unwrap_err();
        assert_eq!(matches!(error, IoError::UnknownOutput { .. }), !known, "{error}");
    }
}

#[cfg(unix)]
#[test]
fn links_are_followed_devices_written_to_and_the_umask_respected() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let dir = tempfile::tempdir().unwrap();
    let (real, link) = (dir.path().join("real.csv"), dir.path().join("link.csv"));
    fs::write(&real, "old").unwrap();
    symlink(&real, &link).unwrap();
    let one = [1.0];
    let view = View::row_major(&one, 1, 1).unwrap();
    write_matrix(&link, view, Names::default()).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::read_to_string(&real).unwrap(), "1\n");

    let plain = dir.path().join("plain");
    fs::write(&plain, "").unwrap();
    let mode = |p: &std::path::Path| fs::metadata(p).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&real), mode(&plain));

    let (null, link) = (std::path::Path::new("/dev/null"), dir.path().join("null.csv"));
    symlink(null, &link).unwrap();
    write_matrix(&link, view, Names::default()).unwrap();
    assert!(!fs::metadata(null).unwrap().is_file());
}
