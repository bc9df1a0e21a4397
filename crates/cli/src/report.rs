//! `--report`: the page of a fit.

use std::path::{Path, PathBuf};

use orthant_io::{Scalar, Staged};
use orthant_report::{AboutFit, Known, Pictures, Report, Subject};

use crate::pictured::Pictured;
use crate::results::{PAGE, Results};
use crate::{Failure, repeat};

/// What nothing of a fit depends on, by the names of the arguments' fields.
const APART: [&str; 16] = [
    "out",
    "write_obsm",
    "format",
    "print",
    "json",
    "explain",
    "top",
    "quiet",
    "threads",
    "checkpoint",
    "every",
    "resume",
    "report",
    "words",
    "documents",
    "ldavis",
];

/// The names of documents that are under folders given by their places on a machine: from the last folder on.
pub fn without_places(names: &[String], paths: &[PathBuf]) -> Vec<String> {
    let places: Vec<&Path> =
        paths.iter().filter(|path| path.is_absolute()).filter_map(|path| path.parent()).collect();
    let short = |name: &String| {
        let inside = places.iter().find_map(|place| Path::new(name).strip_prefix(place).ok()?.to_str());
        inside.unwrap_or(name).to_owned()
    };
    names.iter().map(short).collect()
}

/// What a page says besides what results have.
#[derive(Default)]
pub struct Beside<'a> {
    /// The name of the data.
    pub data: String,
    pub subject: Subject,
    pub pictured: Option<Pictured>,
    /// What was known of each component.
    pub known: Vec<Known>,
    /// The names of the rows where they are others than in the results.
    pub samples: Option<Vec<String>>,
    /// The texts of the rows.
    pub texts: Option<Vec<&'a str>>,
}

/// Stages the page beside the other results.
pub fn stage<T: Scalar>(
    staged: &mut Staged,
    results: &Results<'_, T>,
    beside: &Beside<'_>,
) -> Result<(), Failure> {
    let name = match beside.subject {
        Subject::Components => "fit",
        Subject::Topics => "topics",
    };
    let words = repeat::arguments().unwrap_or_default();
    let command = repeat::command(name, &words, &APART).map(|command| command + " -o out --report");
    let fingerprint = results.input()?;
    let pictures = beside.pictured.map(|Pictured { rows, columns, channels, in_each_row }| Pictures {
        rows,
        columns,
        channels,
        in_each_row,
    });
    let about = AboutFit {
        subject: beside.subject,
        features: results.table.col_names(),
        samples: beside.samples.as_deref().or(results.table.row_names()),
        texts: beside.texts.as_deref(),
        pictures,
        known: &beside.known,
        fingerprint: Some(&fingerprint.xxh3_128),
        commands: command.as_slice(),
        ..AboutFit::new(&beside.data, results.options)
    };
    let page = Report::of_fit(&results.fitted.fit, &about);
    Ok(staged.file(PAGE, |out| out.write_all(page.html().as_bytes()))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_not_called_by_places_on_a_machine() {
        let names =
            ["/home/me/texts/a/b.txt:3", "/home/me/other.csv:1", "here/c.txt", "7"].map(str::to_owned);
        let paths = ["/home/me/texts", "here"].map(PathBuf::from);
        let short = without_places(&names, &paths);
        assert_eq!(short, ["texts/a/b.txt:3", "other.csv:1", "here/c.txt", "7"]);
    }
}
