//! What is known of a factor: entries that are fixed, and bounds.

use std::ops::Range;

use orthant_kernel::{Dense, Real, allocate};

use crate::Error;

/// One bound for all entries of a factor, or one for each.
#[derive(Clone, Debug, PartialEq)]
pub enum Bound<T> {
    /// The same everywhere.
    All(T),
    /// Of the factor's shape.
    Each(Dense<T>),
}

impl From<f32> for Bound<f32> {
    fn from(bound: f32) -> Self {
        Self::All(bound)
    }
}

impl From<f64> for Bound<f64> {
    fn from(bound: f64) -> Self {
        Self::All(bound)
    }
}

impl<T> From<Dense<T>> for Bound<T> {
    fn from(bounds: Dense<T>) -> Self {
        Self::Each(bounds)
    }
}

/// What is known of W or of H beforehand: entries that are fixed, and lower and upper bounds of the others.
///
/// A fixed entry is in the result as it was given, to the bit. A fit with bounds ends at a point from which no step of one entry within
/// its bounds lowers the objective: entries move in turn or by a separable majoriser, and a step ends at the bound that it meets, where
/// F is convex along it.
///
/// ```
/// use orthant::{Dense, Factor, Nmf};
/// // one component is known, and another one is to be found
/// let known = [1.0, 0.0, 2.0, 0.0, 1.0];
/// let other = [0.0, 3.0, 1.0, 1.0, 0.0];
/// let v = Dense::from_fn(30, 5, |i, j| (i % 4) as f64 * known[j] + (i % 3) as f64 * other[j]);
/// let fit = Nmf::new(2).h(Factor::new().fixed(&Dense::from_vec(known.to_vec(), 1, 5)?)).fit(&v)?;
/// assert_eq!(fit.model.components().row(0), known);
/// assert!(fit.report.relative_error < 1e-3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Factor<T> {
    fixed: Option<Dense<T>>,
    lower: Option<Bound<T>>,
    upper: Option<Bound<T>>,
}

impl<T: Real> Factor<T> {
    /// Nothing is known.
    pub fn new() -> Self {
        Self { fixed: None, lower: None, upper: None }
    }

    /// Entries that are numbers are kept, and those that are NaN are free. With fewer components than the fit has (rows of H, columns
    /// of W), these are its first ones, and the others are free.
    #[must_use]
    pub fn fixed(self, fixed: &Dense<T>) -> Self {
        Self { fixed: Some(fixed.clone()), ..self }
    }

    /// No entry is below; at least 0.
    #[must_use]
    pub fn lower(self, lower: impl Into<Bound<T>>) -> Self {
        Self { lower: Some(lower.into()), ..self }
    }

    /// No entry is above; an infinite one is no bound.
    #[must_use]
    pub fn upper(self, upper: impl Into<Bound<T>>) -> Self {
        Self { upper: Some(upper.into()), ..self }
    }

    /// Whether anything is known.
    pub fn is_known(&self) -> bool {
        *self != Self { fixed: None, lower: None, upper: None }
    }

    /// The bounds of every entry, for the factor as a fit has it: W (m×k), or Hᵀ (n×k). Lower and upper are the same where an entry is
    /// fixed. Nothing where nothing is known.
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`], [`Error::Negative`], [`Error::NonFinite`]; [`Error::InvalidParam`] for bounds that exclude each
    /// other, or where nothing is fixed of what is said to be; [`Error::Unsupported`] where all is.
    pub(crate) fn limits(&self, names: &Names, rows: usize, k: usize) -> Result<Option<Limits<T>>, Error> {
        if !self.is_known() {
            return Ok(None);
        }
        let place = |i: usize, t: usize| names.place(i, t);
        let bound = |operand: &'static str, bound: &Option<Bound<T>>, none: T| match bound {
            None => Ok(allocate::filled(rows * k, none)),
            Some(Bound::All(all)) => {
                number(operand, *all, none, (0, 0)).map(|all| allocate::filled(rows * k, all))
            }
            Some(Bound::Each(each)) => {
                names.shape(operand, each, rows, k, false)?;
                let mut out = allocate::room(rows * k);
                for i in 0..rows {
                    for t in 0..k {
                        out.push(number(operand, each[place(i, t)], none, place(i, t))?);
                    }
                }
                Ok(out)
            }
        };
        let infinite = T::from_f64(f64::INFINITY);
        let mut lower = bound(names.lower, &self.lower, T::ZERO)?;
        let mut upper = bound(names.upper, &self.upper, infinite)?;
        for (at, (lower, upper)) in lower.iter().zip(&upper).enumerate() {
            if lower > upper {
                let (row, col) = place(at / k, at % k);
                return Err(Error::InvalidParam {
                    name: names.lower,
                    value: format!("{lower} at row {row}, column {col} (counting from 0)"),
                    allowed: format!("at most the upper bound there, {upper}").into(),
                });
            }
        }
        if let Some(fixed) = &self.fixed {
            names.shape(names.fixed, fixed, rows, k, true)?;
            let mut any = false;
            for i in 0..rows {
                for t in (0..names.shape_of(fixed).1).filter(|&t| !fixed[place(i, t)].to_f64().is_nan()) {
                    let x = number(names.fixed, fixed[place(i, t)], T::ZERO, place(i, t))?;
                    let at = i * k + t;
                    if x < lower[at] || x > upper[at] {
                        let (row, col) = place(i, t);
                        return Err(Error::InvalidParam {
                            name: names.fixed,
                            value: format!("{x} at row {row}, column {col} (counting from 0)"),
                            allowed: format!("within the bounds there, {} and {}", lower[at], upper[at])
                                .into(),
                        });
                    }
                    (lower[at], upper[at], any) = (x, x, true);
                }
            }
            if !any {
                return Err(Error::InvalidParam {
                    name: names.fixed,
                    value: "NaN throughout".into(),
                    allowed: "a number where the factor is known, and NaN where it is free".into(),
                });
            }
        }
        if lower == upper {
            return Err(Error::Unsupported { what: names.all.into(), supported: names.instead.into() });
        }
        Ok(Some(Limits { lower, upper, k }))
    }

    /// Bytes of its matrices.
    pub(crate) fn bytes(&self) -> usize {
        let each = |bound: &Option<Bound<T>>| match bound {
            Some(Bound::Each(each)) => size_of_val(each.as_slice()),
            _ => 0,
        };
        let fixed = self.fixed.as_ref().map_or(0, |fixed| size_of_val(fixed.as_slice()));
        fixed + each(&self.lower) + each(&self.upper)
    }

    /// What is known of the factor with each of its `rows` (of `k`) made another by `f`, which is given the row; what is 0 or no bound
    /// stays.
    pub(crate) fn times(&self, names: &Names, (rows, k): (usize, usize), f: impl Fn(usize, T) -> T) -> Self {
        let of = |x: &Dense<T>| {
            let place = |i: usize, j: usize| names.place(i, j).0;
            Dense::from_fn(x.nrows(), x.ncols(), |i, j| f(place(i, j), x[(i, j)]))
        };
        let bound = |bound: &Bound<T>| match bound {
            Bound::Each(each) => Bound::Each(of(each)),
            Bound::All(all) if *all == T::ZERO || !all.to_f64().is_finite() => Bound::All(*all),
            Bound::All(all) => {
                let (m, n) = names.place(rows, k);
                Bound::Each(of(&Dense::from_fn(m, n, |_, _| *all)))
            }
        };
        Self {
            fixed: self.fixed.as_ref().map(of),
            lower: self.lower.as_ref().map(bound),
            upper: self.upper.as_ref().map(bound),
        }
    }

    /// Puts the factor within what is known of it, to the bit.
    pub(crate) fn hold(&self, names: &Names, x: &mut Dense<T>) {
        let of = |bound: &Option<Bound<T>>, at: (usize, usize)| {
            bound.as_ref().map(|bound| match bound {
                Bound::All(all) => *all,
                Bound::Each(each) => each[at],
            })
        };
        let (rows, k) = names.shape_of(x);
        for i in 0..if self.is_known() { rows } else { 0 } {
            for t in 0..k {
                let at = names.place(i, t);
                let given = self.fixed.as_ref().filter(|fixed| t < names.shape_of(*fixed).1);
                let x = &mut x[at];
                match given.map(|fixed| fixed[at]).filter(|fixed| !fixed.to_f64().is_nan()) {
                    Some(fixed) => *x = fixed,
                    None => {
                        *x = of(&self.lower, at).map_or(*x, |lower| if *x < lower { lower } else { *x });
                        *x = of(&self.upper, at).map_or(*x, |upper| if *x > upper { upper } else { *x });
                    }
                }
            }
        }
    }
}

/// Where the entries of a factor are, and how messages name what is known of it.
pub(crate) struct Names {
    /// Its rows are components, where those of a fit's are their entries.
    turned: bool,
    fixed: &'static str,
    lower: &'static str,
    upper: &'static str,
    all: &'static str,
    instead: &'static str,
}

/// Of W.
pub(crate) const W: Names = Names {
    turned: false,
    fixed: "fixed W",
    lower: "lower bound of W",
    upper: "upper bound of W",
    all: "a W that is fixed throughout",
    instead: "a fit of Vᵀ with Wᵀ as its given H finds Hᵀ",
};

/// Of H.
pub(crate) const H: Names = Names {
    turned: true,
    fixed: "fixed H",
    lower: "lower bound of H",
    upper: "upper bound of H",
    all: "an H that is fixed throughout",
    instead: "a given H (fit_weights, transform) is kept as it is while W is found",
};

impl Names {
    /// The place of row i and component t of a fit's factor.
    fn place(&self, i: usize, t: usize) -> (usize, usize) {
        if self.turned { (t, i) } else { (i, t) }
    }

    /// Rows and components.
    fn shape_of<T: Real>(&self, x: &Dense<T>) -> (usize, usize) {
        self.place(x.nrows(), x.ncols())
    }

    /// Refuses another shape than the factor's; `fewer` components may do.
    fn shape<T: Real>(
        &self,
        operand: &'static str,
        x: &Dense<T>,
        rows: usize,
        k: usize,
        fewer: bool,
    ) -> Result<(), Error> {
        let found = self.shape_of(x);
        let components = if fewer { found.1.clamp(1, k) } else { k };
        if found == (rows, components) {
            return Ok(());
        }
        Err(Error::ShapeMismatch { operand, expected: self.place(rows, k), found: (x.nrows(), x.ncols()) })
    }
}

/// A bound as it is allowed to be: `none`, which is no bound, or a finite number of at least 0.
fn number<T: Real>(operand: &'static str, x: T, none: T, (row, col): (usize, usize)) -> Result<T, Error> {
    let value = x.to_f64();
    if x == none {
        return Ok(none);
    }
    if !value.is_finite() {
        return Err(Error::NonFinite { operand, row, col, value });
    }
    if value < 0.0 {
        return Err(Error::Negative { operand, row, col, value });
    }
    // adding 0 makes -0 a 0
    Ok(x + T::ZERO)
}

/// The bounds of a factor's entries, rows of k; the same where an entry is fixed.
#[derive(Debug)]
pub(crate) struct Limits<T> {
    pub lower: Vec<T>,
    pub upper: Vec<T>,
    k: usize,
}

impl<T: Real> Limits<T> {
    /// What they take.
    pub fn bytes(&self) -> usize {
        size_of_val(&self.lower[..]) + size_of_val(&self.upper[..])
    }

    /// With every bound made another.
    pub fn map(mut self, f: impl Fn(T) -> T) -> Self {
        self.lower.iter_mut().chain(&mut self.upper).for_each(|x| *x = f(*x));
        self
    }

    /// The components of which every entry is fixed.
    pub fn known(&self) -> Vec<usize> {
        let all = self.all();
        (0..self.k).filter(|&t| (t..self.lower.len()).step_by(self.k).all(|at| all.is_fixed(at))).collect()
    }

    /// Of some rows.
    pub fn rows(&self, rows: &Range<usize>) -> Bounds<'_, T> {
        let range = rows.start * self.k..rows.end * self.k;
        Bounds { lower: &self.lower[range.clone()], upper: &self.upper[range] }
    }

    /// Of all rows.
    pub fn all(&self) -> Bounds<'_, T> {
        Bounds { lower: &self.lower, upper: &self.upper }
    }
}

/// Those of some entries of a factor.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds<'a, T> {
    pub lower: &'a [T],
    pub upper: &'a [T],
}

impl<'a, T: Real> Bounds<'a, T> {
    /// Of those entries of them.
    pub fn part(self, range: Range<usize>) -> Self {
        Self { lower: &self.lower[range.clone()], upper: &self.upper[range] }
    }

    /// The number within the bounds of an entry that is nearest to x; NaN for NaN.
    pub fn nearest(self, at: usize, x: T) -> T {
        let (lower, upper) = (self.lower[at], self.upper[at]);
        let x = if x < lower { lower } else { x };
        if x > upper { upper } else { x }
    }

    /// Whether an entry is fixed.
    pub fn is_fixed(self, at: usize) -> bool {
        self.lower[at] == self.upper[at]
    }

    /// A slope along an entry that is x; 0 where a bound keeps it from going down.
    pub fn slope(self, at: usize, x: T, slope: T) -> T {
        let held = x <= self.lower[at] && slope > T::ZERO || x >= self.upper[at] && slope < T::ZERO;
        if held { T::ZERO } else { slope }
    }

    /// Puts entries within their bounds; how many were not.
    pub fn hold(self, x: &mut [T]) -> usize {
        let mut outside = 0;
        for (at, x) in x.iter_mut().enumerate() {
            let to = self.nearest(at, *x);
            outside += usize::from(to != *x && !to.to_f64().is_nan());
            *x = to;
        }
        outside
    }
}
