//! What identifies a job, and the seed that follows from it.

use std::fmt;

use xxhash_rust::xxh3::xxh3_64;

/// What a job fits, and what for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// All of V from a start of its own: these jobs, and the four that follow, tell which components come back.
    Start,
    /// Counts that are drawn again.
    Resample,
    /// V with multiplicative noise.
    Noise,
    /// A random share of the rows.
    Rows,
    /// Half of the rows.
    Halves,
    /// V without one of its thinned parts, tested on that part.
    Thin,
    /// A quarter of V, tested on the opposite quarter.
    Block,
    /// V without one of every twenty entries, tested on these.
    Window,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Start,
        Self::Resample,
        Self::Noise,
        Self::Rows,
        Self::Halves,
        Self::Thin,
        Self::Block,
        Self::Window,
    ];

    /// Its name in keys, files and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Resample => "resample",
            Self::Noise => "noise",
            Self::Rows => "rows",
            Self::Halves => "halves",
            Self::Thin => "thin",
            Self::Block => "block",
            Self::Window => "window",
        }
    }

    /// Whether its jobs hold data out; the components of the others are compared.
    pub fn holds_out(self) -> bool {
        matches!(self, Self::Thin | Self::Block | Self::Window)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A job: one fit. Its bits depend on V, the options and this key alone.
///
/// ```
/// use orthant_study::{Key, Kind};
/// let key = Key { kind: Kind::Thin, rank: 7, replicate: 0, fold: 3 };
/// assert_eq!(key.to_string(), "thin-k7-r0-f3");
/// assert_eq!(Key::parse("thin-k7-r0-f3"), Some(key));
/// assert_eq!([Key::parse("thin-k07-r0-f3"), Key::parse("thin-k0-r0-f3")], [None; 2]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// What is fitted.
    pub kind: Kind,
    /// The number of components.
    pub rank: usize,
    /// Which of several fits of the same kind; of blocks, which division of rows and columns.
    pub replicate: usize,
    /// Which part is held out; 0 where none is.
    pub fold: usize,
}

impl Key {
    /// The seed of the fit: the lowest 32 bits of XXH3-64 of the text `SEED/KIND/RANK/REPLICATE/FOLD`.
    ///
    /// ```
    /// use orthant_study::{Key, Kind};
    /// let key = Key { kind: Kind::Start, rank: 5, replicate: 2, fold: 0 };
    /// // in Python: xxhash.xxh3_64_intdigest("1/start/5/2/0") & 0xffffffff
    /// assert_eq!(key.seed(1), 2019575630);
    /// ```
    pub fn seed(&self, master: u32) -> u32 {
        let Self { kind, rank, replicate, fold } = self;
        hash(&format!("{master}/{kind}/{rank}/{replicate}/{fold}")) as u32
    }

    /// The key that has this name.
    pub fn parse(name: &str) -> Option<Self> {
        let mut parts = name.split('-');
        let kind = parts.next()?;
        let kind = Kind::ALL.into_iter().find(|of| of.name() == kind)?;
        let mut number = |letter: char| parts.next()?.strip_prefix(letter)?.parse().ok();
        let key = Self { kind, rank: number('k')?, replicate: number('r')?, fold: number('f')? };
        // one key has one name
        (key.rank > 0 && key.to_string() == name).then_some(key)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, rank, replicate, fold } = self;
        write!(f, "{kind}-k{rank}-r{replicate}-f{fold}")
    }
}

/// What all that is drawn comes from.
pub(crate) fn hash(text: &str) -> u64 {
    xxh3_64(text.as_bytes())
}
