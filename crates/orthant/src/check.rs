//! Looking at shapes and given factors before anything is computed.

use orthant_kernel::{Dense, Isa};

use xxhash_rust::xxh3::xxh3_64;

use crate::choice::Choice;
use crate::out_of_core::needs_memory;
use crate::ranks::Ranks;
use crate::source::{Counts, Unobserved};
use crate::state::{State, save_elements};
use crate::{
    EntryWeights, Error, Init, InitKind, Matrix, Missing, Nmf, Options, Products, Real, Scale, Update,
    available, scan,
};

/// Refuses data that several ranks cannot share, and ranks that would not do the same.
pub(crate) fn ranks<T: Real>(nmf: &Nmf<T>, v: &Matrix<'_, T>, given: Option<&Dense<T>>) -> Result<(), Error> {
    if nmf.ranks.is_one() {
        return Ok(());
    }
    if !matches!(v, Matrix::OutOfCore(_)) {
        return Err(Error::Unsupported {
            what: "a fit of data in memory on several ranks".into(),
            supported: "each rank reads lines of its own: OutOfCore takes what reads them".into(),
        });
    }
    if nmf.options.init == Some(InitKind::Spa) {
        return Err(Error::Unsupported {
            what: "the start spa on several ranks".into(),
            supported: "the random starts and those by singular vectors go with ranks".into(),
        });
    }
    // threads are each rank's own business
    let options = Options { threads: None, ..nmf.options.clone() };
    let (version, isa) = (env!("CARGO_PKG_VERSION"), Isa::detect().name());
    let from = nmf.checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.iterations());
    let (rows, columns, entries, precision) = (v.nrows(), v.ncols(), v.nnz(), T::NAME);
    let mut factors = Vec::new();
    if let Some(Init::Custom { w, h }) = &nmf.init {
        save_elements(w.as_slice(), &mut factors);
        save_elements(h.as_slice(), &mut factors);
    }
    given.into_iter().for_each(|h| save_elements(h.as_slice(), &mut factors));
    nmf.random.save(&mut factors);
    let start = xxh3_64(&factors);
    let mine = format!(
        "{version}, {isa}, {rows}×{columns} with {entries:?} entries by {precision}, start {start:x}, from iteration {from}, {options:?}"
    );
    for (rank, other) in nmf.ranks.all_gather(mine.as_bytes())?.iter().enumerate() {
        if other != mine.as_bytes() {
            let reason = format!(
                "rank {rank} has another version, instruction set, matrix, start, checkpoint or options: {}; here is {mine}",
                String::from_utf8_lossy(other)
            );
            return Err(Error::Communication { reason });
        }
    }
    Ok(())
}

/// What all ranks have chosen: by their memory and their threads they might have chosen otherwise.
pub(crate) fn choice(ranks: &Ranks, choice: Result<Choice, Error>) -> Result<Choice, Error> {
    let choice = ranks.agree(choice)?;
    if !ranks.is_one() {
        let Choice { method, sketch, sample, sparse, .. } = choice;
        let mine = format!("{method:?}, sketch {sketch:?}, sample {sample:?}, {sparse:?}");
        let all = ranks.all_gather(mine.as_bytes())?;
        if let Some(rank) = all.iter().position(|other| other != mine.as_bytes()) {
            let reason = format!(
                "rank {rank} has room for another method than this one: {}; here is {mine}; a method, or a limit of memory that all have, \
                 makes them the same",
                String::from_utf8_lossy(&all[rank])
            );
            return Err(Error::Communication { reason });
        }
    }
    Ok(choice)
}

/// Refuses shapes and factors that do not belong to a fit's data.
pub(crate) fn shapes<T: Real>(
    nmf: &Nmf<T>,
    v: &Matrix<'_, T>,
    given: Option<&Dense<T>>,
) -> Result<(), Error> {
    let (m, n) = (v.nrows(), v.ncols());
    if m == 0 || n == 0 {
        return Err(Error::Empty { rows: m, cols: n });
    }
    if let Err(value) = Isa::asked_for() {
        let names: Vec<&str> = Isa::available().into_iter().map(Isa::name).collect();
        return Err(Error::Unsupported {
            what: format!("ORTHANT_ISA={value}"),
            supported: format!("this processor has {}", names.join(", ")).into(),
        });
    }
    if v.nnz().is_some() && nmf.options.products != Products::Fused {
        return Err(Error::Unsupported {
            what: "sparse data with gemm or BLAS products".into(),
            supported: "sparse data goes with the fused kernels".into(),
        });
    }
    nmf.options.check_scale(given.is_some())?;
    let k = nmf.options.rank;
    sizes::<T>(m, n, k)?;
    known(nmf, given.is_some())?;
    if let Some(h) = given {
        if nmf.init.is_some() {
            return Err(Error::Unsupported {
                what: "a start where H is given".into(),
                supported: "W starts from 0, or with multiplicative updates from √(mean(V)/k)".into(),
            });
        }
        if nmf.options.compress == Some(true) {
            return Err(Error::Unsupported {
                what: "a compressed start where H is given".into(),
                supported: "it goes with fits of W and H together".into(),
            });
        }
        factor("H", h, (k, n), nmf.options.method.keeps_zeros())?;
    }
    if let Some(Init::Custom { w, h }) = &nmf.init {
        factor("W", w, (m, k), nmf.options.method.keeps_zeros())?;
        factor("H", h, (k, n), nmf.options.method.keeps_zeros())?;
    }
    Ok(())
}

/// Refuses what does not go with what is known of W and H.
fn known<T: Real>(nmf: &Nmf<T>, given: bool) -> Result<(), Error> {
    if !nmf.knows() {
        return Ok(());
    }
    let Options { method, scale, .. } = nmf.options;
    let unsupported =
        |what: String, supported: String| Err(Error::Unsupported { what, supported: supported.into() });
    if !method.update.takes_bounds() {
        let others = Update::list(|update| update.takes_bounds() && update.minimises(method.loss));
        return unsupported(
            format!("solver {} with fixed entries or bounds of a factor", method.update),
            format!("with {} {others} know them", method.loss),
        );
    }
    if given && nmf.known[1].is_known() {
        return unsupported(
            "fixed entries or bounds of an H that is given".into(),
            "a given H is kept as it is; what is known of W goes with it".into(),
        );
    }
    if let Some(scale) = scale.filter(|scale| *scale != Scale::None) {
        return unsupported(
            format!("scale {scale} with fixed entries or bounds of a factor"),
            "there the scale is fixed and stays as it is (none)".into(),
        );
    }
    Ok(())
}

/// Refuses what needs data in memory, where it is not.
///
/// # Errors
/// [`Error::Unsupported`].
pub(crate) fn in_memory<T: Real>(nmf: &Nmf<T>, v: &Matrix<'_, T>, given: bool) -> Result<(), Error> {
    let Matrix::OutOfCore(v) = v else { return Ok(()) };
    let of_entries = nmf.weights.as_ref().map(|_| "weights of entries");
    let of_lines =
        nmf.lines.rows.as_ref().or(nmf.lines.columns.as_ref()).map(|_| "weights of rows or columns");
    let of_options = || nmf.options.needs_memory_for(v.by_columns(), given);
    of_entries.or(of_lines).or_else(of_options).map_or(Ok(()), |what| Err(needs_memory(what)))
}

/// Refuses what works on rows where only columns can be read.
///
/// # Errors
/// [`Error::Unsupported`].
pub(crate) fn has_rows<T: Real>(v: &Matrix<'_, T>, what: &str) -> Result<(), Error> {
    match v {
        Matrix::OutOfCore(v) if v.by_columns() => Err(needs_memory(what)),
        _ => Ok(()),
    }
}

/// What is not observed of V by its lines, if anything is not.
///
/// # Errors
/// [`Error::Unsupported`] for sparse data, [`Error::NoObservations`], [`Error::Unobserved`] and those of memory.
pub(crate) fn unobserved<T: Real>(
    nmf: &Nmf<T>,
    v: &Matrix<'_, T>,
    workers: usize,
) -> Result<Option<Unobserved>, Error> {
    let Options { missing, memory_limit, rank, .. } = nmf.options;
    let view = match v {
        _ if missing == Missing::None => return Ok(None),
        Matrix::Dense(view) => view,
        _ => return Err(sparse(missing)),
    };
    let s = if v.by_columns() { view.transposed() } else { *view };
    let may = |bytes| available::check(bytes, memory_limit);
    let Some(unobserved) = Unobserved::of(s, missing, workers, may)? else { return Ok(None) };
    let mut counts = unobserved.observed(rank);
    if v.by_columns() {
        counts.reverse();
    }
    observed(counts)?;
    Ok(Some(unobserved))
}

/// Refuses rows and columns, in that order, of which nothing is observed.
pub(crate) fn observed(counts: [Counts; 2]) -> Result<(), Error> {
    if counts.iter().all(|counts| counts.most == 0) {
        return Err(Error::NoObservations);
    }
    for (line, counts) in ["row", "column"].into_iter().zip(counts) {
        if counts.fewest == 0 {
            return Err(Error::Unobserved { line, at: counts.at });
        }
    }
    Ok(())
}

/// Refuses weights of another shape than V's.
pub(crate) fn weights<T: Real>(weights: &EntryWeights<T>, v: &Matrix<'_, T>) -> Result<(), Error> {
    let (expected, found) = ((v.nrows(), v.ncols()), weights.shape);
    if expected == found { Ok(()) } else { Err(Error::ShapeMismatch { operand: "weights", expected, found }) }
}

/// Refuses an infinite entry, also one that is not observed.
pub(crate) fn finite<T: Real>(v: &Matrix<'_, T>) -> Result<(), Error> {
    let Matrix::Dense(v) = v else { return Ok(()) };
    for row in 0..v.nrows() {
        for col in 0..v.ncols() {
            let value = v.at(row, col).to_f64();
            if value.is_infinite() {
                return Err(Error::NonFinite { operand: "V", row, col, value });
            }
        }
    }
    Ok(())
}

/// That what is not observed of sparse data is not told.
pub(crate) fn sparse(missing: Missing) -> Error {
    Error::Unsupported {
        what: format!("sparse data with missing = {missing}"),
        supported: "dense data can have NaN where it is missing; a fit of sparse data can take what is not stored as missing (zeros)"
            .into(),
    }
}

/// Refuses what cannot be counted or addressed.
pub(crate) fn sizes<T>(m: usize, n: usize, k: usize) -> Result<(), Error> {
    for (what, rows, cols) in [("W", m, k), ("H", k, n), ("HHᵀ", k, k)] {
        // room for padding and for a few of them, in bytes
        let bytes = rows.checked_mul(cols).and_then(|x| x.checked_mul(64 * size_of::<T>()));
        if bytes.is_none_or(|b| b > isize::MAX as usize) {
            return Err(Error::TooLarge { what, rows, cols });
        }
    }
    Ok(())
}

/// Looks at a factor that is given; `multiplied` entries stay 0 if they are.
pub(crate) fn factor<T: Real>(
    operand: &'static str,
    x: &Dense<T>,
    expected: (usize, usize),
    multiplied: bool,
) -> Result<(), Error> {
    let found = (x.nrows(), x.ncols());
    if found != expected {
        return Err(Error::ShapeMismatch { operand, expected, found });
    }
    scan::entries(operand, x.view())?;
    if multiplied { not_zero(operand, x.as_slice()) } else { Ok(()) }
}

/// Refuses a start that multiplicative updates cannot leave.
pub(crate) fn not_zero<T: Real>(operand: &'static str, x: &[T]) -> Result<(), Error> {
    if x.iter().all(|&x| x == T::ZERO) {
        return Err(Error::Unsupported {
            what: format!("starting multiplicative updates at {operand} = 0, where they would stay,"),
            supported: "multiplicative updates go from a start with positive entries, the others from any"
                .into(),
        });
    }
    Ok(())
}
