//! Some rows or columns of a table.

use orthant::{Csc, Csr};

use crate::{AnyTable, Edge, Order, Scalar, SparseTable, Table};

impl<T: Scalar> AnyTable<T> {
    /// The rows, or columns, that `keep` says, of which it must have one for each.
    pub(crate) fn select(self, edge: Edge, keep: &[bool]) -> Self {
        let along = match self {
            Self::Dense(ref table) => (edge == Edge::Rows) == (table.order() == Order::RowMajor),
            Self::Sparse(ref table) => (edge == Edge::Rows) == (table.order() == Order::RowMajor),
            Self::OutOfCore(_) => unreachable!("features have types in sparse files, which are read"),
        };
        let mut names = [self.row_names(), self.col_names()].map(|names| names.map(<[String]>::to_vec));
        let of_edge = &mut names[usize::from(edge == Edge::Columns)];
        *of_edge = of_edge.take().map(|names| {
            names.into_iter().zip(keep).filter(|(_, keep)| **keep).map(|(name, _)| name).collect()
        });
        let mut selected = match self {
            Self::Dense(table) => Self::Dense(dense(table, edge, along, keep)),
            Self::Sparse(table) => Self::Sparse(sparse(&table, along, keep)),
            Self::OutOfCore(_) => unreachable!("features have types in sparse files, which are read"),
        };
        let [rows, cols] = names;
        selected.set_names(rows, cols);
        selected
    }
}

/// `along` says that whole lines are kept, which lie one after another.
fn dense<T: Scalar>(table: Table<T>, edge: Edge, along: bool, keep: &[bool]) -> Table<T> {
    let (nrows, ncols, order) = (table.nrows(), table.ncols(), table.order());
    let length = if order == Order::RowMajor { ncols } else { nrows };
    let mut data = table.into_data();
    let mut e = 0;
    data.retain(|_| {
        let at = if along { e / length } else { e % length };
        e += 1;
        keep[at]
    });
    let kept = keep.iter().filter(|keep| **keep).count();
    let (nrows, ncols) = if edge == Edge::Rows { (kept, ncols) } else { (nrows, kept) };
    Table::new(data, nrows, ncols, order).expect("what is kept of each line")
}

fn sparse<T: Scalar>(table: &SparseTable<T>, along: bool, keep: &[bool]) -> SparseTable<T> {
    let lines = table.lines();
    let mut to = vec![None; keep.len()];
    for (new, old) in (0_u32..).zip((0..keep.len()).filter(|&old| keep[old])) {
        to[old] = Some(new);
    }
    let kept = to.iter().flatten().count();
    let chosen = || (0..lines.nrows()).filter(|&line| !along || keep[line]);
    let entries = |line| {
        lines.row(line).filter_map(|(at, x)| {
            let at = if along { Some(at as u32) } else { to[at] };
            at.map(|at| (at, x))
        })
    };
    let count = chosen().map(|line| entries(line).count()).sum();
    let (mut indices, mut values) = (Vec::with_capacity(count), Vec::with_capacity(count));
    let mut indptr = vec![0];
    for line in chosen() {
        for (at, x) in entries(line) {
            indices.push(at);
            values.push(x);
        }
        indptr.push(values.len());
    }
    let length = if along { lines.ncols() } else { kept };
    let height = indptr.len() - 1;
    let parts = "parts of a matrix are one";
    match table.order() {
        Order::RowMajor => {
            SparseTable::by_rows(Csr::new(height, length, indptr, indices, values).expect(parts))
        }
        Order::ColMajor => {
            SparseTable::by_columns(Csc::new(length, height, indptr, indices, values).expect(parts))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every way to hold [[1, 0, 2], [0, 3, 0]], with one column or row left out.
    #[test]
    fn of_every_layout() {
        let (ip, ix, x) = (vec![0, 2, 3], vec![0_u32, 2, 1], vec![1.0, 2.0, 3.0]);
        let csr = Csr::new(2, 3, ip.clone(), ix.clone(), x.clone()).unwrap();
        let csc = Csc::new(2, 3, vec![0, 1, 2, 3], vec![0_u32, 1, 0], vec![1.0, 3.0, 2.0]).unwrap();
        let row_major = Table::new(vec![1.0, 0.0, 2.0, 0.0, 3.0, 0.0], 2, 3, Order::RowMajor).unwrap();
        let col_major = Table::new(vec![1.0, 0.0, 0.0, 3.0, 2.0, 0.0], 2, 3, Order::ColMajor).unwrap();
        let names = |names: &str| Some(names.split(' ').map(str::to_owned).collect());
        for table in [
            AnyTable::Sparse(SparseTable::by_rows(csr)),
            AnyTable::Sparse(SparseTable::by_columns(csc)),
            AnyTable::Dense(row_major),
            AnyTable::Dense(col_major),
        ] {
            for (edge, keep, want, rows, cols) in [
                (Edge::Columns, &[true, false, true][..], vec![vec![1.0, 2.0], vec![0.0; 2]], "a b", "x z"),
                (Edge::Columns, &[false, true, false], vec![vec![0.0], vec![3.0]], "a b", "y"),
                (Edge::Rows, &[false, true], vec![vec![0.0, 3.0, 0.0]], "b", "x y z"),
            ] {
                let mut table = table.clone();
                table.set_names(names("a b"), names("x y z"));
                let found = table.select(edge, keep);
                let at = |i, j| match &found {
                    AnyTable::Dense(table) => table.view().at(i, j),
                    AnyTable::OutOfCore(_) => unreachable!("it is in memory"),
                    AnyTable::Sparse(table) => match table.order() {
                        Order::RowMajor => table.lines().to_dense()[(i, j)],
                        Order::ColMajor => table.lines().to_dense()[(j, i)],
                    },
                };
                let entries: Vec<Vec<f64>> =
                    (0..found.nrows()).map(|i| (0..found.ncols()).map(|j| at(i, j)).collect()).collect();
                assert_eq!(entries, want);
                assert_eq!(found.row_names().unwrap().join(" "), rows);
                assert_eq!(found.col_names().unwrap().join(" "), cols);
            }
        }
    }
}
