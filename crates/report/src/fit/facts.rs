//! The options of a fit and its last figures.

use orthant::Stop;

use super::gather::Content;
use crate::text::{count, number, percent, significant};

/// Each with its name.
pub fn facts(content: &Content<'_>) -> Vec<(&'static str, String)> {
    let (report, options) = (content.report, content.about.options);
    let (m, n, _) = content.shape;
    let hash = content.about.fingerprint.map_or_else(String::new, |hash| format!(", XXH3-128 {hash}"));
    let mut facts = vec![
        ("Version", format!("orthant {}", env!("CARGO_PKG_VERSION"))),
        ("Data", format!("{m}×{n}, {}{hash}", content.precision)),
        ("Components", options.rank.to_string()),
        ("Loss", report.loss_function.to_string()),
        ("Method", report.plan.method.to_string()),
    ];
    if let Some(start) = options.init {
        facts.push(("Start", start.name().to_owned()));
    }
    if let Some(batches) = &options.minibatch {
        let last = batches
            .max_no_improvement
            .map_or_else(String::new, |most| format!(", ended by {most} without improvement"));
        let words = format!("of {} rows, forget factor {}{last}", batches.batch_size, batches.forget_factor);
        facts.push(("Batches", words));
    } else {
        let rule = match options.stopping() {
            Stop::Violation { .. } => "violation",
            Stop::ErrorDecrease { .. } => "error-decrease",
            _ => "progress",
        };
        facts.push(("Stopping rule", format!("{rule}, tolerance {:e}", options.stopping().tol())));
    }
    let time = options.max_time.map_or_else(String::new, |limit| format!(", {} s", limit.as_secs_f64()));
    let unit = if options.minibatch.is_some() { ("pass", "passes") } else { ("iteration", "iterations") };
    facts.push(("Limit", count(options.max_iter, unit.0, unit.1) + &time));
    facts.push(("Scale", report.scale.to_string()));
    let penalty = &options.penalty;
    if penalty.alpha_w > 0.0 || penalty.alpha_h() > 0.0 {
        let words = format!(
            "{} on W, {} on H, {} of it L1",
            penalty.alpha_w,
            penalty.alpha_h(),
            percent(penalty.l1_ratio)
        );
        facts.push(("Penalty", words));
    }
    if let Some(holdout) = &options.holdout {
        let words = format!(
            "{} of the entries, fold {}, seed {}",
            percent(holdout.fraction),
            holdout.fold,
            holdout.seed
        );
        facts.push(("Held out", words));
    }
    facts.push(("Seed", options.seed.to_string()));
    let objective = match penalty.alpha_w > 0.0 || penalty.alpha_h() > 0.0 {
        true => format!(", with penalties {}", significant(report.objective, 9)),
        false => String::new(),
    };
    facts.push(("Loss at the end", significant(report.loss, 9) + &objective));
    facts.push(("KKT residual", format!("{} (0 at a stationary point)", number(report.kkt_residual))));
    facts.push(("Instruction set", report.plan.isa.to_owned()));
    facts
}
