//! The inputs of a target: those that ever failed, the seeds, and mutations of both.

use std::fs;
use std::path::{Path, PathBuf};

use crate::mutate::mutated;
use crate::numbers::Numbers;
use crate::targets::Target;

/// What a target is fed, by number.
pub struct Corpus {
    /// Files that are run as they are.
    pub fixed: Vec<Vec<u8>>,
    seed: u64,
}

/// The folder of the inputs that failed.
pub fn regressions(target: &Target) -> PathBuf {
    here().join("regressions").join(target.name)
}

fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

impl Corpus {
    /// That of a target. The same seed makes the same inputs.
    pub fn new(target: &Target, seed: u64) -> Self {
        let mut files = files(&regressions(target), &[""]);
        files.extend(self::files(&here().join("seeds").join(target.name), &[""]));
        if !target.endings.is_empty() {
            for folder in
                ["", "/sparse", "/tables", "/cells"].map(|folder| format!("../io/tests/data{folder}"))
            {
                files.extend(self::files(&here().join(folder), target.endings));
            }
        }
        let mut fixed: Vec<Vec<u8>> =
            files.iter().map(|file| fs::read(file).expect("a file of the repository")).collect();
        if fixed.is_empty() {
            fixed.push((0..=255).collect());
        }
        Self { fixed, seed }
    }

    /// Input number `n`: the fixed ones first.
    pub fn input(&self, n: u64) -> Vec<u8> {
        match usize::try_from(n).ok().and_then(|at| self.fixed.get(at)) {
            Some(file) => file.clone(),
            None => mutated(&self.fixed, &mut Numbers::new(self.seed, n)),
        }
    }
}

/// The files of a folder with one of the endings, by name; none where there is no folder.
fn files(folder: &Path, endings: &[&str]) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    files.retain(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name != "README.md" && endings.iter().any(|ending| name.ends_with(ending))
    });
    files.sort();
    files
}
