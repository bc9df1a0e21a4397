//! numpy's legacy generator, and who draws from which stream.

use rand_mt::Mt;

/// The stream of `numpy.random.RandomState(seed)` for an integer seed, to the bit: MT19937, 53-bit uniforms, normals
/// by Marsaglia's polar method in pairs of which the second is kept.
///
/// ```
/// use orthant::init::RandomState;
/// let mut r = RandomState::new(0);
/// assert_eq!(r.standard_normal(), 1.764052345967664);
/// assert_eq!(r.standard_normal(), 0.4001572083672233);
/// ```
#[derive(Clone, Debug)]
pub struct RandomState {
    bits: Mt,
    spare: Option<f64>,
}

impl RandomState {
    /// The generator that `RandomState(seed)` is.
    pub fn new(seed: u32) -> Self {
        Self { bits: Mt::new(seed), spare: None }
    }

    /// Uniform on [0, 1), as `random_sample`.
    pub fn random_sample(&mut self) -> f64 {
        let (a, b) = (self.bits.next_u32() >> 5, self.bits.next_u32() >> 6);
        (f64::from(a) * 67_108_864.0 + f64::from(b)) / 9_007_199_254_740_992.0
    }

    /// Standard normal, as `standard_normal`.
    pub fn standard_normal(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        loop {
            let x = 2.0 * self.random_sample() - 1.0;
            let y = 2.0 * self.random_sample() - 1.0;
            let r = x * x + y * y;
            if r < 1.0 && r != 0.0 {
                let f = (-2.0 * r.ln() / r).sqrt();
                self.spare = Some(f * x);
                return f * y;
            }
        }
    }

    /// The numbers below `n` in random order, as `permutation(n)`: exchanged with an earlier one or themselves, from
    /// the last to the second.
    ///
    /// ```
    /// use orthant::init::RandomState;
    /// assert_eq!(RandomState::new(0).permutation(10), [2, 8, 4, 9, 1, 6, 7, 3, 0, 5]);
    /// ```
    pub fn permutation(&mut self, n: usize) -> Vec<usize> {
        let mut order = vec![0; n];
        self.permute(&mut order);
        order
    }

    /// The same into `order`.
    pub(crate) fn permute(&mut self, order: &mut [usize]) {
        order.iter_mut().enumerate().for_each(|(i, x)| *x = i);
        for i in (1..order.len()).rev() {
            let other = self.up_to(i as u64) as usize;
            order.swap(i, other);
        }
    }

    /// Another stream, of which this one is the seed.
    pub(crate) fn fork(&mut self) -> Self {
        Self::new(self.bits.next_u32())
    }

    /// Uniform on 0..=`most`: the lowest bits of a word (two where 32 bits are too few) as often as it takes.
    fn up_to(&mut self, most: u64) -> u64 {
        let mask = u64::MAX.checked_shr(most.leading_zeros()).unwrap_or(0);
        loop {
            let mut word = u64::from(self.bits.next_u32());
            if most > u64::from(u32::MAX) {
                word = word << 32 | u64::from(self.bits.next_u32());
            }
            if word & mask <= most {
                return word & mask;
            }
        }
    }
}

/// What random numbers are drawn from, with the meaning of scikit-learn's `random_state`.
///
/// ```
/// use orthant::init::{Generator, RandomState};
/// let mut restarts = Generator::Seed(0);
/// let first = restarts.with(RandomState::standard_normal);
/// assert_eq!(restarts.with(RandomState::standard_normal), first);
/// let mut goes_on = Generator::State(RandomState::new(0));
/// assert_eq!(goes_on.with(RandomState::standard_normal), first);
/// assert_ne!(goes_on.with(RandomState::standard_normal), first);
/// ```
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "a fit has one, which is not moved about")]
pub enum Generator {
    /// An integer: each consumer gets a stream of its own from the start, the same for all.
    Seed(u32),
    /// A stream: each consumer goes on where the one before stopped.
    State(RandomState),
}

impl Generator {
    /// Hands a consumer its stream.
    pub fn with<R>(&mut self, consumer: impl FnOnce(&mut RandomState) -> R) -> R {
        match self {
            Self::Seed(seed) => consumer(&mut RandomState::new(*seed)),
            Self::State(state) => consumer(state),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One stream, printed by numpy: nothing to draw, one bit, and a range that wastes half of its draws; and normals
    /// around it, whose spare is no part of it.
    #[test]
    fn permutations_are_numpys() {
        let mut r = RandomState::new(7);
        assert!(r.permutation(0).is_empty());
        assert_eq!(r.permutation(1), [0]);
        assert_eq!(r.permutation(2), [0, 1]);
        assert_eq!(r.permutation(5), [0, 3, 2, 1, 4]);
        let long = [
            32, 2, 24, 1, 18, 13, 9, 15, 22, 5, 3, 20, 26, 17, 11, 0, 12, 21, 16, 4, 6, 30, 29, 10, 27, 8,
            31, 14, 25, 28, 7, 23, 19,
        ];
        assert_eq!(r.permutation(33), long);
        r.standard_normal();
        assert_eq!(r.permutation(4), [3, 1, 2, 0]);
        assert_eq!(r.standard_normal(), -1.5265245318698402);
        assert_eq!(r.random_sample(), 0.4488257953778846);
    }

    #[test]
    fn beyond_32_bits_a_number_takes_two_words() {
        let (mut r, mut words) = (RandomState::new(3), Mt::new(3));
        let two = u64::from(words.next_u32()) << 32 | u64::from(words.next_u32());
        assert_eq!(r.up_to(u64::MAX), two);
    }
}
