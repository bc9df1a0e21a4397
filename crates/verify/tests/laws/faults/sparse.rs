//! Sparse data as other libraries keep it: parts of any type, out of order, or corrupt.

use orthant::{
    Csc, Csr, Dense, Error, Fit, Init, Loss, Matrix, Method, MiniBatchNmf, Model, Nmf, Penalty, Real,
    SparseError, StopReason, ToMatrix, Values,
};
use orthant_verify::compare::{cast, difference, first_other_bit};
use orthant_verify::layout::{Layout, Stored};
use orthant_verify::strategies::{Data, Numbers, Recipe};

use super::{ORDERS, all, custom, problem, stepped};

/// The parts of a matrix by rows or by columns, whatever they say.
#[derive(Clone, Debug)]
struct Parts<V> {
    shape: (usize, usize),
    by_columns: bool,
    indptr: Vec<i64>,
    indices: Vec<i64>,
    values: Vec<V>,
}

impl<T: Real, V> ToMatrix<T> for Parts<V>
where
    for<'a> &'a [V]: Into<Values<'a, T>>,
{
    fn to_matrix(&self) -> Result<Matrix<'_, T>, Error> {
        let ((m, n), values) = (self.shape, self.values[..].into());
        Ok(match self.by_columns {
            false => Matrix::Csr(Csr::new(m, n, &self.indptr[..], &self.indices[..], values)?),
            true => Matrix::Csc(Csc::new(m, n, &self.indptr[..], &self.indices[..], values)?),
        })
    }
}

impl<V: Copy> Parts<V> {
    /// From lists of entries, (line, index, value), in the order in which they are to be stored in each line.
    fn new(shape: (usize, usize), by_columns: bool, entries: &[(usize, usize, V)]) -> Self {
        let lines = if by_columns { shape.1 } else { shape.0 };
        let (mut indptr, mut indices, mut values) = (vec![0], Vec::new(), Vec::new());
        for line in 0..lines {
            for &(_, index, value) in entries.iter().filter(|e| e.0 == line) {
                indices.push(index as i64);
                values.push(value);
            }
            indptr.push(indices.len() as i64);
        }
        Self { shape, by_columns, indptr, indices, values }
    }

    /// The matrix that they stand for, by adding up.
    fn sums(&self) -> Dense<f64>
    where
        V: Into<f64>,
    {
        let mut out = Dense::zeros(self.shape.0, self.shape.1);
        for line in 0..self.indptr.len() - 1 {
            for e in self.indptr[line] as usize..self.indptr[line + 1] as usize {
                let index = self.indices[e] as usize;
                let at = if self.by_columns { (index, line) } else { (line, index) };
                out[at] += self.values[e].into();
            }
        }
        out
    }
}

/// Every method fits `v` to the same bits as the tidy sparse matrix with the entries of `expected`.
fn same<T: Real>(v: &impl ToMatrix<T>, expected: &Dense<T>, by_columns: bool, what: &str) {
    let tidy = Stored::new(expected, if by_columns { Layout::Csc } else { Layout::Csr });
    let (found, tidy) = (v.to_matrix().unwrap(), tidy.to_matrix().unwrap());
    match (&found, &tidy) {
        (Matrix::Csr(a), Matrix::Csr(b)) => assert_eq!(a, b, "{what}"),
        (Matrix::Csc(a), Matrix::Csc(b)) => assert_eq!(a, b, "{what}"),
        _ => panic!("{what}: {found:?} and {tidy:?}"),
    }
    for method in all() {
        let nmf = Nmf::<T>::new(3).method(method).tol(0.0).max_iter(4);
        let (a, b) = (nmf.fit(v).unwrap(), nmf.fit(&tidy).unwrap());
        assert_eq!(first_other_bit(&a.w, &b.w), None, "{what} {method:?}");
        assert_eq!(first_other_bit(a.model.components(), b.model.components()), None, "{what} {method:?}");
        assert_eq!(a.report.loss.to_bits(), b.report.loss.to_bits(), "{what} {method:?}");
    }
    let h = cast::<f64, T>(&Numbers::new(3).matrix(3, expected.ncols()));
    let model = Model::from_components(h, Penalty::default()).unwrap();
    let (a, b) = (model.transform(v).unwrap(), model.transform(&tidy).unwrap());
    assert_eq!(first_other_bit(&a, &b), None, "transform, {what}");
    let batches = MiniBatchNmf::<T>::new(3).init(Init::Random).batch_size(5).max_iter(2);
    let (a, b) = (batches.fit(v).unwrap(), batches.fit(&tidy).unwrap());
    assert_eq!(first_other_bit(&a.w, &b.w), None, "batches, {what}");
}

/// Every face of the library refuses `v` in the same way.
fn refused<T: Real>(v: &impl ToMatrix<T>, expected: &Error) {
    for method in all() {
        let nmf = Nmf::<T>::new(2).method(method);
        assert_eq!(&nmf.fit(v).unwrap_err(), expected, "{method:?}");
    }
    let nmf = Nmf::<T>::new(2);
    let h = Dense::from_fn(2, 4, |_, _| T::ONE);
    assert_eq!(&nmf.fit_weights(v, &h).unwrap_err(), expected);
    assert_eq!(&nmf.init_factors(v).unwrap_err(), expected);
    // this looks at no entries
    if !matches!(expected, Error::Negative { .. }) {
        assert_eq!(&nmf.explain(v).unwrap_err(), expected);
    }
    let model = Model::from_components(h.clone(), Penalty::default()).unwrap();
    assert_eq!(&model.transform(v).unwrap_err(), expected);
    let batches = MiniBatchNmf::<T>::new(2).init(Init::Random);
    assert_eq!(&batches.fit(v).unwrap_err(), expected);
    assert_eq!(&batches.transform(v, &h).unwrap_err(), expected);
    assert_eq!(&batches.online().unwrap().partial_fit(v).unwrap_err(), expected);
}

/// Fault 22. Integers of every type are widened exactly: small ones, and the largest of each.
#[test]
fn integers_of_every_type_are_widened_exactly() {
    fn check<T: Real, V: Copy>(largest: V, of: impl Fn(u8) -> V, to_f64: impl Fn(V) -> f64)
    where
        for<'a> &'a [V]: Into<Values<'a, T>>,
    {
        let mut numbers = Numbers::new(22);
        for by_columns in [false, true] {
            let (lines, length) = if by_columns { (9, 13) } else { (13, 9) };
            let mut entries: Vec<(usize, usize, V)> = Vec::new();
            for (line, index) in (0..lines).flat_map(|l| (0..length).map(move |i| (l, i))) {
                if numbers.uniform() < 0.4 {
                    entries.push((line, index, of(1 + numbers.below(100) as u8)));
                }
            }
            entries.push((lines - 1, length - 1, largest));
            entries.retain(|e| (e.0, e.1) != (lines - 1, length - 1) || to_f64(e.2) == to_f64(largest));
            entries.dedup_by_key(|e| (e.0, e.1));
            let parts = Parts::new((13, 9), by_columns, &entries);
            let mut expected = Dense::<T>::zeros(13, 9);
            for &(line, index, x) in &entries {
                let at = if by_columns { (index, line) } else { (line, index) };
                expected[at] = T::from_f64(to_f64(x));
                assert_eq!(expected[at].to_f64(), to_f64(x), "the type holds it");
            }
            same(&parts, &expected, by_columns, std::any::type_name::<V>());
        }
    }
    fn types<T: Real>() {
        check::<T, i8>(i8::MAX, |x| x as i8, f64::from);
        check::<T, u8>(u8::MAX, |x| x, f64::from);
        check::<T, i16>(i16::MAX, i16::from, f64::from);
        check::<T, u16>(u16::MAX, u16::from, f64::from);
        check::<T, i32>(1 << 24, i32::from, f64::from);
        check::<T, u32>(1 << 31, u32::from, f64::from);
        check::<T, i64>(1 << 40, i64::from, |x| x as f64);
        check::<T, u64>(1 << 63, u64::from, |x| x as f64);
    }
    types::<f64>();
    types::<f32>();
}

/// Fault 23. An integer that the element type does not hold is an error that names it and its place.
#[test]
fn integers_that_are_not_exact_are_refused() {
    fn check<T: Real, V: Copy + Into<i128>>(bad: V, good: V, small: V)
    where
        for<'a> &'a [V]: Into<Values<'a, T>>,
    {
        for by_columns in [false, true] {
            let with = |x| Parts::new((4, 4), by_columns, &[(0, 1, small), (2, 3, x), (3, 0, small)]);
            refused::<T>(&with(bad), &Error::PrecisionLoss { line: 2, index: 3, value: bad.into() });
            let found = match ToMatrix::<T>::to_matrix(&with(good)).unwrap() {
                Matrix::Csr(v) => v.to_dense()[(2, 3)],
                Matrix::Csc(v) => v.to_dense()[(3, 2)],
                Matrix::Dense(_) | Matrix::OutOfCore(_) => unreachable!(),
            };
            assert_eq!(found.to_f64() as i128, good.into());
        }
    }
    check::<f64, u64>((1 << 53) + 1, (1 << 53) + 2, 1);
    check::<f64, u64>(u64::MAX, 1 << 63, 1);
    check::<f64, i64>((1 << 53) + 1, 1 << 53, 1);
    check::<f64, i64>(i64::MAX, i64::MAX - 1023, 1);
    check::<f32, u32>((1 << 24) + 1, (1 << 24) + 2, 1);
    check::<f32, i32>(i32::MAX, 1 << 30, 1);
    check::<f32, i64>((1 << 24) + 1, 1 << 62, 1);
}

/// Fault 23, 25. Both summands are exact, but what they stand for is not.
#[test]
fn duplicates_whose_sum_is_not_exact_are_refused() {
    let entries = [(0, 1, 1_u64), (2, 3, 1 << 53), (2, 3, 1), (3, 0, 1)];
    let parts = Parts::new((4, 4), false, &entries);
    refused::<f64>(&parts, &Error::PrecisionLoss { line: 2, index: 3, value: (1 << 53) + 1 });
}

/// Entries of a sparse matrix: every line in order, each index once, none of them 0.
fn entries(by_columns: bool) -> Vec<(usize, usize, f64)> {
    let v = Recipe { m: 14, n: 11, k: 3, data: Data::Sparse, zeros_in_start: false, seed: 24 }.build().v;
    let lines = if by_columns { v.transposed() } else { v };
    let mut entries = Vec::new();
    for i in 0..lines.nrows() {
        let row = lines.row(i).iter().enumerate().filter(|(_, x)| **x > 0.0);
        entries.extend(row.map(|(j, &x)| (i, j, x)));
    }
    entries
}

/// Fault 24. Stored zeros of either sign are as if they were not there.
#[test]
fn stored_zeros_are_no_entries() {
    for by_columns in [false, true] {
        for zero in [0.0, -0.0] {
            let mut with = entries(by_columns);
            let expected = Parts::new((14, 11), by_columns, &with).sums();
            let lines = if by_columns { 11 } else { 14 };
            for line in 0..lines {
                let taken: Vec<usize> = with.iter().filter(|e| e.0 == line).map(|e| e.1).collect();
                let free = (0..25 - lines).filter(|i| !taken.contains(i));
                // all of the first line, and every third of the others
                with.extend(free.filter(|i| line == 0 || i % 3 == 0).map(|i| (line, i, zero)));
            }
            with.sort_by_key(|e| (e.0, e.1));
            let parts = Parts::new((14, 11), by_columns, &with);
            assert!(parts.values.contains(&0.0));
            same(&parts, &expected, by_columns, "stored zeros");
        }
        // nothing but zeros
        let parts = Parts::new((14, 11), by_columns, &[(1, 2, 0.0), (1, 3, -0.0), (7, 0, 0.0)]);
        let fit = Nmf::<f64>::new(2).fit(&parts).unwrap();
        assert_eq!(fit.report.stop_reason, StopReason::ZeroData);
    }
}

/// Fault 25. Entries of one place are added up, and what counts is their sum.
#[test]
fn duplicates_are_added_up() {
    for by_columns in [false, true] {
        let mut split = Vec::new();
        let mut numbers = Numbers::new(25);
        for (line, index, x) in entries(by_columns) {
            // in two or three parts with exact sums, side by side or with others between them
            let x = (x * 1024.0).ceil() / 1024.0;
            match numbers.below(3) {
                0 => split.extend([(line, index, 0.5 * x), (line, index, 0.5 * x)]),
                1 => split.extend([(line, index, 3.0 * x), (line, index, -4.0 * x), (line, index, 2.0 * x)]),
                _ => split.push((line, index, x)),
            }
            if numbers.uniform() < 0.3 {
                let at = split.len() - 1;
                let (line, index, x) = split[at];
                split[at].2 = 0.25 * x;
                split.push((line, (index + 1) % 5, 0.5));
                split.push((line, index, 0.75 * x));
            }
        }
        // and one that leaves nothing
        split.extend([(2, 4, 1.5), (2, 4, -1.5)]);
        let parts = Parts::new((14, 11), by_columns, &split);
        same(&parts, &parts.sums(), by_columns, "duplicates");
    }
    // a sum that is negative, or beyond the element type, is an entry like any other
    let negative = Parts::new((3, 4), false, &[(1, 2, 1.0), (1, 2, -1.5), (0, 0, 1.0)]);
    refused::<f64>(&negative, &Error::Negative { operand: "V", row: 1, col: 2, value: -0.5 });
    let large = Parts::new((4, 3), true, &[(1, 2, f64::MAX), (1, 2, f64::MAX)]);
    let error = Nmf::<f64>::new(2).fit(&large).unwrap_err();
    assert_eq!(error, Error::NonFinite { operand: "V", row: 2, col: 1, value: f64::INFINITY });
}

/// Fault 26. Indices out of order stand for the same matrix, to the bit.
#[test]
fn the_order_of_indices_does_not_matter() {
    for by_columns in [false, true] {
        let sorted = entries(by_columns);
        let expected = Parts::new((14, 11), by_columns, &sorted).sums();
        let backwards: Vec<_> = sorted.iter().rev().copied().collect();
        let order = Numbers::new(26).permutation(sorted.len());
        let drawn: Vec<_> = order.iter().map(|&at| sorted[at]).collect();
        for mixed in [backwards, drawn] {
            let parts = Parts::new((14, 11), by_columns, &mixed);
            assert!(parts.indices.windows(2).any(|pair| pair[0] > pair[1]));
            same(&parts, &expected, by_columns, "unsorted");
        }
    }
}

/// Fault 27. Parts that fit no matrix are an error that says what is wrong, and where.
#[test]
fn corrupt_parts_are_refused() {
    let good = Parts::new((3, 4), false, &[(0, 1, 1.0), (0, 3, 2.0), (2, 0, 3.0), (2, 2, 4.0)]);
    assert_eq!(good.indptr, [0, 2, 2, 4]);
    let with = |change: &dyn Fn(&mut Parts<f64>)| {
        let mut parts = good.clone();
        change(&mut parts);
        parts
    };
    let far = usize::MAX;
    for (parts, expected) in [
        (with(&|p| p.indptr.truncate(3)), SparseError::IndptrLength { expected: 4, found: 3 }),
        (with(&|p| p.indptr.push(4)), SparseError::IndptrLength { expected: 4, found: 5 }),
        (with(&|p| p.indptr.clear()), SparseError::IndptrLength { expected: 4, found: 0 }),
        (with(&|p| p.indptr[0] = 1), SparseError::IndptrStart),
        (with(&|p| p.indptr[0] = -1), SparseError::IndptrStart),
        (with(&|p| p.indptr[1] = 3), SparseError::IndptrFalls { line: 1 }),
        (with(&|p| p.indptr[2] = -1), SparseError::IndptrFalls { line: 2 }),
        (with(&|p| p.indptr[3] = 5), SparseError::Entries { expected: 5, indices: 4, values: 4 }),
        (with(&|p| p.indptr[3] = -1), SparseError::Entries { expected: far, indices: 4, values: 4 }),
        (with(&|p| p.indices.truncate(3)), SparseError::Entries { expected: 4, indices: 3, values: 4 }),
        (with(&|p| p.values.clear()), SparseError::Entries { expected: 4, indices: 4, values: 0 }),
        (with(&|p| p.indices[1] = 4), SparseError::Index { line: 0, entry: 1, index: 4, bound: 4 }),
        (with(&|p| p.indices[2] = -1), SparseError::Index { line: 2, entry: 2, index: -1, bound: 4 }),
        (
            with(&|p| p.indices[3] = i64::MIN),
            SparseError::Index { line: 2, entry: 3, index: i64::MIN.into(), bound: 4 },
        ),
    ] {
        refused::<f64>(&parts, &Error::CorruptSparse(expected.clone()));
        let mut turned = parts;
        (turned.shape, turned.by_columns) = ((4, 3), true);
        let found = Nmf::<f64>::new(2).fit(&turned).unwrap_err();
        assert_eq!(found, Error::CorruptSparse(expected));
    }
}

/// Fault 27. Parts with a few numbers changed are either refused, or the matrix that adding up makes of them.
#[test]
fn changed_parts_are_refused_or_added_up() {
    let mut numbers = Numbers::new(27);
    let (mut bad, mut good) = (0, 0);
    for round in 0..3000 {
        let (lines, length) = (1 + numbers.below(5), 1 + numbers.below(6));
        let mut list = Vec::new();
        for line in 0..lines {
            list.extend(
                (0..numbers.below(4)).map(|_| (line, numbers.below(length), 1.0 + numbers.uniform())),
            );
        }
        let by_columns = round % 2 == 0;
        let shape = if by_columns { (length, lines) } else { (lines, length) };
        let mut parts = Parts::new(shape, by_columns, &list);
        for _ in 0..numbers.below(3) {
            let any =
                [-1, 0, 1, 2, length as i64, list.len() as i64, i64::MAX, i64::MIN, 1 << 32, (1 << 32) + 1];
            let to = any[numbers.below(any.len())];
            let of = if numbers.uniform() < 0.5 || list.is_empty() {
                &mut parts.indptr
            } else {
                &mut parts.indices
            };
            let at = numbers.below(of.len());
            of[at] = to;
        }
        let nnz = parts.indptr[lines];
        let valid = parts.indptr[0] == 0
            && parts.indptr.windows(2).all(|pair| pair[0] <= pair[1])
            && (0..=list.len() as i64).contains(&nnz)
            && parts.indices[..nnz as usize].iter().all(|i| (0..length as i64).contains(i));
        match ToMatrix::<f64>::to_matrix(&parts) {
            Ok(found) => {
                assert!(valid, "{parts:?}");
                let found = match found {
                    Matrix::Csr(v) => v.to_dense(),
                    Matrix::Csc(v) => v.to_dense(),
                    Matrix::Dense(_) | Matrix::OutOfCore(_) => unreachable!(),
                };
                assert_eq!(first_other_bit(&found, &parts.sums()), None, "{parts:?}");
                good += 1;
            }
            Err(Error::CorruptSparse(_)) => {
                assert!(!valid, "{parts:?}");
                bad += 1;
            }
            Err(other) => panic!("{parts:?}: {other}"),
        }
    }
    assert!(bad > 500 && good > 500, "{bad} and {good}");
}

/// Fault 28. By rows, by columns and with its zeros a matrix gives the same step: law 20, here for every
/// method as it is fitted with.
#[test]
fn rows_columns_and_dense_take_the_same_step() {
    let mut p = problem();
    p.v.as_mut_slice().iter_mut().step_by(3).for_each(|x| *x = 0.0);
    for method in stepped() {
        let fits = ORDERS.map(|layout| {
            let nmf = Nmf::new(3).method(method).init(custom(&p)).tol(0.0).max_iter(1);
            nmf.fit(&Stored::new(&p.v, layout)).unwrap()
        });
        for (layout, fit) in ORDERS.into_iter().zip(&fits) {
            let (ours, theirs) = (fit.model.components(), fits[0].model.components());
            let d = difference(&fit.w, &fits[0].w).max(difference(ours, theirs));
            assert!(d <= 1e-12, "{method:?} {layout:?} differs by {d:e}");
            assert!((fit.report.loss - fits[0].report.loss).abs() <= 1e-12 * fits[0].report.loss);
        }
    }
}

/// Fault 29. Offsets and indices are not taken modulo 2³², and extents beyond that are refused. So many
/// entries themselves are more than a test can hold.
#[test]
fn offsets_beyond_32_bits_are_not_cut_off() {
    let (indices, values) = ([0_u64, 1], [1.0_f64, 2.0]);
    for more in [1_u64 << 31, 1 << 32, 1 << 63] {
        let error = Csr::<f64>::new(1, 3, &[0, more + 2][..], &indices[..], &values[..]).unwrap_err();
        let expected = (more + 2) as usize;
        assert_eq!(error, SparseError::Entries { expected, indices: 2, values: 2 });
        let error = Csr::<f64>::new(1, 3, &[0_u64, 2][..], &[0, more + 1][..], &values[..]).unwrap_err();
        let index = i128::from(more) + 1;
        assert_eq!(error, SparseError::Index { line: 0, entry: 1, index, bound: 3 });
    }
    // as many columns as indices of 32 bits tell apart, and one more
    let last = [0, u64::from(u32::MAX)];
    let widest = Csr::<f64>::new(1, 1 << 32, &[0_u64, 2][..], &last[..], &values[..]).unwrap();
    assert!(widest.row(0).eq([(0, 1.0), (u32::MAX as usize, 2.0)]));
    let wider = Csr::<f64>::new(1, (1 << 32) + 1, &[0_u64, 2][..], &last[..], &values[..]).unwrap_err();
    assert_eq!(wider, SparseError::TooLarge { lines: 1, length: (1 << 32) + 1 });
    let longest = Csc::<f64>::new(3, usize::MAX, &[0_u64, 2][..], &indices[..], &values[..]).unwrap_err();
    assert!(matches!(Error::from(longest), Error::TooLarge { what: "V", .. }));
    // W, H or what is made of them beyond all memory
    for rank in [1 << 27, 1 << 31, usize::MAX >> 20] {
        for method in all() {
            let error = Nmf::new(rank).method(method).fit(&widest).unwrap_err();
            assert!(matches!(error, Error::TooLarge { .. }), "{rank} {method:?}: {error:?}");
        }
        let error = MiniBatchNmf::new(rank).fit(&widest).unwrap_err();
        assert!(matches!(error, Error::TooLarge { .. }), "batches, {rank}: {error:?}");
    }
}

/// Fault 31. A fit that needs more memory than it may take is an error that says how much would be enough.
#[test]
fn memory_above_the_budget_is_refused() {
    let v = Recipe { m: 300, n: 200, k: 5, data: Data::Sparse, zeros_in_start: false, seed: 31 }.build().v;
    let h = Numbers::new(31).matrix(5, 200);
    for layout in ORDERS {
        let v = Stored::new(&v, layout);
        for method in all().chain([Method::auto(Loss::Frobenius), Method::hals().extrapolated()]) {
            let nmf = Nmf::new(5).method(method).threads(1).max_iter(3);
            let need_of = |limit: usize| match nmf.clone().memory_limit(limit).fit(&v) {
                Err(Error::MemoryLimit { need, have }) if have == limit && need > limit => Some(need),
                Ok(_) => None,
                Err(other) => panic!("{method:?} {layout:?}: {other}"),
            };
            let need = need_of(0).expect("nothing is not enough");
            // W and H at least
            assert!(need >= 8 * 5 * 500, "{method:?} {layout:?}: {need}");
            assert_eq!((need_of(need - 1), need_of(need)), (Some(need), None), "{method:?} {layout:?}");
            let weights = nmf.clone().memory_limit(0).fit_weights(&v, &h).unwrap_err();
            assert!(matches!(weights, Error::MemoryLimit { have: 0, .. }), "{method:?} {layout:?}");
            let asked = nmf.clone().memory_limit(0).explain(&v).unwrap_err();
            assert_eq!(asked, Error::MemoryLimit { need, have: 0 });
            // what is told in advance is enough, and as long as nothing is left out the result is the same
            let told = nmf.explain(&v).unwrap().working_bytes;
            let (free, within) = (nmf.fit(&v).unwrap(), nmf.clone().memory_limit(told).fit(&v).unwrap());
            assert!(told >= need, "{method:?} {layout:?}: {told} and {need}");
            let plan = |fit: &Fit<f64>| {
                let plan = &fit.report.plan;
                (plan.method, plan.sketch, plan.sample, plan.transpose)
            };
            if plan(&free) == plan(&within) {
                assert_eq!(first_other_bit(&within.w, &free.w), None, "{method:?} {layout:?}");
            }
        }
    }
    // three entries, and factors of 128 GiB: refused before anything of that size is asked for
    let (indptr, values) = ([0_u64, 1, 3], [1.0_f64, 2.0, 3.0]);
    let rows = Csr::new(2, 1 << 32, &indptr[..], &[7_u64, 0, (1 << 32) - 1][..], &values[..]).unwrap();
    let columns = Csc::of_transposed(rows.by_ref());
    for method in all().filter(|m| matches!(m.loss.beta(), 1.0 | 2.0)) {
        let nmf = Nmf::<f64>::new(4).method(method).init(Init::Random).memory_limit(1 << 30);
        for v in [Matrix::Csr(rows.by_ref()), Matrix::Csc(Csc::of_transposed(columns.transposed().by_ref()))]
        {
            let error = nmf.fit(&v).unwrap_err();
            let large =
                matches!(error, Error::MemoryLimit { need, have } if need >= 1 << 37 && have == 1 << 30);
            assert!(large, "{method:?}: {error:?}");
        }
    }
}
