//! The page of guarantees names tests that exist.

use std::path::Path;
use std::process::Command;

/// What stands between backticks on the page.
fn quoted(page: &str) -> impl Iterator<Item = &str> {
    page.split('`').skip(1).step_by(2)
}

#[test]
fn every_test_that_the_page_of_guarantees_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let page = std::fs::read_to_string(root.join("docs/guarantees.md")).unwrap();
    let listed = Command::new(std::env::current_exe().unwrap()).arg("--list").output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    let laws: Vec<&str> = listed.lines().filter_map(|line| line.strip_suffix(": test")).collect();
    let mut named = 0;
    for name in quoted(&page).filter(|name| !name.contains('…')) {
        let exists = if let Some((file, test)) = name.split_once(": ") {
            let source = std::fs::read_to_string(root.join(file)).unwrap_or_default();
            source.contains(&format!("#[test]\nfn {test}()"))
        } else if name.contains("::") && !name.contains(' ') {
            laws.contains(&name)
        } else {
            continue;
        };
        named += 1;
        assert!(exists, "docs/guarantees.md names {name}, which is no test");
    }
    assert!(named > 40, "{named}");
}
