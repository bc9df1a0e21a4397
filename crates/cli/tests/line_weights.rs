//! Rows and columns that count unlike.

mod common;

use common::{dir, file, run};

/// Rows of numbers with names; row i `counts[i]` times.
fn table(counts: [usize; 6]) -> String {
    let mut text = "name,a,b,c,d,e\n".to_owned();
    for (i, count) in counts.into_iter().enumerate() {
        for copy in 0..count {
            let row: Vec<String> = (0..5).map(|j| ((i * 7 + j * 3) % 5 + i % 2 + 1).to_string()).collect();
            text += &format!("s{i}x{copy},{}\n", row.join(","));
        }
    }
    text
}

fn numbers(text: &str) -> Vec<Vec<f64>> {
    text.lines().skip(1).map(|line| line.split(',').skip(1).map(|x| x.parse().unwrap()).collect()).collect()
}

/// A weight of two is the row twice, by its name; the model keeps weights of columns.
#[test]
fn weights_are_how_often_lines_are_there() {
    let d = dir();
    let dir = d.path();
    file(dir, "once.csv", table([1; 6]));
    file(dir, "often.csv", table([1, 2, 3, 1, 1, 1]));
    // in another order than the data's
    file(dir, "rows.csv", "name,times\ns2x0,3\ns0x0,1\ns1x0,2\ns3x0,1\ns4x0,1\ns5x0,1\ngone,7\n");
    let how = "-k 2 --solver hals --init nndsvda --tol 1e-12 --max-iter 4000 --format csv";
    let ran = run(dir, &format!("fit once.csv --row-weights rows.csv {how} -o once")).ends(0);
    assert!(ran.err.contains("1 of its rows are not in the data"), "{}", ran.err);
    run(dir, &format!("fit often.csv {how} -o often")).ends(0);
    let objective = |of: &str| {
        let text = std::fs::read_to_string(dir.join(of).join("report.json")).unwrap();
        let report: serde_json::Value = serde_json::from_str(&text).unwrap();
        report["objective"].as_f64().unwrap()
    };
    let (once, often) = (objective("once"), objective("often"));
    assert!((once - often).abs() < 1e-6 * often, "{once} {often}");
    // one row of numbers does as well as one column
    file(dir, "row.csv", "1,2,3,1,1,1\n");
    run(dir, &format!("fit once.csv --row-weights row.csv {how} -o row")).ends(0);
    assert_eq!(objective("row"), once);
    // new rows are fitted by the weights of columns
    file(dir, "columns.csv", "b,a,c,d,e\n4,1,1,0.5,0\n");
    run(dir, "fit once.csv -k 2 --column-weights columns.csv --tol 1e-12 --max-iter 5000 --format csv -o by")
        .ends(0);
    run(dir, "transform by once.csv -o w.csv").ends(0);
    let w = numbers(&std::fs::read_to_string(dir.join("w.csv")).unwrap());
    let of_fit = numbers(&std::fs::read_to_string(dir.join("by/W.csv")).unwrap());
    for (a, b) in w.iter().flatten().zip(of_fit.iter().flatten()) {
        assert!((a - b).abs() < 1e-4 * (1.0 + b), "{a} {b}");
    }
    let explained = run(dir, "fit once.csv -k 2 --row-weights row.csv --explain").ends(0);
    assert!(explained.out.contains("method"), "{}", explained.out);
}

/// A wrong weight is named by its file, and what does not go together is said.
#[test]
fn wrong_weights_are_refused_with_words() {
    let d = dir();
    let dir = d.path();
    file(dir, "v.csv", table([1; 6]));
    let refused = |args: &str, code: i32, words: &[&str]| {
        let ran = run(dir, args).ends(code);
        assert!(words.iter().all(|word| ran.err.contains(word)), "{args}: {}", ran.err);
    };
    file(dir, "short.csv", "1\n2\n3\n");
    refused("fit v.csv -k 2 --row-weights short.csv -o o", 1, &["short.csv", "3×1", "6×1"]);
    file(dir, "negative.csv", "1,1,-1,1,1\n");
    refused(
        "fit v.csv -k 2 --column-weights negative.csv -o o",
        1,
        &["negative.csv", "-1 is negative", "field 3"],
    );
    file(dir, "zero.csv", "0,0,0,0,0\n");
    refused("fit v.csv -k 2 --column-weights zero.csv -o o", 1, &["zero.csv", "above 0"]);
    file(dir, "matrix.csv", "1,1\n2,2\n");
    refused(
        "fit v.csv -k 2 --row-weights matrix.csv -o o",
        1,
        &["matrix.csv", "2×2", "one column or one row"],
    );
    file(dir, "named.csv", "name,x\ns0x0,1\ns1x0,2\n");
    refused("fit v.csv -k 2 --row-weights named.csv -o o", 1, &["named.csv", "no weight for \"s2x0\""]);
    file(dir, "rows.csv", "1\n2\n3\n1\n1\n1\n");
    let l1 = "fit v.csv -k 2 --row-weights rows.csv --alpha-w 0.1 --l1-ratio 1 -o o";
    refused(l1, 2, &["L1 penalty on W with row weights", "Kullback–Leibler"]);
    refused("fit v.csv -k 2 --row-weights rows.csv --minibatch -o o", 2, &["--minibatch"]);
    refused("fit v.csv -k 2 --row-weights gone.csv -o o", 1, &["gone.csv"]);
    assert!(!dir.join("o").exists());
}
