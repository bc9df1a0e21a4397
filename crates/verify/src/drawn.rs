//! Small problems drawn from one number each: data of every kind and scale, a rank and penalties.

use orthant::{Dense, Loss, Penalty, Real};

use crate::strategies::{Data, Numbers, Recipe};

/// The kinds of data that are drawn.
const KINDS: [Data; 8] = [
    Data::Uniform,
    Data::Sparse,
    Data::ZeroLines,
    Data::LowRank,
    Data::WideRange,
    Data::Counts,
    Data::Noisy,
    Data::NearDuplicates,
];

/// V and what is asked of its factors, in a form that prints on one line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Drawn {
    /// V before it is scaled; its rank is that of the data, where the data has one.
    pub recipe: Recipe,
    /// V is multiplied by this; 0 makes it all zero.
    pub scale: f64,
    /// Components to fit.
    pub k: usize,
    /// Penalties.
    pub penalty: Penalty,
    /// Whether elements are in single precision.
    pub single: bool,
}

impl Drawn {
    /// An m×n problem of rank `k`. Scales are powers of ten with exponents from −`decades` to `decades`, one in four is 1.
    pub fn new(
        numbers: &mut Numbers,
        (m, n, k): (usize, usize, usize),
        decades: i32,
        penalty: Penalty,
    ) -> Self {
        let data = KINDS[numbers.below(KINDS.len())];
        let rank = if numbers.below(2) == 0 { k } else { 1 + numbers.below(8) };
        let seed = numbers.bits() >> 32;
        let exponent = f64::from(decades) * (2.0 * numbers.uniform() - 1.0);
        let scale = if numbers.below(4) == 0 { 1.0 } else { 10f64.powi(exponent.round() as i32) };
        let single = numbers.below(2) == 0;
        let recipe = Recipe { m, n, k: rank, data, zeros_in_start: false, seed };
        Self { recipe, scale, k, penalty, single }
    }

    /// V in the precision of its elements, without zeros where `loss` asks for positive data.
    pub fn data<T: Real>(&self, loss: Loss) -> Dense<T> {
        self.scaled(&self.recipe.build_for(loss).v)
    }

    /// The same with the zeros that it has.
    pub fn with_zeros<T: Real>(&self) -> Dense<T> {
        self.scaled(&self.recipe.build().v)
    }

    fn scaled<T: Real>(&self, v: &Dense<f64>) -> Dense<T> {
        Dense::from_fn(v.nrows(), v.ncols(), |i, j| T::from_f64(v[(i, j)] * self.scale))
    }
}

/// The kinds of penalties.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// None.
    None,
    /// L1 alone.
    L1,
    /// L2 alone.
    L2,
    /// Both.
    Both,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::None, Self::L1, Self::L2, Self::Both];

    /// The kind of a penalty.
    pub fn of(penalty: Penalty) -> Self {
        if penalty.alpha_w == 0.0 && penalty.alpha_h.unwrap_or(penalty.alpha_w) == 0.0 {
            return Self::None;
        }
        match penalty.l1_ratio {
            0.0 => Self::L2,
            1.0 => Self::L1,
            _ => Self::Both,
        }
    }

    /// Penalties of this kind on both factors: α from 1e-4 to 0.1, in one of four from 10 to 1000; in one of three another
    /// α on H.
    pub fn draw(self, numbers: &mut Numbers) -> Penalty {
        let mut alpha = || {
            let exponent = numbers.uniform();
            10f64.powf(if numbers.below(4) == 0 { 1.0 + 2.0 * exponent } else { 3.0 * exponent - 4.0 })
        };
        let (alpha_w, other) = (alpha(), alpha());
        let alpha_h = (numbers.below(3) == 0).then_some(other);
        match self {
            Self::None => Penalty::default(),
            Self::L1 => Penalty { alpha_w, alpha_h, l1_ratio: 1.0 },
            Self::L2 => Penalty { alpha_w, alpha_h, l1_ratio: 0.0 },
            Self::Both => Penalty { alpha_w, alpha_h, l1_ratio: 0.1 + 0.8 * numbers.uniform() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_draws_penalties_of_its_kind() {
        for kind in Kind::ALL {
            for seed in 0..20 {
                assert_eq!(Kind::of(kind.draw(&mut Numbers::new(seed))), kind);
            }
        }
    }

    #[test]
    fn data_is_positive_where_the_loss_asks_for_it() {
        for seed in 0..200 {
            let p = Drawn::new(&mut Numbers::new(seed), (7, 5, 3), 8, Penalty::default());
            let v: Dense<f32> = p.data(Loss::ItakuraSaito);
            assert!(v.as_slice().iter().all(|&x| x > 0.0 && x.is_finite()), "{p:?}");
            let v: Dense<f64> = p.with_zeros();
            assert!(v.as_slice().iter().all(|&x| x >= 0.0), "{p:?}");
        }
    }
}
