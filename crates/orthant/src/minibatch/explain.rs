//! What a fit by mini-batches would do, and why, without doing it.

use std::fmt;

use super::MiniBatchNmf;
use crate::{BatchOptions, Error, InitKind, Loss, Matrix, Real, ToMatrix, check, threads};

/// What a fit by mini-batches would do with data of that shape. Its [`Display`](fmt::Display) is a line for each choice, with the
/// reason.
///
/// ```
/// use orthant::{Dense, InitKind, MiniBatchNmf};
/// let v = Dense::<f32>::zeros(2500, 40);
/// let explained = MiniBatchNmf::new(8).threads(1).explain(&v)?;
/// assert_eq!((explained.batch_rows, explained.batches, explained.last_rows), (1024, 3, 452));
/// assert_eq!(explained.init, InitKind::Nndsvda);
/// assert!(explained.to_string().contains("3 a pass, of 1024 rows, the last of 452"));
/// # Ok::<(), orthant::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct BatchExplanation {
    /// The loss.
    pub loss: Loss,
    /// Rows and columns of V.
    pub shape: (usize, usize),
    /// Entries of V, if it is sparse.
    pub entries: Option<usize>,
    /// Rows of a batch.
    pub batch_rows: usize,
    /// Batches of a pass over V.
    pub batches: usize,
    /// Rows of the last batch of a pass.
    pub last_rows: usize,
    /// What is left, after a batch, of what was learnt before it: the forget factor to the power of the share of V that a batch is.
    pub kept: f64,
    /// The start.
    pub init: InitKind,
    /// Threads.
    pub threads: usize,
    /// Bytes of V, which is not copied.
    pub data_bytes: usize,
    /// Bytes that the fit takes besides, at most, with the factors that come out.
    pub working_bytes: usize,
    init_asked: bool,
    options: BatchOptions,
    max_iter: usize,
    tol: f64,
}

impl<T: Real> MiniBatchNmf<T> {
    /// What [`fit`](Self::fit) would do with `v`, of which the elements are not read.
    ///
    /// # Errors
    /// As a fit, for options and shapes.
    pub fn explain(&self, v: &impl ToMatrix<T>) -> Result<BatchExplanation, Error> {
        T::explain_batches(self, &v.to_matrix()?)
    }
}

pub(crate) fn explain<T: Real>(nmf: &MiniBatchNmf<T>, v: &Matrix<'_, T>) -> Result<BatchExplanation, Error> {
    let working_bytes = super::working_bytes(nmf, v)?;
    check::has_rows(v, "mini-batches of columns")?;
    let (m, n) = (v.nrows(), v.ncols());
    let batch_rows = nmf.batches.batch_size.min(m).max(1);
    let batches = m.div_ceil(batch_rows);
    let default = nmf.options.default_start::<T>(m, n).kind();
    Ok(BatchExplanation {
        loss: nmf.options.method.loss,
        shape: (m, n),
        entries: v.nnz(),
        batch_rows,
        batches,
        last_rows: m - batches.saturating_sub(1) * batch_rows,
        kept: nmf.rho(m.max(1)),
        init: nmf.options.init.unwrap_or(default),
        threads: threads::used(nmf.options.threads),
        data_bytes: v.bytes(),
        working_bytes,
        init_asked: nmf.options.init.is_some(),
        options: nmf.batches.clone(),
        max_iter: nmf.options.max_iter,
        tol: nmf.options.stopping().tol(),
    })
}

impl fmt::Display for BatchExplanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line =
            |what: &str, choice: &dyn fmt::Display, why: &str| writeln!(f, "{what:9} {choice}: {why}");
        let (m, n) = self.shape;
        if let Some(entries) = self.entries {
            let share = 100.0 * entries as f64 / (m as f64 * n as f64);
            line("data", &format!("{m}×{n}, {entries} entries, {share:.3} %"), "zeros are not looked at")?;
        } else {
            line("data", &format!("{m}×{n}"), "every element is looked at")?;
        }
        line("method", &format!("mu, {}", self.loss), "mini-batches have multiplicative updates")?;
        let (rows, last) = (self.batch_rows, self.last_rows);
        let size = match (self.batches, last == rows) {
            (1, _) => format!("1 a pass, of all {rows} rows"),
            (count, true) => format!("{count} a pass, of {rows} rows"),
            (count, false) => format!("{count} a pass, of {rows} rows, the last of {last}"),
        };
        let why = match rows < self.options.batch_size {
            true => "V has no more rows",
            false => "the size of a batch that is set",
        };
        line("batches", &size, why)?;
        let why = format!("the forget factor, {}, is what a pass leaves", self.options.forget_factor);
        line("past", &format!("{:.4} of it is left after a batch", self.kept), &why)?;
        let weights = match self.options.fresh_restarts {
            true => format!("anew for each batch, by up to {} updates", self.options.fresh_restarts_max_iter),
            false => "by one update in each batch, from those of the pass before".to_owned(),
        };
        line("weights", &weights, "fresh restarts are on or off")?;
        let why = match self.init_asked {
            true => "as asked",
            false if self.init == InitKind::Random => "the default where k is above a side of V",
            false => "the default",
        };
        line("start", &self.init.name(), why)?;
        let mut stop = vec![format!("after {} passes", self.max_iter)];
        if let Some(steps) = self.options.max_no_improvement {
            stop.push(format!("after {steps} batches without a lower mean cost"));
        }
        if self.tol > 0.0 {
            stop.push(format!("once a batch moves H by at most {:e} of it", self.tol));
        }
        line("stop", &stop.join(", or "), "whichever comes first")?;
        line("threads", &self.threads, "the pool at hand, or as asked")?;
        let mib = |bytes: usize| bytes as f64 / f64::from(1 << 20);
        let memory = format!("{:.1} MiB beside V's {:.1} MiB", mib(self.working_bytes), mib(self.data_bytes));
        line("memory", &memory, "at the peak, the start included")
    }
}
