//! What goes with what: the table in the documentation is the code's, and the code does what the table says.

use std::path::Path;

use orthant::{
    Dense, Error, Init, InitKind, Loss, Nmf, Penalty, Products, Stop, Support, Warning, capability_table,
};
use orthant_verify::forms::FORMS;
use orthant_verify::strategies::Numbers;

const LOSSES: [Loss; 5] =
    [Loss::Frobenius, Loss::KullbackLeibler, Loss::ItakuraSaito, Loss::Beta(0.5), Loss::Beta(3.0)];

#[test]
fn the_documented_table_is_the_codes() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/methods.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let (begin, end) = ("<!-- table -->\n", "<!-- end of table -->");
    let from = text.find(begin).expect("the beginning of the table") + begin.len();
    let to = from + text[from..].find(end).expect("the end of the table");
    let table = format!("\n{}\n", capability_table());
    if std::env::var_os("ORTHANT_WRITE").is_some() {
        std::fs::write(&path, format!("{}{table}{}", &text[..from], &text[to..])).unwrap();
        return;
    }
    assert!(text[from..to] == table, "docs/methods.md is old: run this test with ORTHANT_WRITE=1\n{table}");
}

fn refused<T>(outcome: &Result<T, Error>) -> bool {
    matches!(outcome, Err(Error::Unsupported { what, supported }) if !what.is_empty() && !supported.is_empty())
}

/// Every method with every loss, start, penalty, stop and kind of products on a small problem.
#[test]
fn the_code_does_what_the_table_says() {
    let v = Dense::from_fn(14, 11, {
        let mut numbers = Numbers::new(3);
        move |_, _| 0.1 + numbers.uniform()
    });
    let mut numbers = Numbers::new(4);
    let (w, h) = (numbers.matrix(14, 3), numbers.matrix(3, 11));
    let penalties = [(0.0, 0.0), (1e-3, 0.0), (1e-3, 1.0), (1e-3, 0.4)];
    for form in FORMS {
        for loss in LOSSES {
            let method = form.of(loss);
            if let Err(error) = method.check() {
                let goes =
                    form.update.minimises(loss) && (!form.extrapolated || form.update.extrapolates(loss));
                assert!(!goes, "{method} {loss}");
                assert!(refused::<()>(&Err(error)), "{method} {loss}");
                continue;
            }
            let nmf = || Nmf::<f64>::new(3).method(method).max_iter(4).tol(0.0);
            for kind in InitKind::ALL {
                for (alpha_w, l1_ratio) in penalties {
                    let start = kind.init().unwrap_or_else(|| Init::Custom { w: w.clone(), h: h.clone() });
                    let penalty = Penalty { alpha_w, alpha_h: None, l1_ratio };
                    let fit = nmf().init(start).penalty(penalty).fit(&v);
                    let what = format!("{method}, {loss}, {}, α {alpha_w}, L1 {l1_ratio}", kind.name());
                    let report = fit.unwrap_or_else(|e| panic!("{what}: {e}")).report;
                    assert!(report.objective.is_finite(), "{what}");
                    let locks = report.warnings.iter().any(|w| matches!(w, Warning::LockedZeros { .. }));
                    match method.starts_from(kind) {
                        // a start that may have zeros need not have any
                        Support::Warned => {}
                        Support::Yes => assert!(!locks, "{what}"),
                        Support::No => panic!("{what}"),
                    }
                }
            }
            for stop in
                [Stop::Violation { tol: 0.0 }, Stop::ErrorDecrease { tol: 0.0 }, Stop::Progress { tol: 0.0 }]
            {
                let fit = nmf().init(Init::Random).stop(stop).fit(&v);
                assert_eq!(refused(&fit), method.stops_by(stop) == Support::No, "{method} {stop:?}");
            }
            let fit = nmf().init(Init::Random).shuffle(true).fit(&v);
            assert_eq!(refused(&fit), method.shuffles() == Support::No, "{method} shuffled");
            let fit = nmf().init(Init::Random).products(Products::Gemm).fit(&v);
            let expected = method.multiplies_by(Products::Gemm) == Support::No;
            assert_eq!(refused(&fit), expected, "{method} {loss} by gemm");
        }
    }
}
