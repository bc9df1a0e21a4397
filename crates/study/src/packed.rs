//! A study as bytes, for whoever keeps it elsewhere than in a folder.

use std::path::Path;

use orthant_io::{IoError, Precision, Scalar};

use crate::folder::Manifest;
use crate::record::Record;
use crate::{Key, Ranks, StudyError, Thresholds};

/// What the folder of a study holds: its manifest, and the record of each job by the job's name.
///
/// ```
/// use orthant::Dense;
/// use orthant_study::{Packed, Ranks, Study, Thresholds};
/// let v = Dense::from_fn(20, 8, |i, j| if i % 2 == j % 2 { (1 + (i * 5 + j) % 7) as f64 } else { 0.0 });
/// let ranks = Study::new([2]).replicates(2).fit(&v)?;
/// let packed: Packed = ranks.pack()?;
/// let again: Ranks<f64> = packed.unpack(Thresholds::default())?;
/// assert_eq!(again.table(), ranks.table());
/// # Ok::<(), orthant_study::StudyError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Packed {
    /// The content of `manifest.json`.
    pub manifest: String,
    /// For each job its name, and the content of its file.
    pub jobs: Vec<(String, Vec<u8>)>,
}

/// What stands for the folder in errors.
const WHERE: &str = "packed study";

impl<T: Scalar> Ranks<T> {
    /// The study as bytes: every record is read.
    ///
    /// # Errors
    /// [`StudyError::Io`] where a record cannot be read.
    pub fn pack(&self) -> Result<Packed, StudyError> {
        let written = |source| IoError::Write { path: WHERE.into(), source };
        let manifest = serde_json::to_string(&self.manifest).map_err(|e| written(e.into()))?;
        let mut jobs = Vec::new();
        for record in self.source.records(&self.keys()?)? {
            let mut bytes = Vec::new();
            record.write_to(&mut bytes).map_err(written)?;
            jobs.push((record.key.to_string(), bytes));
        }
        Ok(Packed { manifest, jobs })
    }
}

impl Packed {
    /// The precision of the data.
    ///
    /// # Errors
    /// [`StudyError::NotAStudy`].
    pub fn precision(&self) -> Result<Precision, StudyError> {
        Ok(self.manifest()?.input.dtype)
    }

    /// The study, with its records in memory.
    ///
    /// # Errors
    /// [`StudyError::NotAStudy`] for a manifest or a name that is none, [`StudyError::Io`] for a record that is none.
    pub fn unpack<T: Scalar>(&self, thresholds: Thresholds) -> Result<Ranks<T>, StudyError> {
        thresholds.check()?;
        let manifest = self.manifest()?;
        let shape = (manifest.input.rows, manifest.input.cols);
        let mut records = Vec::new();
        for (name, bytes) in &self.jobs {
            let key = Key::parse(name).ok_or_else(|| not(format!("{name} is no name of a job")))?;
            records.push(Record::<T>::read(bytes, Path::new(name), key, shape)?);
        }
        records.sort_unstable_by_key(|record| record.key);
        records.dedup_by_key(|record| record.key);
        Ranks::of_records(records, manifest, thresholds)
    }

    fn manifest(&self) -> Result<Manifest, StudyError> {
        Manifest::parse(&self.manifest).map_err(not)
    }
}

fn not(reason: String) -> StudyError {
    StudyError::NotAStudy { path: WHERE.into(), reason }
}
