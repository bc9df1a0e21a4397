//! The updates by name, each with what is true of it: the registry.
//!
//! An update of the factors is a file of `rule/`, which has its formulas, its code and its [`Descriptor`], and one line here. The
//! enum, the names, the error texts, the command's help, Python's checks and the tables of the documentation are made of the
//! lines and the descriptors.

use orthant_kernel::Real;

use std::fmt;
use std::str::FromStr;

use crate::error::invalid;
use crate::rule::{self, Descriptor, Losses, Rule, Setup, Sweeps};
use crate::{Error, Loss};

macro_rules! updates {
    ($($variant:ident $name:literal $([$page:ident])? $summary:literal $descriptor:path $(, $rule:path)?;)*) => {
        /// An update of the factors, by name. [`Method`](crate::Method) is one with a loss.
        ///
        /// ```
        /// use orthant::{Loss, Update};
        /// let update: Update = "joint-mm".parse()?;
        /// assert_eq!(update, Update::JointMm);
        /// assert!(update.minimises(Loss::KullbackLeibler) && !update.minimises(Loss::Frobenius));
        /// # Ok::<(), orthant::Error>(())
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Update {
            $(
                #[doc = $summary]
                $(#[doc = concat!("\n\nFormulas, cost and guarantees: [`methods::", stringify!($page), "`](crate::methods::", stringify!($page), ").")])?
                $variant,
            )*
        }

        impl Update {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// Its name on the command line and in Python.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What it is, in a line.
            pub const fn summary(self) -> &'static str {
                match self { $(Self::$variant => $summary,)* }
            }

            pub(crate) fn descriptor(self) -> &'static Descriptor {
                match self { $(Self::$variant => &$descriptor,)* }
            }

            /// Its update of rows for the Frobenius loss, if it has that.
            pub(crate) fn rule<T: Real>(self, setup: &Setup<T>) -> Option<Box<dyn Rule<T>>> {
                match self { $(Self::$variant => updates!(@rule setup $($rule)?),)* }
            }
        }
    };
    (@rule $setup:ident) => {{ let _ = $setup; None }};
    (@rule $setup:ident $rule:path) => { Some($rule($setup)) };
}

updates! {
    Auto "auto" "The library's choice for the loss: hals, newton or mm, extrapolated." AUTO;
    Hals "hals" [hals] "Coordinate descent, several sweeps for each read of the data." rule::coordinate::HALS, rule::coordinate::rule;
    Cd "cd" [hals] "Coordinate descent as scikit-learn's solver='cd', step by step." rule::coordinate::CD, rule::coordinate::rule;
    Newton "newton" [newton] "Coordinate descent by Newton's steps for Kullback–Leibler." rule::newton::NEWTON;
    Mm "mm" [majorization] "Multiplicative updates that do not raise the objective." rule::majorizer::MM, rule::multiplicative::guaranteed;
    JointMm "joint-mm" [majorization] "Multiplicative updates of both factors at once for Kullback–Leibler." rule::majorizer::JOINT_MM;
    Mu "mu" [majorization] "Multiplicative updates as scikit-learn's solver='mu', step by step." rule::majorizer::MU, rule::multiplicative::compatible;
    Als "als" [least_squares] "Alternating least squares, negative entries put to 0: quick, but the objective can rise." rule::least_squares::ALS, rule::least_squares::rule;
    Anls "anls" [nonnegative_least_squares] "Alternating non-negative least squares: the exact minimiser over each factor." rule::pivoting::ANLS, rule::pivoting::rule;
    ProjectedGradient "pg" [projected_gradient] "Projected gradients with a line search." rule::projected_gradient::PG, rule::projected_gradient::rule;
}

/// What holds whatever the choice comes to.
const AUTO: Descriptor = Descriptor {
    losses: Losses::Any,
    extrapolates: Losses::Any,
    descends: false,
    bounded: true,
    ..Descriptor::FROBENIUS
};

impl Update {
    /// Whether it minimises `loss`.
    pub fn minimises(self, loss: Loss) -> bool {
        self.descriptor().losses.contain(loss)
    }

    /// Whether both factors can be extrapolated where it minimises `loss`.
    pub fn extrapolates(self, loss: Loss) -> bool {
        self.descriptor().extrapolates.contain(loss)
    }

    /// Whether it is scikit-learn's, number for number.
    pub fn is_compatible(self) -> bool {
        self.descriptor().compatible
    }

    /// Whether the caller can choose the number of sweeps over a factor in an iteration.
    pub fn takes_sweeps(self) -> bool {
        self.descriptor().sweeps != Sweeps::Once
    }

    /// Whether it never raises the objective, penalties included, unless it is extrapolated. scikit-learn's updates have floors
    /// that can.
    pub fn descends(self) -> bool {
        self.descriptor().descends
    }

    /// Whether entries of 0 stay 0.
    pub fn keeps_zeros(self) -> bool {
        self.descriptor().keeps_zeros
    }

    /// Whether it knows entries that are fixed, and bounds of the others.
    pub fn takes_bounds(self) -> bool {
        self.descriptor().bounded
    }

    /// The names of those that have something, for a sentence.
    pub(crate) fn list(has: impl Fn(Self) -> bool) -> String {
        let names: Vec<_> =
            Self::ALL.iter().filter(|update| has(**update)).map(|update| update.name()).collect();
        match names.split_last() {
            Some((last, [])) => (*last).to_owned(),
            Some((last, others)) => format!("{} and {last}", others.join(", ")),
            None => "none".to_owned(),
        }
    }
}

impl fmt::Display for Update {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Update {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::ALL.iter().copied().find(|update| update.name() == text).ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|update| update.name()).collect();
            invalid("solver", text, names.join(", "))
        })
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Update {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for Update {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name: std::borrow::Cow<'de, str> = serde::Deserialize::deserialize(deserializer)?;
        name.parse().map_err(serde::de::Error::custom)
    }
}
