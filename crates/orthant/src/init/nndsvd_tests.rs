use orthant_kernel::Dense;

use super::*;
use crate::RandomState;
use crate::init::testing::of_view;
use orthant_kernel::View;

/// A start that `scripts/starts_reference.py` printed.
struct Case {
    name: String,
    size: (usize, usize),
    k: usize,
    data: Vec<f64>,
    single: bool,
    fill: Fill,
    generator: Generator,
    next: f64,
    w: Vec<f64>,
    h: Vec<f64>,
}

/// The script's data.
fn data(m: usize, n: usize, parts: usize, noise: u64) -> Vec<f64> {
    let mut state = 1_u64;
    let mut draw = || {
        state = (1_103_515_245 * state + 12_345) % (1 << 31);
        state >> 16
    };
    let mut factor = |rows: usize| -> Vec<u64> {
        let mut entry = || if draw() % 3 != 0 { draw() % 16 } else { 0 };
        (0..rows * parts).map(|_| entry()).collect()
    };
    let (a, b) = (factor(m), factor(n));
    let mut x = Vec::with_capacity(m * n);
    for i in 0..m {
        for j in 0..n {
            let exact: u64 =
                (0..parts).map(|t| (1 << (parts - t)) * a[i * parts + t] * b[j * parts + t]).sum();
            x.push((exact + if noise > 0 { draw() % noise } else { 0 }) as f64 / 64.0);
        }
    }
    x
}

fn cases() -> Vec<Case> {
    let mut lines = include_str!("nndsvd_reference.txt").lines();
    let mut out = Vec::new();
    while let Some(name) = lines.next() {
        let field: Vec<&str> = name.split(' ').collect();
        let count = |i: usize| field[i].parse::<usize>().unwrap();
        let numbers = |line: &str| line.split(' ').map(|x| x.parse().unwrap()).collect();
        let fills = [("nndsvd", Fill::Zero), ("nndsvda", Fill::Mean), ("nndsvdar", Fill::Random)];
        out.push(Case {
            name: name.into(),
            size: (count(0), count(1)),
            k: count(2),
            data: data(count(0), count(1), count(3), count(4) as u64),
            single: field[5] == "float32",
            fill: fills.iter().find(|(name, _)| *name == field[6]).unwrap().1,
            generator: if field[7] == "int" {
                Generator::Seed(3)
            } else {
                Generator::State(RandomState::new(3))
            },
            next: field[8].parse().unwrap(),
            w: numbers(lines.next().unwrap()),
            h: numbers(lines.next().unwrap()),
        });
    }
    assert_eq!(out.len(), 26);
    out
}

fn start<T: Real>(case: &Case, data: &[f64], scale: f64, generator: &mut Generator) -> (Vec<f64>, Vec<f64>) {
    let data: Vec<T> = data.iter().map(|&x| T::from_f64(x)).collect();
    let v = View::row_major(&data, case.size.0, case.size.1).unwrap();
    let (w, ht) = nndsvd(v, T::from_f64(scale), case.k, Variant::Sklearn(case.fill), generator, 1).unwrap();
    let h = Dense::from_vec(ht, case.size.1, case.k).unwrap().transposed();
    (w.iter().map(|x| x.to_f64()).collect(), h.as_slice().iter().map(|x| x.to_f64()).collect())
}

/// The largest difference over the largest entry; infinite where a zero has become something else or the reverse.
fn difference(found: &[f64], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let largest = expected.iter().fold(0.0_f64, |a, &b| a.max(b));
    found.iter().zip(expected).fold(0.0, |worst: f64, (a, b)| {
        assert!(*a >= 0.0 && a.is_finite());
        if (*a == 0.0) == (*b == 0.0) { worst.max((a - b).abs() / largest) } else { f64::INFINITY }
    })
}

#[test]
fn starts_are_scikit_learns() {
    for case in cases() {
        let mut generator = case.generator.clone();
        let run = if case.single { start::<f32> } else { start::<f64> };
        let (w, h) = run(&case, &case.data, 1.0, &mut generator);
        let enough = if case.single { 2e-6 } else { 1e-12 };
        let (dw, dh) = (difference(&w, &case.w), difference(&h, &case.h));
        assert!(dw <= enough && dh <= enough, "{}: {dw:e} {dh:e}", case.name);
        if let Generator::State(mut stream) = generator {
            assert_eq!(stream.standard_normal(), case.next, "{}", case.name);
        }
    }
}

/// What is read through a scale is the start of the scaled V.
#[test]
fn scikit_learns_start_is_of_the_scaled_data() {
    for case in cases().iter().filter(|case| !case.single) {
        let tiny: Vec<f64> = case.data.iter().map(|x| x * 2f64.powi(-40)).collect();
        let large: Vec<f64> = case.data.iter().map(|x| x * 2f64.powi(20)).collect();
        let plain = start::<f64>(case, &large, 1.0, &mut case.generator.clone());
        let scaled = start::<f64>(case, &tiny, 2f64.powi(60), &mut case.generator.clone());
        for (a, b) in plain.0.iter().chain(&plain.1).zip(scaled.0.iter().chain(&scaled.1)) {
            assert_eq!(a, b, "{}", case.name);
        }
    }
}

const VARIANTS: [Variant; 6] = [
    Variant::Sklearn(Fill::Zero),
    Variant::Sklearn(Fill::Mean),
    Variant::Sklearn(Fill::Random),
    Variant::Exact(Fill::Zero),
    Variant::Exact(Fill::Mean),
    Variant::Exact(Fill::Random),
];

/// A small matrix and one of which only a part is decomposed.
fn problems() -> [(usize, usize, Vec<f64>); 3] {
    [(60, 41), (41, 60), (1100, 970)].map(|(m, n)| (m, n, data(m, n, 6, 4)))
}

#[test]
fn threads_and_layouts_do_not_matter() {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    for (m, n, x) in problems() {
        let mut columns = vec![0.0; m * n];
        let v = View::row_major(&x, m, n).unwrap();
        v.transposed().copy_to(&mut columns);
        let c = View::col_major(&columns, m, n).unwrap();
        for variant in VARIANTS {
            let run = |v, workers| nndsvd(v, 1.0, 4, variant, &mut Generator::Seed(1), workers).unwrap();
            let one = run(v, 1);
            assert_eq!(pool.install(|| run(v, 2)), one);
            let by_columns = run(c, 1);
            assert_eq!(pool.install(|| run(c, 2)), by_columns);
            assert!(difference(&by_columns.0, &one.0) < 1e-10 && difference(&by_columns.1, &one.1) < 1e-10);
        }
    }
}

/// The start of c·V is √c times that of V, also where every entry is below scikit-learn's 1e-6.
#[test]
fn the_librarys_own_start_has_no_units() {
    for (m, n, x) in problems() {
        for variant in &VARIANTS[3..] {
            let run = |x: &[f64]| {
                let v = View::row_major(x, m, n).unwrap();
                nndsvd(v, 1.0, 4, *variant, &mut Generator::Seed(1), 1).unwrap()
            };
            let one = run(&x);
            for c in [1e-13, 3e9] {
                let other = run(&x.iter().map(|x| c * x).collect::<Vec<_>>());
                for (a, b) in [(&one.0, &other.0), (&one.1, &other.1)] {
                    let a: Vec<f64> = a.iter().map(|a| a * c.sqrt()).collect();
                    assert!(difference(b, &a) < 1e-10, "{m}×{n} {variant:?} {c}");
                }
            }
        }
    }
}

/// The way of computing the vectors makes no difference to what the method is.
#[test]
fn both_personalities_are_one_method() {
    for (m, n, x) in problems() {
        let v = View::row_major(&x, m, n).unwrap();
        let run = |variant| nndsvd(v, 1.0, 3, variant, &mut Generator::Seed(1), 1).unwrap();
        let (a, b) = (run(Variant::Sklearn(Fill::Zero)), run(Variant::Exact(Fill::Zero)));
        for (a, b) in a.0.iter().chain(&a.1).zip(b.0.iter().chain(&b.1)) {
            assert!((a - b).abs() < 1e-4);
        }
    }
}

#[test]
fn missing_components_are_zero_and_nothing_is_nan() {
    // of rank 1, exactly and up to rounding, and 0
    let thirds: Vec<f64> =
        (0..12 * 9).map(|i| (1 + i / 9) as f64 / 3.0 * ((1 + i % 9) as f64 / 7.0)).collect();
    for (rank, x) in [(1, vec![1.0; 12 * 9]), (1, thirds), (0, vec![0.0; 12 * 9])] {
        let v = View::row_major(&x, 12, 9).unwrap();
        for v in [v, v.transposed()] {
            for variant in VARIANTS {
                let (w, ht) = nndsvd(v, 1.0, 4, variant, &mut Generator::Seed(1), 1).unwrap();
                assert!(w.iter().chain(&ht).all(|x| x.is_finite() && *x >= 0.0), "{variant:?}");
                if matches!(variant, Variant::Sklearn(Fill::Zero) | Variant::Exact(Fill::Zero)) {
                    for factor in [&w, &ht] {
                        let here = |i: usize, x: f64| i % 4 < rank && x > 0.0 || i % 4 >= rank && x == 0.0;
                        assert!(factor.iter().enumerate().all(|(i, &x)| here(i, x)), "{variant:?}");
                    }
                }
            }
        }
        let single: Vec<f32> = x.iter().map(|&x| x as f32).collect();
        let v = View::row_major(&single, 12, 9).unwrap();
        for variant in VARIANTS {
            let (w, ht) = nndsvd(v, 1.0, 4, variant, &mut Generator::Seed(1), 1).unwrap();
            assert!(w.iter().chain(&ht).all(|x| x.is_finite() && *x >= 0.0), "{variant:?}");
        }
    }
}

#[test]
fn ranks_up_to_the_shorter_side() {
    let x = data(7, 5, 3, 4);
    for (m, n) in [(7, 5), (5, 7), (35, 1), (1, 35)] {
        let v = View::row_major(&x, m, n).unwrap();
        for variant in VARIANTS {
            let run = |k| nndsvd(v, 1.0, k, variant, &mut Generator::Seed(1), 1);
            let (w, ht) = run(m.min(n)).unwrap();
            assert!(w.iter().chain(&ht).all(|x| x.is_finite()));
            let rank = m.min(n) + 1;
            assert_eq!(run(rank), Err(Error::RankTooLargeForInit { rank, rows: m, cols: n }));
        }
    }
}

fn nndsvd<T: Real>(
    v: View<'_, T>,
    scale: T,
    k: usize,
    variant: Variant,
    generator: &mut Generator,
    workers: usize,
) -> Result<(Vec<T>, Vec<T>), Error> {
    of_view(v, scale, workers, |data| super::nndsvd(data, k, variant, generator))
}
