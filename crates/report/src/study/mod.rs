//! The page: an answer, its reasons, figures with a word on how to read each, and how to repeat it all.

use crate::Report;
use crate::document::{Fitting, Page};
use crate::figures::{clustergram, components, density, features, lineage, loss, ranks, samples, usage};
use crate::text::{capital, count, list, number, percent};
use gather::{Content, Shown};

pub mod gather;
mod tables;

/// Writes the page.
pub fn report(content: &Content) -> Report {
    let mut page = Page::new("orthant study", &format!("Study of {}", content.data));
    answer(&mut page, content);
    every_rank(&mut page, content);
    if let Some(shown) = &content.shown {
        one_rank(&mut page, content, shown);
    }
    left_out(&mut page, content);
    repeat(&mut page, content);
    page.finish()
}

/// The recommendation and its reasons.
fn answer(page: &mut Page, content: &Content) {
    let found = &content.found;
    let text = match found.rank {
        Some(k) => format!("Recommended: k = {k}. {}.", capital(&found.reason)),
        None => format!("Nothing is recommended. {}.", capital(&found.reason)),
    };
    page.answer(&text);
    let (m, n, dtype) = &content.input;
    let (method, loss) = &content.method;
    let ranks: Vec<usize> = content.rows.iter().map(|row| row.k).collect();
    let fits: usize = content.rows.iter().map(|row| row.fits).sum();
    if !ranks.is_empty() {
        page.paragraph(&format!(
            "{} of {m} samples with {n} features ({dtype}), with {} components; loss {loss}, method {method}. Each fit is of {}.",
            count(fits, "fit", "fits"),
            list(&ranks),
            content.variation.describe(),
        ));
    }
    let t = &content.thresholds;
    let mut reasons = Vec::new();
    if let (Some(least), Some(first)) = (found.heldout_minimum, found.heldout_one_se) {
        reasons.push(format!(
            "Data held out ({}) are predicted best by k = {least}. The smallest k within a standard error of that is {first}.",
            tables::holdout(content)
        ));
    } else {
        reasons.push("Nothing is known of data held out.".to_owned());
    }
    reasons.push(format!(
        "A k is stable where the mean silhouette is at least {}, the least {}, and the least support {}; {}.",
        number(t.silhouette_mean),
        number(t.silhouette_min),
        number(t.support),
        match &found.stable[..] {
            [] => "none is here".to_owned(),
            stable => format!("here it is {}", list(stable)),
        }
    ));
    if let Some(x) = content.overdispersion {
        reasons.push(format!("Counts vary around the fit by p + φ·p², with φ = {}.", number(x)));
    }
    // what is said of single ranks stands below
    let general = found.remarks.iter().filter(|remark| !remark.starts_with("k = "));
    reasons.extend(general.map(|remark| format!("{}.", capital(remark))));
    page.items(reasons);
}

/// The table and the figures of all ranks.
fn every_rank(page: &mut Page, content: &Content) {
    if content.rows.is_empty() {
        return;
    }
    page.heading("How many components");
    if let Some(svg) = ranks::draw(&content.rows, &content.found, &content.thresholds) {
        let (loss, look) = match content.rows.iter().any(|row| row.heldout.is_some()) {
            true => (
                "The loss on data held out falls while components are real, and rises when they fit noise: low is good. ",
                "is low above and over its dashed thresholds below",
            ),
            false => ("", "is over its dashed thresholds"),
        };
        let words = format!(
            "{loss}Silhouettes say how much nearer components of different fits are to their own kind than to the next, and the support in \
             how many fits the rarest one comes back: high is good. Look for the largest k that {look}."
        );
        page.figure("ranks", Fitting::Whole, svg, &words);
    }
    tables::ranks(page, content);
    page.heading("What other rules say");
    page.paragraph(
        "They answer other questions, and often differ. A dash stands where a rule has no answer.",
    );
    tables::rules(page, content);
    page.heading("The fits and their components");
    page.figure("loss", Fitting::Whole,
        loss::draw(&content.rows, content.found.rank),
        "More components always fit better; a bend may mark the last one that is more than noise. A wide band says that starts end \
         in different places.",
    );
    if let Some(svg) = components::draw(&content.rows, content.found.rank, &content.thresholds) {
        page.figure("components", Fitting::Whole,
            svg,
            "A stroke is a component: the higher, the better it is told from the others, and its colour says in how many fits it comes \
             back. Where some strokes fall away from the rest, these components come and go.",
        );
    }
    if content.generations.len() > 1 {
        let drawn = |k: usize| content.generations.iter().any(|generation| generation.k == k);
        let others: Vec<usize> = content.rows.iter().map(|row| row.k).filter(|&k| !drawn(k)).collect();
        let some =
            if others.is_empty() { String::new() } else { format!(" Not drawn: k = {}.", list(&others)) };
        let words = format!(
            "A block is a component, and a column a number of components. A band goes to each from the one it is most like, and from \
             others with a cosine of {} and more; the thicker, the more alike. Two bands from one block: it divides. Numbers are those of \
             the components below.{some}",
            lineage::ALIKE
        );
        let chosen = content.shown.as_ref().map(|shown| shown.rank);
        page.figure(
            "lineage",
            Fitting::Whole,
            lineage::draw(&content.generations, chosen, &content.thresholds),
            &words,
        );
    }
}

/// One rank in detail.
fn one_rank(page: &mut Page, content: &Content, shown: &Shown) {
    let k = shown.rank;
    page.heading(&format!("The components of k = {k}"));
    if content.found.rank != Some(k) {
        page.paragraph(&format!(
            "No k is recommended; {k} has the largest mean silhouette, and is shown for that."
        ));
    }
    let from = if shown.fits == 1 { "the one fit".to_owned() } else { format!("the {} fits", shown.fits) };
    page.paragraph(&format!(
        "The consensus of {from}: the median of each kind of component, with W fitted to all data. Its loss is {} above the best fit's. \
         orthant pick STUDY -k {k} writes it, STUDY being the folder of this page.",
        percent(shown.gap.max(0.0))
    ));
    page.items(shown.remarks.iter().map(|remark| format!("{}.", capital(remark))));
    tables::components(page, shown);
    page.figure("features", Fitting::Broken,
        features::draw(&shown.features),
        "The features that weigh most in each component: the median over the fits of their share of the component, all bars on one scale. \
         The line is from the first to the third quartile: a long one is a weight that the data leave open.",
    );
    page.figure("usage", Fitting::Broken,
        usage::draw(&shown.usage, "component", "sample"),
        "How much of a sample each component makes up: the box holds the middle half of the samples, its stroke is the median, and the \
         line goes from the 5th to the 95th of a hundred. On the right is how many samples it gives most to.",
    );
    if let Some((cosines, groups)) = &shown.cosines {
        let all = cosines.bounds.last().copied().unwrap_or(0);
        let binned = if cosines.bounds.len() - 1 < all {
            format!(" Of {all} components neighbours share a row, with their mean.")
        } else {
            String::new()
        };
        let words = format!(
            "Each row and column is a component of a fit, and the colour is their cosine. Squares along the diagonal that stand out \
             from an even rest: components come back, and are told from each other.{binned}"
        );
        page.figure("clustergram", Fitting::Map, clustergram::draw(cosines, groups), &words);
        page.figure("density", Fitting::Whole,
            density::draw(&shown.densities, shown.threshold),
            "Components that came back are near to their like, on the left. What stands apart on the right is found by a few fits only.",
        );
    }
    if let Some(samples) = &shown.samples {
        page.figure("samples", Fitting::Map,
            samples::draw(samples, content.input.0),
            "How often the fits give two samples the same component. Always or never is good: squares along the diagonal, and nothing \
             else. Shades between are samples that belong to several components, or to none.",
        );
    }
}

/// What did not count, and why.
fn left_out(page: &mut Page, content: &Content) {
    page.heading("Left out, failed, or cut short");
    let mut items = Vec::new();
    if let Some(shown) = &content.shown {
        items.push(match (&shown.kept, shown.threshold) {
            (Some(why), _) => format!("k = {}: no component was left out, as otherwise {why}.", shown.rank),
            (None, Some(threshold)) if !shown.left_out.is_empty() => {
                let most = 20;
                let fits: Vec<String> = shown
                    .left_out
                    .iter()
                    .take(most)
                    .map(|(replicate, components)| format!("{components} of fit {replicate}"))
                    .collect();
                let more = shown.left_out.len().saturating_sub(most);
                let more = if more > 0 { format!(" and of {}", count(more, "other", "others")) } else { String::new() };
                let all: usize = shown.left_out.iter().map(|(_, components)| components).sum();
                format!(
                    "k = {}: left out of the consensus: {all} of {} components, for a mean distance to their nearest like ones that is \
                     not below {} ({}{more}).",
                    shown.rank,
                    shown.densities.len(),
                    number(threshold),
                    fits.join(", ")
                )
            }
            _ => format!("k = {}: all components of all fits are in the consensus.", shown.rank),
        });
    }
    for row in &content.rows {
        let k = row.k;
        if row.failed > 0 {
            let jobs = count(row.failed, "job", "jobs");
            items.push(format!("k = {k}: {jobs} failed: {}.", row.why_failed()));
        }
        if k == 1 && row.silhouette_mean.is_some() {
            items.push("k = 1: the silhouette of a single component is 1 by convention.".to_owned());
        }
    }
    let cut: Vec<String> = content
        .rows
        .iter()
        .filter(|row| row.unconverged > 0)
        .map(|row| format!("{} of {} with k = {}", row.unconverged, row.fits, row.k))
        .collect();
    if !cut.is_empty() {
        items.push(format!(
            "Fits that ended at their limit of iterations: {}. They make components look less stable than they are; raise --max-iter.",
            cut.join(", ")
        ));
    }
    let without = content.without_fits.iter();
    items.extend(without.map(|(k, reason)| format!("k = {k}: no fit came to an end: {reason}.")));
    let complete = content.rows.iter().all(|row| row.failed == 0 && row.unconverged == 0);
    if complete && content.without_fits.is_empty() {
        items.push("Every fit came to its end.".to_owned());
    }
    page.items(items);
}

/// How to make it again.
fn repeat(page: &mut Page, content: &Content) {
    page.heading("How to repeat it");
    page.commands(&content.commands);
    page.paragraph("The same version, data, options and seed give the same fits and this same page, on any number of threads.");
    let (m, n, dtype) = &content.input;
    page.facts([
        ("Version", format!("orthant {}", content.version)),
        ("Data", format!("{m}×{n}, {dtype}, XXH3-128 {}", content.fingerprint)),
        ("Seed", format!("{}; that of a fit follows from it, its k and its number", content.seed)),
    ]);
}
