//! Fits by lists of what is observed: of sparse data whose zeros are missing, of entries with weights, and of dense data of which
//! little is observed.

use orthant_kernel::{Dense, Isa};

use super::Problem;
use crate::clock::Instant;
use crate::iterate::{Rowwise, Schedule, Solver};
use crate::lanes::{lane, lanes};
use crate::nmf::{Fit, Nmf};
use crate::observe::Observer;
use crate::random::Generator;
use crate::reduce::Reducer;
use crate::rule::{Majorizer, Setup};
use crate::source::{Lists, Stored};
use crate::{Error, Init, Loss, Matrix, Method, Missing, Options, Real, Update, check, init, scan};

/// The lists of a fit, and the method that goes with them; nothing where a fit goes by all of V.
pub(crate) fn wanted<'v, T: Real>(
    nmf: &Nmf<T>,
    v: &'v Matrix<'v, T>,
    workers: usize,
) -> Result<Option<Lists<'v, T>>, Error> {
    let Options { missing, rank, method, .. } = nmf.options;
    let weights = nmf.weights.as_deref();
    if let Some(weights) = weights {
        check::weights(weights, v)?;
        check::finite(v)?;
    } else {
        match v {
            _ if missing == Missing::None => return Ok(None),
            Matrix::Dense(_) => {
                let Some(unobserved) = check::unobserved(nmf, v, workers)? else { return Ok(None) };
                let share = unobserved.count() as f64 / (v.nrows() as f64 * v.ncols() as f64);
                let others = method.is_compatible() || nmf.init.as_ref().is_some_and(|start| !starts(start));
                if others || !pays(method, rank, share) || goes_by_lists(method).is_err() {
                    return Ok(None);
                }
            }
            _ if missing == Missing::Nan => return Err(check::sparse(missing)),
            _ => {}
        }
    }
    goes_by_lists(method)?;
    if nmf.options.shuffle {
        return Err(Error::Unsupported {
            what: "shuffling the components where entries have weights or sparse zeros are missing".into(),
            supported: "there they are taken in their order".into(),
        });
    }
    let lists = Lists::of(v, missing, weights);
    check::observed(lists.observed(rank))?;
    if method.loss.beta() <= 0.0 {
        no_zeros(&lists)?;
    }
    Ok(Some(lists))
}

/// Refuses zeros that are observed, where the loss is infinite there.
fn no_zeros<T: Real>(lists: &Lists<'_, T>) -> Result<(), Error> {
    let rows = 0..lists.values.nrows();
    let all = rows.flat_map(|i| lists.values.row(i).map(move |(j, x)| (i, j, x)));
    let mut zeros = all.filter(|&(.., x)| x == T::ZERO);
    match zeros.next() {
        Some((row, col, _)) => Err(Error::ZeroInNonPositiveBeta { row, col, count: 1 + zeros.count() }),
        None => Ok(()),
    }
}

/// The loss of a fit that explains nothing: Σ ω·d(v | 0), or where that is infinite, with the mean.
fn unexplained<T: Real>(lists: &Lists<'_, T>, loss: Loss) -> f64 {
    let p = if loss.beta() > 1.0 { 0.0 } else { lists.mean() };
    let mut sum = 0.0;
    lists.each(|v, weight| sum += weight * loss.of(v, p));
    sum
}

/// Whether lists are worth it, of dense data of which that share is missing. In units of nk for each row of both factors, a pass over
/// all takes 4 + 4μ and 1/(1 − μ) times as many of them, and lists 2(1 − μ)(k + 3).
fn pays(method: Method, k: usize, share: f64) -> bool {
    let seen = 1.0 - share;
    match method.loss.is_quadratic() {
        true => seen * seen * (k as f64 + 3.0) < 2.0 * (1.0 + share),
        false => share > 0.5,
    }
}

/// The method with every choice made, if rows can be solved by themselves with it.
fn goes_by_lists(method: Method) -> Result<Method, Error> {
    let Method { loss, update, extrapolate, .. } = method;
    let (quadratic, kl) = (loss.is_quadratic(), loss == Loss::KullbackLeibler);
    let resolved = match update {
        Update::Auto if quadratic => Method { update: Update::Hals, extrapolate: Some(true), ..method },
        Update::Auto if kl => Method { update: Update::Newton, extrapolate: Some(true), ..method },
        Update::Auto => Method { update: Update::Mm, extrapolate: Some(false), ..method },
        _ => method,
    };
    let can = match resolved.update {
        Update::Hals | Update::Cd => quadratic,
        Update::Newton => kl,
        Update::Mm => extrapolate != Some(true),
        Update::Mu => true,
        _ => false,
    };
    if can {
        return Ok(resolved);
    }
    Err(Error::Unsupported {
        what: format!("{method} where entries have weights or sparse zeros are missing"),
        supported: "auto, hals and cd go with the Frobenius loss there, auto and newton with Kullback–Leibler, auto, mm and mu with \
                    any, mm without extrapolation"
            .into(),
    })
}

/// The fit of the lists, of which nothing is missing.
pub(crate) fn with_options<T: Real>(nmf: &Nmf<T>) -> Result<Nmf<T>, Error> {
    let method = goes_by_lists(nmf.options.method)?;
    let options = Options { method, compress: Some(false), missing: Missing::None, ..nmf.options.clone() };
    let nmf = Nmf { options, weights: None, ..nmf.clone() };
    Ok(if nmf.init.is_none() { nmf.init(Init::ScaledRandom) } else { nmf })
}

/// Whether a fit by lists can start there.
fn starts<T>(start: &Init<T>) -> bool {
    matches!(start, Init::Random | Init::ScaledRandom | Init::Custom { .. })
}

/// A fit by lists.
pub(super) fn run<T: Real>(
    nmf: &Nmf<T>,
    lists: &Lists<'_, T>,
    given: Option<&Dense<T>>,
    observer: &mut (dyn Observer<T> + Send),
    workers: usize,
    began: Instant,
) -> Result<Fit<T>, Error> {
    let nmf = &with_options(nmf)?;
    let v = Matrix::Csr(lists.values.by_ref());
    let problem = Problem::of(nmf, &v, given, Some(lists), workers, began)?;
    if problem.found.max == 0.0 {
        return Ok(problem.all_zero());
    }
    let across = given.is_none().then(|| lists.transposed());
    let stored = Stored::lists(lists, across.as_ref(), problem.scale, workers);
    let source = stored.sources();
    let layout = problem.layout(&source.rows.extent());
    let (pair, begun) = match &nmf.checkpoint {
        None => problem.begin(source, None)?,
        Some(checkpoint) => problem.resume(checkpoint)?,
    };
    let (k, block, negligible) = (nmf.options.rank, layout.block, begun.negligible);
    let method = problem.choice.method;
    let loss = method.loss;
    let majorizer = || {
        let compatible = method.is_compatible();
        let rule = if compatible {
            Majorizer::compatible(loss, problem.exponent)
        } else {
            Majorizer::guaranteed(loss)
        };
        rule.at_least(negligible)
    };
    let solver = if loss.is_quadratic() {
        let setup = Setup { isa: Isa::detect(), k, workers, exponent: problem.exponent, negligible };
        Solver::Squares(method.update.rule(&setup).expect("updates for the Frobenius loss have a rule"))
    } else if method.is_newton() {
        Solver::Newton(majorizer())
    } else {
        Solver::Majorize(majorizer())
    };
    let size = if loss.is_quadratic() { problem.found.squares } else { problem.size.powers };
    let mut pass = Rowwise::new(source, solver, loss, k, layout, size, pair);
    if method.is_extrapolated() {
        pass = pass.extrapolated(if loss.is_quadratic() { Schedule::new() } else { Schedule::newton() });
    }
    problem.solve(pass, block, observer, begun)
}

impl<T: Real> Problem<'_, T> {
    /// A random start at the size of what is observed: √α times the factors drawn, with α = Σ ω v p / Σ ω p².
    pub(super) fn start_of_lists(
        &self,
        lists: &Lists<'_, T>,
        start: &Init<T>,
        data: &init::Data<'_, T>,
        generator: &mut Generator,
    ) -> Result<(Vec<T>, Vec<T>), Error> {
        let k = self.nmf.options.rank;
        if !starts(start) {
            return Err(Error::Unsupported {
                what: format!(
                    "the start {} where entries have weights or sparse zeros are missing",
                    start.kind().name()
                ),
                supported: "there fits start at random or at given factors".into(),
            });
        }
        let (mut w, mut ht) = init::random(data, k, generator)?;
        if matches!(start, Init::ScaledRandom) {
            let (v, m) = (&lists.values, lists.values.nrows());
            let (w0, h0, scale) = (&w, &ht, self.scale);
            let count = lanes(m);
            let of_lane = |l: usize, _: usize, sums: &mut [f64; 2]| {
                *sums = [0.0; 2];
                for i in lane(m, count, l) {
                    let x = &w0[i * k..(i + 1) * k];
                    for (e, (j, v)) in (v.entries_before(i)..).zip(v.row(i)) {
                        let y = &h0[j * k..(j + 1) * k];
                        let p: f64 = x.iter().zip(y).map(|(x, y)| x.to_f64() * y.to_f64()).sum();
                        let weight = lists.weights.as_ref().map_or(1.0, |weights| weights[e].to_f64());
                        sums[0] += weight * (v * scale).to_f64() * p;
                        sums[1] += weight * p * p;
                    }
                }
            };
            let [fit, size] = Reducer::new(count, self.workers, || [0.0; 2])
                .run(of_lane, |a, b| a.iter_mut().zip(b).for_each(|(a, b)| *a += b));
            let root = (fit / size).sqrt();
            if root > 0.0 && root.is_finite() {
                w.iter_mut().chain(&mut ht).for_each(|x| *x = T::from_f64(x.to_f64() * root));
            }
        }
        Ok((w, ht))
    }

    /// What the figures are of: Σ ω·v² and what the loss is compared with, of V as it is scaled.
    pub(super) fn measure_lists(&mut self, lists: &Lists<'_, T>) {
        let loss = self.choice.method.loss;
        let by = |beta: f64| (-f64::from(self.exponent) * beta).exp2();
        self.found.squares = lists.powers(2.0) * by(2.0);
        self.size = match loss.is_quadratic() {
            true => scan::Size::quadratic(self.found.squares),
            false => {
                let beta = loss.beta();
                scan::Size::of(lists.powers(beta) * by(beta), unexplained(lists, loss) * by(beta))
            }
        };
    }
}

/// The start alone, in the user's units.
pub(super) fn init_factors<T: Real>(
    nmf: &Nmf<T>,
    lists: &Lists<'_, T>,
    workers: usize,
    began: Instant,
) -> Result<(Dense<T>, Dense<T>), Error> {
    let nmf = &with_options(nmf)?;
    let v = Matrix::Csr(lists.values.by_ref());
    let problem = Problem::of(nmf, &v, None, Some(lists), workers, began)?;
    let stored = Stored::lists(lists, None, problem.scale, workers);
    problem.init_factors(stored.sources(), None)
}
