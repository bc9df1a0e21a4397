//! What components are: their sizes, and the features that weigh most in each.

use std::borrow::Cow;
use std::io::{self, Write};
use std::path::Path;

use orthant::{Component, Dense, View};
use orthant_io::Scalar;
use orthant_text::top_terms;

use crate::Failure;
use crate::print::figure;

/// Features of a component that are printed where nothing else is said.
pub const TOP: usize = 8;

/// Features of less than this share of the heaviest one's weight are nothing to name a component by.
const LEAST: f64 = 1e-3;

/// Data without names, of which features are to be printed.
pub fn no_names(data: &Path) -> Failure {
    let data = data.display();
    Failure::Run(format!("{data}: its columns have no names that --top could print; leave --top out"))
}

/// The components of a fit, to be printed.
pub struct Strongest<'a, T> {
    /// What a component is called, with its number behind.
    pub component: &'a str,
    pub w: View<'a, T>,
    pub h: &'a Dense<T>,
    /// The names of the columns of the data.
    pub columns: Option<&'a [String]>,
}

/// A component: what it contributes, and the features that weigh most in it.
#[derive(serde::Serialize)]
pub struct Strong<'a> {
    total: f64,
    share: f64,
    features: Vec<Feature<'a>>,
}

#[derive(serde::Serialize)]
struct Feature<'a> {
    name: &'a str,
    share: f64,
}

impl Strong<'_> {
    /// The names of its features, the strongest first.
    pub fn names(&self) -> Vec<&str> {
        self.features.iter().map(|feature| feature.name).collect()
    }
}

impl<T: Scalar> Strongest<'_, T> {
    /// Prints a line for each component: its total, which is the sum of all entries of W_t·H_t, the share that it has of
    /// W·H, and the `top` features that weigh most in it, with their shares of its row of H.
    pub fn print(&self, out: &mut dyn Write, top: usize) -> io::Result<()> {
        for (t, Strong { total, share, features }) in self.list(top).into_iter().enumerate() {
            write!(out, "{} {t} (total {}, {:.1} %)", self.component, figure(total), 100.0 * share)?;
            for (place, Feature { name, share }) in features.into_iter().enumerate() {
                let before = if place == 0 { ": " } else { ", " };
                write!(out, "{before}{} {}", on_one_line(name), share_of(share))?;
            }
            writeln!(out)?;
        }
        Ok(())
    }

    /// The same as data.
    pub fn list(&self, top: usize) -> Vec<Strong<'_>> {
        let h = self.h;
        let sums: Vec<f64> = (0..h.nrows()).map(|t| h.row(t).iter().map(|x| x.to_f64()).sum()).collect();
        let strong = |(t, Component { total, share })| {
            let features = self.columns.map_or(vec![], |names| {
                let strongest = top_terms(h.row(t), top);
                let heaviest = strongest.first().map_or(0.0, |(_, weight)| weight.to_f64());
                let weights = strongest.into_iter().map(|(j, weight)| (j, weight.to_f64()));
                let named = weights.take_while(|(_, weight)| *weight >= LEAST * heaviest);
                named.map(|(j, weight)| Feature { name: &names[j], share: weight / sums[t] }).collect()
            });
            Strong { total, share, features }
        };
        self.sizes(&sums).into_iter().enumerate().map(strong).collect()
    }

    /// What each component contributes, from the sums of the rows of H.
    fn sizes(&self, sums: &[f64]) -> Vec<Component> {
        let of_column = |t| (0..self.w.nrows()).map(|i| self.w.at(i, t).to_f64()).sum::<f64>();
        let totals: Vec<f64> = sums.iter().enumerate().map(|(t, sum)| sum * of_column(t)).collect();
        let all: f64 = totals.iter().sum();
        let share = |total| if all > 0.0 { total / all } else { 0.0 };
        totals.into_iter().map(|total| Component { total, share: share(total) }).collect()
    }
}

/// The name of a feature on one line.
fn on_one_line(name: &str) -> Cow<'_, str> {
    if name.chars().any(char::is_control) { format!("{name:?}").into() } else { name.into() }
}

/// Three decimals, or as many as a small share needs.
fn share_of(share: f64) -> String {
    if share < 1e-3 { figure(share) } else { format!("{share:.3}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_next_to_nothing_is_left_out() {
        let w = Dense::from_vec(vec![1.0], 1, 1).unwrap();
        let h = Dense::from_vec(vec![1e-9, 2.0, 0.0021, 0.0019], 1, 4).unwrap();
        let names = ["a", "b", "c", "d"].map(str::to_owned);
        let mut out = Vec::new();
        let strongest = Strongest { component: "part", w: w.view(), h: &h, columns: Some(&names) };
        strongest.print(&mut out, 4).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "part 0 (total 2, 100.0 %): b 0.998, c 0.001\n");
    }

    #[test]
    fn totals_and_shares_are_of_the_product() {
        let w = Dense::from_vec(vec![1.0, 2.0, 0.0, 1.0, 0.0, 0.0], 2, 3).unwrap();
        let h = Dense::from_vec(vec![1.0, 0.0, 3.0, 6.0, 6.0, 0.0, 0.0, 0.0, 0.0], 3, 3).unwrap();
        let names = ["a", "b\nc", "d"].map(str::to_owned);
        let printed = |columns, top| {
            let mut out = Vec::new();
            let strongest = Strongest { component: "part", w: w.view(), h: &h, columns };
            strongest.print(&mut out, top).unwrap();
            String::from_utf8(out).unwrap()
        };
        // columns of W add up to 2, 2 and 0, rows of H to 4, 12 and 0
        assert_eq!(
            printed(Some(&names[..]), 2),
            "part 0 (total 8, 25.0 %): d 0.750, a 0.250\npart 1 (total 24, 75.0 %): a 0.500, \"b\\nc\" 0.500\n\
             part 2 (total 0, 0.0 %)\n"
        );
        assert_eq!(printed(Some(&names[..]), 1).lines().next().unwrap(), "part 0 (total 8, 25.0 %): d 0.750");
        assert_eq!([share_of(1.0 / 3.0), share_of(1.0 / 4321.0)], ["0.333", "0.000231"]);
        assert_eq!(printed(None, 2).lines().nth(1).unwrap(), "part 1 (total 24, 75.0 %)");
    }
}
