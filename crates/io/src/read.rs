//! The front door for reading a matrix.

use std::fs::File;
use std::io::{BufRead, BufReader, Cursor, Read, Seek};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::{NamedTempFile, TempPath};

use crate::convert::{Conversion, Converted, Lines};
use crate::feature_types::FeatureTypes;
use crate::format::{self, Book, Format, Magic};
use crate::h5;
use crate::mtx::{self, MatrixMarket};
use crate::npy::{self, Header};
use crate::npz::Npz;
use crate::remark::of_duplicates;
use crate::spreadsheet::Spreadsheet;
use crate::{
    AnyTable, Decimal, Delimiter, Edge, Extent, FileLines, IoError, NpyLines, Precision, Scalar, Table,
    packed, picture, text, zip,
};

/// Whether a text file has names at one of its edges.
///
/// ```
/// use orthant_io::{Detect, ReadOptions, Source};
/// // years as column names look like data until one is told
/// let text = &b"2023,2024\n1,2\n3,4\n"[..];
/// let options = ReadOptions { header: Detect::Yes, ..ReadOptions::default() };
/// let table = Source::from_reader("years.csv", text, None, &options)?.read::<f64>()?;
/// assert_eq!((table.nrows(), table.col_names().unwrap()[0].as_str()), (2, "2023"));
/// # Ok::<(), orthant_io::IoError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Detect {
    /// Found out from the first two lines.
    #[default]
    Auto,
    /// It has.
    Yes,
    /// It has not: all is numbers.
    No,
}

/// How to read a text file, and what of a file with several matrices; other files need no options.
///
/// Left to itself, the reader finds out from the first lines how a table of text is written. A first line is a header if none of
/// its fields is a number, or if its numbers look like names: years, or 0, 1, 2, …. A first column holds the names of the rows if
/// there is text in it, if an empty corner or a header one field short says so, or if its whole numbers only tell the rows apart.
/// A guess that could be wrong is a [`Remark`](crate::Remark) of the table; what cannot be told is an error that names the option.
///
/// ```
/// use orthant_io::{Detect, ReadOptions};
/// let options = ReadOptions { labels: Detect::Yes, ..Default::default() };
/// assert_eq!(options.header, Detect::Auto);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadOptions {
    /// A first line with the names of the columns.
    pub header: Detect,
    /// A first column with the names of the rows.
    pub labels: Detect,
    /// Which matrix, in a file that has several: of `.h5ad` files one of the layers, or `raw`, which has the names of its
    /// own variables; of an older 10x `.h5` file the genome; of an `.npz` archive the name of the array; of a spreadsheet the
    /// sheet; of a `.zip` archive the file. Asking any other
    /// file for one is an error, as is a name that is not there.
    pub layer: Option<String>,
    /// Of a table of text, what stands between fields; found from the first lines where it is not given.
    pub delimiter: Option<Delimiter>,
    /// Of a table of text, the decimal mark; found likewise.
    pub decimal: Option<Decimal>,
    /// Columns of a table of text or a spreadsheet that are left out, by their names in the first line or by number from 1.
    pub drop: Vec<String>,
    /// Fields of a table of text or a spreadsheet without a value are read as NaN: empty ones, `NA`, `NULL`, `.` and what else
    /// programs write for it. Otherwise they are an error.
    pub missing: bool,
    /// Each line of a table of text or a spreadsheet is an entry of a sparse matrix: the name of its row, the name of its
    /// column, and a number. Rows and columns are in the order in which their names come up. Entries of one place are added.
    pub triplets: bool,
    /// Which features, where a matrix of 10x Genomics has several types of them: `Gene Expression`, `Antibody Capture`, `Peaks`,
    /// … All of them if none is named. Asking a file without types for one is an error, as is a type that is not there.
    pub feature_type: Option<String>,
    /// Whether pictures keep their colour: instead of grey levels they have those of red, green and blue. A picture's three
    /// channels are matrices side by side, and in a row of a folder's they follow one another. Those of a grey picture are equal.
    pub channels: bool,
}

/// Reads a matrix as `T`, whatever the file's own element type is.
///
/// The kind of file is found from its first bytes, then from its name. Column-major npy data stays column-major.
/// Memory: one vector of the final size for npy files; text may take up to twice that while its length is unknown.
///
/// # Errors
/// [`IoError`], which names the file and, for a bad entry, its place; [`IoError::Sparse`] for a sparse matrix, which
/// [`read_any`] reads. Negative entries and NaN are read as they are; the fit refuses them, and [`Table::locate`] tells
/// where they stand.
///
/// ```
/// use orthant_io::{ReadOptions, read_matrix};
/// let dir = tempfile::tempdir()?;
/// let path = dir.path().join("a.tsv");
/// std::fs::write(&path, "1\t2\n3\t4\n")?;
/// let table = read_matrix::<f32>(&path, &ReadOptions::default())?;
/// assert_eq!(table.data(), &[1.0, 2.0, 3.0, 4.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read_matrix<T: Scalar>(path: impl AsRef<Path>, options: &ReadOptions) -> Result<Table<T>, IoError> {
    Source::open(path, options)?.read()
}

/// Reads a matrix as `T`, dense or sparse as its file is.
///
/// As [`read_matrix`] otherwise.
///
/// - Matrix Market: a folder's `matrix.mtx` can be had by the folder's path too. With `barcodes.tsv` and `features.tsv` (or
///   `genes.tsv`) beside it, each perhaps packed as `.gz`, it gets those of their names whose number fits: 10x Genomics'
///   folders. What stands before `matrix.mtx` in its name stands before theirs. Rows are genes then, and columns cells, as in
///   the file; [`AnyTable::transposed`] turns them round at no cost.
/// - AnnData's `.h5ad`: observations in rows, `X` or the layer that [`ReadOptions::layer`] names.
/// - 10x Genomics' `.h5`, and `.loom`: cells in rows and genes in columns, which is how such a file lies.
///
/// Of 10x's features [`ReadOptions::feature_type`] chooses those of a type.
///
/// Equal names of 10x's genes are told apart by `-1`, `-2`, … behind the second, third, …, as scanpy does.
///
/// Memory: the matrix; twice that at once where coordinates are neither in the order of rows nor of columns.
///
/// # Errors
/// [`IoError`], which names the file and, for a bad entry, its place.
///
/// ```
/// use orthant_io::{AnyTable, ReadOptions, read_any};
/// let dir = tempfile::tempdir()?;
/// std::fs::write(
///     dir.path().join("matrix.mtx"),
///     "%%MatrixMarket matrix coordinate integer general\n3 2 4\n1 1 5\n3 1 1\n2 2 7\n3 2 2\n",
/// )?;
/// std::fs::write(dir.path().join("features.tsv"), "ENSG1\tTP53\nENSG2\tMYC\nENSG3\tMYC\n")?;
/// std::fs::write(dir.path().join("barcodes.tsv"), "AAAC\nAAAG\n")?;
///
/// let genes = read_any::<f32>(dir.path().join("matrix.mtx"), &ReadOptions::default())?;
/// assert_eq!(genes.row_names().unwrap(), ["TP53", "MYC", "MYC-1"]);
/// let AnyTable::Sparse(cells) = genes.transposed() else { panic!("coordinates are sparse") };
/// assert_eq!((cells.nrows(), cells.ncols(), cells.nnz()), (2, 3, 4));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read_any<T: Scalar>(path: impl AsRef<Path>, options: &ReadOptions) -> Result<AnyTable<T>, IoError> {
    Source::open(path, options)?.read_any()
}

/// An opened file whose kind is known but whose entries are not read yet.
///
/// ```
/// use orthant_io::{Format, Precision, ReadOptions, Source};
/// let source = Source::from_reader("a.csv", &b"1,2\n"[..], None, &ReadOptions::default())?;
/// assert_eq!((source.format(), source.precision()), (Format::Text, Precision::Float64));
/// let table = source.read::<f64>()?;
/// assert_eq!(table.ncols(), 2);
/// # Ok::<(), orthant_io::IoError>(())
/// ```
pub struct Source<'a> {
    path: PathBuf,
    options: ReadOptions,
    content: Content<'a>,
    /// A copy of what came as a stream, or packed, and cannot be read from end to end. It goes with the value.
    spooled: Option<TempPath>,
    /// The file, of which elements can be read at a place.
    file: Option<File>,
}

type Input<'a> = Box<dyn BufRead + 'a>;

enum Content<'a> {
    Npy { header: Header, input: Input<'a>, len: Option<u64> },
    Text { input: Input<'a> },
    Picture { format: Format, input: Input<'a> },
    Pictures(picture::Folder),
    MatrixMarket(Box<MatrixMarket<Input<'a>>>),
    Npz(Box<Npz>),
    Spreadsheet(Box<Spreadsheet>),
    Hdf5(Box<h5::Hdf5>),
}

impl std::fmt::Debug for Source<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Source")
            .field("path", &self.path)
            .field("format", &self.format())
            .finish_non_exhaustive()
    }
}

impl Source<'static> {
    /// Opens a file, or a pipe; of a folder, the only `matrix.mtx` or `matrix.mtx.gz` in it, whatever its name begins with, or
    /// in one of its folders. Where there is none, the png and jpg files in the folder are a matrix with a picture in each row,
    /// in the order of their names, which are the names of the rows; they must be of one size.
    ///
    /// # Errors
    /// [`IoError`] if it cannot be opened or is no kind of file that can be read.
    pub fn open(path: impl AsRef<Path>, options: &ReadOptions) -> Result<Self, IoError> {
        let folder = path.as_ref();
        let Some(path) = &mtx::folder::matrix_at(folder)? else { return Self::pictures(folder, options) };
        let mut file = File::open(path).map_err(IoError::read(path))?;
        let meta = file.metadata().map_err(IoError::read(path))?;
        // a pipe's length is not known
        let len = meta.is_file().then_some(meta.len());
        if len.is_some() {
            let mut head = [0; format::HEAD];
            let got = read_up_to(&mut file, &mut head).map_err(IoError::read(path))?;
            file.rewind().map_err(IoError::read(path))?;
            if let Magic::Known(format) = format::by_content(&head[..got])
                && format.is_archive()
            {
                return match open_archive(format, file, path, options, path)? {
                    Opened::Content(content) => {
                        let (path, options) = (path.to_owned(), options.clone());
                        Ok(Self { path, options, content, spooled: None, file: None })
                    }
                    Opened::Member(member) => member.source(options),
                };
            }
        }
        let same = file.try_clone().map_err(IoError::read(path))?;
        let mut source = Self::from_reader(path, file, len, options)?;
        // of what is packed the length is not known
        source.file = matches!(source.content, Content::Npy { len: Some(_), .. }).then_some(same);
        if let Content::MatrixMarket(file) = &mut source.content {
            file.name(path, options)?;
        }
        Ok(source)
    }

    /// A folder of pictures.
    fn pictures(path: &Path, options: &ReadOptions) -> Result<Self, IoError> {
        let path = path.to_owned();
        let Some(folder) = picture::Folder::at(&path)? else {
            return Err(IoError::UnsupportedFormat {
                path,
                what: "a folder without a matrix.mtx or matrix.mtx.gz, and without png and jpg files",
                instead: "name the file that is meant",
            });
        };
        applies(Format::Pictures, options, &path)?;
        Ok(Self {
            path,
            options: options.clone(),
            content: Content::Pictures(folder),
            spooled: None,
            file: None,
        })
    }

    /// The files that [`open`](Self::open) and what follows read at `path`: the file, of a folder the one in it, and those
    /// with names beside a `matrix.mtx`, or the pictures. None of them is opened.
    ///
    /// ```
    /// use orthant_io::Source;
    /// let dir = tempfile::tempdir()?;
    /// for name in ["matrix.mtx", "features.tsv", "barcodes.tsv", "notes.txt"] {
    ///     std::fs::write(dir.path().join(name), "")?;
    /// }
    /// let files = Source::files(dir.path());
    /// assert_eq!(files, ["matrix.mtx", "features.tsv", "barcodes.tsv"].map(|name| dir.path().join(name)));
    /// assert_eq!(Source::files(dir.path().join("notes.txt")), [dir.path().join("notes.txt")]);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn files(path: impl AsRef<Path>) -> Vec<PathBuf> {
        let path = path.as_ref();
        let found = mtx::folder::matrix_at(path);
        if let (Ok(None), Ok(Some(folder))) = (&found, picture::Folder::at(path)) {
            return folder.files();
        }
        let path = found.ok().flatten().unwrap_or_else(|| path.to_owned());
        let names = mtx::folder::files(&path);
        std::iter::once(path).chain(names.into_iter().flatten()).collect()
    }
}

impl<'a> Source<'a> {
    /// Takes any reader for a file. `name` stands for it in messages, and its ending tells kinds of text apart;
    /// `len` is its length in bytes, where known. What cannot be read from end to end, `.npz` and HDF5, is copied to a
    /// temporary file first.
    ///
    /// # Errors
    /// As [`open`](Source::open).
    pub fn from_reader(
        name: impl Into<PathBuf>,
        reader: impl Read + 'a,
        len: Option<u64>,
        options: &ReadOptions,
    ) -> Result<Self, IoError> {
        Self::within(name.into(), reader, len, options, false)
    }

    /// [`from_reader`](Self::from_reader), of a file that is in an archive or not.
    fn within(
        path: PathBuf,
        reader: impl Read + 'a,
        len: Option<u64>,
        options: &ReadOptions,
        in_archive: bool,
    ) -> Result<Self, IoError> {
        let (mut input, mut len, mut magic) =
            (Box::new(BufReader::new(reader)) as Input<'a>, len, Magic::Silent);
        // at most one wrapping
        for packed in [false, true] {
            let mut head = [0; format::HEAD];
            let got = read_up_to(&mut input, &mut head).map_err(IoError::read(&path))?;
            input = Box::new(Cursor::new(head).take(got as u64).chain(input));
            magic = format::by_content(&head[..got]);
            match magic {
                Magic::Packed(packing) if !packed => {
                    input = packed::unpack(packing, input, &path)?;
                }
                _ => break,
            }
            len = None;
        }
        let format = match magic {
            Magic::Known(format) => format,
            Magic::Other { what, instead } => {
                return Err(IoError::UnsupportedFormat { path, what, instead });
            }
            Magic::Packed(_) | Magic::Silent => format::by_name(&path),
        };
        if !format.is_archive() {
            applies(format, options, &path)?;
        }
        let mut spooled = None;
        let content = match format {
            Format::Npy => {
                let header = npy::read_header(&mut input, len, &path)?;
                header.sides(&path)?;
                header.check(len, &path)?;
                Content::Npy { header, input, len }
            }
            Format::Text => Content::Text { input },
            Format::Png | Format::Jpeg => Content::Picture { format, input },
            Format::Pictures => unreachable!("no file is a folder"),
            Format::MatrixMarket => Content::MatrixMarket(Box::new(MatrixMarket::open(input, len, &path)?)),
            Format::Npz | Format::Hdf5 | Format::Spreadsheet => {
                let mut copy = NamedTempFile::new().map_err(IoError::read(&path))?;
                std::io::copy(&mut input, &mut copy).map_err(IoError::read(&path))?;
                let (file, copy) = copy.into_parts();
                let copy = spooled.insert(copy);
                match open_archive(format, file, copy, options, &path)? {
                    Opened::Content(content) => content,
                    Opened::Member(_) if in_archive => {
                        let reason = "an archive in an archive: unpack the outer one".to_owned();
                        return Err(IoError::Corrupt { path, format: "zip", reason });
                    }
                    Opened::Member(member) => return member.source(options),
                }
            }
        };
        Ok(Self { path, options: options.clone(), content, spooled, file: None })
    }

    /// The kind of file.
    pub fn format(&self) -> Format {
        match &self.content {
            Content::Npy { .. } => Format::Npy,
            Content::Text { .. } => Format::Text,
            Content::Picture { format, .. } => *format,
            Content::Pictures(_) => Format::Pictures,
            Content::MatrixMarket(_) => Format::MatrixMarket,
            Content::Npz(_) => Format::Npz,
            Content::Spreadsheet(_) => Format::Spreadsheet,
            Content::Hdf5(_) => Format::Hdf5,
        }
    }

    /// How large the matrix is, where the file says so ahead of the entries: text and images do not.
    ///
    /// ```
    /// use orthant_io::{ReadOptions, Source};
    /// let text = &b"1,2\n3,4\n"[..];
    /// assert_eq!(Source::from_reader("v.csv", text, None, &ReadOptions::default())?.extent(), None);
    /// # Ok::<(), orthant_io::IoError>(())
    /// ```
    pub fn extent(&self) -> Option<Extent> {
        match &self.content {
            Content::Npy { header, .. } => {
                let (rows, cols) = header.sides(&self.path).ok()?;
                Some(Extent { rows, cols, nnz: None })
            }
            Content::Text { .. }
            | Content::Picture { .. }
            | Content::Pictures(_)
            | Content::Spreadsheet(_) => None,
            Content::MatrixMarket(file) => Some(file.extent()),
            Content::Npz(file) => Some(file.extent()),
            Content::Hdf5(file) => Some(file.extent()),
        }
    }

    /// The precision that suits the file: single for arrays of `float32` or `float16`, else double, as scikit-learn
    /// chooses.
    pub fn precision(&self) -> Precision {
        match &self.content {
            Content::Npy { header, .. } => header.precision(),
            Content::Npz(file) => file.precision(),
            Content::Hdf5(file) => file.precision(),
            _ => Precision::Float64,
        }
    }

    /// Reads the entries of a dense matrix.
    ///
    /// # Errors
    /// [`IoError`]; [`IoError::Sparse`], before an entry is read, if the matrix is sparse.
    pub fn read<T: Scalar>(self) -> Result<Table<T>, IoError> {
        let sparse = |path: PathBuf, rows, cols| Err(IoError::Sparse { path, rows, cols });
        if let Some(Extent { rows, cols, nnz: Some(_) }) = self.extent() {
            return sparse(self.path, rows, cols);
        }
        match self.read_any()? {
            AnyTable::Dense(table) => Ok(table),
            AnyTable::Sparse(table) => {
                let (rows, cols) = (table.nrows() as u64, table.ncols() as u64);
                sparse(table.path, rows, cols)
            }
            AnyTable::OutOfCore(_) => unreachable!("all of it has been read"),
        }
    }

    /// Reads the entries, of a dense or a sparse matrix.
    ///
    /// # Errors
    /// [`IoError`].
    pub fn read_any<T: Scalar>(self) -> Result<AnyTable<T>, IoError> {
        T::read(self)
    }

    /// The same, but a matrix that takes more than `most` bytes in memory, as elements of `T` and indices of 32 bits, stays where it is
    /// if its elements or entries can be read there [when they are needed](FileLines): in an npy file; in an npz file that is not
    /// packed, which holds a dense matrix or scipy's `csr` or `csc`; or those of a sparse matrix in an HDF5 file.
    /// [`convert`](crate::convert()) writes files that are read fastest.
    ///
    /// # Errors
    /// [`IoError`].
    pub fn read_within<T: Scalar>(mut self, most: usize) -> Result<AnyTable<T>, IoError> {
        if !self.stays_in_file::<T>(most)? {
            return self.read_any();
        }
        let lines = match (self.content, self.file.take()) {
            (Content::Npz(archive), _) => archive.lines()?,
            (Content::Hdf5(file), _) => file.lines(&self.path)?,
            (Content::Npy { header, .. }, Some(file)) => {
                FileLines::Dense(NpyLines::new(Arc::new(file), header, &self.path, &self.path)?)
            }
            _ => unreachable!("others do not stay in their files"),
        };
        Ok(AnyTable::OutOfCore(lines))
    }

    /// Whether [`read_within`](Self::read_within) leaves the matrix in its file.
    ///
    /// ```
    /// use orthant_io::{ReadOptions, Source};
    /// let source = Source::from_reader("v.csv", &b"1,2\n"[..], None, &ReadOptions::default())?;
    /// assert!(!source.stays_in_file::<f64>(0)?, "text is loaded");
    /// # Ok::<(), orthant_io::IoError>(())
    /// ```
    ///
    /// # Errors
    /// [`IoError`] for an archive that is none.
    pub fn stays_in_file<T: Scalar>(&self, most: usize) -> Result<bool, IoError> {
        match &self.content {
            Content::Npy { header, .. } => Ok(self.file.is_some() && !header.fits::<T>(most)),
            Content::Npz(archive) if self.spooled.is_none() => archive.stays_in_file::<T>(most),
            Content::Hdf5(file) if self.spooled.is_none() => {
                Ok(file.bytes::<T>().is_some_and(|bytes| bytes > most))
            }
            _ => Ok(false),
        }
    }

    /// Reads the matrix and writes it to `path` as [`convert`](crate::convert()) does: at once if there is memory for it as elements of `T`,
    /// and else, where its file allows that, some lines at a time.
    ///
    /// HDF5 files of sparse matrices, and Matrix Market files whose entries follow one another by rows or by columns, are read
    /// some lines at a time; 12 or 16 bytes an entry are on disk meanwhile. Others are read whole.
    ///
    /// ```
    /// use orthant_io::{AnyTable, Conversion, ReadOptions, Source};
    /// let dir = tempfile::tempdir()?;
    /// let (from, to) = (dir.path().join("v.mtx"), dir.path().join("v.npz"));
    /// std::fs::write(&from, "%%MatrixMarket matrix coordinate integer general\n3 2 3\n2 1 5\n1 2 7\n3 2 9\n")?;
    /// let source = Source::open(&from, &ReadOptions::default())?;
    /// let converted = source.convert::<f32>(Conversion { memory: 0, transposed: false }, &to)?;
    /// assert_eq!((converted.nrows, converted.ncols, converted.nnz), (3, 2, Some(3)));
    /// let table = Source::open(&to, &ReadOptions::default())?.read_within::<f32>(0)?;
    /// let AnyTable::OutOfCore(file) = table else { panic!("more than 0 bytes") };
    /// assert_eq!((file.nrows(), file.ncols(), file.nnz()), (3, 2, Some(3)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`IoError::NotConverted`] for another ending than `npz`, or `npy` of a dense matrix; [`IoError::Unsorted`] for a large Matrix Market
    /// file in no order; and those of reading and writing.
    pub fn convert<T: Scalar>(
        self,
        options: Conversion,
        path: impl AsRef<Path>,
    ) -> Result<Converted, IoError> {
        T::convert_source(self, options, path.as_ref())
    }

    /// Bytes of the matrix in memory, where they are known.
    pub(crate) fn bytes<T>(&self) -> Option<usize> {
        let Extent { rows, cols, nnz } = self.extent()?;
        let bytes = match nnz {
            None => rows.saturating_mul(cols).saturating_mul(size_of::<T>() as u64),
            Some(entries) => {
                let entry = (size_of::<u32>() + size_of::<T>()) as u64;
                entries.saturating_mul(entry).saturating_add(rows.max(cols).saturating_mul(8))
            }
        };
        Some(usize::try_from(bytes).unwrap_or(usize::MAX))
    }

    /// Whether its lines can be read some at a time.
    pub(crate) fn has_lines(&self) -> bool {
        match &self.content {
            Content::MatrixMarket(file) => file.has_lines(),
            Content::Hdf5(file) => file.has_lines(),
            _ => false,
        }
    }

    /// The lines of what [has](Self::has_lines) them, for the file at `to`.
    pub(crate) fn gather<T: Scalar>(self, to: &Path) -> Result<Lines<T>, IoError> {
        match self.content {
            Content::MatrixMarket(file) => file.gather(&self.path, to),
            Content::Hdf5(file) => file.gather(&self.path, to),
            _ => unreachable!("it has lines"),
        }
    }

    pub(crate) fn entries<T: Scalar>(self) -> Result<AnyTable<T>, IoError> {
        let Self { path, options, content, spooled, file: _ } = self;
        let mut table = match content {
            Content::Npy { header, mut input, len } => {
                AnyTable::Dense(npy::read_data(&mut input, &header, len, &path)?)
            }
            Content::Text { input } => text::read(input, &options, &path)?,
            Content::Picture { input, .. } => AnyTable::Dense(picture::read(input, options.channels, &path)?),
            Content::Pictures(folder) => AnyTable::Dense(folder.read(options.channels)?),
            Content::MatrixMarket(file) => file.read(&options, &path)?,
            Content::Npz(file) => file.read()?,
            Content::Spreadsheet(book) => book.read(&options, &path)?,
            Content::Hdf5(file) => file.read(&path)?,
        };
        drop(spooled);
        table.set_path(path);
        let rows = of_duplicates(Edge::Rows, table.row_names());
        let columns = of_duplicates(Edge::Columns, table.col_names());
        table.remark(rows.into_iter().chain(columns));
        Ok(table)
    }
}

/// Opens a file that is read here and there: `file`, which is at `place`. Messages call it `path`.
fn open_archive(
    format: Format,
    file: File,
    place: &Path,
    options: &ReadOptions,
    path: &Path,
) -> Result<Opened, IoError> {
    let layer = options.layer.as_deref();
    if format == Format::Npz {
        return match zip::kind(&file, layer, path)? {
            zip::Kind::Npz => {
                not_for_this(format, options, path)?;
                FeatureTypes::none(options, path)?;
                Npz::open(file, layer, path).map(Box::new).map(Content::Npz).map(Opened::Content)
            }
            zip::Kind::Spreadsheet(kind) => book(kind, file, options, path),
            zip::Kind::Member(name) => zip::Member::open(file, &name, path).map(Opened::Member),
        };
    }
    not_for_this(format, options, path)?;
    h5::Hdf5::open(place, options, path).map(Box::new).map(Content::Hdf5).map(Opened::Content)
}

/// Opens a spreadsheet.
fn book(kind: Book, file: File, options: &ReadOptions, path: &Path) -> Result<Opened, IoError> {
    not_for_this(Format::Spreadsheet, options, path)?;
    let book = Spreadsheet::open(kind, file, options.layer.as_deref(), path)?;
    Ok(Opened::Content(Content::Spreadsheet(Box::new(book))))
}

/// What an archive turned out to be.
enum Opened {
    Content(Content<'static>),
    /// A file that is packed in it.
    Member(zip::Member),
}

impl zip::Member {
    /// The file in the archive, as if it lay beside it.
    fn source<'a>(self, options: &ReadOptions) -> Result<Source<'a>, IoError> {
        let Self { path, file, len } = self;
        Source::within(path, file, Some(len), &ReadOptions { layer: None, ..options.clone() }, true)
    }
}

/// Refuses options that do not go with what holds a single matrix.
fn applies(format: Format, options: &ReadOptions, path: &Path) -> Result<(), IoError> {
    not_for_this(format, options, path)?;
    if let Some(layer) = options.layer.clone() {
        return Err(IoError::NoLayer { path: path.to_owned(), layer, available: vec![] });
    }
    // Matrix Market's are known with the names beside it
    if format == Format::MatrixMarket { Ok(()) } else { FeatureTypes::none(options, path) }
}

/// Refuses options that do not go with a kind of file.
fn not_for_this(format: Format, options: &ReadOptions, path: &Path) -> Result<(), IoError> {
    let of_columns = options.triplets || !options.drop.is_empty();
    let what = if format != Format::Text && (options.delimiter.is_some() || options.decimal.is_some()) {
        "ReadOptions::delimiter and decimal are for tables of text, and this is none"
    } else if !matches!(format, Format::Text | Format::Spreadsheet) && of_columns {
        "ReadOptions::drop and triplets are for tables of text and spreadsheets, and this is neither"
    } else if !matches!(format, Format::Png | Format::Jpeg | Format::Pictures) && options.channels {
        "ReadOptions::channels is for pictures, and this is none"
    } else {
        return Ok(());
    };
    Err(IoError::NotForThis { path: path.to_owned(), what })
}

/// Fills `buffer` as far as the reader goes, and says how far that was.
pub(crate) fn read_up_to(reader: &mut impl Read, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(filled)
}
