//! `--format`: the formats of W and H.

use std::path::Path;

use orthant_io::OutputFormat;

/// What is read again by `show` and `reconstruct`.
const OF_FACTORS: [OutputFormat; 3] = [OutputFormat::Npy, OutputFormat::Csv, OutputFormat::Tsv];

/// In which formats the factors are written.
#[derive(Clone, Debug, clap::Args)]
pub struct FormatArgs {
    /// Formats of W and H: npy (all digits, no names), csv or tsv (with the names of rows and columns), or several with commas
    /// between [default: npy, and csv too where the data has names]
    #[arg(long, value_name = "npy|csv|tsv", value_delimiter = ',', value_parser = of_factors, requires = "out")]
    format: Vec<OutputFormat>,
}

impl FormatArgs {
    /// The formats, each once, of data that has names or has none.
    pub fn of(&self, named: bool) -> Vec<OutputFormat> {
        let default = if named { &OF_FACTORS[..2] } else { &OF_FACTORS[..1] };
        let asked = if self.format.is_empty() { default } else { &self.format };
        OF_FACTORS.into_iter().filter(|format| asked.contains(format)).collect()
    }

    /// Whether it was said.
    pub fn are_given(&self) -> bool {
        !self.format.is_empty()
    }
}

/// A format of factors.
fn of_factors(name: &str) -> Result<OutputFormat, String> {
    match by_name(name).filter(|format| OF_FACTORS.contains(format)) {
        Some(format) => Ok(format),
        None if name == "h5ad" => {
            Err("npy, csv or tsv is needed; `orthant fit cells.h5ad --write-obsm NAME` writes them \
                                       into a copy of the input"
                .into())
        }
        None => Err("npy, csv or tsv is needed".into()),
    }
}

/// A format of a matrix by itself.
pub fn of_matrix(name: &str) -> Result<OutputFormat, String> {
    by_name(name)
        .filter(|format| *format != OutputFormat::Png)
        .ok_or_else(|| "npy, csv, tsv or json is needed".into())
}

fn by_name(name: &str) -> Option<OutputFormat> {
    OutputFormat::of(Path::new(&format!("_.{name}"))).ok()
}
