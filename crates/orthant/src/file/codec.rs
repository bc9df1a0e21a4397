//! A model as bytes, and back.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::Path;

use orthant_kernel::{Dense, little_endian_bytes};
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};

use super::error::corrupt;
use super::manifest::FORMAT;
use super::{FileError, Manifest, Precision, open_safetensors};
use crate::{Model, Real};

/// The metadata key of the manifest.
const KEY: &str = "orthant";
/// What the metadata keys of attachments begin with.
const ATTACHED: &str = "orthant.";

/// What the file of a model holds.
///
/// ```
/// use orthant::file::{Manifest, decode, encode};
/// use orthant::{Dense, Model, Penalty};
/// let h = Dense::from_vec(vec![1.0_f32, 2.0], 1, 2).unwrap();
/// let model = Model::from_components(h, Penalty::default())?;
/// let manifest = Manifest { columns: Some(vec!["apple".into(), "pear".into()]), ..Manifest::of(&model) };
/// let note = [("note".to_owned(), "sold by weight".to_owned())].into();
/// let bytes = encode(&model, &manifest, &note)?;
///
/// let decoded = decode::<f32>(&bytes, "fruit.safetensors".as_ref())?;
/// assert_eq!(decoded.model, model);
/// assert_eq!((decoded.manifest, decoded.attachments), (manifest, note));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Decoded<T> {
    /// The components, penalties and loss.
    pub model: Model<T>,
    /// What is known about them.
    pub manifest: Manifest,
    /// Texts of any kind by their names.
    pub attachments: BTreeMap<String, String>,
}

/// The content of a file with this model, what is known about it, and what a program wants to find beside it: texts by their names.
///
/// # Errors
/// A manifest that could not be read back: of another precision than the model, with names that are not one for each feature, or with
/// a number that JSON lacks.
pub fn encode<T: Real>(
    model: &Model<T>,
    manifest: &Manifest,
    attachments: &BTreeMap<String, String>,
) -> io::Result<Vec<u8>> {
    let h = model.components();
    let json = serde_json::to_string(manifest)?;
    // NaN becomes null, which is no number: better found now than at the next start
    serde_json::from_str::<Manifest>(&json)?;
    check(manifest, Precision::of::<T>(), h.ncols()).map_err(io::Error::other)?;
    let bytes = little_endian_bytes(h.as_slice());
    let shape = vec![h.nrows(), h.ncols()];
    let tensor = TensorView::new(dtype(Precision::of::<T>()), shape, &bytes).map_err(io::Error::other)?;
    let attached = attachments.iter().map(|(name, text)| (format!("{ATTACHED}{name}"), text.clone()));
    let metadata: HashMap<String, String> = attached.chain([(KEY.to_owned(), json)]).collect();
    safetensors::serialize([("H", tensor)], Some(metadata)).map_err(io::Error::other)
}

/// A model of precision `T` in the content of a file, whatever the content is; `path` names the file in errors.
///
/// # Errors
/// [`FileError::Precision`] for a model of the other precision (see [`precision_of`]); [`FileError::Corrupt`],
/// [`FileError::Version`], [`FileError::TooLarge`] and [`FileError::Invalid`] for what keeps the bytes from being a model.
pub fn decode<T: Real>(bytes: &[u8], path: &Path) -> Result<Decoded<T>, FileError> {
    let (manifest, attachments, file) = open(bytes, path)?;
    let expected = Precision::of::<T>();
    if manifest.dtype != expected {
        return Err(FileError::Precision { path: path.to_owned(), expected, found: manifest.dtype });
    }
    let tensor = file.tensor("H").map_err(|_| corrupt(path, "it has no tensor H"))?;
    let &[k, n] = tensor.shape() else { return Err(corrupt(path, "H is no matrix")) };
    if tensor.dtype() != dtype(expected) {
        return Err(corrupt(path, "H is of another type than the manifest says"));
    }
    check(&manifest, expected, n).map_err(|reason| corrupt(path, reason))?;
    let count = tensor.data().len() / size_of::<T>();
    let mut data = Vec::new();
    let room = data.try_reserve_exact(count);
    room.map_err(|_| FileError::TooLarge { path: path.to_owned(), rows: k, cols: n })?;
    data.resize(count, T::ZERO);
    // the tensor's bytes need not be aligned for T
    bytemuck::cast_slice_mut::<T, u8>(&mut data).copy_from_slice(tensor.data());
    if cfg!(target_endian = "big") {
        bytemuck::cast_slice_mut::<T, u8>(&mut data)
            .chunks_exact_mut(size_of::<T>())
            .for_each(<[u8]>::reverse);
    }
    let h = Dense::from_vec(data, k, n).map_err(|e| corrupt(path, e))?;
    let model = Model::checked(h, manifest.penalty, manifest.loss, manifest.column_weights.as_deref());
    let model = model.map_err(|source| FileError::Invalid { path: path.to_owned(), source })?;
    Ok(Decoded { model, manifest, attachments })
}

/// The precision of the model in the content of a file, which says as what to [`decode`] it.
///
/// # Errors
/// As [`decode`].
///
/// ```
/// use orthant::file::{Manifest, Precision, encode, precision_of};
/// use orthant::{Dense, Model, Penalty};
/// let model = Model::from_components(Dense::from_vec(vec![1.0_f32], 1, 1).unwrap(), Penalty::default())?;
/// let bytes = encode(&model, &Manifest::of(&model), &Default::default())?;
/// assert_eq!(precision_of(&bytes, "model.safetensors".as_ref())?, Precision::Float32);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn precision_of(bytes: &[u8], path: &Path) -> Result<Precision, FileError> {
    Ok(open(bytes, path)?.0.dtype)
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

/// The manifest, its version checked first, what is attached, and the tensors.
fn open<'a>(
    bytes: &'a [u8],
    path: &Path,
) -> Result<(Manifest, BTreeMap<String, String>, SafeTensors<'a>), FileError> {
    let (file, metadata) = open_safetensors(bytes).map_err(|reason| corrupt(path, reason))?;
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
        return Err(FileError::Version { path: path.to_owned(), found: format, supported: FORMAT });
    }
    let manifest = serde_json::from_str(json).map_err(manifest)?;
    let attached = metadata.into_iter();
    let attached = attached.filter_map(|(key, text)| Some((key.strip_prefix(ATTACHED)?.to_owned(), text)));
    Ok((manifest, attached.collect(), file))
}
