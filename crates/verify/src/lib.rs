//! What must be true of every fit, checked against code too plain to be wrong.
//!
//! [`oracle`] computes losses, gradients and single iterations by triple loops in double precision,
//! [`divergences`] does so for any β-divergence, [`newton`] takes Newton's steps, [`extrapolated`] accelerates both, [`strategies`] makes the problems that property tests run on,
//! [`drawn`] draws a whole problem from one number, [`layout`] stores one matrix in many memory
//! layouts, [`compare`] measures differences and [`fits`] runs a fixed number of steps from a given start.
//!
//! [`laws`] has the table of laws, with their numbers and their tolerances, which this crate's README shows. The
//! fault cases are listed in `data/faults.json`: each has its tests there, or the reason why it does not apply.

pub mod cases;
pub mod compare;
pub mod divergences;
pub mod drawn;
pub mod extrapolated;
pub mod fits;
pub mod forms;
pub mod laws;
pub mod layout;
pub mod made;
pub mod newton;
pub mod oracle;
pub mod strategies;
