//! What a model file says about its model.

use serde::{Deserialize, Serialize};

use super::{Fingerprint, Precision};
use crate::{Loss, Model, Options, Penalty, Real, Report, StopReason, Warning};

/// The version of the manifest that this build writes and reads.
pub(super) const FORMAT: u64 = 1;

/// How a fit ended, in short.
///
/// ```
/// use orthant::{Dense, Nmf};
/// use orthant::file::FitSummary;
/// let fit = Nmf::new(1).fit(&Dense::from_fn(3, 2, |i, _| i as f64))?;
/// assert_eq!(FitSummary::of(&fit.report).iterations, fit.report.iterations);
/// # Ok::<(), orthant::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FitSummary {
    /// Why it stopped.
    pub stop_reason: StopReason,
    /// Iterations done; with mini-batches, passes begun.
    pub iterations: usize,
    /// The loss, which is ½‖V − WH‖² for the Frobenius one, plus penalties.
    pub objective: f64,
    /// √(2·loss), which is ‖V − WH‖ for the Frobenius loss.
    pub reconstruction_error: f64,
    /// The same over the size of V, ‖V‖ for the Frobenius loss.
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
/// use orthant::file::{Manifest, Precision};
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
    /// The loss that they were learnt to minimise, as `transform` does; a file that says none has the Frobenius one.
    #[serde(default = "frobenius")]
    pub loss: Loss,
    /// How much the columns count in `transform`, if not all count once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column_weights: Option<Vec<f64>>,
    /// The options of the fit, if the components come from one.
    pub options: Option<Options>,
    /// The data that was fitted.
    pub input: Option<Fingerprint>,
    /// The names of the columns of the data, one for each feature.
    pub columns: Option<Vec<String>>,
    /// How the fit ended.
    pub report: Option<FitSummary>,
    /// The W that was found with the components, to tell whether a file of weights is of the same fit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights: Option<Fingerprint>,
}

impl Manifest {
    /// A manifest that says only what the model itself knows; fill in the rest.
    pub fn of<T: Real>(model: &Model<T>) -> Self {
        Self {
            format: FORMAT,
            orthant: env!("CARGO_PKG_VERSION").to_owned(),
            dtype: Precision::of::<T>(),
            penalty: model.penalty(),
            loss: model.loss(),
            column_weights: model.column_weights().map(<[f64]>::to_vec),
            options: None,
            input: None,
            columns: None,
            report: None,
            weights: None,
        }
    }
}

fn frobenius() -> Loss {
    Loss::Frobenius
}
