//! One factorisation out of many: the components that came back, and W of all data on them.

use orthant::{Cancel, Component, Dense, Error, Fit, Matrix, Model, Options, Real, Scale, StopReason};
use orthant_io::Scalar;

use crate::job::labels;
use crate::options::{Density, Recipe};
use crate::stats::centre::{Spread, centre, medians_of_directions, spread};
use crate::stats::density::{automatic_threshold, densities};
use crate::stats::matching::rematch;
use crate::stats::samples::UNLABELLED;
use crate::stats::{silhouette, stability};
use crate::table::Matched;
use crate::{StudyError, Thresholds, refit};

/// The tolerance of the fit of W, at most.
const TOL: f64 = 1e-8;
/// The limit of its iterations, at least.
const MAX_ITER: usize = 1000;

/// The consensus of the fits of a rank. Components are in the order of their totals, the largest first.
#[derive(Clone, Debug)]
pub struct Consensus<T> {
    /// W and H as of a fit, with its report: of the fit of W, with H as it is.
    pub fit: Fit<T>,
    /// The options that stand for the fits.
    pub options: Options,
    /// What is known of each component.
    pub components: Vec<PickedComponent>,
    /// How its entries are spread over its members, at sum 1.
    pub spread: Vec<Spread>,
    /// Every component of every fit.
    pub members: Vec<Member>,
    /// The mean distance to neighbours from which components were left out; none where none could be.
    pub threshold: Option<f64>,
    /// For each sample the component that gives most to it; none where none gives anything.
    pub labels: Vec<Option<usize>>,
    /// The loss over that of the best fit, less 1.
    pub gap: f64,
    /// What whoever uses it should know.
    pub remarks: Vec<String>,
}

/// A component of a consensus.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct PickedComponent {
    /// The mean silhouette of its members.
    pub silhouette: f64,
    /// The share of the fits that have a member which is near its centre and was not left out.
    pub support: f64,
    /// How many members it has.
    pub members: usize,
    /// The sum of all entries of W_t·H_t.
    pub total: f64,
    /// The same over the sum of all entries of WH.
    pub share: f64,
}

/// A component of one of the fits.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Member {
    /// The replicate.
    pub replicate: usize,
    /// The row of its H.
    pub row: usize,
    /// The component of the consensus that it belongs to; none where it was left out.
    pub component: Option<usize>,
    /// The mean distance to its neighbours.
    pub density: f64,
}

/// What a consensus is made with.
pub(crate) struct Making<'a, T: Real> {
    pub v: &'a Matrix<'a, T>,
    /// The fits' options, with the rank.
    pub options: Options,
    pub weights: Option<&'a orthant::EntryWeights<T>>,
    pub density: Density,
    pub recipe: Recipe,
    pub thresholds: Thresholds,
    pub cancel: Cancel,
}

impl<T: Scalar> Making<'_, T> {
    /// Makes it.
    pub fn of(&self, matched: &Matched<T>) -> Result<Consensus<T>, StudyError> {
        let (k, n) = (self.options.rank, self.v.ncols());
        let Matched { fits, replicates, units, clusters } = matched;
        let near = densities(units);
        let threshold = match self.density {
            Density::Off => None,
            Density::Below(threshold) => Some(threshold),
            Density::Auto => Some(automatic_threshold(&near)),
        };
        let keeps = |x: f64| threshold.is_none_or(|threshold| x < threshold);
        let kept: Vec<Vec<usize>> = near
            .iter()
            .map(|near| near.iter().enumerate().filter(|(_, x)| keeps(**x)).map(|(t, _)| t).collect())
            .collect();
        let clusters = rematch(units, &kept, &clusters.centres);
        let mut members = Vec::new();
        for c in 0..k {
            let of: Vec<Vec<f64>> = clusters
                .members(c)
                .map(|(r, t)| fits[r].h.row(t).iter().map(|x| x.to_f64()).collect())
                .collect();
            if of.is_empty() {
                let own = matched.clusters.members(c).map(|(r, t)| near[r][t]);
                let smallest = own.fold(f64::INFINITY, f64::min);
                let threshold = threshold.unwrap_or(f64::INFINITY);
                return Err(StudyError::Filtered { rank: k, component: c, threshold, smallest });
            }
            members.push(of);
        }
        let spreads: Vec<Spread> = members.iter().map(|of| spread(of, n)).collect();
        let medians = |(spread, of): (&Spread, &Vec<Vec<f64>>)| match self.recipe {
            Recipe::Shares => centre(&spread.q50, of),
            Recipe::Cnmf => centre(&medians_of_directions(of, n), of),
        };
        let mut centres: Vec<Vec<f64>> = spreads.iter().zip(&members).map(medians).collect();
        if self.penalised() {
            // a penalty has fixed the scale
            for (centre, of) in centres.iter_mut().zip(&members) {
                let sums: Vec<f64> = of.iter().map(|x| x.iter().sum()).collect();
                let sum = crate::stats::quantile::median(&sums);
                centre.iter_mut().for_each(|x| *x *= sum);
            }
        }
        let flat: Vec<T> = centres.iter().flatten().map(|&x| T::from_f64(x)).collect();
        let h = Dense::from_vec(flat, k, n).map_err(Error::from)?;
        let zeros = fits.iter().all(|fit| fit.figures.stop_reason == StopReason::ZeroData);
        let fit = self.weights_of(if zeros { None } else { Some(&h) })?;
        let order = self.order(&fit);
        let fit = self.ordered(fit, &order)?;
        let silhouettes = silhouette::silhouettes(units, &clusters);
        let support = stability::support(units, &clusters, self.thresholds.cosine);
        let components = order
            .iter()
            .zip(&fit.report.components)
            .map(|(&c, &Component { total, share })| PickedComponent {
                silhouette: silhouettes.clusters[c],
                support: support[c],
                members: members[c].len(),
                total,
                share,
            })
            .collect();
        let place = |c: usize| order.iter().position(|&of| of == c);
        let all: Vec<Member> = replicates
            .iter()
            .zip(&near)
            .zip(&clusters.labels)
            .flat_map(|((&replicate, near), labels)| {
                near.iter().zip(labels).enumerate().map(move |(row, (&density, label))| Member {
                    replicate,
                    row,
                    component: label.and_then(place),
                    density,
                })
            })
            .collect();
        let best = fits.iter().map(|fit| fit.figures.loss).fold(f64::INFINITY, f64::min);
        let gap = if best > 0.0 { fit.report.loss / best - 1.0 } else { 0.0 };
        let label = |label: u16| (label != UNLABELLED).then_some(usize::from(label));
        let labels = labels(&fit.w, fit.model.components()).into_iter().map(label).collect();
        let left_out = all.iter().filter(|member| member.component.is_none()).count();
        let mut remarks = Vec::new();
        if 2 * left_out > all.len() {
            remarks.push(format!(
                "{left_out} of {} components were left out for their density: more than half; the rank may be too large",
                all.len()
            ));
        }
        let spread = order.iter().map(|&c| spreads[c].clone()).collect();
        let options = Options { stop: Some(self.options.stopping()), tol: None, ..self.options.clone() };
        Ok(Consensus { fit, options, components, spread, members: all, threshold, labels, gap, remarks })
    }

    fn penalised(&self) -> bool {
        self.options.penalty.alpha_w > 0.0 || self.options.penalty.alpha_h() > 0.0
    }

    /// W of all data, and the report of it; without components, of data without an entry above 0, zeros.
    fn weights_of(&self, h: Option<&Dense<T>>) -> Result<Fit<T>, Error> {
        let tol = self.options.stopping().tol().min(TOL);
        let max_iter = self.options.max_iter.max(MAX_ITER);
        let options = Options { tol: Some(tol), max_iter, threads: None, ..self.options.clone() };
        match h {
            Some(h) => refit::weights(self.v, h, &options, self.weights, &self.cancel),
            None => refit::nmf(&options, self.weights, &self.cancel).fit(self.v),
        }
    }

    /// Clusters as the recipe orders their components, the first of equal ones first.
    fn order(&self, fit: &Fit<T>) -> Vec<usize> {
        let totals: Vec<f64> = match self.recipe {
            Recipe::Shares => fit.report.components.iter().map(|component| component.total).collect(),
            Recipe::Cnmf => shares(fit),
        };
        let mut order: Vec<usize> = (0..totals.len()).collect();
        order.sort_by(|&a, &b| totals[b].total_cmp(&totals[a]));
        order
    }

    /// The fit with its components in that order and at the scale that was asked for; sum 1 where none was.
    fn ordered(&self, fit: Fit<T>, order: &[usize]) -> Result<Fit<T>, Error> {
        let (w, h) = (&fit.w, fit.model.components());
        let (m, k, n) = (w.nrows(), h.nrows(), h.ncols());
        let norm = |x: &mut dyn Iterator<Item = T>| x.map(|x| x.to_f64().powi(2)).sum::<f64>().sqrt();
        let size = |&c: &usize| {
            let row = h.row(c).iter().map(|x| x.to_f64());
            let size = match self.options.scale {
                _ if self.penalised() => 1.0,
                Some(Scale::HMax) => row.fold(0.0, f64::max),
                Some(Scale::Balanced) => {
                    let (of_h, of_w) =
                        (norm(&mut h.row(c).iter().copied()), norm(&mut (0..m).map(|i| w[(i, c)])));
                    (of_h / of_w).sqrt()
                }
                _ => 1.0,
            };
            if size > 0.0 && size.is_finite() { size } else { 1.0 }
        };
        let sizes: Vec<f64> = order.iter().map(size).collect();
        let new_w = Dense::from_fn(m, k, |i, t| T::from_f64(w[(i, order[t])].to_f64() * sizes[t]));
        let new_h = Dense::from_fn(k, n, |t, j| T::from_f64(h[(order[t], j)].to_f64() / sizes[t]));
        let model = Model::from_components(new_h, fit.model.penalty())?.with_loss(fit.model.loss())?;
        let mut report = fit.report;
        report.components = order.iter().map(|&c| report.components[c]).collect();
        if !self.penalised() {
            report.scale = self.options.scale.unwrap_or(Scale::HSum);
        }
        Ok(Fit { w: new_w, model, report, random_state: None })
    }
}

/// What the samples have of each component, each sample at sum 1, with components at sum 1.
fn shares<T: Scalar>(fit: &Fit<T>) -> Vec<f64> {
    let (w, h) = (&fit.w, fit.model.components());
    let sums: Vec<f64> = (0..h.nrows()).map(|t| h.row(t).iter().map(|x| x.to_f64()).sum()).collect();
    let mut shares = vec![0.0; sums.len()];
    for i in 0..w.nrows() {
        let parts: Vec<f64> = w.row(i).iter().zip(&sums).map(|(x, sum)| x.to_f64() * sum).collect();
        let total: f64 = parts.iter().sum();
        if total > 0.0 {
            shares.iter_mut().zip(&parts).for_each(|(share, part)| *share += part / total);
        }
    }
    shares
}
