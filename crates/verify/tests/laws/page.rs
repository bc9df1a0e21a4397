//! The page of laws: its table is the code's, and the tests that it names carry its numbers.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use orthant_verify::laws::{ELSEWHERE, LAWS, Law, NOT_HERE, table};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A test, and the numbers of the laws and faults that its documentation names.
pub struct Test {
    pub name: String,
    pub laws: Vec<u32>,
    pub faults: Vec<u32>,
}

/// The numbers of "Law 22, 23." and the like.
fn numbers(text: &str, of: &str) -> Vec<u32> {
    let after = text.match_indices(of).map(|(at, word)| &text[at + word.len()..]);
    let lists = after.map(|rest| rest.split(|c: char| !matches!(c, '0'..='9' | ',' | ' ')).next().unwrap());
    lists.flat_map(|list| list.split(", ").filter_map(|number| number.trim().parse().ok())).collect()
}

fn tests_of(source: &str) -> Vec<Test> {
    let (mut tests, mut text, mut is_test) = (Vec::new(), String::new(), false);
    for line in source.lines().map(str::trim) {
        if let Some(more) = line.strip_prefix("///") {
            text.push_str(more);
        } else if line.starts_with("#[") {
            is_test |= line == "#[test]";
        } else {
            if is_test {
                let name = line.split('(').next().unwrap().rsplit(' ').next().unwrap();
                let (laws, faults) = (numbers(&text, "Law "), numbers(&text, "Fault "));
                tests.push(Test { name: name.to_owned(), laws, faults });
            }
            text.clear();
            is_test = false;
        }
    }
    tests
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

/// The tests of every module of `tests/laws`, and of all that is elsewhere and bears numbers.
pub fn places() -> BTreeMap<String, Vec<Test>> {
    let modules = entries(&root().join("tests/laws")).into_iter().map(|path| {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        (name, if path.is_dir() { entries(&path) } else { vec![path] })
    });
    let elsewhere = ELSEWHERE.iter().filter(|(_, files)| !files.is_empty());
    let elsewhere = elsewhere
        .map(|(name, files)| ((*name).to_owned(), files.iter().map(|file| root().join(file)).collect()));
    let read = |files: Vec<PathBuf>| {
        let sources = files.iter().map(|file| std::fs::read_to_string(file).expect("a file of Rust"));
        sources.flat_map(|source| tests_of(&source)).collect()
    };
    modules.chain(elsewhere).map(|(name, files)| (name, read(files))).collect()
}

#[test]
fn the_documented_laws_are_the_codes() {
    let path = root().join("README.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let (begin, end) = ("<!-- laws -->\n", "<!-- end of laws -->");
    let from = text.find(begin).expect("the beginning of the laws") + begin.len();
    let to = from + text[from..].find(end).expect("the end of the laws");
    let laws = format!("\n{}\n", table());
    if std::env::var_os("ORTHANT_WRITE").is_some() {
        std::fs::write(&path, format!("{}{laws}{}", &text[..from], &text[to..])).unwrap();
        return;
    }
    assert!(text[from..to] == laws, "README.md is old: run this test with ORTHANT_WRITE=1\n{laws}");
}

#[test]
fn every_law_is_tested_where_the_page_says() {
    let places = places();
    let unread = |place: &str| ELSEWHERE.iter().any(|(name, files)| *name == place && files.is_empty());
    let carries = |place: &str, number: u32| {
        unread(place) || places[place].iter().any(|test| test.laws.contains(&number))
    };
    for law in LAWS {
        for place in law.modules {
            assert!(unread(place) || places.contains_key(*place), "{place} is not a module: {}", law.states);
            let carried = law.numbers.iter().any(|&number| carries(place, number));
            assert!(carried || law.numbers.is_empty(), "no test of {place} carries any of {:?}", law.numbers);
        }
        for &number in law.numbers {
            let carried = law.modules.iter().any(|place| carries(place, number));
            assert!(carried, "no test of {:?} carries {number}", law.modules);
        }
    }
}

#[test]
fn every_number_that_a_test_carries_is_on_the_page() {
    let mut carried = 0;
    for (place, tests) in &places() {
        for Test { name, laws, .. } in tests {
            for number in laws {
                let listed =
                    |law: &Law| law.numbers.contains(number) && law.modules.contains(&place.as_str());
                assert!(LAWS.iter().any(listed), "{place}, {name}: no row gives law {number} to {place}");
            }
            carried += laws.len();
        }
    }
    assert!(carried > 100, "{carried}");
}

#[test]
fn every_number_has_a_law_or_a_reason() {
    for number in 1..=53 {
        let law = LAWS.iter().any(|law| law.numbers.contains(&number));
        let reason = NOT_HERE.iter().any(|(other, why)| *other == number && !why.is_empty());
        assert!(law != reason, "law {number}: a test and a reason, or neither");
    }
}

#[test]
fn numbers_are_read_from_documentation() {
    let lines =
        ["/// Law 22, 23. Bits stay,", "/// all 64.", "#[test]", "pub fn a() {}", "/// Law 1.", "fn b() {}"];
    let source = lines.join("\n");
    let found: Vec<_> = tests_of(&source).into_iter().map(|test| (test.name, test.laws)).collect();
    assert_eq!(found, [("a".to_owned(), vec![22, 23])]);
}
