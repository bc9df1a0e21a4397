//! Kernels for non-negative matrix factorisation of dense and sparse data. This crate knows no NMF: it multiplies, updates
//! rows and sums, on whatever instruction set the processor has, and holds all `unsafe` SIMD and BLAS code of the project.
//!
//! | what | operation | module |
//! |---|---|---|
//! | [`numerators`] | V·Y for rows of V, k columns | fused, V never packed |
//! | [`accumulate`] | B += Vᵀ·Z | fused, V never packed |
//! | [`gram()`] | G += XᵀX, one triangle | the same |
//! | [`rows::sweeps`], [`rows::solve`], [`rows::multiply`], [`rows::distance`] | row updates from numerators and a Gram matrix | |
//! | [`divergence`] | what multiplicative updates need of V and X·Yᵀ for any β | tile by tile |
//! | [`newton`] | coordinate descent for Kullback–Leibler by Newton's steps, dense and sparse | a row's product in cache |
//! | [`gemm::gemm`] | C = A·B or C += A·B | pure Rust or BLAS |
//! | [`Csr`], [`Csc`], [`sparse`] | the same products and divergences over the entries of sparse rows | a row of a factor for each |
//! | [`gaps::fill`] | X·Yᵀ where dense rows have no entry | a dot for each |
//! | [`scan::scan`], [`scan::squared_residual`] | checks and sums over V | in double precision |
//! | [`naive`] | each of them as plain loops, the oracle | |
//!
//! ```
//! use orthant_kernel::{Isa, View, numerators};
//! let v = View::row_major(&[1.0, 2.0, 3.0, 4.0], 2, 2)?;
//! let y = [1.0, 0.0, 1.0, 1.0, 0.0, 1.0]; // 2×3
//! let mut out = [0.0; 6];
//! numerators(Isa::detect(), v, &y, 3, &mut out);
//! assert_eq!(out, [3.0, 0.0, 3.0, 7.0, 0.0, 7.0]);
//! # Ok::<(), orthant_kernel::LayoutError>(())
//! ```

pub use buffer::{Buffer, OutOfMemory};
pub use dense::Dense;
pub use hardware::{block_rows, second_level_cache};
pub use isa::Isa;
pub use products::{accumulate, accumulator_stride, gram, numerators, tile_rows};
pub use scalar::{Real, little_endian_bytes};
pub use sparse::{Csc, Csr, Indices, Indptr, SparseError, SparseRows, Unfolded, Values};
pub use view::{LayoutError, View};

pub mod allocate;
mod arch;
mod buffer;
mod convert;
mod dense;
pub mod divergence;
pub mod gaps;
pub mod gemm;
mod hardware;
mod isa;
pub mod naive;
pub mod newton;
pub mod probe;
mod products;
pub mod rows;
mod scalar;
pub mod scan;
pub mod sparse;
mod view;
