//! A fit whose rows and columns count unlike, as one of V with its lines scaled.
//!
//! d(sv | sp) is s^β·d(v | p). So Σ r_i·c_j·d(v_ij | (WH)_ij) is the plain loss of S·V·T with the factors S·W and H·T, for
//! s_i = r_i^(1/β) and t_j = c_j^(1/β): the iterations are those of rows and columns that are there as often as they count. Of the
//! penalties, L1 is the same for all rows of S·W where β = 1, and L2 where β = 2. For β ≤ 0 rows count by
//! [entries](crate::EntryWeights).

use std::ops::ControlFlow;

use crate::clock::Instant;
use crate::line_weights::{LineScales, LineWeights, ScaledElements};
use crate::nmf::{Fit, Nmf};
use crate::observe::{Iteration, Observer};
use crate::{
    Csr, Dense, EntryWeights, Error, Explanation, Factor, Init, Matrix, Missing, Model, Options, Penalty,
    Real, Scale, StopReason, Transform, available, check, explain, known, scale, scan, threads, transform,
};

/// The fit of what is scaled.
struct Scaled<T> {
    nmf: Nmf<T>,
    scales: LineScales,
    elements: ScaledElements<T>,
    copied: usize,
}

impl<T: Real> Scaled<T> {
    fn of(nmf: &Nmf<T>, v: &Matrix<'_, T>, given: bool, lines: &LineWeights) -> Result<Self, Error> {
        threads::caught(|| Self::scale(nmf, v, given, lines))
    }

    fn scale(nmf: &Nmf<T>, v: &Matrix<'_, T>, given: bool, lines: &LineWeights) -> Result<Self, Error> {
        refuse(nmf, given, lines)?;
        let Options { missing, memory_limit, penalty, method, rank, .. } = nmf.options;
        let of_elements = LineScales::bytes(v);
        available::check(of_elements, memory_limit)?;
        // errors are to show the entry as it is; what is not observed is not looked at
        if nmf.weights.is_none() {
            threads::on(nmf.options.threads, |workers| scan::data(v, T::ONE, missing, workers))?.0?;
        }
        let (m, n) = (v.nrows(), v.ncols());
        nmf.limits(m, n)?;
        let scales = lines.scales::<T>(method.loss)?;
        let elements = scales.elements(v);
        let init = nmf.init.clone().map(|init| match init {
            Init::Custom { mut w, mut h } => {
                scales.scale_w(&mut w, false);
                scales.scale_h(&mut h, false);
                Init::Custom { w, h }
            }
            other => other,
        });
        let known = scales.known(&nmf.known, (m, n), rank);
        let of_start =
            if matches!(init, Some(Init::Custom { .. })) { (m + n) * rank * size_of::<T>() } else { 0 };
        let of_known: usize = known.iter().map(Factor::bytes).sum();
        let copied = of_elements + scales.own_bytes() + of_start + of_known;
        let options = Options {
            penalty: lines.penalty(penalty),
            scale: Some(Scale::None),
            memory_limit: memory_limit.map(|limit| limit.saturating_sub(copied)),
            ..nmf.options.clone()
        };
        let known = known.into();
        let nmf = Nmf { options, init, known, lines: LineWeights::default(), ..nmf.clone() };
        Ok(Self { nmf, scales, elements, copied })
    }

    fn matrix<'a>(&'a self, v: &'a Matrix<'_, T>) -> Result<Matrix<'a, T>, Error> {
        self.scales.matrix(v, &self.elements)
    }
}

/// The fit by those weights, of which some are not 1.
pub(super) fn fit<T: Real>(
    nmf: &Nmf<T>,
    v: &Matrix<'_, T>,
    given: Option<&Dense<T>>,
    observer: &mut (dyn Observer<T> + Send),
    lines: &LineWeights,
) -> Result<Fit<T>, Error> {
    if nmf.options.method.loss.beta() <= 0.0 {
        return super::fit(&by_entries(nmf, v, lines)?, v, given, observer);
    }
    let began = Instant::now();
    let parts = Scaled::of(nmf, v, given.is_some(), lines)?;
    let copying = began.elapsed().as_secs_f64();
    let scaled = parts.matrix(v)?;
    let given_scaled = given.map(|h| {
        let mut h = h.clone();
        parts.scales.scale_h(&mut h, false);
        h
    });
    let mut unscaled = Unscaled { observer, scales: &parts.scales };
    let fit = super::fit(&parts.nmf, &scaled, given_scaled.as_ref(), &mut unscaled)?;
    let Fit { mut w, model, mut report, random_state } = fit;
    let (loss, options) = (model.loss(), &nmf.options);
    parts.scales.scale_w(&mut w, true);
    let mut h = match given {
        Some(h) => h.clone(),
        None => {
            let mut h = model.components().clone();
            parts.scales.scale_h(&mut h, true);
            uncounted_columns(nmf, v, &w, &mut h, lines)?;
            h
        }
    };
    let held = given.is_some() || nmf.knows();
    report.scale = options.scaling(held);
    scale::apply(report.scale, &mut w, &mut h);
    if given.is_none() {
        scale::clear_subnormal(&mut h);
        nmf.known[1].hold(&known::H, &mut h);
    }
    let model = Model::new(h, options.penalty, loss).counting(lines.columns.clone());
    uncounted_rows(nmf, v, &model, &mut w, lines)?;
    scale::clear_subnormal(&mut w);
    nmf.known[0].hold(&known::W, &mut w);
    report.components = scale::components(&w, model.components());
    report.seconds_start += copying;
    report.seconds_total += copying;
    Ok(Fit { w, model, report, random_state })
}

/// What it takes and does, the copy included.
pub(crate) fn explain<T: Real>(
    nmf: &Nmf<T>,
    v: &Matrix<'_, T>,
    lines: &LineWeights,
) -> Result<Explanation, Error> {
    if nmf.options.method.loss.beta() <= 0.0 {
        return explain::explain(&by_entries(nmf, v, lines)?, v);
    }
    let parts = Scaled::of(nmf, v, false, lines)?;
    let mut explained = explain::explain(&parts.nmf, &parts.matrix(v)?)?;
    explained.working_bytes += parts.copied;
    (explained.data_bytes, explained.entries) = (v.bytes(), v.nnz());
    Ok(explained)
}

/// The start that it would have.
pub(super) fn init_factors<T: Real>(
    nmf: &Nmf<T>,
    v: &Matrix<'_, T>,
    lines: &LineWeights,
) -> Result<(Dense<T>, Dense<T>), Error> {
    if nmf.options.method.loss.beta() <= 0.0 {
        return super::init_factors(&by_entries(nmf, v, lines)?, v);
    }
    let parts = Scaled::of(nmf, v, false, lines)?;
    let (mut w, mut h) = super::init_factors(&parts.nmf, &parts.matrix(v)?)?;
    parts.scales.scale_w(&mut w, true);
    parts.scales.scale_h(&mut h, true);
    Ok((w, h))
}

/// Refuses what does not go with the weights of lines, for β > 0.
fn refuse<T: Real>(nmf: &Nmf<T>, given: bool, lines: &LineWeights) -> Result<(), Error> {
    let Options { penalty, method, missing, .. } = nmf.options;
    let unsupported =
        |what: String, supported: &'static str| Err(Error::Unsupported { what, supported: supported.into() });
    let beta = method.loss.beta();
    let sides =
        [(&lines.rows, "row", "W", penalty.alpha_w), (&lines.columns, "column", "H", penalty.alpha_h())];
    for (side, (weights, line, factor, alpha)) in sides.into_iter().enumerate() {
        let Some(weights) = weights else { continue };
        let (l1, l2) = (alpha * penalty.l1_ratio, alpha * (1.0 - penalty.l1_ratio));
        let uneven =
            [("L1", l1, 1.0), ("L2", l2, 2.0)].into_iter().find(|&(_, x, even)| x > 0.0 && beta != even);
        if let Some((penalty, ..)) = uneven.filter(|_| side == 0 || !given) {
            return unsupported(
                format!("an {penalty} penalty on {factor} with {line} weights, for {},", method.loss),
                "there L2 goes with the Frobenius loss and L1 with Kullback–Leibler; the other factor's penalty goes with any loss, \
                 and entry weights go with any penalty",
            );
        }
        let zero = weights.contains(&0.0);
        if zero && nmf.known[side].is_known() {
            return unsupported(
                format!("{line} weights of 0 with fixed entries or bounds of {factor}"),
                "weights above 0 go with them",
            );
        }
        if zero && (missing == Missing::Zeros || nmf.weights.is_some()) {
            return unsupported(
                format!("{line} weights of 0 with entry weights or with missing = zeros"),
                "weights above 0 go with them, and an entry weight of 0 says that an entry is not observed",
            );
        }
    }
    Ok(())
}

/// The same fit by weights of entries, for β ≤ 0.
fn by_entries<T: Real>(nmf: &Nmf<T>, v: &Matrix<'_, T>, lines: &LineWeights) -> Result<Nmf<T>, Error> {
    let loss = nmf.options.method.loss;
    let what = match &lines.columns {
        Some(_) => Some(format!("column weights for {loss}")),
        None if nmf.options.penalty.alpha_w > 0.0 => {
            Some(format!("row weights with a penalty on W for {loss}"))
        }
        None => None,
    };
    if let Some(what) = what {
        let supported = "they go with losses of β > 0; entry weights go with any".into();
        return Err(Error::Unsupported { what, supported });
    }
    if let Some(weights) = &nmf.weights {
        check::weights(weights, v)?;
    }
    let (m, n) = (v.nrows(), v.ncols());
    let bytes = m.saturating_mul(n).saturating_mul(size_of::<T>() + size_of::<u32>());
    available::check(bytes, nmf.options.memory_limit)?;
    let weights = EntryWeights::of_entries(|i, j| lines.of_entry(i, j), nmf.weights.as_deref(), (m, n));
    let options = Options { penalty: lines.penalty(nmf.options.penalty), ..nmf.options.clone() };
    Ok(Nmf { options, lines: LineWeights::default(), ..nmf.clone().entry_weights(weights) })
}

/// Columns of H that count nothing, by the rows of W that do.
fn uncounted_columns<T: Real>(
    nmf: &Nmf<T>,
    v: &Matrix<'_, T>,
    w: &Dense<T>,
    h: &mut Dense<T>,
    lines: &LineWeights,
) -> Result<(), Error> {
    let at = uncounted(lines.columns.as_deref());
    if at.is_empty() {
        return Ok(());
    }
    let Options { penalty, method, .. } = nmf.options;
    let penalty = Penalty { alpha_w: penalty.alpha_h(), ..penalty };
    let model = Model::new(w.transposed(), penalty, method.loss).counting(lines.rows.clone());
    let found = solved(nmf, &v.transposed(), &at, &model)?;
    for (new, &j) in at.iter().enumerate() {
        found.row(new).iter().enumerate().for_each(|(t, &x)| h[(t, j)] = x);
    }
    Ok(())
}

/// Rows of W that count nothing.
fn uncounted_rows<T: Real>(
    nmf: &Nmf<T>,
    v: &Matrix<'_, T>,
    model: &Model<T>,
    w: &mut Dense<T>,
    lines: &LineWeights,
) -> Result<(), Error> {
    let at = uncounted(lines.rows.as_deref());
    if at.is_empty() {
        return Ok(());
    }
    let (found, k) = (solved(nmf, v, &at, model)?, model.rank());
    for (row, &i) in found.as_slice().chunks_exact(k).zip(&at) {
        w.as_mut_slice()[i * k..(i + 1) * k].copy_from_slice(row);
    }
    Ok(())
}

fn uncounted(weights: Option<&[f64]>) -> Vec<usize> {
    let weights = weights.unwrap_or_default();
    (0..weights.len()).filter(|&i| weights[i] == 0.0).collect()
}

/// Those rows of V, transformed.
fn solved<T: Real>(
    nmf: &Nmf<T>,
    v: &Matrix<'_, T>,
    at: &[usize],
    model: &Model<T>,
) -> Result<Dense<T>, Error> {
    let Options { missing, threads, .. } = nmf.options;
    // not by the flag of the fit: a fit that it has ended keeps what it found
    let how = Transform { missing, threads, ..Transform::default() };
    let of = |v: &Matrix<'_, T>| transform::transform(model, v, &how).map(|(w, _)| w);
    match &v.with_rows() {
        Matrix::Dense(v) => {
            let rows = Dense::from_fn(at.len(), v.ncols(), |new, j| v.at(at[new], j));
            of(&Matrix::Dense(rows.view()))
        }
        Matrix::Csr(v) => {
            let (mut starts, mut columns, mut values) = (vec![0_usize], Vec::new(), Vec::new());
            for &i in at {
                v.row(i).for_each(|(j, x)| {
                    columns.push(j as u32);
                    values.push(x);
                });
                starts.push(columns.len());
            }
            of(&Matrix::Csr(Csr::new(at.len(), v.ncols(), starts, columns, values)?))
        }
        Matrix::Csc(_) | Matrix::OutOfCore(_) => unreachable!("rows are in memory"),
    }
}

/// Shows iterations to an observer at the scale of V.
struct Unscaled<'a, T> {
    observer: &'a mut (dyn Observer<T> + Send),
    scales: &'a LineScales,
}

impl<T: Real> Observer<T> for Unscaled<'_, T> {
    fn observe(&mut self, iteration: &Iteration<'_, T>) -> ControlFlow<StopReason> {
        self.observer.observe(&Iteration { scales: Some(self.scales), ..*iteration })
    }
}
