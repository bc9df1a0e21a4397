//! The commands that make a study again, from how it was begun and what it has become.

use orthant_io::Scalar;
use orthant_study::Ranks;

use crate::{Failure, repeat};

/// What no number of a study depends on, and what is said of each rank instead.
const APART: [&str; 13] = [
    "ranks",
    "replicates",
    "out",
    "threads",
    "shard",
    "explain",
    "quiet",
    "no_report",
    "known",
    "pick",
    "density_threshold",
    "cnmf_names",
    "format",
];

/// A command for the ranks of each number of fits, as they are typed where the data is. Nothing where it is not known how the study
/// was begun.
pub fn commands<T: Scalar>(ranks: &Ranks<T>) -> Result<Vec<String>, Failure> {
    let words = ranks.origin().and_then(|origin| origin["arguments"].as_array().cloned()).unwrap_or_default();
    let words: Vec<&str> = words.iter().filter_map(serde_json::Value::as_str).collect();
    let begun =
        ["study", "programs", "signatures"].iter().find_map(|name| repeat::command(name, &words, &APART));
    let Some(begun) = begun else { return Ok(Vec::new()) };
    let mut groups: Vec<(usize, Vec<usize>)> = Vec::new();
    for (rank, fits) in ranks.replicates()? {
        match groups.iter_mut().find(|(of, _)| *of == fits) {
            Some((_, ranks)) => ranks.push(rank),
            None => groups.push((fits, vec![rank])),
        }
    }
    Ok(groups.iter().map(|(fits, ranks)| format!("{begun} -k {} -n {fits} -o study", list(ranks))).collect())
}

/// Ranks as `-k` takes them: `2..5,8`.
fn list(ranks: &[usize]) -> String {
    let mut parts: Vec<(usize, usize)> = Vec::new();
    for &k in ranks {
        match parts.last_mut() {
            Some((_, last)) if *last + 1 == k => *last = k,
            _ => parts.push((k, k)),
        }
    }
    let text = |&(first, last): &(usize, usize)| {
        if first == last { first.to_string() } else { format!("{first}..{last}") }
    };
    parts.iter().map(text).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_typed_without_what_changes_nothing() {
        let of = |line: &str| repeat::command("study", &line.split(' ').collect::<Vec<_>>(), &APART);
        assert_eq!(
            of("study /home/me/cells.npz -k2..9 --loss=kl -n 5 -o /tmp/study --threads 2 --quiet --seed 3"),
            of("study /data/cells.npz --seed 3 --loss kl --shard 1/2 -o x --no-report")
        );
        let text = of("study my.csv --transpose --loss kl").unwrap();
        assert!(text.starts_with("orthant study my.csv --"), "{text}");
        assert!(text.contains(" --transpose") && text.contains(" --loss kl"), "{text}");
        assert_eq!(of("fit my.csv -k 2"), None);
        assert_eq!(of("study my.csv --nonsense"), None);
        assert_eq!(list(&[2, 3, 4, 7, 9, 10]), "2..4,7,9..10");
    }
}
