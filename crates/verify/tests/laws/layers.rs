//! The layers of the solver crate, as ARCHITECTURE.md has them.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The number of a module's layer, for all that the table names.
fn layers(page: &str) -> HashMap<String, usize> {
    let table = page.split("| layer | modules |").nth(1).expect("the table of layers");
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    let mut layers = HashMap::new();
    for (number, row) in rows.enumerate() {
        let modules = row.split('|').nth(2).expect("modules");
        for name in modules.split('`').skip(1).step_by(2) {
            let name = name.trim_end_matches(".rs").trim_end_matches('/').to_owned();
            assert_eq!(layers.insert(name.clone(), number), None, "{name} is in two layers");
        }
    }
    layers
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path);
        }
    }
}

/// The names that follow `crate::` in code, outside comments and unit tests.
fn imported(code: &str) -> Vec<String> {
    let code = code.split("#[cfg(test)]").next().unwrap();
    let code: String = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    // nor links in texts
    let code: String = code.split('"').step_by(2).collect();
    let mut names = Vec::new();
    for part in code.split("crate::").skip(1) {
        let list = part.strip_prefix('{').and_then(|rest| rest.split('}').next());
        let listed = list.unwrap_or(part).split(if list.is_some() { ',' } else { ';' });
        for item in listed.take(if list.is_some() { usize::MAX } else { 1 }) {
            let name = item.trim().split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap();
            names.push(name.to_owned());
        }
    }
    names
}

#[test]
fn no_module_imports_from_a_layer_below_its_own() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let layers = layers(&fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap());
    let src = root.join("crates/orthant/src");
    // what `lib.rs` exports, by the module that has it
    let lib = fs::read_to_string(src.join("lib.rs")).unwrap();
    let mut home = HashMap::new();
    for export in lib.split("pub use ").skip(1).map(|rest| rest.split(';').next().unwrap()) {
        let (module, names) = export.split_once("::").unwrap();
        for name in names.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|name| !name.is_empty()) {
            home.insert(name.to_owned(), module.to_owned());
        }
    }
    let mut files = Vec::new();
    sources(&src, &mut files);
    let (mut uphill, mut checked) = (Vec::new(), 0);
    for file in files {
        let of = file.strip_prefix(&src).unwrap();
        let top = of.components().next().unwrap().as_os_str().to_string_lossy();
        let top = top.trim_end_matches(".rs");
        if top == "lib" {
            continue;
        }
        let layer = *layers.get(top).unwrap_or_else(|| panic!("{top} is in no layer of ARCHITECTURE.md"));
        if of.to_string_lossy().contains("tests") {
            continue;
        }
        for name in imported(&fs::read_to_string(&file).unwrap()) {
            let module = home.get(&name).unwrap_or(&name);
            if let Some(&other) = layers.get(module) {
                checked += 1;
                if other > layer {
                    uphill.push(format!("{} imports {name} of {module}", of.display()));
                }
            }
        }
    }
    assert!(checked > 200, "only {checked} imports were found");
    assert!(uphill.is_empty(), "{uphill:#?}");
}
