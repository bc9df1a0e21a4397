//! Reports of tiny, usual and large studies, and of names that mean harm.

use orthant::{Cancel, Dense};
use orthant_study::{
    ComponentRow, Cosines, FitFigures, Holdout, PickedComponent, Recommendation, Row, SampleConsensus, Study,
    Thresholds,
};
use roxmltree::Node;

use super::{HOSTILE, drawn, is_well_formed, labels_are_apart, parse};
use crate::figures::features::{Feature, Strongest};
use crate::figures::lineage::Generation;
use crate::figures::usage::Usage;
use crate::study::gather::{Content, Shown};
use crate::{About, Report, figures, study};

fn row(k: usize, fits: usize) -> Row {
    let components: Vec<ComponentRow> = (0..k)
        .map(|c| ComponentRow {
            silhouette: 1.0 - 1.3 * drawn(k * 61 + c) * k as f64 / 60.0,
            support: drawn(k * 7 + c),
        })
        .collect();
    let least = components.iter().map(|c| c.silhouette).fold(1.0, f64::min);
    Row {
        k,
        fits,
        failed: k % 3,
        unconverged: k % 2,
        loss_best: 1e7 / k as f64,
        loss_median: 1.01e7 / k as f64,
        loss_iqr: 1e4,
        explained: 1.0 - 0.5 / k as f64,
        heldout: Some(3.0 + (k as f64 - 20.0).abs() / 30.0),
        heldout_se: Some(0.05),
        silhouette_mean: (fits > 1).then_some(0.8),
        silhouette_min: (fits > 1).then_some(least),
        support_min: (fits > 1).then_some(0.4),
        instability: Some(0.01),
        cophenetic: Some(0.99),
        dispersion: Some(0.9),
        pac: Some(0.1),
        bic: None,
        iterations_median: 100.0,
        components,
        folds: vec![],
        each: (0..fits)
            .map(|replicate| FitFigures {
                replicate,
                loss: 1e7 / k as f64 * (1.0 + 0.1 * drawn(replicate)),
                explained: 1.0 - 0.5 / k as f64 - 0.01 * drawn(replicate),
                iterations: 100,
                converged: true,
            })
            .collect(),
        reasons: HOSTILE.iter().zip(1..).map(|(&name, count)| (name.to_owned(), count)).collect(),
    }
}

/// A study of these ranks, of which one is shown in detail.
fn content(ranks: impl Iterator<Item = usize>, shown: usize, fits: usize) -> Content {
    let rows: Vec<Row> = ranks.map(|k| row(k, fits)).collect();
    let name = |e: usize| HOSTILE[e % HOSTILE.len()].to_owned();
    let components = shown * fits;
    let side = components.min(500);
    let strongest = |c: usize| Strongest {
        heading: format!("component {c}, 1.67 % of W·H"),
        features: (0..if shown > 32 { 3 } else { 8 })
            .map(|f| {
                let [low, share, high] = [0.1, 0.2, 0.3].map(|x| x * drawn(c * 9 + f));
                Feature { name: name(c + f), share, quartiles: Some((low, high)) }
            })
            .collect(),
    };
    let last: Vec<usize> = rows.iter().map(|row| row.k).rev().take(8).collect();
    let generation = |(g, &k): (usize, &usize)| Generation {
        k,
        components: row(k, fits).components,
        cosines: if g == 0 {
            vec![]
        } else {
            (0..k).map(|c| (0..last[last.len() - g]).map(|d| drawn(c * 97 + d)).collect()).collect()
        },
        numbers: if k == shown { (0..k).map(Some).collect() } else { vec![] },
    };
    let generations =
        if last.len() < 2 { vec![] } else { last.iter().rev().enumerate().map(generation).collect() };
    Content {
        data: name(1),
        commands: vec![format!("orthant study {} -k 2..60", name(0))],
        input: (2700, 2000, "float64".to_owned()),
        fingerprint: "0123456789abcdef0123456789abcdef".to_owned(),
        version: "0.1.0".to_owned(),
        seed: 7,
        method: ("hals".to_owned(), "frobenius".to_owned()),
        found: Recommendation {
            rank: Some(shown),
            reason: "these are found again".to_owned(),
            heldout_minimum: rows.last().map(|row| row.k),
            heldout_one_se: Some(shown),
            stable: vec![shown],
            rules: vec![],
            remarks: vec![name(2)],
        },
        thresholds: Thresholds::default(),
        variation: orthant_study::Variation::Starts,
        holdout: None,
        folds: 5,
        overdispersion: Some(0.2),
        without_fits: vec![(61, name(3))],
        shown: Some(Shown {
            rank: shown,
            fits,
            components: vec![
                PickedComponent {
                    silhouette: 0.9,
                    support: 1.0,
                    members: fits,
                    total: 1.0,
                    share: 1.0 / shown as f64
                };
                shown
            ],
            threshold: Some(0.31),
            kept: None,
            left_out: (0..fits).map(|replicate| (replicate, 1)).collect(),
            densities: (0..components).map(|e| 0.4 * drawn(e)).collect(),
            gap: 0.001,
            remarks: vec![name(4)],
            features: (0..shown).map(strongest).collect(),
            usage: (0..shown)
                .map(|c| Usage { component: c, shares: [0.0, 0.1, 0.2, 0.4, 0.9], samples: c * 1000 })
                .collect(),
            cosines: (fits > 1).then(|| {
                let matrix = (0..side * side).map(drawn).collect();
                let bounds = (0..=side).map(|b| b * components / side).collect();
                let groups =
                    (0..shown).map(|c| (c * (fits - 1), Some(c))).chain([(shown * (fits - 1), None)]);
                (Cosines { bounds, matrix }, groups.collect())
            }),
            samples: (fits > 1).then(|| SampleConsensus {
                rows: (0..500).collect(),
                matrix: (0..250_000).map(drawn).collect(),
            }),
        }),
        generations,
        rows,
    }
}

/// A tiny, a usual and a large study, by name.
fn reports() -> Vec<(&'static str, Report)> {
    vec![
        ("one fit of one component", study::report(&content(1..=1, 1, 1))),
        ("tiny", study::report(&content(2..=2, 2, 2))),
        ("usual", study::report(&content(2..=12, 7, 30))),
        ("gaps", study::report(&content([3, 10, 12, 60].into_iter(), 10, 5))),
        ("large", study::report(&content(2..=60, 60, 100))),
    ]
}

#[test]
fn pages_and_figures_are_well_formed_and_load_nothing() {
    reports().iter().for_each(|(name, report)| is_well_formed(name, report));
    // what is written is what is read, but for what cannot be shown
    let (_, large) = reports().pop().unwrap();
    let page = parse(large.html());
    let titles: Vec<&str> =
        page.descendants().filter(|n| n.tag_name().name() == "title").filter_map(|n| n.text()).collect();
    assert!(titles.contains(&HOSTILE[0]) && titles.contains(&HOSTILE[4]), "{titles:?}");
    // why fits failed, with how many there are of each
    assert!(large.html().contains("&lt;/script&gt; (1); ") && large.html().contains("WWW (5); "));
    assert!(!large.html().contains('\u{202e}') && !large.html().contains('\u{7}'));
}

#[test]
fn labels_do_not_overlap_and_are_inside() {
    reports().iter().for_each(|(name, report)| labels_are_apart(name, report));
}

#[test]
fn a_large_page_is_under_two_megabytes() {
    let (name, report) = reports().pop().unwrap();
    assert!(report.html().len() < 2_000_000, "{name}: {}", report.html().len());
}

/// Dots are where the frame and the numbers at the axis say: by a line through two of these.
#[test]
fn points_are_where_the_axis_says() {
    let mut rows: Vec<Row> = (2..=6).map(|k| row(k, 5)).collect();
    for (row, loss) in rows.iter_mut().zip([10.0, 7.0, 5.0, 5.5, 9.0]) {
        row.heldout = Some(loss);
        row.heldout_se = Some(0.5);
    }
    let mut found = content(2..=6, 4, 5).found;
    found.heldout_one_se = Some(3);
    found.heldout_minimum = Some(5);
    let text = figures::ranks::draw(&rows, &found, &Thresholds::default()).unwrap();
    let svg = parse(&text);
    let number = |node: Node<'_, '_>, name: &str| node.attribute(name).unwrap().parse::<f64>().unwrap();
    let all = |tag: &'static str, class: &'static str| {
        svg.descendants()
            .filter(move |n| n.tag_name().name() == tag && n.attribute("class") == Some(class))
            .collect::<Vec<_>>()
    };
    // the first panel: its numbers at lines, and its frame
    let frames = all("rect", "frame");
    let lower = number(frames[0], "y") + number(frames[0], "height");
    let ticks: Vec<(f64, f64)> = all("text", "muted")
        .into_iter()
        .filter(|n| n.attribute("text-anchor") == Some("end") && number(*n, "y") < lower + 5.0)
        .map(|n| (n.text().unwrap().parse().unwrap(), number(n, "y") - 3.5))
        .collect();
    let ((a, at_a), (b, at_b)) = (ticks[0], *ticks.last().unwrap());
    let place = |x: f64| at_a + (x - a) / (b - a) * (at_b - at_a);
    // and the numbers of ranks below it
    let ranks: Vec<(f64, f64)> = svg
        .descendants()
        .filter(|n| n.attribute("text-anchor") == Some("middle") && n.attribute("font-size") == Some("10"))
        .map(|n| (n.text().unwrap().parse().unwrap(), number(n, "x")))
        .collect();
    let of_rank = |k: f64| ranks.iter().find(|(of, _)| *of == k).unwrap().1;
    let dots = all("circle", "fill-a");
    for (dot, (k, loss)) in dots.iter().zip([(2.0, 10.0), (3.0, 7.0), (4.0, 5.0), (5.0, 5.5), (6.0, 9.0)]) {
        assert!((number(*dot, "cy") - place(loss)).abs() < 0.02, "{loss}");
        assert!((number(*dot, "cx") - of_rank(k)).abs() < 0.02, "{k}");
    }
    // the band goes from a standard error above to one below
    let band = all("polygon", "area-a")[0].attribute("points").unwrap();
    let points: Vec<f64> = band.split([' ', ',']).map(|x| x.parse().unwrap()).collect();
    assert!((points[1] - place(10.5)).abs() < 0.02 && (points[points.len() - 1] - place(9.5)).abs() < 0.02);
    // ranks 3 to 5 are shaded, and of these 4
    let step = of_rank(3.0) - of_rank(2.0);
    let shade = all("rect", "candidate")[0];
    assert!((number(shade, "x") - of_rank(3.0) + step / 2.0).abs() < 0.02);
    assert!((number(shade, "width") - 3.0 * step).abs() < 0.02);
    let chosen = all("rect", "chosen")[0];
    assert!((number(chosen, "x") - of_rank(4.0) + step / 2.0).abs() < 0.02);
    // 0.8, of the mean silhouette, is where the second panel says
    let second = frames[1];
    let (top, bottom) = (number(second, "y"), number(second, "y") + number(second, "height"));
    let low = rows.iter().filter_map(|row| row.silhouette_min).fold(0.0, f64::min);
    let low = if low < 0.0 { low - 0.05 } else { 0.0 };
    let expected = bottom - (0.8 - low) / (1.0 - low) * (bottom - top);
    let within = |n: &Node<'_, '_>| (top..=bottom).contains(&number(*n, "y1"));
    let limit = all("line", "dash-a").into_iter().find(within).unwrap();
    assert!((number(limit, "y1") - expected).abs() < 0.02);
}

/// The words and the shapes of a report do not depend on threads.
#[test]
fn the_same_bits_on_any_number_of_threads() {
    let v =
        Dense::from_fn(60, 24, |i, j| if i % 3 == j % 3 { (1 + (i * 7 + j * 3) % 5) as f64 } else { 0.1 });
    let names: Vec<String> = (0..24).map(|j| HOSTILE[j % HOSTILE.len()].to_owned()).collect();
    let made = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let ranks = Study::new(2..=5).replicates(4).holdout(Holdout::Block).fit(&v).unwrap();
            let about = About {
                data: "v.csv",
                features: Some(&names),
                commands: &["orthant study v.csv".to_owned()],
            };
            Report::of(&ranks, &v, None, &about, &Cancel::new()).unwrap()
        })
    };
    let one = made(1);
    assert!(one.html().contains("Recommended: k = 3"), "{}", &one.html()[..3000]);
    assert_eq!(one.figures().len(), 9);
    assert!(one == made(2));
}

/// One fit of each rank, and nothing held out: there is nothing to recommend, and a page that says so.
#[test]
fn a_study_that_says_nothing_has_a_page() {
    let v = Dense::from_fn(20, 8, |i, j| f64::from(u8::from(i % 2 == j % 2)) + 0.1);
    let about = About { data: "v", features: None, commands: &[] };
    for (fits, words) in [(1, "Nothing is recommended"), (3, "Recommended: k = 2")] {
        let ranks = Study::new(1..=2).replicates(fits).holdout(Holdout::None).fit(&v).unwrap();
        let report = Report::of(&ranks, &v, None, &about, &Cancel::new()).unwrap();
        assert!(
            parse(report.html()).descendants().any(|n| n.text().is_some_and(|t| t.contains(words))),
            "{fits}"
        );
    }
}

#[test]
fn figures_that_are_no_more_are_removed_and_other_files_kept() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join("figures").join(name);
    study::report(&content(2..=5, 3, 4)).write_into(dir.path()).unwrap();
    assert!(path("samples.svg").exists() && dir.path().join("report.html").exists());
    std::fs::write(path("mine.svg"), "<svg/>").unwrap();
    study::report(&content(2..=5, 3, 1)).write_into(dir.path()).unwrap();
    assert!(!path("samples.svg").exists() && path("mine.svg").exists() && path("ranks.svg").exists());
}
