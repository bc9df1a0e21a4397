//! The tables of a page.

use orthant_study::{Kind, Row};

use super::gather::{Content, Shown};
use crate::document::{Head, Page};
use crate::text::{number, percent, significant};

/// A column: its head, and what stands in it.
type Column = (&'static str, fn(&Row) -> String);

/// A number with a fixed count of decimals, so that the figures of a column line up.
fn fixed(x: Option<f64>, decimals: usize) -> String {
    // what is 0 but for rounding has no sign
    x.map_or("–".to_owned(), |x| {
        format!("{:.decimals$}", if x.abs() < 1e-9 { 0.0 } else { x }).replace('-', "−")
    })
}

const RANKS: [Column; 12] = [
    ("k", |row| row.k.to_string()),
    ("fits", |row| row.fits.to_string()),
    ("explained", |row| format!("{:.2} %", 100.0 * row.explained)),
    ("held out", |row| row.heldout.map_or("–".to_owned(), |x| significant(x, 5))),
    ("± se", |row| row.heldout_se.map_or("–".to_owned(), number)),
    ("silhouette", |row| fixed(row.silhouette_mean, 3)),
    ("least", |row| fixed(row.silhouette_min, 3)),
    ("support", |row| fixed(row.support_min, 2)),
    ("instability", |row| fixed(row.instability, 4)),
    ("cophenetic", |row| fixed(row.cophenetic, 4)),
    ("dispersion", |row| fixed(row.dispersion, 4)),
    ("PAC", |row| fixed(row.pac, 3)),
];

/// A line for each rank.
pub fn ranks(page: &mut Page, content: &Content) {
    page.table(&RANKS.map(|(head, _)| Head::Number(head)), |out| {
        for row in &content.rows {
            let class = if content.found.rank == Some(row.k) { "chosen" } else { "rank" };
            out.open("tr", &[("class", class)]);
            RANKS.iter().for_each(|(_, cell)| out.leaf("td", &[], &cell(row)));
            out.close("tr");
        }
    });
}

/// What other rules would pick.
pub fn rules(page: &mut Page, content: &Content) {
    page.table(&[Head::Text("rule"), Head::Number("k")], |out| {
        for rule in &content.found.rules {
            out.open("tr", &[]);
            out.leaf("td", &[("class", "name")], rule.name);
            out.leaf("td", &[], &rule.rank.map_or("–".to_owned(), |k| k.to_string()));
            out.close("tr");
        }
    });
}

/// A line for each component of the rank that is shown.
pub fn components(page: &mut Page, shown: &Shown) {
    let heads = ["component", "share of W·H", "silhouette", "support", "members"].map(Head::Number);
    page.table(&heads, |out| {
        for (t, component) in shown.components.iter().enumerate() {
            out.open("tr", &[]);
            let cells = [
                t.to_string(),
                format!("{:.2} %", 100.0 * component.share),
                fixed(Some(component.silhouette), 3),
                percent(component.support),
                format!("{} of {}", component.members, shown.fits),
            ];
            cells.iter().for_each(|cell| out.leaf("td", &[], cell));
            out.close("tr");
        }
    });
}

/// How data was held out, in words.
pub fn holdout(content: &Content) -> String {
    match content.holdout {
        Some(Kind::Thin) => format!("a share of every count, {} times", content.folds),
        Some(Kind::Block) => "a quarter of rows and columns at a time".to_owned(),
        Some(Kind::Window) => "one of twenty entries at a time".to_owned(),
        _ => "nothing".to_owned(),
    }
}
