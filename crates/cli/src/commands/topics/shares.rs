//! What W and H say of documents, topics and words, as shares that add up to 1.

use std::io::{self, Write};

use orthant::Dense;
use orthant_io::Scalar;
use orthant_text::{top_terms, top_topics};
use serde::Serialize;

use super::Common;

/// Topics of a document that are printed, and words of a topic that stand for it there.
const TOPICS_OF_A_DOCUMENT: usize = 3;
const WORDS_FOR_A_TOPIC: usize = 3;

/// Shares of topics in documents and of words in topics.
pub(super) struct Shares {
    /// m×k: what a topic has of all the words of a document, as the model has them.
    documents: Dense<f64>,
    /// k×n: what a word has of a topic.
    words: Dense<f64>,
    /// What a topic has of all documents together.
    topics: Vec<f64>,
}

/// A topic as `topics.json` has it.
#[derive(Serialize)]
pub(super) struct Topic<'a> {
    topic: usize,
    share: f64,
    words: Vec<Word<'a>>,
}

#[derive(Serialize)]
struct Word<'a> {
    word: &'a str,
    share: f64,
}

impl Shares {
    pub fn new<T: Scalar>(w: &Dense<T>, h: &Dense<T>) -> Self {
        let sums: Vec<f64> = (0..h.nrows()).map(|t| h.row(t).iter().map(|x| x.to_f64()).sum()).collect();
        let words = Dense::from_fn(h.nrows(), h.ncols(), |t, j| part(h[(t, j)].to_f64(), sums[t]));
        let weights = Dense::from_fn(w.nrows(), w.ncols(), |i, t| w[(i, t)].to_f64() * sums[t]);
        let sum = |i: usize| weights.row(i).iter().sum::<f64>();
        let of_documents: Vec<f64> = (0..w.nrows()).map(sum).collect();
        let documents = Dense::from_fn(w.nrows(), w.ncols(), |i, t| part(weights[(i, t)], of_documents[i]));
        let all: f64 = of_documents.iter().sum();
        let of_topic = |t: usize| (0..w.nrows()).map(|i| weights[(i, t)]).sum::<f64>();
        let topics = (0..w.ncols()).map(|t| part(of_topic(t), all)).collect();
        Self { documents, words, topics }
    }

    pub fn of_documents(&self) -> &Dense<f64> {
        &self.documents
    }

    pub fn of_words(&self) -> &Dense<f64> {
        &self.words
    }

    /// The topics, the largest first, with their heaviest words.
    pub fn topics<'a, S: AsRef<str>>(&self, words: usize, terms: &'a [S]) -> Vec<Topic<'a>> {
        let mut topics: Vec<_> = (0..self.topics.len()).collect();
        topics.sort_by(|&a, &b| self.topics[b].total_cmp(&self.topics[a]));
        let word = |(j, share): (usize, f64)| Word { word: terms[j].as_ref(), share };
        let of = |topic: usize| top_terms(self.words.row(topic), words).into_iter().map(word).collect();
        topics.into_iter().map(|topic| Topic { topic, share: self.topics[topic], words: of(topic) }).collect()
    }

    /// Prints the topics, and the documents after them.
    pub fn print<S: AsRef<str>>(
        &self,
        out: &mut dyn Write,
        common: &Common,
        terms: &[S],
        names: &[String],
    ) -> io::Result<()> {
        for Topic { topic, share, words } in self.topics(common.words, terms) {
            let words: Vec<String> = words.iter().map(|w| format!("{} {:.3}", w.word, w.share)).collect();
            writeln!(out, "topic {topic} ({:.1} %): {}", 100.0 * share, words.join(", "))?;
        }
        self.print_documents(out, common, terms, names)
    }

    /// Prints what the documents are about.
    pub fn print_documents<S: AsRef<str>>(
        &self,
        out: &mut dyn Write,
        common: &Common,
        terms: &[S],
        names: &[String],
    ) -> io::Result<()> {
        let label = |t: usize| -> String {
            let words = top_terms(self.words.row(t), WORDS_FOR_A_TOPIC);
            words.iter().map(|&(j, _)| terms[j].as_ref()).collect::<Vec<_>>().join(" ")
        };
        let labels: Vec<String> = (0..self.topics.len()).map(label).collect();
        for (i, name) in names.iter().enumerate().take(common.documents) {
            let topics = top_topics(self.documents.row(i), TOPICS_OF_A_DOCUMENT);
            let topics: Vec<String> =
                topics.iter().map(|&(t, share)| format!("topic {t} ({}) {share:.3}", labels[t])).collect();
            let topics = if topics.is_empty() { "no topic".to_owned() } else { topics.join(", ") };
            writeln!(out, "{name}: {topics}")?;
        }
        let more = names.len().saturating_sub(common.documents);
        if more > 0 && common.documents > 0 && !common.quiet {
            writeln!(out, "… and {more} documents more: --documents all, or documents.csv in --out")?;
        }
        Ok(())
    }
}

/// x of all; nothing of nothing.
fn part(x: f64, all: f64) -> f64 {
    if all > 0.0 { x / all } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_of_the_product() {
        let w = Dense::from_vec(vec![1.0, 1.0, 0.0, 0.0, 3.0, 0.0], 3, 2).unwrap();
        let h = Dense::from_vec(vec![1.0, 0.0, 1.0, 0.0, 6.0, 0.0], 2, 3).unwrap();
        let shares = Shares::new(&w, &h);
        // rows of WH add up to 8, 0 and 6
        assert_eq!(shares.documents.as_slice(), [0.25, 0.75, 0.0, 0.0, 1.0, 0.0]);
        assert_eq!(shares.words.as_slice(), [0.5, 0.0, 0.5, 0.0, 1.0, 0.0]);
        assert_eq!(shares.topics, [8.0 / 14.0, 6.0 / 14.0]);
        let topics = shares.topics(1, &["a", "b", "c"]);
        assert_eq!((topics[0].topic, topics[0].words[0].word), (0, "a"));
        assert_eq!((topics[1].topic, topics[1].words[0].word, topics[1].words[0].share), (1, "b", 1.0));
    }
}
