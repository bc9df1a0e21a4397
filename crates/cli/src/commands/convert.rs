//! `orthant convert`: a matrix as a file that a fit can read in each pass.

use std::path::PathBuf;

use orthant::available_memory;
use orthant_io::{Conversion, Precision, Scalar, Source};

use crate::args::{ReadArgs, bytes};
use crate::{Failure, failure, inputs, print, say};

/// Write a matrix as a file that a fit can read without loading it
///
/// The file is an archive of numpy's and scipy's arrays that are not packed (.npz), with the names of rows and columns; a dense matrix can
/// be written as .npy too, without names. Numbers take as few bytes as hold them: counts one or two, indices two up to 65,536
/// columns. numpy.load and scipy.sparse.load_npz read it.
///
/// HDF5 files (h5ad, 10x) and Matrix Market files that memory has no room for are read some lines at a time.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orthant convert cells.h5ad cells.npz && orthant fit cells.npz -k 20 --loss kl -o programs
  orthant convert filtered_feature_bc_matrix/ cells.npz --transpose
  orthant convert V.csv V.npy")]
pub struct ConvertArgs {
    /// The matrix: any file that `orthant fit` reads; - is standard input
    input: PathBuf,
    /// The file to write: .npz, or .npy for a dense matrix
    output: PathBuf,
    #[command(flatten)]
    read: ReadArgs,
    /// The most bytes of data to load at once, such as 2GiB [default: what can be had]
    #[arg(long, value_name = "SIZE", value_parser = bytes)]
    memory_limit: Option<usize>,
    /// No summary
    #[arg(short, long)]
    quiet: bool,
}

/// Runs the command.
pub fn run(args: &ConvertArgs) -> Result<(), Failure> {
    inputs::keep(&Source::files(&args.input), [&args.output])?;
    if args.read.missing().is_some() {
        return Err(Failure::Usage(
            "--missing is said where a matrix is fitted: what is missing is written as it is".into(),
        ));
    }
    let source = args.read.open(&args.input)?;
    match source.precision() {
        Precision::Float32 => run_in::<f32>(args, source),
        Precision::Float64 => run_in::<f64>(args, source),
    }
}

fn run_in<T: Scalar>(args: &ConvertArgs, source: Source<'_>) -> Result<(), Failure> {
    let most = args.memory_limit.or_else(available_memory).unwrap_or(usize::MAX);
    let options = Conversion { memory: most, transposed: args.read.transposes() };
    let converted = source.convert::<T>(options, &args.output)?;
    say::remarks(&args.input, &converted.remarks, args.read.transposes());
    if args.quiet {
        return Ok(());
    }
    let written = std::fs::metadata(&args.output).map_or(0, |meta| meta.len());
    let entries =
        converted.nnz.map_or(String::new(), |nnz| format!(", {}", print::count(nnz, "entry", "entries")));
    print::now(|out| {
        writeln!(
            out,
            "{}: {}×{}{entries}; {}",
            args.output.display(),
            converted.nrows,
            converted.ncols,
            failure::size(usize::try_from(written).unwrap_or(usize::MAX)),
        )
    })
}
