//! The command line without what changes nothing of the results: how to repeat them.

use std::ffi::OsString;
use std::path::Path;

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, CommandFactory};

use crate::args::Cli;

/// The arguments of this process, if they are text.
pub fn arguments() -> Option<Vec<String>> {
    let text = |text: OsString| text.into_string().ok();
    std::env::args_os().skip(1).map(text).collect()
}

/// A command of this name without some of its arguments: data first, then options in the order of the help, and files without the
/// folders that they are in. None where these are not its arguments.
pub fn command<S: AsRef<str>>(name: &str, words: &[S], apart: &[&str]) -> Option<String> {
    let cli = Cli::command();
    let words = std::iter::once("orthant").chain(words.iter().map(AsRef::as_ref));
    let matches = cli.clone().try_get_matches_from(words).ok()?;
    let (found, matches) = matches.subcommand()?;
    let arguments = cli.find_subcommand(name).filter(|_| found == name)?.get_arguments();
    let (options, data): (Vec<&Arg>, Vec<&Arg>) = arguments
        .filter(|arg| !apart.contains(&arg.get_id().as_str()) && is_said(matches, arg))
        .partition(|arg| arg.get_long().is_some());
    let mut text = format!("orthant {name}");
    for arg in data.into_iter().chain(options) {
        let name = arg.get_short().map(|name| format!("-{name}"));
        let name = name.or_else(|| arg.get_long().map(|name| format!("--{name}")));
        if !arg.get_action().takes_values() {
            text += &format!(" {}", name?);
            continue;
        }
        for values in matches.get_raw_occurrences(arg.get_id().as_str())? {
            name.iter().for_each(|name| text += &format!(" {name}"));
            let values = values.map(|value| value.to_str().map(|value| quoted(without_folder(value))));
            let values: Vec<String> = values.collect::<Option<_>>()?;
            text += &format!(" {}", values.join(&arg.get_value_delimiter().unwrap_or(' ').to_string()));
        }
    }
    Some(text)
}

fn is_said(matches: &ArgMatches, arg: &Arg) -> bool {
    matches.value_source(arg.get_id().as_str()) == Some(ValueSource::CommandLine)
}

/// The name of a file that is given by its place on a machine; any other value as it is.
fn without_folder(value: &str) -> &str {
    let path = Path::new(value);
    match path.file_name().and_then(|name| name.to_str()) {
        Some(name) if path.is_absolute() => name,
        _ => value,
    }
}

/// What data that is given by a path is called: by the name of its file.
pub fn data(path: &Path) -> String {
    match path.file_name() {
        Some(name) if name == "-" => "standard input".to_owned(),
        Some(name) => name.to_string_lossy().into_owned(),
        None => path.display().to_string(),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_typed_without_what_changes_nothing() {
        let of =
            |name: &str, line: &str| command(name, &line.split(' ').collect::<Vec<_>>(), &["out", "quiet"]);
        assert_eq!(
            of("fit", "fit /home/me/it's.csv --seed=3 -o /tmp/x --loss kl -k5 -q").as_deref(),
            Some("orthant fit 'it'\\''s.csv' -k 5 --loss kl --seed 3")
        );
        assert_eq!(
            of("topics", "topics a.txt b/ -k 3 --stop-words en --stop-words de --extension md,txt")
                .as_deref(),
            Some("orthant topics a.txt b/ --extension md,txt -k 3 --stop-words en --stop-words de")
        );
        assert_eq!(of("fit", "study my.csv"), None);
        assert_eq!(of("fit", "fit my.csv --nonsense"), None);
        assert_eq!([quoted("a.csv"), quoted("it's"), quoted("")], ["a.csv", "'it'\\''s'", "''"]);
        assert_eq!(data(Path::new("/home/me/a.csv")), "a.csv");
        assert_eq!(data(Path::new("-")), "standard input");
    }
}
