//! What multiplies V with the factors.

use std::str::FromStr;

use crate::Error;
use crate::error::invalid;

/// What multiplies V with the factors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Products {
    /// The fused kernels: V is read once per iteration.
    #[default]
    Fused,
    /// Pure-Rust gemm, block by block.
    Gemm,
    /// BLAS gemm, block by block. Needs the feature `blas` or `openblas`.
    Blas,
}

impl FromStr for Products {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "fused" => Ok(Self::Fused),
            "gemm" => Ok(Self::Gemm),
            "blas" => Ok(Self::Blas),
            _ => Err(invalid("products", text, "fused, gemm or blas")),
        }
    }
}
