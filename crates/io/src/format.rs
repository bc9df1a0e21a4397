//! What kind of file something is: by its first bytes, then by its name.

use std::path::Path;

use crate::IoError;

/// A kind of file that can be read.
///
/// ```
/// use orthant_io::{Format, ReadOptions, Source};
/// let source = Source::from_reader("a.txt", &b"1 2\n3 4\n"[..], None, &ReadOptions::default())?;
/// assert_eq!(source.format(), Format::Text);
/// # Ok::<(), orthant_io::IoError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// numpy's array file.
    Npy,
    /// A table of text: csv and its kin, lists of entries, gct, svmlight.
    Text,
    /// An image.
    Png,
    /// An image.
    Jpeg,
    /// A folder of images of one size.
    Pictures,
    /// Excel's xlsx and OpenDocument's ods.
    Spreadsheet,
    /// Matrix Market's text, of coordinates or of all entries.
    MatrixMarket,
    /// numpy's archive of arrays, in which scipy keeps sparse matrices.
    Npz,
    /// AnnData's `.h5ad` and 10x Genomics' `.h5`.
    Hdf5,
}

impl Format {
    /// Read here and there rather than from end to end, and perhaps of several matrices.
    pub(crate) fn is_archive(self) -> bool {
        matches!(self, Self::Npz | Self::Hdf5 | Self::Spreadsheet)
    }
}

/// Which kind of spreadsheet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Book {
    Xlsx,
    Ods,
}

/// How a file is packed that holds one other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Packing {
    Gzip,
    Bzip2,
    Xz,
    Zstd,
}

/// What the first bytes of a file say.
pub(crate) enum Magic {
    /// An archive counts as numpy's until its members are known.
    Known(Format),
    Packed(Packing),
    Other {
        what: &'static str,
        instead: &'static str,
    },
    Silent,
}

/// So many bytes are enough for every line of [`by_content`].
pub(crate) const HEAD: usize = 14;

/// First bytes that settle it.
pub(crate) fn by_content(head: &[u8]) -> Magic {
    let foreign = |what, instead| Magic::Other { what, instead };
    match head {
        [0x93, b'N', b'U', b'M', b'P', b'Y', ..] => Magic::Known(Format::Npy),
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Magic::Known(Format::Png),
        [0xff, 0xd8, 0xff, ..] => Magic::Known(Format::Jpeg),
        [0x1f, 0x8b, ..] => Magic::Packed(Packing::Gzip),
        [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, 0x59, 0x26, 0x53, 0x59, ..]
        | [b'B', b'Z', b'h', b'1'..=b'9', 0x17, 0x72, 0x45, 0x38, 0x50, 0x90, ..] => {
            Magic::Packed(Packing::Bzip2)
        }
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Magic::Packed(Packing::Xz),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Magic::Packed(Packing::Zstd),
        [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1, ..] => {
            foreign("a file of older Microsoft Office, such as xls", "save it as xlsx or csv")
        }
        _ if head.eq_ignore_ascii_case(b"%%MatrixMarket") => Magic::Known(Format::MatrixMarket),
        [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Magic::Known(Format::Npz),
        [0x89, b'H', b'D', b'F', ..] => Magic::Known(Format::Hdf5),
        [b'P', b'A', b'R', b'1', ..] => foreign("a Parquet file", "save it as csv or npy"),
        [b'A', b'R', b'R', b'O', b'W', b'1', ..] | [b'F', b'E', b'A', b'1', ..] => {
            foreign("an Arrow or Feather file", "save it as csv or npy")
        }
        [b'M', b'A', b'T', b'L', b'A', b'B', b' ', b'5', ..] => {
            foreign("a MATLAB file", "save the matrix by writematrix as csv")
        }
        _ => Magic::Silent,
    }
}

/// What the ending of a name says of a file whose first bytes say nothing, the endings of packed files left out. Without one of
/// ours it can only be a table of text.
pub(crate) fn by_name(path: &Path) -> Format {
    let stem = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    let packed = [".gz", ".bz2", ".xz", ".zst"];
    let stem = packed.iter().find_map(|ending| stem.strip_suffix(ending)).unwrap_or(&stem);
    match stem.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "npy" => Format::Npy,
        "png" => Format::Png,
        "jpg" | "jpeg" => Format::Jpeg,
        "mtx" => Format::MatrixMarket,
        "npz" => Format::Npz,
        "h5ad" | "h5" => Format::Hdf5,
        "xlsx" | "ods" => Format::Spreadsheet,
        _ => Format::Text,
    }
}

/// A kind of file that a matrix can be written to.
///
/// ```
/// use orthant_io::OutputFormat;
/// assert_eq!(OutputFormat::of("out/approx.PNG".as_ref())?, OutputFormat::Png);
/// let error = OutputFormat::of("approx.bmp".as_ref()).unwrap_err();
/// assert!(error.to_string().contains(".npy, .csv, .tsv, .png or .json"));
/// # Ok::<(), orthant_io::IoError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OutputFormat {
    /// numpy's array file, C order.
    Npy,
    /// Text with commas.
    Csv,
    /// Text with tabs.
    Tsv,
    /// A grey image of 8 bits; entries are rounded and clipped to 0..255.
    Png,
    /// A list of rows.
    Json,
}

impl OutputFormat {
    /// The kind that the ending of `path` asks for.
    ///
    /// # Errors
    /// [`IoError::UnknownOutput`], naming the endings that work.
    pub fn of(path: &Path) -> Result<Self, IoError> {
        let extension = path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase());
        match extension.as_deref() {
            Some("npy") => Ok(Self::Npy),
            Some("csv") => Ok(Self::Csv),
            Some("tsv") => Ok(Self::Tsv),
            Some("png") => Ok(Self::Png),
            Some("json") => Ok(Self::Json),
            _ => Err(IoError::UnknownOutput {
                path: path.to_owned(),
                allowed: ".npy, .csv, .tsv, .png or .json",
            }),
        }
    }

    /// What the names of its files end in, without the point.
    ///
    /// ```
    /// assert_eq!(orthant_io::OutputFormat::Tsv.ending(), "tsv");
    /// ```
    pub fn ending(self) -> &'static str {
        match self {
            Self::Npy => "npy",
            Self::Csv => "csv",
            Self::Tsv => "tsv",
            Self::Png => "png",
            Self::Json => "json",
        }
    }
}
