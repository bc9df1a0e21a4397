//! The bytes that a fit by mini-batches takes beside V.

use orthant_kernel::Buffer;

use crate::choice::of_any;
use crate::iterate::Held;
use crate::report::HistoryPoint;
use crate::shape::Shape;
use crate::source::{Reading, SparsePlan, transposing_bytes, with_rows_bytes};
use crate::{BatchOptions, Init, Method, Options, Real, drive, init, scan};

/// The peak, W and H with it.
pub(super) fn of_fit<T: Real>(options: &Options, batches: &BatchOptions, v: &Shape, workers: usize) -> usize {
    let (k, loss) = (options.rank, options.method.loss);
    let rows = v.with_rows();
    let (m, n, s) = (v.m, v.n, size_of::<T>());
    let batch = rows.batch::<T>(batches.batch_size);
    let (w, h, of_batch) = (m * k * s, n * k * s, batch.m * k * s);
    let default = if k <= m.min(n) { Init::Nndsvda } else { Init::Random };
    let start: Option<Init<T>> = options.init.map_or(Some(default), |kind| kind.init());
    let plan = |v: &Shape| match (v.entries, loss.beta()) {
        (Some(entries), 1.0 | 2.0) => SparsePlan::summed(n, entries),
        _ => SparsePlan { lanes: crate::lanes::lanes(v.m), transpose: false },
    };
    let cache = orthant_kernel::second_level_cache();
    let reading = |v| Reading { v, plan: plan(v), workers, cache };
    let held = |v, fixed| {
        let held = Held {
            reading: reading(v),
            method: Method::mu(loss),
            by_entries: matches!(loss.beta(), 1.0 | 2.0),
            k,
            block: None,
            fixed,
            product: None,
            loss_is_due: true,
        };
        held.bytes::<T>()
    };
    let kept = if start.as_ref().is_some_and(init::decomposes) { init::kept_by_products() } else { 0 };
    let starting = start.map_or(w + 2 * h, |start| init::bytes::<T>(&start, &reading(&rows), k));
    let per_pass = m.div_ceil(batch.m.max(1));
    let iterations = options.max_iter.saturating_mul(per_pass);
    let history = drive::history_len(iterations) * size_of::<HistoryPoint>();
    // H with the sums that it is a quotient of
    let learnt = 3 * h;
    // H as it was, twice, and the rows of W; H in the pass, or the sums of a pass for H
    let mean = |v: &Shape| init::mean_bytes::<T>(v, workers);
    let fresh = if batches.fresh_restarts { of_batch + held(&batch, true).max(mean(&batch)) } else { 0 };
    let stepping = w + 2 * h + of_batch + (held(&batch, false) + 2 * h).max(fresh);
    // the rows before, from a constant, and those in the pass
    let from_constant = || w + Buffer::<T>::bytes(m * k) + held(&rows, true).max(mean(&rows));
    let solving = if batches.fresh_restarts { from_constant() } else { 0 };
    // W is in the pass, and copied afterwards for its penalty
    let measuring = held(&rows, false).max(w + w.max(h));
    let handing_over = w + learnt + h;
    let working = stepping.max(solving).max(measuring).max(handing_over);
    let copy = with_rows_bytes::<T>(v);
    let transposing = if copy > 0 { transposing_bytes(m) } else { 0 };
    let fitting = starting.max(kept + history + learnt + working);
    of_any(workers)
        + rows.readers(workers)
        + copy
        + if loss.is_quadratic() { rows.near::<T>(rows.m, 1) } else { 0 }
        + transposing.max(scan::bytes::<T>(&rows, workers)).max(fitting)
}
