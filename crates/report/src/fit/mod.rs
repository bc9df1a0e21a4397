//! The page of a single fit: how it went, what its components are, what samples are made of, and how to repeat it.

use orthant::{Stop, StopReason, Warning};

use crate::Report;
use crate::document::{Fitting, Head, Page};
use crate::figures::history::Point;
use crate::figures::{features, history, pictures, profiles, shares, usage};
use crate::text::{capital, clipped, count, list, number, percent, significant};
use gather::{Content, DRAWN, Look};

pub mod about;
pub mod gather;

/// By which a page of a fit is known.
pub const GENERATOR: &str = "orthant fit";
/// The most characters of a command: as it may name thousands of files.
const COMMAND: usize = 4000;
/// The same of a name in a sentence or a table.
const NAME: usize = 120;

/// Writes the page.
pub fn report(content: &Content<'_>) -> Report {
    let name = clipped(content.about.data, NAME);
    let of = if content.about.subject == about::Subject::Topics { "Topics" } else { "Fit" };
    let mut page = Page::new(GENERATOR, &format!("{of} of {name}"));
    answer(&mut page, content);
    course(&mut page, content);
    components(&mut page, content);
    samples(&mut page, content);
    repeat(&mut page, content);
    page.finish()
}

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
fn answer(page: &mut Page, content: &Content<'_>) {
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
    let some = |is: &dyn Fn(&about::Known) -> bool| -> Vec<usize> {
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

/// The loss after each iteration.
fn course(page: &mut Page, content: &Content<'_>) {
    let (report, options) = (content.report, content.about.options);
    let points: Vec<Point> = report
        .history
        .iter()
        .map(|point| Point { iteration: point.iteration, loss: point.objective, restarted: point.restarted })
        .collect();
    let penalised = options.penalty.alpha_w > 0.0 || options.penalty.alpha_h() > 0.0;
    let (up, across) = match options.minibatch {
        Some(_) => ("loss of a batch", "step"),
        None if penalised => ("loss with penalties", "iteration"),
        None => ("loss", "iteration"),
    };
    let Some(svg) = history::draw(&points, up, across) else { return };
    page.heading("How the fit went");
    let words = match options.minibatch {
        Some(_) => {
            "Each step sees some of the rows, and its loss is theirs: look at the trend, not at single steps. Where it still falls at the \
             end, more passes help."
        }
        None => {
            "Lower is better; the axis need not begin at 0. A curve that is level at its end has found what there is to be found from this start; one that still falls \
             wants more iterations. Another start (--seed) can end elsewhere."
        }
    };
    let compressed = match report.compression {
        Some(_) => " Iterations on a part of the data came before these, and are not drawn.",
        None => "",
    };
    page.figure("history", Fitting::Whole, svg, &format!("{words}{compressed}"));
}

/// How large the components are, and what they look like.
fn components(page: &mut Page, content: &Content<'_>) {
    let (_, n, k) = content.shape;
    let (one, feature) = (content.about.subject.component(), content.about.subject.feature());
    page.heading(&format!("The {one}s"));
    if content.shares.len() < k {
        page.paragraph(&format!("Drawn are the {DRAWN} largest of {k} {one}s."));
    }
    page.figure(
        "shares",
        Fitting::Broken,
        shares::draw(&content.shares, one),
        &format!(
            "The share of each {one} in the sum of all entries of W·H: how much of what the fit says of the data comes from it. A {one} \
             with next to none can be left out."
        ),
    );
    match &content.look {
        Look::Features(strongest) => {
            let drawn = strongest.iter().map(|strongest| strongest.features.len()).max().unwrap_or(0);
            let most = if drawn < n { format!(" Drawn are at most {drawn} of {n} {feature}s of each.") } else { String::new() };
            let words = format!(
                "The {feature}s that weigh most in each {one}, with their shares of its row of H, all bars on one scale. Read them \
                 together: what they have in common is what the {one} is about.{most}"
            );
            page.figure("features", Fitting::Broken, features::draw(strongest), &words);
        }
        Look::Profiles(places, profiles) => page.figure(
            "profiles",
            Fitting::Broken,
            profiles::draw(places, profiles),
            &format!(
                "The weights of each {one} over the columns, whose names are numbers: below is the column, and the curve is as high as \
                 its largest weight allows, so that shapes can be compared and heights cannot."
            ),
        ),
        Look::Pictures(size, drawn) => {
            let words = match content.about.pictures.is_some_and(|pictures| pictures.in_each_row) {
                true => "Each component as a picture, as bright as its largest entry allows. Every picture of the data is made of these, added up.",
                false => "What each component adds to the picture, as bright as its largest entry allows. Added up they are W·H.",
            };
            page.figure("pictures", Fitting::Broken, pictures::draw(drawn, (size.rows, size.columns)), words);
        }
    }
}

/// What samples are made of.
fn samples(page: &mut Page, content: &Content<'_>) {
    let about = &content.about;
    let (one, sample) = (about.subject.component(), about.subject.sample());
    page.heading(&format!("The {sample}s"));
    page.figure(
        "usage",
        Fitting::Broken,
        usage::draw(&content.usage, one, sample),
        &format!(
            "How much of a {sample} each {one} makes up: the box holds the middle half of the {sample}s, its stroke is the median, and the \
             line goes from the 5th to the 95th of a hundred. On the right is how many {sample}s it gives most to."
        ),
    );
    // rows of one picture are no samples that could be looked at
    let lines = about.pictures.is_some_and(|pictures| !pictures.in_each_row);
    if lines || content.typical.iter().all(|(_, typical)| typical.is_empty()) {
        return;
    }
    page.paragraph(&format!(
        "Typical {sample}s of each {one}: those that have much of it and little else, by what it gives to them times the share of them \
         that this is. The share is in brackets."
    ));
    if about.texts.is_some() {
        page.table(&[Head::Number(one), Head::Text(sample), Head::Text("how it begins")], |out| {
            for (t, typical) in &content.typical {
                for (place, of) in typical.iter().enumerate() {
                    out.open("tr", &[]);
                    out.leaf("td", &[], &if place == 0 { t.to_string() } else { String::new() });
                    let name = format!("{} ({})", clipped(&of.name, NAME), percent(of.share));
                    out.leaf("td", &[("class", "name")], &name);
                    out.leaf("td", &[("class", "name")], of.text.as_deref().unwrap_or_default());
                    out.close("tr");
                }
            }
        });
        return;
    }
    page.table(&[Head::Number(one), Head::Text(&format!("{sample}s"))], |out| {
        for (t, typical) in &content.typical {
            let names =
                typical.iter().map(|of| format!("{} ({})", clipped(&of.name, NAME), percent(of.share)));
            out.open("tr", &[]);
            out.leaf("td", &[], &t.to_string());
            out.leaf("td", &[("class", "name")], &names.collect::<Vec<_>>().join(", "));
            out.close("tr");
        }
    });
}

/// How to make it again.
fn repeat(page: &mut Page, content: &Content<'_>) {
    page.heading("How to repeat it");
    let commands: Vec<String> =
        content.about.commands.iter().map(|command| clipped(command, COMMAND).into_owned()).collect();
    page.commands(&commands);
    page.paragraph(match content.report.stop_reason {
        StopReason::TimeLimit | StopReason::Interrupted | StopReason::Observer => {
            "The fit was ended from outside: another run can end after more iterations, or fewer."
        }
        _ => {
            "The same version, data, options and seed give the same fit and this same page, on any number of threads, on processors with \
             the same instruction set."
        }
    });
    page.facts(facts(content));
}

/// The options of the fit and its last figures.
fn facts(content: &Content<'_>) -> Vec<(&'static str, String)> {
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
