//! What the comparison over sparse data needs besides the fits: a large matrix in a file, made in a process of its own so
//! that its making is in no fit's memory, and the rate at which rows of a factor can be gathered at all.

use std::error::Error;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use orthant::{Matrix, ToMatrix};
use orthant_benches::{Texts, gathered_rows};
use orthant_io::ReadOptions;
use orthant_kernel::Unfolded;
use serde_json::json;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// Makes a large sparse matrix, or measures how fast rows are gathered.
#[derive(Parser)]
struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Writes counts in single precision as scipy.sparse.save_npz does, not packed, and says what they are
    Make {
        /// The file
        out: PathBuf,
        #[arg(long)]
        rows: usize,
        #[arg(long)]
        cols: usize,
        /// Entries, about
        #[arg(long)]
        entries: usize,
        #[arg(long, default_value_t = 20)]
        topics: usize,
        #[arg(long, default_value_t = 0)]
        seed: u64,
    },
    /// Gathers a row of k numbers, out of as many as DATA has columns, for each entry of DATA, and says how many a second
    Gather {
        /// A sparse npz file of numbers in single precision
        data: PathBuf,
        /// Numbers in a row
        #[arg(long)]
        k: usize,
        #[arg(long, default_value_t = 1)]
        threads: usize,
    },
}

fn main() -> ExitCode {
    let done = match Args::parse().what {
        What::Make { out, rows, cols, entries, topics, seed } => {
            make(&out, &Texts::new(rows, cols, entries, topics, seed))
        }
        What::Gather { data, k, threads } => gather(&data, k, threads),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&*error);
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stderr, reason = "this program's only way to say what is wrong")]
fn complain(error: &dyn Error) {
    eprintln!("orthant-bench-sparse: {error}");
}

#[expect(clippy::print_stdout, reason = "this program's result")]
fn make(out: &Path, texts: &Texts) -> Result<(), Box<dyn Error>> {
    let Texts { cols, indptr, indices, values } = texts;
    let (rows, entries) = (indptr.len() - 1, indices.len());
    if i32::try_from(entries.max(*cols)).is_err() {
        return Err("at most 2147483647 columns and entries".into());
    }
    let mut zip = Archive(ZipWriter::new(BufWriter::new(File::create(out)?)));
    zip.array("indices", "<i4", &format!("({entries},)"), indices.iter().map(|i| i.to_le_bytes()))?;
    zip.array(
        "indptr",
        "<i4",
        &format!("({},)", rows + 1),
        indptr.iter().map(|&i| (i as u32).to_le_bytes()),
    )?;
    zip.array("format", "|S3", "()", [*b"csr"].into_iter())?;
    zip.array("shape", "<i8", "(2,)", [rows, *cols].into_iter().map(|n| (n as u64).to_le_bytes()))?;
    zip.array("data", "<f4", &format!("({entries},)"), values.iter().map(|x| x.to_le_bytes()))?;
    zip.0.finish()?.flush()?;
    println!("{}", json!({ "rows": rows, "cols": cols, "entries": entries }));
    Ok(())
}

/// An archive of arrays.
struct Archive(ZipWriter<BufWriter<File>>);

impl Archive {
    /// The elements of an array in the format npy 1.0.
    fn array<const B: usize>(
        &mut self,
        name: &str,
        dtype: &str,
        shape: &str,
        elements: impl Iterator<Item = [u8; B]>,
    ) -> io::Result<()> {
        let options =
            SimpleFileOptions::default().compression_method(CompressionMethod::Stored).large_file(true);
        self.0.start_file(format!("{name}.npy"), options)?;
        let header = format!("{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}");
        // ten bytes before it and a line's end after it, in all a multiple of 64
        let len = (10 + header.len() + 1).next_multiple_of(64) - 10;
        self.0.write_all(b"\x93NUMPY\x01\x00")?;
        self.0.write_all(&(len as u16).to_le_bytes())?;
        self.0.write_all(format!("{header:<0$}\n", len - 1).as_bytes())?;
        let mut bytes = Vec::with_capacity(1 << 16);
        for element in elements {
            bytes.extend(element);
            if bytes.len() + B > bytes.capacity() {
                self.0.write_all(&bytes)?;
                bytes.clear();
            }
        }
        self.0.write_all(&bytes)
    }
}

#[expect(clippy::print_stdout, reason = "this program's result")]
fn gather(data: &Path, k: usize, threads: usize) -> Result<(), Box<dyn Error>> {
    let table = orthant_io::read_any::<f32>(data, &ReadOptions::default())?;
    let Matrix::Csr(v) = table.to_matrix()? else { return Err("a sparse matrix by rows is wanted".into()) };
    let mut unfolded = Unfolded::default();
    let whole = v.block(0..v.nrows(), 1.0, &mut unfolded);
    let rows = gathered_rows(whole.indices(), whole.values(), v.ncols(), k, threads)?;
    println!("{}", json!({ "entries": v.nnz(), "cols": v.ncols(), "k": k, "rows_per_second": rows }));
    Ok(())
}
