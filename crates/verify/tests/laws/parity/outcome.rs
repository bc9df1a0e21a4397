//! What a case's comparisons came to, and the list of exceptions that they are held against.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use orthant::{Dense, Real};
use orthant_verify::compare::{cast, difference, unit_roundoff};
use orthant_verify::oracle;

use super::listing::Case;

pub const UNDETERMINED: &str = "undetermined";
pub const STALE: &str = "stale coordinate";
pub const EMPTY: &str = "scikit-learn takes no H that is all zero";
pub const NON_FINITE: &str = "scikit-learn returned non-finite";
pub const BELOW_EPSILON: &str = "entries below scikit-learn's EPSILON";
pub const ALIASED: &str = "scikit-learn adds the L1 weight again in every iteration";

/// Every reason for which something is compared with more room or not at all.
const CLASSES: [&str; 6] = [UNDETERMINED, STALE, EMPTY, NON_FINITE, BELOW_EPSILON, ALIASED];

/// One comparison that was not made in full.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize, serde::Serialize)]
pub struct Exception {
    pub case: String,
    pub class: String,
    pub what: String,
}

/// What one case has to say.
pub struct Outcome<'a> {
    pub case: &'a Case,
    pub complaints: Vec<String>,
    /// Comparisons at the full tolerance.
    pub strict: usize,
    /// The others, each with what was allowed instead.
    pub exceptions: Vec<(Exception, Option<f64>)>,
    pub double: bool,
}

impl<'a> Outcome<'a> {
    pub fn new<T: Real>(case: &'a Case) -> Self {
        let double = T::NAME == "float64";
        Self { case, complaints: Vec::new(), strict: 0, exceptions: Vec::new(), double }
    }

    pub fn check(&mut self, good: bool, what: impl FnOnce() -> String) {
        if !good {
            self.complaints.push(format!("{}: {}", self.case.name, what()));
        }
    }

    pub fn except(&mut self, class: &str, what: &str, allowed: Option<f64>) {
        let (case, class, what) = (self.case.name.clone(), class.to_owned(), what.to_owned());
        self.exceptions.push((Exception { case, class, what }, allowed));
    }

    /// The tolerance, or eight times scikit-learn's own spread where that is more.
    pub fn allowed(&mut self, what: &str, tolerance: f64, spread: f64) -> f64 {
        if 8.0 * spread <= tolerance {
            self.strict += 1;
            return tolerance;
        }
        self.except(UNDETERMINED, what, Some(8.0 * spread));
        8.0 * spread
    }

    pub fn near<T: Real>(&mut self, what: &str, found: &Dense<T>, expected: &Dense<T>, tolerance: f64) {
        let d = difference(found, expected);
        self.check(d <= tolerance, || format!("{what} differs by {d:e}, allowed {tolerance:e}"));
    }

    /// Whether a count is within those of scikit-learn, give or take `slack`.
    pub fn count(
        &mut self,
        what: &str,
        found: usize,
        (count, least, most): (usize, usize, usize),
        slack: usize,
    ) {
        self.check(least <= found + slack && found <= most + slack, || {
            format!("{what}: {found}, scikit-learn {count}")
        });
    }

    /// Whether `iterations` came before scikit-learn left a stale value.
    pub fn comparable(&mut self, what: &str, iterations: usize) -> bool {
        let stale = self.case.stale.is_some_and(|stale| iterations >= stale);
        if stale {
            self.except(STALE, what, None);
        }
        !stale
    }

    /// Whether scikit-learn's own iterations part after changes in the last place, so that there is no count or loss
    /// to compare with; `exact` fits may still part in a loss that is all rounding.
    pub fn parts(&self, exact: bool) -> bool {
        let (steps, loss) = if self.double { (1e-9, 1e-6 / 8.0) } else { (1e-2, 1e-3) };
        let spread = &self.case.spread;
        spread.steps.values().any(|s| *s > steps) || (!exact && spread.loss > loss)
    }

    /// The loss of a whole fit beside scikit-learn's, both by the oracle. Returns what was allowed.
    pub fn loss<T: Real>(&mut self, ours: (&Dense<T>, &Dense<T>), theirs: &Loss) -> f64 {
        let (w, h) = ours;
        let ours = oracle::divergence(&theirs.x, &cast(w), &cast(h), self.case.beta);
        let &Loss { value: theirs, rounding, .. } = theirs;
        let spread = if theirs <= rounding { 0.0 } else { self.case.spread.loss };
        let tolerance = self.allowed("loss", 1e-6, spread);
        // where WH is 0 and X is not, a loss with beta ≤ 1 is infinite, and for both
        let good = ours == theirs || (ours - theirs).abs() <= tolerance * theirs + rounding;
        self.check(good, || format!("loss {ours:e}, scikit-learn {theirs:e}, rounding {rounding:e}"));
        tolerance
    }
}

/// scikit-learn's loss by the oracle.
pub struct Loss {
    pub x: Dense<f64>,
    pub value: f64,
    /// Below this a loss is what the rounding of WH leaves.
    pub rounding: f64,
}

impl Loss {
    pub fn new<T: Real>(case: &Case, x: &Dense<T>, w: &Dense<T>, h: &Dense<T>) -> Self {
        let x = cast(x);
        let value = oracle::divergence(&x, &cast(w), &cast(h), case.beta);
        let unit = (case.k as f64 * unit_roundoff::<T>()).powi(2);
        let rounding = 16.0 * unit * oracle::power_sum(&x, case.beta);
        Self { x, value, rounding }
    }

    pub fn is_rounding(&self) -> bool {
        self.value <= self.rounding
    }
}

/// The committed list: why each class is one, and which comparisons of the committed cases are excepted.
#[derive(serde::Deserialize)]
pub struct Exceptions {
    classes: BTreeMap<String, String>,
    committed: BTreeSet<Exception>,
}

impl Exceptions {
    pub fn read() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/sklearn/exceptions.json");
        let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let list: Self = serde_json::from_str(&text).expect("a list of exceptions");
        let classes: BTreeSet<&str> = list.classes.keys().map(String::as_str).collect();
        assert_eq!(classes, BTreeSet::from(CLASSES), "exceptions.json explains other classes than there are");
        list
    }

    /// Every exception is of a class that the list explains.
    pub fn explain(&self, outcomes: &[Outcome<'_>]) {
        for (exception, _) in outcomes.iter().flat_map(|o| &o.exceptions) {
            assert!(self.classes.contains_key(&exception.class), "no class for {exception:?}");
        }
    }

    /// The exceptions are those of the list, no more and no fewer.
    pub fn match_committed(&self, outcomes: &[Outcome<'_>]) {
        let found: BTreeSet<Exception> =
            outcomes.iter().flat_map(|o| o.exceptions.iter().map(|(e, _)| e.clone())).collect();
        let lines = |set: Vec<&Exception>| {
            let line = |e| format!("  {},", serde_json::to_string(e).expect("plain text"));
            set.into_iter().map(line).collect::<Vec<_>>().join("\n")
        };
        let (new, gone) = (
            lines(found.difference(&self.committed).collect()),
            lines(self.committed.difference(&found).collect()),
        );
        assert!(new.is_empty(), "not in exceptions.json:\n{new}");
        assert!(gone.is_empty(), "in exceptions.json, but compared in full:\n{gone}");
    }
}
