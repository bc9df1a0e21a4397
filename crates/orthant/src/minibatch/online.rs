//! Batches as they come.

use orthant_kernel::{Dense, allocate};

use super::MiniBatchNmf;
use super::batch::{Data, Learning, Learnt, start};
use crate::random::{Generator, RandomState};
use crate::{Error, Matrix, Model, Real, ToMatrix, scan, threads};

/// Components that are learnt from batches as they come: scikit-learn's `partial_fit`.
///
/// ```
/// use orthant::{Dense, MiniBatchNmf};
/// let mut online = MiniBatchNmf::<f64>::new(2).online()?;
/// for part in 0..5 {
///     let batch = Dense::from_fn(30, 8, |i, j| ((i + part) % 3 * (j % 2) + j) as f64);
///     online.partial_fit(&batch)?;
/// }
/// assert_eq!(online.steps(), 5);
/// let model = online.model().unwrap();
/// assert_eq!(model.components().ncols(), 8);
/// # Ok::<(), orthant::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Online<T> {
    nmf: MiniBatchNmf<T>,
    state: Option<Learning<T>>,
    steps: usize,
    random: Generator,
}

impl<T: Real> Online<T> {
    pub(super) fn new(nmf: MiniBatchNmf<T>) -> Self {
        Self { random: nmf.random.clone(), nmf, state: None, steps: 0 }
    }

    pub(super) fn resumed(nmf: MiniBatchNmf<T>, learnt: &Learnt<T>) -> Result<Self, Error> {
        let state = Some(threads::caught(|| Learning::of(learnt, nmf.options.rank))?);
        Ok(Self { state, steps: learnt.steps, ..Self::new(nmf) })
    }

    /// Learns from a batch. The first one makes the start and fixes how fast the past is forgotten; a batch without rows
    /// does nothing, and one that is all zero changes nothing but the count.
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] for another number of columns than the first batch had; else as
    /// [`MiniBatchNmf::fit`].
    pub fn partial_fit(&mut self, batch: &impl ToMatrix<T>) -> Result<(), Error> {
        T::partial_fit(self, &batch.to_matrix()?)
    }

    pub(crate) fn learn(&mut self, batch: &Matrix<'_, T>) -> Result<(), Error> {
        let v = &threads::caught(|| Ok(batch.with_rows()))?;
        let (m, n, k) = (v.nrows(), v.ncols(), self.nmf.options.rank);
        let Self { nmf, state, .. } = self;
        if let Some(state) = &state
            && state.ht.len() != n * k
        {
            let expected = (m, state.ht.len() / k);
            return Err(Error::ShapeMismatch { operand: "V", expected, found: (m, n) });
        }
        if m == 0 && n > 0 {
            return Ok(());
        }
        type Next<T> = Option<(Learning<T>, Option<Generator>)>;
        let learnt = threads::on(nmf.options.threads, |workers| -> Result<Next<T>, Error> {
            let data = Data::new(nmf, v, state.as_ref().map(|s| s.exponent), workers, nmf.halt())?;
            if data.found.max == 0.0 {
                return Ok(None);
            }
            let (mut next, random) = match state {
                Some(state) => (state.clone(), None),
                None => {
                    let ((_, ht), random) = start(&data, v)?;
                    (Learning::new(ht, nmf.rho(m), data.exponent), Some(random))
                }
            };
            let (_, cost, _) = data.step(v, None, &mut next)?;
            if !cost.is_finite() || !next.ht.iter().all(|h| h.is_finite()) {
                return Err(Error::Diverged { iteration: self.steps + 1 });
            }
            Ok(Some((next, random)))
        })?
        .0?;
        if let Some((state, random)) = learnt {
            self.state = Some(state);
            if let Some(random) = random {
                self.random = random;
            }
        }
        self.steps += 1;
        Ok(())
    }

    /// Batches learnt from.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// What [`MiniBatchNmf::resume`] goes on from; none before there was a batch with an entry.
    pub fn learnt(&self) -> Option<Learnt<T>> {
        Some(self.state.as_ref()?.learnt(self.nmf.options.rank, self.steps))
    }

    /// The [generator](MiniBatchNmf::random_state), if one was given, as the start left it.
    pub fn random_state(&self) -> Option<RandomState> {
        self.random.clone().into_state()
    }

    /// The components as they stand; none before there was a batch with an entry.
    pub fn model(&self) -> Option<Model<T>> {
        let state = self.state.as_ref()?;
        let k = self.nmf.options.rank;
        let ht = allocate::collected(state.ht.iter().map(|&h| scan::scale_by(h, state.exponent / 2)));
        let ht = Dense::from_vec(ht, state.ht.len() / k, k).expect("Hᵀ is n×k");
        Some(Model::new(ht.transposed(), self.nmf.options.penalty, self.nmf.loss_function()))
    }
}
