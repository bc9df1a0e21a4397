//! Output for programs: one JSON object on standard output and nothing else.

mod common;

use std::fs;

use common::{COUNTS, dir, file, run};
use serde_json::Value;

/// Products of a column and a row: fruit, of 18, and hardware, of 27.
const BLOCKS: &str = "\
doc,apple,pear,plum,bolt,nut
d0,3,2,1,0,0
d1,6,4,2,0,0
d2,0,0,0,5,4
d3,0,0,0,10,8
";

fn close(value: &Value, expected: f64) -> bool {
    (value.as_f64().unwrap() - expected).abs() < 1e-6 * expected
}

#[test]
fn a_fit_prints_its_report() {
    let d = dir();
    let d = d.path();
    file(d, "v.csv", COUNTS);
    file(d, "plain.csv", "1,2\n3,4\n");
    for args in ["v.csv -k 2", "v.csv -k 2 --minibatch", "plain.csv -k 3 -q --loss kl"] {
        let ran = run(d, &format!("fit {args} --json -o out")).ends(0);
        assert_eq!(ran.out, fs::read_to_string(d.join("out/report.json")).unwrap(), "{args}");
        let report: Value = serde_json::from_str(&ran.out).unwrap();
        let file = args.split(' ').next().unwrap();
        assert_eq!((&report["file"], report["iterations"].is_u64()), (&Value::from(file), true));
        // nothing need be saved, and only times differ
        let ran = run(d, &format!("fit {args} --json")).ends(0);
        let again: Value = serde_json::from_str(&ran.out).unwrap();
        for key in
            ["orthant", "file", "input", "factors", "options", "iterations", "relative_error", "warnings"]
        {
            assert!(again.get(key).is_some() && again[key] == report[key], "{args}: {key}");
        }
    }
    // what is said beside goes elsewhere
    let ran = run(d, "fit plain.csv -k 3 --json").ends(0);
    assert!(ran.err.starts_with("orthant: warning: ") && ran.out.starts_with('{'), "{}{}", ran.err, ran.out);
    for with in ["--print", "--explain", "--top 2"] {
        let ran = run(d, &format!("fit v.csv -k 2 --json {with} -o out")).ends(2);
        assert!(ran.err.contains("cannot be used with"), "{with}: {}", ran.err);
    }
    let ran = run(d, "fit none.csv -k 2 --json").ends(1);
    assert_eq!(ran.out, "");
}

#[test]
fn results_are_shown_as_an_object() {
    let d = dir();
    let d = d.path();
    file(d, "v.csv", BLOCKS);
    run(d, "fit v.csv -k 2 --tol 1e-9 -q -o out").ends(0);
    let shown: Value = serde_json::from_str(&run(d, "show out --json --top 2").ends(0).out).unwrap();
    for (key, is) in [("model", "out"), ("dtype", "float64"), ("loss", "frobenius")] {
        assert_eq!(shown[key], is, "{key}");
    }
    assert!(shown["rows"] == 4 && shown["columns"] == 5, "{shown}");
    let report: Value = serde_json::from_slice(&fs::read(d.join("out/report.json")).unwrap()).unwrap();
    for key in ["stop_reason", "iterations", "objective", "relative_error"] {
        assert_eq!(shown["report"][key], report[key], "{key}");
    }
    let components = shown["components"].as_array().unwrap();
    assert_eq!(components.len(), 2);
    let (hardware, fruit) = (&components[0], &components[1]);
    assert!(close(&hardware["total"], 27.0) && close(&hardware["share"], 0.6), "{hardware}");
    assert!(close(&fruit["total"], 18.0) && close(&fruit["share"], 0.4), "{fruit}");
    for (component, name, share) in [(hardware, "bolt", 5.0 / 9.0), (fruit, "apple", 0.5)] {
        let features = component["features"].as_array().unwrap();
        assert_eq!((features.len(), &features[0]["name"]), (2, &Value::from(name)));
        assert!(close(&features[0]["share"], share), "{component}");
    }
    // weights of others have no report, and columns without names no features
    file(d, "w.csv", "1,2\n3,4\n");
    let shown: Value = serde_json::from_str(&run(d, "show out --weights w.csv --json").ends(0).out).unwrap();
    assert!(shown["report"].is_null() && shown["rows"] == 2, "{shown}");
    file(d, "plain.csv", "3,1\n6,2\n");
    run(d, "fit plain.csv -k 1 -q -o plain").ends(0);
    let shown: Value = serde_json::from_str(&run(d, "show plain --json").ends(0).out).unwrap();
    assert_eq!(shown["components"][0]["features"], Value::Array(vec![]));
}
