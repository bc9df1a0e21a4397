//! Every case of the table, by every update that it concerns, in every layout and both precisions.

use std::time::Duration;

use orthant::{
    Csc, Csr, Dense, Error, Fit, Init, InitKind, Loss, Matrix, Method, MiniBatchNmf, Model, Nmf, Penalty,
    Real, StopReason, ToMatrix, Update, Values,
};
use orthant_verify::compare::{difference, first_other_bit, is_non_negative};
use orthant_verify::forms;
use orthant_verify::layout::{ALL, Layout, Stored};
use orthant_verify::oracle;

use super::rows::{Call, Case, Fault, Gives, Options, Parts, Table, dense, table, times};

const FITTED_FROM: [Layout; 5] =
    [Layout::RowMajor, Layout::ColMajor, Layout::BothReversed, Layout::Csr, Layout::Csc];

/// V as a case has it.
enum Input<T: Real> {
    Stored(Layout, Stored<T>),
    /// Parts, read by rows or as those of the transpose by columns.
    Parts {
        parts: Parts,
        values: Vec<T>,
        by_columns: bool,
    },
    /// Integers of a full matrix, by rows or by columns.
    Whole {
        shape: (usize, usize),
        values: Vec<i64>,
        indptr: Vec<i64>,
        indices: Vec<i64>,
        by_columns: bool,
    },
}

impl<T: Real> Input<T> {
    fn whole(rows: &[Vec<i64>], by_columns: bool) -> Self {
        let shape = (rows.len(), rows[0].len());
        let (lines, length) = if by_columns { (shape.1, shape.0) } else { shape };
        let all = || (0..lines).flat_map(|line| (0..length).map(move |index| (line, index)));
        let values =
            all().map(|(line, index)| if by_columns { rows[index][line] } else { rows[line][index] });
        Self::Whole {
            shape,
            values: values.collect(),
            indptr: (0..=lines).map(|line| (line * length) as i64).collect(),
            indices: all().map(|(_, index)| index as i64).collect(),
            by_columns,
        }
    }

    fn name(&self) -> String {
        match self {
            Self::Stored(layout, _) => format!("{layout:?}"),
            Self::Parts { by_columns, .. } => format!("parts, by columns: {by_columns}"),
            Self::Whole { by_columns, .. } => format!("integers, by columns: {by_columns}"),
        }
    }

    fn by_columns(&self) -> bool {
        match self {
            Self::Stored(layout, _) => *layout == Layout::Csc,
            Self::Parts { by_columns, .. } | Self::Whole { by_columns, .. } => *by_columns,
        }
    }
}

impl<T: Real> ToMatrix<T> for Input<T> {
    fn to_matrix(&self) -> Result<Matrix<'_, T>, Error> {
        Ok(match self {
            Self::Stored(_, stored) => return stored.to_matrix(),
            Self::Parts { parts, values, by_columns } => {
                let ((m, n), values) = (parts.shape, Values::real(values));
                match by_columns {
                    false => Matrix::Csr(Csr::new(m, n, &parts.indptr[..], &parts.indices[..], values)?),
                    true => Matrix::Csc(Csc::new(n, m, &parts.indptr[..], &parts.indices[..], values)?),
                }
            }
            Self::Whole { shape: (m, n), values, indptr, indices, by_columns } => match by_columns {
                false => Matrix::Csr(Csr::new(*m, *n, &indptr[..], &indices[..], &values[..])?),
                true => Matrix::Csc(Csc::new(*m, *n, &indptr[..], &indices[..], &values[..])?),
            },
        })
    }
}

/// The case's V in every layout that it can have; none where the type does not hold its entries.
fn inputs<T: Real>(case: &Case, table: &Table) -> Vec<Input<T>> {
    if let Some(parts) = &case.parts {
        let values: Vec<T> = parts.values.iter().map(|&x| T::from_f64(x)).collect();
        let read = |by_columns| Input::Parts { parts: parts.clone(), values: values.clone(), by_columns };
        return vec![read(false), read(true)];
    }
    if case.integers {
        let rows = case.whole(&table.data);
        return [false, true].map(|by_columns| Input::whole(&rows, by_columns)).into();
    }
    let starts = case.start.iter().flat_map(|start| [&start.w, &start.h]);
    if starts.map(dense).any(|factor| held::<T>(&factor).is_none()) {
        return Vec::new();
    }
    let Some(v) = held(&case.data(&table.data)) else { return Vec::new() };
    // what is refused is refused before anything is computed; what is fitted in every layout is fault 32
    let layouts = if case.error.is_some() { &ALL[..] } else { &FITTED_FROM[..] };
    layouts.iter().map(|&layout| Input::Stored(layout, Stored::new(&v, layout))).collect()
}

/// A matrix in another precision, if that holds it exactly.
fn held<T: Real>(v: &Dense<f64>) -> Option<Dense<T>> {
    let same = |x: f64| x.is_nan() || T::from_f64(x).to_f64() == x;
    let all = v.as_slice().iter().all(|&x| same(x));
    all.then(|| Dense::from_fn(v.nrows(), v.ncols(), |i, j| T::from_f64(v[(i, j)])))
}

/// What `same` compares with.
fn reference<T: Real>(case: &Case, table: &Table, input: &Input<T>) -> Stored<T> {
    let v = held(&case.like(&table.data)).expect("as the case's own");
    match input {
        Input::Stored(layout, _) => Stored::new(&v, *layout),
        Input::Parts { by_columns: true, .. } => Stored::new(&v.transposed(), Layout::Csc),
        _ if input.by_columns() => Stored::new(&v, Layout::Csc),
        _ => Stored::new(&v, Layout::Csr),
    }
}

fn loss(beta: f64) -> Loss {
    Loss::from_beta(beta)
}

/// The methods that a case concerns: the one that it names, or all that go with its losses.
fn methods(case: &Case) -> Vec<Method> {
    let losses: Vec<Loss> = match &case.options.beta {
        Some(beta) => vec![Loss::Beta(beta.real())],
        None => case.betas().iter().map(|&beta| loss(beta)).collect(),
    };
    match &case.options.solver {
        None => forms::methods(&losses),
        Some(name) => {
            let update: Update = name.parse().unwrap();
            losses.into_iter().map(|loss| Method::new(loss, update)).collect()
        }
    }
}

fn nmf<T: Real>(case: &Case, method: Method) -> Nmf<T> {
    let o: &Options = &case.options;
    let mut nmf = Nmf::new(o.k.unwrap_or(2)).method(method).threads(o.threads.unwrap_or(1));
    nmf = nmf.max_iter(o.max_iter.unwrap_or(30));
    let number = |x: &Option<super::rows::Number>| x.as_ref().map(super::rows::Number::real);
    if let Some(tol) = number(&o.tol) {
        nmf = nmf.tol(tol);
    }
    let alpha_w = number(&o.alpha_w).unwrap_or(0.0);
    let l1_ratio = number(&o.l1_ratio).unwrap_or(0.0);
    nmf = nmf.penalty(Penalty { alpha_w, alpha_h: number(&o.alpha_h), l1_ratio });
    if let Some(kind) = &o.init {
        nmf = nmf.init(kind.parse::<InitKind>().unwrap().init().unwrap());
    }
    if let Some(start) = &case.start {
        let of = |rows| {
            let given = dense(rows);
            Dense::from_fn(given.nrows(), given.ncols(), |i, j| T::from_f64(given[(i, j)]))
        };
        nmf = nmf.init(Init::Custom { w: of(&start.w), h: of(&start.h) });
    }
    if let Some(scale) = &o.scale {
        nmf = nmf.scale(scale.parse().unwrap());
    }
    if let Some(stop) = &o.stop {
        nmf = nmf.stop(stop.parse().unwrap());
    }
    if let Some(sweeps) = o.sweeps {
        nmf = nmf.sweeps(sweeps);
    }
    if let Some(products) = &o.products {
        nmf = nmf.products(products.parse().unwrap());
    }
    if let Some(bytes) = o.memory_limit {
        nmf = nmf.memory_limit(bytes);
    }
    if let Some(seconds) = o.max_seconds {
        nmf = nmf.max_time(Duration::from_secs_f64(seconds));
    }
    if o.extrapolate {
        nmf = nmf.extrapolate(true);
    }
    if o.compress {
        nmf = nmf.compress(true);
    }
    nmf.shuffle(o.shuffle)
}

/// What a call found: what there is of W and H.
struct Found<T> {
    w: Option<Dense<T>>,
    h: Option<Dense<T>>,
    fit: Option<Fit<T>>,
}

impl<T: Real> Found<T> {
    fn of(fit: Fit<T>) -> Self {
        Self { w: Some(fit.w.clone()), h: Some(fit.model.components().clone()), fit: Some(fit) }
    }

    fn weights(w: Dense<T>) -> Self {
        Self { w: Some(w), h: None, fit: None }
    }
}

/// Whether what depends on the loss alone goes with this method: one of each loss.
fn once(method: Method) -> bool {
    method.update == Update::Mm && method.extrapolate.is_none()
}

/// Every call of that kind with V, by its name.
fn called<T: Real>(
    call: Call,
    case: &Case,
    method: Method,
    v: &impl ToMatrix<T>,
    shape: (usize, usize),
) -> Vec<(&'static str, Result<Found<T>, Error>)> {
    let h = Case::components::<T>(shape.1);
    match call {
        Call::Fit => {
            let mut calls = vec![("fit", nmf(case, method).fit(v).map(Found::of))];
            if case.start.is_none() && case.options.init.is_none() && shape.0 * shape.1 > 0 {
                let random = nmf(case, method).init(Init::Random);
                calls.push(("fit from random factors", random.fit(v).map(Found::of)));
            }
            calls
        }
        Call::Transform => {
            let weights = nmf(case, method).fit_weights(v, &h).map(|fit| Found::weights(fit.w));
            let model =
                Model::from_components(h, Penalty::default()).unwrap().with_loss(method.loss).unwrap();
            let mut calls = vec![("fit_weights", weights)];
            if once(method) {
                calls.push(("transform", model.transform(v).map(Found::weights)));
            }
            calls
        }
        Call::Batches if !once(method) => Vec::new(),
        Call::Batches => {
            let batches =
                MiniBatchNmf::<T>::new(2).loss(method.loss).init(Init::Random).batch_size(2).threads(1);
            let fit = batches.fit(v).map(|fit| Found {
                w: Some(fit.w),
                h: Some(fit.model.components().clone()),
                fit: None,
            });
            let mut online = batches.online().unwrap();
            let learnt = online.partial_fit(v);
            let learnt = learnt.map(|()| {
                let h = online.model().map(|model| model.components().clone());
                Found { w: None, h, fit: None }
            });
            let weights = batches.transform(v, &h).map(Found::weights);
            vec![("fit of batches", fit), ("partial_fit", learnt), ("transform of batches", weights)]
        }
    }
}

/// Whether an error is the one that the case says.
fn refused(case: &Case, table: &Table, name: &str, error: &Error, by_columns: bool) -> Result<(), String> {
    let words = &table.errors[name];
    let variant = format!("{error:?}");
    let is = variant.split([' ', '(', '{']).next();
    let text = case.says.get("rust").unwrap_or(&words.rust);
    let (row, col) = case.at.unwrap_or_default();
    let (line, index) = if by_columns { (col, row) } else { (row, col) };
    let text = text.replace("{line}", &line.to_string()).replace("{index}", &index.to_string());
    let (said, text) = (error.to_string(), case.fill(&text));
    let place = format!("row {row}, column {col}");
    let placed = case.at.is_none() || words.is == "PrecisionLoss" || said.contains(&place);
    holds(is == Some(&words.is) && said.contains(&text) && placed, || {
        format!("{variant}: {said}\n  in place of {}: {text}", words.is)
    })
}

fn holds(what: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if what { Ok(()) } else { Err(otherwise()) }
}

fn zero<T: Real>(a: &Dense<T>) -> bool {
    a.as_slice().iter().all(|x| x.to_f64().to_bits() == 0)
}

/// WH with its factors divided by powers of two, so that it is of the size of V before that was multiplied.
fn product<T: Real>(found: &Found<T>, exponent: i32) -> Dense<f64> {
    let back =
        |a: &Dense<T>, by: i32| Dense::from_fn(a.nrows(), a.ncols(), |i, j| times(a[(i, j)].to_f64(), -by));
    let (w, h) = (found.w.as_ref().unwrap(), found.h.as_ref().unwrap());
    oracle::product(&back(w, exponent / 2), &back(h, exponent - exponent / 2))
}

/// The best matrix of rank one, by power iteration.
fn leading_pair(v: &Dense<f64>) -> Dense<f64> {
    let unit = |mut x: Dense<f64>| {
        let norm = oracle::norm_squared(&x).sqrt();
        x.as_mut_slice().iter_mut().for_each(|e| *e /= norm);
        x
    };
    let mut y = unit(Dense::from_fn(1, v.nrows(), |_, _| 1.0));
    for _ in 0..500 {
        let x = unit(oracle::product(&y, v));
        y = unit(oracle::times_transposed(&x, v));
    }
    let x = oracle::product(&y, v);
    Dense::from_fn(v.nrows(), v.ncols(), |i, j| y[(0, i)] * x[(0, j)])
}

/// How near a method comes to V where it is exact at once: a line search ends a little beside the minimum, as repeated steps do.
fn exact<T: Real>(method: Method) -> f64 {
    let enough: f64 = match (method.update, method.extrapolate) {
        (Update::ProjectedGradient, _) => 1e-12,
        (Update::Newton, None) => 1e-10,
        (Update::Newton, _) | (Update::Auto, _) => 1e-6,
        _ => 4e-15,
    };
    enough.max(16.0 * T::EPSILON.to_f64())
}

/// Whether what was found is what the case says.
fn given<T: Real>(
    case: &Case,
    table: &Table,
    gives: Gives,
    found: &Found<T>,
    (input, method, call, at): (&Input<T>, Method, Call, usize),
) -> Result<(), String> {
    let (w, h) = (found.w.as_ref(), found.h.as_ref());
    let factors = || w.into_iter().chain(h);
    let shown = || format!("{factors:?}", factors = factors().collect::<Vec<_>>());
    let near = |d: f64, most: f64| holds(d <= most, || format!("differs by {d:e}"));
    holds(factors().all(is_non_negative), shown)?;
    let v = case.data(&table.data);
    match gives {
        Gives::Finite => {}
        Gives::ZeroFactors => {
            // components that were given, or that nothing was learnt of, stay
            let learnt = w.is_some() && h.is_some();
            holds(w.is_none_or(zero) && (!learnt || h.is_none_or(zero)), shown)?;
            if let Some(fit) = &found.fit {
                let r = &fit.report;
                holds((r.stop_reason, r.loss) == (StopReason::ZeroData, 0.0), || r.to_string())?;
            }
        }
        Gives::Emptied => holds(factors().all(zero), shown)?,
        Gives::ZeroLines => {
            let none = |x: T| x.to_f64().to_bits() == 0;
            let rows = |w: &Dense<T>| case.rows.iter().all(|&i| w.row(i).iter().all(|&x| none(x)));
            let columns =
                |h: &Dense<T>| case.columns.iter().all(|&j| (0..h.nrows()).all(|t| none(h[(t, j)])));
            holds(w.is_none_or(rows) && h.is_none_or(columns), shown)?;
        }
        Gives::Same => {
            let other = reference(case, table, input);
            let (_, other) = called(call, case, method, &other, shape(input)).swap_remove(at);
            let other = other.map_err(|error| format!("the other: {error}"))?;
            for (a, b) in [(w, &other.w), (h, &other.h)] {
                if let (Some(a), Some(b)) = (a, b) {
                    let place = first_other_bit(a, b);
                    holds(place.is_none(), || format!("other bits at {place:?}"))?;
                }
            }
        }
        Gives::Scaled => {
            let plain = held::<T>(&dense(&table.data)).expect("the data is exact in every precision");
            let Input::Stored(layout, _) = input else { return Err("it is not stored".to_owned()) };
            let plain = Stored::new(&plain, *layout);
            let (_, plain) = called(call, case, method, &plain, shape(input)).swap_remove(at);
            let plain = plain.map_err(|error| format!("the other: {error}"))?;
            // ten steps of powers that round otherwise
            let most = if T::NAME == "float32" { 1e-3 } else { 1e-9 };
            near(difference(&product(found, case.times), &product(&plain, 0)), most)?;
        }
        Gives::Exact => near(difference(&product(found, 0), &v), exact::<T>(method))?,
        Gives::LeadingPair => {
            let most = 1e-10_f64.max(64.0 * T::EPSILON.to_f64());
            near(difference(&product(found, 0), &leading_pair(&v)), most)?;
        }
    }
    let Some(fit) = &found.fit else { return Ok(()) };
    if let Some(iterations) = case.iterations {
        holds(fit.report.iterations == iterations, || format!("{} iterations", fit.report.iterations))?;
    }
    if let Some(text) = &case.warns {
        let said: Vec<String> = fit.report.warnings.iter().map(ToString::to_string).collect();
        holds(said.iter().any(|warning| warning.contains(text)), || format!("{said:?}, and not {text}"))?;
    }
    Ok(())
}

fn shape<T: Real>(input: &Input<T>) -> (usize, usize) {
    match input {
        Input::Stored(_, stored) => {
            let matrix = stored.to_matrix().unwrap();
            (matrix.nrows(), matrix.ncols())
        }
        Input::Parts { parts, by_columns: true, .. } => (parts.shape.1, parts.shape.0),
        Input::Parts { parts, .. } => parts.shape,
        Input::Whole { shape, .. } => *shape,
    }
}

/// Runs a case in one precision; how many calls that were. What is wrong goes to `wrong`.
fn run<T: Real>(table: &Table, fault: &Fault, number: usize, wrong: &mut Vec<String>) -> usize {
    let case = &fault.cases[number];
    let mut runs = 0;
    for input in inputs::<T>(case, table) {
        for method in methods(case) {
            for &call in case.calls() {
                for (at, (name, outcome)) in
                    called(call, case, method, &input, shape(&input)).into_iter().enumerate()
                {
                    let what = format!(
                        "fault {}, case {number}, {} {name}, {} {method}, {}",
                        fault.number,
                        T::NAME,
                        input.name(),
                        method.loss
                    );
                    runs += 1;
                    let outcome = match (&case.error, case.gives, outcome) {
                        (Some(error), None, Err(found)) => {
                            refused(case, table, error, &found, input.by_columns())
                        }
                        (None, Some(gives), Ok(found)) => {
                            given(case, table, gives, &found, (&input, method, call, at))
                        }
                        (Some(_), None, Ok(_)) => Err("no error".to_owned()),
                        (None, Some(_), Err(error)) => Err(error.to_string()),
                        _ => panic!("{what}: a case has either an error or what it gives"),
                    };
                    if let Err(how) = outcome {
                        wrong.push(format!("{what}: {how}"));
                    }
                }
            }
        }
    }
    runs
}

fn run_all(range: std::ops::RangeInclusive<u32>) {
    let (table, mut wrong) = (table(), Vec::new());
    for fault in table.faults.iter().filter(|fault| range.contains(&fault.number)) {
        for (number, case) in fault.cases.iter().enumerate() {
            if case.faces.as_ref().is_some_and(|faces| !faces.iter().any(|face| face == "rust")) {
                continue;
            }
            let runs =
                run::<f64>(&table, fault, number, &mut wrong) + run::<f32>(&table, fault, number, &mut wrong);
            assert!(runs > 0, "fault {}, case {number}", fault.number);
        }
    }
    let first = &wrong[..wrong.len().min(40)];
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), first.join("\n"));
}

/// Faults 1 to 5.
#[test]
fn every_case_of_entries_is_as_the_table_says() {
    run_all(1..=5);
}

/// Faults 6 to 16.
#[test]
fn every_case_of_zeros_is_as_the_table_says() {
    run_all(6..=16);
}

/// Faults 17 to 61.
#[test]
fn every_other_case_is_as_the_table_says() {
    run_all(17..=61);
}
