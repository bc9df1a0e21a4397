//! Gene expression programs of single cells, as cNMF finds them: what is fitted, and what is made of the components that came back.
//!
//! Counts of cells × genes are [prepared](Cells): the most overdispersed genes are chosen, and each is scaled to unit variance. A
//! [`Study`](crate::Study) of these numbers finds the programs. [`Programs`] then has how much each cell uses each program, and
//! every program over all genes, in transcripts per million (TPM) and as scores. D. Kotliar et al., eLife 8 (2019) e43803,
//! doi:10.7554/eLife.43803.
//!
//! ```
//! use orthant::Dense;
//! use orthant_study::{Cells, Density, Genes, Programs, Recipe, Study};
//! // two kinds of cells, each with its own genes
//! let counts = Dense::from_fn(60, 40, |i, j| ((i * 7 + j * 3) % 4 + 6 * usize::from(i % 2 == j % 2)) as f64);
//! let cells = Cells::of(&counts, &Genes::Most(30), false)?;
//! let scaled = cells.scaled()?;
//! let ranks = Study::new(2..=3).replicates(4).fit(&scaled)?.recipe(Recipe::Cnmf);
//! let consensus = ranks.consensus(&scaled, 2, Density::Below(0.5))?;
//! let programs = Programs::of(&cells, &consensus, &Default::default())?;
//! assert_eq!((programs.usages.nrows(), programs.spectra_tpm.ncols()), (60, 40));
//! // the genes that mark a program are those of one kind
//! let top = programs.top_genes(4);
//! assert!(top.iter().all(|genes| genes.iter().all(|gene| gene % 2 == genes[0] % 2)) && top[0][0] % 2 != top[1][0] % 2);
//! # Ok::<(), orthant_study::StudyError>(())
//! ```

pub use cells::{Cells, Genes};
pub use found::Programs;
pub use overdispersion::{Gene, Overdispersion};

mod cells;
mod found;
mod overdispersion;
mod selection;

/// What the counts of a cell add up to in transcripts per million.
const MILLION: f64 = 1e6;
