//! How a fit goes: a loss, an update of the factors, and whether they are extrapolated.

use std::fmt;

use crate::error::invalid;
use crate::rule::Sweeps;
use crate::{Error, InitKind, Loss, Products, Stop, Update};

#[cfg(feature = "serde")]
mod earlier;
mod table;

pub use table::capability_table;

/// What a fit minimises, penalties aside, and how: a loss, an update of the factors, whether both factors are extrapolated, and how
/// often the update sweeps over a factor.
///
/// ```
/// use orthant::{Dense, Loss, Method, Nmf, Update};
/// let method = Method::hals().extrapolated().sweeps(3);
/// assert_eq!(method.to_string(), "extrapolated hals");
/// let v = Dense::from_fn(9, 7, |i, j| ((i + j) % 4) as f64);
/// let fit = Nmf::new(2).update(Update::Hals).extrapolate(true).sweeps(3).fit(&v)?;
/// assert_eq!(fit.report.plan.method, method);
/// // what does not go together is an error that says what does
/// let error = Nmf::new(2).loss(Loss::KullbackLeibler).update(Update::Cd).fit(&v).unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "solver cd with loss kullback-leibler is not supported; cd goes with frobenius, kullback-leibler with auto, newton, mm, joint-mm and mu"
/// );
/// # Ok::<(), orthant::Error>(())
/// ```
///
/// # Extrapolation
/// An extrapolated update starts each iteration from where both factors would be if they went on as in the last one, and
/// restarts where the objective rises (Ang & Gillis, doi:10.1162/neco_a_01157). It reads V least often to a given loss. The
/// objective can rise in an iteration, which is then [restarted](crate::Iteration::restarted); the result is the best pair of
/// factors that was reached, to the rounding of its objective. An iteration's figures, and the factors that an observer sees, are its
/// own: the extrapolated W and the new H. With H fixed nothing alternates, and nothing is extrapolated.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(from = "earlier::Written"))]
pub struct Method {
    /// What is minimised, penalties aside.
    pub loss: Loss,
    /// The update of the factors.
    pub update: Update,
    /// Whether both factors are extrapolated. `None` leaves it to [`Update::Auto`], which extrapolates; an update that is named is
    /// then taken as it is.
    pub extrapolate: Option<bool>,
    /// Sweeps over each factor an iteration, at least 1, for an update that [can have several](Update::takes_sweeps). `None` takes
    /// as many as pay; [`Plan::sweeps`](crate::Plan::sweeps) has the number.
    pub sweeps: Option<usize>,
}

/// Whether something goes with a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    /// It does.
    Yes,
    /// It does, and the report warns of what follows.
    Warned,
    /// It is [`Error::Unsupported`].
    No,
}

impl Method {
    /// An update for a loss, extrapolated only where that is the library's choice.
    pub const fn new(loss: Loss, update: Update) -> Self {
        Self { loss, update, extrapolate: None, sweeps: None }
    }

    /// [`Update::Auto`] for a loss.
    pub const fn auto(loss: Loss) -> Self {
        Self::new(loss, Update::Auto)
    }

    /// [`Update::Hals`], for the Frobenius loss.
    pub const fn hals() -> Self {
        Self::new(Loss::Frobenius, Update::Hals)
    }

    /// [`Update::Cd`], for the Frobenius loss.
    pub const fn cd() -> Self {
        Self::new(Loss::Frobenius, Update::Cd)
    }

    /// [`Update::Newton`], for Kullback–Leibler.
    pub const fn newton() -> Self {
        Self::new(Loss::KullbackLeibler, Update::Newton)
    }

    /// [`Update::Mm`] for a loss.
    pub const fn mm(loss: Loss) -> Self {
        Self::new(loss, Update::Mm)
    }

    /// [`Update::JointMm`], for Kullback–Leibler.
    pub const fn joint_mm() -> Self {
        Self::new(Loss::KullbackLeibler, Update::JointMm)
    }

    /// [`Update::Mu`] for a loss.
    pub const fn mu(loss: Loss) -> Self {
        Self::new(loss, Update::Mu)
    }

    /// [`Update::Als`], for the Frobenius loss.
    pub const fn als() -> Self {
        Self::new(Loss::Frobenius, Update::Als)
    }

    /// [`Update::Anls`], for the Frobenius loss.
    pub const fn anls() -> Self {
        Self::new(Loss::Frobenius, Update::Anls)
    }

    /// [`Update::ProjectedGradient`], for the Frobenius loss.
    pub const fn projected_gradient() -> Self {
        Self::new(Loss::Frobenius, Update::ProjectedGradient)
    }

    /// The same with both factors extrapolated.
    #[must_use]
    pub const fn extrapolated(self) -> Self {
        Self { extrapolate: Some(true), ..self }
    }

    /// The same with `count` sweeps over each factor an iteration.
    #[must_use]
    pub const fn sweeps(self, count: usize) -> Self {
        Self { sweeps: Some(count), ..self }
    }

    /// Whether it goes from `start`. Updates that keep every 0 warn of starts with zeros; so does [`Update::Auto`] where it can come
    /// to one of them.
    pub fn starts_from(self, start: InitKind) -> Support {
        let zeros = matches!(start, InitKind::Nndsvd | InitKind::ExactNndsvd | InitKind::Spa);
        // under a memory limit also for Kullback–Leibler
        let keeps = self.keeps_zeros() || self.is_automatic() && !self.loss.is_quadratic();
        if keeps && zeros { Support::Warned } else { Support::Yes }
    }

    /// Whether it can stop by `stop`: only coordinate descent has a violation, and only where it is not extrapolated.
    pub fn stops_by(self, stop: Stop) -> Support {
        let violation = self.update.descriptor().violation && !self.is_extrapolated();
        if violation || !matches!(stop, Stop::Violation { .. }) { Support::Yes } else { Support::No }
    }

    /// Whether the order of its components can be shuffled.
    pub fn shuffles(self) -> Support {
        if self.update.descriptor().shuffles { Support::Yes } else { Support::No }
    }

    /// Whether its start can be improved on a sketch of V: that of an extrapolated update for the Frobenius loss.
    pub fn compresses(self) -> Support {
        if self.loss.is_quadratic() && self.resolved(false).is_extrapolated() {
            Support::Yes
        } else {
            Support::No
        }
    }

    /// Whether `products` can multiply for it: divergences have kernels of their own.
    pub fn multiplies_by(self, products: Products) -> Support {
        if products == Products::Fused || self.loss.is_quadratic() { Support::Yes } else { Support::No }
    }

    /// Refuses an update that does not minimise the loss, and what does not go with an update. Every fit does.
    ///
    /// # Errors
    /// [`Error::Unsupported`], naming what goes together, and [`Error::InvalidParam`] for 0 sweeps.
    pub fn check(self) -> Result<(), Error> {
        let Self { loss, update, .. } = self;
        let unsupported =
            |what, supported: String| Err(Error::Unsupported { what, supported: supported.into() });
        if !update.minimises(loss) {
            let losses = update.descriptor().losses;
            let others = Update::list(|other| other.minimises(loss));
            return unsupported(
                format!("solver {update} with loss {loss}"),
                format!("{update} goes with {losses}, {loss} with {others}"),
            );
        }
        if self.extrapolate == Some(true) && !update.extrapolates(loss) {
            let what = format!("extrapolation of {update} with loss {loss}");
            let others = Update::list(|other| other.extrapolates(loss));
            return unsupported(what, format!("with {loss} {others} can be extrapolated"));
        }
        match self.sweeps {
            Some(0) => Err(invalid("sweeps", 0, "at least 1")),
            Some(_) if !self.resolved(false).update.takes_sweeps() => {
                let others = Update::list(Update::takes_sweeps);
                unsupported(
                    format!("a number of sweeps with {update} and loss {loss}"),
                    format!("{others} sweep several times, and auto where it comes to one of them"),
                )
            }
            _ => Ok(()),
        }
    }

    /// The method with every choice made, for a number of components.
    pub(crate) fn resolved_for(self, rank: usize, fixed: bool) -> Self {
        // one component goes straight to its place, and momentum past it, by less than objectives show
        let alone = rank == 1 && !self.loss.is_quadratic() && self.loss.beta() != 1.0;
        if alone && self.is_automatic() && self.extrapolate.is_none() {
            return Self { extrapolate: Some(false), ..self }.resolved(fixed);
        }
        self.resolved(fixed)
    }

    /// The method with every choice made; `fixed` says that H does not change.
    pub(crate) fn resolved(self, fixed: bool) -> Self {
        let update = match self.update {
            Update::Auto if self.loss.is_quadratic() => Update::Hals,
            Update::Auto if self.loss.beta() == 1.0 => Update::Newton,
            Update::Auto => Update::Mm,
            // with one factor to majorise there is nothing joint
            Update::JointMm if fixed => Update::Mm,
            named => named,
        };
        let extrapolate = !fixed && self.extrapolate.unwrap_or(self.is_automatic());
        Self { update, ..self }.with_extrapolation(extrapolate)
    }

    /// The same without extrapolation.
    pub(crate) fn plain(self) -> Self {
        self.with_extrapolation(false)
    }

    /// A method that is not extrapolated says so by saying nothing, as one that a caller names.
    fn with_extrapolation(self, extrapolate: bool) -> Self {
        Self { extrapolate: extrapolate.then_some(true), ..self }
    }

    /// Whether the library chooses the update.
    pub(crate) fn is_automatic(self) -> bool {
        self.update == Update::Auto
    }

    /// Whether it is scikit-learn's, number for number: then everything that is not said is as there too.
    pub fn is_compatible(self) -> bool {
        self.update.is_compatible()
    }

    /// Whether both factors are extrapolated, of a resolved method.
    pub(crate) fn is_extrapolated(self) -> bool {
        self.extrapolate == Some(true)
    }

    /// Whether its steps are Newton's, which need V by rows and by columns.
    pub(crate) fn is_newton(self) -> bool {
        self.update == Update::Newton
    }

    /// Whether both factors are updated from one WH.
    pub(crate) fn is_joint(self) -> bool {
        self.update == Update::JointMm
    }

    /// Whether entries of 0 stay.
    pub(crate) fn keeps_zeros(self) -> bool {
        self.resolved(false).update.keeps_zeros()
    }

    /// Whether coordinates move in turn, each to its best place.
    pub(crate) fn goes_in_turn(self) -> bool {
        self.resolved(false).update.descriptor().in_turn
    }

    /// Sweeps of a resolved method over a factor whose rows meet `met` numbers each.
    pub(crate) fn sweeps_over(self, met: usize, k: usize) -> usize {
        let of = |plain, extrapolated| if self.is_extrapolated() { extrapolated } else { plain };
        self.sweeps.unwrap_or_else(|| match self.update.descriptor().sweeps {
            Sweeps::Once => 1,
            Sweeps::Fixed(plain, extrapolated) => of(plain, extrapolated),
            Sweeps::AsPays(plain, extrapolated) => crate::rule::sweeps(met, k, of(plain, extrapolated)),
        })
    }

    /// The stopping rule that belongs to it.
    pub(crate) fn stop(self) -> Stop {
        self.update.descriptor().stop
    }
}

/// The update, and whether it is extrapolated: `extrapolated hals`.
impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let extrapolated = if self.is_extrapolated() { "extrapolated " } else { "" };
        write!(f, "{extrapolated}{}", self.update)
    }
}
