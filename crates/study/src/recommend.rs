//! Which rank to take, and why.
//!
//! Two questions are asked of every rank: does another component say something of data that was not fitted, and are the
//! components found again from other starts? The answer is the largest rank to which both say yes.

use serde::Serialize;

use crate::{Row, Thresholds};

/// A rank with its reason.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Recommendation {
    /// The rank; none where nothing speaks for any.
    pub rank: Option<usize>,
    /// Why, in a sentence.
    pub reason: String,
    /// The rank of the least loss on what was held out.
    pub heldout_minimum: Option<usize>,
    /// The smallest rank that is no more than a standard error above it.
    pub heldout_one_se: Option<usize>,
    /// The ranks that are stable.
    pub stable: Vec<usize>,
    /// What other rules say.
    pub rules: Vec<Rule>,
    /// What whoever takes the rank should know.
    pub remarks: Vec<String>,
}

/// What a rule from elsewhere says of the same figures.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rule {
    /// Whose it is, and what of.
    pub name: &'static str,
    /// The rank that it picks, if it picks any.
    pub rank: Option<usize>,
}

/// Recommends one of these ranks, which ascend.
pub fn recommend(rows: &[Row], thresholds: &Thresholds) -> Recommendation {
    let heldout = |row: &Row| row.heldout;
    let tested: Vec<&Row> = rows.iter().filter(|row| row.heldout.is_some()).collect();
    let least = first(tested.iter().copied(), |row| heldout(row).map(|x| -x));
    let one_se = least.and_then(|least| {
        let near = |row: &&&Row| {
            let excess = row.heldout.unwrap_or(f64::INFINITY) - least.heldout.unwrap_or(0.0);
            row.k <= least.k && excess <= row.heldout_se.unwrap_or(0.0)
        };
        tested.iter().find(near).map(|row| row.k)
    });
    let minimum = least.map(|row| row.k);
    let is_stable = |row: &&Row| stable(row, thresholds) == Some(true);
    let stable_ranks: Vec<usize> = rows.iter().filter(is_stable).map(|row| row.k).collect();
    let known = rows.iter().any(|row| stable(row, thresholds).is_some());
    let largest =
        |from: usize, to: usize| stable_ranks.iter().copied().filter(|k| (from..=to).contains(k)).max();
    let components = |k: usize| if k == 1 { "1 component".to_owned() } else { format!("{k} components") };
    let (rank, reason) = match (one_se, minimum) {
        _ if rows.is_empty() => (None, "no rank has a fit".to_owned()),
        (Some(first), Some(last)) if !known => (
            Some(first),
            format!(
                "of data held out, {} say as much as the {last} that say most; with one fit a rank nothing is known of stability",
                components(first)
            ),
        ),
        (Some(first), Some(last)) => match (largest(first, last), largest(1, first)) {
            (Some(k), _) => (
                Some(k),
                format!("{} are found again and predict data held out as well as any number", components(k)),
            ),
            (None, Some(k)) => (
                Some(k),
                format!(
                    "data held out ask for at least {first} components, but only {} can be found again",
                    components(k)
                ),
            ),
            (None, None) => {
                (Some(first), format!("no rank is stable; data held out ask for {}", components(first)))
            }
        },
        _ if !known => {
            (None, "one fit a rank and nothing held out say nothing of the number of components".to_owned())
        }
        _ => match stable_ranks.last() {
            Some(&k) => (Some(k), format!("{} are the most that are found again", components(k))),
            None => (None, "no rank is stable".to_owned()),
        },
    };
    Recommendation {
        rank,
        reason,
        heldout_minimum: minimum,
        heldout_one_se: one_se,
        stable: stable_ranks,
        rules: rules(rows, minimum, one_se),
        remarks: remarks(rows, minimum, thresholds),
    }
}

/// Whether a rank is stable; none where that is not known.
pub fn stable(row: &Row, thresholds: &Thresholds) -> Option<bool> {
    let (mean, min, support) = (row.silhouette_mean?, row.silhouette_min?, row.support_min?);
    let Thresholds { silhouette_mean, silhouette_min, support: least, .. } = *thresholds;
    Some(mean >= silhouette_mean && min >= silhouette_min && support >= least)
}

/// The first row of the largest value.
fn first<'a>(rows: impl Iterator<Item = &'a Row>, value: impl Fn(&Row) -> Option<f64>) -> Option<&'a Row> {
    let mut best: Option<(&Row, f64)> = None;
    for row in rows {
        if let Some(x) = value(row).filter(|x| best.is_none_or(|(_, most)| *x > most)) {
            best = Some((row, x));
        }
    }
    best.map(|(row, _)| row)
}

fn rules(rows: &[Row], minimum: Option<usize>, one_se: Option<usize>) -> Vec<Rule> {
    let last = |holds: &dyn Fn(&Row) -> Option<bool>| {
        rows.iter().filter(|row| holds(row) == Some(true)).map(|row| row.k).max()
    };
    let silhouettes = |mean: f64, min: f64, both: f64| {
        last(&move |row| {
            let (a, b) = (row.silhouette_mean?, row.silhouette_min?);
            Some(a >= mean && b >= min && a + b >= both)
        })
    };
    let largest = |value: fn(&Row) -> Option<f64>| first(rows.iter(), value).map(|row| row.k);
    // where the curve first falls
    let with: Vec<(usize, f64)> = rows.iter().filter_map(|row| Some((row.k, row.cophenetic?))).collect();
    let falls = with.windows(2).find(|pair| pair[1].1 < pair[0].1).map(|pair| pair[0].0);
    let brunet = falls.or_else(|| with.last().map(|(k, _)| *k));
    vec![
        Rule { name: "least loss on data held out", rank: minimum },
        Rule { name: "smallest rank within a standard error of it", rank: one_se },
        Rule { name: "where the cophenetic correlation begins to fall (Brunet et al.)", rank: brunet },
        Rule { name: "largest dispersion (Kim and Park)", rank: largest(|row| row.dispersion) },
        Rule { name: "smallest share of ambiguous pairs (PAC)", rank: largest(|row| row.pac.map(|x| -x)) },
        Rule { name: "least instability (staNMF)", rank: largest(|row| row.instability.map(|x| -x)) },
        Rule { name: "silhouettes of SigProfilerExtractor", rank: silhouettes(0.8, 0.2, 1.0) },
        Rule { name: "silhouettes of MuSiCal", rank: silhouettes(0.7, 0.2, f64::NEG_INFINITY) },
        Rule { name: "least silhouette of NMFk", rank: last(&|row| row.silhouette_min.map(|x| x >= 0.8)) },
        Rule { name: "Bayesian information criterion", rank: largest(|row| row.bic.map(|x| -x)) },
    ]
}

fn remarks(rows: &[Row], minimum: Option<usize>, thresholds: &Thresholds) -> Vec<String> {
    let mut said = Vec::new();
    let ends = |k: &usize| rows.len() > 1 && rows.last().is_some_and(|row| row.k == *k);
    if let Some(minimum) = minimum.filter(ends) {
        said.push(format!(
            "the list ends before the minimum: the loss on data held out still falls at {minimum} components; try more"
        ));
    }
    if rows
        .last()
        .is_some_and(|row| rows.len() > 1 && minimum.is_none() && stable(row, thresholds) == Some(true))
    {
        said.push("the largest rank of the list is stable: a larger one may be too; try more".to_owned());
    }
    for row in rows {
        let Row { k, fits, failed, unconverged, .. } = row;
        if *unconverged > 0 {
            said.push(format!(
                "k = {k}: {unconverged} of {fits} fits ended at their limit of iterations, which makes components look less stable"
            ));
        }
        if *failed > 0 {
            said.push(format!("k = {k}: {failed} jobs failed: {}", row.why_failed()));
        }
        if *k == 1 && row.silhouette_mean.is_some() {
            said.push("k = 1: the silhouette of a single component is 1 by convention".to_owned());
        }
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(k: usize, heldout: Option<(f64, f64)>, stable: Option<bool>) -> Row {
        let value = |yes: f64, no: f64| stable.map(|stable| if stable { yes } else { no });
        Row {
            k,
            fits: 5,
            failed: 0,
            unconverged: 0,
            loss_best: 1.0,
            loss_median: 1.0,
            loss_iqr: 0.0,
            explained: 0.5,
            heldout: heldout.map(|(loss, _)| loss),
            heldout_se: heldout.map(|(_, se)| se),
            silhouette_mean: value(0.9, 0.5),
            silhouette_min: value(0.6, -0.1),
            support_min: value(1.0, 0.3),
            instability: None,
            cophenetic: None,
            dispersion: None,
            pac: None,
            bic: None,
            iterations_median: 10.0,
            components: vec![],
            folds: vec![],
            each: vec![],
            reasons: vec![],
        }
    }

    fn answer(rows: &[Row]) -> (Option<usize>, String) {
        let found = recommend(rows, &Thresholds::default());
        (found.rank, found.reason)
    }

    #[test]
    fn the_largest_stable_rank_that_predicts_as_well_as_any() {
        let (yes, no) = (Some(true), Some(false));
        // the minimum is at 5; 3 is within a standard error, and 4 is the largest stable one from there
        let losses = [(2, 9.0, 1.0), (3, 5.4, 0.5), (4, 5.2, 0.3), (5, 5.0, 0.0), (6, 7.0, 0.4)];
        let of = |stable: [Option<bool>; 5]| -> Vec<Row> {
            losses
                .iter()
                .zip(stable)
                .map(|(&(k, loss, se), stable)| row(k, Some((loss, se)), stable))
                .collect()
        };
        assert_eq!(answer(&of([yes, yes, yes, no, yes])).0, Some(4));
        let (rank, reason) = answer(&of([yes, no, no, no, yes]));
        assert_eq!(rank, Some(2));
        assert!(reason.contains("ask for at least 3 components, but only 2 components"), "{reason}");
        let (rank, reason) = answer(&of([no, no, no, no, yes]));
        assert_eq!(rank, Some(3));
        assert!(reason.starts_with("no rank is stable"), "{reason}");
        // one fit a rank
        let (rank, reason) = answer(&of([None; 5]));
        assert_eq!(rank, Some(3));
        assert!(reason.contains("nothing is known of stability"), "{reason}");
        let found = recommend(&of([yes, yes, yes, no, yes]), &Thresholds::default());
        assert_eq!((found.heldout_minimum, found.heldout_one_se), (Some(5), Some(3)));
        assert_eq!(found.stable, [2, 3, 4, 6]);
    }

    #[test]
    fn without_data_held_out() {
        let rows = |stable: &[Option<bool>]| -> Vec<Row> {
            stable.iter().enumerate().map(|(at, &stable)| row(at + 2, None, stable)).collect()
        };
        assert_eq!(answer(&rows(&[Some(true), Some(true), Some(false)])).0, Some(3));
        assert_eq!(answer(&rows(&[Some(false), Some(false)])), (None, "no rank is stable".to_owned()));
        assert_eq!(answer(&rows(&[None])).0, None);
        assert_eq!(answer(&[]).0, None);
    }

    #[test]
    fn the_end_of_the_list_is_told() {
        let rows = [row(2, Some((3.0, 0.1)), Some(true)), row(3, Some((2.0, 0.0)), Some(true))];
        let found = recommend(&rows, &Thresholds::default());
        assert_eq!(found.rank, Some(3));
        assert!(found.remarks[0].contains("ends before the minimum"), "{:?}", found.remarks);
    }

    #[test]
    fn other_rules_by_their_definitions() {
        let mut rows: Vec<Row> = (2..6).map(|k| row(k, None, Some(true))).collect();
        let (cophenetic, pac) = ([0.98, 0.99, 0.95, 0.97], [0.3, 0.1, 0.2, 0.1]);
        let minima = [0.9, 0.85, 0.3, 0.1];
        for (at, row) in rows.iter_mut().enumerate() {
            row.cophenetic = Some(cophenetic[at]);
            row.pac = Some(pac[at]);
            row.silhouette_min = Some(minima[at]);
        }
        let found = rules(&rows, None, None);
        let of = |words: &str| found.iter().find(|rule| rule.name.contains(words)).unwrap().rank;
        assert_eq!(
            [of("Brunet"), of("PAC"), of("NMFk"), of("SigProfiler")],
            [Some(3), Some(3), Some(3), Some(4)]
        );
        assert_eq!([of("Bayesian").is_none(), of("held out").is_none()], [true, true]);
    }
}
