//! What is kept of a job, and the file that it is kept in.
//!
//! A file is safetensors: the tensors `H` (k×n) and `labels` of a fit, none of other jobs, and in the metadata the rest as JSON with
//! a hash of it all. Nothing in it depends on when, where or beside what the job was done.

use std::collections::HashMap;
use std::io::{self, Write};
use std::path::Path;

use orthant::{Dense, StopReason, little_endian_bytes};
use orthant_io::{IoError, Precision, Scalar, open_safetensors};
use safetensors::tensor::{Dtype, TensorView};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3;

use crate::Key;
use crate::holdout::overdispersion::Moments;
use crate::stats::samples::UNLABELLED;

/// The metadata key. There is only one, as several would come in any order.
const KEY: &str = "orthant.study";
/// The version of the layout.
const FORMAT: u64 = 1;

/// A finished job.
#[derive(Clone, Debug, PartialEq)]
pub struct Record<T> {
    /// What was done.
    pub key: Key,
    /// What came of it.
    pub outcome: Outcome<T>,
}

/// What came of a job.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome<T> {
    /// A fit of all of V.
    Fit(Box<FitRecord<T>>),
    /// A fit of a part of V, and its loss on what was held out.
    HeldOut {
        /// The loss.
        loss: f64,
    },
    /// Why there is no result, and would be none another time.
    Failed {
        /// In words.
        reason: String,
    },
}

/// What is kept of a fit.
#[derive(Clone, Debug, PartialEq)]
pub struct FitRecord<T> {
    /// Its figures.
    pub figures: Figures,
    /// The components.
    pub h: Dense<T>,
    /// For each sample the component that gives most to it, [`UNLABELLED`](crate::stats::samples::UNLABELLED) for none.
    pub labels: Vec<u16>,
}

/// The figures of a fit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// The loss, penalties aside.
    pub loss: f64,
    /// The share of V that is explained: 1 less the loss over that of V with 0, or with its mean where that is infinite.
    pub explained: f64,
    /// Iterations.
    pub iterations: usize,
    /// Why it stopped.
    pub stop_reason: StopReason,
    /// Entries that were observed.
    pub entries: usize,
    /// How V is spread around W·H, where all of it is observed.
    pub moments: Option<Moments>,
}

/// [`Outcome`] without its arrays.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kept {
    Fit(Figures),
    HeldOut { loss: f64 },
    Failed { reason: String },
}

#[derive(Serialize, Deserialize)]
struct Header {
    format: u64,
    key: String,
    dtype: Precision,
    outcome: Kept,
    /// XXH3-128 of the tensors' bytes, H first.
    xxh3_128: String,
}

impl<T: Scalar> Record<T> {
    /// Writes the file.
    pub fn write_to(&self, out: &mut dyn Write) -> io::Result<()> {
        let (outcome, h, labels) = match &self.outcome {
            Outcome::Fit(fit) => (Kept::Fit(fit.figures), Some(&fit.h), &fit.labels[..]),
            Outcome::HeldOut { loss } => (Kept::HeldOut { loss: *loss }, None, &[][..]),
            Outcome::Failed { reason } => (Kept::Failed { reason: reason.clone() }, None, &[][..]),
        };
        let components = h.map(|h| little_endian_bytes(h.as_slice())).unwrap_or_default();
        let labels: Vec<u8> = labels.iter().flat_map(|label| label.to_le_bytes()).collect();
        let xxh3_128 = hash(&components, &labels);
        let header =
            Header { format: FORMAT, key: self.key.to_string(), dtype: T::PRECISION, outcome, xxh3_128 };
        let metadata = HashMap::from([(KEY.to_owned(), serde_json::to_string(&header)?)]);
        let mut tensors = Vec::new();
        if let Some(h) = h {
            let view = |dtype, shape, bytes| TensorView::new(dtype, shape, bytes).map_err(io::Error::other);
            tensors.push(("H", view(dtype::<T>(), vec![h.nrows(), h.ncols()], &components)?));
            tensors.push(("labels", view(Dtype::U16, vec![labels.len() / 2], &labels)?));
        }
        let file = safetensors::serialize(tensors, Some(metadata)).map_err(io::Error::other)?;
        out.write_all(&file)
    }

    /// Reads the content of a file, which belongs to the job `key` of a study of m×n data.
    ///
    /// # Errors
    /// [`IoError::Corrupt`].
    pub fn read(bytes: &[u8], path: &Path, key: Key, (m, n): (usize, usize)) -> Result<Self, IoError> {
        let corrupt =
            |reason: String| IoError::Corrupt { path: path.to_owned(), format: "study record", reason };
        let (file, metadata) = open_safetensors(bytes, path, "study record")?;
        let text = metadata.get(KEY).ok_or_else(|| corrupt("it is no record of a study".to_owned()))?;
        let header: Header = serde_json::from_str(text).map_err(|e| corrupt(e.to_string()))?;
        if header.format != FORMAT {
            return Err(corrupt(format!("its layout is version {}, and {FORMAT} is read", header.format)));
        }
        if header.key != key.to_string() || header.dtype != T::PRECISION {
            return Err(corrupt(format!("it is of {} in {}", header.key, header.dtype)));
        }
        let tensor = |name: &str, dtype: Dtype, shape: &[usize]| {
            let tensor = file.tensor(name).map_err(|_| corrupt(format!("it has no {name}")))?;
            if tensor.dtype() != dtype || tensor.shape() != shape {
                return Err(corrupt(format!("{name} is of another type or shape than the study")));
            }
            Ok(tensor.data())
        };
        let (components, labels) = match header.outcome {
            Kept::Fit(_) => (tensor("H", dtype::<T>(), &[key.rank, n])?, tensor("labels", Dtype::U16, &[m])?),
            _ => (&[][..], &[][..]),
        };
        if hash(components, labels) != header.xxh3_128 {
            return Err(corrupt("its content is not what was written".to_owned()));
        }
        let outcome = match header.outcome {
            Kept::HeldOut { loss } => Outcome::HeldOut { loss },
            Kept::Failed { reason } => Outcome::Failed { reason },
            Kept::Fit(figures) => {
                let labels: Vec<u16> =
                    labels.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
                let h = Dense::from_vec(numbers::<T>(components), key.rank, n)
                    .map_err(|e| corrupt(e.to_string()))?;
                if h.as_slice().iter().any(|x| x.to_f64() < 0.0 || !x.is_finite()) {
                    return Err(corrupt("H has entries that are negative or not finite".to_owned()));
                }
                if labels.iter().any(|&label| label != UNLABELLED && usize::from(label) >= key.rank) {
                    return Err(corrupt("a label is of no component".to_owned()));
                }
                Outcome::Fit(Box::new(FitRecord { figures, h, labels }))
            }
        };
        Ok(Self { key, outcome })
    }
}

fn dtype<T: Scalar>() -> Dtype {
    match T::PRECISION {
        Precision::Float32 => Dtype::F32,
        Precision::Float64 => Dtype::F64,
    }
}

/// Numbers from their bytes, which need not be aligned.
fn numbers<T: Scalar>(bytes: &[u8]) -> Vec<T> {
    let mut out = vec![T::ZERO; bytes.len() / size_of::<T>()];
    let to: &mut [u8] = bytemuck::cast_slice_mut(&mut out);
    to.copy_from_slice(bytes);
    if cfg!(target_endian = "big") {
        to.chunks_exact_mut(size_of::<T>()).for_each(<[u8]>::reverse);
    }
    out
}

fn hash(components: &[u8], labels: &[u8]) -> String {
    let mut hash = Xxh3::new();
    hash.update(components);
    hash.update(labels);
    format!("{:032x}", hash.digest128())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Kind;

    fn record() -> Record<f32> {
        let figures = Figures {
            loss: 0.1 + 0.2,
            explained: 0.5,
            iterations: 7,
            stop_reason: StopReason::Converged,
            entries: 6,
            moments: Some(Moments { residual: 1.0, sum: 2.0, squares: 3.0 }),
        };
        let h = Dense::from_vec(vec![1.0, 2.0, 0.5, 0.0, 1e-20, 3.0], 2, 3).unwrap();
        let fit = FitRecord { figures, h, labels: vec![0, u16::MAX] };
        let key = Key { kind: Kind::Start, rank: 2, replicate: 3, fold: 0 };
        Record { key, outcome: Outcome::Fit(Box::new(fit)) }
    }

    fn bytes<T: Scalar>(record: &Record<T>) -> Vec<u8> {
        let mut bytes = Vec::new();
        record.write_to(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn what_is_written_is_read() {
        let fit = record();
        let others = [
            Record { key: fit.key, outcome: Outcome::HeldOut { loss: 1.0 / 3.0 } },
            Record { key: fit.key, outcome: Outcome::Failed { reason: "because".into() } },
        ];
        for record in others.into_iter().chain([fit]) {
            let file = bytes(&record);
            assert_eq!(Record::read(&file, Path::new("r"), record.key, (2, 3)).unwrap(), record);
            assert_eq!(bytes(&record), file);
        }
    }

    #[test]
    fn labels_are_of_components() {
        let mut record = record();
        let Outcome::Fit(fit) = &mut record.outcome else { panic!("it is one") };
        fit.labels[0] = 2;
        assert!(Record::<f32>::read(&bytes(&record), Path::new("r"), record.key, (2, 3)).is_err());
    }

    #[test]
    fn no_damage_is_read_as_a_record_and_none_panics() {
        let record = record();
        let file = bytes(&record);
        let read = |bytes: &[u8]| Record::<f32>::read(bytes, Path::new("r"), record.key, (2, 3));
        for end in 0..file.len() {
            assert!(read(&file[..end]).is_err(), "cut at {end}");
        }
        for at in 0..file.len() {
            let mut damaged = file.clone();
            damaged[at] ^= 1;
            // a digit of a figure may change unnoticed; nothing of the arrays does
            if let Ok(read) = read(&damaged) {
                let (Outcome::Fit(a), Outcome::Fit(b)) = (&read.outcome, &record.outcome) else {
                    panic!("{at}")
                };
                assert_eq!((&a.h, &a.labels), (&b.h, &b.labels), "byte {at}");
            }
        }
        let other = Key { replicate: 4, ..record.key };
        assert!(Record::<f32>::read(&file, Path::new("r"), other, (2, 3)).is_err());
        assert!(Record::<f64>::read(&file, Path::new("r"), record.key, (2, 3)).is_err());
        assert!(Record::<f32>::read(&file, Path::new("r"), record.key, (2, 4)).is_err());
    }
}
