//! Counts that are read and prepared, with the names of cells and genes.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use orthant_io::{AnyTable, Scalar, Source};
use orthant_study::{Cells, StudyError};

use super::args::ProgramsArgs;
use crate::commands::study::{StudyArgs, failure};
use crate::print::count;
use crate::{Failure, say};

/// Counts as they are fitted.
pub struct Prepared<T: Scalar> {
    pub cells: Cells<T>,
    cell_names: Vec<String>,
    gene_names: Vec<String>,
    /// Cells and genes of the file.
    of: (usize, usize),
    /// Genes that were asked for.
    asked: usize,
    input: PathBuf,
}

impl<T: Scalar> Prepared<T> {
    /// Reads the counts of `args`, and prepares them; `in_columns` says where the cells are, if it is known. The study of them comes
    /// with it.
    pub fn read(
        args: &ProgramsArgs,
        source: Source<'_>,
        in_columns: Option<bool>,
        folder: &Path,
    ) -> Result<(Self, StudyArgs), Failure> {
        let counts: AnyTable<T> = source.read_any()?;
        let in_columns = in_columns.unwrap_or_else(|| args.are_columns(&counts));
        let study = args.study_of(in_columns);
        let counts = study.read.turned(&study.input, counts);
        let genes = args.genes(&counts, folder)?;
        let cells = Cells::of(&counts, &genes, args.takes_fractions());
        let cells = cells.map_err(|e| in_counts(e, &counts, &study.input))?;
        cells.check(&study.ranks.0).map_err(|e| in_counts(e, &counts, &study.input))?;
        if counts.col_names().is_none() || counts.row_names().is_none() {
            let which = match (counts.row_names(), counts.col_names()) {
                (None, None) => "cells and genes have",
                (None, _) => "cells have",
                _ => "genes have",
            };
            say::warning(format_args!(
                "{}: its {which} no names, and are called by their numbers, from 0",
                study.input.display()
            ));
        }
        let asked = match genes {
            orthant_study::Genes::Most(asked) => asked,
            orthant_study::Genes::Chosen(columns) => columns.len(),
        };
        let named = |names: Option<&[String]>, kept: &[usize]| {
            kept.iter().map(|&at| names.map_or_else(|| at.to_string(), |names| names[at].clone())).collect()
        };
        let prepared = Self {
            cell_names: named(counts.row_names(), cells.cells()),
            gene_names: named(counts.col_names(), cells.genes()),
            of: (counts.nrows(), counts.ncols()),
            asked,
            input: study.input.clone(),
            cells,
        };
        prepared.warn();
        Ok((prepared, study))
    }

    /// Says what is not as one would expect it.
    fn warn(&self) {
        let (input, fitted) = (self.input.display(), self.cells.chosen().len());
        if fitted < self.asked {
            let (asked, there) = (count(self.asked, "gene", "genes"), self.gene_names.len());
            say::warning(format_args!(
                "{input}: {fitted} of {asked} that were asked for are fitted, as {there} genes have counts"
            ));
        }
        if let Some(&first) = self.cells.idle().first() {
            let cells = count(self.cells.idle().len(), "cell has", "cells have");
            say::warning(format_args!(
                "{input}: {cells} no count of a gene that is fitted, '{}' among them: their usages are 0",
                self.cell_names[first]
            ));
        }
    }

    /// The names of the cells that have counts.
    pub fn cell_names(&self) -> &[String] {
        &self.cell_names
    }

    /// The names of the genes that have counts.
    pub fn gene_names(&self) -> &[String] {
        &self.gene_names
    }

    /// What is fitted, with its names.
    pub fn table(&self) -> Result<AnyTable<T>, Failure> {
        let genes = self.cells.chosen().iter().map(|&j| self.gene_names[j].clone()).collect();
        let names = (Some(self.cell_names.clone()), Some(genes));
        let table = match self.cells.scaled()? {
            AnyTable::Dense(table) => AnyTable::Dense(table.named(names.0, names.1)),
            AnyTable::Sparse(table) => AnyTable::Sparse(table.named(names.0, names.1)),
            AnyTable::OutOfCore(_) => unreachable!("it was made in memory"),
        };
        Ok(table.of_file(&self.input))
    }

    /// Prints what was prepared.
    pub fn print(&self, out: &mut dyn Write) -> io::Result<()> {
        let (cells, genes) = (self.of.0 - self.cell_names.len(), self.of.1 - self.gene_names.len());
        writeln!(
            out,
            "{}: {} × {}; {} and {} without a count are left out; {} fitted, at unit variance",
            self.input.display(),
            count(self.of.0, "cell", "cells"),
            count(self.of.1, "gene", "genes"),
            count(cells, "cell", "cells"),
            count(genes, "gene", "genes"),
            count(self.cells.chosen().len(), "gene is", "genes are")
        )
    }
}

/// What is wrong with counts, with the place in their file and the options to say it by.
fn in_counts<T: Scalar>(error: StudyError, counts: &AnyTable<T>, input: &Path) -> Failure {
    match error {
        StudyError::NotExpression { row, col, value, fractions } => {
            let place = counts.locate(row, col);
            let why = if value < 0.0 {
                "and scaled or centred data is none; INPUT needs the counts before that, which may be in a --layer"
            } else if fractions || !value.is_finite() {
                "which is finite"
            } else {
                "and a fraction is what logarithms or normalisation leave: INPUT needs the counts before that, which may be in a --layer; \
                 --fractions takes estimated counts as they are"
            };
            Failure::Run(format!("{place}: {value} is not a count, {why}"))
        }
        StudyError::NoExpression { .. } | StudyError::TooManyPrograms { .. } => {
            Failure::Run(format!("{}: {error}", input.display()))
        }
        error => failure(error, counts, &input.display().to_string()),
    }
}
