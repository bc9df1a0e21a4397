//! An output that is an input is an error before anything is written.

mod common;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use common::{COUNTS, dir, file, run};

/// Every file below a folder, with its content and the time of its last change.
fn snapshot(dir: &Path) -> BTreeMap<PathBuf, (Vec<u8>, std::time::SystemTime)> {
    let (mut folders, mut found) = (vec![dir.to_owned()], BTreeMap::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let changed = std::fs::metadata(&path).unwrap().modified().unwrap();
                found.insert(path.clone(), (std::fs::read(path).unwrap(), changed));
            }
        }
    }
    found
}

/// Runs the command and expects that it refuses to write `output`, which is `is`, and leaves every file as it was.
#[track_caller]
fn refused(dir: &Path, args: &str, output: &str, is: &str) {
    let before = snapshot(dir);
    let ran = run(dir, args).ends(1);
    let message = format!(
        "orthant: error: cannot write {output}: it is {is} and would be overwritten; choose another --out\n"
    );
    assert_eq!(ran.err, message, "{args}");
    assert_eq!(ran.out, "", "{args}");
    assert!(snapshot(dir) == before, "{args}: every file is as it was");
}

const ITSELF: &str = "an input file";

/// `in.csv`, and its fit in `o`.
fn fitted() -> tempfile::TempDir {
    let d = dir();
    file(d.path(), "in.csv", COUNTS);
    run(d.path(), "fit in.csv -k 2 -q -o o").ends(0);
    d
}

#[test]
fn transform_keeps_its_input() {
    let d = fitted();
    let d = d.path();
    refused(d, "transform o in.csv -o in.csv", "in.csv", ITSELF);
    refused(d, "transform o/model.safetensors in.csv --threads 1 -q -o in.csv", "in.csv", ITSELF);
    refused(d, "transform o in.csv -o ./o/../in.csv", "./o/../in.csv", "the same file as the input in.csv");
    let whole = d.join("in.csv");
    let whole = whole.display();
    refused(
        d,
        &format!("transform o {whole} -o in.csv"),
        "in.csv",
        &format!("the same file as the input {whole}"),
    );
    // a new name, and one that a result has
    run(d, "transform o in.csv -q -o new.csv").ends(0);
    run(d, "transform o in.csv -q -o new.csv").ends(0);
}

#[test]
fn fit_keeps_its_inputs() {
    let d = fitted();
    let d = d.path();
    for name in ["W.npy", "H.npy", "W.csv", "H.csv"] {
        let path = format!("o/{name}");
        refused(d, &format!("fit {path} -k 1 -o o"), &path, ITSELF);
        refused(d, &format!("fit {path} -k 1 --minibatch --print -o o"), &path, ITSELF);
        refused(
            d,
            &format!("fit {path} -k 1 -o ./o"),
            &format!("./{path}"),
            &format!("the same file as the input {path}"),
        );
        let other = format!("other-{name}");
        run(d, &format!("fit {path} -k 1 -q -o {other}")).ends(0);
    }
    // the kind of a file is found from its first bytes, whatever its name
    std::fs::copy(d.join("o/W.npy"), d.join("o/report.json")).unwrap();
    refused(d, "fit o/report.json -k 1 -o o", "o/report.json", ITSELF);
    let start = "fit in.csv -k 2 --start-w o/W.npy --start-h";
    refused(d, &format!("{start} other-H.npy/H.npy -o o"), "o/W.npy", ITSELF);
    refused(d, &format!("{start} o/H.npy -o o"), "o/W.npy", ITSELF);
    run(d, &format!("{start} o/H.npy -q -o again")).ends(0);
    // nothing is written
    run(d, "fit o/W.npy -k 1 --explain -o o").ends(0);
    run(d, "fit o/W.npy -k 1 --print -q").ends(0);
}

#[test]
fn reconstruct_keeps_its_inputs() {
    let d = fitted();
    let d = d.path();
    refused(d, "reconstruct o -o o/W.npy", "o/W.npy", ITSELF);
    refused(d, "reconstruct o/model.safetensors -o o/W.npy", "o/W.npy", ITSELF);
    refused(d, "reconstruct o --weights o/W.csv -o o/W.csv", "o/W.csv", ITSELF);
    refused(d, "reconstruct o -o ./o/W.npy", "./o/W.npy", "the same file as the input o/W.npy");
    run(d, "reconstruct o --weights o/W.csv -q -o V.npy").ends(0);
}

/// Runs the command and expects that it refuses to write `output`, which would replace `result`, and leaves every file as
/// it was.
#[track_caller]
fn belongs(dir: &Path, args: &str, output: &str, result: &str) {
    let before = snapshot(dir);
    let ran = run(dir, args).ends(1);
    let message = format!(
        "orthant: error: cannot write {output}: {result} belongs to the results of a fit, and the others would no longer go \
         with it; choose another --out\n"
    );
    assert_eq!((ran.err, ran.out.as_str()), (message, ""), "{args}");
    assert!(snapshot(dir) == before, "{args}: every file is as it was");
}

#[test]
fn a_file_is_not_written_over_the_results_of_a_model() {
    let d = fitted();
    let d = d.path();
    file(d, "plain.csv", "1,2,3,4,5\n2,3,4,5,6\n5,4,3,2,1\n");
    run(d, "fit plain.csv -k 1 -q -o unnamed").ends(0);
    for name in ["W.npy", "H.npy", "W.csv", "H.csv"] {
        let output = format!("o/{name}");
        for model in ["o", "o/model.safetensors", "unnamed"] {
            belongs(d, &format!("transform {model} in.csv -o {output}"), &output, &output);
        }
        // one that is not there would be taken for a result
        let output = format!("unnamed/{name}");
        belongs(d, &format!("transform unnamed in.csv -q -o {output}"), &output, &output);
        belongs(d, &format!("reconstruct unnamed --weights o/W.csv -o {output}"), &output, &output);
    }
    belongs(d, "reconstruct o -o o/H.npy", "o/H.npy", "o/H.npy");
    belongs(d, "reconstruct o --weights o/W.csv -o o/W.npy", "o/W.npy", "o/W.npy");
    assert!(run(d, "transform o in.csv -o o/model.safetensors").ends(2).err.contains("model.safetensors"));
    // other names, and a folder without a model
    run(d, "transform o in.csv -q -o o/new.npy").ends(0);
    std::fs::create_dir(d.join("new")).unwrap();
    run(d, "transform o in.csv -q -o new/W.npy").ends(0);
    run(d, "transform o in.csv -q -o new/W.npy").ends(0);
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("o", d.join("folder")).unwrap();
        std::os::unix::fs::symlink("o/H.npy", d.join("link.npy")).unwrap();
        std::fs::hard_link(d.join("o/W.csv"), d.join("hard.csv")).unwrap();
        belongs(d, "transform o in.csv -o folder/W.npy", "folder/W.npy", "folder/W.npy");
        belongs(d, "transform o in.csv -o link.npy", "link.npy", "o/H.npy");
        belongs(d, "reconstruct o -o hard.csv", "hard.csv", "o/W.csv");
    }
}

/// The tables of another kind of result, which a fit removes.
#[test]
fn fit_keeps_inputs_that_are_tables_of_an_earlier_result() {
    let d = dir();
    let d = d.path();
    std::fs::create_dir(d.join("docs")).unwrap();
    for (i, words) in ["apple pear", "apple fig", "bolt nut", "bolt cog"].iter().enumerate() {
        file(d, &format!("docs/{i}.txt"), words);
    }
    run(d, "topics docs -k 2 --min-df 1 --stop-words none -q -o o").ends(0);
    refused(d, "fit o/documents.csv -k 1 -o o", "o/documents.csv", ITSELF);
    // that of another is no result, and stays
    file(d, "documents.csv", COUNTS);
    run(d, "fit documents.csv -k 1 -q -o .").ends(0);
    assert_eq!(std::fs::read(d.join("documents.csv")).unwrap(), COUNTS.as_bytes());
}

#[test]
fn topics_keep_their_texts() {
    let d = dir();
    let d = d.path();
    std::fs::create_dir(d.join("docs")).unwrap();
    for (i, words) in
        ["apple pear plum", "apple pear fig", "bolt nut gear", "bolt nut cog"].iter().enumerate()
    {
        file(d, &format!("docs/{i}.txt"), format!("{words} and {words}\n"));
    }
    let topics = "topics docs -k 2 --min-df 1 -q -o docs";
    run(d, topics).ends(0);
    // now the results are in the folder of the texts
    refused(d, topics, "docs/topics.json", ITSELF);
    run(d, &format!("{topics} --extension txt")).ends(0);
    refused(d, &format!("{topics} --extension txt,csv"), "docs/documents.csv", ITSELF);
    let table = "topics docs/documents.csv --column 0 -k 2 --min-df 1 --stop-words none -o";
    refused(d, &format!("{table} docs"), "docs/documents.csv", ITSELF);
}

#[test]
fn topics_keep_their_stop_words_and_their_model() {
    let d = dir();
    let d = d.path();
    file(d, "a.txt", "apple pear apple pear bolt\n");
    file(d, "b.txt", "bolt nut bolt nut apple\n");
    std::fs::create_dir(d.join("o")).unwrap();
    file(d, "o/report.json", "and\nthe\n");
    let topics = "topics a.txt b.txt -k 2 --min-df 1 --max-df 2 -q";
    refused(d, &format!("{topics} --stop-words o/report.json -o o"), "o/report.json", ITSELF);
    run(d, &format!("{topics} -o o")).ends(0);
    std::fs::create_dir(d.join("new")).unwrap();
    file(d, "new/documents.csv", "id,text\n1,apple and pear\n");
    let assign = "topics --model o new/documents.csv --column text -q -o";
    refused(d, &format!("{assign} new"), "new/documents.csv", ITSELF);
    belongs(d, &format!("{assign} o"), "o/W.npy", "o/W.npy");
}

#[test]
fn names_beside_a_matrix_are_inputs() {
    let d = fitted();
    let d = d.path();
    std::fs::create_dir(d.join("cells")).unwrap();
    file(
        d,
        "cells/matrix.mtx",
        "%%MatrixMarket matrix coordinate integer general\n2 5 3\n1 1 4\n2 5 1\n1 3 2\n",
    );
    file(d, "cells/barcodes.tsv", "apple\npear\nplum\nbolt\nnut\n");
    file(d, "cells/features.tsv", "a\nb\n");
    for input in ["cells", "cells/matrix.mtx"] {
        for name in ["barcodes", "features"] {
            let output = format!("cells/{name}.tsv");
            refused(d, &format!("transform o {input} -o {output}"), &output, ITSELF);
        }
        run(d, &format!("transform o {input} -q -o cells/W.tsv")).ends(0);
    }
}

#[cfg(unix)]
#[test]
fn links_do_not_hide_an_input() {
    use std::os::unix::fs::symlink;
    let d = fitted();
    let d = d.path();
    let same = |input: &str| format!("the same file as the input {input}");
    symlink("in.csv", d.join("link.csv")).unwrap();
    std::fs::hard_link(d.join("in.csv"), d.join("hard.csv")).unwrap();
    for (input, output) in
        [("link.csv", "in.csv"), ("in.csv", "link.csv"), ("hard.csv", "in.csv"), ("link.csv", "hard.csv")]
    {
        refused(d, &format!("transform o {input} -o {output}"), output, &same(input));
    }
    // the folder of the results under another name, and what is in it
    symlink("o", d.join("folder")).unwrap();
    symlink("o/W.npy", d.join("W.npy")).unwrap();
    std::fs::hard_link(d.join("o/H.npy"), d.join("data.npy")).unwrap();
    refused(d, "fit o/W.npy -k 1 -o folder", "folder/W.npy", &same("o/W.npy"));
    refused(d, "fit W.npy -k 1 -o o", "o/W.npy", &same("W.npy"));
    refused(d, "fit data.npy -k 1 -o o", "o/H.npy", &same("data.npy"));
    refused(d, "reconstruct folder -o o/W.npy", "o/W.npy", &same("folder/W.npy"));
    std::fs::hard_link(d.join("o/model.safetensors"), d.join("model.npy")).unwrap();
    refused(d, "transform o in.csv -o model.npy", "model.npy", &same("o/model.safetensors"));
    std::fs::create_dir(d.join("new")).unwrap();
    symlink("../in.csv", d.join("new/W.csv")).unwrap();
    refused(d, "fit in.csv -k 2 -o new", "new/W.csv", &same("in.csv"));
    // a copy is another file
    std::fs::copy(d.join("in.csv"), d.join("copy.csv")).unwrap();
    run(d, "transform o in.csv -q -o copy.csv").ends(0);
}
