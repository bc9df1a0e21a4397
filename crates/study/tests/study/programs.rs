//! Gene expression programs, against plain loops over dense rows of doubles.

use orthant::{Csc, Csr, Dense, Loss, Method, Options, ToMatrix};
use orthant_io::{AnyTable, Scalar, SparseStorage};
use orthant_study::{Cells, Density, Genes, Programs, Ranks, Recipe, Study, StudyError};

const M: usize = 90;
const N: usize = 60;
/// A cell without a count, and a gene without one.
const EMPTY: (usize, usize) = (17, 41);

/// A number from 0 to 1 that goes with a place.
fn drawn(salt: u64, i: usize, j: usize) -> f64 {
    let mut x = salt ^ ((i as u64) << 32 | j as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    for _ in 0..3 {
        x = (x ^ x >> 31).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    }
    (x >> 11) as f64 / (1_u64 << 53) as f64
}

/// Counts of three kinds of cells, each with genes of its own besides common ones, and totals that differ.
fn counts() -> Dense<f64> {
    Dense::from_fn(M, N, |i, j| {
        if i == EMPTY.0 || j == EMPTY.1 {
            return 0.0;
        }
        let own = if j < 30 && i % 3 == j % 3 { 6.0 } else { 0.4 };
        let mean = own * (0.3 + 2.0 * drawn(1, i, 0)) * (0.2 + drawn(2, 0, j));
        let noise: f64 = (0..4).map(|u| drawn(10 + u, i, j)).sum::<f64>() - 2.0;
        (mean + 1.3 * mean.sqrt() * noise).round().max(0.0)
    })
}

fn rows(of: &Dense<f64>) -> Vec<Vec<f64>> {
    (0..of.nrows()).map(|i| of.row(i).to_vec()).collect()
}

fn dense<T: Scalar>(of: &AnyTable<T>) -> Vec<Vec<f64>> {
    let (m, n) = (of.nrows(), of.ncols());
    let mut out = vec![vec![0.0; n]; m];
    for (i, row) in out.iter_mut().enumerate() {
        match of {
            AnyTable::Dense(table) => (0..n).for_each(|j| row[j] = table.view().at(i, j).to_f64()),
            AnyTable::Sparse(table) => {
                let SparseStorage::ByRows(csr) = table.storage() else { panic!("cells follow one another") };
                csr.row(i).for_each(|(j, x)| row[j] = x.to_f64());
            }
            AnyTable::OutOfCore(_) => panic!("it is in memory"),
        }
    }
    out
}

fn mean(x: &[f64]) -> f64 {
    x.iter().sum::<f64>() / x.len() as f64
}

fn variance(x: &[f64], less: f64) -> f64 {
    x.iter().map(|y| (y - mean(x)).powi(2)).sum::<f64>() / (x.len() as f64 - less)
}

fn column(x: &[Vec<f64>], j: usize) -> Vec<f64> {
    x.iter().map(|row| row[j]).collect()
}

/// Between neighbours by their distance, as numpy and pandas have it.
fn quantile(x: &[f64], q: f64) -> f64 {
    let mut sorted = x.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = q * (sorted.len() - 1) as f64;
    let (below, above) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    below + (above - below) * at.fract()
}

/// The counts without the empty cell and gene, and their TPM.
struct Plain {
    counts: Vec<Vec<f64>>,
    tpm: Vec<Vec<f64>>,
}

impl Plain {
    fn of(v: &Dense<f64>) -> Self {
        let kept = rows(v).into_iter().enumerate().filter(|(i, _)| *i != EMPTY.0);
        let counts: Vec<Vec<f64>> = kept
            .map(|(_, row)| {
                row.into_iter().enumerate().filter(|(j, _)| *j != EMPTY.1).map(|(_, x)| x).collect()
            })
            .collect();
        let tpm = |row: &Vec<f64>| row.iter().map(|x| x / row.iter().sum::<f64>() * 1e6).collect();
        Self { tpm: counts.iter().map(tpm).collect(), counts }
    }

    /// The genes by the definition of cNMF: the ratio of each, and the places of the largest.
    fn chosen(&self, count: usize) -> (Vec<f64>, Vec<usize>) {
        let n = self.tpm[0].len();
        let means: Vec<f64> = (0..n).map(|j| mean(&column(&self.tpm, j))).collect();
        let variances: Vec<f64> = (0..n).map(|j| variance(&column(&self.tpm, j), 0.0)).collect();
        let fano: Vec<f64> = (0..n).map(|j| variances[j] / means[j]).collect();
        let twentieth = quantile(&means, (n - 20) as f64 / (n - 1) as f64);
        let large = (0..n).filter(|&j| means[j] >= twentieth * (1.0 - 1e-12));
        let a = large.map(|j| variances[j].sqrt() / means[j]).fold(f64::INFINITY, f64::min);
        let inside = |x: f64, all: &[f64]| x > quantile(all, 0.1) && x < quantile(all, 0.9);
        let ordinary: Vec<f64> =
            (0..n).filter(|&j| inside(means[j], &means) && inside(fano[j], &fano)).map(|j| fano[j]).collect();
        let b = quantile(&ordinary, 0.5);
        let ratios: Vec<f64> = (0..n).map(|j| fano[j] / (a * a * means[j] + b)).collect();
        let least = quantile(&ratios, (n - count) as f64 / (n - 1) as f64);
        let chosen = (0..n).filter(|&j| ratios[j] >= least * (1.0 - 1e-12)).collect();
        (ratios, chosen)
    }

    /// Counts of these genes over their standard deviations.
    fn scaled(&self, chosen: &[usize]) -> Vec<Vec<f64>> {
        let deviation = |&j: &usize| variance(&column(&self.counts, j), 1.0).sqrt();
        let deviations: Vec<f64> = chosen.iter().map(deviation).collect();
        self.counts
            .iter()
            .map(|row| chosen.iter().zip(&deviations).map(|(&j, deviation)| row[j] / deviation).collect())
            .collect()
    }
}

#[track_caller]
fn close(a: &[Vec<f64>], b: &[Vec<f64>], tolerance: f64) {
    assert_eq!((a.len(), a[0].len()), (b.len(), b[0].len()));
    let most = b.iter().flatten().fold(0.0, |most: f64, x| most.max(x.abs()));
    for (a, b) in a.iter().flatten().zip(b.iter().flatten()) {
        assert!((a - b).abs() <= tolerance * most, "{a} and {b}");
    }
}

#[test]
fn counts_are_prepared_as_by_plain_loops_in_every_layout() {
    let v = counts();
    let plain = Plain::of(&v);
    let (ratios, chosen) = plain.chosen(25);
    assert_eq!(chosen.len(), 25);
    let scaled = plain.scaled(&chosen);
    fn check<T: Scalar>(
        v: &impl ToMatrix<T>,
        (ratios, chosen, scaled): (&[f64], &[usize], &[Vec<f64>]),
        tolerance: f64,
    ) {
        let cells = Cells::of(v, &Genes::Most(25), false).unwrap();
        assert!(cells.cells().iter().copied().eq((0..M).filter(|&i| i != EMPTY.0)));
        assert!(cells.genes().iter().copied().eq((0..N).filter(|&j| j != EMPTY.1)));
        assert_eq!(cells.chosen(), chosen);
        for (gene, ratio) in cells.overdispersion().genes.iter().zip(ratios) {
            assert!((gene.ratio - ratio).abs() < 1e-10 * ratio);
        }
        close(&dense(&cells.scaled().unwrap()), scaled, tolerance);
        assert!(cells.idle().is_empty());
    }
    let expected = (&ratios[..], &chosen[..], &scaled[..]);
    let sparse = Csr::of_dense(&v);
    check(&v, expected, 1e-14);
    check(&sparse, expected, 1e-14);
    check(&Csc::of_transposed(sparse.to_transposed()), expected, 1e-14);
    let single = Dense::from_fn(M, N, |i, j| v[(i, j)] as f32);
    check(&single, expected, 1e-7);
    assert!(matches!(Cells::of(&single, &Genes::Most(9), false).unwrap().scaled(), Ok(AnyTable::Dense(_))));
    assert!(matches!(Cells::of(&sparse, &Genes::Most(9), false).unwrap().scaled(), Ok(AnyTable::Sparse(_))));
    for row in 0..25 {
        assert!((variance(&column(&scaled, row), 1.0) - 1.0).abs() < 1e-12);
    }
}

#[test]
fn genes_that_are_named_are_fitted_in_their_order() {
    let v = counts();
    let cells = Cells::of(&v, &Genes::Chosen(vec![50, EMPTY.1, 3]), false).unwrap();
    assert_eq!(cells.chosen(), [49, 3]);
    close(&dense(&cells.scaled().unwrap()), &Plain::of(&v).scaled(&[49, 3]), 1e-14);
    // a gene with the same count in every cell has no variance to scale by
    let constant = Dense::from_fn(4, 2, |i, j| if j == 0 { 3.0 } else { i as f64 + 1.0 });
    let cells = Cells::of(&constant, &Genes::Chosen(vec![0]), false).unwrap();
    assert_eq!(dense(&cells.scaled().unwrap()), [[3.0]; 4]);
    // cells without a count of these genes stay, as rows of zeros
    let apart = Dense::from_fn(6, 4, |i, j| if i % 2 == j % 2 { (i + j + 1) as f64 } else { 0.0 });
    let cells = Cells::of(&apart, &Genes::Chosen(vec![0, 2]), false).unwrap();
    assert_eq!((cells.idle(), cells.cells().len()), (&[1, 3, 5][..], 6));
}

fn found() -> (Cells<f64>, AnyTable<f64>, Ranks<f64>) {
    let cells = Cells::of(&counts(), &Genes::Most(40), false).unwrap();
    let scaled = cells.scaled().unwrap();
    let ranks = Study::new([3, 4]).replicates(8).fit(&scaled).unwrap().recipe(Recipe::Cnmf);
    (cells, scaled, ranks)
}

/// Euclidean length 1.
fn unit(x: &[f64]) -> Vec<f64> {
    let norm = x.iter().map(|x| x * x).sum::<f64>().sqrt();
    x.iter().map(|x| x / norm).collect()
}

fn distance(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(x, y)| (x - y).powi(2)).sum::<f64>().sqrt()
}

#[test]
fn spectra_are_the_medians_of_directions_that_are_not_left_out() {
    let (_, scaled, ranks) = found();
    let fits = ranks.components(4).unwrap();
    let all: Vec<Vec<f64>> = fits.iter().flat_map(|h| rows(h).into_iter().map(|row| unit(&row))).collect();
    let densities: Vec<f64> = all
        .iter()
        .map(|x| {
            let mut distances: Vec<f64> = all.iter().map(|y| distance(x, y)).collect();
            distances.sort_by(f64::total_cmp);
            // itself comes first; int(0.3·8) = 2 neighbours
            mean(&distances[1..3])
        })
        .collect();
    let threshold = quantile(&densities, 0.8);
    let consensus = ranks.consensus(&scaled, 4, Density::Below(threshold)).unwrap();
    for (member, density) in consensus.members.iter().zip(&densities) {
        assert!((member.density - density).abs() < 1e-7);
        assert_eq!(member.component.is_some(), *density < threshold);
    }
    let h = consensus.fit.model.components();
    let w = &consensus.fit.w;
    for t in 0..4 {
        let members = consensus.members.iter().zip(&all).filter(|(member, _)| member.component == Some(t));
        let members: Vec<Vec<f64>> = members.map(|(_, x)| x.clone()).collect();
        let medians: Vec<f64> = (0..40).map(|j| quantile(&column(&members, j), 0.5)).collect();
        let sum: f64 = medians.iter().sum();
        let expected: Vec<f64> = medians.iter().map(|x| x / sum).collect();
        close(&[h.row(t).to_vec()], &[expected], 1e-12);
    }
    let shares: Vec<f64> =
        (0..4).map(|t| (0..w.nrows()).map(|i| w[(i, t)] / w.row(i).iter().sum::<f64>()).sum()).collect();
    assert!(shares.windows(2).all(|pair| pair[0] >= pair[1]), "{shares:?}");
}

#[test]
fn stability_and_error_of_each_rank_are_those_of_plain_loops() {
    let (_, scaled, ranks) = found();
    let v = dense(&scaled);
    for row in ranks.k_selection(&scaled, &Default::default()).unwrap() {
        let consensus = ranks.consensus(&scaled, row.rank, Density::Off).unwrap();
        let fits = ranks.components(row.rank).unwrap();
        let all: Vec<Vec<f64>> =
            fits.iter().flat_map(|h| rows(h).into_iter().map(|row| unit(&row))).collect();
        let labels: Vec<usize> = consensus.members.iter().map(|member| member.component.unwrap()).collect();
        let silhouette = |i: usize| {
            let to = |c: usize| {
                let others = (0..all.len()).filter(|&j| j != i && labels[j] == c);
                mean(&others.map(|j| distance(&all[i], &all[j])).collect::<Vec<_>>())
            };
            let b = (0..row.rank).filter(|&c| c != labels[i]).map(to).fold(f64::INFINITY, f64::min);
            let a = to(labels[i]);
            (b - a) / a.max(b)
        };
        let expected = mean(&(0..all.len()).map(silhouette).collect::<Vec<_>>());
        assert!((row.silhouette - expected).abs() < 1e-6, "{} for {expected}", row.silhouette);
        let (w, h) = (&consensus.fit.w, consensus.fit.model.components());
        let entry = |i: usize, j: usize| v[i][j] - (0..row.rank).map(|t| w[(i, t)] * h[(t, j)]).sum::<f64>();
        let error: f64 = (0..v.len()).flat_map(|i| (0..40).map(move |j| entry(i, j).powi(2))).sum();
        assert!((row.prediction_error - error).abs() < 1e-10 * error);
    }
}

/// Solves a linear system by elimination with pivots.
fn solve(mut a: Vec<Vec<f64>>, mut b: Vec<f64>) -> Vec<f64> {
    let k = b.len();
    for c in 0..k {
        let pivot = (c..k).max_by(|&i, &j| a[i][c].abs().total_cmp(&a[j][c].abs())).unwrap();
        a.swap(c, pivot);
        b.swap(c, pivot);
        for i in c + 1..k {
            let factor = a[i][c] / a[c][c];
            (c..k).for_each(|j| a[i][j] -= factor * a[c][j]);
            b[i] -= factor * b[c];
        }
    }
    for c in (0..k).rev() {
        b[c] = (b[c] - (c + 1..k).map(|j| a[c][j] * b[j]).sum::<f64>()) / a[c][c];
    }
    b
}

/// Whether x ≥ 0 minimises ‖y − xA‖² of rows A: no slope is below 0, and none is above where x is.
fn is_least(y: &[f64], x: &[f64], a: &[Vec<f64>]) -> bool {
    let rest: Vec<f64> =
        (0..y.len()).map(|j| y[j] - x.iter().zip(a).map(|(x, a)| x * a[j]).sum::<f64>()).collect();
    let norm = y.iter().map(|y| y * y).sum::<f64>().sqrt();
    x.iter().zip(a).all(|(&x, a)| {
        let slope = -a.iter().zip(&rest).map(|(a, rest)| a * rest).sum::<f64>();
        let scale = 1e-6 * norm * a.iter().map(|a| a * a).sum::<f64>().sqrt();
        x >= 0.0 && slope > -scale && (x == 0.0 || slope < scale)
    })
}

#[test]
fn programs_over_all_genes_are_the_minima_that_they_are_said_to_be() {
    let (cells, scaled, ranks) = found();
    let consensus = ranks.consensus(&scaled, 3, Density::Below(0.5)).unwrap();
    let programs = Programs::of(&cells, &consensus, &Default::default()).unwrap();
    let Plain { tpm, .. } = Plain::of(&counts());
    let (m, n) = (M - 1, N - 1);
    let w = rows(&programs.weights);
    let fitted = dense(&scaled);
    assert!((0..m).all(|i| is_least(&fitted[i], &w[i], &rows(&programs.spectra))));
    close(&w, &rows(&consensus.fit.w), 1e-2);
    let sums: Vec<f64> = (0..3).map(|t| consensus.fit.model.components().row(t).iter().sum()).collect();
    assert!(sums.iter().all(|sum| (sum - 1.0).abs() < 1e-12));
    close(&rows(&programs.spectra), &rows(consensus.fit.model.components()), 1e-12);
    // spectra in TPM
    let shares: Vec<Vec<f64>> =
        w.iter().map(|row| row.iter().map(|x| x / row.iter().sum::<f64>()).collect()).collect();
    let by_program: Vec<Vec<f64>> = (0..3).map(|t| column(&shares, t)).collect();
    for j in 0..n {
        assert!(is_least(&column(&tpm, j), &column(&rows(&programs.spectra_tpm), j), &by_program), "{j}");
    }
    // scores
    let gram: Vec<Vec<f64>> =
        (0..3).map(|s| (0..3).map(|t| w.iter().map(|row| row[s] * row[t]).sum()).collect()).collect();
    let scores: Vec<Vec<f64>> = (0..n)
        .map(|j| {
            let of = column(&tpm, j);
            let (middle, deviation) = (mean(&of), variance(&of, 0.0).sqrt());
            let z: Vec<f64> = of.iter().map(|x| (x - middle) / deviation).collect();
            solve(gram.clone(), (0..3).map(|t| (0..m).map(|i| w[i][t] * z[i]).sum()).collect())
        })
        .collect();
    close(&rows(&programs.scores.transposed()), &scores, 1e-9);
    // usages, and what starCAT takes
    let chosen = cells.chosen();
    let deviations =
        |less: f64| -> Vec<f64> { chosen.iter().map(|&j| variance(&column(&tpm, j), less).sqrt()).collect() };
    let (of_sample, of_all) = (deviations(1.0), deviations(0.0));
    let over = |x: &[f64], by: &[f64]| chosen.iter().zip(by).map(|(&j, by)| x[j] / by).collect::<Vec<_>>();
    let spectra: Vec<Vec<f64>> = rows(&programs.spectra_tpm).iter().map(|row| over(row, &of_all)).collect();
    for i in 0..m {
        assert!(is_least(&over(&tpm[i], &of_sample), programs.usages.row(i), &spectra), "{i}");
    }
    let totals: Vec<f64> = (0..3).map(|t| programs.spectra_tpm.row(t).iter().sum()).collect();
    let reference: Vec<Vec<f64>> = spectra
        .iter()
        .zip(totals)
        .map(|(row, total)| row.iter().map(|x| x * 1e6 / total).collect())
        .collect();
    close(&rows(&programs.reference), &reference, 1e-12);
    // the genes of a kind of cell mark its program
    for (top, kind) in programs.top_genes(5).iter().map(|top| (top, top[0] % 3)) {
        assert!(top.iter().all(|&j| j < 30 && j % 3 == kind), "{top:?}");
    }
}

#[test]
fn programs_do_not_depend_on_threads() {
    let of = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let (cells, scaled, ranks) = found();
            let consensus = ranks.consensus(&scaled, 3, Density::Below(0.5)).unwrap();
            let Programs { usages, spectra, weights, spectra_tpm, scores, reference } =
                Programs::of(&cells, &consensus, &Default::default()).unwrap();
            let selection = ranks.k_selection(&scaled, &Default::default()).unwrap();
            let figures: Vec<u64> = selection
                .iter()
                .flat_map(|row| [row.silhouette, row.prediction_error])
                .map(f64::to_bits)
                .collect();
            let bits = [usages, spectra, weights, spectra_tpm, scores, reference]
                .map(|of| of.into_vec().into_iter().map(f64::to_bits).collect::<Vec<_>>());
            (bits, figures)
        })
    };
    assert!(of(1) == of(3));
}

#[test]
fn idle_cells_use_nothing_under_any_loss() {
    let v = Dense::from_fn(40, 12, |i, j| {
        let own =
            if i % 2 == j % 2 { (i * 5 + j * 3) % 7 + 2 } else { usize::from((i + j).is_multiple_of(5)) };
        // two cells have counts of the last genes alone
        if i < 38 { own as f64 } else { f64::from(u8::from(j >= 10)) * 3.0 }
    });
    let genes = Genes::Chosen((0..10).collect());
    for loss in [Loss::Frobenius, Loss::KullbackLeibler] {
        let cells = Cells::of(&Csr::of_dense(&v), &genes, false).unwrap();
        assert_eq!(cells.idle(), [38, 39]);
        let scaled = cells.scaled().unwrap();
        let study = Study::new([2]).options(Options::new(1, Method::auto(loss))).replicates(4);
        let ranks = study.fit(&scaled).unwrap().recipe(Recipe::Cnmf);
        let consensus = ranks.consensus(&scaled, 2, Density::Below(0.5)).unwrap();
        let programs = Programs::of(&cells, &consensus, &Default::default()).unwrap();
        assert!(programs.usages.row(38).iter().chain(programs.usages.row(39)).all(|&x| x == 0.0));
        assert!((0..38).all(|i| programs.usages.row(i).iter().sum::<f64>() > 0.0));
        for of in [&programs.spectra_tpm, &programs.scores, &programs.reference] {
            assert!(of.as_slice().iter().all(|x| x.is_finite()), "{loss}: {of:?}");
        }
    }
}

#[test]
fn what_is_not_counts_is_refused() {
    let of = |data: Vec<f64>, genes: Genes, fractions| {
        Cells::of(&Dense::from_vec(data, 2, 2).unwrap(), &genes, fractions).map(|_| ())
    };
    let most = || Genes::Most(2);
    let said = |result: Result<(), StudyError>| result.unwrap_err().to_string();
    let fraction = said(of(vec![1.0, 2.0, 0.5, 0.0], most(), false));
    assert!(fraction.starts_with("0.5, at row 1, column 0") && fraction.contains("logarithms"), "{fraction}");
    assert!(of(vec![1.0, 2.0, 0.5, 0.0], most(), true).is_ok());
    let negative = said(of(vec![1.0, -2.0, 0.5, 0.0], most(), true));
    assert!(negative.starts_with("-2, at row 0, column 1") && negative.contains("centred"), "{negative}");
    assert!(said(of(vec![1.0, f64::NAN, 0.0, 0.0], most(), true)).contains("finite"));
    assert!(said(of(vec![0.0; 4], most(), false)).contains("no count above 0 in the data"));
    assert!(said(of(vec![0.0, 1.0, 0.0, 2.0], Genes::Chosen(vec![0]), false)).contains("the chosen genes"));
    for wrong in [Genes::Most(0), Genes::Chosen(vec![2]), Genes::Chosen(vec![1, 1])] {
        assert!(matches!(of(vec![1.0; 4], wrong, false), Err(StudyError::Fit(_))));
    }
    let cells = Cells::of(&counts(), &Genes::Most(5), false).unwrap();
    assert!(cells.check(&[2, 5]).is_ok());
    assert!(said(cells.check(&[2, 6])).starts_with("6 programs are more than the 5 genes"));
    let few = Cells::of(&Dense::from_fn(3, 9, |i, j| (i + j) as f64), &Genes::Most(5), false).unwrap();
    assert!(said(few.check(&[4])).starts_with("4 programs are more than the 3 cells"));
}
