//! What the comparison over sparse data needs besides the fits: a large matrix in a file, made in a process of its own so
//! that its making is in no fit's memory, and the rate at which rows of a factor can be gathered at all.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use orthant::{Matrix, ToMatrix};
use orthant_benches::{Texts, gathered_rows};
use orthant_io::ReadOptions;
use orthant_kernel::Unfolded;
use serde_json::json;

/// Makes a large sparse matrix, or measures how fast rows are gathered.
#[derive(Parser)]
struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Writes counts in single precision as scipy.sparse.save_npz does, and says what they are
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
    let v = texts.csr();
    orthant_io::write_npz(out, &v)?;
    println!("{}", json!({ "rows": v.nrows(), "cols": v.ncols(), "entries": v.nnz() }));
    Ok(())
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
