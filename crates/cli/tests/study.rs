//! `orthant study`, `orthant pick`, `orthant programs` and `orthant signatures`.

mod common;
#[path = "study/programs.rs"]
mod programs;
#[path = "study/signatures.rs"]
mod signatures;

use std::fs;
use std::path::Path;

use common::{COUNTS, dir, file, listing, orthant, run};
use orthant::Dense;
use orthant_io::{ReadOptions, read_matrix};
use serde_json::Value;

fn json(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// A table of counts with three groups of words.
fn words() -> String {
    let mut text = "doc,".to_owned() + &(0..12).map(|j| format!("w{j}")).collect::<Vec<_>>().join(",") + "\n";
    for i in 0..30 {
        let entry = |j: usize| {
            if i % 3 == j % 3 { 4 + (i * 7 + j * 5) % 9 } else { usize::from((i + j).is_multiple_of(11)) }
        };
        text += &format!("d{i},{}\n", (0..12).map(|j| entry(j).to_string()).collect::<Vec<_>>().join(","));
    }
    text
}

#[test]
fn a_study_says_how_many_and_pick_writes_them() {
    let d = dir();
    file(d.path(), "words.csv", words());
    let ran = run(d.path(), "study words.csv -k 2..5 -n 6 --loss kl -o study").ends(0);
    assert!(
        ran.out.starts_with("words.csv: 30×12, float64, 24 fits and 20 with data held out (thin); "),
        "{}",
        ran.out
    );
    assert!(ran.out.contains("\nrecommended: k = 3: 3 components are found again"), "{}", ran.out);
    assert!(ran.out.lines().any(|line| line.starts_with("* 3 ")), "{}", ran.out);
    assert!(ran.out.contains("other rules: least loss on data held out 3"), "{}", ran.out);
    assert_eq!(ran.err, "");
    let study = json(&d.path().join("study/study.json"));
    assert_eq!((study["recommended"].as_u64(), study["holdout"].as_str()), (Some(3), Some("thin")));
    assert_eq!(study["table"].as_array().unwrap().len(), 4);
    let table = fs::read_to_string(d.path().join("study/table.csv")).unwrap();
    let head = "k,fits,failed,unconverged,loss_best,loss_median,loss_iqr,explained,heldout,heldout_se,silhouette_mean,";
    assert!(table.starts_with(head) && table.lines().count() == 5, "{table}");
    assert_eq!(fs::read_dir(d.path().join("study/jobs")).unwrap().count(), 44);

    let page = || fs::read_to_string(d.path().join("study/report.html")).unwrap();
    assert!(page().contains("Recommended: k = 3. 3 components are found again"));
    assert!(
        page().contains("<pre>orthant study words.csv --loss kl -k 2..5 -n 6 -o study</pre>"),
        "{}",
        page()
    );
    assert!(page().contains(">w11</text>") && !page().contains(d.path().to_str().unwrap()));
    // the same again does nothing; more is added to what is there
    let again = run(d.path(), "study words.csv -k 2..5 -n 6 --loss kl -o study").ends(0);
    assert_eq!(again.out.split_once('\n').unwrap().1, ran.out.split_once('\n').unwrap().1);
    run(d.path(), "study words.csv -k 3,7 -n 8 --loss kl -o study --quiet").ends(0);
    let table = fs::read_to_string(d.path().join("study/table.csv")).unwrap();
    let fits: Vec<&str> = table.lines().skip(1).map(|line| &line[..4]).collect();
    assert_eq!(fits, ["2,6,", "3,8,", "4,6,", "5,6,", "7,8,"]);
    let begun = "orthant study words.csv --loss kl";
    assert!(
        page().contains(&format!("<pre>{begun} -k 2,4..5 -n 6 -o study\n{begun} -k 3,7 -n 8 -o study</pre>"))
    );
    let before = page();

    // from another folder, by the default of the recommended rank
    let ran = run(&d.path().join("study"), "pick .").ends(0);
    assert!(ran.out.starts_with("3 components from 8 fits: "), "{}", ran.out);
    assert!(
        ran.out.contains("component 0: silhouette 0.") || ran.out.contains("component 0: silhouette 1.000"),
        "{}",
        ran.out
    );
    let out = d.path().join("study/k03");
    assert_eq!(
        listing(&out),
        [
            "H.csv",
            "H.npy",
            "W.csv",
            "W.npy",
            "components.csv",
            "density.csv",
            "labels.csv",
            "model.safetensors",
            "report.json",
            "spread.npz"
        ]
    );
    let h = read_matrix::<f64>(out.join("H.npy"), &ReadOptions::default()).unwrap();
    assert_eq!((h.nrows(), h.ncols()), (3, 12));
    let options = ReadOptions { layer: Some("q50".into()), ..ReadOptions::default() };
    let q50 = read_matrix::<f64>(out.join("spread.npz"), &options).unwrap();
    assert!(h.data().iter().zip(q50.data()).all(|(a, b)| (a - b).abs() < 0.05));
    let components = fs::read_to_string(out.join("components.csv")).unwrap();
    assert!(
        components.starts_with("component,silhouette,support,members,total,share,features\ncomponent_0,"),
        "{components}"
    );
    assert!(components.lines().nth(1).unwrap().contains("; w"), "{components}");
    let labels = fs::read_to_string(out.join("labels.csv")).unwrap();
    let label = |i: usize| labels.lines().nth(i + 1).unwrap().rsplit(',').next().unwrap();
    assert!(labels.contains("\nd0,component_") && (0..27).all(|i| label(i) == label(i + 3)), "{labels}");
    assert_eq!(fs::read_to_string(out.join("density.csv")).unwrap().lines().count(), 1 + 3 * 8);
    // what reads the results of a fit reads these
    let shown = run(d.path(), "show study/k03 --top 2").ends(0).out;
    assert!(shown.contains("component 0 (total "), "{shown}");
    assert!(page() == before);
    run(d.path(), "study words.csv -k 2 -n 2 --loss kl -o bare --no-report --quiet").ends(0);
    assert!(!d.path().join("bare/report.html").exists() && !d.path().join("bare/figures").exists());
    run(d.path(), "transform study/k03 words.csv -o new.npy").ends(0);
    let (w, new) = (out.join("W.npy"), d.path().join("new.npy"));
    let [w, new] = [w, new].map(|path| read_matrix::<f64>(path, &ReadOptions::default()).unwrap());
    assert!(w.data().iter().zip(new.data()).all(|(a, b)| (a - b).abs() < 1e-2 * (1.0 + b)));
    run(d.path(), "pick study -k 2 -o two --density off --format npy --quiet").ends(0);
    assert!(d.path().join("two/W.npy").exists() && !d.path().join("two/W.csv").exists());
}

#[test]
fn shards_share_a_folder() {
    let d = dir();
    file(d.path(), "words.csv", words());
    for shard in ["2/2", "1/2"] {
        let ran = run(d.path(), &format!("study words.csv -k 2,3 -n 3 -o parts --shard {shard}")).ends(0);
        assert!(ran.out.contains(&format!("shard {shard} is done")), "{}", ran.out);
        assert!(!d.path().join("parts/study.json").exists());
    }
    run(d.path(), "study words.csv -k 2,3 -n 3 -o parts --threads 1").ends(0);
    run(d.path(), "study words.csv -k 2,3 -n 3 -o whole").ends(0);
    // the page says what was studied, and not by whom
    let figures = listing(&d.path().join("whole/figures"));
    assert_eq!(figures.len(), 9, "{figures:?}");
    let drawn = figures.iter().map(|name| format!("figures/{name}"));
    for name in std::iter::once("report.html".to_owned()).chain(drawn) {
        let [parts, whole] = ["parts", "whole"].map(|dir| fs::read(d.path().join(dir).join(&name)).unwrap());
        assert!(parts == whole, "{name}");
    }
    for name in ["study.json", "table.csv"] {
        let [parts, whole] =
            ["parts", "whole"].map(|dir| fs::read_to_string(d.path().join(dir).join(name)).unwrap());
        // they say how they were begun
        let without = |text: &str| text.split("\"origin\"").next().unwrap().to_owned();
        assert_eq!(without(&parts), without(&whole), "{name}");
    }
}

#[test]
fn every_option_of_fit_applies() {
    let d = dir();
    file(d.path(), "holes.csv", words().replacen(",5,", ",NA,", 2));
    let ran = run(d.path(), "study holes.csv -k 2..3 -n 2 --missing nan --solver hals --seed 3 -o a").ends(0);
    assert!(
        ran.out.starts_with("holes.csv: 30×12, float64, 4 fits and 10 with data held out (window); "),
        "{}",
        ran.out
    );
    run(d.path(), "pick a -k 3 --quiet").ends(0);
    file(d.path(), "words.csv", words());
    let weights: Vec<String> = (0..30).map(|i| vec![(1 + i % 2).to_string(); 12].join(",")).collect();
    file(d.path(), "weights.csv", weights.join("\n"));
    let args = "study words.csv -k 3 -n 2 --entry-weights weights.csv --alpha-w 0.001 --f32 -o b";
    run(d.path(), args).ends(0);
    run(&d.path().join("b"), "pick . -k 3 --quiet").ends(0);
    run(d.path(), "study words.csv -k 3 -n 2 --transpose --solver cd -o c").ends(0);
    run(d.path(), "pick c -k 3 --quiet").ends(0);
    let labels = fs::read_to_string(d.path().join("c/k03/labels.csv")).unwrap();
    assert!(labels.contains("\nw3,component_"), "{labels}");
    // without a folder there is a table
    let ran = run(d.path(), "study words.csv -k 2,3 -n 2 --holdout block").ends(0);
    assert!(
        ran.out.contains("24 with data held out (block)") && ran.out.contains("recommended: "),
        "{}",
        ran.out
    );
    assert!(!ran.out.contains("saved"), "{}", ran.out);
}

#[test]
fn explain_does_nothing() {
    let d = dir();
    file(d.path(), "words.csv", words());
    let ran = run(d.path(), "study words.csv -k 2..4 -n 5 -o study --explain --memory-limit 1GiB").ends(0);
    assert!(ran.out.contains("15 fits and 15 with data held out (thin); "), "{}", ran.out);
    assert!(ran.out.contains("a fit of the largest rank:") && ran.out.contains("memory"), "{}", ran.out);
    assert_eq!(listing(d.path()), ["words.csv"]);
}

/// Of a study that another program began, which says nothing of where its data is.
#[test]
fn pick_takes_the_data_by_name() {
    let d = dir();
    file(d.path(), "holes.csv", words().replacen(",5,", ",NA,", 2));
    run(d.path(), "study holes.csv -k 3 -n 3 --missing nan -o study --quiet").ends(0);
    run(d.path(), "pick study -k 3 -o ours --quiet").ends(0);
    let manifest = d.path().join("study/manifest.json");
    let mut said = json(&manifest);
    let change = |said: &Value| file(d.path(), "study/manifest.json", said.to_string());
    said["origin"]["arguments"] = Value::Null;
    change(&said);
    let ran = run(d.path(), "pick study -k 3").ends(1);
    assert!(ran.err.contains("does not say where its data is; name it by --data FILE"), "{}", ran.err);
    for origin in [said["origin"].clone(), serde_json::json!({"arguments": ["show", "x"]}), Value::Null] {
        said["origin"] = origin;
        change(&said);
        run(d.path(), "pick study -k 3 --data holes.csv -o named --quiet").ends(0);
        for name in ["W.npy", "H.npy", "labels.csv", "components.csv"] {
            let [ours, named] = ["ours", "named"].map(|dir| fs::read(d.path().join(dir).join(name)).unwrap());
            assert!(ours == named, "{name}");
        }
    }
    said["weights"] = "00".into();
    change(&said);
    let ran = run(d.path(), "pick study -k 3 --data holes.csv").ends(1);
    assert!(ran.err.contains("its entries are weighted, and it does not say by which file"), "{}", ran.err);
}

#[test]
fn what_goes_wrong_is_said() {
    let d = dir();
    file(d.path(), "counts.csv", COUNTS);
    let refused = |args: &str, code: i32, words: &[&str]| {
        let ran = run(d.path(), args).ends(code);
        for words in words {
            assert!(ran.err.contains(words), "{args}: {}", ran.err);
        }
    };
    refused("study counts.csv -k 5..2", 2, &["counts down"]);
    refused("study counts.csv -k 0..2", 2, &["numbers of at least 1"]);
    refused("study counts.csv --shard 1/2", 2, &["--out"]);
    refused("study counts.csv --no-report", 2, &["--out"]);
    refused("study counts.csv --shard 3/2 -o a", 2, &["I from 1 to N"]);
    refused("study counts.csv --holdout other", 2, &["thin (counts), block"]);
    refused("study counts.csv --minibatch", 2, &["mini-batches"]);
    refused("study counts.csv --max-seconds 3", 2, &["limit of time"]);
    refused("study counts.csv --init nndsvd", 2, &["which would be the same fit"]);
    refused("study counts.csv --folds 1", 2, &["folds"]);
    refused("study counts.csv --missing nan --holdout thin", 2, &["missing"]);
    refused("study nothing.csv", 1, &["nothing.csv"]);
    file(d.path(), "bad.csv", COUNTS.replace("15", "-15"));
    refused("study bad.csv -k 2 -n 2", 1, &["bad.csv: line 8", "-15 is negative"]);
    refused("pick nowhere", 1, &["not a study", "manifest.json"]);
    fs::create_dir(d.path().join("other")).unwrap();
    file(&d.path().join("other"), "thesis.txt", "");
    refused("study counts.csv -o other", 1, &["not a study", "thesis.txt"]);
    run(d.path(), "study counts.csv -k 2 -n 2 -o study --quiet").ends(0);
    refused(
        "study counts.csv -k 2 -n 2 -o study --seed 5",
        1,
        &["another one", "seed is 0 there and 5 here"],
    );
    refused("pick study -k 9", 1, &["9 components were not studied; there are fits of 2"]);
    refused("pick study -k 2 --density 1e-300", 1, &["raise the threshold"]);
    refused("pick study -k 2 --density 3", 2, &["up to 2"]);
    let text = fs::read_to_string(d.path().join("counts.csv")).unwrap();
    file(d.path(), "counts.csv", text.replace("15", "16"));
    refused("study counts.csv -k 2 -n 3 -o study", 1, &["its data is not this data"]);
    refused("pick study -k 2", 1, &["another fingerprint"]);
    fs::rename(d.path().join("counts.csv"), d.path().join("moved.csv")).unwrap();
    refused("pick study -k 2", 1, &["counts.csv, is not there", "--data"]);
    file(d.path(), "moved.csv", COUNTS);
    run(d.path(), "pick study -k 2 --data moved.csv --quiet").ends(0);
    // one that would overwrite its input
    fs::create_dir(d.path().join("in")).unwrap();
    file(&d.path().join("in"), "table.csv", COUNTS);
    refused("study in/table.csv -k 2 -n 2 -o in", 1, &["input"]);
}

/// A study that is killed and gone on with is the one that was not.
#[test]
fn a_study_that_is_killed_goes_on() {
    let d = dir();
    let v = Dense::from_fn(150, 60, |i, j| ((i * 31 + j * 17) % 23 * (i % 5)) as f64);
    orthant_io::write_matrix(d.path().join("v.npy"), v.view(), Default::default()).unwrap();
    let args = "study v.npy -k 3..6 -n 12 --loss kl --seed 2";
    run(d.path(), &format!("{args} -o whole --quiet")).ends(0);
    for wait in [300, 900, 1500, 2000] {
        let mut child =
            orthant(d.path()).args(format!("{args} -o study --quiet").split_whitespace()).spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(wait));
        // it may have come to its end
        let _ = child.kill();
        child.wait().unwrap();
    }
    run(d.path(), &format!("{args} -o study --quiet")).ends(0);
    let jobs = |dir: &str| -> Vec<(String, Vec<u8>)> {
        let dir = d.path().join(dir).join("jobs");
        let names = listing(&dir).into_iter().filter(|name| !name.starts_with('.'));
        names.map(|name| (name.clone(), fs::read(dir.join(name)).unwrap())).collect()
    };
    assert!(jobs("study") == jobs("whole"));
    let table = |dir: &str| fs::read_to_string(d.path().join(dir).join("table.csv")).unwrap();
    assert_eq!(table("study"), table("whole"));
}

/// Ctrl-C keeps what is done, and says so.
#[cfg(unix)]
#[test]
fn ctrl_c_keeps_what_is_done() {
    use std::io::Read;
    use std::process::Stdio;
    let d = dir();
    let v = Dense::from_fn(400, 300, |i, j| ((i * 31 + j * 17) % 23 * (i % 5)) as f64);
    orthant_io::write_matrix(d.path().join("v.npy"), v.view(), Default::default()).unwrap();
    let args = "study v.npy -k 10..30 -n 50 --loss kl --tol 1e-9 -o study";
    let mut child = orthant(d.path())
        .args(args.split_whitespace())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(std::time::Duration::from_millis(2500));
    let id = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    let status = child.wait().unwrap();
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(status.code(), Some(130), "{said}");
    assert!(
        said.contains("keeping the fits that are done")
            && said.contains("the same command goes on from there"),
        "{said}"
    );
    assert!(d.path().join("study/manifest.json").exists());
}
