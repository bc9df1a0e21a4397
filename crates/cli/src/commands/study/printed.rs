//! The table of a study on a terminal.

use std::io::{self, Write};

use orthant_io::Scalar;
use orthant_study::{Ranks, Row};

use crate::print::figure;

/// A column: its head, and what stands in it.
type Column = (&'static str, fn(&Row) -> String);

/// A number rounded to `decimals` places, or a dash if there is none.
fn fixed(x: Option<f64>, decimals: usize) -> String {
    x.map_or("-".to_owned(), |x| format!("{x:.decimals$}"))
}

/// Five significant digits: enough to tell losses apart.
fn loss(x: f64) -> String {
    if x == 0.0 { "0".to_owned() } else { format!("{x:.4e}") }
}

const COLUMNS: [Column; 12] = [
    ("k", |row| row.k.to_string()),
    ("fits", |row| row.fits.to_string()),
    ("explained", |row| format!("{:.2} %", 100.0 * row.explained)),
    ("held out", |row| row.heldout.map_or("-".to_owned(), loss)),
    ("± se", |row| row.heldout_se.map_or("-".to_owned(), figure)),
    ("silhouette", |row| fixed(row.silhouette_mean, 3)),
    ("least", |row| fixed(row.silhouette_min, 3)),
    ("support", |row| fixed(row.support_min, 2)),
    ("instability", |row| fixed(row.instability, 4)),
    ("cophenetic", |row| fixed(row.cophenetic, 4)),
    ("dispersion", |row| fixed(row.dispersion, 4)),
    ("PAC", |row| fixed(row.pac, 3)),
];

/// Prints the table, the recommendation, and what else is to be said.
pub fn table<T: Scalar>(out: &mut dyn Write, ranks: &Ranks<T>) -> io::Result<()> {
    let found = ranks.recommendation();
    let cells = |row: &Row| COLUMNS.iter().map(|(_, cell)| cell(row)).collect::<Vec<_>>();
    let lines: Vec<(bool, Vec<String>)> =
        ranks.table().iter().map(|row| (found.rank == Some(row.k), cells(row))).collect();
    let head: Vec<String> = COLUMNS.iter().map(|(name, _)| (*name).to_owned()).collect();
    let all = || lines.iter().map(|(_, cells)| cells).chain([&head]);
    let widths: Vec<usize> =
        (0..COLUMNS.len()).map(|c| all().map(|cells| cells[c].chars().count()).max().unwrap_or(0)).collect();
    for (chosen, cells) in std::iter::once((false, head.clone())).chain(lines.clone()) {
        let fields: Vec<String> =
            cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:>width$}")).collect();
        writeln!(out, "{} {}", if chosen { '*' } else { ' ' }, fields.join("  "))?;
    }
    match found.rank {
        Some(rank) => writeln!(out, "recommended: k = {rank}: {}", found.reason)?,
        None => writeln!(out, "nothing is recommended: {}", found.reason)?,
    }
    let picks: Vec<String> =
        found.rules.iter().filter_map(|rule| Some(format!("{} {}", rule.name, rule.rank?))).collect();
    if !picks.is_empty() {
        writeln!(out, "other rules: {}", picks.join("; "))?;
    }
    found.remarks.iter().try_for_each(|remark| writeln!(out, "note: {remark}"))
}
