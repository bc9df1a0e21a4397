//! The arguments of `pyLDAvis.prepare`, which draws topics on a page to look around in.

use std::path::Path;

use orthant_io::Staged;
use orthant_text::{Corpus, Fitted as Words};
use serde::Serialize;

use super::shares::Shares;
use crate::{Failure, inputs, say};

/// They have the names that the function has for them.
#[derive(Serialize)]
struct Arguments<'a> {
    /// A row for each topic: what each word has of it.
    topic_term_dists: Vec<&'a [f64]>,
    /// A row for each document: what each topic has of it.
    doc_topic_dists: Vec<Vec<f64>>,
    /// The words of each document that count.
    doc_lengths: Vec<u64>,
    vocab: &'a [String],
    /// How often each word is in all documents.
    term_frequency: Vec<u64>,
}

/// Writes them to a file. Documents in no topic, and topics without words, have no shares that add up to 1, which the function
/// asks for: they are left out, and that is said.
pub(super) fn write(
    path: &Path,
    shares: &Shares,
    corpus: &Corpus,
    words: &Words,
    vocab: &[String],
) -> Result<(), Failure> {
    let counts = words.counts::<f64, _>(&corpus.documents).matrix;
    let mut term_frequency = vec![0; vocab.len()];
    let mut lengths = vec![0; corpus.documents.len()];
    for (i, length) in lengths.iter_mut().enumerate() {
        for (j, count) in counts.row(i) {
            *length += count as u64;
            term_frequency[j] += count as u64;
        }
    }
    let (documents, words) = (shares.of_documents(), shares.of_words());
    let some = |row: &[f64]| row.iter().any(|share| *share > 0.0);
    let topics: Vec<usize> = (0..words.nrows()).filter(|&t| some(words.row(t))).collect();
    let of_topics = |i: usize| topics.iter().map(|&t| documents.row(i)[t]).collect::<Vec<_>>();
    let in_some: Vec<usize> = (0..documents.nrows()).filter(|&i| some(&of_topics(i))).collect();
    for (what, left, all) in [
        ("documents in no topic", in_some.len(), documents.nrows()),
        ("topics without words", topics.len(), words.nrows()),
    ] {
        if left < all {
            let count = all - left;
            say::warning(format_args!("{}: {count} of {all} left out: {what}", path.display()));
        }
    }
    let arguments = Arguments {
        topic_term_dists: topics.iter().map(|&t| words.row(t)).collect(),
        doc_topic_dists: in_some.iter().map(|&i| of_topics(i)).collect(),
        doc_lengths: in_some.iter().map(|&i| lengths[i]).collect(),
        vocab,
        term_frequency,
    };
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let mut staged = Staged::in_dir(inputs::folder(path))?;
    staged.file(name, |out| Ok(serde_json::to_writer(out, &arguments)?))?;
    staged.commit()?;
    Ok(())
}

/// Refuses a path that does not name a file.
pub(super) fn check(path: &Path) -> Result<(), Failure> {
    if path.file_name().is_some_and(|name| name.to_str().is_some()) && !path.is_dir() {
        return Ok(());
    }
    Err(Failure::Usage(format!(
        "--ldavis {}: the name of a file is needed, such as topics-ldavis.json",
        path.display()
    )))
}
