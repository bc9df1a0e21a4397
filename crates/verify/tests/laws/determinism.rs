//! Laws of determinism: the same bits whatever the threads, the blocks and the weather.

use orthant::{Dense, Fit, InitKind, Loss, Method, Nmf, Penalty, Products, Real, Support, Update};
use orthant_verify::compare::{cast, first_other_bit};
use orthant_verify::layout::{Layout, Stored};
use orthant_verify::strategies::Numbers;

const N: usize = 60;
const K: usize = 6;

/// As many lines as a fit cuts in at least 8 lanes, each of at least 45 lines. Where the transpose of sparse data is kept it has 64.
fn many(layout: Layout) -> usize {
    if layout.is_sparse() { 3000 } else { 1000 }
}

const METHODS: [Method; 19] = [
    Method::cd(),
    Method::hals(),
    Method::hals().extrapolated(),
    Method::auto(Loss::Frobenius),
    Method::mu(Loss::Frobenius),
    Method::mu(Loss::KullbackLeibler),
    Method::newton(),
    Method::newton().extrapolated(),
    Method::mm(Loss::KullbackLeibler).extrapolated(),
    Method::mm(Loss::Beta(0.5)).extrapolated(),
    Method::joint_mm(),
    Method::joint_mm().extrapolated(),
    Method::mm(Loss::KullbackLeibler),
    Method::mm(Loss::ItakuraSaito),
    Method::mu(Loss::Beta(0.3)),
    Method::mm(Loss::Beta(3.0)),
    Method::als(),
    Method::anls(),
    Method::projected_gradient(),
];

/// Whether the pass runs along columns; then it is they that are many.
fn along_columns(layout: Layout) -> bool {
    matches!(layout, Layout::ColMajor | Layout::Csc)
}

fn numbers<T: Real>(layout: Layout) -> Dense<T> {
    let (m, n) = if along_columns(layout) { (N, many(layout)) } else { (many(layout), N) };
    let mut v = Numbers::new(11).matrix(m, n);
    v.as_mut_slice().iter_mut().step_by(3).for_each(|x| *x = 0.0);
    cast(&v)
}

fn data<T: Real>(layout: Layout) -> Stored<T> {
    Stored::new(&numbers(layout), layout)
}

/// The same with a little in place of zeros, where the loss asks for it.
fn data_for<T: Real>(method: Method, layout: Layout) -> Stored<T> {
    let least = T::from_f64(if method.loss.beta() > 0.0 { 0.0 } else { 0.01 });
    let mut v = numbers::<T>(layout);
    v.as_mut_slice().iter_mut().for_each(|x| *x = x.max(least));
    Stored::new(&v, layout)
}

/// Whether it is asked to be extrapolated.
fn is_extrapolated(method: Method) -> bool {
    method.extrapolate == Some(true)
}

/// Enough iterations of extrapolated methods for restarts; the automatic one starts on a sketch.
fn nmf<T: Real>(method: Method) -> Nmf<T> {
    let penalty = Penalty { alpha_w: 1e-4, alpha_h: Some(2e-4), l1_ratio: 0.5 };
    let compress = method.update == Update::Auto;
    let iterations = match (is_extrapolated(method), method.update) {
        (true, Update::Newton | Update::Mm) => 80,
        (true, _) => 60,
        (false, _) => 6,
    };
    let nmf = Nmf::new(K).method(method).penalty(penalty).tol(0.0).max_iter(iterations).seed(3);
    if compress { nmf.compress(true) } else { nmf }
}

/// W alone has no sketch. None of these fits restarts within 200 iterations, so that more than a few take no other code.
fn nmf_of_weights<T: Real>(method: Method) -> Nmf<T> {
    nmf(method).compress(false).max_iter(12)
}

/// In a pool of that many threads, more than the cores if need be.
fn on_threads<T: Real>(nmf: &Nmf<T>, v: &Stored<T>, threads: usize) -> Fit<T> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    let fit = pool.install(|| nmf.fit(v)).unwrap();
    assert_eq!(fit.report.plan.threads, threads);
    fit
}

fn lines<T>(fit: &Fit<T>) -> usize
where
    T: Real,
{
    if fit.report.plan.by_columns { fit.model.components().ncols() } else { fit.w.nrows() }
}

/// The violation ratio; multiplicative updates have none.
fn ratio<T: Real>(fit: &Fit<T>) -> f64 {
    fit.report.violation_ratio.unwrap_or(-1.0)
}

fn assert_same<T: Real>(a: &Fit<T>, b: &Fit<T>, what: &str) {
    assert_eq!(first_other_bit(&a.w, &b.w), None, "W, {what}");
    assert_eq!(first_other_bit(a.model.components(), b.model.components()), None, "H, {what}");
    assert_eq!(a.report.iterations, b.report.iterations, "{what}");
    assert_eq!(a.report.compression, b.report.compression, "{what}");
    for (name, x, y) in [
        ("objective", a.report.objective, b.report.objective),
        ("loss", a.report.loss, b.report.loss),
        ("KKT residual", a.report.kkt_residual, b.report.kkt_residual),
        ("violation ratio", ratio(a), ratio(b)),
    ] {
        assert_eq!(x.to_bits(), y.to_bits(), "{name}, {what}: {x} and {y}");
    }
    for (x, y) in a.report.history.iter().zip(&b.report.history) {
        assert_eq!(x.objective.to_bits(), y.objective.to_bits(), "history, {what}");
    }
}

fn assert_blocks_do_not_matter<T: Real>(layout: Layout) {
    for method in METHODS {
        let v = data_for::<T>(method, layout);
        let reference = nmf(method).fit(&v).unwrap();
        assert_eq!(reference.report.plan.by_columns, along_columns(layout));
        let restarts = reference.report.history.iter().filter(|point| point.restarted).count();
        assert_eq!(restarts > 0, is_extrapolated(method), "{method:?}: {restarts}");
        assert_eq!(reference.report.compression.is_some(), method.update == Update::Auto);
        assert!(reference.report.plan.lanes >= 8, "{:?}", reference.report.plan);
        let lane = lines(&reference) / reference.report.plan.lanes;
        // long fits with fewer of them, which take the same code
        let blocks = if is_extrapolated(method) {
            vec![1, 15, 10 * many(layout)]
        } else {
            vec![1, 3, 8, 15, lane / 3, lane, 10 * many(layout)]
        };
        for block in blocks {
            let fit = nmf(method).block(block).fit(&v).unwrap();
            assert_eq!(fit.report.plan.lanes, reference.report.plan.lanes);
            if block < lane {
                assert_eq!(fit.report.plan.block, block);
                assert!(lane / block >= 3, "a lane has {lane} lines, a block {block}");
            }
            assert_same(&fit, &reference, &format!("{} {layout:?} {method:?} blocks of {block}", T::NAME));
        }
    }
}

fn assert_threads_do_not_matter<T: Real>(layout: Layout) {
    for method in METHODS {
        let v = data_for::<T>(method, layout);
        for products in [Products::Fused, Products::Gemm] {
            let supported = method.multiplies_by(products) != Support::No;
            if !supported || (layout.is_sparse() && products != Products::Fused) {
                continue;
            }
            let nmf = nmf(method).products(products).block(15);
            let reference = on_threads(&nmf, &v, 1);
            let plan = &reference.report.plan;
            assert!(plan.lanes >= 8, "{plan:?}");
            assert!(lines(&reference) / plan.lanes >= 3 * plan.block, "{plan:?}");
            for threads in [2, 3, 8] {
                let fit = on_threads(&nmf, &v, threads);
                let what = format!("{} {layout:?} {method:?} {products:?} {threads} threads", T::NAME);
                assert_same(&fit, &reference, &what);
            }
        }
    }
}

/// Law 22. Blocks of any size give the same bits, of dense data by rows.
#[test]
fn block_size_does_not_matter_by_rows() {
    assert_blocks_do_not_matter::<f64>(Layout::RowMajor);
    assert_blocks_do_not_matter::<f32>(Layout::RowMajor);
}

/// Law 22. Blocks of any size give the same bits, of dense data by columns.
#[test]
fn block_size_does_not_matter_by_columns() {
    assert_blocks_do_not_matter::<f64>(Layout::ColMajor);
    assert_blocks_do_not_matter::<f32>(Layout::ColMajor);
}

/// Law 22. Blocks of any size give the same bits, of sparse data by rows and by columns.
#[test]
fn block_size_does_not_matter_to_sparse_data() {
    for layout in [Layout::Csr, Layout::Csc] {
        assert_blocks_do_not_matter::<f64>(layout);
        assert_blocks_do_not_matter::<f32>(layout);
    }
}

/// Law 23. Any number of threads gives the same bits, of sparse data by rows and by columns.
#[test]
fn the_number_of_threads_does_not_matter_to_sparse_data() {
    for layout in [Layout::Csr, Layout::Csc] {
        assert_threads_do_not_matter::<f64>(layout);
        assert_threads_do_not_matter::<f32>(layout);
    }
}

/// Law 22, 23. Few entries in many columns, of which one is full, give the same bits: with the transpose
/// beside them, and in a few long lanes.
#[test]
fn block_size_and_threads_do_not_matter_to_wide_sparse_data() {
    let (m, n) = (9000, 2500);
    let mut numbers = Numbers::new(12);
    let mut v = Dense::<f32>::zeros(m, n);
    for i in 0..m {
        v[(i, 17)] = 0.5 + numbers.uniform() as f32;
        for _ in 0..10 {
            v[(i, numbers.below(n))] = numbers.uniform() as f32;
        }
    }
    for layout in [Layout::Csr, Layout::Csc] {
        let stored = Stored::new(&if layout == Layout::Csc { v.transposed() } else { v.clone() }, layout);
        for method in [
            Method::cd(),
            Method::hals().extrapolated(),
            Method::anls(),
            Method::mu(Loss::KullbackLeibler),
            Method::mm(Loss::KullbackLeibler),
        ] {
            for transpose in [true, false] {
                let mut nmf = nmf::<f32>(method);
                if !transpose {
                    // enough for everything but the transpose, in whose place are lanes, and which takes more on more threads
                    let all = nmf.clone().threads(1).explain(&stored).unwrap();
                    nmf = nmf.memory_limit(all.working_bytes - 1);
                }
                let reference = on_threads(&nmf, &stored, 1);
                assert_eq!(reference.report.plan.transpose, transpose, "{:?}", reference.report.plan);
                assert_eq!(reference.report.plan.lanes, if transpose { 64 } else { 4 });
                for threads in [2, 5] {
                    let what = format!("{layout:?} {method:?} {threads} threads");
                    assert_same(&on_threads(&nmf, &stored, threads), &reference, &what);
                }
                // of a third of the rows at most, for which there is memory
                for block in [1, 50, 3000] {
                    let fit = nmf.clone().block(block).fit(&stored).unwrap();
                    assert_same(&fit, &reference, &format!("{layout:?} {method:?} blocks of {block}"));
                }
            }
        }
        // one WH for both factors leaves no use for a transpose
        let nmf = nmf::<f32>(Method::joint_mm().extrapolated());
        let reference = on_threads(&nmf, &stored, 1);
        assert_eq!((reference.report.plan.transpose, reference.report.plan.lanes), (false, 4));
        for threads in [2, 5] {
            let what = format!("{layout:?} joint, {threads} threads");
            assert_same(&on_threads(&nmf, &stored, threads), &reference, &what);
        }
        for block in [1, 50, 100_000] {
            let fit = nmf.clone().block(block).fit(&stored).unwrap();
            assert_same(&fit, &reference, &format!("{layout:?} joint, blocks of {block}"));
        }
    }
}

/// Law 22, 23. A few neighbouring rows that hold most entries give the same bits: lanes of few rows beside
/// lanes of many, from every start, and the start alone.
#[test]
fn block_size_and_threads_do_not_matter_to_rows_of_very_different_weight() {
    let (m, n) = (2000, 24);
    let mut numbers = Numbers::new(13);
    let v = Dense::from_fn(m, n, |i, j| {
        let entry = (700..900).contains(&i) || j == i % n;
        let x = 0.5 + numbers.uniform();
        if entry && i % 50 != 3 { x } else { 0.0 }
    });
    for layout in [Layout::Csr, Layout::Csc] {
        let stored = Stored::new(&if layout == Layout::Csc { v.transposed() } else { v.clone() }, layout);
        for kind in InitKind::ALL {
            let Some(start) = kind.init() else { continue };
            let nmf = Nmf::<f64>::new(K).init(start).tol(0.0).max_iter(5).seed(2);
            let factors = |threads| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                pool.install(|| nmf.init_factors(&stored)).unwrap()
            };
            let (w, h) = factors(1);
            for threads in [2, 3, 8] {
                let (other_w, other_h) = factors(threads);
                let what = format!("{layout:?} {} {threads} threads", kind.name());
                assert_eq!(first_other_bit(&other_w, &w), None, "W, {what}");
                assert_eq!(first_other_bit(&other_h, &h), None, "H, {what}");
            }
            for method in [Method::cd(), Method::hals().extrapolated(), Method::mm(Loss::KullbackLeibler)] {
                let nmf = nmf.clone().method(method);
                let reference = on_threads(&nmf, &stored, 1);
                let plan = &reference.report.plan;
                // about 140 entries a column, so that sums of rows are taken in the least number of lanes
                assert_eq!((plan.transpose, plan.lanes), (false, 4), "{plan:?}");
                for threads in [2, 3, 8] {
                    let what = format!("{layout:?} {} {method:?} {threads} threads", kind.name());
                    assert_same(&on_threads(&nmf, &stored, threads), &reference, &what);
                }
                for block in [1, 30, 7000] {
                    let fit = nmf.clone().block(block).fit(&stored).unwrap();
                    assert_same(&fit, &reference, &format!("{layout:?} {method:?} blocks of {block}"));
                }
            }
        }
    }
}

/// Law 23. Any number of threads gives the same bits, of dense data by rows.
#[test]
fn the_number_of_threads_does_not_matter_by_rows() {
    assert_threads_do_not_matter::<f64>(Layout::RowMajor);
    assert_threads_do_not_matter::<f32>(Layout::RowMajor);
}

/// Law 23. Any number of threads gives the same bits, of dense data by columns.
#[test]
fn the_number_of_threads_does_not_matter_by_columns() {
    assert_threads_do_not_matter::<f64>(Layout::ColMajor);
    assert_threads_do_not_matter::<f32>(Layout::ColMajor);
}

/// Law 23. Transforming has no sums over rows, so that threads cannot matter there either.
#[test]
fn the_number_of_threads_does_not_matter_to_a_transform() {
    for layout in [Layout::RowMajor, Layout::Csr, Layout::Csc] {
        let v = data::<f64>(layout);
        let fit = nmf::<f64>(Method::cd()).fit(&v).unwrap();
        let mut results: Vec<Dense<f64>> = Vec::new();
        for threads in [1, 2, 3, 8] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            results.push(pool.install(|| fit.model.transform(&v)).unwrap());
        }
        for other in &results[1..] {
            assert_eq!(first_other_bit(other, &results[0]), None, "{layout:?}");
        }
    }
}

/// Law 31. A seed gives the same bits again, and another seed gives others.
#[test]
fn the_same_seed_gives_the_same_bits() {
    for layout in [Layout::RowMajor, Layout::ColMajor, Layout::Csr, Layout::Csc] {
        for method in METHODS {
            let v = data_for::<f64>(method, layout);
            let first = nmf(method).fit(&v).unwrap();
            assert_same(&nmf(method).fit(&v).unwrap(), &first, "a second fit");
            let other = nmf(method).seed(4).fit(&v).unwrap();
            assert!(first_other_bit(&other.w, &first.w).is_some(), "another seed, the same factors");
        }
    }
}

/// Law 31. Fits side by side, fault 61, give the same bits: each has its own generator.
#[test]
fn fits_side_by_side_give_the_same_bits() {
    let v = data::<f64>(Layout::RowMajor);
    let alone = nmf(Method::cd()).fit(&v).unwrap();
    std::thread::scope(|scope| {
        let fits: Vec<_> =
            (0..4).map(|_| scope.spawn(|| nmf(Method::cd()).threads(1).fit(&v).unwrap())).collect();
        for fit in fits {
            assert_same(&fit.join().unwrap(), &alone, "beside three others");
        }
    });
}

/// Law 22, 23. Fits of W alone have the same bits, by every method.
#[test]
fn block_size_and_threads_do_not_matter_to_weights_alone() {
    for layout in [Layout::RowMajor, Layout::ColMajor, Layout::Csr, Layout::Csc] {
        for method in METHODS {
            let v = data_for::<f64>(method, layout);
            let h = Numbers::new(5).matrix(K, numbers::<f64>(layout).ncols());
            let nmf = nmf_of_weights(method);
            let reference = nmf.clone().threads(1).fit_weights(&v, &h).unwrap();
            assert!(reference.report.plan.lanes >= 8, "{:?}", reference.report.plan);
            for block in [1, 17, 10 * many(layout)] {
                let fit = nmf.clone().block(block).fit_weights(&v, &h).unwrap();
                assert_same(&fit, &reference, &format!("{layout:?} {method:?} blocks of {block}"));
            }
            for threads in [2, 3, 8] {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                let fit = pool.install(|| nmf.fit_weights(&v, &h)).unwrap();
                assert_same(&fit, &reference, &format!("{layout:?} {method:?} {threads} threads"));
            }
        }
    }
}
