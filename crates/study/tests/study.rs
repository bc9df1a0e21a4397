//! Whole studies: planted data, the bits of jobs, folders, and what is refused.

#[path = "study/programs.rs"]
mod programs;
#[path = "study/vary.rs"]
mod vary;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use orthant::{
    Cancel, Csr, Dense, EntryWeights, Error, InitKind, Loss, Method, Missing, Options, Penalty, Scale,
    ToMatrix,
};
use orthant_study::{Density, Holdout, Key, Kind, Ranks, Shard, Study, StudyError, Thresholds};

/// A number from 0 to 1 that goes with a place and a seed.
fn drawn(seed: u64, i: usize, j: usize) -> f64 {
    let mut x = seed ^ ((i as u64) << 32 | j as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    for _ in 0..3 {
        x = (x ^ x >> 31).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    }
    (x >> 11) as f64 / (1_u64 << 53) as f64
}

/// W·H with k components of columns of their own that overlap a little, times `size`.
fn planted(m: usize, n: usize, k: usize, size: f64, seed: u64) -> Dense<f64> {
    let w = Dense::from_fn(m, k, |i, t| drawn(seed, i, t).powi(3) * size);
    let own = |t: usize, j: usize| f64::from(j * k / n == t);
    let h =
        Dense::from_fn(k, n, |t, j| own(t, j) * (0.3 + drawn(seed + 1, t, j)) + 0.1 * drawn(seed + 2, t, j));
    Dense::from_fn(m, n, |i, j| (0..k).map(|t| w[(i, t)] * h[(t, j)]).sum())
}

/// Poisson counts with these means, by inversion.
fn counts(mean: &Dense<f64>, seed: u64) -> Dense<f64> {
    Dense::from_fn(mean.nrows(), mean.ncols(), |i, j| {
        let (u, mean) = (drawn(seed, i, j), mean[(i, j)]);
        let (mut count, mut p) = (0, (-mean).exp());
        let mut sum = p;
        while u > sum && count < 1000 {
            count += 1;
            p *= mean / f64::from(count);
            sum += p;
        }
        f64::from(count)
    })
}

/// The content of the files of a study's jobs, by their names.
fn jobs(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(dir.join("jobs")).unwrap();
    let file =
        |entry: fs::DirEntry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap());
    entries.map(|entry| file(entry.unwrap())).filter(|(name, _)| !name.starts_with('.')).collect()
}

#[test]
fn the_planted_rank_is_recommended_for_counts() {
    for seed in 0..4 {
        let v = counts(&planted(80, 40, 4, 20.0, seed), seed + 50);
        let options = Options::new(1, Method::auto(Loss::KullbackLeibler));
        let ranks = Study::new(2..=6).replicates(8).options(options).fit(&v).unwrap();
        assert_eq!(ranks.holdout(), Some(Kind::Thin));
        let found = ranks.recommendation();
        assert_eq!(found.rank, Some(4), "seed {seed}: {} {}", found.reason, ranks.csv());
        assert!(ranks.overdispersion().unwrap() < 0.05);
    }
}

#[test]
fn the_planted_rank_is_recommended_for_measurements() {
    for seed in 0..4 {
        let clean = planted(60, 36, 3, 3.0, seed);
        let v = Dense::from_fn(60, 36, |i, j| clean[(i, j)] + 0.2 * drawn(seed + 9, i, j));
        let ranks = Study::new(2..=6).replicates(8).seed(seed as u32).fit(&v).unwrap();
        assert_eq!(ranks.holdout(), Some(Kind::Block));
        let found = ranks.recommendation();
        // what is added is positive: a component of its own, or none
        assert!(
            found.rank == Some(3) || found.rank == Some(4),
            "seed {seed}: {} {}",
            found.reason,
            ranks.csv()
        );
    }
}

#[test]
fn overdispersed_counts_are_told() {
    let mean = planted(60, 30, 2, 30.0, 3);
    let scattered = Dense::from_fn(60, 30, |i, j| mean[(i, j)] * (0.1 + 2.0 * drawn(77, i, j)));
    let ranks = Study::new(1..=4).replicates(3).fit(&counts(&scattered, 8)).unwrap();
    assert!(ranks.overdispersion().unwrap() > 0.1, "{:?}", ranks.overdispersion());
    assert!(ranks.recommendation().remarks.iter().any(|remark| remark.contains("overdispersed")));
}

/// The bits of a job do not depend on threads, on the order of jobs, on shards, or on when it was done.
#[test]
fn jobs_have_the_same_bits_however_they_are_done() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let dense = counts(&planted(30, 20, 3, 5.0, 1), 2);
    let sparse = Csr::of_dense(&dense);
    let base = |threads: usize| {
        let mut options = Options::new(1, Method::auto(Loss::Frobenius));
        options.threads = Some(threads);
        Study::<f64>::new([2, 3, 5]).replicates(4).folds(3).options(options).seed(7)
    };
    for v in [&dense as &dyn ToMatrix<f64>, &sparse] {
        let v = v.to_matrix().unwrap();
        let kind = if v.nnz().is_some() { "sparse" } else { "dense" };
        let whole = at(&format!("{kind}-whole"));
        let table = base(1).fit_into(&v, &whole).unwrap().csv();
        let expected = jobs(&whole);
        assert_eq!(expected.len(), 3 * (4 + 3));
        // other threads, in memory
        assert_eq!(base(2).fit(&v).unwrap().csv(), table);
        // shards, and the rest by a run without
        let shards = at(&format!("{kind}-shards"));
        for index in [3, 1] {
            base(2).shard(Shard { index, of: 3 }).fit_into(&v, &shards).unwrap();
        }
        assert!(jobs(&shards).len() < expected.len());
        assert_eq!(base(2).fit_into(&v, &shards).unwrap().csv(), table);
        assert_eq!(jobs(&shards), expected);
        // one rank and one replicate at a time, the last first
        let parts = at(&format!("{kind}-parts"));
        for rank in [5, 2] {
            for replicates in [1, 3] {
                let part = base(2).ranks([rank]).replicates(replicates).holdout(Holdout::None);
                part.fit_into(&v, &parts).unwrap();
            }
        }
        let before = jobs(&parts);
        assert_eq!(base(1).fit_into(&v, &parts).unwrap().csv(), table);
        let after = jobs(&parts);
        assert_eq!(after, expected);
        assert!(before.iter().all(|(name, bytes)| after[name] == *bytes));
        // records that went missing are made again
        for name in expected.keys().step_by(5) {
            fs::remove_file(parts.join("jobs").join(name)).unwrap();
        }
        base(2).fit_into(&v, &parts).unwrap();
        assert_eq!(jobs(&parts), expected);
    }
}

#[test]
fn a_plan_says_how_many_jobs_there_are() {
    let v = counts(&planted(40, 30, 3, 5.0, 4), 3);
    let study = |limit: Option<usize>| {
        let options = Options {
            memory_limit: limit,
            threads: Some(2),
            ..Options::new(1, Method::auto(Loss::Frobenius))
        };
        Study::<f64>::new(2..=4).replicates(3).options(options)
    };
    let plan = study(None).plan(&v).unwrap();
    assert_eq!((plan.fits, plan.held_out, plan.holdout), (9, 15, Holdout::Thin));
    assert_eq!(plan.side_by_side, Some(plan.threads));
    // as little as one fit needs, and a byte less
    let Err(StudyError::Fit(Error::MemoryLimit { need, .. })) = study(Some(1000)).plan(&v) else { panic!() };
    assert_eq!(study(Some(need)).plan(&v).unwrap().side_by_side, Some(1));
    assert!(study(Some(need - 1)).plan(&v).is_err());
}

#[test]
fn a_consensus_is_a_fit_with_w_at_its_best() {
    let v = planted(50, 30, 3, 4.0, 11);
    let ranks = Study::new([3]).replicates(6).fit(&v).unwrap();
    let found = ranks.consensus(&v, 3, Density::Auto).unwrap();
    let (w, h) = (&found.fit.w, found.fit.model.components());
    // rows of H sum to 1, and the largest component comes first
    for t in 0..3 {
        assert!((h.row(t).iter().sum::<f64>() - 1.0).abs() < 1e-12);
        let total: f64 = (0..50).map(|i| w[(i, t)]).sum();
        assert!((found.components[t].total - total).abs() < 1e-9 * total);
        assert!(found.components[t].support == 1.0 && found.components[t].silhouette > 0.95);
    }
    assert!(found.components.windows(2).all(|pair| pair[0].total >= pair[1].total));
    assert!((found.components.iter().map(|c| c.share).sum::<f64>() - 1.0).abs() < 1e-12);
    // the weights are those of the exact transform
    let exact = found.fit.model.transform(&v).unwrap();
    let apart = |a: &Dense<f64>, b: &Dense<f64>| {
        let pairs = a.as_slice().iter().zip(b.as_slice());
        let norm: f64 = b.as_slice().iter().map(|x| x * x).sum();
        (pairs.map(|(x, y)| (x - y).powi(2)).sum::<f64>() / norm).sqrt()
    };
    assert!(apart(w, &exact) < 1e-3, "{}", apart(w, &exact));
    assert!(found.gap > -1e-3 && found.fit.report.relative_error < 0.02, "{}", found.gap);
    // medians of members and their quartiles, entry by entry
    assert_eq!((found.spread.len(), found.members.len(), found.labels.len()), (3, 18, 50));
    for (t, spread) in found.spread.iter().enumerate() {
        for j in 0..30 {
            assert!(spread.q25[j] <= spread.q50[j] && spread.q50[j] <= spread.q75[j]);
            assert!((spread.q50[j] - h[(t, j)]).abs() < 0.02);
        }
    }
    let label = |i: usize| (0..3).max_by(|&a, &b| w[(i, a)].total_cmp(&w[(i, b)])).unwrap();
    assert!(found.labels.iter().enumerate().all(|(i, of)| *of == Some(label(i))));
    let samples = ranks.sample_consensus(3, 20).unwrap();
    assert_eq!((samples.rows.len(), samples.matrix.len()), (20, 400));
    assert!(samples.matrix.iter().all(|c| (0.0..=1.0).contains(c)));
    // other scales are the same product
    let options = Options { scale: Some(Scale::HMax), ..Options::new(1, Method::auto(Loss::Frobenius)) };
    let other = Study::new([3]).replicates(6).options(options).fit(&v).unwrap();
    let other = other.consensus(&v, 3, Density::Auto).unwrap();
    let product = |fit: &orthant::Fit<f64>| fit.model.inverse_transform(&fit.w).unwrap();
    assert!(apart(&product(&other.fit), &product(&found.fit)) < 1e-6);
    let most = other.fit.model.components().row(1).iter().copied().fold(0.0, f64::max);
    assert!((most - 1.0).abs() < 1e-12);
}

#[test]
fn every_method_has_a_consensus() {
    let v = counts(&planted(24, 18, 2, 9.0, 5), 6);
    let weights = EntryWeights::new(&Dense::from_fn(24, 18, |i, j| 1.0 + ((i + j) % 3) as f64)).unwrap();
    let kl = Loss::KullbackLeibler;
    let methods = [
        Method::cd(),
        Method::mu(Loss::Frobenius),
        Method::mu(kl),
        Method::hals(),
        Method::hals().extrapolated(),
        Method::als(),
        Method::newton(),
        Method::auto(kl),
        Method::auto(Loss::Frobenius),
    ];
    for method in methods {
        let options = Options::new(1, method);
        let ranks = Study::new([2]).replicates(3).options(options).holdout(Holdout::None).fit(&v).unwrap();
        let found = ranks.consensus(&v, 2, Density::Off).unwrap();
        assert!(found.gap < 0.02, "{method}: {}", found.gap);
    }
    let mut options = Options::new(1, Method::auto(Loss::Frobenius));
    options.penalty = Penalty { alpha_w: 1e-3, alpha_h: Some(1e-3), l1_ratio: 0.5 };
    let ranks = Study::new([2]).replicates(3).options(options.clone()).fit(&v).unwrap();
    assert!(ranks.consensus(&v, 2, Density::Off).unwrap().gap < 0.02);
    let study = Study::new([2]).replicates(3).entry_weights(weights.clone());
    let ranks = study.fit(&v).unwrap();
    assert_eq!(ranks.holdout(), Some(Kind::Window));
    let found = ranks.consensus_with(&v, 2, Density::Off, Some(&weights), &Cancel::new()).unwrap();
    let others = EntryWeights::new(&Dense::from_fn(24, 18, |i, j| 1.0 + ((i * j) % 3) as f64)).unwrap();
    for (weights, words) in [(Some(&others), "other weights than these"), (None, "weighted in one of them")] {
        let error = ranks.consensus_with(&v, 2, Density::Off, weights, &Cancel::new()).unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
    }
    assert!(found.gap < 0.02);
    assert!(matches!(ranks.consensus(&v, 2, Density::Off), Err(StudyError::Different { .. })));
}

#[test]
fn missing_entries_are_not_held_out_and_windows_of_the_others_are() {
    let full = planted(30, 20, 2, 3.0, 8);
    let v = Dense::from_fn(30, 20, |i, j| if (i * 7 + j) % 11 == 0 { f64::NAN } else { full[(i, j)] });
    let options = Options { missing: Missing::Nan, ..Options::new(1, Method::auto(Loss::Frobenius)) };
    let study = Study::new(1..=3).replicates(4).options(options.clone());
    let ranks = study.fit(&v).unwrap();
    assert_eq!((ranks.holdout(), ranks.recommendation().rank), (Some(Kind::Window), Some(2)));
    // the mean over the folds of what the fit of each job says by itself
    let mut sum = 0.0;
    for fold in 0..5 {
        let key = Key { kind: Kind::Window, rank: 2, replicate: 0, fold };
        let nmf = orthant::Nmf::from_options(Options { rank: 2, seed: key.seed(0), ..options.clone() });
        let holdout = orthant::Holdout { fraction: 0.05, fold, seed: 0 };
        sum += nmf.holdout(holdout).fit(&v).unwrap().report.heldout.unwrap().mean;
    }
    let heldout = ranks.table()[1].heldout.unwrap();
    assert!((heldout - sum / 5.0).abs() < 1e-12 * heldout, "{heldout} {sum}");
    assert!(ranks.consensus(&v, 2, Density::Auto).unwrap().fit.report.relative_error < 0.05);
    let error = study.holdout(Holdout::Block).fit(&v).unwrap_err().to_string();
    assert!(error.contains("missing") && error.contains("window"), "{error}");
}

#[test]
fn what_cannot_be_studied_is_refused_in_words() {
    let v = planted(10, 8, 2, 1.0, 1);
    let refused = |study: Study<f64>, words: &str| {
        let error = study.fit(&v).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    };
    refused(Study::new([]), "at least one");
    refused(Study::new([0]), "rank 0");
    refused(Study::new([2]).replicates(0), "replicates = 0");
    refused(Study::new([2]).folds(1), "folds = 1");
    refused(Study::new([2]).holdout(Holdout::Thin), "counts");
    refused(Study::new([2]).shard(Shard { index: 1, of: 2 }), "fit_into");
    let with = |change: &dyn Fn(&mut Options)| {
        let mut options = Options::new(1, Method::auto(Loss::Frobenius));
        change(&mut options);
        Study::new([2]).options(options)
    };
    refused(with(&|o| o.max_time = Some(std::time::Duration::from_secs(1))), "limit of time");
    refused(with(&|o| o.minibatch = Some(Default::default())), "mini-batches");
    refused(with(&|o| o.holdout = Some(orthant::Holdout::default())), "holdout window");
    refused(with(&|o| o.init = Some(InitKind::ExactNndsvd)), "same fit");
    assert!(with(&|o| o.init = Some(InitKind::ExactNndsvd)).replicates(1).fit(&v).is_ok());
    let thresholds = Thresholds { support: 2.0, ..Thresholds::default() };
    refused(Study::new([2]).thresholds(thresholds), "stable_support");
    assert!("windows".parse::<Holdout>().unwrap_err().to_string().contains("thin (counts), block"));
    let bad = Dense::from_fn(4, 3, |i, j| if (i, j) == (2, 1) { -1.0 } else { 1.0 });
    let error = Study::new([1]).fit(&bad).unwrap_err();
    assert!(matches!(error, StudyError::Fit(Error::Negative { row: 2, col: 1, .. })), "{error}");
}

#[test]
fn folders_of_other_studies_and_of_none_are_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path().join("study");
    let v = planted(12, 9, 2, 1.0, 2);
    let study = Study::new([2]).replicates(2);
    study.fit_into(&v, &at).unwrap();
    let before = jobs(&at);
    let different = |study: Study<f64>, v: &Dense<f64>, words: &str| match study.fit_into(v, &at) {
        Err(error @ StudyError::Different { .. }) => {
            assert!(error.to_string().contains(words), "{error}");
        }
        other => panic!("{other:?}"),
    };
    different(study.clone().seed(9), &v, "options.seed is 0 there and 9 here");
    different(study.clone().folds(7), &v, "folds is 5 there and 7 here");
    let kl = Options::new(1, Method::auto(Loss::KullbackLeibler));
    different(study.clone().options(kl), &v, "options.method.loss");
    let mut other = v.clone();
    other[(3, 3)] += 1.0;
    different(study.clone(), &other, "its data is not this data");
    assert!(matches!(
        Ranks::<f64>::open(&at, Thresholds::default()).unwrap().consensus(&other, 2, Density::Auto),
        Err(StudyError::Different { .. })
    ));
    // the same numbers column by column make other bits
    let columns = v.transposed();
    let across = columns.view().transposed();
    let ranks = Ranks::<f64>::open(&at, Thresholds::default()).unwrap();
    for error in [
        study.fit_into(&across, &at).map(drop).unwrap_err(),
        ranks.consensus(&across, 2, Density::Auto).map(drop).unwrap_err(),
    ] {
        assert!(error.to_string().contains("another order in memory, rows or columns first"), "{error}");
    }
    assert_eq!(jobs(&at), before);

    let not = |at: &Path, words: &str| {
        for error in [
            Ranks::<f64>::open(at, Thresholds::default()).map(drop).unwrap_err(),
            study.fit_into(&v, at).map(drop).unwrap_err(),
        ] {
            assert!(matches!(error, StudyError::NotAStudy { .. }), "{error}");
            assert!(error.to_string().contains(words), "{error}");
        }
    };
    let pictures = dir.path().join("pictures");
    fs::create_dir(&pictures).unwrap();
    fs::write(pictures.join("a.png"), "x").unwrap();
    not(&pictures, "manifest.json");
    fs::write(pictures.join("manifest.json"), "{\"name\": \"an app\"}").unwrap();
    not(&pictures, "cannot be read");
    let manifest = fs::read_to_string(at.join("manifest.json")).unwrap();
    fs::write(pictures.join("manifest.json"), manifest.replace("\"cols\": 9", "\"cols\": 0")).unwrap();
    not(&pictures, "without rows or columns");
    // a record that is damaged is named
    let record = at.join("jobs/start-k2-r0-f0.safetensors");
    fs::write(&record, b"no record").unwrap();
    let error = Ranks::<f64>::open(&at, Thresholds::default()).map(drop).unwrap_err().to_string();
    assert!(error.contains("start-k2-r0-f0.safetensors"), "{error}");
    let error = Ranks::<f64>::open(&at, Thresholds::default()).map(drop).unwrap_err();
    assert!(matches!(error, StudyError::Io(_)));
}

#[test]
fn one_run_at_a_time_and_shards_beside_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let v = planted(12, 9, 2, 1.0, 2);
    let study = Study::new([2, 3]).replicates(2);
    let mut tried = Vec::new();
    // while a run is in its first job, another one comes
    study
        .fit_into_observed(&v, dir.path(), &mut |_| {
            if tried.is_empty() {
                for other in [study.clone(), study.clone().shard(Shard { index: 1, of: 2 })] {
                    tried.push(matches!(other.fit_into(&v, dir.path()), Err(StudyError::Locked { .. })));
                }
            }
        })
        .unwrap();
    assert_eq!(tried, [true, true]);
    let dir = tempfile::tempdir().unwrap();
    let mut tried = Vec::new();
    let shard = |index| study.clone().shard(Shard { index, of: 2 });
    shard(1)
        .fit_into_observed(&v, dir.path(), &mut |_| {
            if tried.is_empty() {
                tried.push(shard(2).fit_into(&v, dir.path()).is_ok());
                tried.push(matches!(shard(1).fit_into(&v, dir.path()), Err(StudyError::Locked { .. })));
                tried.push(matches!(study.fit_into(&v, dir.path()), Err(StudyError::Locked { .. })));
            }
        })
        .unwrap();
    assert_eq!(tried, [true, true, true]);
}

#[test]
fn an_interrupted_study_keeps_what_is_done() {
    let dir = tempfile::tempdir().unwrap();
    let v = counts(&planted(20, 15, 2, 4.0, 2), 1);
    let cancel = Cancel::new();
    // long fits, so that some are cut short: these are no results
    let options =
        Options { tol: Some(0.0), max_iter: 4000, ..Options::new(1, Method::auto(Loss::Frobenius)) };
    let study = Study::new([2, 3]).replicates(5).options(options);
    let error = study
        .clone()
        .cancel(&cancel)
        .fit_into_observed(&v, dir.path(), &mut |ended| {
            if ended.done == 4 {
                cancel.cancel();
            }
        })
        .unwrap_err();
    assert!(matches!(error, StudyError::Interrupted { jobs: 20, .. }), "{error}");
    let done = jobs(dir.path());
    assert!((4..20).contains(&done.len()), "{}", done.len());
    let whole = tempfile::tempdir().unwrap();
    study.fit_into(&v, whole.path()).unwrap();
    let expected = jobs(whole.path());
    let mut first = None;
    study.fit_into_observed(&v, dir.path(), &mut |ended| _ = first.get_or_insert(ended.done)).unwrap();
    assert_eq!(first, Some(done.len() + 1));
    let after = jobs(dir.path());
    assert!(done.iter().all(|(name, bytes)| after[name] == *bytes));
    assert!(after == expected);
}

#[test]
fn odd_data_and_ranks() {
    // more components than rows or columns, of which blocks cannot have as many
    let v = planted(6, 5, 2, 1.0, 3);
    let ranks = Study::new([1, 2, 3, 8]).replicates(3).fit(&v).unwrap();
    assert_eq!(ranks.table().len(), 4);
    let (first, last) = (&ranks.table()[0], &ranks.table()[3]);
    assert_eq!((first.silhouette_mean, first.heldout.is_some()), (Some(1.0), true));
    assert_eq!((last.failed, last.heldout), (12, None));
    // halves of 6 rows are 3 and 3, of 5 columns 3 and 2, so that half of the three times four blocks are of either shape
    let why = |shape: &str| (format!("{shape} of the data are fitted, too few for 8 components"), 6);
    assert_eq!(last.reasons, [why("3×3"), why("3×2")]);
    assert_eq!(last.why_failed(), format!("{} (6); {} (6)", last.reasons[0].0, last.reasons[1].0));
    let remarks = ranks.recommendation().remarks.join("\n");
    assert!(remarks.contains("too few for 8 components") && remarks.contains("by convention"), "{remarks}");
    // one replicate
    let ranks = Study::new(1..=3).replicates(1).fit(&v).unwrap();
    assert!(ranks.table().iter().all(|row| row.silhouette_mean.is_none() && row.instability.is_none()));
    assert!(ranks.recommendation().reason.contains("nothing is known of stability"));
    assert!(ranks.consensus(&v, 2, Density::Auto).unwrap().fit.report.relative_error < 0.01);
    // duplicate rows, a row and a column of zeros, and nothing at all
    let v =
        Dense::from_fn(9, 7, |i, j| if i == 4 || j == 5 { 0.0 } else { ((i % 2 + 1) * (j % 3 + 1)) as f64 });
    let ranks = Study::new(1..=3).replicates(3).fit(&v).unwrap();
    assert_eq!(ranks.table().len(), 3);
    assert_eq!(ranks.consensus(&v, 1, Density::Auto).unwrap().labels[4], None);
    let zero = Dense::<f64>::zeros(5, 4);
    for loss in [Loss::Frobenius, Loss::KullbackLeibler, Loss::from_beta(1.5)] {
        let options = Options::new(1, Method::auto(loss));
        let ranks = Study::new(1..=2).replicates(2).options(options).fit(&zero).unwrap();
        assert!(ranks.table().iter().all(|row| row.loss_best == 0.0));
        let found = ranks.consensus(&zero, 2, Density::Auto).unwrap();
        assert!(found.fit.w.as_slice().iter().all(|x| *x == 0.0), "{loss}");
        assert_eq!(found.labels, [None; 5]);
    }
    // a threshold that nothing is under, and a rank that is not there
    let v = counts(&planted(20, 15, 2, 4.0, 2), 1);
    let ranks = Study::new([2]).replicates(4).holdout(Holdout::None).fit(&v).unwrap();
    let error = ranks.consensus(&v, 2, Density::Below(1e-300)).unwrap_err();
    assert!(
        matches!(error, StudyError::Filtered { .. }) && error.to_string().contains("raise the threshold"),
        "{error}"
    );
    let error = ranks.consensus(&v, 7, Density::Auto).unwrap_err().to_string();
    assert_eq!(error, "7 components were not studied; there are fits of 2");
}

#[test]
fn single_precision_is_studied_in_it() {
    let dir = tempfile::tempdir().unwrap();
    let v = planted(20, 12, 2, 1.0, 4);
    let single = Dense::from_fn(20, 12, |i, j| v[(i, j)] as f32);
    let study = Study::new(2..=3).replicates(3);
    let table = study.fit_into(&single, dir.path()).unwrap().csv();
    assert_eq!(Ranks::<f32>::open(dir.path(), Thresholds::default()).unwrap().csv(), table);
    assert!(Ranks::<f64>::open(dir.path(), Thresholds::default()).is_err());
    assert_eq!(orthant_study::precision(dir.path()).unwrap().to_string(), "float32");
}

#[test]
fn files_of_a_study_are_the_same_for_the_same_study() {
    let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let v = counts(&planted(20, 15, 2, 4.0, 2), 1);
    for dir in &dirs {
        let ranks = Study::new(2..=3).replicates(3).fit_into(&v, dir.path()).unwrap();
        ranks.write_into(dir.path()).unwrap();
    }
    for name in ["manifest.json", "study.json", "table.csv"] {
        let [a, b] = dirs.each_ref().map(|dir| fs::read(dir.path().join(name)).unwrap());
        assert!(!a.is_empty() && a == b, "{name}");
    }
}

/// Records are the files of a folder, and damage to them is told.
#[test]
fn a_packed_study_is_its_folder() {
    let v = Dense::from_fn(20, 8, |i, j| if i % 2 == j % 2 { (1 + (i * 5 + j) % 7) as f32 } else { 0.0 });
    let study = Study::new([2, 3]).replicates(2);
    let packed = study.fit(&v).unwrap().pack().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let in_folder = study.fit_into(&v, dir.path()).unwrap();
    assert_eq!(in_folder.pack().unwrap(), packed);
    assert_eq!(packed.jobs.len(), in_folder.keys().unwrap().len());
    for (name, bytes) in &packed.jobs {
        assert_eq!(&fs::read(dir.path().join(format!("jobs/{name}.safetensors"))).unwrap(), bytes);
    }
    assert_eq!(packed.precision().unwrap().to_string(), "float32");
    let again = packed.unpack::<f32>(Thresholds::default()).unwrap();
    assert_eq!((again.csv(), again.folds()), (in_folder.csv(), 5));
    let [ours, theirs] =
        [&again, &in_folder].map(|ranks| ranks.consensus(&v, 2, Density::Auto).unwrap().fit.w);
    assert!(ours == theirs);

    let fails = |change: &dyn Fn(&mut orthant_study::Packed)| {
        let mut packed = packed.clone();
        change(&mut packed);
        packed.unpack::<f32>(Thresholds::default()).unwrap_err().to_string()
    };
    assert!(
        fails(&|packed| packed.manifest.truncate(50)).contains("not a study: manifest.json cannot be read")
    );
    assert!(fails(&|packed| packed.jobs[0].0 += "x").contains("x is no name of a job"));
    let name = &packed.jobs[0].0;
    for at in [0, 4, 30, packed.jobs[0].1.len() - 1] {
        let said = fails(&|packed| packed.jobs[0].1[at] ^= 1);
        assert!(said.contains(&**name), "{said}");
    }
    assert!(fails(&|packed| packed.jobs[0].1.clear()).contains(&**name));
    assert!(fails(&|packed| packed.jobs[0].0 = "start-k9-r0-f0".into()).contains("start-k9-r0-f0"));
    assert!(packed.unpack::<f64>(Thresholds::default()).is_err());
}
