//! `signatures.tsv`, `activities.tsv` and `similarity.tsv`.

use orthant::Fit;
use orthant_io::{AnyTable, Scalar, Staged};
use orthant_study::Similarity;

use super::known::Known;
use crate::Failure;
use crate::results::component_names;

pub const SIGNATURES: &str = "signatures.tsv";
pub const ACTIVITIES: &str = "activities.tsv";
pub const SIMILARITY: &str = "similarity.tsv";
/// What a signature is called, with its number behind.
pub const SIGNATURE: &str = "signature";

/// Signatures that sum to 1, and the mutations that samples have of each.
pub struct Found {
    /// By signature.
    pub signatures: Vec<Vec<f64>>,
    /// By sample.
    pub activities: Vec<Vec<f64>>,
}

impl Found {
    /// From a factorisation with samples in rows, at whatever scale.
    pub fn of<T: Scalar>(fit: &Fit<T>) -> Self {
        let (w, h) = (&fit.w, fit.model.components());
        let rows: Vec<Vec<f64>> =
            (0..h.nrows()).map(|t| h.row(t).iter().map(|x| x.to_f64()).collect()).collect();
        let sums: Vec<f64> = rows.iter().map(|row| row.iter().sum()).collect();
        let scaled = |(row, sum): (&Vec<f64>, &f64)| {
            row.iter().map(|x| if *sum > 0.0 { x / sum } else { 0.0 }).collect()
        };
        let sample = |i: usize| w.row(i).iter().zip(&sums).map(|(x, sum)| x.to_f64() * sum).collect();
        Self {
            signatures: rows.iter().zip(&sums).map(scaled).collect(),
            activities: (0..w.nrows()).map(sample).collect(),
        }
    }

    /// Stages the tables.
    pub fn stage<T: Scalar>(&self, staged: &mut Staged, table: &AnyTable<T>) -> Result<(), Failure> {
        let names = component_names(SIGNATURE, self.signatures.len());
        let name = |names: Option<&[String]>, at: usize| {
            names.map_or_else(|| at.to_string(), |names| names[at].clone())
        };
        let head = |first: &str| std::iter::once(first.to_owned()).chain(names.iter().cloned()).collect();
        let of_type = |j: usize| {
            let shares = self.signatures.iter().map(|row| row[j].to_string());
            std::iter::once(name(table.col_names(), j)).chain(shares).collect()
        };
        tsv(staged, SIGNATURES, head("type"), (0..table.ncols()).map(of_type))?;
        let of_sample = |(i, row): (usize, &Vec<f64>)| {
            let counts = row.iter().map(ToString::to_string);
            std::iter::once(name(table.row_names(), i)).chain(counts).collect()
        };
        tsv(staged, ACTIVITIES, head("sample"), self.activities.iter().enumerate().map(of_sample))
    }
}

/// Stages what signatures are like.
pub fn stage_similarity(staged: &mut Staged, similarity: &Similarity, known: &Known) -> Result<(), Failure> {
    let names = component_names(SIGNATURE, similarity.cosines.len());
    let head = ["signature", "match", "cosine", "nearest", "nearest_cosine"].map(str::to_owned).to_vec();
    let line = |(t, name): (usize, &String)| {
        let cosines = &similarity.cosines[t];
        let of = |at: Option<usize>| match at {
            Some(at) => [known.names[at].clone(), cosines[at].to_string()],
            None => [String::new(), String::new()],
        };
        let (matched, nearest) = (of(similarity.matched[t]), of(Some(similarity.nearest[t])));
        std::iter::once(name.clone()).chain(matched).chain(nearest).collect()
    };
    tsv(staged, SIMILARITY, head, names.iter().enumerate().map(line))
}

fn tsv(
    staged: &mut Staged,
    name: &str,
    head: Vec<String>,
    lines: impl Iterator<Item = Vec<String>>,
) -> Result<(), Failure> {
    staged.file(name, |out| {
        let mut tsv = csv::WriterBuilder::new().delimiter(b'\t').from_writer(out);
        tsv.write_record(&head)?;
        for line in lines {
            tsv.write_record(&line)?;
        }
        tsv.flush()
    })?;
    Ok(())
}
