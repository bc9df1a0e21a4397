//! Columns that are left out.

use std::path::Path;

use crate::{IoError, ReadOptions};

/// The fields of a line that are read: all but those in `drop`, by the names in the first line or by number from 1.
pub(super) fn kept(
    first: &[String],
    width: usize,
    drop: &[String],
    path: &Path,
) -> Result<Vec<usize>, IoError> {
    let shift = width - first.len();
    let mut dropped = vec![false; width];
    for wanted in drop {
        let mut found = false;
        for (i, name) in first.iter().enumerate() {
            if name.trim() == wanted.trim() {
                (dropped[i + shift], found) = (true, true);
            }
        }
        let number = wanted.trim().parse::<usize>().ok().filter(|n| (1..=width).contains(n));
        match number {
            Some(number) if !found => dropped[number - 1] = true,
            None if !found => {
                let available = first.iter().map(|name| name.trim().to_owned()).collect();
                return Err(IoError::NoColumn {
                    path: path.to_owned(),
                    column: wanted.clone(),
                    available,
                    width,
                });
            }
            _ => {}
        }
    }
    Ok((0..width).filter(|&i| !dropped[i]).collect())
}

/// Of an empty table no column can be left out.
pub(super) fn none_dropped(options: &ReadOptions, path: &Path) -> Result<(), IoError> {
    kept(&[], 0, &options.drop, path).map(drop)
}
