//! Under limits of the address space a call ends with a result or with a typed error, whatever the limit.
#![cfg(target_os = "linux")]

use std::process::Command;

use orthant::{Dense, Error, Init, Loss, Method, MiniBatchNmf, Model, Nmf, Penalty, Transform};

/// What tells a child of this program that it is to compute.
const CHILD: &str = "ORTHANT_TEST_CHILD";

fn is_typed(error: &Error) -> bool {
    matches!(error, Error::OutOfMemory { need, have } if need > have)
        || matches!(error, Error::Threads { .. })
}

/// Does nothing, but in a child: there some calls of 30 MB and more.
#[test]
fn child() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    // before the data, which may leave nothing for it
    let mut ends = Vec::with_capacity(8);
    let v = Dense::<f32>::from_fn(20_000, 40, |i, j| ((i * 7 + j * 3) % 11) as f32 + 0.5);
    for init in [Init::Random, Init::Nndsvda, Init::Spa] {
        for method in [Method::hals().extrapolated(), Method::mm(Loss::KullbackLeibler)] {
            let nmf = Nmf::new(40).method(method).init(init.clone()).max_iter(1).threads(1).tol(0.0);
            ends.push(nmf.fit(&v).map(|_| ()));
        }
    }
    let large = Nmf::new(1_000_000).init(Init::Random).max_iter(1).threads(1).fit(&v);
    assert!(large.as_ref().is_err_and(is_typed), "{large:?}");
    let batches = MiniBatchNmf::new(40).init(Init::Random).max_iter(1).threads(1);
    ends.push(batches.fit(&v).map(|_| ()));
    let h = Dense::from_fn(40, 40, |t, j| ((t + 2 * j) % 5) as f32 + 0.1);
    let model = Model::from_components(h, Penalty::default()).unwrap();
    let options = Transform { threads: Some(1), max_sweeps: 2, ..Transform::default() };
    ends.push(model.transform_with(&v, &options).map(|_| ()));
    assert!(ends.iter().all(|end| end.as_ref().err().is_none_or(is_typed)), "{ends:?}");
}

#[test]
fn no_limit_of_the_address_space_ends_the_process() {
    let program = std::env::current_exe().unwrap();
    let mut ran = 0;
    for mebibytes in (60..124).step_by(8) {
        let command = format!(r#"ulimit -v {} && exec "$0" --exact child --test-threads 1"#, mebibytes << 10);
        let out = Command::new("sh")
            .args(["-c", &command])
            .arg(&program)
            .env(CHILD, "1")
            // of which its own end would wait for threads that the limit kept from beginning
            .env("OPENBLAS_NUM_THREADS", "1")
            .output()
            .unwrap();
        // what cannot even begin, or hold the data, is no matter of a fit
        let text = String::from_utf8_lossy(&out.stderr).into_owned() + &String::from_utf8_lossy(&out.stdout);
        let began = text.contains("running 1 test");
        let held = !text.contains("memory allocation of 3200000 bytes failed");
        if began && held {
            assert!(out.status.success(), "{mebibytes} MiB: {:?}\n{text}", out.status);
            ran += 1;
        }
    }
    assert!(ran > 3, "{ran}");
}
