//! One matrix in the files that the command reads.
#![allow(dead_code, reason = "each test program uses its own part")]

use std::io::Write;

use orthant::Dense;
use rawzip::{CompressionMethod, ZipArchiveWriter};

/// A kind of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Rows one after another.
    Npy,
    /// Columns one after another.
    Fortran,
    /// Single precision.
    Single,
    Csv,
    Market,
    /// scipy's, by rows.
    Csr,
    /// By columns.
    Csc,
}

pub const KINDS: [Kind; 7] =
    [Kind::Npy, Kind::Fortran, Kind::Single, Kind::Csv, Kind::Market, Kind::Csr, Kind::Csc];

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Npy => "v.npy",
            Self::Fortran => "fortran.npy",
            Self::Single => "single.npy",
            Self::Csv => "v.csv",
            Self::Market => "v.mtx",
            Self::Csr => "rows.npz",
            Self::Csc => "columns.npz",
        }
    }

    pub fn write(self, v: &Dense<f64>) -> Vec<u8> {
        let (m, n) = (v.nrows(), v.ncols());
        match self {
            Self::Npy => npy("<f8", false, &[m, n], &doubles(v.as_slice())),
            Self::Fortran => npy("<f8", true, &[m, n], &doubles(v.transposed().as_slice())),
            Self::Single => {
                let bytes = v.as_slice().iter().flat_map(|&x| (x as f32).to_le_bytes());
                npy("<f4", false, &[m, n], &bytes.collect::<Vec<_>>())
            }
            Self::Csv => {
                let row = |i| v.row(i).iter().map(|x| format!("{x:e}")).collect::<Vec<_>>().join(",");
                (0..m).map(|i| row(i) + "\n").collect::<String>().into_bytes()
            }
            Self::Market => {
                let all = (0..m).flat_map(|i| (0..n).map(move |j| (i, j, v[(i, j)])));
                let lines: Vec<String> = all
                    .filter(|e| e.2.to_bits() != 0)
                    .map(|(i, j, x)| format!("{} {} {x:e}\n", i + 1, j + 1))
                    .collect();
                let count = lines.len();
                let head = format!("%%MatrixMarket matrix coordinate real general\n{m} {n} {count}\n");
                (head + &lines.concat()).into_bytes()
            }
            Self::Csr | Self::Csc => {
                let lines = if self == Self::Csc { v.transposed() } else { v.clone() };
                let (mut indptr, mut indices, mut values) = (vec![0], Vec::new(), Vec::new());
                for i in 0..lines.nrows() {
                    for (j, x) in lines.row(i).iter().enumerate().filter(|e| e.1.to_bits() != 0) {
                        indices.push(j as i64);
                        values.push(*x);
                    }
                    indptr.push(indices.len() as i64);
                }
                let format = if self == Self::Csc { "csc" } else { "csr" };
                npz(format, (m, n), &indptr, &indices, &array("<f8", &doubles(&values)))
            }
        }
    }
}

/// The same of integers.
pub fn integers(kind: Kind, rows: &[Vec<i64>]) -> Vec<u8> {
    let (m, n) = (rows.len(), rows[0].len());
    let by_columns = || (0..n).flat_map(|j| rows.iter().map(move |row| row[j])).collect::<Vec<_>>();
    match kind {
        Kind::Fortran => npy("<i8", true, &[m, n], &words(&by_columns())),
        // of the same bits as long as none is negative
        Kind::Single => npy("<u8", false, &[m, n], &words(&rows.concat())),
        Kind::Npy => npy("<i8", false, &[m, n], &words(&rows.concat())),
        Kind::Csv => {
            let line = |row: &Vec<i64>| row.iter().map(i64::to_string).collect::<Vec<_>>().join(",") + "\n";
            rows.iter().map(line).collect::<String>().into_bytes()
        }
        Kind::Market => {
            let all = (0..m).flat_map(|i| (0..n).map(move |j| (i, j)));
            let lines: Vec<String> =
                all.map(|(i, j)| format!("{} {} {}\n", i + 1, j + 1, rows[i][j])).collect();
            let head = format!("%%MatrixMarket matrix coordinate integer general\n{m} {n} {}\n", lines.len());
            (head + &lines.concat()).into_bytes()
        }
        Kind::Csr | Kind::Csc => {
            let (format, lines, length) = if kind == Kind::Csc { ("csc", n, m) } else { ("csr", m, n) };
            let values = if kind == Kind::Csc { by_columns() } else { rows.concat() };
            let indptr: Vec<i64> = (0..=lines).map(|line| (line * length) as i64).collect();
            let indices: Vec<i64> = (0..lines * length).map(|at| (at % length) as i64).collect();
            npz(format, (m, n), &indptr, &indices, &array("<i8", &words(&values)))
        }
    }
}

pub fn npy(descr: &str, fortran: bool, shape: &[usize], body: &[u8]) -> Vec<u8> {
    let order = if fortran { "True" } else { "False" };
    let shape: String = shape.iter().map(|n| format!("{n},")).collect();
    let header = format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': ({shape}), }}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.bytes());
    bytes.extend(body);
    bytes
}

/// Of one dimension and elements of eight bytes.
pub fn array(descr: &str, body: &[u8]) -> Vec<u8> {
    npy(descr, false, &[body.len() / 8], body)
}

pub fn words(x: &[i64]) -> Vec<u8> {
    x.iter().flat_map(|x| x.to_le_bytes()).collect()
}

pub fn doubles(x: &[f64]) -> Vec<u8> {
    x.iter().flat_map(|x| x.to_le_bytes()).collect()
}

/// An archive as `scipy.sparse.save_npz` writes it, of parts that are right or wrong.
pub fn npz(format: &str, shape: (usize, usize), indptr: &[i64], indices: &[i64], data: &[u8]) -> Vec<u8> {
    let mut zip = ZipArchiveWriter::new(Vec::new());
    let shape = words(&[shape.0 as i64, shape.1 as i64]);
    for (name, bytes) in [
        ("indices.npy", array("<i8", &words(indices))),
        ("indptr.npy", array("<i8", &words(indptr))),
        ("format.npy", npy("|S3", false, &[], format.as_bytes())),
        ("shape.npy", array("<i8", &shape)),
        ("data.npy", data.to_vec()),
    ] {
        let (mut entry, config) =
            zip.new_file(name).compression_method(CompressionMethod::STORE).start().unwrap();
        let mut out = config.wrap(&mut entry);
        out.write_all(&bytes).unwrap();
        let (_, descriptor) = out.finish().unwrap();
        entry.finish(descriptor).unwrap();
    }
    zip.finish().unwrap()
}
