//! Losses, solvers, starts and mini-batches: what is asked for is what the library is asked for.

mod common;

use std::path::Path;

use common::{COUNTS, Ran, dir, file, run};
use orthant::{Dense, Fit, Init, InitKind, Loss, Method, MiniBatchNmf, Model, Nmf, Penalty};
use orthant_io::{Names, ReadOptions, SavedModel, read_matrix, write_matrix};
use serde_json::{Value, json};

fn matrix(path: impl AsRef<Path>) -> Dense<f64> {
    Dense::copy_of(read_matrix::<f64>(path, &ReadOptions::default()).unwrap().view())
}

fn report(out: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(out.join("report.json")).unwrap()).unwrap()
}

/// What was saved, to the bit.
#[track_caller]
fn saved(out: &Path, w: &Dense<f64>, model: &Model<f64>, objective: f64) {
    assert_eq!(&matrix(out.join("W.npy")), w);
    assert_eq!(&matrix(out.join("H.npy")), model.components());
    assert_eq!(&SavedModel::<f64>::load(out.join("model.safetensors")).unwrap().model, model);
    assert_eq!(report(out)["objective"], objective);
}

#[track_caller]
fn says(ran: Ran, code: i32, message: &str) {
    let ran = ran.ends(code);
    assert_eq!((ran.err, ran.out), (format!("orthant: error: {message}\n"), String::new()));
}

/// Forty positive rows of nine.
fn positive(dir: &Path) -> Dense<f64> {
    let v = Dense::from_fn(40, 9, |i, j| ((i * 7 + j * 5) % 13) as f64 + ((i % 4) * j) as f64 + 0.25);
    write_matrix(dir.join("v.npy"), v.view(), Names::default()).unwrap();
    v
}

#[test]
fn losses_and_solvers_are_the_librarys() {
    let d = dir();
    let v = positive(d.path());
    let kl = Loss::KullbackLeibler;
    for (args, method, loss) in [
        ("--loss kl --solver mu", Method::mu(kl), "kullback-leibler loss"),
        ("--loss 1 --solver mm", Method::mm(kl), "kullback-leibler loss"),
        ("--loss kl", Method::auto(kl), "kullback-leibler loss"),
        ("--loss kl --solver newton", Method::newton(), "kullback-leibler loss"),
        ("--loss kl --solver newton --sweeps 3", Method::newton().sweeps(3), "kullback-leibler loss"),
        (
            "--loss kl --solver newton --extrapolate on --sweeps 2",
            Method::newton().extrapolated().sweeps(2),
            "kullback-leibler loss",
        ),
        ("--loss kl --sweeps 2", Method::newton().extrapolated().sweeps(2), "kullback-leibler loss"),
        ("--loss is", Method::mm(Loss::ItakuraSaito).extrapolated(), "itakura-saito loss"),
        ("--loss kl --solver joint-mm", Method::joint_mm(), "kullback-leibler loss"),
        (
            "--loss 1 --solver joint-mm --extrapolate on",
            Method::joint_mm().extrapolated(),
            "kullback-leibler loss",
        ),
        ("--loss is --solver mm", Method::mm(Loss::ItakuraSaito), "itakura-saito loss"),
        ("--loss -0.5 --solver mu", Method::mu(Loss::Beta(-0.5)), "beta -0.5 loss"),
        ("--loss frobenius --solver mu", Method::mu(Loss::Frobenius), "loss"),
        ("--loss 2 --solver cd", Method::cd(), "loss"),
        ("--solver hals --sweeps 3", Method::hals().sweeps(3), "loss"),
        ("--solver hals --extrapolate on", Method::hals().extrapolated(), "loss"),
        ("--extrapolate off", Method::hals(), "loss"),
        ("--sweeps 2", Method::hals().extrapolated().sweeps(2), "loss"),
        ("", Method::auto(Loss::Frobenius), "loss"),
    ] {
        let args = format!("fit v.npy -k 3 {args} --init random --seed 0 --max-iter 30 -o out");
        let ran = run(d.path(), &args).ends(0);
        let base = if method.is_compatible() { Nmf::sklearn(3) } else { Nmf::new(3) };
        let nmf = base.method(method).init(Init::Random).seed(0).max_iter(30);
        let Fit { w, model, report, .. } = nmf.fit(&v).unwrap();
        saved(&d.path().join("out"), &w, &model, report.objective);
        let summary = ran.out.lines().nth(1).unwrap();
        let end = format!(", {loss} {:.6e}", report.objective);
        assert!(summary.ends_with(&end), "{args}: {summary}");
    }
}

#[test]
fn the_error_that_is_printed_is_scikit_learns() {
    let d = dir();
    let v = positive(d.path());
    let args = "fit v.npy -k 2 --loss kl --solver mu --init random --seed 5 --max-iter 7 --quiet --print";
    let ran = run(d.path(), args).ends(0);
    let mu = Nmf::sklearn(2).method(Method::mu(Loss::KullbackLeibler)).init(Init::Random).seed(5);
    let error = mu.max_iter(7).fit(&v).unwrap().report.reconstruction_error;
    let lines: Vec<&str> = ran.out.lines().rev().take(2).collect();
    let [printed, iterations] = lines[..] else { panic!("{}", ran.out) };
    assert_eq!(iterations, "iterations = 7");
    let printed: f64 = printed.strip_prefix("error = ").unwrap().parse().unwrap();
    assert!((printed - error).abs() <= 1e-11 * error, "{printed} {error}");
}

#[test]
fn mini_batches_are_the_librarys() {
    let d = dir();
    let v = positive(d.path());
    let args = "fit v.npy -k 3 --minibatch --batch-size 12 --forget-factor 0.5 --max-no-improvement none --loss kl \
                --init random --seed 2 --max-iter 20 --tol 0 --alpha-w 0.001 --l1-ratio 0.5";
    let own = MiniBatchNmf::<f64>::new(3)
        .batch_size(12)
        .forget_factor(0.5)
        .max_no_improvement(None)
        .loss(Loss::KullbackLeibler)
        .init(Init::Random)
        .seed(2)
        .max_iter(20)
        .tol(0.0)
        .penalty(Penalty { alpha_w: 0.001, alpha_h: None, l1_ratio: 0.5 });
    let out = d.path().join("out");
    for (more, own) in [("", own.clone()), ("--fresh-restarts", own.fresh_restarts(true))] {
        let ran = run(d.path(), &format!("{args} {more} --print -o out")).ends(0);
        let fit = own.fit(&v).unwrap();
        saved(&out, &fit.w, &fit.model, fit.report.objective);
        assert_eq!(
            (report(&out)["steps"].as_u64(), report(&out)["iterations"].as_u64()),
            (Some(80), Some(20))
        );
        assert!(ran.out.contains("\niteration limit after 80 steps in 20 passes, "), "{}", ran.out);
        assert!(ran.out.contains("\niterations = 20\nsteps = 80\nerror = "), "{}", ran.out);
    }
    // by default as scikit-learn's, from the default start
    run(d.path(), "fit v.npy -k 3 --minibatch --quiet -o out").ends(0);
    let fit = MiniBatchNmf::<f64>::new(3).fit(&v).unwrap();
    saved(&out, &fit.w, &fit.model, fit.report.objective);
    assert_eq!(report(&out)["options"]["minibatch"]["batch_size"], 1024);
}

#[test]
fn every_start_is_kept_with_the_results() {
    let d = dir();
    positive(d.path());
    let out = d.path().join("out");
    for kind in InitKind::ALL.into_iter().filter(|&kind| kind != InitKind::Custom) {
        let name = kind.name();
        run(d.path(), &format!("fit v.npy -k 2 --init {name} --max-iter 2 -q -o out")).ends(0);
        assert_eq!(report(&out)["options"]["init"], name);
    }
    run(d.path(), "fit v.npy -k 2 --solver cd --shuffle -q -o out").ends(0);
    let options = &report(&out)["options"];
    assert_eq!((&options["init"], &options["shuffle"]), (&Value::Null, &true.into()));
}

#[test]
fn given_starts() {
    let d = dir();
    let v = positive(d.path());
    let w = Dense::from_fn(40, 2, |i, t| (i + 3 * t) as f64 * 0.125 + 0.5);
    let h = Dense::from_fn(2, 9, |t, j| ((j + t) % 4) as f64 * 0.25 + 0.5);
    write_matrix(d.path().join("w.csv"), w.view(), Names::default()).unwrap();
    write_matrix(d.path().join("h.npy"), h.view(), Names::default()).unwrap();
    let start = Init::Custom { w, h };
    let out = d.path().join("out");
    for init in ["--init custom", ""] {
        let args = format!("fit v.npy -k 2 {init} --start-w w.csv --start-h h.npy --max-iter 5 -q -o out");
        run(d.path(), &args).ends(0);
        let fit = Nmf::new(2).init(start.clone()).max_iter(5).fit(&v).unwrap();
        saved(&out, &fit.w, &fit.model, fit.report.objective);
        assert_eq!(report(&out)["options"]["init"], "custom");
    }
    let args = "fit v.npy -k 2 --minibatch --start-w w.csv --start-h h.npy -q -o out";
    run(d.path(), args).ends(0);
    let fit = MiniBatchNmf::new(2).init(start).fit(&v).unwrap();
    saved(&out, &fit.w, &fit.model, fit.report.objective);

    let args = "fit v.npy -k 3 --start-w w.csv --start-h h.npy -q -o out3";
    says(run(d.path(), args), 1, "w.csv: 40×2, but W must be 40×3 here");
    let args = "fit v.npy -k 2 --start-w w.csv --start-h v.npy -q -o out3";
    says(run(d.path(), args), 1, "v.npy: 40×9, but H must be 2×9 here");
    file(d.path(), "bad.csv", "1,2,3,4,5,6,7,8,9\n1,2,-3,4,5,6,7,8,9\n");
    let message =
        "bad.csv: line 2, field 3 (row 1, column 2): -3 is negative; every entry must be at least 0";
    says(run(d.path(), "fit v.npy -k 2 --start-w w.csv --start-h bad.csv -q -o out3"), 1, message);
    let ran = run(d.path(), "fit v.npy -k 2 --start-w w.csv --start-h none.csv -q -o out3").ends(1);
    assert!(ran.err.starts_with("orthant: error: cannot read none.csv: "), "{}", ran.err);
    assert!(!d.path().join("out3").exists());
}

#[test]
fn what_does_not_go_together_is_refused_by_name() {
    let d = dir();
    positive(d.path());
    for (args, message) in [
        (
            "--solver cd --loss kl",
            "solver cd with loss kullback-leibler is not supported; cd goes with frobenius, kullback-leibler with auto, newton, mm, joint-mm and mu",
        ),
        (
            "--solver anls --loss 0.5",
            "solver anls with loss beta 0.5 is not supported; anls goes with frobenius, beta 0.5 with auto, mm and mu",
        ),
        (
            "--solver joint-mm --extrapolate on --loss is",
            "solver joint-mm with loss itakura-saito is not supported; joint-mm goes with kullback-leibler, itakura-saito with auto, mm and mu",
        ),
        (
            "--solver cd --sweeps 3",
            "a number of sweeps with cd and loss frobenius is not supported; hals and newton sweep several times, and auto where it comes to one of them",
        ),
        (
            "--loss is --sweeps 3",
            "a number of sweeps with auto and loss itakura-saito is not supported; hals and newton sweep several times, and auto where it comes to one of them",
        ),
        (
            "--solver mm --extrapolate on",
            "extrapolation of mm with loss frobenius is not supported; with frobenius auto and hals can be extrapolated",
        ),
        (
            "--solver cd --loss 2 --extrapolate on",
            "extrapolation of cd with loss frobenius is not supported; with frobenius auto and hals can be extrapolated",
        ),
        ("--shuffle", "--shuffle goes with --solver cd, not with --solver auto"),
        (
            "--solver hals --compress",
            "--compress goes with --solver auto, or hals and --extrapolate on, and --loss frobenius, not with --solver hals and --loss frobenius",
        ),
        (
            "--loss kl --compress",
            "--compress goes with --solver auto, or hals and --extrapolate on, and --loss frobenius, not with --solver auto and --loss kullback-leibler",
        ),
        (
            "--minibatch --compress",
            "--compress goes with --solver auto, or hals and --extrapolate on, and --loss frobenius, not with --minibatch and --loss frobenius",
        ),
        ("--minibatch --shuffle", "--shuffle goes with --solver cd, not with --minibatch"),
        ("--minibatch --solver mm", "--minibatch goes with --solver mu, not with --solver mm"),
        (
            "--loss kl --products gemm",
            "--products gemm and blas go with --loss frobenius on the whole data, not with --loss kullback-leibler, which \
             goes with --products fused",
        ),
        (
            "--minibatch --products gemm",
            "--products gemm and blas go with --loss frobenius on the whole data, not with --minibatch, which goes with \
             --products fused",
        ),
        ("--init custom", "--init custom needs the factors: give --start-w and --start-h"),
        (
            "--init spa --start-w v.npy --start-h v.npy",
            "--start-w and --start-h go with --init custom, not with spa",
        ),
    ] {
        says(run(d.path(), &format!("fit v.npy -k 2 {args} -o out")), 2, message);
    }
    for (args, part) in [
        ("--loss hellinger", "is no loss: frobenius, kl"),
        ("--loss nan", "is no loss: frobenius, kl"),
        ("--batch-size 3", "--minibatch"),
        ("--forget-factor 0.5", "--minibatch"),
        ("--fresh-restarts", "--minibatch"),
        ("--max-no-improvement none", "--minibatch"),
        ("--minibatch --batch-size 0", "a whole number of at least 1 is needed"),
        ("--minibatch --forget-factor 1.5", "a number from 0 to 1 is needed"),
        ("--minibatch --max-no-improvement 0", "a whole number of at least 1, or none, is needed"),
        ("--start-w v.npy", "--start-h"),
        ("--start-h v.npy", "--start-w"),
    ] {
        let ran = run(d.path(), &format!("fit v.npy -k 2 {args} -o out")).ends(2);
        assert!(ran.err.contains(part) && ran.out.is_empty(), "{args}: {}", ran.err);
    }
    assert!(!d.path().join("out").exists());
    // and what fits, does
    run(d.path(), "fit v.npy -k 2 --minibatch --solver mu --products fused -q -o out").ends(0);
}

#[test]
fn a_zero_is_named_where_the_loss_has_no_room_for_it() {
    let d = dir();
    file(d.path(), "v.csv", "x,y\n1,2\n0,3\n4,0\n");
    for args in ["--loss is", "--loss -1 --solver mu", "--loss is --minibatch"] {
        says(
            run(d.path(), &format!("fit v.csv -k 1 -q {args} -o out")),
            1,
            "v.csv: line 3, field 1 (row 1, column 0 \"x\"): 0, the first of 2 such; the loss is, like any β of at most 0, \
             needs every entry above 0: add a small number to all of them, or fit with --loss kl",
        );
    }
}

#[test]
fn transform_goes_by_the_loss_of_the_fit() {
    let d = dir();
    let v = positive(d.path());
    run(d.path(), "fit v.npy -k 2 --loss kl -q -o out").ends(0);
    run(d.path(), "transform out v.npy -q -o w.npy").ends(0);
    let saved = SavedModel::<f64>::load(d.path().join("out/model.safetensors")).unwrap();
    assert_eq!(saved.manifest.loss, Loss::KullbackLeibler);
    assert_eq!(saved.model.loss(), Loss::KullbackLeibler);
    assert_eq!(matrix(d.path().join("w.npy")), saved.model.transform(&v).unwrap());
}

#[test]
fn compatible_transforms_are_those_of_the_fits_own_method() {
    let d = dir();
    positive(d.path());
    let new = Dense::from_fn(5, 9, |i, j| ((i * 3 + j) % 5) as f64 + 0.5);
    write_matrix(d.path().join("new.npy"), new.view(), Names::default()).unwrap();
    let penalty = Penalty { alpha_w: 0.01, alpha_h: Some(0.0), l1_ratio: 0.0 };
    let kl = Loss::KullbackLeibler;
    let whole = |method| Nmf::sklearn(2).method(method).penalty(penalty).tol(1e-3).max_iter(90);
    let batches = MiniBatchNmf::new(2).batch_size(16).loss(kl).penalty(penalty).tol(1e-3).max_iter(90);
    for (args, method) in [
        ("--solver cd", Some(Method::cd())),
        // a start has no say in it
        ("--solver mu --loss kl --init random", Some(Method::mu(kl))),
        ("--minibatch --batch-size 16 --loss kl --init random", None),
    ] {
        let args =
            format!("fit v.npy -k 2 {args} --alpha-w 0.01 --alpha-h 0 --tol 1e-3 --max-iter 90 -q -o out");
        run(d.path(), &args).ends(0);
        run(d.path(), "transform out new.npy --compatible --threads 1 -q -o w.npy").ends(0);
        let (w, h) = (matrix(d.path().join("w.npy")), matrix(d.path().join("out/H.npy")));
        let expected = match method {
            Some(method) => whole(method).fit_weights(&new, &h).unwrap().w,
            None => batches.transform(&new, &h).unwrap(),
        };
        assert_eq!(w, expected, "{args}");
        run(d.path(), "transform out new.npy -q -o own.npy").ends(0);
        assert_ne!(w, matrix(d.path().join("own.npy")), "{args}");
    }
}

#[test]
fn compatible_transforms_go_with_fits_that_had_a_scale() {
    let d = dir();
    file(d.path(), "counts.csv", COUNTS);
    run(d.path(), "fit counts.csv -k 2 --solver cd --scale h-sum -q -o out").ends(0);
    run(d.path(), "transform out counts.csv --compatible -q -o w.npy").ends(0);
}

#[test]
fn compatible_transforms_need_a_fit_of_scikit_learns() {
    let d = dir();
    file(d.path(), "counts.csv", COUNTS);
    run(d.path(), "fit counts.csv -k 2 -q -o out").ends(0);
    says(
        run(d.path(), "transform out counts.csv --compatible"),
        2,
        "--compatible goes with models fitted by --solver cd, --solver mu or --minibatch; the model in out was fitted by \
         auto: leave --compatible out",
    );
    let h = Dense::from_fn(1, 5, |_, j| j as f64);
    let model = Model::from_components(h, Penalty::default()).unwrap();
    SavedModel::new(model).save(d.path().join("bare.safetensors")).unwrap();
    says(
        run(d.path(), "transform bare.safetensors counts.csv --compatible"),
        2,
        "--compatible goes with models fitted by --solver cd, --solver mu or --minibatch; the model in bare.safetensors does \
         not say how it was fitted: leave --compatible out",
    );
    let ran = run(d.path(), "transform out counts.csv --compatible --tol 1e-3").ends(2);
    assert!(ran.err.contains("cannot be used with"), "{}", ran.err);
    // the columns are counted here too
    run(d.path(), "fit counts.csv -k 2 --solver cd -q -o out").ends(0);
    file(d.path(), "narrow.csv", "1,2,3\n");
    let message = "narrow.csv: 3 columns, but the model in out was fitted to 5";
    says(run(d.path(), "transform out narrow.csv --compatible"), 1, message);
}

#[test]
fn single_precision_goes_the_same_ways() {
    let d = dir();
    positive(d.path());
    for args in ["--loss kl", "--minibatch --batch-size 10", "--solver mu --loss is"] {
        run(d.path(), &format!("fit v.npy -k 2 {args} --f32 -q -o out")).ends(0);
        assert_eq!(report(&d.path().join("out"))["input"]["dtype"], json!("float32"), "{args}");
        run(d.path(), "transform out v.npy -q -o w.npy").ends(0);
        if !args.ends_with("kl") {
            run(d.path(), "transform out v.npy --compatible -q -o w.npy").ends(0);
        }
    }
}

/// The plan is the library's, and nothing is fitted or written.
#[test]
fn a_plan_is_explained_without_a_fit() {
    let d = dir();
    positive(d.path());
    let ran = run(d.path(), "fit v.npy -k 2 --threads 1 --explain -o out").ends(0);
    let mut lines = ran.out.lines();
    assert_eq!(lines.next().unwrap(), "data      40×9: every element is looked at");
    assert_eq!(lines.next().unwrap(), "method    extrapolated hals, frobenius: the default for this loss");
    for what in ["sweeps", "start", "pass", "lanes", "block", "threads", "products", "memory"] {
        assert!(ran.out.lines().any(|line| line.starts_with(what)), "{what} in {}", ran.out);
    }
    assert!(!d.path().join("out").exists());
    let ran = run(d.path(), "fit v.npy -k 2 --loss kl --explain").ends(0);
    let line = "\nmethod    extrapolated newton, kullback-leibler: the default for this loss\n";
    assert!(ran.out.contains(line), "{}", ran.out);
}
