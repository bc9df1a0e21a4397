//! The mathematics: what is minimised, and a page for each way to.
//!
//! For V m×n, over W m×k and H k×n with no negative entry, every method minimises
//!
//! ```text
//! F(W, H) = D_β(V | WH)  +  l1_W Σ|W| + ½ l2_W ‖W‖²  +  l1_H Σ|H| + ½ l2_H ‖H‖²
//! ```
//!
//! [`Loss`](crate::Loss) has the divergences D_β, [`Penalty`](crate::Penalty) the weights. F is not convex: a method ends at a
//! stationary point, and which one depends on the start.
//!
//! A method updates W with H fixed, then H with W fixed. Each row of a factor is a problem of its own then, so that one rule
//! serves both factors. The pages state the problem of a row, the update, its cost in flops (floating-point operations), what it
//! guarantees, how it rounds, how it compares with scikit-learn, and where it was published.
//!
//! | [`Update`](crate::Update) | page |
//! |---|---|
//! | `Hals`, `Cd` | [`hals`]: coordinate descent |
//! | `Newton` | [`newton`]: coordinate descent by Newton's steps for Kullback–Leibler |
//! | `Mm`, `Mu`, `JointMm` | [`majorization`] for any β-divergence, [`multiplicative`] for the Frobenius loss |
//! | `Anls` | [`nonnegative_least_squares`]: each row's exact minimiser |
//! | `Als` | [`least_squares`], negative entries set to 0 |
//! | `ProjectedGradient` | [`projected_gradient`] |
//! | all that can be extrapolated | [`extrapolation`] |

pub use crate::iterate::extrapolation;
pub use crate::rule::coordinate as hals;
pub use crate::rule::least_squares;
pub use crate::rule::majorizer as majorization;
pub use crate::rule::multiplicative;
pub use crate::rule::newton;
pub use crate::rule::pivoting as nonnegative_least_squares;
pub use crate::rule::projected_gradient;
