//! Names of rows and columns.

use std::collections::{HashMap, HashSet};

/// Appends `-1`, `-2`, … to the second, third, … of equal names, past those that are taken, as scanpy's
/// `var_names_make_unique` does.
pub(crate) fn make_unique(names: &mut [String]) {
    let mut taken: HashSet<String> = names.iter().cloned().collect();
    if taken.len() == names.len() {
        return;
    }
    let (mut seen, mut counts) = (HashSet::new(), HashMap::new());
    for name in names {
        if seen.insert(name.clone()) {
            continue;
        }
        let count = counts.entry(name.clone()).or_insert(0_u64);
        *name = loop {
            *count += 1;
            let next = format!("{name}-{count}");
            if taken.insert(next.clone()) {
                break next;
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use super::make_unique;

    /// What `anndata.utils.make_index_unique` of anndata 0.12 returns.
    #[test]
    fn unique_as_in_scanpy() {
        for (names, unique) in [
            ("a b c", "a b c"),
            ("a a b a b", "a a-1 b a-2 b-1"),
            ("a a-1 a a a-1", "a a-1 a-2 a-3 a-1-1"),
            ("x x x-1 x-2 x x", "x x-3 x-1 x-2 x-4 x-5"),
        ] {
            let mut names: Vec<String> = names.split(' ').map(str::to_owned).collect();
            make_unique(&mut names);
            assert_eq!(names.join(" "), unique);
        }
    }
}
