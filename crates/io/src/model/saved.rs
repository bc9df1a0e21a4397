//! Saving and loading a model.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io::{self, Write};
use std::path::Path;

use orthant::{Dense, Model};
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};

use super::manifest::{FORMAT, Manifest};
use super::open::open_safetensors;
use crate::scalar::little_endian_bytes;
use crate::write::write_file;
use crate::{IoError, Precision, Scalar};

/// The metadata key of the manifest.
const KEY: &str = "orthant";
/// What the metadata keys of attachments begin with.
const ATTACHED: &str = "orthant.";

/// A model with its manifest.
///
/// ```
/// use orthant::{Dense, Nmf};
/// use orthant_io::SavedModel;
/// let dir = tempfile::tempdir()?;
/// let path = dir.path().join("model.safetensors");
/// let v = Dense::from_fn(6, 4, |i, j| (i * j) as f64 + 1.0);
///
/// let fit = Nmf::new(2).fit(&v)?;
/// SavedModel::new(fit.model).save(&path)?;
///
/// let saved = SavedModel::<f64>::load(&path)?;
/// assert_eq!(saved.model.transform(&v)?.ncols(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct SavedModel<T> {
    /// The components, penalties and loss.
    pub model: Model<T>,
    /// What is known about them.
    pub manifest: Manifest,
    /// Texts of any kind by their names, kept in the same file: what a program needs beside the model to use it again.
    ///
    /// ```
    /// use orthant::{Dense, Model, Penalty};
    /// use orthant_io::SavedModel;
    /// let dir = tempfile::tempdir()?;
    /// let path = dir.path().join("model.safetensors");
    /// let h = Dense::from_vec(vec![1.0, 2.0], 1, 2).unwrap();
    /// let mut saved = SavedModel::new(Model::from_components(h, Penalty::default())?);
    /// saved.attachments.insert("scaling".into(), "[0.5, 2.0]".into());
    /// saved.save(&path)?;
    /// assert_eq!(SavedModel::<f64>::load(&path)?.attachments["scaling"], "[0.5, 2.0]");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub attachments: BTreeMap<String, String>,
}

impl<T: Scalar> SavedModel<T> {
    /// A model with the shortest manifest, and nothing attached.
    pub fn new(model: Model<T>) -> Self {
        Self { manifest: Manifest::of(&model), model, attachments: BTreeMap::new() }
    }

    /// Writes the file, whole or not at all.
    ///
    /// # Errors
    /// [`IoError::Write`], also for a manifest that could not be read back: names that are not one for each
    /// feature, or a number that JSON lacks.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), IoError> {
        write_file(path.as_ref(), |out| self.write_to(out))
    }

    /// Writes the file's content, for [`Staged::file`](crate::Staged::file) among others.
    ///
    /// # Errors
    /// As [`save`](Self::save).
    ///
    /// ```
    /// use orthant::{Dense, Model, Penalty};
    /// use orthant_io::SavedModel;
    /// let h = Dense::from_vec(vec![1.0, 2.0], 1, 2).unwrap();
    /// let mut bytes = Vec::new();
    /// SavedModel::new(Model::from_components(h, Penalty::default())?).write_to(&mut bytes)?;
    /// assert!(bytes.len() > 16);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn write_to(&self, out: &mut dyn Write) -> io::Result<()> {
        T::write_model(self, out)
    }

    pub(crate) fn encode(&self, out: &mut dyn Write) -> io::Result<()> {
        let h = self.model.components();
        let json = serde_json::to_string(&self.manifest)?;
        // NaN becomes null, which is no number: better found now than at the next start
        serde_json::from_str::<Manifest>(&json)?;
        check(&self.manifest, T::PRECISION, h.ncols()).map_err(io::Error::other)?;
        let bytes = little_endian_bytes(h.as_slice());
        let shape = vec![h.nrows(), h.ncols()];
        let tensor = TensorView::new(dtype(T::PRECISION), shape, &bytes).map_err(io::Error::other)?;
        let attached =
            self.attachments.iter().map(|(name, text)| (format!("{ATTACHED}{name}"), text.clone()));
        let metadata: HashMap<String, String> = attached.chain([(KEY.to_owned(), json)]).collect();
        let file = safetensors::serialize([("H", tensor)], Some(metadata)).map_err(io::Error::other)?;
        out.write_all(&file)
    }

    /// Reads a model of precision `T`.
    ///
    /// # Errors
    /// [`IoError::ModelPrecision`] for a model of the other precision (see [`AnySavedModel`]), and an error for
    /// everything that keeps a file from being a model.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, IoError> {
        let path = path.as_ref();
        let bytes = fs::read(path).map_err(IoError::read(path))?;
        T::read_model(&bytes, path)
    }

    pub(crate) fn decode(bytes: &[u8], path: &Path) -> Result<Self, IoError> {
        let (manifest, attachments, file) = open(bytes, path)?;
        if manifest.dtype != T::PRECISION {
            let (expected, found) = (T::PRECISION, manifest.dtype);
            return Err(IoError::ModelPrecision { path: path.to_owned(), expected, found });
        }
        let tensor = file.tensor("H").map_err(|_| corrupt(path, "it has no tensor H"))?;
        let &[k, n] = tensor.shape() else { return Err(corrupt(path, "H is no matrix")) };
        if tensor.dtype() != dtype(manifest.dtype) {
            return Err(corrupt(path, "H is of another type than the manifest says"));
        }
        check(&manifest, T::PRECISION, n).map_err(|reason| corrupt(path, reason))?;
        let too_large = || IoError::TooLarge { path: path.to_owned(), rows: k as u64, cols: n as u64 };
        let count = tensor.data().len() / size_of::<T>();
        let mut data = Vec::new();
        data.try_reserve_exact(count).map_err(|_| too_large())?;
        data.resize(count, T::ZERO);
        // the tensor's bytes need not be aligned for T
        bytemuck::cast_slice_mut::<T, u8>(&mut data).copy_from_slice(tensor.data());
        if cfg!(target_endian = "big") {
            bytemuck::cast_slice_mut::<T, u8>(&mut data)
                .chunks_exact_mut(size_of::<T>())
                .for_each(<[u8]>::reverse);
        }
        let h = Dense::from_vec(data, k, n).expect("k·n elements");
        let model = Model::from_components(h, manifest.penalty)
            .and_then(|model| model.with_loss(manifest.loss))
            .and_then(|model| match &manifest.column_weights {
                Some(weights) => model.with_column_weights(weights),
                None => Ok(model),
            })
            .map_err(|source| IoError::ModelInvalid { path: path.to_owned(), source })?;
        Ok(Self { model, manifest, attachments })
    }
}

/// A model of either precision, as the file has it.
///
/// ```
/// use orthant::{Dense, Model, Penalty};
/// use orthant_io::{AnySavedModel, SavedModel};
/// let dir = tempfile::tempdir()?;
/// let path = dir.path().join("model.safetensors");
/// let h = Dense::from_vec(vec![1.0_f32, 2.0], 1, 2).unwrap();
/// SavedModel::new(Model::from_components(h, Penalty::default())?).save(&path)?;
/// assert!(matches!(AnySavedModel::load(&path)?, AnySavedModel::F32(_)));
/// assert!(SavedModel::<f64>::load(&path).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum AnySavedModel {
    /// Single precision.
    F32(SavedModel<f32>),
    /// Double precision.
    F64(SavedModel<f64>),
}

impl AnySavedModel {
    /// Reads a model of whatever precision.
    ///
    /// # Errors
    /// As [`SavedModel::load`].
    pub fn load(path: impl AsRef<Path>) -> Result<Self, IoError> {
        let path = path.as_ref();
        let bytes = fs::read(path).map_err(IoError::read(path))?;
        Ok(match open(&bytes, path)?.0.dtype {
            Precision::Float32 => Self::F32(SavedModel::decode(&bytes, path)?),
            Precision::Float64 => Self::F64(SavedModel::decode(&bytes, path)?),
        })
    }

    /// What is known about it.
    pub fn manifest(&self) -> &Manifest {
        match self {
            Self::F32(saved) => &saved.manifest,
            Self::F64(saved) => &saved.manifest,
        }
    }
}

fn dtype(precision: Precision) -> Dtype {
    match precision {
        Precision::Float32 => Dtype::F32,
        Precision::Float64 => Dtype::F64,
    }
}

fn check(manifest: &Manifest, precision: Precision, n: usize) -> Result<(), String> {
    if manifest.dtype != precision {
        return Err(format!("the manifest says {}, the components are {precision}", manifest.dtype));
    }
    match &manifest.columns {
        Some(names) if names.len() != n => Err(format!("{} column names for {n} features", names.len())),
        _ => Ok(()),
    }
}

fn corrupt(path: &Path, reason: impl ToString) -> IoError {
    IoError::Corrupt { path: path.to_owned(), format: "model", reason: reason.to_string() }
}

/// The manifest, its version checked first, what is attached, and the tensors.
fn open<'a>(
    bytes: &'a [u8],
    path: &Path,
) -> Result<(Manifest, BTreeMap<String, String>, SafeTensors<'a>), IoError> {
    let (file, metadata) = open_safetensors(bytes, path, "model")?;
    let json = metadata
        .get(KEY)
        .ok_or_else(|| corrupt(path, "a safetensors file, but without the manifest of a model"))?;
    #[derive(serde::Deserialize)]
    struct Version {
        format: u64,
    }
    let manifest = |e: serde_json::Error| corrupt(path, format!("manifest: {e}"));
    let Version { format } = serde_json::from_str(json).map_err(manifest)?;
    if format != FORMAT {
        return Err(IoError::ModelVersion { path: path.to_owned(), found: format, supported: FORMAT });
    }
    let manifest = serde_json::from_str(json).map_err(manifest)?;
    let attached = metadata.into_iter();
    let attached = attached.filter_map(|(key, text)| Some((key.strip_prefix(ATTACHED)?.to_owned(), text)));
    Ok((manifest, attached.collect(), file))
}

/// Refuses offsets beyond the end of the file, which the library adds up without a check.
pub(crate) fn check_offsets(bytes: &[u8]) -> Result<(), String> {
    #[derive(serde::Deserialize)]
    struct Entry {
        #[serde(default)]
        data_offsets: Vec<u64>,
    }
    let head: [u8; 8] = bytes.get(..8).and_then(|h| h.try_into().ok()).ok_or("shorter than 8 bytes")?;
    let end = usize::try_from(u64::from_le_bytes(head)).ok().and_then(|n| n.checked_add(8));
    let header = end.and_then(|end| bytes.get(8..end)).ok_or("the header ends beyond the file")?;
    let entries: HashMap<String, Entry> =
        serde_json::from_slice(header).map_err(|e| format!("header: {e}"))?;
    let data = (bytes.len() - 8 - header.len()) as u64;
    if entries.values().any(|e| e.data_offsets.iter().any(|&o| o > data)) {
        return Err("cut short: a tensor ends beyond the file".into());
    }
    Ok(())
}
