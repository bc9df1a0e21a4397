//! The commands that make a study again, from how it was begun and what it has become.

use std::path::Path;

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, CommandFactory};
use orthant_io::Scalar;
use orthant_study::Ranks;

use crate::Failure;
use crate::args::Cli;

/// What no number of a study depends on, and what is said of each rank instead.
const APART: [&str; 8] = ["ranks", "replicates", "out", "threads", "shard", "explain", "quiet", "no_report"];

/// A command for the ranks of each number of fits, as they are typed where the data is. Nothing where it is not known how the study
/// was begun.
pub fn commands<T: Scalar>(ranks: &Ranks<T>) -> Result<Vec<String>, Failure> {
    let words = ranks.origin().and_then(|origin| origin["arguments"].as_array().cloned()).unwrap_or_default();
    let words: Vec<&str> = words.iter().filter_map(serde_json::Value::as_str).collect();
    let Some(begun) = begun(&words) else { return Ok(Vec::new()) };
    let mut groups: Vec<(usize, Vec<usize>)> = Vec::new();
    for (rank, fits) in ranks.replicates()? {
        match groups.iter_mut().find(|(of, _)| *of == fits) {
            Some((_, ranks)) => ranks.push(rank),
            None => groups.push((fits, vec![rank])),
        }
    }
    Ok(groups.iter().map(|(fits, ranks)| format!("{begun} -k {} -n {fits} -o study", list(ranks))).collect())
}

/// The command without what stands apart: options in the order of the help, and files without the folders they are in.
fn begun(words: &[&str]) -> Option<String> {
    let command = Cli::command();
    let matches =
        command.clone().try_get_matches_from(std::iter::once("orthant").chain(words.iter().copied())).ok()?;
    let ("study", matches) = matches.subcommand()? else { return None };
    let mut text = "orthant study".to_owned();
    let arguments = command.find_subcommand("study")?.get_arguments();
    let (options, data): (Vec<&Arg>, Vec<&Arg>) =
        arguments.filter(|arg| is_said(matches, arg)).partition(|arg| arg.get_long().is_some());
    for arg in data.into_iter().chain(options) {
        let name = arg.get_long().map(|name| format!("--{name}"));
        if !arg.get_action().takes_values() {
            text += &format!(" {}", name?);
            continue;
        }
        for values in matches.get_raw_occurrences(arg.get_id().as_str())? {
            name.iter().for_each(|name| text += &format!(" {name}"));
            for value in values {
                text += &format!(" {}", quoted(without_folder(value.to_str()?)));
            }
        }
    }
    Some(text)
}

fn is_said(matches: &ArgMatches, arg: &Arg) -> bool {
    let id = arg.get_id().as_str();
    !APART.contains(&id) && matches.value_source(id) == Some(ValueSource::CommandLine)
}

/// The name of a file that is given by its place on a machine; any other value as it is.
fn without_folder(value: &str) -> &str {
    let path = Path::new(value);
    match path.file_name().and_then(|name| name.to_str()) {
        Some(name) if path.is_absolute() => name,
        _ => value,
    }
}

/// As a shell takes it for one word.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./,:=+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
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
        let of = |line: &str| begun(&line.split(' ').collect::<Vec<_>>());
        assert_eq!(
            of("study /home/me/cells.npz -k2..9 --loss=kl -n 5 -o /tmp/study --threads 2 --quiet --seed 3"),
            of("study /data/cells.npz --seed 3 --loss kl --shard 1/2 -o x --no-report")
        );
        let text = of("study my.csv --transpose --loss kl").unwrap();
        assert!(text.starts_with("orthant study my.csv --"), "{text}");
        assert!(text.contains(" --transpose") && text.contains(" --loss kl"), "{text}");
        assert_eq!(of("fit my.csv -k 2"), None);
        assert_eq!(of("study my.csv --nonsense"), None);
        assert_eq!([quoted("a.csv"), quoted("it's"), quoted("")], ["a.csv", "'it'\\''s'", "''"]);
        assert_eq!(list(&[2, 3, 4, 7, 9, 10]), "2..4,7,9..10");
    }
}
