//! What a model file says about its model.

use orthant::{Method, Nmf, Penalty, Products, Report, Stop, StopReason, Warning};
use serde::{Deserialize, Serialize};

use crate::{Fingerprint, Precision, Scalar};

/// The version of the manifest that this build writes and reads.
pub(super) const FORMAT: u64 = 1;

/// The options of a fit, as they are kept with its results. One set gives the fit and the record of it.
///
/// ```
/// use orthant::{Dense, Method};
/// use orthant_io::FitOptions;
/// let options = FitOptions { max_iter: 50, ..FitOptions::new(2, Method::Cd) };
/// let v = Dense::from_fn(5, 4, |i, j| (i + j) as f64);
/// let fit = options.nmf::<f64>().fit(&v)?;
/// assert!(fit.report.iterations <= 50);
/// # Ok::<(), orthant::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FitOptions {
    /// Number of components k.
    pub rank: usize,
    /// The update.
    pub method: Method,
    /// The stopping rule.
    pub stop: Stop,
    /// The iteration limit.
    pub max_iter: usize,
    /// The penalties.
    pub penalty: Penalty,
    /// The seed of the random start.
    pub seed: u32,
    /// What multiplied V with the factors.
    pub products: Products,
}

impl FitOptions {
    /// The defaults that go with a method: scikit-learn's for CD and MU, the library's own for HALS.
    pub fn new(rank: usize, method: Method) -> Self {
        let (stop, max_iter) = match method {
            Method::Cd => (Stop::Violation { tol: 1e-4 }, 200),
            Method::Mu(_) => (Stop::ErrorDecrease { tol: 1e-4 }, 200),
            _ => (Stop::Progress { tol: 1e-5 }, 500),
        };
        let (penalty, products) = (Penalty::default(), Products::default());
        Self { rank, method, stop, max_iter, penalty, seed: 0, products }
    }

    /// The same with another tolerance of the stopping rule.
    #[must_use]
    pub fn tol(mut self, value: f64) -> Self {
        if let Stop::Violation { tol } | Stop::ErrorDecrease { tol } | Stop::Progress { tol } = &mut self.stop
        {
            *tol = value;
        }
        self
    }

    /// A fit with these options.
    pub fn nmf<T: Scalar>(&self) -> Nmf<T> {
        Nmf::new(self.rank)
            .method(self.method)
            .stop(self.stop)
            .max_iter(self.max_iter)
            .penalty(self.penalty)
            .seed(self.seed)
            .products(self.products)
    }
}

/// How a fit ended, in short.
///
/// ```
/// use orthant::{Dense, Nmf};
/// use orthant_io::FitSummary;
/// let fit = Nmf::new(1).fit(&Dense::from_fn(3, 2, |i, _| i as f64))?;
/// assert_eq!(FitSummary::of(&fit.report).iterations, fit.report.iterations);
/// # Ok::<(), orthant::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FitSummary {
    /// Why it stopped.
    pub stop_reason: StopReason,
    /// Iterations done.
    pub iterations: usize,
    /// ½‖V − WH‖² plus penalties.
    pub objective: f64,
    /// ‖V − WH‖.
    pub reconstruction_error: f64,
    /// ‖V − WH‖ / ‖V‖.
    pub relative_error: f64,
    /// Seconds for the whole fit.
    pub seconds: f64,
    /// What a user should know.
    pub warnings: Vec<Warning>,
}

impl FitSummary {
    /// The figures of a report.
    pub fn of(report: &Report) -> Self {
        Self {
            stop_reason: report.stop_reason,
            iterations: report.iterations,
            objective: report.objective,
            reconstruction_error: report.reconstruction_error,
            relative_error: report.relative_error,
            seconds: report.seconds_total,
            warnings: report.warnings.clone(),
        }
    }
}

/// Everything in a model file but the components.
///
/// ```
/// use orthant_io::{Manifest, Precision};
/// use orthant::{Dense, Model, Penalty};
/// let h = Dense::from_vec(vec![1.0_f32, 2.0], 1, 2).unwrap();
/// let manifest = Manifest::of(&Model::from_components(h, Penalty::default())?);
/// assert_eq!((manifest.dtype, manifest.options), (Precision::Float32, None));
/// # Ok::<(), orthant::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of this layout, now 1.
    pub format: u64,
    /// The release that wrote the file.
    pub orthant: String,
    /// Precision of the components.
    pub dtype: Precision,
    /// The penalties that the components were learnt under, and that `transform` applies.
    pub penalty: Penalty,
    /// The options of the fit, if the components come from one.
    pub options: Option<FitOptions>,
    /// The data that was fitted.
    pub input: Option<Fingerprint>,
    /// The names of the columns of the data, one for each feature.
    pub columns: Option<Vec<String>>,
    /// How the fit ended.
    pub report: Option<FitSummary>,
}

impl Manifest {
    /// A manifest that says only what the model itself knows; fill in the rest.
    pub fn of<T: Scalar>(model: &orthant::Model<T>) -> Self {
        Self {
            format: FORMAT,
            orthant: env!("CARGO_PKG_VERSION").to_owned(),
            dtype: T::PRECISION,
            penalty: model.penalty(),
            options: None,
            input: None,
            columns: None,
            report: None,
        }
    }
}
