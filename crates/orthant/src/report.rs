//! What a fit says about itself.

use std::fmt;

use crate::{Component, Error, HeldOut, Loss, Method, Observed, Products, Scale};

/// Why a fit stopped. This is data, not an error: every one of these comes with factors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum StopReason {
    /// The stopping criterion was met.
    Converged,
    /// The iteration limit was reached first.
    MaxIterations,
    /// The time limit was reached first.
    TimeLimit,
    /// The cancellation flag was raised.
    Interrupted,
    /// The observer asked to stop.
    Observer,
    /// The data is all zero: W = H = 0 is exact and nothing was iterated.
    ZeroData,
}

impl StopReason {
    /// Why a fit with factors to return ends with that error, if that only ends it.
    pub(crate) fn of(error: &Error) -> Option<Self> {
        match error {
            Error::Interrupted => Some(Self::Interrupted),
            Error::TimeLimit { .. } => Some(Self::TimeLimit),
            _ => None,
        }
    }
}

impl fmt::Display for StopReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Converged => "converged",
            Self::MaxIterations => "iteration limit",
            Self::TimeLimit => "time limit",
            Self::Interrupted => "interrupted",
            Self::Observer => "stopped by the observer",
            Self::ZeroData => "the data is all zero",
        })
    }
}

/// Something a user should know that is no error.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "snake_case", tag = "kind")
)]
#[non_exhaustive]
pub enum Warning {
    /// More components than rows or columns: the factorisation is not unique and fits exactly without need.
    RankAboveDimensions {
        /// The rank.
        rank: usize,
        /// Rows of V.
        rows: usize,
        /// Columns of V.
        cols: usize,
    },
    /// The iteration limit came before convergence.
    NotConverged {
        /// The limit.
        max_iter: usize,
    },
    /// The fit was ended from outside, and its final figures took too long to be computed: loss, objective and errors are
    /// those of the last whole iteration, and the KKT residual is the estimate by its steps. Rows of the factors may have moved
    /// on since, in methods that do not extrapolate, by updates that lower the objective; the others went back.
    Unmeasured,
    /// More threads than cores were asked for, and fewer are used.
    ThreadsClamped {
        /// Threads asked for.
        asked: usize,
        /// Threads used.
        used: usize,
    },
    /// A penalty on one factor alone: the other grows without cost, and the penalty loses its meaning.
    ScaleAmbiguity,
    /// Every entry of the given H is zero, so the first update of W learns nothing.
    ZeroStart,
    /// The start has entries of 0, which multiplicative updates keep.
    LockedZeros {
        /// How many.
        count: usize,
    },
    /// Two components of the start are the same in both factors, and every update will keep them so.
    IdenticalComponents {
        /// One of them, counting from 0.
        first: usize,
        /// The other.
        second: usize,
    },
    /// The start that was given is far from the size of V. It was multiplied by a power of two first, but for scikit-learn's
    /// methods.
    StartScale {
        /// The binary logarithm of the largest entry of V over that of the start's product.
        exponent: i32,
        /// Whether it was multiplied.
        rescaled: bool,
    },
    /// The entries of V spread further than single precision can fit under a loss to which the small ones matter as much.
    RangeTooWide {
        /// The smallest entry above 0 over the largest.
        ratio: f64,
    },
    /// The penalties outweigh all that components explain: W or H is 0.
    Emptied {
        /// α of W times the columns of V, α of H times its rows: what the penalties are multiplied by.
        weights: (f64, f64),
        /// The root mean square of V, for the Frobenius loss: an L2 penalty with this α on both factors leaves nothing of any data.
        enough: Option<f64>,
    },
    /// Rows or columns of V with fewer observed entries than there are components: many mixtures of these fit them exactly.
    FewObserved {
        /// How many rows.
        rows: usize,
        /// How many columns.
        columns: usize,
        /// The number of components.
        rank: usize,
    },
    /// Entries of the start that was given are outside their bounds, or are not what is fixed: they were put at the nearest that is
    /// allowed.
    OutsideBounds {
        /// How many, of W and H together.
        count: usize,
    },
    /// A singular Gram matrix was regularised to solve with it.
    Regularized {
        /// How often.
        count: usize,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RankAboveDimensions { rank, rows, cols } => write!(
                f,
                "rank {rank} is above the smaller side of the {rows}×{cols} data: the factorisation is not unique"
            ),
            Self::NotConverged { max_iter } => {
                let iterations = if *max_iter == 1 { "iteration" } else { "iterations" };
                write!(f, "not converged after {max_iter} {iterations}: raise the limit or the tolerance")
            }
            Self::Unmeasured => f.write_str(
                "the final figures were cut short: loss and errors are those of the last whole iteration",
            ),
            Self::ThreadsClamped { asked, used } => {
                write!(f, "{asked} threads were asked for; {used} are used, one a core")
            }
            Self::ScaleAmbiguity => f.write_str(
                "only one factor is penalised: the other can grow to take over its scale, so the penalty does little",
            ),
            Self::LockedZeros { count } => write!(
                f,
                "{count} entries of the start are 0, and multiplicative updates keep them: a start without zeros (nndsvda, \
                 random) can reach lower"
            ),
            Self::IdenticalComponents { first, second } => {
                write!(f, "components {first} and {second} start the same in W and in H and will stay the same")
            }
            Self::StartScale { exponent, rescaled } => {
                let then = if *rescaled { "was brought to it" } else { "may not come back from there" };
                write!(f, "the product of the start is 2^{} times the size of V, and {then}", -exponent)
            }
            Self::RangeTooWide { ratio } => write!(
                f,
                "the smallest entry is {ratio:.1e} of the largest, which is beyond what single precision fits under this loss: use float64"
            ),
            Self::Emptied { weights: (w, h), enough } => {
                write!(
                    f,
                    "the penalties leave no component: alpha is multiplied by the columns of V for W ({w:.3e}) and by its \
                     rows for H ({h:.3e}); lower it"
                )?;
                enough.map_or(Ok(()), |enough| {
                    write!(f, ": at {enough:.3e}, the root mean square of V, an L2 penalty empties any data")
                })
            }
            Self::FewObserved { rows, columns, rank } => write!(
                f,
                "{rows} rows and {columns} columns have fewer observed entries than the {rank} components: what is found for them is \
                 not unique"
            ),
            Self::OutsideBounds { count } => write!(
                f,
                "{count} entries of the start are outside their bounds or not what is fixed: the fit starts at the nearest that is \
                 allowed"
            ),
            Self::Regularized { count } => {
                write!(f, "{count} least-squares problems were singular and were regularised")
            }
            Self::ZeroStart => f.write_str("the starting H is all zero: the first update of W has nothing to fit"),
        }
    }
}

/// One iteration's figures.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct HistoryPoint {
    /// The iteration, from 1.
    pub iteration: usize,
    /// D(V|WH) plus penalties after it. Where factors are extrapolated it is taken at the extrapolated W and the new H, or for
    /// multiplicative updates at the extrapolated H. It can rise, and is the largest double where an iteration left the range of
    /// the elements.
    pub objective: f64,
    /// Whether it rose above the best one, so that the next iteration went back to the best factors.
    #[cfg_attr(feature = "serde", serde(default))]
    pub restarted: bool,
    /// Seconds since the fit was called.
    pub seconds: f64,
}

/// How a fit was laid out. It follows from the data's shape, the rank and the precision, and, but for the
/// number of threads and the block size, decides the bits of the result.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Plan {
    /// The update; never [`Update::Auto`](crate::Update::Auto), but what that came to.
    pub method: Method,
    /// Whether the pass runs over columns of V (column-major data) rather than rows.
    pub by_columns: bool,
    /// Independent summation lanes.
    pub lanes: usize,
    /// Rows (or columns) of V in a cache block.
    pub block: usize,
    /// Threads.
    pub threads: usize,
    /// Columns of the sketch that the start is compressed by, if it is.
    #[cfg_attr(feature = "serde", serde(default))]
    pub sketch: Option<usize>,
    /// Rows of the sample of sparse data that the start is found on instead, if it is.
    #[cfg_attr(feature = "serde", serde(default))]
    pub sample: Option<usize>,
    /// Inner sweeps over W and over H in an iteration.
    pub sweeps: (usize, usize),
    /// The instruction set of the kernels.
    #[cfg_attr(feature = "serde", serde(skip_deserializing, default))]
    pub isa: &'static str,
    /// Fused kernels or gemm.
    pub products: Products,
    /// Accumulators alive at once, at most: n×k elements each (m×k by columns), k rounded up to whole registers.
    pub accumulators: usize,
    /// Whether the transpose of sparse data is kept beside it, and products with its rows take the place of sums; or, of dense
    /// data, whether blocks of its other lines are copied in turn, as [`Update::Newton`](crate::Update::Newton) needs.
    #[cfg_attr(feature = "serde", serde(default))]
    pub transpose: bool,
    /// V is read as V·4^-p, by this p; not 0 only where its largest entry is outside the safe exponents.
    pub scale_exponent: i32,
}

/// What a compressed start did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Compression {
    /// Rows of what stood in for V: all of them of a sketch, some of a sample.
    #[cfg_attr(feature = "serde", serde(default))]
    pub rows: usize,
    /// Columns of it: some of a sketch, all of a sample.
    pub columns: usize,
    /// Iterations on it in place of V. They are not among [`Report::iterations`].
    pub iterations: usize,
    /// Whether the fit went on from what they led to; not where a sketch led no nearer to V than the start, or a sample had
    /// too many of the entries or left a component without any.
    pub kept: bool,
}

/// What happened in a fit.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Report {
    /// Why it stopped.
    pub stop_reason: StopReason,
    /// Iterations done.
    pub iterations: usize,
    /// The compressed start, if there was one.
    #[cfg_attr(feature = "serde", serde(default))]
    pub compression: Option<Compression>,
    /// What was observed of V, where entries were missing: the losses below are sums over these.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub observed: Option<Observed>,
    /// How well what was held out is predicted, where something was.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub heldout: Option<HeldOut>,
    /// What was minimised, penalties aside.
    pub loss_function: Loss,
    /// D(V|WH), which is ½‖V − WH‖² for the Frobenius loss, plus penalties; from the residual itself, summed in double
    /// precision.
    pub objective: f64,
    /// D(V|WH), from the residual itself.
    pub loss: f64,
    /// √(2·D(V|WH)), which is ‖V − WH‖ for the Frobenius loss: scikit-learn's `reconstruction_err_`.
    pub reconstruction_error: f64,
    /// √(D(V|WH)/D₀), which is ‖V − WH‖/‖V‖ for the Frobenius loss: 0 where WH is V, 1 where it explains nothing of it. D₀ is D(V|0)
    /// for β > 1 and else, where that is infinite, D(V|v̄) with the mean of V. It is 0 where V is 0; where V is all
    /// alike and β ≤ 1, √(2·D(V|WH)/ΣV^β).
    pub relative_error: f64,
    /// Distance from stationarity, which does not change when components are rescaled. For the Frobenius loss the
    /// coordinate steps that remain, in the data's units, over ‖V‖; else Σ|x·∂F/∂x| over ΣV^β.
    pub kkt_residual: f64,
    /// scikit-learn's violation, last over first iteration, where that is the stopping rule.
    pub violation_ratio: Option<f64>,
    /// What was made of the scale and the order of components, …
    #[cfg_attr(feature = "serde", serde(default = "unscaled"))]
    pub scale: Scale,
    /// … and what each of them contributes.
    #[cfg_attr(feature = "serde", serde(default))]
    pub components: Vec<Component>,
    /// Objective and time after every iteration.
    pub history: Vec<HistoryPoint>,
    /// Seconds for checking V and making the start.
    pub seconds_start: f64,
    /// Seconds for the whole fit.
    pub seconds_total: f64,
    /// How it was laid out.
    pub plan: Plan,
    /// What a user should know.
    pub warnings: Vec<Warning>,
}

/// The scale of reports from before there was one.
#[cfg(feature = "serde")]
fn unscaled() -> Scale {
    Scale::None
}

/// How the fit went, in a few lines: why it stopped, what was fitted how well by what, the shares of at most ten components, and
/// every warning.
///
/// ```
/// use orthant::{Dense, Nmf};
/// let v = Dense::from_fn(12, 8, |i, j| ((i * j) % 5) as f64);
/// let text = Nmf::new(2).fit(&v)?.report.to_string();
/// let lines: Vec<_> = text.lines().collect();
/// assert!(lines[0].starts_with("stopped after ") && lines[0].contains("iterations (converged)"));
/// assert!(lines[1].starts_with("extrapolated hals, frobenius: loss "));
/// assert!(lines[2].starts_with("components: ") && lines[2].matches('%').count() == 2);
/// # Ok::<(), orthant::Error>(())
/// ```
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 10;
        let Self { stop_reason, iterations, loss_function, loss, relative_error, kkt_residual, .. } = self;
        write!(f, "stopped after {iterations} iterations ({stop_reason}), {:.3} s", self.seconds_total)?;
        write!(
            f,
            "\n{}, {loss_function}: loss {loss:.6e}, relative error {relative_error:.6}",
            self.plan.method
        )?;
        write!(f, ", KKT residual {kkt_residual:.1e}")?;
        for (t, component) in self.components.iter().take(SHOWN).enumerate() {
            let before = if t == 0 { "\ncomponents: " } else { ", " };
            write!(f, "{before}{:.1} %", 100.0 * component.share)?;
        }
        if self.components.len() > SHOWN {
            write!(f, " and {} more", self.components.len() - SHOWN)?;
        }
        self.warnings.iter().try_for_each(|warning| write!(f, "\nwarning: {warning}"))
    }
}

impl Report {
    /// Whether the stopping criterion was met (or nothing was left to do).
    pub fn converged(&self) -> bool {
        matches!(self.stop_reason, StopReason::Converged | StopReason::ZeroData)
    }
}
