//! Compares [`Update::Auto`] with the plain rule that it accelerates, over many small random problems: from the same start,
//! each until it stops by the library's own rule. Prints for each loss the shares by penalty and precision and the ten worst
//! problems, and at the end a Markdown table with a row for each loss. The exit status is 1 if, for some loss, `auto` ends more
//! than 1 % above its plain rule in more than 1 % of the problems.
//!
//!     cargo run --release -p orthant-verify --example auto_against_plain -- [PROBLEMS] [FIRST] [LOSS]
//!
//! Problem number i of a loss is the same in every run. FIRST is the first number; `-- 1 4711 kl` repeats problem
//! 4711 of Kullback–Leibler.
//!
//! Objectives are the oracle's, of the factors returned, in double precision. Since exact fits end anywhere near 0, both
//! objectives are increased by 1e-6 of ½ΣV^β, the objective of a relative error of 1e-3, before they are compared.
//!
//! Either method can end in another local minimum than the other, and be above or below for that. Where `auto` ends above, the
//! plain rule goes on from there: if that lowers the objective by more than 1 %, `auto` had stopped before a minimum.

#![allow(clippy::print_stdout)]

use std::process::ExitCode;

use orthant::{Dense, Error, Init, Loss, Method, Nmf, Real};
use orthant_verify::compare::cast;
use orthant_verify::divergences::size;
use orthant_verify::drawn::{Drawn, Kind};
use orthant_verify::oracle;
use orthant_verify::strategies::Numbers;
use rayon::prelude::*;

const LOSSES: [Loss; 5] =
    [Loss::Frobenius, Loss::KullbackLeibler, Loss::ItakuraSaito, Loss::Beta(0.5), Loss::Beta(1.5)];
/// Iterations: far more than nearly every fit takes.
const MOST: usize = 5000;
/// A difference that counts.
const MARGIN: f64 = 0.01;
/// The share of problems that may end worse by more.
const ALLOWED: f64 = 0.01;

/// Problem number `number` of a loss: m and n to 60, k to 10, scales over eight decades, every kind of penalty alike.
fn problem(number: u64) -> Drawn {
    let mut numbers = Numbers::new(number);
    let m = 2 + numbers.below(59);
    let n = 2 + numbers.below(59);
    let k = 1 + numbers.below(10);
    let penalty = Kind::ALL[numbers.below(4)].draw(&mut numbers);
    Drawn::new(&mut numbers, (m, n, k), 4, penalty)
}

/// What a loss's plain rule is.
fn plain_rule(loss: Loss) -> Method {
    match loss.beta() {
        2.0 => Method::hals(),
        1.0 => Method::newton(),
        _ => Method::mm(loss),
    }
}

/// Where a fit ended.
struct End {
    objective: f64,
    iterations: usize,
    converged: bool,
}

/// A fit by `method` from the default start, or from `start`.
fn end<T: Real>(
    p: &Drawn,
    v: &Dense<T>,
    method: Method,
    start: Option<Init<T>>,
) -> Result<(End, Init<T>), Error> {
    let nmf = Nmf::<T>::new(p.k).method(method).penalty(p.penalty).threads(1).max_iter(MOST);
    let fit = nmf.seed(p.recipe.seed as u32).init(start.unwrap_or(Init::ScaledRandom)).fit(v)?;
    let h = fit.model.components().clone();
    let objective = objective(&cast(v), &cast(&fit.w), &cast(&h), p, method.loss);
    let end = End { objective, iterations: fit.report.iterations, converged: fit.report.converged() };
    Ok((end, Init::Custom { w: fit.w, h }))
}

fn objective(v: &Dense<f64>, w: &Dense<f64>, h: &Dense<f64>, p: &Drawn, loss: Loss) -> f64 {
    let on = oracle::weights(p.penalty, v.nrows(), v.ncols());
    let penalty = |x: &Dense<f64>, l1: f64, l2: f64| {
        l1 * x.as_slice().iter().sum::<f64>() + 0.5 * l2 * oracle::norm_squared(x)
    };
    oracle::divergence(v, w, h, loss.beta()) + penalty(w, on.l1_w, on.l2_w) + penalty(h, on.l1_h, on.l2_h)
}

/// A problem with the ends of both methods.
struct Outcome {
    number: u64,
    problem: Drawn,
    /// Auto's objective over the plain rule's.
    ratio: f64,
    /// Whether the plain rule lowers the objective from where auto ended above.
    early: bool,
    auto: End,
    plain: End,
}

impl Outcome {
    fn is_above(&self) -> bool {
        self.ratio > 1.0 + MARGIN
    }

    fn is_below(&self) -> bool {
        self.ratio < 1.0 / (1.0 + MARGIN)
    }
}

fn compare<T: Real>(number: u64, problem: Drawn, loss: Loss) -> Result<Outcome, String> {
    let failed = |error: Error| format!("{number}: {error}, {problem:?}");
    let v: Dense<T> = problem.data(loss);
    let (auto, found) = end(&problem, &v, Method::auto(loss), None).map_err(failed)?;
    let (plain, _) = end(&problem, &v, plain_rule(loss), None).map_err(failed)?;
    let least = 0.5e-6 * size(&cast(&v), loss.beta());
    // an objective that is no number is as bad as an infinite one
    let over = |a: f64, b: f64| {
        let ratio = (a + least) / (b + least);
        if ratio.is_nan() { if a.is_finite() { 0.0 } else { f64::INFINITY } } else { ratio }
    };
    let ratio = over(auto.objective, plain.objective);
    let mut outcome = Outcome { number, problem, ratio, early: false, auto, plain };
    if outcome.is_above() {
        // factors that are all zero are no start of multiplicative updates
        if let Ok((on, _)) = end(&problem, &v, plain_rule(loss), Some(found)) {
            outcome.early = over(outcome.auto.objective, on.objective) > 1.0 + MARGIN;
        }
    }
    Ok(outcome)
}

/// Of the outcomes that `which` picks: their number, and the shares in per cent that are above, above and early, and below.
fn shares(outcomes: &[Outcome], which: impl Fn(&Drawn) -> bool) -> (usize, [f64; 3]) {
    let of: Vec<&Outcome> = outcomes.iter().filter(|o| which(&o.problem)).collect();
    let share = |is: &dyn Fn(&Outcome) -> bool| {
        100.0 * of.iter().filter(|o| is(o)).count() as f64 / of.len().max(1) as f64
    };
    (of.len(), [share(&Outcome::is_above), share(&|o| o.early), share(&Outcome::is_below)])
}

/// The median number of iterations, and how many reached the limit.
fn iterations(outcomes: &[Outcome], of: fn(&Outcome) -> &End) -> String {
    let mut all: Vec<usize> = outcomes.iter().map(|o| of(o).iterations).collect();
    all.sort_unstable();
    let open = outcomes.iter().filter(|o| !of(o).converged).count();
    format!("{} ({open})", all.get(all.len() / 2).copied().unwrap_or(0))
}

/// The shares by penalty and precision, and the worst outcomes, which come first.
fn print_parts(loss: Loss, outcomes: &[Outcome]) {
    println!("{loss}: above / above and early / below, in per cent, by penalty:\n");
    println!("| | none | L1 | L2 | both |\n|---|---|---|---|---|");
    for single in [false, true] {
        let cells = Kind::ALL.map(|kind| {
            let (count, [above, early, below]) =
                shares(outcomes, |p| p.single == single && Kind::of(p.penalty) == kind);
            format!("{above:.2} / {early:.2} / {below:.2} of {count}")
        });
        println!("| {} | {} |", if single { "f32" } else { "f64" }, cells.join(" | "));
    }
    println!();
    for o in outcomes.iter().take(10).filter(|o| o.is_above()) {
        println!(
            "- {}: {:.4} ({:.6e} after {} iterations, {:.6e} after {}){}, {:?}",
            o.number,
            o.ratio,
            o.auto.objective,
            o.auto.iterations,
            o.plain.objective,
            o.plain.iterations,
            if o.early { ", early" } else { "" },
            o.problem
        );
    }
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let mut number = |default| arguments.next().map_or(default, |a| a.parse().expect("a whole number"));
    let (problems, first): (u64, u64) = (number(5000), number(1));
    let asked: Option<Loss> = arguments.next().map(|a| a.parse().expect("a loss"));
    let mut rows = Vec::new();
    let mut passed = true;
    for loss in LOSSES.into_iter().filter(|loss| asked.is_none_or(|asked| asked == *loss)) {
        let run = |number| {
            let p = problem(number);
            if p.single { compare::<f32>(number, p, loss) } else { compare::<f64>(number, p, loss) }
        };
        let all: Vec<_> = (first..first + problems).into_par_iter().map(run).collect();
        let (mut outcomes, mut errors) = (Vec::new(), Vec::new());
        for one in all {
            match one {
                Ok(outcome) => outcomes.push(outcome),
                Err(error) => errors.push(error),
            }
        }
        outcomes.sort_by(|a, b| b.ratio.total_cmp(&a.ratio));
        print_parts(loss, &outcomes);
        errors.iter().take(10).for_each(|error| println!("- {error}"));
        println!();
        let (count, [above, early, below]) = shares(&outcomes, |_| true);
        let infinite = outcomes.iter().filter(|o| !o.auto.objective.is_finite()).count();
        let finite = outcomes.iter().map(|o| o.ratio).filter(|r| r.is_finite());
        rows.push(format!(
            "| {loss} | {count} | {above:.2} % | {early:.2} % | {below:.2} % | {:.3} | {:.3} | {infinite} | {} | {} | {} |",
            finite.clone().fold(1.0, f64::max),
            finite.fold(1.0, f64::min),
            iterations(&outcomes, |o| &o.auto),
            iterations(&outcomes, |o| &o.plain),
            errors.len()
        ));
        passed &= above <= 100.0 * ALLOWED && errors.is_empty();
    }
    println!(
        "| loss | problems | auto more than 1 % above | and stopped early | more than 1 % below | largest ratio | smallest | \
         infinite | iterations of auto, median (at the limit) | of its plain rule | errors |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|");
    rows.iter().for_each(|row| println!("{row}"));
    if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
