//! Types of features: genes beside antibodies or peaks, in one matrix of 10x Genomics.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::{AnyTable, Edge, IoError, ReadOptions, Remark, Scalar};

/// The type of each feature, of which at most one is chosen.
pub(crate) struct FeatureTypes {
    each: Vec<String>,
    chosen: Option<String>,
    path: PathBuf,
}

impl FeatureTypes {
    /// Chooses the one that is asked for, which must be there.
    pub fn new(each: Vec<String>, options: &ReadOptions, path: &Path) -> Result<Self, IoError> {
        let found = Self { each, chosen: options.feature_type.clone(), path: path.to_owned() };
        if let Some(chosen) = found.chosen.clone().filter(|chosen| !found.each.contains(chosen)) {
            let available = found.counts().into_iter().map(|(name, _)| name).collect();
            return Err(IoError::NoFeatureType { path: found.path, feature_type: chosen, available });
        }
        Ok(found)
    }

    /// Refuses the choice of one where features have no types.
    pub fn none(options: &ReadOptions, path: &Path) -> Result<(), IoError> {
        match options.feature_type.clone() {
            None => Ok(()),
            Some(feature_type) => {
                Err(IoError::NoFeatureType { path: path.to_owned(), feature_type, available: vec![] })
            }
        }
    }

    /// The types in the order in which they come up, and how many features are of each.
    fn counts(&self) -> Vec<(String, usize)> {
        let mut places = HashMap::new();
        let mut counts: Vec<(String, usize)> = Vec::new();
        for name in &self.each {
            let at = *places.entry(name).or_insert(counts.len());
            if at == counts.len() {
                counts.push((name.clone(), 0));
            }
            counts[at].1 += 1;
        }
        counts
    }

    fn keeps(&self, name: &str) -> bool {
        self.chosen.as_deref().is_none_or(|chosen| chosen == name)
    }

    /// Features that are chosen.
    pub fn kept(&self) -> usize {
        self.each.iter().filter(|name| self.keeps(name)).count()
    }

    /// Leaves those of a table whose features lie along `edge`; where several types are left, the table gets a remark.
    pub fn choose<T: Scalar>(self, mut table: AnyTable<T>, edge: Edge) -> Result<AnyTable<T>, IoError> {
        if self.chosen.is_some() {
            let keep: Vec<bool> = self.each.iter().map(|name| self.keeps(name)).collect();
            return Ok(table.select(edge, &keep));
        }
        let counts = self.counts();
        if counts.len() > 1 {
            table.remark([Remark::FeatureTypes { counts }]);
        }
        Ok(table)
    }
}
