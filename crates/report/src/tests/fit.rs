//! Reports of single fits: tiny, usual and large ones, of pictures, spectra and texts, and of nothing.

use orthant::{
    Compression, Dense, Fit, HeldOut, HistoryPoint, Method, Model, Nmf, Observed, Options, Penalty,
    StopReason, Warning,
};
use roxmltree::Node;

use super::{HOSTILE, drawn, is_well_formed, labels_are_apart, parse};
use crate::figures::history::{self, Point};
use crate::figures::shares::{self, Share};
use crate::{AboutFit, Known, Pictures, Report, Subject};

/// A fit of these factors, with so many iterations.
fn made(w: Dense<f64>, h: Dense<f64>, iterations: usize) -> Fit<f64> {
    let v = Dense::from_fn(6, 5, |i, j| 1.0 + ((i * j) % 3) as f64);
    let Fit { mut report, .. } = Nmf::new(2).seed(3).fit(&v).unwrap();
    report.iterations = iterations;
    report.history = (1..=iterations)
        .map(|iteration| HistoryPoint {
            iteration,
            objective: 1e6 / (iteration as f64).powi(2) + 3.0,
            restarted: iteration % 7 == 5,
            seconds: drawn(iteration),
        })
        .collect();
    let model = Model::from_components(h, Penalty::default()).unwrap();
    Fit { w, model, report, random_state: None }
}

/// The same of m samples, n features and k components that look drawn, of which every seventh is zero.
fn fit(m: usize, n: usize, k: usize, iterations: usize) -> Fit<f64> {
    let w = Dense::from_fn(m, k, |i, t| if t % 7 == 6 { 0.0 } else { drawn(i * k + t) });
    let h = Dense::from_fn(k, n, |t, j| if t % 7 == 6 { 0.0 } else { drawn(t * n + j).powi(4) });
    made(w, h, iterations)
}

fn hostile(count: usize) -> Vec<String> {
    (0..count).map(|e| HOSTILE[e % HOSTILE.len()].to_owned()).collect()
}

fn options() -> Options {
    Options::new(2, Method::hals())
}

/// Reports of all kinds, by name.
fn reports() -> Vec<(String, Report)> {
    let options = options();
    let about = AboutFit::new("data", &options);
    let of = |fit: &Fit<f64>, about: &AboutFit<'_>| Report::of_fit(fit, about);
    let mut all = vec![
        ("one of everything".to_owned(), of(&fit(1, 1, 1, 1), &about)),
        ("no names".to_owned(), of(&fit(20, 30, 3, 40), &about)),
    ];
    for (m, n, k, iterations) in [(1, 5, 2, 0), (40, 25, 8, 150), (300, 2000, 60, 700), (70, 90, 75, 3)] {
        let fit = fit(m, n, k, iterations);
        let (samples, features) = (hostile(m), hostile(n));
        let texts: Vec<&str> = samples.iter().map(String::as_str).collect();
        let known: Vec<Known> =
            (0..k).map(|t| Known { of_h: [n, 1, 0, 0][t % 4], of_w: [0, 0, m, 1][t % 4] }).collect();
        let commands = [format!("orthant fit {} -k {k}", HOSTILE[0])];
        let about = AboutFit {
            features: Some(&features),
            samples: Some(&samples),
            known: &known,
            commands: &commands,
            fingerprint: Some("0123456789abcdef0123456789abcdef"),
            ..AboutFit::new(HOSTILE[1], &options)
        };
        all.push((format!("names, k = {k}"), of(&fit, &about)));
        let topics = AboutFit { subject: Subject::Topics, texts: Some(&texts), ..about };
        all.push((format!("topics, k = {k}"), of(&fit, &topics)));
        let numbers: Vec<String> = (0..n).map(|j| format!("{}", 4000.0 - 2.5 * j as f64)).collect();
        all.push((format!("spectra, k = {k}"), of(&fit, &AboutFit { features: Some(&numbers), ..about })));
    }
    for (rows, columns, channels, k) in [(8, 8, 1, 16), (40, 1, 3, 5), (90, 120, 3, 60), (1, 7, 1, 1)] {
        let each = Pictures { rows, columns, channels, in_each_row: true };
        let about = AboutFit { pictures: Some(each), ..about };
        all.push((
            format!("{rows}×{columns} pictures"),
            of(&fit(9, rows * columns * channels, k, 9), &about),
        ));
        let about = AboutFit { pictures: Some(Pictures { in_each_row: false, ..each }), ..about };
        all.push((
            format!("a picture of {rows}×{columns}"),
            of(&fit(rows, columns * channels, k, 9), &about),
        ));
    }
    all
}

#[test]
fn pages_of_fits_are_well_formed_and_load_nothing() {
    for (name, report) in reports() {
        is_well_formed(&name, &report);
        assert!(Report::is_of_fit(report.html()), "{name}");
    }
    assert!(!Report::is_of_fit(
        "<!DOCTYPE html>\n<html><title>name=\"generator\" content=\"orthant fit\"</title>"
    ));
}

#[test]
fn labels_of_fits_do_not_overlap_and_are_inside() {
    reports().iter().for_each(|(name, report)| labels_are_apart(name, report));
}

#[test]
fn every_page_is_under_two_megabytes() {
    for (name, report) in reports() {
        assert!(report.html().len() < 2_000_000, "{name}: {}", report.html().len());
    }
    // a million features, and a command of thousands of files
    let (n, k) = (1_000_000, 60);
    let fit = fit(3, n, k, 500);
    let names: Vec<String> = (0..n).map(|j| format!("{j}{}", "x".repeat(60))).collect();
    let (options, commands) = (options(), [format!("orthant fit{}", " file.txt".repeat(100_000))]);
    let data = "d".repeat(100_000);
    let about = AboutFit { features: Some(&names), commands: &commands, ..AboutFit::new(&data, &options) };
    let report = Report::of_fit(&fit, &about);
    assert!(report.html().len() < 2_000_000, "{}", report.html().len());
    assert!(report.html().contains("Drawn are at most 4 of 1000000 features of each."));
    // every name as long as a page may be
    let long: Vec<String> = (0..300).map(|j| format!("{j}{}", "&".repeat(20_000))).collect();
    let of_long = self::fit(300, 300, k, 5);
    let report = Report::of_fit(&of_long, &AboutFit { features: Some(&long), samples: Some(&long), ..about });
    assert!(report.html().len() < 2_000_000, "{}", report.html().len());
    let numbers: Vec<String> = (0..n).map(|j| j.to_string()).collect();
    let report = Report::of_fit(&fit, &AboutFit { features: Some(&numbers), ..about });
    assert!(report.figures().iter().any(|figure| figure.name == "profiles"));
    assert!(report.html().len() < 2_000_000, "{}", report.html().len());
    // pictures of twelve million pixels
    let size = Pictures { rows: 400, columns: 500, channels: 3, in_each_row: true };
    let fit = fit_of_noise(600_000, k);
    let report = Report::of_fit(&fit, &AboutFit { pictures: Some(size), ..AboutFit::new("faces", &options) });
    assert!(report.figures().iter().any(|figure| figure.name == "pictures"));
    assert!(report.html().len() < 2_000_000, "{}", report.html().len());
}

/// Noise is what a PNG cannot make smaller.
fn fit_of_noise(n: usize, k: usize) -> Fit<f64> {
    made(Dense::from_fn(2, k, |_, _| 1.0), Dense::from_fn(k, n, |t, j| drawn(t * n + j)), 5)
}

fn number(node: Node<'_, '_>, name: &str) -> f64 {
    node.attribute(name).unwrap().parse().unwrap()
}

/// A point of the curve is where a line through the numbers at each axis says, in logarithms where these are.
#[test]
fn the_curve_is_where_the_axes_say() {
    let at = |iteration: usize, loss: f64| Point { iteration, loss, restarted: iteration == 2 };
    let even = [at(1, 9.0), at(2, 7.5), at(3, 4.0), at(5, 3.0)];
    let decades = [at(1, 5e7), at(2, 4e6), at(30, 1e5), at(2000, 70.0)];
    for (points, logarithmic) in [(even, false), (decades, true)] {
        let text = history::draw(&points, "loss", "iteration").unwrap();
        assert_eq!(text.contains("loss (logarithmic scale)"), logarithmic);
        let svg = parse(&text);
        let labels = |anchor: &'static str| -> Vec<(f64, f64, f64)> {
            let texts = svg.descendants().filter(move |n| {
                n.attribute("text-anchor") == Some(anchor) && n.attribute("font-size") == Some("10")
            });
            let read = |n: Node<'_, '_>| {
                let value: f64 = n.text().unwrap().replace('−', "-").parse().unwrap();
                (if logarithmic { value.log10() } else { value }, number(n, "x"), number(n, "y"))
            };
            texts.map(read).collect()
        };
        // lines of the grid are at the numbers, which are half a letter lower
        let (up, across) = (labels("end"), labels("middle"));
        let (a, b) = (up[0], *up.last().unwrap());
        let scaled = |x: f64| if logarithmic { x.log10() } else { x };
        let y = |loss: f64| a.2 - 3.5 + (scaled(loss) - a.0) / (b.0 - a.0) * (b.2 - a.2);
        // those at the ends are moved inside: the second and the one before the last are where they belong
        let (c, d) = (across[1], across[across.len() - 2]);
        let x = |iteration: usize| c.1 + (scaled(iteration as f64) - c.0) / (d.0 - c.0) * (d.1 - c.1);
        let dots: Vec<_> = svg.descendants().filter(|n| n.tag_name().name() == "circle").collect();
        let circle = |class: &str| -> Vec<(f64, f64)> {
            let of = dots.iter().filter(|n| n.attribute("class") == Some(class));
            of.map(|n| (number(*n, "cx"), number(*n, "cy"))).collect()
        };
        let found = circle("fill-a");
        assert_eq!(found.len(), 4);
        for (point, (cx, cy)) in points.iter().zip(found) {
            assert!((cy - y(point.loss)).abs() < 0.03, "{point:?}: {cy} is not {}", y(point.loss));
            assert!((cx - x(point.iteration)).abs() < 0.03, "{point:?}: {cx} is not {}", x(point.iteration));
        }
        let restart = circle("fill-b");
        // and that of the legend
        assert_eq!(restart.len(), 2);
        assert!((restart[0].1 - y(points[1].loss)).abs() < 0.03);
    }
    assert_eq!(history::draw(&[], "loss", "iteration"), None);
    let gone = Point { iteration: 1, loss: f64::MAX, restarted: true };
    assert_eq!(history::draw(&[gone], "loss", "iteration"), None);
    assert!(history::draw(&[Point { loss: 0.0, ..gone }], "loss", "iteration").is_some());
}

/// Shares, features, use and typical samples of a factorisation that is small enough to be worked out by hand.
#[test]
fn numbers_are_those_of_the_product() {
    // rows of H sum to 4, 10, 0 and 2
    let h = Dense::from_vec(vec![3.0, 0.0, 1.0, 2.0, 8.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0], 4, 3).unwrap();
    let w = vec![
        1.0, 0.0, 5.0, 0.0, 2.0, 1.2, 0.0, 0.0, 0.0, 3.0, 0.0, 0.0, 0.0, 0.0, 0.0, 4.0, 0.0, 0.0, 0.0, 0.0,
    ];
    let fit = made(Dense::from_vec(w, 5, 4).unwrap(), h, 4);
    let options = options();
    let names = |names: [&str; 3]| names.map(str::to_owned).to_vec();
    let (features, samples) = (names(["a", "b", "c"]), ["p", "q", "r", "s", "t"].map(str::to_owned));
    let about =
        AboutFit { features: Some(&features), samples: Some(&samples), ..AboutFit::new("v", &options) };
    let report = Report::of_fit(&fit, &about);
    let page = parse(report.html());
    // W·H gives p 4, q 8 + 12, r 30, s 8, t 0: components have 12, 42, 0 and 8 of 62
    let figure = |name: &str| report.figures().iter().find(|figure| figure.name == name).unwrap().svg.clone();
    let shares = figure("shares");
    let shares = parse(&shares);
    let bars: Vec<f64> =
        shares.descendants().filter(|n| n.tag_name().name() == "rect").map(|n| number(n, "width")).collect();
    for (bar, total) in bars.iter().zip([12.0, 42.0, 0.0, 8.0]) {
        assert!((bar / bars[1] - total / 42.0).abs() < 1e-4, "{bar}");
    }
    let texts: Vec<&str> = shares.descendants().filter_map(|n| n.text()).collect();
    for (t, share) in ["19.35 %", "67.74 %", "0.00 %", "12.90 %"].into_iter().enumerate() {
        assert!(texts.contains(&share), "{t}: {texts:?}");
    }
    let features = figure("features");
    for words in
        ["component 1, 67.7 % of W·H", ">b</text>", ">80.00 %<", ">20.00 %<", ">75.00 %<", ">50.00 %<"]
    {
        assert!(features.contains(words), "{words}");
    }
    // of four samples: q has 40 and 60 %, the others one component, t none. Nine tenths of the way from 0.4 to 1 is numpy's
    // quantile of 0, 0, 0.4 and 1 at 0.95 less what is below: 0.91
    let usage = figure("usage");
    let usage = parse(&usage);
    let counts: Vec<&str> = usage
        .descendants()
        .filter(|n| n.attribute("text-anchor") == Some("end") && n.attribute("x") == Some("600"))
        .filter_map(|n| n.text())
        .collect();
    assert_eq!(counts, ["gives most to", "1", "2", "0", "1"]);
    let whisker = |line: usize| {
        usage.descendants().filter(|n| n.attribute("class") == Some("frame")).nth(line).unwrap()
    };
    let (from, to) = (number(whisker(0), "x1"), number(whisker(0), "x2"));
    // the longest, of component 1: quantiles of 0, 0, 0.6 and 1, which is 0.94
    let most = number(whisker(1), "x2") - from;
    assert!(((to - from) / most - 0.91 / 0.94).abs() < 1e-4, "{}", (to - from) / most);
    // most of component 0 for what they are: p gives 4·1, q 8·0.4
    let cells: Vec<String> = page
        .descendants()
        .filter(|n| n.tag_name().name() == "td")
        .map(|n| n.text().unwrap_or("").to_owned())
        .collect();
    assert_eq!(cells, ["0", "p (100 %), q (40 %)", "1", "r (100 %), q (60 %)", "2", "", "3", "s (100 %)"]);
    assert!(report.html().contains("1 component of 4 is zero throughout: 2."));
}

#[test]
fn known_components_look_it() {
    let shares = shares::draw(
        &[Share { component: 0, share: 0.5, known: true }, Share { component: 1, share: 0.25, known: false }],
        "component",
    );
    let svg = parse(&shares);
    let of = |class: &str| {
        svg.descendants().find(|n| n.attribute("class") == Some(class)).map(|n| number(n, "width"))
    };
    assert!((of("fill-c").unwrap() / of("fill-a").unwrap() - 2.0).abs() < 1e-3);
    let fit = fit(4, 6, 3, 2);
    let known = [Known { of_h: 6, of_w: 0 }, Known { of_h: 2, of_w: 4 }, Known::default()];
    let options = options();
    let page = |known: &[Known]| {
        Report::of_fit(&fit, &AboutFit { known, ..AboutFit::new("v", &options) }).html().to_owned()
    };
    let html = page(&known);
    for words in [
        "component 0 (known), ",
        "component 1 (known), ",
        "component 2, ",
        "Known before: component 0; its row of H was given, and kept as it is.",
        "Known before: component 1; its row of H was given in part; that part was kept.",
        "Known before: component 1; its column of W was given, and kept as it is.",
    ] {
        assert!(html.contains(words), "{words}");
    }
    assert!(!page(&[]).contains("known"));
}

#[test]
fn a_page_says_why_a_fit_ended_and_what_to_know_of_it() {
    let mut fit = fit(10, 20, 2, 8);
    let options = Options { penalty: Penalty { alpha_w: 0.5, ..Penalty::default() }, ..options() };
    let said = |fit: &Fit<f64>, words: &[&str]| {
        let report = Report::of_fit(fit, &AboutFit::new("v", &options));
        let page = parse(report.html());
        let all: String = page.descendants().filter(|n| n.is_text()).filter_map(|n| n.text()).collect();
        words.iter().for_each(|words| assert!(all.contains(words), "{words}: {all}"));
        assert!(!all.contains("threads were asked for"));
    };
    fit.report.relative_error = 0.3;
    fit.report.compression = Some(Compression { rows: 5, columns: 5, iterations: 12, kept: true });
    fit.report.observed = Some(Observed { entries: 109, fewest_in_row: (0, 3), fewest_in_column: (0, 3) });
    fit.report.heldout = Some(HeldOut { entries: 41, infinite: 1, loss: 80.0, mean: 2.0, fitted_mean: 1.25 });
    fit.report.warnings =
        vec![Warning::NotConverged { max_iter: 8 }, Warning::ThreadsClamped { asked: 9, used: 2 }];
    for (reason, words) in [
        (StopReason::Converged, "The fit converged after 8 iterations and 12 on a sketch of the data."),
        (StopReason::MaxIterations, "The fit ended at its limit of 8 iterations"),
        (StopReason::TimeLimit, "The fit was ended by its time limit after 8 iterations"),
        (StopReason::Interrupted, "The fit was interrupted after 8 iterations"),
    ] {
        fit.report.stop_reason = reason;
        said(
            &fit,
            &[
                words,
                "2 components explain 91 % of the data.",
                "25 % of the entries are missing",
                "Of 40 entries held out the mean loss is 2, and 1.25 of those that were fitted.",
                "1 entry more",
                "Not converged after 8 iterations: raise the limit or the tolerance.",
                "loss with penalties",
                "0.5 on W, 0.5 on H, 0 % of it L1",
            ],
        );
    }
    // fits that are made, and end so by themselves
    let zeros = Nmf::new(2).fit(&Dense::<f64>::zeros(4, 3)).unwrap();
    said(&zeros, &["The data is all zero, and so are the components."]);
    let v = Dense::from_fn(12, 7, |i, j| ((i * j) % 4) as f64);
    let emptied =
        Nmf::new(3).penalty(Penalty { alpha_w: 1e6, l1_ratio: 1.0, ..Penalty::default() }).fit(&v).unwrap();
    said(
        &emptied,
        &["3 components explain nothing of the data.", "3 components of 3 are zero throughout: 0 to 2."],
    );
}

/// The page of f32 and of f64, of one thread and of two.
#[test]
fn the_same_page_on_any_number_of_threads() {
    let options = Options { seed: 5, ..Options::new(3, Method::auto(orthant::Loss::Frobenius)) };
    let page = |threads: usize| {
        let v = Dense::from_fn(300, 40, |i, j| {
            ((i % 3 == j % 3) as u8 as f64) * (1 + (i * 7 + j * 3) % 5) as f64
        });
        let single = Dense::from_fn(300, 40, |i, j| v[(i, j)] as f32);
        let options = Options { threads: Some(threads), ..options.clone() };
        let (double, single) = (
            Nmf::from_options(options.clone()).fit(&v).unwrap(),
            Nmf::from_options(options.clone()).fit(&single).unwrap(),
        );
        let about = AboutFit::new("v.npy", &options);
        (Report::of_fit(&double, &about), Report::of_fit(&single, &about))
    };
    let (double, single) = page(1);
    assert!(double.html().contains("(float64)") && single.html().contains("(float32)"));
    assert!((double, single) == page(2));
}
