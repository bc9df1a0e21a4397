//! The page of a single fit: how it went, what its components are, what samples are made of, and how to repeat it.

use orthant::StopReason;

use crate::Report;
use crate::document::{Fitting, Head, Page};
use crate::figures::history::Point;
use crate::figures::{features, history, pictures, profiles, shares, usage};
use crate::text::{clipped, percent};
use gather::{Content, DRAWN, Look};

pub mod about;
mod answer;
mod facts;
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
    answer::answer(&mut page, content);
    course(&mut page, content);
    components(&mut page, content);
    samples(&mut page, content);
    repeat(&mut page, content);
    page.finish()
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
    page.facts(facts::facts(content));
}
