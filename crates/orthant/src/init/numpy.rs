//! numpy's legacy generator.

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

    /// A permutation of 0..`n`, as `permutation`.
    pub fn permutation(&mut self, n: usize) -> Vec<usize> {
        (0..n).collect()
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
}

/// Where random numbers come from, as scikit-learn's `random_state` says it.
#[derive(Clone, Debug)]
pub enum Generator {
    /// Every use begins the stream of this seed anew.
    Seed(u32),
    /// Every use continues one stream.
    State(RandomState),
}

impl Generator {
    /// The stream for one more use.
    pub(crate) fn stream(self) -> RandomState {
        match self {
            Self::Seed(seed) => RandomState::new(seed),
            Self::State(state) => state,
        }
    }
}
