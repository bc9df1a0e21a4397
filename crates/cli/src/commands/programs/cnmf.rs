//! Results under the names, and in the layout, that cNMF gives them.

use std::path::Path;

use orthant::Dense;
use orthant_io::{Scalar, Staged};
use orthant_study::Programs;

use super::prepared::Prepared;
use super::tables::{heads, matrix};
use crate::Failure;

/// The names of the files of a number of programs.
pub struct Files {
    name: String,
    /// The number of programs and the threshold of densities.
    of: String,
}

impl Files {
    pub fn new(name: &str, k: usize, threshold: f64) -> Self {
        // as Python writes a number, with `_` in the place of the point
        let threshold = format!("{threshold:?}").replace('.', "_");
        Self { name: name.to_owned(), of: format!("k_{k}.dt_{threshold}") }
    }

    fn usages(&self) -> String {
        format!("{}.usages.{}.consensus.txt", self.name, self.of)
    }

    fn spectra(&self) -> String {
        format!("{}.spectra.{}.consensus.txt", self.name, self.of)
    }

    fn spectra_tpm(&self) -> String {
        format!("{}.gene_spectra_tpm.{}.txt", self.name, self.of)
    }

    fn scores(&self) -> String {
        format!("{}.gene_spectra_score.{}.txt", self.name, self.of)
    }

    fn reference(&self) -> String {
        format!("{}.starcat_spectra.{}.txt", self.name, self.of)
    }

    fn genes(&self) -> String {
        format!("{}.overdispersed_genes.txt", self.name)
    }

    /// All of them.
    pub fn all(&self) -> [String; 6] {
        [self.usages(), self.spectra(), self.spectra_tpm(), self.scores(), self.reference(), self.genes()]
    }

    /// Writes them into a folder, all or none: programs are 1, 2, …, in rows but for usages.
    pub fn write<T: Scalar>(
        &self,
        dir: &Path,
        programs: &Programs,
        prepared: &Prepared<T>,
    ) -> Result<(), Failure> {
        let (cells, genes) = (prepared.cell_names(), prepared.gene_names());
        let fitted: Vec<String> = prepared.cells.chosen().iter().map(|&j| genes[j].clone()).collect();
        let numbers: Vec<String> = (1..=programs.usages.ncols()).map(|t| t.to_string()).collect();
        let labels: Vec<String> = numbers.iter().map(|t| format!("GEP{t}")).collect();
        let mut staged = Staged::in_dir(dir)?;
        let usages = &programs.usages;
        matrix(&mut staged, &self.usages(), heads("", &numbers), cells, |i| usages.row(i).to_vec())?;
        let mut by_program = |name: String, of: &Dense<f64>, columns: &[String], rows: &[String]| {
            matrix(&mut staged, &name, heads("", columns), rows, |t| of.row(t).to_vec())
        };
        by_program(self.spectra(), &programs.spectra, &fitted, &numbers)?;
        by_program(self.spectra_tpm(), &programs.spectra_tpm, genes, &numbers)?;
        by_program(self.scores(), &programs.scores, genes, &numbers)?;
        by_program(self.reference(), &programs.reference, &fitted, &labels)?;
        staged.file(&self.genes(), |out| out.write_all(fitted.join("\n").as_bytes()))?;
        staged.commit()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_are_written_as_python_has_them() {
        let name = |threshold| Files::new("cells", 7, threshold).usages();
        assert_eq!(name(0.5), "cells.usages.k_7.dt_0_5.consensus.txt");
        assert_eq!(name(0.15), "cells.usages.k_7.dt_0_15.consensus.txt");
        assert_eq!(name(2.0), "cells.usages.k_7.dt_2_0.consensus.txt");
    }
}
