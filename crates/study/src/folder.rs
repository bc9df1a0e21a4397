//! The folder of a study: its manifest, the records of its jobs, and who works on it.

use std::collections::BTreeSet;
use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use orthant::Options;
use orthant_io::{Fingerprint, IoError, Scalar, Staged};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::data::OTHER_ORDER;
use crate::record::Record;
use crate::{Key, Shard, StudyError, Variation};

const MANIFEST: &str = "manifest.json";
const JOBS: &str = "jobs";
const ENDING: &str = ".safetensors";
const FORMAT: u64 = 1;
/// How the seed of a job follows from its key, for whoever reads the manifest.
const SEEDS: &str = "the lowest 32 bits of XXH3-64 of \"SEED/KIND/RANK/REPLICATE/FOLD\"";

/// What all jobs of a study have in common. It is written once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    format: u64,
    /// The release that the jobs are done by.
    pub orthant: String,
    seeds: String,
    /// The data.
    pub input: Fingerprint,
    /// XXH3-128 of the weights of entries, if there are any.
    pub weights: Option<String>,
    /// Folds that counts are shared out among.
    pub folds: usize,
    /// What differs between fits.
    #[serde(default, skip_serializing_if = "Variation::is_starts")]
    pub vary: Variation,
    /// The options of all fits but the rank, which is 1 here.
    pub options: Options,
    /// Where the data comes from, as whoever began the study said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Value>,
}

impl Manifest {
    /// Of fits with these options, of this data.
    pub fn new(
        options: &Options,
        input: Fingerprint,
        weights: Option<String>,
        folds: usize,
        vary: Variation,
        origin: Option<Value>,
    ) -> Self {
        Self {
            format: FORMAT,
            orthant: env!("CARGO_PKG_VERSION").to_owned(),
            seeds: SEEDS.to_owned(),
            input,
            weights,
            folds,
            vary,
            // no bit depends on threads
            options: Options { rank: 1, threads: None, ..options.clone() },
            origin,
        }
    }

    /// From its text; what is wrong with it, in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let manifest: Self =
            serde_json::from_str(text).map_err(|e| format!("{MANIFEST} cannot be read: {e}"))?;
        if manifest.format != FORMAT {
            return Err(format!("its layout is version {}, and {FORMAT} is read", manifest.format));
        }
        if manifest.input.rows == 0 || manifest.input.cols == 0 {
            return Err(format!("{MANIFEST} is of data without rows or columns"));
        }
        Ok(manifest)
    }

    /// What differs from another one, in words.
    fn differences(&self, other: &Self) -> Option<String> {
        let other = &Self { origin: self.origin.clone(), ..other.clone() };
        if self == other {
            return None;
        }
        let values = [self, other].map(|manifest| serde_json::to_value(manifest).unwrap_or_default());
        let mut said = Vec::new();
        differ("", &values[0], &values[1], &mut said);
        let of_data = |line: &String| line.starts_with("input.");
        if said.iter().any(of_data) {
            let order =
                if said.iter().any(|line| line.starts_with("input.order ")) { OTHER_ORDER } else { "" };
            said.retain(|line| !of_data(line));
            said.insert(0, format!("its data is not this data (another fingerprint{order})"));
        }
        Some(if said.is_empty() { "an option is not the same".to_owned() } else { said.join("; ") })
    }
}

/// The leaves in which two values differ.
fn differ(name: &str, there: &Value, here: &Value, said: &mut Vec<String>) {
    match (there, here) {
        (Value::Object(a), Value::Object(b)) => {
            for key in a.keys().chain(b.keys()).collect::<BTreeSet<_>>() {
                let of =
                    |object: &serde_json::Map<String, Value>| object.get(key).cloned().unwrap_or_default();
                let name = if name.is_empty() { key.clone() } else { format!("{name}.{key}") };
                differ(&name, &of(a), &of(b), said);
            }
        }
        _ if there != here => said.push(format!("{name} is {there} there and {here} here")),
        _ => {}
    }
}

/// A folder that a process works on.
#[derive(Debug)]
pub struct Folder {
    dir: PathBuf,
    shape: (usize, usize),
    /// Locked as long as this lives.
    locks: Vec<File>,
}

impl Folder {
    /// Opens the folder of a study to do jobs in, or makes it.
    ///
    /// # Errors
    /// [`StudyError::NotAStudy`] for a folder with other things in it, [`StudyError::Different`], [`StudyError::Locked`].
    pub fn work_on(dir: &Path, manifest: &Manifest, shard: Option<Shard>) -> Result<Self, StudyError> {
        fs::create_dir_all(dir).map_err(write_error(dir))?;
        let path = dir.join(MANIFEST);
        if !path.exists() {
            let mut names = fs::read_dir(dir)
                .map_err(read_error(dir))?
                .filter_map(|entry| entry.ok()?.file_name().into_string().ok());
            if let Some(other) = names.find(|name| !name.starts_with('.') && name != JOBS) {
                let reason =
                    format!("there is {other} in it, and no {MANIFEST}; choose a new or an empty folder");
                return Err(StudyError::NotAStudy { path: dir.to_owned(), reason });
            }
        }
        let locks = lock(dir, shard)?;
        {
            // one of several shards writes it
            let _writing = blocking(&dir.join(".study-manifest.lock"))?;
            if path.exists() {
                let there = Self::manifest(dir)?;
                if let Some(differences) = there.differences(manifest) {
                    return Err(StudyError::Different { path: dir.to_owned(), differences });
                }
            } else {
                let mut staged = Staged::in_dir(dir)?;
                staged.json(MANIFEST, manifest)?;
                staged.commit()?;
            }
        }
        // finishes what a killed process was about to name
        drop(Staged::in_dir(dir.join(JOBS))?);
        Ok(Self { dir: dir.to_owned(), shape: (manifest.input.rows, manifest.input.cols), locks })
    }

    /// Opens the folder of a study to read it.
    ///
    /// # Errors
    /// [`StudyError::NotAStudy`].
    pub fn read(dir: &Path) -> Result<(Self, Manifest), StudyError> {
        let manifest = Self::manifest(dir)?;
        let shape = (manifest.input.rows, manifest.input.cols);
        Ok((Self { dir: dir.to_owned(), shape, locks: Vec::new() }, manifest))
    }

    fn manifest(dir: &Path) -> Result<Manifest, StudyError> {
        let path = dir.join(MANIFEST);
        let not = |reason: String| StudyError::NotAStudy { path: dir.to_owned(), reason };
        let text = fs::read_to_string(&path).map_err(|e| match e.kind() {
            ErrorKind::NotFound => not(format!("there is no {MANIFEST}; `orthant study` makes one")),
            _ => IoError::Read { path: path.clone(), source: e }.into(),
        })?;
        Manifest::parse(&text).map_err(not)
    }

    /// The same folder, to be read, and others may work on it.
    pub fn released(mut self) -> Self {
        self.locks.clear();
        self
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The jobs that have records, in order.
    pub fn keys(&self) -> Result<Vec<Key>, StudyError> {
        let dir = self.dir.join(JOBS);
        let mut keys = BTreeSet::new();
        let entries = match fs::read_dir(&dir) {
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(read_error(&dir))?,
        };
        for entry in entries {
            let name = entry.map_err(read_error(&dir))?.file_name();
            keys.extend(name.to_str().and_then(|name| Key::parse(name.strip_suffix(ENDING)?)));
        }
        Ok(keys.into_iter().collect())
    }

    /// The record of a job.
    pub fn record<T: Scalar>(&self, key: Key) -> Result<Record<T>, StudyError> {
        let path = self.dir.join(JOBS).join(format!("{key}{ENDING}"));
        let bytes = fs::read(&path).map_err(read_error(&path))?;
        Ok(Record::read(&bytes, &path, key, self.shape)?)
    }

    /// Writes records, all or none.
    pub fn write<T: Scalar>(&self, records: &[Record<T>]) -> Result<(), StudyError> {
        if records.is_empty() {
            return Ok(());
        }
        let mut staged = Staged::in_dir(self.dir.join(JOBS))?;
        for record in records {
            staged.file(&format!("{}{ENDING}", record.key), |out| record.write_to(out))?;
        }
        staged.commit()?;
        Ok(())
    }
}

/// The locks of a run: a plain run has the folder to itself, and shards share it with others but of their own number.
fn lock(dir: &Path, shard: Option<Shard>) -> Result<Vec<File>, StudyError> {
    let try_on = |name: String, shared: bool| {
        let path = dir.join(name);
        let file = open(&path)?;
        match if shared { file.try_lock_shared() } else { file.try_lock() } {
            Err(TryLockError::WouldBlock) => Err(StudyError::Locked { path: dir.to_owned() }),
            // a file system without locks
            _ => Ok(file),
        }
    };
    let mut locks = vec![try_on(".study.lock".to_owned(), shard.is_some())?];
    if let Some(Shard { index, of }) = shard {
        locks.push(try_on(format!(".study-{index}-of-{of}.lock"), false)?);
    }
    Ok(locks)
}

fn blocking(path: &Path) -> Result<File, StudyError> {
    let file = open(path)?;
    // a file system without locks goes on without
    let _ = file.lock();
    Ok(file)
}

fn open(path: &Path) -> Result<File, StudyError> {
    let opened = File::options().read(true).write(true).create(true).truncate(false).open(path);
    opened.map_err(write_error(path))
}

fn read_error(path: &Path) -> impl Fn(std::io::Error) -> StudyError + '_ {
    |source| IoError::Read { path: path.to_owned(), source }.into()
}

fn write_error(path: &Path) -> impl Fn(std::io::Error) -> StudyError + '_ {
    |source| IoError::Write { path: path.to_owned(), source }.into()
}
