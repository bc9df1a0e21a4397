//! Made data of the kinds that factorisations are asked for, the same for a seed on every machine.

use orthant::Dense;

use crate::oracle;
use crate::strategies::Numbers;

/// A normal number, by Box and Muller.
fn normal(numbers: &mut Numbers) -> f64 {
    let radius = (-2.0 * (1.0 - numbers.uniform()).ln()).sqrt();
    radius * (std::f64::consts::TAU * numbers.uniform()).cos()
}

/// Three planted components with noise, and every entry at least 0.05.
pub fn positive(m: usize, n: usize, seed: u64) -> Dense<f64> {
    let mut v = planted(m, n, 3, 0.1, seed);
    v.as_mut_slice().iter_mut().for_each(|x| *x += 0.05);
    v
}

/// A factor with entries uniform in [0.1, 1.1).
pub fn drawn(rows: usize, cols: usize, seed: u64) -> Dense<f64> {
    let mut numbers = Numbers::new(seed);
    Dense::from_fn(rows, cols, |_, _| 0.1 + numbers.uniform())
}

/// max(0, W·H + E), m×n: entries of W (m×k) and H (k×n) exponential, half of them put to 0; E normal with
/// ‖E‖ = noise·‖W·H‖. As `scripts/planted.py`, from other numbers.
pub fn planted(m: usize, n: usize, k: usize, noise: f64, seed: u64) -> Dense<f64> {
    let mut numbers = Numbers::new(seed);
    let mut part = || {
        let x = -(1.0 - numbers.uniform()).ln();
        if numbers.uniform() < 0.5 { 0.0 } else { x }
    };
    let w = Dense::from_fn(m, k, |_, _| part());
    let ht = Dense::from_fn(n, k, |_, _| part());
    let mut v = Dense::from_fn(m, n, |i, j| w.row(i).iter().zip(ht.row(j)).map(|(a, b)| a * b).sum());
    let size = (oracle::norm_squared(&v) / (m * n) as f64).sqrt();
    v.as_mut_slice().iter_mut().for_each(|x| *x = (*x + noise * size * normal(&mut numbers)).max(0.0));
    v
}

/// `count` images of side×side grey levels from 0 to 1, one a row: each of ten signs is two or three curved strokes, drawn
/// anew for every image with its ends moved a little.
pub fn strokes(count: usize, side: usize, seed: u64) -> Dense<f64> {
    let mut numbers = Numbers::new(seed);
    let signs: Vec<Vec<[f64; 6]>> = (0..10)
        .map(|_| {
            let strokes = 2 + numbers.below(2);
            (0..strokes).map(|_| std::array::from_fn(|_| 0.15 + 0.7 * numbers.uniform())).collect()
        })
        .collect();
    let mut v = Dense::<f64>::zeros(count, side * side);
    for image in 0..count {
        let shift = [0.04 * normal(&mut numbers), 0.04 * normal(&mut numbers)];
        for stroke in &signs[image % 10] {
            let ends: [f64; 6] =
                std::array::from_fn(|c| stroke[c] + shift[c % 2] + 0.04 * normal(&mut numbers));
            for step in 0..=40 {
                let t = f64::from(step) / 40.0;
                let at = |c: usize| {
                    (1.0 - t).powi(2) * ends[c] + 2.0 * t * (1.0 - t) * ends[2 + c] + t * t * ends[4 + c]
                };
                let (x, y) = (at(0), at(1));
                for pixel in 0..side * side {
                    let place = |p: usize| p as f64 / (side - 1) as f64;
                    let d2 = (place(pixel % side) - x).powi(2) + (place(pixel / side) - y).powi(2);
                    let ink = (-d2 / (2.0 * 0.03_f64.powi(2))).exp();
                    let here = &mut v[(image, pixel)];
                    *here = here.max(if ink < 0.05 { 0.0 } else { ink });
                }
            }
        }
    }
    v
}

/// log(1 + counts) of m texts over n words, most of them 0: each text mixes a few of `topics` topics, each topic a part of
/// the words, and counts are Poisson.
pub fn log_counts(m: usize, n: usize, topics: usize, seed: u64) -> Dense<f64> {
    let mut numbers = Numbers::new(seed);
    // powers of uniform numbers stand for draws of a Dirichlet distribution with small parameters
    let mut shares = |count: usize, power: i32| {
        let x: Vec<f64> = (0..count).map(|_| numbers.uniform().powi(power)).collect();
        let sum: f64 = x.iter().sum();
        x.into_iter().map(|x| x / sum).collect::<Vec<_>>()
    };
    let of_topics: Vec<Vec<f64>> = (0..topics).map(|_| shares(n, 12)).collect();
    let of_texts: Vec<Vec<f64>> = (0..m).map(|_| shares(topics, 4)).collect();
    let depths: Vec<f64> = (0..m).map(|_| 0.1 * n as f64 * (0.5 * normal(&mut numbers)).exp()).collect();
    Dense::from_fn(m, n, |i, j| {
        let mean = depths[i] * (0..topics).map(|t| of_texts[i][t] * of_topics[t][j]).sum::<f64>();
        // by counting exponential waits; means are small
        let (mut count, mut left) = (0.0, mean);
        loop {
            left += (1.0 - numbers.uniform()).ln();
            if left < 0.0 {
                break f64::ln_1p(count);
            }
            count += 1.0;
        }
    })
}
