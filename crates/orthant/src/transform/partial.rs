//! Rows that are not observed everywhere, for the Frobenius loss: each has a Gram matrix of its own, G_i = Σ h_j h_jᵀ over what
//! is observed of it.
//!
//! It is that of all columns less those of what is not observed where these are few and leave enough of it, and a sum of its own
//! where not; in double precision either way, at k² flops a column.

use orthant_kernel::{Real, View, allocate};

use crate::rule::cholesky::{Definite, add_scaled};
use crate::{Error, Missing};

/// What has to be left of a diagonal entry of the Gram matrix for the difference to be taken.
const LEFT: f64 = 1.0 / 64.0;

/// Hᵀ in double precision, and HHᵀ.
pub(super) struct Whole {
    ht: Vec<f64>,
    gram: Vec<f64>,
    l2: f64,
    k: usize,
}

impl Whole {
    /// `l2` goes on the diagonal of each Gram matrix.
    pub fn new<T: Real>(ht: &[T], k: usize, l2: f64) -> Self {
        let ht = allocate::collected(ht.iter().map(|x| x.to_f64()));
        let mut whole = Self { ht, gram: allocate::filled(k * k, 0.0), l2, k };
        let mut gram = allocate::filled(k * k, 0.0);
        whole.add(&mut gram, 1.0, 0..whole.ht.len() / k);
        whole.gram = gram;
        whole
    }

    /// gram += by·Σ h_j h_jᵀ, the lower triangle.
    fn add(&self, gram: &mut [f64], by: f64, columns: impl Iterator<Item = usize>) {
        let k = self.k;
        for j in columns {
            let h = &self.ht[j * k..(j + 1) * k];
            for t in (0..k).filter(|&t| h[t] != 0.0) {
                add_scaled(&mut gram[t * k..t * k + t + 1], by * h[t], &h[..=t]);
            }
        }
    }
}

/// Rows of a block, of which some are not observed everywhere.
pub(super) struct Partial<T> {
    missing: Missing,
    /// The rows with 0 for what is missing.
    copy: Vec<T>,
    /// Whether each entry is.
    gaps: Vec<bool>,
    cols: usize,
    gram: Vec<f64>,
    own: Definite,
}

impl<T: Real> Partial<T> {
    pub fn new(missing: Missing, k: usize) -> Self {
        let gram = allocate::filled(k * k, 0.0);
        Self { missing, copy: Vec::new(), gaps: Vec::new(), cols: 0, gram, own: Definite::new(k) }
    }

    /// Bytes of one, with blocks of so many rows of n columns; and its share of what all read.
    pub fn bytes(block: usize, n: usize, k: usize) -> usize {
        block * n * (size_of::<T>() + 1) + Definite::bytes(k) + (n + 2 * k) * k * size_of::<f64>()
    }

    /// The rows with 0 for what is missing.
    ///
    /// # Errors
    /// [`Error::Unobserved`] for a row without an observed entry; `first` is the number of the first row.
    pub fn observed(&mut self, rows: View<'_, T>, first: usize) -> Result<View<'_, T>, Error> {
        let (count, cols) = (rows.nrows(), rows.ncols());
        self.cols = cols;
        allocate::resize(&mut self.copy, count * cols, T::ZERO);
        allocate::resize(&mut self.gaps, count * cols, false);
        rows.copy_to(&mut self.copy);
        for (x, gap) in self.copy.iter_mut().zip(&mut self.gaps) {
            *gap = self.missing.is_missing(*x);
            if *gap {
                *x = T::ZERO;
            }
        }
        let nothing = |row: &[bool]| row.iter().all(|&gap| gap);
        if let Some(r) = self.gaps.chunks_exact(cols).position(nothing) {
            return Err(Error::Unobserved { line: "row", at: first + r });
        }
        Ok(View::row_major(&self.copy, count, cols).expect("rows×cols elements"))
    }

    /// Whether row r of the block is observed everywhere.
    pub fn is_whole(&self, r: usize) -> bool {
        !self.gaps[r * self.cols..(r + 1) * self.cols].contains(&true)
    }

    /// The Gram matrix of row r of the block, if it has one of its own.
    pub fn own(&mut self, r: usize, whole: &Whole) -> Option<&Definite> {
        if self.is_whole(r) {
            return None;
        }
        let Self { gaps, cols, gram, own, .. } = self;
        let (gaps, k) = (&gaps[r * *cols..(r + 1) * *cols], whole.k);
        let columns = |gap: bool| (0..*cols).filter(move |&j| gaps[j] == gap);
        let mut differs = columns(true).count() * 2 <= *cols;
        if differs {
            gram.copy_from_slice(&whole.gram);
            whole.add(gram, -1.0, columns(true));
            differs = (0..k).all(|t| gram[t * k + t] >= LEFT * whole.gram[t * k + t]);
        }
        if !differs {
            gram.fill(0.0);
            whole.add(gram, 1.0, columns(false));
        }
        for t in 0..k {
            gram[t * k + t] += whole.l2;
            for r in 0..t {
                gram[r * k + t] = gram[t * k + r];
            }
        }
        own.set(gram);
        Some(own)
    }
}
