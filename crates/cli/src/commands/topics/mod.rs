//! `orthant topics`: texts in, their topics out.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::path::Path;

use orthant::{Options, StopReason, Transform};
use orthant_io::{AnySavedModel, AnyTable, Names, SavedModel, Scalar, SparseTable, Staged, write_to};
use orthant_report::Subject;
use orthant_text::{Corpus, DocumentTerms, Fitted as Words, TextError, Weighting};

use crate::failure::in_data;
use crate::fitting::{Besides, Fitting};
use crate::interrupt::Interrupt;
use crate::print::{self, Beside};
use crate::ranks::Ranks;
use crate::results::{DOCUMENTS, PAGE, Results, TOPICS, factor_file};
use crate::{Failure, inputs, repeat, report, results, say};

pub use args::TopicsArgs;
use args::{Common, Learn, Task};
use shares::Shares;

mod args;
mod ldavis;
mod shares;

/// What the words are called among a model's attachments.
pub const WORDS: &str = "text";

/// Runs the command.
pub fn run(args: &TopicsArgs) -> Result<(), Failure> {
    let (common, task) = args.task()?;
    if let Some(threads) = common.threads {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global();
        pool.map_err(|e| Failure::Run(format!("cannot start {threads} threads: {e}")))?;
    }
    match task {
        Task::Learn(learn) if learn.double => find::<f64>(&common, &learn),
        Task::Learn(learn) => find::<f32>(&common, &learn),
        Task::Assign(model) => match AnySavedModel::load(results::model_path(&model))? {
            AnySavedModel::F32(saved) => assign(&common, &model, &saved),
            AnySavedModel::F64(saved) => assign(&common, &model, &saved),
        },
    }
}

/// Finds topics.
fn find<T: Scalar>(common: &Common, learn: &Learn) -> Result<(), Failure> {
    let interrupt = Interrupt::listen()?;
    let mut inputs = Corpus::files(&common.paths, &common.read)?;
    inputs.extend(learn.stop_words.clone());
    if let Some(dir) = &common.out {
        let more: Vec<&str> = [TOPICS, DOCUMENTS].into_iter().chain(learn.report.then_some(PAGE)).collect();
        results::keep_inputs(&inputs, dir, &common.formats, &more)?;
    }
    if let Some(file) = &learn.ldavis {
        ldavis::check(file)?;
        inputs::keep(&inputs, [file])?;
        results::keep(&[file], Path::new(""))?;
    }
    let kept = learn.checkpoint.open(&inputs)?;
    let staged = common.out.as_ref().map(Staged::in_dir).transpose()?;
    let mut beside = Beside::results(staged.is_some() || learn.ldavis.is_some());
    let corpus = read(common)?;
    let (words, weights) =
        learn.vectorizer.fit_transform::<T, _>(&corpus.documents).map_err(|e| alone(e, &corpus))?;
    warn_of_empty(&weights.empty, &corpus, "is left of its words");
    let (names, table) = named(&corpus, weights, &words);
    let options = &Options { threads: common.threads, ..learn.options.clone() };
    let alone = Ranks::default();
    let fitting = Fitting { options, quiet: common.quiet, kept: kept.as_ref(), ranks: &alone };
    let input = common.paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ");
    if !common.quiet {
        let what = if words.weighting() == Weighting::counts() { "counts" } else { "tf-idf" };
        let line = fitting.describe(&table, &Besides::nothing())?;
        beside.print(|out| writeln!(out, "{input}: {what} of documents × words, {line}"))?;
    }
    let failed = |e| {
        let of_checkpoint = kept.as_ref().and_then(|kept| kept.failure(&e));
        of_checkpoint.unwrap_or_else(|| in_data(e, &table, &input))
    };
    let fitted = fitting.run(&table, None, &Besides::nothing(), &interrupt).map_err(failed)?;
    let fit = &fitted.fit;
    for warning in &fit.report.warnings {
        say::warning(warning);
    }
    let shares = Shares::new(&fit.w, fit.model.components());
    let terms = words.vocabulary().terms();
    let formats = common.formats.of(true);
    if let Some(staged) = staged {
        let mut staged = staged.cancelled_by(interrupt.stop().clone());
        interrupt.saving();
        let attachment =
            serde_json::to_string(&words).map_err(|e| Failure::Run(format!("the words: {e}")))?;
        let (component, formats) = ("topic", &formats[..]);
        let results = Results {
            file: input,
            options,
            table: &table,
            fitted: &fitted,
            component,
            formats,
            fingerprint: OnceCell::new(),
        };
        results
            .stage(&mut staged, BTreeMap::from([(WORDS.to_owned(), attachment)]))
            .and_then(|_| Ok(staged.json(TOPICS, &shares.topics(common.words, terms))?))
            .and_then(|()| stage_documents(&mut staged, &shares, &names))
            .and_then(|()| match learn.report {
                true => stage_page(&mut staged, common, &results, &corpus),
                false => Ok(()),
            })
            .map_err(|e| interrupt.failure(e))?;
        staged.commit()?;
    }
    if let Some(file) = &learn.ldavis {
        ldavis::write(file, &shares, &corpus, &words, table.col_names().unwrap_or_default())?;
    }
    if !common.quiet {
        beside.print(|out| writeln!(out, "{}", fitted.outcome()))?;
    }
    beside.print(|out| shares.print(out, common, terms, &names))?;
    if let (Some(dir), false) = (&common.out, common.quiet) {
        let best =
            if fit.report.stop_reason == StopReason::Interrupted { "best so far saved" } else { "saved" };
        let of = |format| format!("{}, {}", factor_file("W", format), factor_file("H", format));
        let factors = formats.into_iter().map(of).collect::<Vec<_>>().join(", ");
        let dir = dir.display();
        let page = if learn.report { ", report.html" } else { "" };
        beside.print(|out| {
            writeln!(
                out,
                "{best} in {dir}: topics.json, documents.csv, {factors}, report.json, model.safetensors{page}"
            )
        })?;
    }
    if let (Some(file), false) = (&learn.ldavis, common.quiet) {
        beside.print(|out| writeln!(out, "saved for pyLDAvis.prepare in {}", file.display()))?;
    }
    beside.end()
}

/// Finds the topics of a model in other documents.
fn assign<T: Scalar>(common: &Common, model: &Path, saved: &SavedModel<T>) -> Result<(), Failure> {
    let wrong = |what: String| Failure::Run(format!("{}: {what}", results::model_path(model).display()));
    let words = saved.attachments.get(WORDS).ok_or_else(|| {
        wrong(
            "a model of numbers, not of texts: it was not made by `orthant topics`, and has no words".into(),
        )
    })?;
    let words: Words = serde_json::from_str(words).map_err(|e| wrong(format!("its words: {e}")))?;
    let (found, expected) = (words.vocabulary().len(), saved.model.n_features());
    if found != expected {
        return Err(wrong(format!("{found} words for {expected} features")));
    }
    // shares have the names, in documents.csv
    let formats = common.formats.of(false);
    let files: Vec<String> = formats.iter().map(|format| factor_file("W", *format)).collect();
    if let Some(dir) = &common.out {
        let mut read = Corpus::files(&common.paths, &common.read)?;
        read.push(results::model_path(model));
        let outputs: Vec<_> =
            files.iter().map(String::as_str).chain([DOCUMENTS]).map(|name| dir.join(name)).collect();
        inputs::keep(&read, &outputs)?;
        results::keep(&outputs, &results::model_path(model))?;
    }
    let staged = common.out.as_ref().map(Staged::in_dir).transpose()?;
    let corpus = read(common)?;
    let weights = words.tfidf::<T, _>(&corpus.documents);
    warn_of_empty(&weights.empty, &corpus, "of its words is known to the model");
    let (names, table) = named(&corpus, weights, &words);
    let transform = Transform { threads: common.threads, ..Transform::default() };
    let input = common.paths[0].display().to_string();
    let (w, report) =
        saved.model.transform_with(&table, &transform).map_err(|e| in_data(e, &table, &input))?;
    if report.unconverged_rows > 0 {
        let (some, all) = (report.unconverged_rows, w.nrows());
        say::warning(format_args!("{some} of {all} documents could not be brought to the tolerance"));
    }
    let shares = Shares::new(&w, saved.model.components());
    if let Some(mut staged) = staged {
        let topics = results::component_names("topic", w.ncols());
        let names_of_w = Names { rows: Some(&names), cols: Some(&topics) };
        for (name, format) in files.iter().zip(formats) {
            staged.file(name, |out| write_to(out, format, w.view(), names_of_w).map(drop))?;
        }
        stage_documents(&mut staged, &shares, &names)?;
        staged.commit()?;
    }
    print::now(|out| {
        shares.print_documents(out, common, words.vocabulary().terms(), &names)?;
        match (&common.out, common.quiet) {
            (Some(dir), false) => {
                writeln!(out, "saved in {}: documents.csv, {}", dir.display(), files.join(", "))
            }
            _ => Ok(()),
        }
    })
}

fn read(common: &Common) -> Result<Corpus, Failure> {
    let corpus = Corpus::read(&common.paths, &common.read)?;
    if let Some(first) = corpus.skipped.first() {
        let count = corpus.skipped.len();
        say::warning(format_args!(
            "{count} files in folders are no text and are left out; the first: {}",
            first.reason
        ));
    }
    let share = orthant_text::unsegmented(&corpus.documents);
    if share > 0.5 {
        say::warning(format_args!(
            "{:.0} % of the letters are in runs of Chinese, Japanese, Thai or the like that no blank breaks: each run is taken \
             for one word; put blanks between the words with a segmenter for the language first",
            100.0 * share
        ));
    }
    Ok(corpus)
}

/// What to do about limits that one document by itself cannot satisfy.
fn alone(error: TextError, corpus: &Corpus) -> Failure {
    match (&error, &corpus.documents[..]) {
        (TextError::Limits { .. } | TextError::NothingLeft { .. }, [document]) => Failure::Usage(format!(
            "{} is one document, and topics are what sets many apart: give more files, or --lines where each line is a \
             document",
            document.name
        )),
        _ => error.into(),
    }
}

/// Says which documents have no words that count.
fn warn_of_empty(empty: &[usize], corpus: &Corpus, why: &str) {
    if let Some(&first) = empty.first() {
        let (count, all, name) = (empty.len(), corpus.documents.len(), &corpus.documents[first].name);
        say::warning(format_args!(
            "{count} of {all} documents are in no topic, as none {why}; the first is {name}"
        ));
    }
}

/// The documents' names, and their words as a table.
fn named<T: Scalar>(corpus: &Corpus, weights: DocumentTerms<T>, words: &Words) -> (Vec<String>, AnyTable<T>) {
    let names: Vec<String> = corpus.documents.iter().map(|document| document.name.clone()).collect();
    let terms = words.vocabulary().terms().iter().map(ToString::to_string).collect();
    let table = SparseTable::by_rows(weights.matrix).named(Some(names.clone()), Some(terms));
    (names, AnyTable::Sparse(table))
}

/// The page of topics.
fn stage_page<T: Scalar>(
    staged: &mut Staged,
    common: &Common,
    results: &Results<'_, T>,
    corpus: &Corpus,
) -> Result<(), Failure> {
    let first = repeat::data(&common.paths[0]);
    let data = match common.paths.len() {
        1 => first,
        paths => format!("{first} and {} more", paths - 1),
    };
    let texts = Some(corpus.documents.iter().map(|document| document.text.as_str()).collect());
    let samples = results.table.row_names().map(|names| report::without_places(names, &common.paths));
    let beside =
        report::Beside { data, subject: Subject::Topics, samples, texts, ..report::Beside::default() };
    report::stage(staged, results, &beside)
}

/// `documents.csv`: the share of each topic in each document.
fn stage_documents(staged: &mut Staged, shares: &Shares, names: &[String]) -> Result<(), Failure> {
    let topics = results::component_names("topic", shares.of_documents().ncols());
    let names = Names { rows: Some(names), cols: Some(&topics) };
    Ok(staged.csv(DOCUMENTS, shares.of_documents().view(), names)?)
}
