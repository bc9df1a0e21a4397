//! The results of a fit in a copy of AnnData's file, where scanpy looks for them.

use std::io;
use std::path::Path;

use hdf5_pure::{AttrValue, DatasetBuilder, Error, File, FileAccessProperties, FileLocking, Group};
use orthant::{Real, View};

use super::file::Opened;
use crate::{IoError, Precision, Scalar};

/// What is added to a file of AnnData: `obsm[name]`, observations × components, `varm[name]`, variables × components, and the
/// dictionary `uns[name]`. What is there under that name is replaced.
///
/// [`Staged::h5ad`](crate::Staged::h5ad) writes it.
#[derive(Clone, Debug)]
pub struct Annotation<'a, T: Real> {
    /// What it is called.
    pub name: &'a str,
    /// W: a row for each observation.
    pub weights: View<'a, T>,
    /// H: a column for each variable.
    pub components: View<'a, T>,
    /// How it came about.
    pub parameters: &'a [(&'a str, Parameter)],
}

/// A value of `uns`.
///
/// ```
/// use orthant_io::Parameter;
/// let parameters = [("loss", Parameter::Text("kl".into())), ("seed", Parameter::Integer(3))];
/// assert_ne!(parameters[0].1, Parameter::Real(3.0));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum Parameter {
    /// A string.
    Text(String),
    /// An integer.
    Integer(i64),
    /// A double.
    Real(f64),
}

/// Whether results can be added to a copy of the file at `path`: AnnData's, version 0.7 or later, and not packed.
///
/// # Errors
/// [`IoError`], which says why not.
///
/// ```
/// let dir = tempfile::tempdir()?;
/// let path = dir.path().join("cells.h5ad");
/// std::fs::write(&path, "1,2\n")?;
/// assert!(orthant_io::check_annotatable(&path).is_err());
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn check_annotatable(path: impl AsRef<Path>) -> Result<(), IoError> {
    let path = path.as_ref();
    let none = |what, instead| Err(IoError::UnsupportedFormat { path: path.to_owned(), what, instead });
    let Ok(file) = Opened::open(path, path) else {
        return none("no h5ad file to which results can be added", "name one of AnnData's, unpacked");
    };
    if file.object("obs")?.is_none() || file.object("var")?.is_none() {
        return none("not an AnnData file, to which results can be added", "write it with anndata (.h5ad)");
    }
    for place in ["obsm", "varm", "uns"] {
        if file.object(place)?.is_some() && file.group(place)?.is_none() {
            return none("a file by anndata before 0.7", "read it and write it again with a later version");
        }
    }
    Ok(())
}

impl<T: Scalar> Annotation<'_, T> {
    /// Adds it to the file at `path`, which nobody else has open.
    pub(crate) fn add(&self, path: &Path) -> io::Result<()> {
        self.add_to(path).map_err(io::Error::other)
    }

    fn add_to(&self, path: &Path) -> Result<(), Error> {
        let access = FileAccessProperties::new().with_locking(FileLocking::Disabled);
        let file = File::open_rw_with_options(path, access)?;
        let (w, h) = (self.weights, self.components);
        for (place, rows, at) in [
            ("obsm", w.nrows(), Box::new(|i, t| w.at(i, t)) as Box<dyn Fn(usize, usize) -> T + '_>),
            ("varm", h.ncols(), Box::new(|j, t| h.at(t, j))),
        ] {
            let group = self.place(&file, place)?;
            let k = h.nrows();
            group.create_dataset(self.name, |data| {
                matrix(data, rows, k, at);
                encoded(data, "array", "0.2.0");
            })?;
        }
        let group = self.place(&file, "uns")?;
        group.create_group_with(self.name, |uns| {
            for (name, value) in dictionary() {
                uns.set_attr(name, value);
            }
            for (name, value) in self.parameters {
                uns.create_dataset(name, |data| scalar(data, value));
            }
        })?;
        file.commit()?;
        file.close()
    }

    /// The group for it, without what has its name.
    fn place(&self, file: &File, group: &str) -> Result<Group, Error> {
        let root = file.root();
        let Ok(group) = root.group(group) else {
            return root.create_group_with(group, |new| {
                for (name, value) in dictionary() {
                    new.set_attr(name, value);
                }
            });
        };
        if group.dataset(self.name).is_ok() || group.group(self.name).is_ok() {
            group.delete(self.name)?;
        }
        Ok(group)
    }
}

fn dictionary() -> [(&'static str, AttrValue); 2] {
    [("encoding-type", "dict"), ("encoding-version", "0.1.0")]
        .map(|(name, value)| (name, AttrValue::VarLenString(value.to_owned())))
}

fn encoded(data: &mut DatasetBuilder, kind: &str, version: &str) {
    data.set_attr("encoding-type", AttrValue::VarLenString(kind.to_owned()));
    data.set_attr("encoding-version", AttrValue::VarLenString(version.to_owned()));
}

fn matrix<T: Scalar>(data: &mut DatasetBuilder, rows: usize, cols: usize, at: impl Fn(usize, usize) -> T) {
    let entries = (0..rows).flat_map(|i| (0..cols).map(move |t| (i, t))).map(|(i, t)| at(i, t).to_f64());
    match T::PRECISION {
        Precision::Float32 => data.with_f32_data(&entries.map(|x| x as f32).collect::<Vec<_>>()),
        Precision::Float64 => data.with_f64_data(&entries.collect::<Vec<_>>()),
    };
    data.with_shape(&[rows as u64, cols as u64]);
}

fn scalar(data: &mut DatasetBuilder, value: &Parameter) {
    match value {
        Parameter::Text(text) => data.with_vlen_strings(&[text]),
        Parameter::Integer(x) => data.with_i64_data(&[*x]),
        Parameter::Real(x) => data.with_f64_data(&[*x]),
    };
    data.with_shape(&[]);
    let kind = if matches!(value, Parameter::Text(_)) { "string" } else { "numeric-scalar" };
    encoded(data, kind, "0.2.0");
}
