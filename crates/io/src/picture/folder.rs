//! A folder of pictures of one size: a matrix with a picture in each row.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::{Levels, levels_of};
use crate::{IoError, Order, Remark, Scalar, Table};

/// The pictures in a folder, by the endings of their names.
pub(crate) struct Folder {
    /// In the order of their names.
    pictures: Vec<PathBuf>,
    /// The names of the other files, but for hidden ones.
    others: Vec<String>,
}

impl Folder {
    /// Lists a folder; nothing if there is no picture in it.
    pub fn at(folder: &Path) -> Result<Option<Self>, IoError> {
        let failed = IoError::read(folder);
        let files = || -> std::io::Result<Vec<PathBuf>> {
            let paths = folder.read_dir()?.map(|entry| Ok(entry?.path()));
            paths.filter(|path| path.as_ref().map_or(true, |path| path.is_file())).collect()
        };
        let mut files = files().map_err(failed)?;
        files.sort();
        let (pictures, others): (Vec<_>, Vec<_>) = files.into_iter().partition(|path| is_picture(path));
        let others = others.iter().map(|path| name(path)).filter(|name| !name.starts_with('.')).collect();
        Ok((!pictures.is_empty()).then_some(Self { pictures, others }))
    }

    /// The files of the pictures.
    pub fn files(self) -> Vec<PathBuf> {
        self.pictures
    }

    /// Reads all of them: rows of grey levels, a picture's rows of pixels one after the other; or such of red, green and blue, one
    /// channel after the other.
    pub fn read<T: Scalar>(self, channels: bool) -> Result<Table<T>, IoError> {
        let Self { pictures, others } = self;
        let (mut levels, mut first, mut coloured) = (Vec::new(), None, false);
        for path in &pictures {
            let file = File::open(path).map_err(IoError::read(path))?;
            let picture: Levels<T> = levels_of(file, channels, path)?;
            let (size, like) = (picture.size(), first.get_or_insert_with(|| (path, picture.size())));
            if size != like.1 {
                return Err(IoError::DifferentPictures {
                    path: path.clone(),
                    found: size,
                    other: like.0.clone(),
                    expected: like.1.clone(),
                });
            }
            let all = pictures.len().saturating_mul(picture.levels.len());
            let short = |_| IoError::TooLarge {
                path: path.clone(),
                rows: pictures.len() as u64,
                cols: picture.levels.len() as u64,
            };
            levels.try_reserve_exact(all - levels.len()).map_err(short)?;
            levels.extend_from_slice(&picture.levels);
            coloured |= picture.coloured;
        }
        let (rows, cols) = (pictures.len(), levels.len() / pictures.len());
        let mut table = Table::new(levels, rows, cols, Order::RowMajor)
            .expect("pictures of one size have as many pixels");
        table.row_names = Some(pictures.iter().map(|path| name(path)).collect());
        table.remarks.extend(coloured.then_some(Remark::Colour));
        let left_out = |first: &String| Remark::FilesLeftOut { count: others.len(), first: first.clone() };
        table.remarks.extend(others.first().map(left_out));
        Ok(table)
    }
}

fn is_picture(path: &Path) -> bool {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
    ending.is_some_and(|ending| ["png", "jpg", "jpeg"].contains(&&*ending)) && !name(path).starts_with('.')
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
