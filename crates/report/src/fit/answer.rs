//! What a reader should know first of a fit: how well it describes the data, why it ended, and what to mind.

use orthant::{StopReason, Warning};

use super::about::Known;
use super::gather::Content;
use crate::document::Page;
use crate::text::{capital, count, list, percent, significant};

/// With what it is called, one or several of it.
fn of(n: usize, one: &str) -> String {
    count(n, one, &format!("{one}s"))
}

/// How many iterations there were, with those on a sketch.
fn iterations(content: &Content<'_>) -> String {
    let (report, options) = (content.report, content.about.options);
    if options.minibatch.is_some() {
        return format!("{} over the data", count(report.iterations, "pass", "passes"));
    }
    let on = if report.plan.sample.is_some() { "sample" } else { "sketch" };
    let first = report
        .compression
        .map_or_else(String::new, |first| format!(" and {} on a {on} of the data", first.iterations));
    of(report.iterations, "iteration") + &first
}

/// How well the components describe the data, why the fit ended, and what a reader should know.
pub fn answer(page: &mut Page, content: &Content<'_>) {
    let (report, about) = (content.report, &content.about);
    let (m, n, k) = content.shape;
    let subject = about.subject;
    let (components, iterations) = (of(k, subject.component()), iterations(content));
    let explained = 1.0 - report.relative_error.powi(2);
    let explain = if k == 1 { "explains" } else { "explain" };
    let how_much = match report.stop_reason {
        StopReason::ZeroData => format!(
            "The data is all zero, and so {}.",
            if k == 1 { "is the component" } else { "are the components" }
        ),
        // 100 % would be exact
        _ if explained > 0.9995 && report.relative_error > 1e-9 => {
            format!("{components} {explain} more than 99.9 % of the data.")
        }
        _ if explained > 0.0 => format!("{components} {explain} {} of the data.", percent(explained)),
        _ => format!("{components} {explain} nothing of the data."),
    };
    let ended = match report.stop_reason {
        StopReason::ZeroData => String::new(),
        StopReason::Converged => format!(" The fit converged after {iterations}."),
        StopReason::MaxIterations => {
            format!(" The fit ended at its limit of {iterations}, before it converged.")
        }
        StopReason::TimeLimit => {
            format!(" The fit was ended by its time limit after {iterations}, before it converged.")
        }
        StopReason::Interrupted => {
            format!(" The fit was interrupted after {iterations}, before it converged.")
        }
        reason => format!(" The fit ended after {iterations}: {reason}."),
    };
    page.answer(&(how_much + &ended));
    page.paragraph(&format!(
        "{} with {} ({}); loss {}, method {}.",
        of(m, subject.sample()),
        of(n, subject.feature()),
        content.precision,
        report.loss_function,
        report.plan.method
    ));
    let mut items = vec![format!(
        "The loss is {}, and the relative error {}: 0 would be an exact fit, and 1 explains nothing.",
        significant(report.loss, 6),
        significant(report.relative_error, 4)
    )];
    if let Some(observed) = &report.observed {
        // what is held out was observed, and the fit does not count it so
        let seen = observed.entries + report.heldout.map_or(0, |held| held.entries);
        let missing = 1.0 - seen as f64 / (m as f64 * n as f64);
        if missing > 0.0 {
            items.push(format!(
                "{} of the entries are missing, and have no part in the fit.",
                percent(missing)
            ));
        }
    }
    if let Some(held) = &report.heldout {
        let infinite = match held.infinite {
            0 => String::new(),
            infinite => format!(
                " {} more, above 0 where W·H is 0, would have an infinite loss and {} left out of that.",
                count(infinite, "entry", "entries"),
                if infinite == 1 { "is" } else { "are" }
            ),
        };
        items.push(format!(
            "Of {} held out the mean loss is {}, and {} of those that were fitted. Where the first is much larger, fewer {}s predict \
             better.{infinite}",
            count(held.entries - held.infinite, "entry", "entries"),
            significant(held.mean, 4),
            significant(held.fitted_mean, 4),
            subject.component()
        ));
    }
    items.extend(known(content));
    if !content.empty.is_empty() && report.stop_reason != StopReason::ZeroData {
        let (some, is) = (
            of(content.empty.len(), subject.component()),
            if content.empty.len() == 1 { "is" } else { "are" },
        );
        items.push(format!("{some} of {k} {is} zero throughout: {}.", list(&content.empty)));
    }
    // how many cores there are changes nothing of the result
    let warnings =
        report.warnings.iter().filter(|warning| !matches!(warning, Warning::ThreadsClamped { .. }));
    items.extend(warnings.map(|warning| format!("{}.", capital(&warning.to_string()))));
    page.items(items);
}

/// What was known of which components.
fn known(content: &Content<'_>) -> Vec<String> {
    let (m, n, _) = content.shape;
    let known = content.about.known;
    let some = |is: &dyn Fn(&Known) -> bool| -> Vec<usize> {
        known.iter().enumerate().filter(|(_, known)| is(known)).map(|(t, _)| t).collect()
    };
    let one = content.about.subject.component();
    let parts = [
        (some(&|known| known.of_h == n && n > 0), "row of H was given, and kept as it is"),
        (some(&|known| known.of_h > 0 && known.of_h < n), "row of H was given in part; that part was kept"),
        (some(&|known| known.of_w == m && m > 0), "column of W was given, and kept as it is"),
        (
            some(&|known| known.of_w > 0 && known.of_w < m),
            "column of W was given in part; that part was kept",
        ),
    ];
    let parts = parts.iter().filter(|(some, _)| !some.is_empty());
    parts
        .map(|(some, words)| {
            let (each, s) = if some.len() == 1 { ("its", "") } else { ("of each the", "s") };
            format!("Known before: {one}{s} {}; {each} {words}.", list(some))
        })
        .collect()
}
