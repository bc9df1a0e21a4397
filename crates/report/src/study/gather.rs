//! What a report shows, as plain data, from what a study found.

use orthant::{Cancel, EntryWeights, ToMatrix};
use orthant_io::Scalar;
use orthant_study::{
    Consensus, Cosines, Density, Kind, PickedComponent, Ranks, Recommendation, Row, SampleConsensus,
    StudyError, Thresholds, Variation,
};
use rayon::prelude::*;

use crate::About;
use crate::contributions::Contributions;
use crate::figures::features::{Feature, Strongest};
use crate::figures::lineage::Generation;
use crate::figures::usage::Usage;
use crate::text::percent;

/// The most rows and columns of a heat map.
const MAP: usize = 500;
/// The most ranks whose components are traced.
const GENERATIONS: usize = 8;
/// Features of less than this share of the strongest one's weight are nothing to know a component by.
const LEAST: f64 = 1e-3;

/// Where the members of each component begin in matched order; those that were left out have no component.
pub type Groups = Vec<(usize, Option<usize>)>;

/// All that a report shows.
#[derive(Clone, Debug)]
pub struct Content {
    pub data: String,
    pub commands: Vec<String>,
    /// The shape, and the precision's name.
    pub input: (usize, usize, String),
    pub fingerprint: String,
    pub version: String,
    pub seed: u32,
    /// The method of the fits, and their loss.
    pub method: (String, String),
    pub rows: Vec<Row>,
    pub found: Recommendation,
    pub thresholds: Thresholds,
    pub variation: Variation,
    pub holdout: Option<Kind>,
    pub folds: usize,
    pub overdispersion: Option<f64>,
    pub without_fits: Vec<(usize, String)>,
    pub shown: Option<Shown>,
    /// The components of some ranks around the one that is shown; none of fewer than two.
    pub generations: Vec<Generation>,
}

/// What is shown of one rank in detail.
#[derive(Clone, Debug)]
pub struct Shown {
    pub rank: usize,
    pub fits: usize,
    pub components: Vec<PickedComponent>,
    /// The density from which components were left out; none where all were kept.
    pub threshold: Option<f64>,
    /// Why none was left out although they were to be.
    pub kept: Option<String>,
    /// Components of fits that were left out: by replicate, how many.
    pub left_out: Vec<(usize, usize)>,
    pub densities: Vec<f64>,
    /// The loss over the best fit's, less 1.
    pub gap: f64,
    pub remarks: Vec<String>,
    pub features: Vec<Strongest>,
    pub usage: Vec<Usage>,
    /// Of several fits: their components in matched order, and where the groups of these begin.
    pub cosines: Option<(Cosines, Groups)>,
    /// Of several fits: how often samples are put together.
    pub samples: Option<SampleConsensus>,
}

/// Collects it.
pub fn content<T: Scalar>(
    ranks: &Ranks<T>,
    v: &impl ToMatrix<T>,
    weights: Option<&EntryWeights<T>>,
    about: &About<'_>,
    cancel: &Cancel,
) -> Result<Content, StudyError> {
    let rows = ranks.table();
    let found = ranks.recommendation();
    let stablest = || {
        let known = rows.iter().filter_map(|row| Some((row.k, row.silhouette_mean?)));
        known.reduce(|best, row| if row.1 > best.1 { row } else { best }).map(|(k, _)| k)
    };
    let rank = found.rank.or_else(stablest);
    let row = rank.and_then(|rank| rows.iter().find(|row| row.k == rank));
    let (mut shown, mut generations) = (None, Vec::new());
    if let Some(row) = row {
        let made = |density| ranks.consensus_with(v, row.k, density, weights, cancel);
        let (consensus, kept) = match made(Density::Auto) {
            Err(e @ StudyError::Filtered { .. }) => (made(Density::Off)?, Some(e.to_string())),
            made => (made?, None),
        };
        generations = self::generations(ranks, row.k, &consensus)?;
        shown = Some(self::shown(ranks, row, consensus, kept, about)?);
    }
    let options = ranks.options();
    let input = ranks.input();
    Ok(Content {
        data: about.data.to_owned(),
        commands: about.commands.to_vec(),
        input: (input.rows, input.cols, input.dtype.to_string()),
        fingerprint: input.xxh3_128.clone(),
        version: ranks.version().to_owned(),
        seed: options.seed,
        method: (options.method.to_string(), options.method.loss.to_string()),
        rows: rows.to_vec(),
        found: found.clone(),
        thresholds: *ranks.thresholds(),
        variation: ranks.variation(),
        holdout: ranks.holdout(),
        folds: ranks.folds(),
        overdispersion: ranks.overdispersion(),
        without_fits: ranks.without_fits().to_vec(),
        shown,
        generations,
    })
}

fn shown<T: Scalar>(
    ranks: &Ranks<T>,
    row: &Row,
    consensus: Consensus<T>,
    kept: Option<String>,
    about: &About<'_>,
) -> Result<Shown, StudyError> {
    let mut members = consensus.members.clone();
    // in matched order, what was left out at the end
    members.sort_by_key(|member| (member.component.unwrap_or(usize::MAX), member.replicate, member.row));
    let several = row.fits > 1;
    let cosines = if several {
        let mut groups: Groups = Vec::new();
        for (e, member) in members.iter().enumerate() {
            if groups.last().is_none_or(|last| last.1 != member.component) {
                groups.push((e, member.component));
            }
        }
        Some((ranks.cosines(row.k, &members, MAP)?, groups))
    } else {
        None
    };
    let samples = if several { Some(ranks.sample_consensus(row.k, MAP)?) } else { None };
    let mut left_out: Vec<(usize, usize)> = Vec::new();
    for member in consensus.members.iter().filter(|member| member.component.is_none()) {
        match left_out.last_mut() {
            Some((replicate, count)) if *replicate == member.replicate => *count += 1,
            _ => left_out.push((member.replicate, 1)),
        }
    }
    Ok(Shown {
        rank: row.k,
        fits: row.fits,
        threshold: consensus.threshold,
        kept,
        left_out,
        densities: consensus.members.iter().map(|member| member.density).collect(),
        gap: consensus.gap,
        remarks: consensus.remarks.clone(),
        features: strongest(&consensus, about.features),
        usage: usage(&consensus),
        components: consensus.components,
        cosines,
        samples,
    })
}

/// The strongest features of each component: fewer where there are many components.
fn strongest<T: Scalar>(consensus: &Consensus<T>, names: Option<&[String]>) -> Vec<Strongest> {
    let most = match consensus.components.len() {
        0..=6 => 8,
        7..=16 => 6,
        17..=32 => 4,
        _ => 3,
    };
    let of = |(t, spread): (usize, &orthant_study::Spread)| {
        let mut order: Vec<usize> = (0..spread.q50.len()).collect();
        order.sort_by(|&a, &b| spread.q50[b].total_cmp(&spread.q50[a]));
        let first = order.first().map_or(0.0, |&j| spread.q50[j]);
        let features = order
            .into_iter()
            .take(most)
            .filter(|&j| spread.q50[j] > 0.0 && spread.q50[j] >= LEAST * first)
            .map(|j| Feature {
                name: names.and_then(|names| names.get(j).cloned()).unwrap_or_else(|| format!("feature {j}")),
                share: spread.q50[j],
                quartiles: Some((spread.q25[j], spread.q75[j])),
            });
        let share = percent(consensus.components[t].share);
        Strongest { heading: format!("component {t}, {share} of W·H"), features: features.collect() }
    };
    consensus.spread.iter().enumerate().map(of).collect()
}

/// The shares of components in samples, and how many samples each gives most to.
fn usage<T: Scalar>(consensus: &Consensus<T>) -> Vec<Usage> {
    let (w, h) = (&consensus.fit.w, consensus.fit.model.components());
    let all: Vec<usize> = (0..h.nrows()).collect();
    Contributions::new(w, h).usage(&all, &consensus.labels)
}

/// The components of the ranks around one, with their cosines from each rank to the next.
fn generations<T: Scalar>(
    ranks: &Ranks<T>,
    rank: usize,
    consensus: &Consensus<T>,
) -> Result<Vec<Generation>, StudyError> {
    let rows = ranks.table();
    let at = rows.iter().position(|row| row.k == rank).unwrap_or(0);
    let first = at.saturating_sub(GENERATIONS / 2).min(rows.len().saturating_sub(GENERATIONS));
    let rows = &rows[first..(first + GENERATIONS).min(rows.len())];
    if rows.len() < 2 {
        return Ok(Vec::new());
    }
    let centres: Vec<Vec<Vec<f64>>> =
        rows.par_iter().map(|row| ranks.centres(row.k)).collect::<Result<_, StudyError>>()?;
    let generation = |(g, row): (usize, &Row)| {
        let cosines = match g {
            0 => Vec::new(),
            _ => centres[g].iter().map(|x| centres[g - 1].iter().map(|y| cosine(x, y)).collect()).collect(),
        };
        let numbers = if row.k == rank { numbers(&centres[g], consensus) } else { Vec::new() };
        Generation { k: row.k, components: row.components.clone(), cosines, numbers }
    };
    Ok(rows.iter().enumerate().map(generation).collect())
}

/// The numbers of the consensus' components by the kind of component that each is most like, where that is mutual.
fn numbers<T: Scalar>(centres: &[Vec<f64>], consensus: &Consensus<T>) -> Vec<Option<usize>> {
    let table: Vec<Vec<f64>> =
        centres.iter().map(|x| consensus.spread.iter().map(|s| cosine(x, &s.q50)).collect()).collect();
    let best = |n: usize, of: &dyn Fn(usize) -> f64| (0..n).reduce(|a, b| if of(b) > of(a) { b } else { a });
    let number = |c: usize| {
        let t = best(consensus.spread.len(), &|t| table[c][t])?;
        (best(centres.len(), &|c| table[c][t]) == Some(c)).then_some(t)
    };
    (0..centres.len()).map(number).collect()
}

fn cosine(x: &[f64], y: &[f64]) -> f64 {
    let product = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
    let lengths = (product(x, x) * product(y, y)).sqrt();
    if lengths > 0.0 { product(x, y) / lengths } else { 0.0 }
}
