//! Readers that a build leaves out: a file of their kind is an error that names the feature.

use std::path::Path;

use crate::IoError;

/// A type without values: no reader is built in that could make one.
#[cfg(not(all(feature = "h5", feature = "spreadsheets")))]
enum Never {}

fn absent(path: &Path, what: &'static str, instead: &'static str) -> IoError {
    IoError::UnsupportedFormat { path: path.to_owned(), what, instead }
}

/// In the place of what unpacks bzip2, xz and Zstandard.
#[cfg(not(feature = "packed"))]
pub(crate) mod others {
    use std::io::BufRead;
    use std::path::Path;

    use super::absent;
    use crate::IoError;
    use crate::format::Packing;

    pub(crate) fn unpack<'a>(
        _: Packing,
        _: Box<dyn BufRead + 'a>,
        path: &Path,
    ) -> Result<Box<dyn BufRead + 'a>, IoError> {
        let instead = "what unpacks it is built with the feature `packed` of orthant-io";
        Err(absent(path, "packed as bz2, xz or zst", instead))
    }
}

/// In the place of the reader of HDF5.
#[cfg(not(feature = "h5"))]
pub(crate) mod h5 {
    use std::path::Path;

    use super::{Never, absent};
    use crate::convert::Lines;
    use crate::{AnyTable, Extent, FileLines, IoError, Precision, ReadOptions, Scalar};

    pub(crate) struct Hdf5(Never);

    impl Hdf5 {
        pub fn open(_: &Path, _: &ReadOptions, path: &Path) -> Result<Self, IoError> {
            Err(absent(path, "an HDF5 file", "its reader is built with the feature `h5` of orthant-io"))
        }

        pub fn extent(&self) -> Extent {
            match self.0 {}
        }

        pub fn precision(&self) -> Precision {
            match self.0 {}
        }

        pub fn read<T: Scalar>(self, _: &Path) -> Result<AnyTable<T>, IoError> {
            match self.0 {}
        }

        pub fn has_lines(&self) -> bool {
            match self.0 {}
        }

        pub fn bytes<T>(&self) -> Option<usize> {
            match self.0 {}
        }

        pub fn lines<T: Scalar>(self, _: &Path) -> Result<FileLines<T>, IoError> {
            match self.0 {}
        }

        pub fn gather<T: Scalar>(self, _: &Path, _: &Path) -> Result<Lines<T>, IoError> {
            match self.0 {}
        }
    }
}

/// In the place of the reader of spreadsheets.
#[cfg(not(feature = "spreadsheets"))]
pub(crate) mod spreadsheet {
    use std::fs::File;
    use std::path::Path;

    use super::{Never, absent};
    use crate::format::Book;
    use crate::{AnyTable, IoError, ReadOptions, Scalar};

    pub(crate) struct Spreadsheet(Never);

    impl Spreadsheet {
        pub fn open(_: Book, _: File, _: Option<&str>, path: &Path) -> Result<Self, IoError> {
            let instead = "its reader is built with the feature `spreadsheets` of orthant-io";
            Err(absent(path, "a spreadsheet", instead))
        }

        pub fn read<T: Scalar>(self, _: &ReadOptions, _: &Path) -> Result<AnyTable<T>, IoError> {
            match self.0 {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use crate::{ReadOptions, Source};

    fn said(file: PathBuf) -> String {
        Source::open(file, &ReadOptions::default()).err().map_or_else(String::new, |error| error.to_string())
    }

    fn written(name: &str, bytes: &[u8]) -> String {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        said(path)
    }

    #[test]
    #[cfg(not(feature = "h5"))]
    fn hdf5_names_its_feature() {
        for name in ["cells.h5ad", "data"] {
            let said = written(name, b"\x89HDF\r\n\x1a\n and what follows");
            assert!(
                said.ends_with(
                    "this is an HDF5 file; its reader is built with the feature `h5` of orthant-io"
                )
            );
        }
    }

    #[test]
    #[cfg(not(feature = "packed"))]
    fn what_is_packed_names_its_feature() {
        for magic in [&b"BZh91AY&SY"[..], b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd"] {
            let said = written("table.csv", &[magic, b" and what follows"].concat());
            assert!(said.contains("this is packed as bz2, xz or zst; "), "{said}");
            assert!(said.ends_with("the feature `packed` of orthant-io"), "{said}");
        }
    }

    #[test]
    #[cfg(not(feature = "spreadsheets"))]
    fn spreadsheets_name_their_feature() {
        for name in ["pandas.xlsx", "pandas.ods"] {
            let said = said(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/tables").join(name));
            assert!(said.contains("this is a spreadsheet; "), "{said}");
            assert!(said.ends_with("the feature `spreadsheets` of orthant-io"), "{said}");
        }
    }
}
