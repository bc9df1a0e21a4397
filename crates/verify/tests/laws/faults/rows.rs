//! The table of faults, `data/faults.json`, which the tests of the crate, of the command and of the Python package read.

use std::collections::BTreeMap;
use std::path::Path;

use orthant::{Dense, Real};
use serde::Deserialize;

/// The whole file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// V, where a case does not say otherwise.
    pub data: Rows,
    /// What each face says of an error, with `{row}` and the like for what the case has.
    pub errors: BTreeMap<String, Words>,
    pub faults: Vec<Fault>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Words {
    /// The variant of [`orthant::Error`].
    pub is: String,
    pub rust: String,
    /// The command's exit code.
    pub exit: i32,
    pub command: String,
    /// Python's exception.
    pub raises: String,
    pub python: String,
}

/// One row.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    pub number: u32,
    pub case: String,
    pub happens: String,
    /// What all three faces are given.
    #[serde(default)]
    pub cases: Vec<Case>,
    pub rust: Face,
    pub command: Face,
    pub python: Face,
}

/// Tests beside those that run the cases, or why there can be none.
#[derive(Deserialize)]
#[serde(untagged)]
pub enum Face {
    Tests(Vec<String>),
    NotApplicable(String),
}

/// A number, or the name of one that JSON has not.
#[derive(Clone, Deserialize)]
#[serde(untagged)]
pub enum Number {
    Whole(i64),
    Real(f64),
    Named(String),
}

pub type Rows = Vec<Vec<Number>>;

impl Number {
    pub fn real(&self) -> f64 {
        match self {
            Self::Whole(x) => *x as f64,
            Self::Real(x) => *x,
            Self::Named(name) => name.parse().expect("nan, inf or -inf"),
        }
    }

    pub fn whole(&self) -> i64 {
        match self {
            Self::Whole(x) => *x,
            _ => panic!("{} is not whole", self.real()),
        }
    }
}

/// The parts of a sparse matrix by rows, as scipy has them, right or wrong.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parts {
    pub shape: (usize, usize),
    pub indptr: Vec<i64>,
    pub indices: Vec<i64>,
    pub values: Vec<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Start {
    pub w: Rows,
    pub h: Rows,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Call {
    /// Of both factors.
    Fit,
    /// Of W for the components of [`Case::components`].
    Transform,
    /// A fit by mini-batches and a batch as it comes.
    Batches,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    pub k: Option<usize>,
    pub solver: Option<String>,
    pub beta: Option<Number>,
    pub init: Option<String>,
    pub tol: Option<Number>,
    pub max_iter: Option<usize>,
    pub alpha_w: Option<Number>,
    pub alpha_h: Option<Number>,
    pub l1_ratio: Option<Number>,
    pub scale: Option<String>,
    pub stop: Option<String>,
    pub shuffle: bool,
    pub sweeps: Option<usize>,
    pub extrapolate: bool,
    pub compress: bool,
    pub products: Option<String>,
    pub threads: Option<usize>,
    pub memory_limit: Option<usize>,
    pub max_seconds: Option<f64>,
}

/// One input and what comes of it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// V; by default the table's data.
    #[serde(default)]
    v: Option<Rows>,
    /// Of a matrix without entries.
    #[serde(default)]
    shape: Option<(usize, usize)>,
    /// Entries of V that are others.
    #[serde(default)]
    set: Vec<(usize, usize, Number)>,
    /// V is multiplied by this power of two, its rows and its columns by these.
    #[serde(default)]
    pub times: i32,
    #[serde(default)]
    row_times: Vec<i32>,
    #[serde(default)]
    column_times: Vec<i32>,
    /// V is stored as integers.
    #[serde(default)]
    pub integers: bool,
    /// In place of V's own.
    #[serde(default)]
    pub parts: Option<Parts>,
    /// The losses; by default five with zeros in V allowed.
    #[serde(default)]
    pub beta: Option<Vec<f64>>,
    #[serde(default)]
    pub options: Options,
    #[serde(default)]
    pub start: Option<Start>,
    /// By default all.
    #[serde(default)]
    calls: Option<Vec<Call>>,
    /// By default all three.
    #[serde(default)]
    pub faces: Option<Vec<String>>,

    /// A name of [`Table::errors`].
    #[serde(default)]
    pub error: Option<String>,
    #[serde(default)]
    pub at: Option<(usize, usize)>,
    #[serde(default)]
    pub value: Option<String>,
    #[serde(default)]
    pub count: Option<usize>,
    /// Words in place of the error's, by face.
    #[serde(default)]
    pub says: BTreeMap<String, String>,

    /// What comes of it otherwise.
    #[serde(default)]
    pub gives: Option<Gives>,
    /// Of `same`: the entries of the other matrix.
    #[serde(default, rename = "as")]
    like: Vec<(usize, usize, Number)>,
    /// Of `zero lines`.
    #[serde(default)]
    pub rows: Vec<usize>,
    #[serde(default)]
    pub columns: Vec<usize>,
    #[serde(default)]
    pub warns: Option<String>,
    #[serde(default)]
    pub iterations: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Gives {
    /// Factors that are finite and not negative, as are those of all that follows.
    Finite,
    /// W = 0 and H = 0, with loss 0 and the reason that V is 0.
    #[serde(rename = "zero factors")]
    ZeroFactors,
    /// W = 0 and H = 0.
    Emptied,
    /// Zeros in W and H where V has lines of them.
    #[serde(rename = "zero lines")]
    ZeroLines,
    /// The bits of another matrix, or of the same in another type or storage.
    Same,
    /// The factors of V before it was multiplied, multiplied.
    Scaled,
    /// WH = V.
    Exact,
    /// The best of rank one.
    #[serde(rename = "leading pair")]
    LeadingPair,
}

/// The file, read.
pub fn table() -> Table {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../verify/data/faults.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

pub fn dense(rows: &Rows) -> Dense<f64> {
    Dense::from_fn(rows.len(), rows[0].len(), |i, j| rows[i][j].real())
}

/// x·2^e, in two steps.
pub fn times(x: f64, e: i32) -> f64 {
    x * 2f64.powi(e / 2) * 2f64.powi(e - e / 2)
}

impl Case {
    pub fn calls(&self) -> &[Call] {
        self.calls.as_deref().unwrap_or(&[Call::Fit, Call::Transform, Call::Batches])
    }

    pub fn betas(&self) -> &[f64] {
        self.beta.as_deref().unwrap_or(&[2.0, 1.0, 0.5, 1.5, 3.0])
    }

    fn with(&self, data: &Rows, set: &[(usize, usize, Number)]) -> Dense<f64> {
        if let Some((m, n)) = self.shape {
            return Dense::zeros(m, n);
        }
        let mut v = dense(self.v.as_ref().unwrap_or(data));
        for &(i, j, ref x) in set {
            v[(i, j)] = x.real();
        }
        let power = |list: &[i32], at: usize| list.get(at).copied().unwrap_or(0);
        Dense::from_fn(v.nrows(), v.ncols(), |i, j| {
            times(v[(i, j)], self.times + power(&self.row_times, i) + power(&self.column_times, j))
        })
    }

    /// V.
    pub fn data(&self, data: &Rows) -> Dense<f64> {
        self.with(data, &self.set)
    }

    /// The matrix that V is to be the same as.
    pub fn like(&self, data: &Rows) -> Dense<f64> {
        self.with(data, &self.like)
    }

    /// V as integers.
    pub fn whole(&self, data: &Rows) -> Vec<Vec<i64>> {
        self.v.as_ref().unwrap_or(data).iter().map(|row| row.iter().map(Number::whole).collect()).collect()
    }

    /// What the words say with the case's place, value and count in them.
    pub fn fill(&self, words: &str) -> String {
        let (row, col) = self.at.unwrap_or_default();
        let (value, count) = (self.value.as_deref().unwrap_or_default(), self.count.unwrap_or_default());
        let text = words.replace("{row}", &row.to_string()).replace("{col}", &col.to_string());
        text.replace("{value}", value).replace("{count}", &count.to_string())
    }

    /// Two components to transform by.
    pub fn components<T: Real>(n: usize) -> Dense<T> {
        Dense::from_fn(2, n, |t, j| T::from_f64(1.0 + ((3 * t + j) % 4) as f64 / 4.0))
    }
}
