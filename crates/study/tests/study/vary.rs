//! What differs between fits besides their starts.

use orthant::{Csc, Csr, Dense, EntryWeights, InitKind, Loss, Method, Missing, Nmf, Options, ToMatrix};
use orthant_study::{Density, Holdout, Key, Kind, Packed, Ranks, Study, StudyError, Thresholds, Variation};
use safetensors::SafeTensors;
use xxhash_rust::xxh3::xxh3_64;

use super::{counts, drawn, planted};

const KL: Loss = Loss::KullbackLeibler;

fn options(loss: Loss) -> Options {
    Options::new(1, Method::auto(loss))
}

fn varied(loss: Loss, variation: Variation) -> Study<f64> {
    Study::new(2..=5).replicates(8).options(options(loss)).vary(variation)
}

/// H of a job, from the bytes of its record.
fn h(packed: &Packed, key: Key, n: usize) -> Dense<f64> {
    let (_, bytes) = packed.jobs.iter().find(|(name, _)| *name == key.to_string()).unwrap();
    let file = SafeTensors::deserialize(bytes).unwrap();
    let data = file.tensor("H").unwrap().data();
    let numbers = data.chunks_exact(8).map(|x| f64::from_le_bytes(x.try_into().unwrap()));
    Dense::from_vec(numbers.collect(), key.rank, n).unwrap()
}

#[test]
fn the_planted_rank_is_found_by_every_variation() {
    for seed in 0..2 {
        let v = counts(&planted(80, 40, 4, 20.0, seed), seed + 50);
        let sparse = Csr::of_dense(&v);
        for variation in
            [Variation::Resample, Variation::Noise(0.03), Variation::Rows(0.8), Variation::Halves]
        {
            let ranks = varied(KL, variation).fit(&v).unwrap();
            let found = ranks.recommendation();
            assert_eq!(found.rank, Some(4), "seed {seed}, {variation}: {} {}", found.reason, ranks.csv());
            // losses, labels and the spread of counts are those of V, not of what the fits are of
            assert!(ranks.overdispersion().unwrap() < 0.05, "{variation}: {:?}", ranks.overdispersion());
            let found = ranks.consensus(&v, 4, Density::Auto).unwrap();
            assert!(found.gap.abs() < 0.05, "seed {seed}, {variation}: {}", found.gap);
            assert_eq!(found.labels.len(), 80);
            if seed > 0 {
                continue;
            }
            let of_sparse = varied(KL, variation).holdout(Holdout::None).fit(&sparse).unwrap();
            assert_eq!(of_sparse.recommendation().rank, Some(4), "{}", of_sparse.csv());
        }
    }
}

/// A job is the fit of half of the rows, in the order of the hashes of their numbers, with the seed of its key. What is said of it is said
/// of V: the loss of its components with the best weights for all rows.
#[test]
fn a_job_is_the_fit_of_its_data_and_is_judged_on_v() {
    let (m, n) = (31, 14);
    let v = planted(m, n, 3, 4.0, 11);
    let study = Study::new([3]).replicates(4).seed(9).vary(Variation::Halves);
    let ranks = study.holdout(Holdout::None).fit(&v).unwrap();
    let packed = ranks.pack().unwrap();
    for replicate in 0..4 {
        let mut order: Vec<usize> = (0..m).collect();
        order.sort_by_key(|i| xxh3_64(format!("9/halves-data/{}/{i}", replicate / 2).as_bytes()));
        let mut rows = if replicate % 2 == 0 { order[..15].to_vec() } else { order[15..].to_vec() };
        rows.sort_unstable();
        let half = Dense::from_fn(rows.len(), n, |i, j| v[(rows[i], j)]);
        let key = Key { kind: Kind::Halves, rank: 3, replicate, fold: 0 };
        assert_eq!(key.seed(9), xxh3_64(format!("9/halves/3/{replicate}/0").as_bytes()) as u32);
        let plain = Options { rank: 3, seed: key.seed(9), ..options(Loss::Frobenius) };
        let fit = Nmf::from_options(plain).fit(&half).unwrap();
        assert_eq!(h(&packed, key, n), *fit.model.components());
        let row = ranks.table()[0].each[replicate];
        assert_eq!((row.replicate, row.iterations), (replicate, fit.report.iterations));
        let w = fit.model.transform(&v).unwrap();
        let of_v = fit.model.inverse_transform(&w).unwrap();
        let pairs = v.as_slice().iter().zip(of_v.as_slice());
        let loss = 0.5 * pairs.map(|(x, y)| (x - y).powi(2)).sum::<f64>();
        let norm = 0.5 * v.as_slice().iter().map(|x| x * x).sum::<f64>();
        assert!((row.loss - loss).abs() < 1e-4 * norm, "{} {loss}", row.loss);
        assert!((row.explained - (1.0 - loss / norm)).abs() < 1e-4, "{}", row.explained);
    }
}

/// A study of starts says nothing of it in its manifest, as one of an earlier release, and is what it was: the fit by each key's seed.
#[test]
fn a_study_of_starts_is_what_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let v = counts(&planted(30, 20, 2, 5.0, 1), 2);
    let study = Study::new([2]).replicates(3).seed(4);
    study.fit_into(&v, dir.path()).unwrap();
    let manifest = std::fs::read_to_string(dir.path().join("manifest.json")).unwrap();
    assert!(!manifest.contains("vary"), "{manifest}");
    let ranks = Ranks::<f64>::open(dir.path(), Thresholds::default()).unwrap();
    assert_eq!(ranks.variation(), Variation::Starts);
    let packed = ranks.pack().unwrap();
    for replicate in 0..3 {
        let key = Key { kind: Kind::Start, rank: 2, replicate, fold: 0 };
        let plain = Options { rank: 2, seed: key.seed(4), ..options(Loss::Frobenius) };
        let fit = Nmf::from_options(plain).fit(&v).unwrap();
        assert_eq!(h(&packed, key, 20), *fit.model.components());
        assert_eq!(ranks.table()[0].each[replicate].loss, fit.report.loss);
    }
    // another variation is another study
    let error = study.vary(Variation::Resample).fit_into(&v, dir.path()).unwrap_err();
    assert!(matches!(error, StudyError::Different { .. }));
    assert!(error.to_string().contains("vary is null there and \"resample\" here"), "{error}");
    let (noise, more) = (Variation::Noise(0.1), tempfile::tempdir().unwrap());
    let table = Study::new([2]).replicates(3).vary(noise).fit_into(&v, more.path()).unwrap().csv();
    let again = Ranks::<f64>::open(more.path(), Thresholds::default()).unwrap();
    assert_eq!((again.variation(), again.csv()), (noise, table));
    let manifest = std::fs::read_to_string(more.path().join("manifest.json")).unwrap();
    let manifest = manifest.replace("noise=0.1", "noise=7");
    std::fs::write(more.path().join("manifest.json"), manifest).unwrap();
    let error = Ranks::<f64>::open(more.path(), Thresholds::default()).unwrap_err().to_string();
    assert!(error.contains("manifest.json cannot be read") && error.contains("vary"), "{error}");
}

#[test]
fn what_cannot_be_varied_is_refused_in_words() {
    let v = planted(10, 8, 2, 1.0, 1);
    let refused = |study: Study<f64>, v: &dyn ToMatrix<f64>, words: [&str; 2]| {
        let error = study.fit(&v.to_matrix().unwrap()).unwrap_err().to_string();
        assert!(words.iter().all(|words| error.contains(words)), "{error}");
    };
    let of = |variation: Variation| varied(KL, variation);
    refused(of(Variation::Resample), &v, ["row 0, column 0", "is not a count"]);
    let late = Csr::of_dense(&Dense::from_fn(10, 8, |i, j| if (i, j) == (6, 2) { 0.5 } else { j as f64 }));
    refused(of(Variation::Resample), &late, ["0.5, at row 6, column 2", "noise"]);
    refused(
        of(Variation::Resample),
        &Csc::of_transposed(late.by_ref()),
        ["0.5, at row 2, column 6", "noise"],
    );
    refused(of(Variation::Noise(0.0)), &v, ["noise=0", "above 0 and up to 1"]);
    refused(of(Variation::Noise(f64::NAN)), &v, ["noise=NaN", "above 0"]);
    refused(of(Variation::Rows(1.0)), &v, ["rows=1", "below 1"]);
    let ones = Dense::from_fn(10, 8, |_, _| 1.0);
    let weights = || EntryWeights::new(&ones).unwrap();
    refused(of(Variation::Resample).entry_weights(weights()), &ones, ["weighted", "noise"]);
    refused(of(Variation::Rows(0.5)).entry_weights(weights()), &ones, ["weights", "noise"]);
    let missing = Options { missing: Missing::Nan, ..options(KL) };
    refused(of(Variation::Resample).options(missing), &ones, ["missing", "noise"]);
    refused(varied(Loss::ItakuraSaito, Variation::Resample), &ones, ["β ≤ 0", "kl"]);
    let one = Dense::from_fn(1, 8, |_, j| j as f64);
    for variation in [Variation::Halves, Variation::Rows(0.5)] {
        refused(of(variation), &one, ["a single one", "noise"]);
    }
    let huge = Dense::from_fn(4, 4, |_, _| 2f64.powi(51));
    refused(of(Variation::Resample), &huge, ["2^53", "noise"]);
    // a limit of memory counts the data of a fit
    let limited = |bytes| Study::new([2]).options(Options { memory_limit: Some(bytes), ..options(KL) });
    let Err(StudyError::Fit(orthant::Error::MemoryLimit { need, .. })) = limited(1).plan(&ones) else {
        panic!()
    };
    let resampled = |bytes| limited(bytes).vary(Variation::Resample).plan(&ones);
    assert!(limited(need).plan(&ones).is_ok() && resampled(need).is_err());
    assert!(resampled(need + 8 * 80).is_ok());
    // starts that are always the same vary with the data
    let same = Options { init: Some(InitKind::Nndsvda), ..options(KL) };
    refused(of(Variation::Starts).options(same.clone()), &ones, ["which would be the same fit", "vary"]);
    let v = counts(&planted(20, 12, 2, 5.0, 1), 3);
    let ranks = of(Variation::Resample).options(same).holdout(Holdout::None).fit(&v).unwrap();
    assert!(ranks.table()[0].instability.unwrap() > 0.0);
}

/// Features and samples of which a fit's data have nothing, missing entries, weights, and data of zeros.
#[test]
fn odd_data_can_be_varied() {
    // a feature that one sample alone has, and a sample without any
    let v = Dense::from_fn(24, 10, |i, j| match (i, j) {
        (5, _) => 0.0,
        (_, 9) => f64::from(u8::from(i == 7)),
        _ => (1 + (i * 7 + j * 3) % 5 * usize::from(i % 2 == j % 2)) as f64,
    });
    let all = [Variation::Resample, Variation::Noise(1.0), Variation::Rows(0.1), Variation::Halves];
    for loss in [Loss::Frobenius, KL, Loss::from_beta(1.5)] {
        for variation in all {
            let ranks = Study::new([1, 2, 12]).replicates(4).options(options(loss)).vary(variation);
            let ranks = ranks.fit(&v).unwrap();
            let table = ranks.table();
            assert!(table.iter().all(|row| row.fits == 4 && row.loss_best.is_finite()), "{}", ranks.csv());
            ranks.consensus(&v, 2, Density::Off).unwrap();
            let zero = Dense::<f64>::zeros(5, 4);
            let ranks =
                Study::new([2]).replicates(2).options(options(loss)).vary(variation).fit(&zero).unwrap();
            assert_eq!(ranks.table()[0].loss_best, 0.0);
            let found = ranks.consensus(&zero, 2, Density::Auto).unwrap();
            assert!(found.fit.w.as_slice().iter().all(|x| *x == 0.0));
        }
    }
    // rows of which the only ones above 0 may be left out
    let single = Dense::from_fn(6, 5, |i, j| if i == 2 { (j + 1) as f64 } else { 0.0 });
    for loss in [Loss::Frobenius, KL] {
        let study = Study::new([1]).replicates(6).options(options(loss)).vary(Variation::Halves);
        let ranks = study.holdout(Holdout::None).fit(&single).unwrap();
        // one of each two halves has nothing
        let row = &ranks.table()[0];
        assert_eq!((row.fits, row.failed), (3, 3));
        assert!(row.why_failed().contains("no entry is above 0"), "{}", row.why_failed());
        assert!(row.explained > 0.999, "{}", ranks.csv());
        ranks.consensus(&single, 1, Density::Off).unwrap();
    }
    let full = planted(30, 20, 2, 3.0, 8);
    let holes = Dense::from_fn(30, 20, |i, j| if (i * 7 + j) % 11 == 0 { f64::NAN } else { full[(i, j)] });
    let nan = Options { missing: Missing::Nan, ..options(Loss::Frobenius) };
    for variation in [Variation::Noise(0.05), Variation::Rows(0.7), Variation::Halves] {
        let study = Study::new(1..=3).replicates(4).options(nan.clone()).vary(variation);
        let ranks = study.fit(&holes).unwrap();
        assert!(ranks.table()[1].explained > 0.9, "{variation}: {}", ranks.csv());
    }
    // a column that is observed in one row, which one of two halves has
    let thin = Dense::from_fn(30, 20, |i, j| if j == 3 && i != 4 { f64::NAN } else { full[(i, j)] });
    let study = Study::new([2]).replicates(4).options(nan).vary(Variation::Halves);
    let ranks = study.holdout(Holdout::None).fit(&thin).unwrap();
    let row = &ranks.table()[0];
    assert_eq!((row.fits, row.failed), (2, 2));
    assert!(row.why_failed().contains("column 3"), "{}", row.why_failed());
    let observed =
        Csr::of_dense(&Dense::from_fn(30, 20, |i, j| if drawn(3, i, j) < 0.7 { full[(i, j)] } else { 0.0 }));
    let zeros = Options { missing: Missing::Zeros, ..options(Loss::Frobenius) };
    for variation in [Variation::Noise(0.05), Variation::Rows(0.7)] {
        let study = Study::new([2]).replicates(4).options(zeros.clone()).vary(variation);
        let ranks = study.fit(&observed).unwrap();
        assert!(ranks.table()[0].explained > 0.99, "{variation}: {}", ranks.csv());
    }
    let weights = EntryWeights::new(&Dense::from_fn(30, 20, |i, j| ((i + j) % 3) as f64)).unwrap();
    let study = Study::new([2]).replicates(4).entry_weights(weights).vary(Variation::Noise(0.05));
    assert!(study.fit(&full).unwrap().table()[0].explained > 0.99);
}
