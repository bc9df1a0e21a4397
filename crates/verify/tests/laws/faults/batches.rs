//! Learning from batches as they come.

use orthant::{Dense, Error, Loss, MiniBatchNmf};
use orthant_verify::compare::{first_other_bit, is_non_negative};

use super::{LOSSES, batches, problem};

/// Fault 51. A batch that is empty, all zero, bad or of another width leaves what was learnt, and learning
/// goes on.
#[test]
fn a_bad_batch_leaves_what_was_learnt() {
    let p = problem();
    for loss in LOSSES.into_iter().chain([Loss::ItakuraSaito]) {
        let mut online = batches::<f64>(loss).online().unwrap();
        assert!(online.model().is_none() && online.steps() == 0);
        // before there is anything
        online.partial_fit(&Dense::<f64>::zeros(0, 9)).unwrap();
        assert!(online.model().is_none() && online.steps() == 0, "{loss}");
        assert_eq!(
            online.partial_fit(&Dense::<f64>::zeros(4, 0)).unwrap_err(),
            Error::Empty { rows: 4, cols: 0 }
        );
        online.partial_fit(&p.v).unwrap();
        let learnt = online.model().unwrap();
        assert_eq!((learnt.components().nrows(), learnt.components().ncols()), (3, 9));
        assert_eq!(learnt.loss(), loss);
        assert!(is_non_negative(learnt.components()));
        // another width, and nothing is forgotten
        for (rows, cols) in [(5, 8), (5, 10), (0, 8), (9, 1)] {
            let batch = Dense::from_fn(rows, cols, |_, _| 1.0);
            let expected = Error::ShapeMismatch { operand: "V", expected: (rows, 9), found: (rows, cols) };
            assert_eq!(online.partial_fit(&batch).unwrap_err(), expected, "{loss}");
        }
        // nothing in it
        online.partial_fit(&Dense::<f64>::zeros(0, 9)).unwrap();
        assert_eq!(online.steps(), 1, "{loss}");
        assert_eq!(first_other_bit(online.model().unwrap().components(), learnt.components()), None);
        if loss.beta() > 0.0 {
            online.partial_fit(&Dense::<f64>::zeros(6, 9)).unwrap();
            assert_eq!(online.steps(), 2, "{loss}");
        } else {
            let error = online.partial_fit(&Dense::<f64>::zeros(6, 9)).unwrap_err();
            assert_eq!(error, Error::ZeroInNonPositiveBeta { row: 0, col: 0, count: 54 });
        }
        assert_eq!(
            first_other_bit(online.model().unwrap().components(), learnt.components()),
            None,
            "{loss}"
        );
        // a bad batch leaves it as it was, and it goes on
        let mut bad = p.v.clone();
        bad[(2, 2)] = f64::NAN;
        let error = online.partial_fit(&bad).unwrap_err();
        assert!(matches!(error, Error::NonFinite { operand: "V", row: 2, col: 2, .. }), "{error:?}");
        assert_eq!(
            first_other_bit(online.model().unwrap().components(), learnt.components()),
            None,
            "{loss}"
        );
        // batches of other sizes than the first, down to a row
        let steps = online.steps();
        for rows in [1, 4, 13] {
            online.partial_fit(&p.v.view().rows(0..rows)).unwrap();
        }
        assert_eq!(online.steps(), steps + 3);
        assert!(is_non_negative(online.model().unwrap().components()));
        assert!(first_other_bit(online.model().unwrap().components(), learnt.components()).is_some());
    }
    // a first batch of zeros makes no start
    let mut online = MiniBatchNmf::<f64>::new(3).init(orthant::Init::Random).online().unwrap();
    online.partial_fit(&Dense::<f64>::zeros(6, 9)).unwrap();
    assert!(online.model().is_none());
    online.partial_fit(&p.v).unwrap();
    assert!(online.model().is_some());
}
