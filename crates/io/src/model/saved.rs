//! Saving and loading a model.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::Path;

use orthant::Model;
use orthant::file::{self, Manifest, Precision};

use crate::write::write_file;
use crate::{IoError, Scalar};

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
        out.write_all(&file::encode(&self.model, &self.manifest, &self.attachments)?)
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
        let file::Decoded { model, manifest, attachments } = file::decode(bytes, path)?;
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
        Ok(match file::precision_of(&bytes, path)? {
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
