//! How much entries of the data count, from a file of its shape.

use std::path::{Path, PathBuf};

use orthant::{EntryWeights, Error};
use orthant_io::{AnyTable, Scalar};

use crate::Failure;
use crate::args::ReadArgs;
use crate::failure::in_matrix;

/// Which file says how much entries count, if one does.
#[derive(Clone, Debug, clap::Args)]
#[group(multiple = false)]
pub struct WeightArgs {
    /// How much each entry counts in the loss: a file of the data's shape with numbers of at least 0, of which 0 is not observed
    #[arg(long, value_name = "FILE", conflicts_with = "minibatch", help_heading = "Data")]
    entry_weights: Option<PathBuf>,
    /// The uncertainty u of each entry, which then counts 1/u²
    #[arg(long, value_name = "FILE", conflicts_with = "minibatch", help_heading = "Data")]
    uncertainties: Option<PathBuf>,
    /// Which entries are observed: a file of the data's shape, dense with 0 for those that are not, or sparse with an entry for
    /// each that is
    #[arg(long, value_name = "FILE", conflicts_with = "minibatch", help_heading = "Data")]
    observed: Option<PathBuf>,
}

impl WeightArgs {
    /// The file.
    pub fn path(&self) -> Option<&PathBuf> {
        self.entry_weights.as_ref().or(self.uncertainties.as_ref()).or(self.observed.as_ref())
    }

    /// The same arguments given in another folder.
    pub fn seen_from(&self, folder: &Path) -> Self {
        let seen = |path: &Option<PathBuf>| path.as_ref().map(|path| folder.join(path));
        Self {
            entry_weights: seen(&self.entry_weights),
            uncertainties: seen(&self.uncertainties),
            observed: seen(&self.observed),
        }
    }

    /// Reads it as the data is read.
    pub fn read<T: Scalar>(&self, read: &ReadArgs) -> Result<Option<EntryWeights<T>>, Failure> {
        let Some(path) = self.path() else { return Ok(None) };
        let table: AnyTable<T> = read.read(path, read.open(path)?)?;
        let (weights, operand) = match self {
            Self { entry_weights: Some(_), .. } => (EntryWeights::new(&table), "weights"),
            Self { uncertainties: Some(_), .. } => (EntryWeights::of_uncertainties(&table), "uncertainties"),
            _ => (EntryWeights::observed(&table), "observed"),
        };
        let failed = |error: Error| {
            in_matrix(&error, operand, |row, col| table.locate(row, col), path)
                .unwrap_or_else(|| Failure::Run(format!("{}: {error}", path.display())))
        };
        weights.map(Some).map_err(failed)
    }
}
