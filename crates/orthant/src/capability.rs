//! What goes with what: one place that says it, for the builders, the command and the documentation.

use std::fmt;
use std::fmt::Write as _;
use std::str::FromStr;

use crate::{Error, Loss, Method, Options, Products, StartKind, Stop};

/// The solvers by name, without their loss: what a command line or another language chooses from.
///
/// ```
/// use orthant::{Loss, Method, Solver};
/// assert_eq!("mu".parse::<Solver>()?.method(Loss::KullbackLeibler)?, Method::Mu(Loss::KullbackLeibler));
/// let error = Solver::Cd.method(Loss::KullbackLeibler).unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "solver cd with loss kullback-leibler is not supported; cd goes with frobenius, kullback-leibler with accelerated-newton, newton, accelerated-mm, accelerated-joint-mm, joint-mm, mu, mm and auto"
/// );
/// # Ok::<(), orthant::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Solver {
    /// [`Method::Auto`].
    Auto,
    /// [`Method::Accelerated`].
    Accelerated,
    /// [`Method::Hals`].
    Hals,
    /// [`Method::Cd`].
    Cd,
    /// [`Method::Newton`].
    Newton,
    /// [`Method::AcceleratedNewton`].
    AcceleratedNewton,
    /// [`Method::Mu`].
    Mu,
    /// [`Method::Mm`].
    Mm,
    /// [`Method::AcceleratedMm`].
    AcceleratedMm,
    /// [`Method::JointMm`].
    JointMm,
    /// [`Method::AcceleratedJointMm`].
    AcceleratedJointMm,
    /// [`Method::Als`].
    Als,
    /// [`Method::Anls`].
    Anls,
    /// [`Method::ProjectedGradient`].
    Pg,
}

/// Whether something goes with a solver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    /// It does.
    Yes,
    /// It does, and the report warns of what follows.
    Warned,
    /// It is [`Error::Unsupported`].
    No,
}

impl Solver {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::Auto,
        Self::Accelerated,
        Self::Hals,
        Self::Cd,
        Self::AcceleratedNewton,
        Self::Newton,
        Self::AcceleratedMm,
        Self::AcceleratedJointMm,
        Self::JointMm,
        Self::Mu,
        Self::Mm,
        Self::Als,
        Self::Anls,
        Self::Pg,
    ];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Accelerated => "accelerated",
            Self::Hals => "hals",
            Self::Cd => "cd",
            Self::Newton => "newton",
            Self::AcceleratedNewton => "accelerated-newton",
            Self::AcceleratedMm => "accelerated-mm",
            Self::JointMm => "joint-mm",
            Self::AcceleratedJointMm => "accelerated-joint-mm",
            Self::Mu => "mu",
            Self::Mm => "mm",
            Self::Als => "als",
            Self::Anls => "anls",
            Self::Pg => "pg",
        }
    }

    /// The solver of a method.
    pub fn of(method: Method) -> Self {
        match method {
            Method::Auto(_) => Self::Auto,
            Method::Accelerated { .. } => Self::Accelerated,
            Method::Hals { .. } => Self::Hals,
            Method::Cd => Self::Cd,
            Method::Newton { .. } => Self::Newton,
            Method::AcceleratedNewton { .. } => Self::AcceleratedNewton,
            Method::AcceleratedMm(_) => Self::AcceleratedMm,
            Method::JointMm => Self::JointMm,
            Method::AcceleratedJointMm => Self::AcceleratedJointMm,
            Method::Mu(_) => Self::Mu,
            Method::Mm(_) => Self::Mm,
            Method::Als => Self::Als,
            Method::Anls => Self::Anls,
            Method::ProjectedGradient => Self::Pg,
        }
    }

    /// Whether it minimises `loss`.
    pub fn minimises(self, loss: Loss) -> bool {
        match self {
            Self::Auto | Self::Mu | Self::Mm => true,
            Self::Newton | Self::AcceleratedNewton | Self::JointMm | Self::AcceleratedJointMm => {
                loss.beta() == 1.0
            }
            Self::AcceleratedMm => !loss.is_quadratic(),
            _ => loss.is_quadratic(),
        }
    }

    fn losses(self) -> &'static str {
        match self {
            Self::Auto | Self::Mu | Self::Mm => "any loss",
            Self::Newton | Self::AcceleratedNewton | Self::JointMm | Self::AcceleratedJointMm => {
                "kullback-leibler"
            }
            Self::AcceleratedMm => "any loss but frobenius",
            _ => "frobenius",
        }
    }

    fn of_loss(loss: Loss) -> &'static str {
        match loss.beta() {
            2.0 => "accelerated, hals, cd, mu, mm, als, anls, pg and auto",
            1.0 => {
                "accelerated-newton, newton, accelerated-mm, accelerated-joint-mm, joint-mm, mu, mm and auto"
            }
            _ => "accelerated-mm, mu, mm and auto",
        }
    }

    /// The method that minimises `loss` by this solver.
    ///
    /// # Errors
    /// [`Error::Unsupported`], naming the losses of this solver and the solvers of this loss.
    pub fn method(self, loss: Loss) -> Result<Method, Error> {
        if !self.minimises(loss) {
            return Err(Error::Unsupported {
                what: format!("solver {self} with loss {loss}"),
                supported: format!("{self} goes with {}, {loss} with {}", self.losses(), Self::of_loss(loss))
                    .into(),
            });
        }
        Ok(match self {
            Self::Auto => Method::Auto(loss),
            Self::Accelerated => Method::Accelerated { sweeps: None },
            Self::Hals => Method::Hals { sweeps: None },
            Self::Cd => Method::Cd,
            Self::Newton => Method::Newton { sweeps: None },
            Self::AcceleratedNewton => Method::AcceleratedNewton { sweeps: None },
            Self::AcceleratedMm => Method::AcceleratedMm(loss),
            Self::JointMm => Method::JointMm,
            Self::AcceleratedJointMm => Method::AcceleratedJointMm,
            Self::Mu => Method::Mu(loss),
            Self::Mm => Method::Mm(loss),
            Self::Als => Method::Als,
            Self::Anls => Method::Anls,
            Self::Pg => Method::ProjectedGradient,
        })
    }

    /// Whether it goes from `start`.
    pub fn starts_from(self, start: StartKind) -> Support {
        // multiplicative updates keep every 0
        let locks = matches!(
            self,
            Self::Auto | Self::Mu | Self::Mm | Self::AcceleratedMm | Self::JointMm | Self::AcceleratedJointMm
        );
        let zeros = matches!(start, StartKind::Nndsvd | StartKind::ExactNndsvd | StartKind::Spa);
        if locks && zeros { Support::Warned } else { Support::Yes }
    }

    /// Whether it can stop by `stop`: only coordinate descent has a violation, and only where it is not extrapolated.
    pub fn stops_by(self, stop: Stop) -> Support {
        let yes = !matches!(stop, Stop::Violation { .. }) || matches!(self, Self::Cd | Self::Hals);
        if yes { Support::Yes } else { Support::No }
    }

    /// Whether the order of its components can be shuffled.
    pub fn shuffles(self) -> Support {
        if self == Self::Cd { Support::Yes } else { Support::No }
    }

    /// Whether its start can be improved on a sketch of V, with `loss`.
    pub fn compresses(self, loss: Loss) -> Support {
        let yes = matches!(self, Self::Auto | Self::Accelerated) && loss.is_quadratic();
        if yes { Support::Yes } else { Support::No }
    }

    /// Whether `products` can multiply for it, with `loss`: divergences have kernels of their own.
    pub fn multiplies_by(self, products: Products, loss: Loss) -> Support {
        if products == Products::Fused || loss.is_quadratic() && self.minimises(loss) {
            Support::Yes
        } else {
            Support::No
        }
    }
}

impl fmt::Display for Solver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Solver {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|s| s.name() == text).ok_or_else(|| Error::InvalidParam {
            name: "solver",
            value: text.to_owned(),
            allowed: "auto, accelerated, hals, cd, accelerated-newton, newton, accelerated-mm, accelerated-joint-mm, joint-mm, mu, mm, als, anls or pg",
        })
    }
}

/// Refuses what a fit's options cannot be together.
pub(crate) fn check(options: &Options) -> Result<(), Error> {
    let solver = Solver::of(options.method);
    let loss = options.method.loss();
    let unsupported =
        |what: String, supported: &'static str| Err(Error::Unsupported { what, supported: supported.into() });
    if !solver.minimises(loss) {
        return solver.method(loss).map(|_| ());
    }
    if solver.stops_by(options.stopping()) == Support::No {
        return unsupported(
            format!("stopping {solver} on the violation, which only coordinate descent has,"),
            "cd and hals stop by any rule, the others by ErrorDecrease or Progress",
        );
    }
    if options.shuffle && solver.shuffles() == Support::No {
        return unsupported(
            format!("shuffling the components of {solver}"),
            "cd takes them in a drawn order, the others in theirs",
        );
    }
    if options.compress == Some(true) && solver.compresses(loss) == Support::No {
        return unsupported(
            format!("a compressed start for {solver} with loss {loss}"),
            "auto and accelerated have one, with the Frobenius loss",
        );
    }
    if solver.multiplies_by(options.products, loss) == Support::No {
        return unsupported(
            format!("loss {loss} with gemm or BLAS products"),
            "gemm and BLAS go with the Frobenius loss, the fused kernels with any",
        );
    }
    Ok(())
}

/// The tables of `docs/methods.md`, in Markdown.
///
/// ```
/// assert!(orthant::capability_table().contains("| `cd` "));
/// ```
pub fn capability_table() -> String {
    let losses = [
        ("Frobenius", Loss::Frobenius),
        ("KL", Loss::KullbackLeibler),
        ("IS", Loss::ItakuraSaito),
        ("other β", Loss::Beta(0.5)),
    ];
    let stops = [
        ("violation", Stop::Violation { tol: 0.0 }),
        ("error decrease", Stop::ErrorDecrease { tol: 0.0 }),
        ("progress", Stop::Progress { tol: 0.0 }),
    ];
    let mark = |support| match support {
        Support::Yes => "yes",
        Support::Warned => "warns",
        Support::No => "–",
    };
    let of = |yes| if yes { Support::Yes } else { Support::No };
    let mut out = String::new();
    let mut table = |title: &str, heads: Vec<&str>, row: &dyn Fn(Solver) -> Vec<Support>| {
        let _ = writeln!(out, "| {title} | {} |", heads.join(" | "));
        let _ = writeln!(out, "|---|{}", "---|".repeat(heads.len()));
        for solver in Solver::ALL {
            let cells: Vec<_> = row(solver).into_iter().map(mark).collect();
            let _ = writeln!(out, "| `{solver}` | {} |", cells.join(" | "));
        }
        out.push('\n');
    };
    let names = |all: &[&'static str]| all.to_vec();
    let mut heads: Vec<_> = losses.iter().map(|l| l.0).collect();
    heads.extend(names(&["L1", "L2", "shuffle", "compressed start", "gemm, BLAS with Frobenius"]));
    table("loss, penalty, options", heads, &|s| {
        let mut row: Vec<_> = losses.iter().map(|l| of(s.minimises(l.1))).collect();
        // penalties go with everything
        row.extend([Support::Yes, Support::Yes, s.shuffles(), s.compresses(Loss::Frobenius)]);
        row.push(s.multiplies_by(Products::Gemm, Loss::Frobenius));
        row
    });
    table("start", StartKind::ALL.iter().map(|kind| kind.name()).collect(), &|s| {
        StartKind::ALL.iter().map(|&kind| s.starts_from(kind)).collect()
    });
    table("stop", stops.iter().map(|s| s.0).collect(), &|s| {
        stops.iter().map(|stop| s.stops_by(stop.1)).collect()
    });
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}
