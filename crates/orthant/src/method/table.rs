//! The tables of `docs/methods.md`, from the registry.

use std::fmt::Write as _;

use super::{Method, Support};
use crate::rule::Sweeps;
use crate::{InitKind, Loss, Products, Stop, Update};

/// The losses that updates differ in, by their headings.
const LOSSES: [(&str, Loss); 4] = [
    ("Frobenius", Loss::Frobenius),
    ("KL", Loss::KullbackLeibler),
    ("IS", Loss::ItakuraSaito),
    ("other β", Loss::Beta(0.5)),
];

/// What goes with what, as the tables of `docs/methods.md` in Markdown.
///
/// ```
/// assert!(orthant::capability_table().contains("| `cd` "));
/// ```
pub fn capability_table() -> String {
    let yes = |yes| if yes { "yes" } else { "–" }.to_owned();
    let mut tables = [String::new(), String::new(), String::new(), String::new()];

    let heads = [
        LOSSES.map(|(name, _)| name).to_vec(),
        vec!["extrapolated", "sweeps", "descends", "keeps zeros", "fixed, bounds"],
    ]
    .concat();
    table(&mut tables[0], "update", &heads, Update::ALL, |&update| {
        let sweeps = match update.descriptor().sweeps {
            _ if update == Update::Auto => "the update's".to_owned(),
            Sweeps::Once => "1".to_owned(),
            Sweeps::Fixed(plain, extrapolated) => format!("{plain}; extrapolated {extrapolated}"),
            Sweeps::AsPays(plain, extrapolated) => format!("up to {plain}; extrapolated {extrapolated}"),
        };
        let extrapolated = update.descriptor().extrapolates.to_string();
        let mut row = LOSSES.map(|(_, loss)| yes(update.minimises(loss))).to_vec();
        row.extend([if extrapolated == "no loss" { yes(false) } else { extrapolated }, sweeps]);
        row.extend([yes(update.descends()), yes(update.keeps_zeros()), yes(update.takes_bounds())]);
        (format!("`{update}`"), row)
    });

    let methods = methods();
    let mark = |support| match support {
        Support::Yes => "yes".to_owned(),
        Support::Warned => "warns".to_owned(),
        Support::No => yes(false),
    };
    let name = |method: &Method| format!("`{method}`");
    let heads = ["L1", "L2", "shuffle", "compressed start", "gemm, BLAS with Frobenius"];
    table(&mut tables[1], "penalties, options", &heads, &methods, |method| {
        // penalties go with everything
        let row = [Support::Yes, Support::Yes, method.shuffles(), method.compresses()];
        let gemm = yes(method.loss.is_quadratic() && method.multiplies_by(Products::Gemm) == Support::Yes);
        (name(method), row.map(mark).into_iter().chain([gemm]).collect())
    });
    let heads: Vec<_> = InitKind::ALL.iter().map(|kind| kind.name()).collect();
    table(&mut tables[2], "start", &heads, &methods, |method| {
        // auto comes to another update with another loss
        let all = LOSSES.map(|(_, loss)| Method { loss, ..*method });
        let warns = |kind| all.iter().any(|of| of.check().is_ok() && of.starts_from(kind) == Support::Warned);
        let cell = |&kind: &InitKind| if warns(kind) { Support::Warned } else { method.starts_from(kind) };
        (name(method), InitKind::ALL.iter().map(|kind| mark(cell(kind))).collect())
    });
    let stops = [
        ("violation", Stop::Violation { tol: 0.0 }),
        ("error decrease", Stop::ErrorDecrease { tol: 0.0 }),
        ("progress", Stop::Progress { tol: 0.0 }),
    ];
    let heads = [stops.map(|stop| stop.0).to_vec(), vec!["by default"]].concat();
    table(&mut tables[3], "stop", &heads, &methods, |method| {
        let default = match method.stop() {
            Stop::Violation { tol } => format!("violation at {tol:e}"),
            Stop::ErrorDecrease { tol } => format!("error decrease at {tol:e}"),
            Stop::Progress { tol } => format!("progress at {tol:e}"),
        };
        (name(method), stops.iter().map(|stop| mark(method.stops_by(stop.1))).chain([default]).collect())
    });
    tables.join("\n")
}

/// Each update with the first of the losses that it minimises; and extrapolated, where it can be.
fn methods() -> Vec<Method> {
    let mut all = Vec::new();
    for &update in Update::ALL {
        let of = |goes: &dyn Fn(Loss) -> bool| LOSSES.iter().map(|of| of.1).find(|&loss| goes(loss));
        all.extend(of(&|loss| update.minimises(loss)).map(|loss| Method::new(loss, update)));
        if update != Update::Auto {
            all.extend(
                of(&|loss| update.extrapolates(loss)).map(|loss| Method::new(loss, update).extrapolated()),
            );
        }
    }
    all
}

fn table<I>(
    out: &mut String,
    title: &str,
    heads: &[&str],
    items: &[I],
    row: impl Fn(&I) -> (String, Vec<String>),
) {
    let _ = writeln!(out, "| {title} | {} |", heads.join(" | "));
    let _ = writeln!(out, "|---|{}", "---|".repeat(heads.len()));
    for item in items {
        let (name, cells) = row(item);
        let _ = writeln!(out, "| {name} | {} |", cells.join(" | "));
    }
}
