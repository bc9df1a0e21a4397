//! The reference cases: their listing, their arrays, and the fits that they ask for.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use npyz::npz::NpzArchive;
use npyz::{Deserialize, Order};
use orthant::{Dense, Init, Loss, Method, MiniBatchNmf, Nmf, Penalty, RandomState, Real};
use orthant_verify::layout::{Layout, Stored};

#[derive(serde::Deserialize)]
pub struct Listing {
    pub scikit_learn: String,
    pub cases: Vec<Case>,
}

impl Listing {
    pub fn read(folder: &Path) -> Self {
        let path = folder.join("cases.json");
        let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let listing: Self = serde_json::from_str(&text).expect("a list of cases");
        assert!(!listing.cases.is_empty(), "no cases in {}", folder.display());
        listing
    }
}

/// A tolerance, how many iterations or steps scikit-learn needs, and the least and the most after changes in the
/// last place.
pub type CountAt = (f64, usize, usize, usize);

#[derive(serde::Deserialize)]
pub struct Case {
    pub name: String,
    pub solver: String,
    pub beta: f64,
    pub dtype: String,
    pub order: String,
    pub m: usize,
    pub n: usize,
    pub k: usize,
    alpha_w: f64,
    /// None is "same".
    alpha_h: Option<f64>,
    l1_ratio: f64,
    pub init: String,
    shuffle: bool,
    /// "int" or "instance": the integer seed, or a generator that start and shuffle share.
    random_state: String,
    seed: u32,
    pub max_iter: usize,
    /// How many rows `transform` is asked about: all, or so many of the last, backwards.
    pub transform_rows: usize,
    /// The rows of each call of `partial_fit`.
    pub batches: Option<Vec<usize>>,
    pub batch_size: Option<usize>,
    forget_factor: Option<f64>,
    fresh_restarts: Option<bool>,
    max_no_improvement: Option<usize>,
    /// "start" or "seed": where the steps begin.
    steps_from: Option<String>,
    #[serde(default)]
    pub n_iter_at: Vec<CountAt>,
    #[serde(default)]
    pub n_steps_at: Vec<CountAt>,
    pub n_iter: Option<usize>,
    pub reconstruction_err: Option<f64>,
    pub spread: Spread,
    pub from_seed: Option<FromSeed>,
    pub transform: Option<Transform>,
    /// The first iteration in which scikit-learn leaves a coordinate that L1 puts at 0.
    pub stale: Option<usize>,
    /// Why nothing of the case is compared.
    pub exception: Option<String>,
}

/// How far scikit-learn's own answers move with changes in the last place.
#[derive(serde::Deserialize)]
pub struct Spread {
    pub start: f64,
    /// W and H after so many steps.
    pub steps: BTreeMap<usize, f64>,
    pub loss: f64,
}

/// Whole fits from the seed: the count, the least and the most; and the spread after one step.
#[derive(serde::Deserialize)]
pub struct FromSeed {
    pub count: (usize, usize, usize),
    pub spread: f64,
}

#[derive(serde::Deserialize)]
pub struct Transform {
    pub n_iter: Option<(usize, usize, usize)>,
    pub spread: f64,
    pub exception: Option<String>,
}

impl Case {
    pub fn loss(&self) -> Loss {
        Loss::from_beta(self.beta)
    }

    pub fn penalty(&self) -> Penalty {
        Penalty { alpha_w: self.alpha_w, alpha_h: self.alpha_h, l1_ratio: self.l1_ratio }
    }

    /// Whether scikit-learn's start is drawn from the generator alone, so that its bits are known.
    pub fn draws_start(&self) -> bool {
        let rows = self.batches.as_ref().map_or(self.m, |sizes| sizes[0]);
        self.init == "random" || (self.init == "default" && self.k > rows.min(self.n))
    }

    pub fn is_sparse(&self) -> bool {
        matches!(self.order.as_str(), "csr" | "csc")
    }

    /// The start to ask for by name; none for scikit-learn's default.
    fn named_start<T: Real>(&self) -> Option<Init<T>> {
        match self.init.as_str() {
            "random" => Some(Init::Random),
            "nndsvd" => Some(Init::Nndsvd),
            "nndsvda" => Some(Init::Nndsvda),
            "nndsvdar" => Some(Init::Nndsvdar),
            "default" => None,
            other => panic!("{}: init {other}", self.name),
        }
    }

    /// The case's fit, its start still to be said.
    pub fn nmf<T: Real>(&self) -> Nmf<T> {
        let method = match self.solver.as_str() {
            "cd" => Method::cd(),
            // MiniBatchNMF makes its start as NMF does
            "mu" | "minibatch" => Method::mu(self.loss()),
            other => panic!("{}: solver {other}", self.name),
        };
        let nmf = Nmf::sklearn(self.k).method(method).penalty(self.penalty()).max_iter(self.max_iter);
        let nmf = if self.shuffle { nmf.shuffle(true) } else { nmf };
        match self.random_state.as_str() {
            "instance" => nmf.random_state(RandomState::new(self.seed)),
            _ => nmf.seed(self.seed),
        }
    }

    /// The fit that makes its own start.
    pub fn nmf_from_seed<T: Real>(&self) -> Nmf<T> {
        match self.named_start() {
            Some(start) => self.nmf().init(start),
            None => self.nmf(),
        }
    }

    /// The fit that makes the steps of the case's file.
    pub fn nmf_from_start<T: Real>(&self, w: &Dense<T>, h: &Dense<T>) -> Nmf<T> {
        if self.steps_from.as_deref() == Some("seed") {
            return self.nmf_from_seed();
        }
        self.nmf().init(Init::Custom { w: w.clone(), h: h.clone() })
    }

    /// The same for MiniBatchNMF.
    fn minibatch<T: Real>(&self) -> MiniBatchNmf<T> {
        MiniBatchNmf::new(self.k)
            .loss(self.loss())
            .penalty(self.penalty())
            .seed(self.seed)
            .batch_size(self.batch_size.expect("a batch size"))
            .forget_factor(self.forget_factor.expect("a forget factor"))
            .fresh_restarts(self.fresh_restarts.expect("fresh_restarts"))
            .max_no_improvement(self.max_no_improvement)
            .max_iter(self.max_iter)
    }

    pub fn minibatch_from_seed<T: Real>(&self) -> MiniBatchNmf<T> {
        match self.named_start() {
            Some(start) => self.minibatch().init(start),
            None => self.minibatch(),
        }
    }

    pub fn minibatch_from_start<T: Real>(&self, w: &Dense<T>, h: &Dense<T>) -> MiniBatchNmf<T> {
        self.minibatch().init(Init::Custom { w: w.clone(), h: h.clone() })
    }

    /// `a` as the case's data lies in memory.
    pub fn stored<T: Real>(&self, a: &Dense<T>) -> Stored<T> {
        let layout = match self.order.as_str() {
            "C" => Layout::RowMajor,
            "F" => Layout::ColMajor,
            "csr" => Layout::Csr,
            "csc" => Layout::Csc,
            other => panic!("{}: order {other}", self.name),
        };
        Stored::new(a, layout)
    }
}

/// The matrices of one case.
pub struct Arrays(NpzArchive<BufReader<File>>);

impl Arrays {
    pub fn open(folder: &Path, case: &Case) -> Self {
        let path = folder.join(format!("{}.npz", case.name));
        let file = File::open(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        Self(NpzArchive::new(BufReader::new(file)).expect("an npz file"))
    }

    /// A matrix, and whether it lies in Fortran order.
    pub fn read<T: Real + Deserialize>(&mut self, name: &str) -> (Dense<T>, bool) {
        let npy = self.0.by_name(name).expect("a readable archive").unwrap_or_else(|| panic!("no {name}"));
        let (shape, order) = (npy.shape().to_vec(), npy.order());
        let data: Vec<T> = npy.into_vec().unwrap_or_else(|e| panic!("{name}: {e}"));
        let (m, n) = (shape[0] as usize, shape[1] as usize);
        match order {
            Order::C => (Dense::from_vec(data, m, n).expect("its shape"), false),
            Order::Fortran => (Dense::from_vec(data, n, m).expect("its shape").transposed(), true),
        }
    }

    pub fn matrix<T: Real + Deserialize>(&mut self, name: &str) -> Dense<T> {
        self.read(name).0
    }

    /// X, in the order that the case speaks of; of a sparse one the file has the zeros too.
    pub fn data<T: Real + Deserialize>(&mut self, case: &Case) -> Dense<T> {
        let (x, fortran) = self.read::<T>("X");
        assert_eq!((x.nrows(), x.ncols()), (case.m, case.n), "{}", case.name);
        // a single row or column is in both orders at once, and numpy writes it as C
        assert!(
            case.is_sparse() || fortran == (case.order == "F") || case.m == 1 || case.n == 1,
            "{}",
            case.name
        );
        x
    }
}

/// Rows `first..first + count` of `a`.
pub fn rows<T: Real>(a: &Dense<T>, first: usize, count: usize) -> Dense<T> {
    Dense::from_fn(count, a.ncols(), |i, j| a[(first + i, j)])
}
