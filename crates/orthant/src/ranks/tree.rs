//! Sums of lanes over all ranks, in the order of the tree that the lanes have.

use orthant_kernel::{Buffer, Real};

use super::{About, Ranks};
use crate::Error;
use crate::lanes::lane;
use crate::state::{State, elements, save_elements};

/// What lanes add up, as it goes from rank to rank: large arrays, which are added element by element, and the rest.
pub(crate) trait Shared: Send {
    /// Of the arrays.
    type Element: Real;

    /// The arrays.
    fn arrays(&mut self) -> Vec<&mut [Self::Element]> {
        Vec::new()
    }

    /// Appends the rest.
    fn pack(&self, to: &mut Vec<u8>);

    /// Takes the rest from the front of `from`.
    ///
    /// # Errors
    /// Those of [`State::restore`].
    fn unpack(&mut self, from: &mut &[u8]) -> Result<(), Error>;

    /// Adds the rest of another one.
    fn merge(&mut self, other: &Self);
}

/// What lanes add up where it is a few numbers, which go from rank to rank together.
pub(crate) trait Few: State + Send {
    /// Adds another one.
    fn add(&mut self, other: &Self);
}

impl<F: Few> Shared for F {
    type Element = f64;

    fn pack(&self, to: &mut Vec<u8>) {
        State::save(self, to);
    }

    fn unpack(&mut self, from: &mut &[u8]) -> Result<(), Error> {
        State::restore(self, from)
    }

    fn merge(&mut self, other: &Self) {
        self.add(other);
    }
}

/// The largest subtrees that have leaves among the lanes of a rank and no others, in the order of these, in a tree over `lanes` lanes.
/// Node 1 is the root, and lane l the node `lanes` + l.
pub(crate) fn nodes(ranks: &Ranks, rank: usize, lanes: usize) -> Vec<usize> {
    let own = ranks.lanes_of(rank, lanes);
    let (mut left, mut right) = (own.start + lanes, own.end + lanes);
    let (mut first, mut last) = (Vec::new(), Vec::new());
    while left < right {
        if left % 2 == 1 {
            first.push(left);
            left += 1;
        }
        if right % 2 == 1 {
            right -= 1;
            last.push(right);
        }
        (left, right) = (left / 2, right / 2);
    }
    first.extend(last.into_iter().rev());
    first
}

/// Nodes in the order of their lanes, added where both of two siblings are there.
struct Stack<S>(Vec<(usize, S)>);

impl<S> Stack<S> {
    /// Puts a node on it. `add` makes the first of two sums that of both, and `done` takes the other one back.
    fn push(&mut self, mut node: usize, mut sum: S, add: impl Fn(&mut S, &S), mut done: impl FnMut(S)) {
        while let Some((_, mut sibling)) = self.0.pop_if(|(other, _)| node > 1 && *other == node ^ 1) {
            add(&mut sibling, &sum);
            done(std::mem::replace(&mut sum, sibling));
            node /= 2;
        }
        self.0.push((node, sum));
    }
}

/// The sum over the lanes of all ranks, where `own` has those of this rank's [nodes], or its error. Accumulators that are not
/// needed are put into `free`, and others taken from there.
///
/// # Errors
/// The first of any rank.
pub(crate) fn sum<A: Shared>(
    ranks: &Ranks,
    lanes: usize,
    own: Result<Vec<A>, Error>,
    free: &mut Vec<A>,
) -> Result<A, Error> {
    let mut small = Vec::new();
    let mut own = own.inspect(|own| own.iter().for_each(|sum| sum.pack(&mut small)));
    let all = ranks.exchange(About::Sum, own.as_ref().map(|_| &small[..]));
    let sizes: Vec<usize> = match (&mut own, free.first_mut()) {
        (Ok(own), any) => own
            .first_mut()
            .or(any)
            .map_or_else(Vec::new, |sum| sum.arrays().iter().map(|array| array.len()).collect()),
        (Err(_), _) => Vec::new(),
    };
    let large = all.as_ref().ok().filter(|_| sizes.iter().any(|&len| len > 0)).map(|_| {
        let own = own.as_mut().map_or(&mut [][..], |own| &mut own[..]);
        arrays(ranks, lanes, own, &sizes)
    });
    // all that was summed here is bytes by now
    free.extend(own.into_iter().flatten());
    let all = all?;
    let large = large.transpose()?;
    let mut stack = Stack(Vec::new());
    for (rank, mut bytes) in all.iter().map(|bytes| &bytes[..]).enumerate() {
        for node in nodes(ranks, rank, lanes) {
            let mut sum = free.pop().expect("no more are at work than the tree is high");
            sum.unpack(&mut bytes)?;
            stack.push(node, sum, A::merge, |other| free.push(other));
        }
    }
    let (_, mut sum) = stack.0.pop().expect("there is a lane");
    for (to, from) in sum.arrays().into_iter().zip(large.iter().flatten()) {
        to.copy_from_slice(from);
    }
    Ok(sum)
}

/// The sums of arrays over all ranks.
fn arrays<A: Shared>(
    ranks: &Ranks,
    lanes: usize,
    own: &mut [A],
    sizes: &[usize],
) -> Result<Vec<Buffer<A::Element>>, Error> {
    let size = ranks.size();
    let part = |len: usize, rank: usize| lane(len, size, rank);
    let parts: Vec<Vec<u8>> = (0..size)
        .map(|rank| {
            let mut bytes = Vec::new();
            for array in own.iter_mut().flat_map(A::arrays) {
                save_elements(&array[part(array.len(), rank)], &mut bytes);
            }
            bytes
        })
        .collect();
    let received = ranks.all_to_all(&parts)?;
    drop(parts);
    // this rank's part of each array, one after the other
    let mine: usize = sizes.iter().map(|&len| part(len, ranks.rank()).len()).sum();
    let mut stack = Stack(Vec::new());
    let mut free: Vec<Buffer<A::Element>> = Vec::new();
    for (rank, mut bytes) in received.iter().map(|bytes| &bytes[..]).enumerate() {
        for node in nodes(ranks, rank, lanes) {
            let mut sum = free.pop().unwrap_or_else(|| Buffer::zeros(mine));
            elements(&mut sum, &mut bytes)?;
            let add = |a: &mut Buffer<A::Element>, b: &Buffer<A::Element>| crate::column_sums::add(a, b);
            stack.push(node, sum, add, |other| free.push(other));
        }
    }
    let (_, sum) = stack.0.pop().expect("there is a lane");
    let mut bytes = Vec::new();
    save_elements(&sum, &mut bytes);
    let mut all: Vec<Buffer<A::Element>> = sizes.iter().map(|&len| Buffer::zeros(len)).collect();
    for (rank, bytes) in ranks.exchange(About::Sum, Ok(&bytes))?.iter().enumerate() {
        let mut bytes = &bytes[..];
        for array in &mut all {
            let range = part(array.len(), rank);
            elements(&mut array[range], &mut bytes)?;
        }
    }
    Ok(all)
}

/// Nothing to add.
impl Shared for () {
    type Element = f64;

    fn pack(&self, _: &mut Vec<u8>) {}

    fn unpack(&mut self, _: &mut &[u8]) -> Result<(), Error> {
        Ok(())
    }

    fn merge(&mut self, (): &Self) {}
}

impl Few for f64 {
    fn add(&mut self, other: &Self) {
        *self += other;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::ranks::LocalCommunicator;
    use crate::reduce::Reducer;

    /// An array and a number, whose sums depend on their order.
    struct Both(Vec<f32>, f64);

    impl Shared for Both {
        type Element = f32;

        fn arrays(&mut self) -> Vec<&mut [f32]> {
            vec![&mut self.0]
        }

        fn pack(&self, to: &mut Vec<u8>) {
            State::save(&self.1, to);
        }

        fn unpack(&mut self, from: &mut &[u8]) -> Result<(), Error> {
            State::restore(&mut self.1, from)
        }

        fn merge(&mut self, other: &Self) {
            self.1 += other.1;
        }
    }

    fn term(lane: usize, at: usize) -> f64 {
        (1.0 + (lane * 13 + at) as f64).sqrt() * 10f64.powi((lane * 7 + at) as i32 % 9 - 4)
    }

    /// The sum as the tree has it, by recursion.
    fn expected(lanes: std::ops::Range<usize>, at: usize) -> (f32, f64) {
        if lanes.len() == 1 {
            return (term(lanes.start, at) as f32, term(lanes.start, at));
        }
        let middle = lanes.start.midpoint(lanes.end);
        let (a, b) = (expected(lanes.start..middle, at), expected(middle..lanes.end, at));
        (a.0 + b.0, a.1 + b.1)
    }

    fn sum_on(
        ranks: &Ranks,
        lanes: usize,
        len: usize,
        fails: Option<usize>,
    ) -> Result<(Vec<f32>, f64), Error> {
        let mut reducer = Reducer::new(lanes, 2, || Both(vec![0.0; len], 0.0)).over(ranks);
        let work = |lane: usize, _: usize, Both(array, number): &mut Both| {
            array.iter_mut().enumerate().for_each(|(at, x)| *x = term(lane, at) as f32);
            *number = term(lane, 0);
            if fails == Some(lane) { Err(Error::Empty { rows: lane, cols: 0 }) } else { Ok(()) }
        };
        let add = |a: &mut Both, b: &Both| {
            a.0.iter_mut().zip(&b.0).for_each(|(a, b)| *a += b);
            a.1 += b.1;
        };
        // a second time with what the first has left
        let first = reducer.try_sum(work, add)?;
        reducer.give_back(first);
        let Both(array, number) = reducer.try_sum(work, add)?;
        Ok((array, number))
    }

    fn on_ranks<R: Send>(size: usize, f: impl Fn(&Ranks) -> R + Sync) -> Vec<R> {
        std::thread::scope(|scope| {
            let f = &f;
            let start = |rank| scope.spawn(move || f(&Ranks::new(Arc::new(rank))));
            let all: Vec<_> = LocalCommunicator::new(size).into_iter().map(start).collect();
            all.into_iter().map(|thread| thread.join().unwrap()).collect()
        })
    }

    #[test]
    fn the_sum_does_not_depend_on_the_ranks() {
        for (lanes, len) in [(4, 0), (4, 1), (8, 5), (16, 3), (64, 33)] {
            let numbers: Vec<f32> = (0..len).map(|at| expected(0..lanes, at).0).collect();
            for size in [1, 2, 3, 4, 5, 7, 8, 20] {
                for sum in on_ranks(size, |ranks| sum_on(ranks, lanes, len, None).unwrap()) {
                    assert_eq!(sum, (numbers.clone(), expected(0..lanes, 0).1), "{lanes} lanes on {size}");
                }
            }
        }
    }

    #[test]
    fn an_error_of_one_rank_is_one_of_all() {
        let all = on_ranks(3, |ranks| ranks.agree(sum_on(ranks, 16, 4, Some(9)).map(drop)).unwrap_err());
        assert!(matches!(all[1], Error::Empty { rows: 9, .. }), "{:?}", all[1]);
        for error in [&all[0], &all[2]] {
            assert!(matches!(error, Error::Communication { reason } if reason.contains("rank 1")), "{error}");
        }
    }

    #[test]
    fn ranks_at_different_work_are_an_error() {
        let all = on_ranks(2, |ranks| match ranks.rank() {
            0 => ranks.all_gather(&[1]).map(drop).unwrap_err(),
            _ => ranks.agree(Ok(())).unwrap_err(),
        });
        assert!(all.iter().all(|e| e.to_string().contains("same work")), "{all:?}");
    }
}
