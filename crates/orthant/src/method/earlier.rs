//! Methods as they were written down before a method was a loss, an update and extrapolation: by one name for all three.

use serde::Deserialize;

use super::Method;
use crate::{Loss, Update};

/// A method as it is written down, now or earlier.
#[derive(Deserialize)]
#[serde(untagged, expecting = "a method is a loss, an update and whether it is extrapolated")]
pub(super) enum Written {
    Now {
        loss: Loss,
        update: Update,
        #[serde(default)]
        extrapolate: Option<bool>,
        #[serde(default)]
        sweeps: Option<usize>,
    },
    Earlier(Earlier),
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Earlier {
    Auto(Loss),
    Accelerated { sweeps: Option<usize> },
    Cd,
    Hals { sweeps: Option<usize> },
    Mu(Loss),
    Newton { sweeps: Option<usize> },
    AcceleratedNewton { sweeps: Option<usize> },
    Mm(Loss),
    AcceleratedMm(Loss),
    JointMm,
    AcceleratedJointMm,
    Als,
    Anls,
    ProjectedGradient,
}

impl From<Written> for Method {
    fn from(written: Written) -> Self {
        let swept = |method: Self, sweeps| Self { sweeps, ..method };
        match written {
            Written::Now { loss, update, extrapolate, sweeps } => Self { loss, update, extrapolate, sweeps },
            Written::Earlier(earlier) => match earlier {
                Earlier::Auto(loss) => Self::auto(loss),
                Earlier::Accelerated { sweeps } => swept(Self::hals().extrapolated(), sweeps),
                Earlier::Cd => Self::cd(),
                Earlier::Hals { sweeps } => swept(Self::hals(), sweeps),
                Earlier::Mu(loss) => Self::mu(loss),
                Earlier::Newton { sweeps } => swept(Self::newton(), sweeps),
                Earlier::AcceleratedNewton { sweeps } => swept(Self::newton().extrapolated(), sweeps),
                Earlier::Mm(loss) => Self::mm(loss),
                Earlier::AcceleratedMm(loss) => Self::mm(loss).extrapolated(),
                Earlier::JointMm => Self::joint_mm(),
                Earlier::AcceleratedJointMm => Self::joint_mm().extrapolated(),
                Earlier::Als => Self::als(),
                Earlier::Anls => Self::anls(),
                Earlier::ProjectedGradient => Self::projected_gradient(),
            },
        }
    }
}
