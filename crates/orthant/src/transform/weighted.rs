//! New rows whose columns count unlike: the rows and the components with their columns [scaled](crate::line_weights).

use crate::cancel::Halt;
use crate::line_weights::{LineScales, LineWeights};
use crate::model::{Model, Transform, TransformReport};
use crate::{Dense, Error, Matrix, Real, available, scan, threads};

pub(super) fn transform<T: Real>(
    model: &Model<T>,
    v: &Matrix<'_, T>,
    options: &Transform,
    halt: &Halt,
    lines: &LineWeights,
) -> Result<(Dense<T>, TransformReport), Error> {
    let copied = LineScales::bytes(v);
    available::check(copied, options.memory_limit)?;
    // errors are to show the entry as it is
    threads::on(options.threads, |workers| scan::data(v, T::ONE, options.missing, workers))?.0?;
    let (plain, scales, elements) = threads::caught(|| {
        let scales = lines.scales::<T>(model.loss())?;
        let elements = scales.elements(v);
        Ok((plain(model, lines, &scales), scales, elements))
    })?;
    let memory_limit = options.memory_limit.map(|limit| limit - copied);
    let options = Transform { memory_limit, ..options.clone() };
    super::halted(&plain, &scales.matrix(v, &elements)?, &options, halt)
}

/// The components at that scale.
fn plain<T: Real>(model: &Model<T>, lines: &LineWeights, scales: &LineScales) -> Model<T> {
    let mut h = model.components().clone();
    scales.scale_h(&mut h, false);
    Model::new(h, lines.penalty(model.penalty()), model.loss())
}

/// The peak of what it takes beside V, W and the copy with it.
pub(super) fn working_bytes<T: Real>(
    model: &Model<T>,
    v: &Matrix<'_, T>,
    options: &Transform,
    workers: usize,
) -> usize {
    let plain = model.clone().counting(None);
    LineScales::bytes(v)
        + size_of_val(model.components().as_slice())
        + model.n_features() * size_of::<f64>()
        + super::working_bytes(&plain, v, options, workers)
}
