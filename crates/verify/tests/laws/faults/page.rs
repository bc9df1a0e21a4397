//! The page of faults: its tables are the data file's, and the tests that they name exist and bear their numbers.

use std::fmt::Write;
use std::path::Path;

use super::rows::{Face, Fault, Table, table};
use crate::guarantees::missing;
use crate::page::places;

/// A cell of a table in Markdown.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

fn face(fault: &Fault, face: &Face, name: &str) -> String {
    let tests = match face {
        Face::NotApplicable(reason) => return format!("not applicable: {reason}"),
        Face::Tests(tests) => tests,
    };
    let here = |case: &&super::rows::Case| {
        case.faces.as_ref().is_none_or(|faces| faces.iter().any(|other| other == name))
    };
    let cases = match fault.cases.iter().filter(here).count() {
        0 => None,
        1 => Some("1 case".to_owned()),
        count => Some(format!("{count} cases")),
    };
    let tests = tests.iter().map(|test| format!("`{test}`"));
    cases.into_iter().chain(tests).collect::<Vec<_>>().join(", ")
}

/// What is between the page's markers.
fn text(table: &Table) -> String {
    let mut text = String::from(
        "\n| # | case | what happens | Rust | the command | Python |\n|---|---|---|---|---|---|\n",
    );
    for fault in &table.faults {
        let faces = [
            face(fault, &fault.rust, "rust"),
            face(fault, &fault.command, "command"),
            face(fault, &fault.python, "python"),
        ];
        let [rust, command, python] = faces.map(|text| cell(&text));
        let Fault { number, case, happens, .. } = fault;
        writeln!(text, "| {number} | {case} | {happens} | {rust} | {command} | {python} |").unwrap();
    }
    text.push_str("\n## What errors say\n\n");
    text.push_str("`{row}`, `{col}`, `{value}` and `{count}` stand for what the data has; each message goes on with what to do.\n\n");
    text.push_str(
        "| error | `orthant::Error` | the command, and its exit code | Python |\n|---|---|---|---|\n",
    );
    for (name, words) in &table.errors {
        let [rust, command, python] = [&words.rust, &words.command, &words.python].map(|words| cell(words));
        let said = |words: &str| if words.is_empty() { String::new() } else { format!(": `{words}`") };
        let (is, raises, exit) = (&words.is, &words.raises, words.exit);
        writeln!(
            text,
            "| {name} | `{is}`{} | {exit}{} | `{raises}`{} |",
            said(&rust),
            said(&command),
            said(&python)
        )
        .unwrap();
    }
    text.push('\n');
    text
}

#[test]
fn the_documented_faults_are_the_tables() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/faults.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (begin, end) = ("<!-- faults -->\n", "<!-- end of faults -->");
    let from = page.find(begin).expect("the beginning of the faults") + begin.len();
    let to = from + page[from..].find(end).expect("the end of the faults");
    let text = text(&table());
    if std::env::var_os("ORTHANT_WRITE").is_some() {
        std::fs::write(&path, format!("{}{text}{}", &page[..from], &page[to..])).unwrap();
        return;
    }
    assert!(page[from..to] == text, "docs/faults.md is old: run this test with ORTHANT_WRITE=1");
}

#[test]
fn every_fault_has_an_answer_on_every_face() {
    let table = table();
    for (at, fault) in table.faults.iter().enumerate() {
        assert_eq!(fault.number as usize, at + 1, "{}", fault.case);
        for (name, face) in [("rust", &fault.rust), ("command", &fault.command), ("python", &fault.python)] {
            let run = |case: &super::rows::Case| {
                case.faces.as_ref().is_none_or(|faces| faces.iter().any(|other| other == name))
            };
            match face {
                Face::Tests(tests) => {
                    let answered = !tests.is_empty() || fault.cases.iter().any(run);
                    assert!(answered, "fault {}, {name}: neither a test nor a case", fault.number);
                    assert_eq!(missing(tests.iter().map(String::as_str)), [""; 0], "fault {}", fault.number);
                }
                Face::NotApplicable(reason) => {
                    assert!(reason.len() > 10, "fault {}, {name}: no reason", fault.number);
                    assert!(
                        !fault.cases.iter().any(run),
                        "fault {}, {name}: cases, and none apply",
                        fault.number
                    );
                }
            }
        }
    }
    assert_eq!(table.faults.len(), 61);
}

/// A test whose documentation names a fault is in that row of the table, and the other way round.
#[test]
fn tests_bear_the_numbers_of_their_rows() {
    let table = table();
    let listed = |number: u32| match &table.faults[number as usize - 1].rust {
        Face::Tests(tests) => &tests[..],
        Face::NotApplicable(_) => &[],
    };
    let mut borne = 0;
    for (place, tests) in places() {
        for test in tests {
            for number in test.faults {
                let names = |listed: &String| {
                    listed.starts_with(&format!("{place}::")) && listed.ends_with(&format!("::{}", test.name))
                };
                assert!(listed(number).iter().any(names), "{place}, {} is not in row {number}", test.name);
                borne += 1;
            }
        }
    }
    let all: usize =
        (1..=61).map(|n| listed(n).iter().filter(|test| test.starts_with("faults::")).count()).sum();
    assert!(borne >= all, "{borne} numbers are borne by tests of faults, and {all} are in the table");
}
