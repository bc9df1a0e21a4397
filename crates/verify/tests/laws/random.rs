//! Random small problems: every solver with every loss that it takes, in every layout and both precisions, on data of every
//! kind and scale. Each fit is checked against plain loops over the factors that it returned.
//!
//! Factors and figures are finite and not negative; the loss and the objective are those of the factors; the objective does not
//! rise where the method promises it, restarted iterations aside; without penalties the library's own methods scale the factors
//! as they say; an error is one that the fault table asks for.
//!
//! `ORTHANT_RANDOM_PROBLEMS` is the number of problems (default 500) and `ORTHANT_RANDOM_SEED` the number of the first
//! (default 1). A failure names its problem's number, which is all that is needed to repeat it.

use std::time::{Duration, Instant};

use orthant::{Dense, Error, Fit, InitKind, Loss, Method, Nmf, Penalty, Real, StopReason, Support, Update};
use orthant_verify::cases::Case;
use orthant_verify::compare::{cast, is_non_negative, max_abs, unit_roundoff};
use orthant_verify::divergences::{self, clear_of_floors, cut_off};
use orthant_verify::drawn::{Drawn, Kind};
use orthant_verify::fits::{Step, trace};
use orthant_verify::forms::FORMS;
use orthant_verify::layout::{ALL, Layout, Stored};
use orthant_verify::oracle;
use orthant_verify::strategies::Numbers;
use rayon::prelude::*;

const BETAS: [f64; 9] = [-0.5, 0.0, 0.3, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0];

/// A problem and how it is solved, in a form that prints on one line.
#[derive(Clone, Copy, Debug)]
struct Problem {
    drawn: Drawn,
    method: Method,
    layout: Layout,
    /// Where to start; none is the method's own default.
    start: Option<InitKind>,
    max_iter: usize,
    /// Whether it stops before that.
    stops: bool,
    /// Whether zeros are left in V where the loss does not take them.
    zeros: bool,
}

/// m, n and k, as the strategies of property tests draw them.
fn shape(numbers: &mut Numbers) -> (usize, usize, usize) {
    let mut from = |low: usize, high: usize| low + numbers.below(high - low + 1);
    match from(0, 15) {
        0 => (1, 1, from(1, 4)),
        1 => (1, from(1, 40), from(1, 4)),
        2 => (from(1, 40), 1, from(1, 4)),
        3 | 4 => (from(2, 40), from(2, 40), 1),
        5 | 6 => (from(2, 40), from(2, 40), 17),
        7 | 8 => (from(2, 8), from(2, 8), from(9, 20)),
        _ => (from(2, 40), from(2, 40), from(2, 12)),
    }
}

impl Problem {
    fn new(number: u64) -> Self {
        let mut numbers = Numbers::new(number);
        // every form alike, whatever the number of its losses
        let methods = FORMS[numbers.below(FORMS.len())].methods(&BETAS.map(Loss::from_beta));
        let method = methods[numbers.below(methods.len())];
        let (m, n, k) = shape(&mut numbers);
        let mut penalty = match numbers.below(5) {
            0 | 1 => Kind::ALL[1 + numbers.below(3)].draw(&mut numbers),
            _ => Penalty::default(),
        };
        match numbers.below(8) {
            0 => penalty.alpha_h = Some(0.0),
            1 => (penalty.alpha_h, penalty.alpha_w) = (Some(penalty.alpha_w), 0.0),
            _ => {}
        }
        let mut drawn = Drawn::new(&mut numbers, (m, n, k), 8, penalty);
        if numbers.below(64) == 0 {
            drawn.scale = 0.0;
        }
        let start = match numbers.below(8) {
            0 | 1 => Some(InitKind::Random),
            2 | 3 => Some(InitKind::Nndsvd),
            4 => Some(InitKind::ALL[numbers.below(8)]),
            _ => None,
        };
        let layout = ALL[numbers.below(ALL.len())];
        let max_iter = 1 + numbers.below(60);
        let (stops, zeros) = (numbers.below(2) == 0, numbers.below(8) == 0);
        Self { drawn, method, layout, start, max_iter, stops, zeros }
    }

    fn nmf<T: Real>(&self) -> Nmf<T> {
        let p = &self.drawn;
        let seed = p.recipe.seed as u32;
        let mut nmf = Nmf::new(p.k).method(self.method).penalty(p.penalty).seed(seed).threads(1);
        nmf = nmf.max_iter(self.max_iter);
        if let Some(start) = self.start {
            nmf = nmf.init(start.init().expect("a kind that needs no factors"));
        }
        if self.stops { nmf } else { nmf.tol(0.0) }
    }

    /// What the fault table says of this problem, where that is an error.
    fn refused(&self, v: &Dense<f64>, error: &Error) -> bool {
        let zeros = v.as_slice().iter().filter(|x| **x == 0.0).count();
        match *error {
            Error::ZeroInNonPositiveBeta { row, col, count } => {
                self.method.loss.beta() <= 0.0 && count == zeros && v[(row, col)] == 0.0
            }
            Error::RankTooLargeForInit { .. } => self.asks_too_much(v),
            // it does not promise to descend (fault 60)
            Error::Diverged { .. } => self.method == Method::als(),
            _ => false,
        }
    }

    /// Whether the start takes more components from V than there are: singular vectors, or rows.
    fn asks_too_much(&self, v: &Dense<f64>) -> bool {
        let most = match self.start {
            None | Some(InitKind::Random | InitKind::ScaledRandom) => usize::MAX,
            Some(InitKind::Spa) => v.nrows(),
            Some(_) => v.nrows().min(v.ncols()),
        };
        self.drawn.k > most
    }

    /// Whether the objective never rises: of the plain rules all but ALS and, with an L2 penalty and β < 2, scikit-learn's
    /// multiplicative updates.
    fn descends(&self) -> bool {
        let ridge = matches!(Kind::of(self.drawn.penalty), Kind::L2 | Kind::Both);
        match self.method.update {
            Update::Mu => self.method.loss.beta() >= 2.0 || !ridge,
            update => update.descends() && self.method.extrapolate.is_none(),
        }
    }
}

/// Objectives and losses of factors by plain loops, and how near what is reported of them has to be.
struct Truth {
    loss: f64,
    objective: f64,
    penalties: f64,
    /// Σ of the magnitudes of the loss's terms, by which its rounding is measured; ½(‖V‖² + ‖WH‖²) for β = 2.
    size: f64,
}

impl Truth {
    fn new(v: &Dense<f64>, w: &Dense<f64>, h: &Dense<f64>, penalty: Penalty, beta: f64) -> Self {
        let loss = oracle::divergence(v, w, h, beta);
        let on = oracle::weights(penalty, v.nrows(), v.ncols());
        let of = |x: &Dense<f64>, l1: f64, l2: f64| {
            l1 * x.as_slice().iter().sum::<f64>() + 0.5 * l2 * oracle::norm_squared(x)
        };
        let penalties = of(w, on.l1_w, on.l2_w) + of(h, on.l1_h, on.l2_h);
        let size = divergences::divergence(v, w, h, beta).size;
        Self { loss, objective: loss + penalties, penalties, size }
    }

    /// How far a reported loss may be off. An entry of WH is a sum of k products of elements, with a relative error of about
    /// (k + 4)·ε. For β = 2 the residual itself is summed, so that this is a share of √loss times the norm of V and WH, and its
    /// square of theirs; of sparse data it is summed over the entries, and ‖WH‖² added from Gram matrices in double precision.
    /// For other losses the terms v^β, p^β and v·p^(β−1) cancel, so that it is a share, by the power, of their magnitudes.
    fn rounding<T: Real>(&self, p: &Problem, beta: f64) -> f64 {
        let share = 8.0 * (p.drawn.k + 4) as f64 * unit_roundoff::<T>();
        if beta == 2.0 {
            let norm = (2.0 * self.size).sqrt();
            let by_entries =
                if p.layout.is_sparse() { 64.0 * unit_roundoff::<f64>() * norm * norm } else { 0.0 };
            1e-10 * self.loss + share * norm * self.loss.sqrt() + (share * norm).powi(2) + by_entries
        } else {
            f64::max(1e-12, share * (1.0 + beta.abs())) * self.size
        }
    }
}

/// What is wrong with a fit of `p`.
fn faults<T: Real>(p: &Problem) -> Vec<String> {
    let loss = p.method.loss;
    let stored: Dense<T> = if p.zeros { p.drawn.with_zeros() } else { p.drawn.data(loss) };
    let v = cast::<T, f64>(&stored);
    let zero = v.as_slice().iter().all(|&x| x == 0.0);
    let (fit, steps) = match trace(&p.nmf::<T>(), &Stored::new(&stored, p.layout)) {
        Ok(done) => done,
        Err(error) if p.refused(&v, &error) => return Vec::new(),
        Err(error) => return vec![format!("error {error:?}")],
    };
    let mut wrong = Vec::new();
    if loss.beta() <= 0.0 && v.as_slice().contains(&0.0) || p.asks_too_much(&v) && !zero {
        wrong.push("should be an error".to_owned());
    }
    let h = fit.model.components();
    if !is_non_negative(&fit.w) || !is_non_negative(h) {
        wrong.push("an entry is negative or not finite".to_owned());
        return wrong;
    }
    let r = &fit.report;
    let figures = [r.objective, r.loss, r.reconstruction_error, r.relative_error, r.kkt_residual];
    if !figures.iter().all(|x| x.is_finite() && *x >= 0.0) {
        wrong.push(format!("a figure of {figures:?} is negative or not finite"));
    }
    if zero {
        let empty = |a: &Dense<T>| a.as_slice().iter().all(|x| x.to_f64().to_bits() == 0);
        if r.stop_reason != StopReason::ZeroData || !empty(&fit.w) || !empty(h) || r.objective != 0.0 {
            wrong.push(format!("all zero, and {}, objective {}", r.stop_reason, r.objective));
        }
        return wrong;
    }
    wrong.extend(reports_truly(p, &v, &fit));
    wrong.extend(falls(p, &v, &fit, &steps));
    // every start here is generated
    if Kind::of(p.drawn.penalty) == Kind::None && !p.method.is_compatible() {
        wrong.extend(scale_is_sane(&v, &fit));
    }
    wrong
}

/// The loss and the objective are those of the factors returned.
fn reports_truly<T: Real>(p: &Problem, v: &Dense<f64>, fit: &Fit<T>) -> Option<String> {
    let (beta, r) = (p.method.loss.beta(), &fit.report);
    let truth = Truth::new(v, &cast(&fit.w), &cast(fit.model.components()), p.drawn.penalty, beta);
    // zeros that multiplicative updates keep, or scikit-learn's make, can leave no component for a positive entry
    let locked = p.start.is_some_and(|start| r.plan.method.starts_from(start) == Support::Warned)
        || p.method.update == Update::Mu && beta <= 1.0;
    if !truth.loss.is_finite() {
        return (!locked).then(|| format!("loss {:e} reported, infinite in truth", r.loss));
    }
    let rounding = truth.rounding::<T>(p, beta);
    let penalised = 64.0 * unit_roundoff::<T>() * truth.penalties;
    let nothing = divergences::unexplained(v, beta);
    [
        ("loss", r.loss, truth.loss, rounding),
        ("objective", r.objective, truth.objective, rounding + penalised),
        ("½·reconstruction error²", 0.5 * r.reconstruction_error.powi(2), truth.loss, rounding),
        ("relative error²·D₀", r.relative_error.powi(2) * nothing, truth.loss, rounding),
    ]
    .into_iter()
    .find(|(_, told, truth, rounding)| (told - truth).abs() > *rounding)
    .map(|(name, told, truth, rounding)| {
        format!("{name} {told:e} reported, {truth:e} in truth, rounding {rounding:e}")
    })
}

/// Rows of H sum to 1 or are all zero, components are in the order of their totals, the columns' sums of W, and in
/// double precision no entry of W is above four times the largest row sum of V, for β from 0 to 1 sixteen times.
fn scale_is_sane<T: Real>(v: &Dense<f64>, fit: &Fit<T>) -> Option<String> {
    fn sum<'a>(line: impl IntoIterator<Item = &'a f64>) -> f64 {
        let mut sum = oracle::Sum::default();
        line.into_iter().for_each(|&x| sum.add(x));
        sum.value()
    }
    let (w, h) = (cast::<T, f64>(&fit.w), cast::<T, f64>(fit.model.components()));
    let roundoff = unit_roundoff::<T>();
    for t in 0..h.nrows() {
        let total = sum(h.row(t));
        if total != 0.0 && (total - 1.0).abs() > 4.0 * roundoff * h.ncols() as f64 {
            return Some(format!("row {t} of H sums to {total}"));
        }
    }
    let wt = w.transposed();
    let totals: Vec<f64> = (0..wt.nrows()).map(|t| sum(wt.row(t))).collect();
    // sums of elements that have been rounded after they were put in order
    let falls = |pair: &[f64]| pair[1] <= pair[0] * (1.0 + 4.0 * roundoff * w.nrows() as f64);
    if let Some(t) = totals.windows(2).position(|pair| !falls(pair)) {
        return Some(format!("component {} has the total {:e}, the next {:e}", t, totals[t], totals[t + 1]));
    }
    // for β ≤ 0 a product far above the data costs little or nothing, beside one that is below it; ALS does not promise to descend
    let (beta, update) = (fit.report.loss_function.beta(), fit.report.plan.method.update);
    if beta <= 0.0 || update == Update::Als {
        return None;
    }
    // and above, the less it costs the smaller β is
    let times = if beta < 1.0 { 16.0 } else { 4.0 };
    let most = times * (0..v.nrows()).map(|i| sum(v.row(i))).fold(0.0, f64::max);
    let largest = max_abs(&w);
    (T::NAME == "float64" && largest > most).then(|| format!("an entry of W is {largest:e}, above {most:e}"))
}

/// The objective by plain loops does not rise where the rule promises it, and what is reported does not rise where an
/// iteration was accepted; both until a floor is active.
fn falls<T: Real>(p: &Problem, v: &Dense<f64>, fit: &Fit<T>, steps: &[Step<T>]) -> Option<String> {
    let (beta, penalty, history) = (p.method.loss.beta(), p.drawn.penalty, &fit.report.history);
    let restarts = history.iter().any(|point| point.restarted);
    if !p.descends() && !restarts {
        return None;
    }
    let roundoff = unit_roundoff::<T>();
    let mut best = f64::INFINITY;
    let mut before: Option<(Dense<f64>, Dense<f64>, Truth)> = None;
    for (point, s) in history.iter().zip(steps) {
        let (w, h) = (cast::<T, f64>(&s.w), cast::<T, f64>(&s.h));
        let middle = before.as_ref().map_or(&h, |(_, h, _)| h);
        if !clear(p, v, fit, &w, &h) || !clear(p, v, fit, &w, middle) {
            return None;
        }
        let now = Truth::new(v, &w, &h, penalty, beta);
        if !point.restarted {
            // from Gram matrices for β = 2, whose rounding is a share of ‖V‖²
            let rounding = if beta == 2.0 {
                128.0 * p.drawn.k as f64 * roundoff * now.size
            } else {
                now.rounding::<T>(p, beta)
            };
            if point.objective > best + rounding + 64.0 * roundoff * now.penalties {
                return Some(format!(
                    "history rises in iteration {} from {best:e} to {:e}",
                    point.iteration, point.objective
                ));
            }
            best = best.min(point.objective);
        }
        if let (Some((last_w, last_h, last)), true) = (&before, p.descends()) {
            let mu = p.method.update == Update::Mu && beta <= 1.0;
            if mu && cut_off(v, (last_w, last_h), (&w, &h)) {
                return None;
            }
            let size = (now.size + now.penalties).max(last.size + last.penalties);
            let by = now.objective - last.objective;
            let rises = match p.method.update {
                // normal equations, solved exactly, square the condition number
                Update::Anls | Update::ProjectedGradient => by > 1024.0 * roundoff * size,
                _ if beta == 2.0 => {
                    now.objective.sqrt() > last.objective.sqrt() + 64.0 * roundoff * size.sqrt()
                }
                _ => by > 64.0 * roundoff * size,
            };
            if rises {
                return Some(format!(
                    "F rises in iteration {} from {:e} by {by:e}, terms add up to {size:e}",
                    point.iteration, last.objective
                ));
            }
        }
        before = Some((w, h, now));
    }
    None
}

/// Whether no floor is active, in the units in which the fit has read V.
fn clear<T: Real>(p: &Problem, v: &Dense<f64>, fit: &Fit<T>, w: &Dense<f64>, h: &Dense<f64>) -> bool {
    let plan = &fit.report.plan;
    let by = 4f64.powi(-plan.scale_exponent);
    let scaled = |a: &Dense<f64>| Dense::from_fn(a.nrows(), a.ncols(), |i, j| a[(i, j)] * by);
    p.method.loss.is_quadratic() || clear_of_floors::<T>(plan.method, &scaled(v), &scaled(w), h)
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name}={text}")))
}

/// Law 1, 45, 52. Fits of drawn problems are non-negative and finite, tell their losses truly, and have the
/// scale that they say.
#[test]
fn every_fit_is_what_it_says_it_is() {
    let first = number("ORTHANT_RANDOM_SEED", 1);
    let count = number("ORTHANT_RANDOM_PROBLEMS", 500);
    let failed: Vec<String> = (first..first + count)
        .into_par_iter()
        .flat_map_iter(|number| {
            let p = Problem::new(number);
            let wrong = if p.drawn.single { faults::<f32>(&p) } else { faults::<f64>(&p) };
            wrong.into_iter().map(move |wrong| format!("ORTHANT_RANDOM_SEED={number}: {wrong}; {p:?}"))
        })
        .collect();
    let shown: Vec<&str> = failed.iter().map(String::as_str).take(20).collect();
    assert!(failed.is_empty(), "{} of {count} problems:\n{}", failed.len(), shown.join("\n"));
}

/// A number of `/proc/self/status`: KiB, or a count.
fn status(name: &str) -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Resident KiB and threads, once those of the last fit have ended.
fn settled() -> Option<(u64, u64)> {
    std::thread::sleep(Duration::from_millis(500));
    status("VmRSS:").zip(status("Threads:"))
}

/// Fits, transforms and mini-batches back to back, for as many seconds as `ORTHANT_SOAK_SECONDS` says: each is checked as above,
/// memory stays what it was after the first two hundred, and so do the threads.
#[test]
#[ignore = "takes as long as it is told: scripts/soak"]
#[expect(clippy::print_stdout, reason = "what a long run found is worth a line")]
fn fits_back_to_back_leave_nothing_behind() {
    let (seconds, first) = (number("ORTHANT_SOAK_SECONDS", 60), number("ORTHANT_RANDOM_SEED", 1));
    let begun = Instant::now();
    let (mut ran, mut wrong, mut before) = (0_u64, Vec::new(), None);
    while ran < 200 || begun.elapsed().as_secs() < seconds {
        let at = first + ran;
        let problem = Problem::new(at);
        let found = if problem.drawn.single { faults::<f32>(&problem) } else { faults::<f64>(&problem) };
        wrong.extend(found.into_iter().map(|fault| format!("{at}: {fault}: {problem:?}")));
        // on threads of its own; whether an option is refused is for other tests
        let case = Case::new(at);
        let _ = if case.drawn.single { case.run::<f32>() } else { case.run::<f64>() };
        ran += 1;
        if ran == 200 {
            before = settled();
        }
    }
    assert!(wrong.is_empty(), "{} of {ran}:\n{}", wrong.len(), wrong.join("\n"));
    let after = settled();
    println!(
        "{ran} of each in {} s; resident KiB and threads {before:?}, then {after:?}",
        begun.elapsed().as_secs()
    );
    if let (Some((memory, threads)), Some((now, still))) = (before, after) {
        assert!(now <= memory + memory / 4 + (16 << 10), "{now} KiB, and {memory} before");
        assert!(still <= threads, "{still} threads, and {threads} before");
    }
}
