//! `study.json` and `table.csv`.

use std::path::{Path, PathBuf};

use orthant_io::{Scalar, Staged};
use serde::Serialize;

use crate::ranks::Ranks;
use crate::recommend::Rule;
use crate::table::{COLUMNS, Row};
use crate::{StudyError, Thresholds, Variation};

/// What `study.json` has.
#[derive(Serialize)]
struct Summary<'a> {
    recommended: Option<usize>,
    reason: &'a str,
    heldout_minimum: Option<usize>,
    heldout_one_se: Option<usize>,
    stable: &'a [usize],
    rules: &'a [Rule],
    remarks: &'a [String],
    vary: Variation,
    holdout: Option<&'static str>,
    overdispersion: Option<f64>,
    thresholds: Thresholds,
    jobs: usize,
    failed: usize,
    /// Ranks without a fit.
    without_fits: Vec<Without<'a>>,
    table: &'a [Row],
    study: &'a crate::folder::Manifest,
}

#[derive(Serialize)]
struct Without<'a> {
    k: usize,
    reason: &'a str,
}

impl<T: Scalar> Ranks<T> {
    /// Writes `study.json`, with the recommendation, its reasons, the table and what was studied, and `table.csv`, a row a
    /// rank, into a folder.
    ///
    /// # Errors
    /// [`StudyError::Io`].
    pub fn write_into(&self, dir: impl AsRef<Path>) -> Result<Vec<PathBuf>, StudyError> {
        let found = self.recommendation();
        let (jobs, failed) = self.counts()?;
        let without = |(k, reason): &'_ (usize, String)| (*k, reason.clone());
        let reasons: Vec<(usize, String)> = self.failed.iter().map(without).collect();
        let summary = Summary {
            recommended: found.rank,
            reason: &found.reason,
            heldout_minimum: found.heldout_minimum,
            heldout_one_se: found.heldout_one_se,
            stable: &found.stable,
            rules: &found.rules,
            remarks: &found.remarks,
            vary: self.variation(),
            holdout: self.holdout().map(crate::Kind::name),
            overdispersion: self.overdispersion(),
            thresholds: self.thresholds,
            jobs,
            failed,
            without_fits: reasons.iter().map(|(k, reason)| Without { k: *k, reason }).collect(),
            table: self.table(),
            study: &self.manifest,
        };
        let mut staged = Staged::in_dir(dir)?;
        staged.json("study.json", &summary)?;
        staged.file("table.csv", |out| out.write_all(self.csv().as_bytes()))?;
        Ok(staged.commit()?)
    }

    /// The table as csv: a line of names, and a line a rank; what is not known is empty.
    pub fn csv(&self) -> String {
        let names: Vec<&str> = COLUMNS.iter().map(|(name, _)| *name).collect();
        let mut text = names.join(",") + "\n";
        for row in self.table() {
            let cells: Vec<String> = COLUMNS
                .iter()
                .map(|(_, value)| value(row).map_or(String::new(), |x| x.to_string()))
                .collect();
            text += &(cells.join(",") + "\n");
        }
        text
    }
}
