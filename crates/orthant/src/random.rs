//! numpy's legacy generator, and who draws from which stream.

use orthant_kernel::allocate;
use rand_mt::Mt;

use crate::Error;
use crate::state::{State, damaged};

/// Words of the generator's state.
const WORDS: usize = 624;

/// The stream of `numpy.random.RandomState(seed)` for an integer seed, to the bit: MT19937, 53-bit uniforms, normals
/// by Marsaglia's polar method in pairs of which the second is kept.
///
/// ```
/// use orthant::RandomState;
/// let mut r = RandomState::new(0);
/// assert_eq!(r.standard_normal(), 1.764052345967664);
/// assert_eq!(r.standard_normal(), 0.4001572083672233);
/// ```
#[derive(Clone, Debug)]
pub struct RandomState {
    bits: Mt,
    /// Words that come before those of `bits`, the last one first.
    before: Vec<u32>,
    spare: Option<f64>,
    drawn: u64,
}

impl RandomState {
    /// The generator that `RandomState(seed)` is.
    pub fn new(seed: u32) -> Self {
        Self { bits: Mt::new(seed), before: Vec::new(), spare: None, drawn: 0 }
    }

    /// The generator in a state that numpy tells: of `get_state()`, which is `("MT19937", key, pos, has_gauss, cached)`, the
    /// key of 624 words, the position in it and, if there is one, the cached normal.
    ///
    /// ```
    /// use orthant::RandomState;
    /// // RandomState(0): its key begins with the seed, and all of it is used up
    /// let mut key = vec![0_u32; 624];
    /// for i in 1..624_u32 {
    ///     let last = key[i as usize - 1];
    ///     key[i as usize] = (last ^ last >> 30).wrapping_mul(1_812_433_253).wrapping_add(i);
    /// }
    /// let mut r = RandomState::from_numpy(&key, 624, None)?;
    /// assert_eq!(r.standard_normal(), RandomState::new(0).standard_normal());
    /// # Ok::<(), orthant::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::InvalidParam`] for a key of another length, or a position beyond it.
    pub fn from_numpy(key: &[u32], pos: usize, cached: Option<f64>) -> Result<Self, Error> {
        let invalid =
            |name, value: usize, allowed| Error::InvalidParam { name, value: value.to_string(), allowed };
        if pos > key.len() {
            return Err(invalid("pos", pos, "a position in the key, or its length".into()));
        }
        let words = key.iter().map(|&word| tempered(word));
        let bits = Mt::recover(words.clone())
            .map_err(|_| invalid("the key's length", key.len(), "624 words".into()))?;
        let before = words.skip(pos).rev().collect();
        Ok(Self { bits, before, spare: cached, drawn: 0 })
    }

    /// Words of 32 bits drawn since it was made: how far on numpy's generator is to be moved to stand where this one does.
    pub fn drawn(&self) -> u64 {
        self.drawn
    }

    /// The normal that is kept for the next call, numpy's cached one.
    pub fn cached(&self) -> Option<f64> {
        self.spare
    }

    fn word(&mut self) -> u32 {
        self.drawn += 1;
        self.before.pop().unwrap_or_else(|| self.bits.next_u32())
    }

    /// Uniform on [0, 1), as `random_sample`.
    pub fn random_sample(&mut self) -> f64 {
        let (a, b) = (self.word() >> 5, self.word() >> 6);
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
    /// use orthant::RandomState;
    /// assert_eq!(RandomState::new(0).permutation(10), [2, 8, 4, 9, 1, 6, 7, 3, 0, 5]);
    /// ```
    pub fn permutation(&mut self, n: usize) -> Vec<usize> {
        let mut order = allocate::filled(n, 0);
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
        Self::new(self.word())
    }

    /// Uniform on 0..=`most`: the lowest bits of a word (two where 32 bits are too few) as often as it takes.
    fn up_to(&mut self, most: u64) -> u64 {
        let mask = u64::MAX.checked_shr(most.leading_zeros()).unwrap_or(0);
        loop {
            let mut word = u64::from(self.word());
            if most > u64::from(u32::MAX) {
                word = word << 32 | u64::from(self.word());
            }
            if word & mask <= most {
                return word & mask;
            }
        }
    }
}

/// The word that the generator gives for one of its state (Matsumoto & Nishimura, Mersenne Twister, 1998, doi:10.1145/272991.272995).
fn tempered(mut word: u32) -> u32 {
    word ^= word >> 11;
    word ^= word << 7 & 0x9d2c_5680;
    word ^= word << 15 & 0xefc6_0000;
    word ^ word >> 18
}

/// The words that come next tell all of a twister's state.
impl State for RandomState {
    fn save(&self, to: &mut Vec<u8>) {
        let mut next = self.clone();
        (0..WORDS).for_each(|_| next.word().save(to));
        (self.spare, self.drawn).save(to);
    }

    fn restore(&mut self, from: &mut &[u8]) -> Result<(), Error> {
        let mut words = [0_u32; WORDS];
        words.iter_mut().try_for_each(|word| word.restore(from))?;
        self.bits = Mt::recover(words).map_err(|_| damaged("its generator has no such state"))?;
        self.before = words.into_iter().rev().collect();
        self.spare.restore(from)?;
        self.drawn.restore(from)
    }
}

impl State for Generator {
    fn save(&self, to: &mut Vec<u8>) {
        match self {
            Self::Seed(seed) => (false, *seed).save(to),
            Self::State(state) => {
                true.save(to);
                state.save(to);
            }
        }
    }

    fn restore(&mut self, from: &mut &[u8]) -> Result<(), Error> {
        let (mut is_state, mut seed) = (false, 0_u32);
        is_state.restore(from)?;
        *self = if is_state {
            let mut state = RandomState::new(0);
            state.restore(from)?;
            Self::State(state)
        } else {
            seed.restore(from)?;
            Self::Seed(seed)
        };
        Ok(())
    }
}

/// What random numbers are drawn from, with the meaning of scikit-learn's `random_state`.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "a fit has one, which is not moved about")]
pub(crate) enum Generator {
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

    /// The stream as it stands, if it is one.
    pub(crate) fn into_state(self) -> Option<RandomState> {
        match self {
            Self::Seed(_) => None,
            Self::State(state) => Some(state),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_begins_anew_for_each_consumer_and_a_state_goes_on() {
        let mut restarts = Generator::Seed(0);
        let first = restarts.with(RandomState::standard_normal);
        assert_eq!(restarts.with(RandomState::standard_normal), first);
        let mut goes_on = Generator::State(RandomState::new(0));
        assert_eq!(goes_on.with(RandomState::standard_normal), first);
        assert_ne!(goes_on.with(RandomState::standard_normal), first);
    }

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
    fn a_restored_generator_goes_on() {
        for drawn in [0, 1, 5, 623, 624, 1000] {
            let mut r = RandomState::new(11);
            (0..drawn).for_each(|_| _ = r.word());
            r.standard_normal();
            let (mut bytes, mut other) = (Vec::new(), Generator::Seed(3));
            Generator::State(r.clone()).save(&mut bytes);
            other.restore(&mut &bytes[..]).unwrap();
            let mut other = other.into_state().unwrap();
            assert_eq!(other.drawn(), r.drawn());
            assert_eq!(other.standard_normal(), r.standard_normal());
            assert_eq!(other.permutation(2000), r.permutation(2000));
        }
    }

    #[test]
    fn beyond_32_bits_a_number_takes_two_words() {
        let (mut r, mut words) = (RandomState::new(3), Mt::new(3));
        let two = u64::from(words.next_u32()) << 32 | u64::from(words.next_u32());
        assert_eq!(r.up_to(u64::MAX), two);
    }
}
