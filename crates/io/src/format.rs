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
    /// Text with commas.
    Csv,
    /// Text with tabs.
    Tsv,
    /// Text with white space, as `numpy.savetxt` writes it.
    Text,
    /// An image.
    Png,
    /// An image.
    Jpeg,
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
        matches!(self, Self::Npz | Self::Hdf5)
    }
}

/// What the first bytes of a file say.
pub(crate) enum Magic {
    Known(Format),
    Gzip,
    Other { what: &'static str, instead: &'static str },
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
        [0x1f, 0x8b, ..] => Magic::Gzip,
        _ if head.eq_ignore_ascii_case(b"%%MatrixMarket") => Magic::Known(Format::MatrixMarket),
        [b'P', b'K', 3, 4, ..] => Magic::Known(Format::Npz),
        [0x89, b'H', b'D', b'F', ..] => Magic::Known(Format::Hdf5),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => foreign("UTF-16 text", "save it as UTF-8"),
        _ => Magic::Silent,
    }
}

/// What the ending of a name says, `.gz` left out.
pub(crate) fn by_name(path: &Path) -> Option<Format> {
    let stem = path.file_name()?.to_string_lossy().to_ascii_lowercase();
    let stem = stem.strip_suffix(".gz").unwrap_or(&stem);
    match stem.rsplit_once('.')?.1 {
        "npy" => Some(Format::Npy),
        "csv" => Some(Format::Csv),
        "tsv" | "tab" => Some(Format::Tsv),
        "txt" | "dat" => Some(Format::Text),
        "png" => Some(Format::Png),
        "jpg" | "jpeg" => Some(Format::Jpeg),
        "mtx" => Some(Format::MatrixMarket),
        "npz" => Some(Format::Npz),
        "h5ad" | "h5" => Some(Format::Hdf5),
        _ => None,
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
}
