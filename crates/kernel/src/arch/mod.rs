//! Kernels over registers: what registers are, the kernels written once over them, and running those on an instruction set.
//!
//! `tile` ← `vector` ← `generic`, `portable`, `x86_64` ← `dispatch`: registers know no kernel, kernels no instruction set.

pub(crate) mod dispatch;
pub(crate) mod generic;
pub(crate) mod portable;
pub(crate) mod tile;
pub(crate) mod vector;
#[cfg(target_arch = "x86_64")]
pub(crate) mod x86_64;
