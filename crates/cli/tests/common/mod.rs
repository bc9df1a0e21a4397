//! Running the command and looking at what it did.
#![allow(dead_code, reason = "each test program uses its own part")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// The end of a run.
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Ran {
    /// Fails the test, with what was printed, unless the command ended with this code.
    #[track_caller]
    pub fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "\nstdout: {}\nstderr: {}", self.out, self.err);
        self
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("the command prints UTF-8");
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

/// The command, to be run in `dir`.
pub fn orthant(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_orthant"));
    command.current_dir(dir);
    command
}

/// Runs `orthant` with arguments separated by blanks.
pub fn run(dir: &Path, args: &str) -> Ran {
    orthant(dir).args(args.split_whitespace()).output().expect("the command starts").into()
}

/// An empty directory.
pub fn dir() -> TempDir {
    tempfile::tempdir().expect("a temporary directory")
}

/// Writes a file and returns its path.
pub fn file(dir: &Path, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
    let path = dir.join(name);
    std::fs::write(&path, content).expect("a file");
    path
}

/// The names in a directory, sorted.
pub fn listing(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).expect("a directory");
    let mut names: Vec<_> =
        entries.map(|e| e.expect("an entry").file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Twelve documents over five words, two topics.
pub const COUNTS: &str = "\
doc,apple,pear,plum,bolt,nut
d0,3,2,1,0,0
d1,6,4,2,0,1
d2,0,0,0,5,4
d3,1,0,0,10,8
d4,3,2,1,5,4
d5,9,6,3,0,0
d6,0,1,0,15,12
d7,6,4,2,5,4
";
