//! The page of guarantees names tests that exist.

use std::path::Path;
use std::process::Command;

/// What stands between backticks on the page.
fn quoted(page: &str) -> impl Iterator<Item = &str> {
    page.split('`').skip(1).step_by(2)
}

/// Those of the names that are no tests: of this program, or `FILE: NAME` of another, in Rust or Python.
pub fn missing<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let listed = Command::new(std::env::current_exe().unwrap()).arg("--list").output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    let laws: Vec<&str> = listed.lines().filter_map(|line| line.strip_suffix(": test")).collect();
    let exists = |name: &str| match name.split_once(": ") {
        Some((file, test)) => {
            let source = std::fs::read_to_string(root.join(file)).unwrap_or_default();
            match file.ends_with(".py") {
                true => source.contains(&format!("\ndef {test}(")),
                false => source.contains(&format!("#[test]\nfn {test}()")),
            }
        }
        None => laws.contains(&name),
    };
    names.filter(|name| !exists(name)).collect()
}

#[test]
fn every_test_that_the_page_of_guarantees_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let page = std::fs::read_to_string(root.join("docs/guarantees.md")).unwrap();
    let names = quoted(&page).filter(|name| !name.contains('…'));
    let names = names.filter(|name| name.contains(": ") || name.contains("::") && !name.contains(' '));
    let names: Vec<&str> = names.collect();
    assert_eq!(missing(names.iter().copied()), [""; 0], "docs/guarantees.md names what are no tests");
    assert!(names.len() > 40, "{}", names.len());
}
