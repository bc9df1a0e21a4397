//! `orthant topics` on a corpus with three topics that nobody could mistake.

mod common;

use std::path::Path;

use common::{Ran, dir, file, listing, orthant, run};
use orthant_io::{ReadOptions, read_matrix};
use serde_json::Value;

const SUBJECTS: [(&str, [&str; 4]); 3] = [
    ("garden", ["tomato", "compost", "seedling", "greenhouse"]),
    ("sea", ["harbour", "anchor", "lighthouse", "captain"]),
    ("music", ["violin", "orchestra", "conductor", "rehearsal"]),
];

/// The words of a document about one subject, or two; every document's number makes it another.
fn text(subjects: &[usize], i: usize) -> String {
    let mut text = String::from("The ");
    for &s in subjects {
        for (n, word) in SUBJECTS[s].1.iter().enumerate() {
            for _ in 0..1 + (i + n) % 3 {
                text += &format!("{word} and the ");
            }
        }
    }
    text + "end.\n"
}

/// Five documents about each subject in a folder.
fn folder(dir: &Path) {
    for (s, (name, _)) in SUBJECTS.iter().enumerate() {
        std::fs::create_dir_all(dir.join("docs").join(name)).unwrap();
        for i in 0..5 {
            file(dir, &format!("docs/{name}/{i}.txt"), text(&[s], i));
        }
    }
}

/// Which topic has the subject's words first, and that it has no others there.
fn topic_of(topics: &Value, subject: usize) -> u64 {
    let (name, words) = SUBJECTS[subject];
    let about = |topic: &&Value| {
        let first = topic["words"].as_array().unwrap().iter().take(4);
        let first: Vec<&str> = first.map(|w| w["word"].as_str().unwrap()).collect();
        words.iter().all(|word| first.contains(word))
    };
    let found = topics.as_array().unwrap().iter().find(about);
    found.unwrap_or_else(|| panic!("no topic is {name}: {topics}"))["topic"].as_u64().unwrap()
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn a_folder_is_taken_apart_and_new_documents_are_assigned() {
    let d = dir();
    folder(d.path());
    for (options, out) in [("", "out"), ("--loss kl", "kl"), ("--f64 --threads 2", "double")] {
        let ran = run(d.path(), &format!("topics docs -k 3 {options} -o {out}")).ends(0);
        assert!(ran.out.starts_with("docs: "), "{}", ran.out);
        assert!(ran.out.contains("15×12"), "the, and, end are stop words: {}", ran.out);
        let topic_lines = ran.out.lines().filter(|line| line.starts_with("topic "));
        assert_eq!(topic_lines.count(), 3, "{}", ran.out);
        let out = d.path().join(out);
        assert_eq!(
            listing(&out),
            [
                "H.csv",
                "H.npy",
                "W.csv",
                "W.npy",
                "documents.csv",
                "model.safetensors",
                "report.json",
                "topics.json"
            ]
        );
        let topics = json(&out.join("topics.json"));
        let shares: f64 = topics.as_array().unwrap().iter().map(|t| t["share"].as_f64().unwrap()).sum();
        assert!((shares - 1.0).abs() < 1e-6, "{shares}");
        let documents = read_matrix::<f64>(out.join("documents.csv"), &ReadOptions::default()).unwrap();
        assert_eq!(documents.nrows(), 15);
        for (s, (name, _)) in SUBJECTS.iter().enumerate() {
            let topic = topic_of(&topics, s) as usize;
            for (i, row) in documents.row_names().unwrap().iter().enumerate() {
                let share = documents.view().at(i, topic);
                assert_eq!(share > 0.9, row.contains(name), "{row}: {share} of {name}");
            }
        }

        // half a letter about the sea, half about music
        file(d.path(), "new.txt", text(&[1, 2], 1));
        file(d.path(), "none.txt", "unheard of\n");
        let model = out.file_name().unwrap().to_str().unwrap();
        let ran = run(d.path(), &format!("topics --model {model} new.txt none.txt -o new")).ends(0);
        assert!(ran.err.contains("1 of 2 documents are in no topic"), "{}", ran.err);
        assert!(ran.out.contains("none.txt: no topic"), "{}", ran.out);
        let assigned =
            read_matrix::<f64>(d.path().join("new/documents.csv"), &ReadOptions::default()).unwrap();
        let share = |s| assigned.view().at(0, topic_of(&topics, s) as usize);
        assert!(share(0) < 0.05 && (0.3..0.7).contains(&share(1)) && (0.3..0.7).contains(&share(2)));
        assert_eq!(listing(&d.path().join("new")), ["W.npy", "documents.csv"]);
    }
}

/// The same documents, whatever they lie in, are the same topics to the bit.
#[test]
fn columns_of_csv_and_jsonl_are_documents_too() {
    let d = dir();
    folder(d.path());
    let (mut csv, mut lines) = (String::from("id,text\n"), String::new());
    let mut paths: Vec<_> = Vec::new();
    for (name, _) in SUBJECTS {
        paths.extend((0..5).map(|i| format!("docs/{name}/{i}.txt")));
    }
    paths.sort();
    for path in &paths {
        let text = std::fs::read_to_string(d.path().join(path)).unwrap();
        csv += &format!("{path},\"{text}\"\n");
        lines += &format!("{}\n", serde_json::json!({ "id": path, "text": text }));
    }
    file(d.path(), "docs.csv", csv);
    file(d.path(), "docs.jsonl", lines);
    run(d.path(), "topics docs -k 3 -q -o a").ends(0);
    run(d.path(), "topics docs.csv --column text --name-column id -k 3 --threads 1 -q -o b").ends(0);
    run(d.path(), "topics docs.jsonl --column text --name-column id -k 3 -q -o c").ends(0);
    let w = |out: &str| std::fs::read(d.path().join(out).join("W.npy")).unwrap();
    assert_eq!(w("a"), w("b"));
    assert_eq!(w("b"), w("c"));
    let names = std::fs::read_to_string(d.path().join("b/documents.csv")).unwrap();
    assert!(names.contains("\ndocs/garden/0.txt,"), "{names}");
}

#[test]
fn wrong_arguments_are_named() {
    let d = dir();
    folder(d.path());
    file(d.path(), "docs.csv", "id,text\n1,a violin and an orchestra\n");
    file(d.path(), "v.csv", "1,2\n3,4\n5,6\n");
    run(d.path(), "fit v.csv -k 1 -q -o numbers").ends(0);
    run(d.path(), "topics docs -k 3 -q -o out").ends(0);
    for (args, code, message) in [
        ("topics docs", 2, "--topics"),
        ("topics -k 3", 2, "<PATH>"),
        ("topics docs -k 0", 2, "a whole number of at least 1 is needed"),
        ("topics docs -k 3 --stop-words klingon", 2, "--stop-words klingon: there is no file of this name"),
        (
            "topics docs -k 3 --stop-words none --stop-words en",
            2,
            "--stop-words none goes with no other list",
        ),
        ("topics docs -k 3 --ngrams 0", 2, "a whole number of at least 1 is needed"),
        ("topics docs -k 3 --ngrams 11", 2, "--ngrams 11 is not possible: it is from 1 to 10"),
        ("topics --model out docs --ngrams 2", 2, "cannot be used with"),
        ("topics docs -k 3 --min-df 1.5", 2, "--min-df"),
        ("topics docs -k 3 --max-df -1", 2, "--max-df"),
        ("topics docs -k 3 --min-df 20", 2, ""),
        ("topics docs -k 3 --loss is", 2, "frobenius"),
        ("topics docs -k 3 --documents some", 2, "a number, all or none is needed"),
        ("topics docs.csv -k 1", 2, "--column NAME"),
        ("topics docs.csv -k 1 --column body", 1, "body"),
        ("topics nowhere -k 3", 1, "nowhere"),
        ("topics --model out -k 3 docs", 2, "cannot be used with"),
        ("topics --model out docs --stop-words none", 2, "cannot be used with"),
        ("topics --model out docs --checkpoint c", 2, "cannot be used with"),
        ("topics --model numbers docs", 1, "it was not made by `orthant topics`"),
        ("topics --model nowhere docs", 1, "nowhere"),
    ] {
        let ran = run(d.path(), args).ends(code);
        assert!(ran.err.starts_with("orthant: error: ") && ran.err.contains(message), "{args}: {}", ran.err);
        assert!(!ran.err.contains("panicked"), "{args}: {}", ran.err);
    }
}

#[test]
fn what_is_printed_can_be_chosen() {
    let d = dir();
    folder(d.path());
    let ran = run(d.path(), "topics docs -k 3 -q --words 2 --documents none").ends(0);
    assert_eq!(ran.out.lines().count(), 3, "{}", ran.out);
    assert!(ran.out.lines().all(|line| line.matches(", ").count() == 1), "{}", ran.out);
    let ran = run(d.path(), "topics docs -k 3 -q --documents 4").ends(0);
    assert_eq!(ran.out.lines().count(), 7, "{}", ran.out);
    // a list of one's own
    file(d.path(), "stop.txt", "the\nand\nend\ntomato\nviolin\n");
    let ran = run(d.path(), "topics docs -k 3 --stop-words stop.txt --weighting counts").ends(0);
    assert!(ran.out.contains("15×10") && ran.out.contains("counts"), "{}", ran.out);
    assert!(!ran.out.contains("tomato"), "{}", ran.out);
}

/// Fifteen lines, about the three subjects in turn.
fn lines() -> String {
    (0..15).map(|i| text(&[i % 3], i / 3)).collect()
}

#[test]
fn lines_of_a_file_are_documents() {
    let d = dir();
    file(d.path(), "lines.txt", lines());
    let ran = run(d.path(), "topics lines.txt -k 3").ends(2);
    assert!(ran.err.contains("lines.txt is one document") && ran.err.contains("--lines"), "{}", ran.err);
    run(d.path(), "topics lines.txt --lines -k 3 -q -o out").ends(0);
    let topics = json(&d.path().join("out/topics.json"));
    let documents = read_matrix::<f64>(d.path().join("out/documents.csv"), &ReadOptions::default()).unwrap();
    let names = documents.row_names().unwrap();
    assert_eq!((names.len(), &*names[0], &*names[14]), (15, "lines.txt:1", "lines.txt:15"));
    for i in 0..15 {
        let share = documents.view().at(i, topic_of(&topics, i % 3) as usize);
        assert!(share > 0.9, "line {i}: {share}");
    }

    // from standard input, to the same numbers
    let mut command = orthant(d.path());
    command.args(["topics", "-", "--lines", "-k", "3", "-q", "-o", "piped"]);
    let input = std::fs::File::open(d.path().join("lines.txt")).unwrap();
    Ran::from(command.stdin(input).output().unwrap()).ends(0);
    let w = |out: &str| std::fs::read(d.path().join(out).join("W.npy")).unwrap();
    assert_eq!(w("out"), w("piped"));
    let named = std::fs::read_to_string(d.path().join("piped/documents.csv")).unwrap();
    assert!(named.contains("\nstandard input:15,"), "{named}");

    // new documents likewise
    let ran = run(d.path(), "topics --model out lines.txt --lines").ends(0);
    assert_eq!(ran.out.lines().count(), 15, "{}", ran.out);
    let ran = run(d.path(), "topics --model out lines.txt").ends(0);
    assert_eq!(ran.out.lines().count(), 1, "{}", ran.out);
}

/// Words of a topic, as `topics.json` has them.
fn words(topics: &Value) -> Vec<String> {
    let topics = topics.as_array().unwrap().iter();
    topics
        .flat_map(|t| t["words"].as_array().unwrap())
        .map(|w| w["word"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn ngrams_lists_and_numbers_are_kept_with_the_model() {
    let d = dir();
    let mut tsv = String::from("id\ttext\n");
    for (i, text) in [
        "the cat sat on the mat",
        "the cat and the dog sat",
        "stock markets and banks",
        "banks and stock markets",
    ]
    .into_iter()
    .enumerate()
    {
        tsv += &format!("{i}\t{text} 2026 1999\n");
    }
    file(d.path(), "t.tsv", tsv);
    file(d.path(), "stop.txt", "cat\n");
    let choice =
        "--ngrams 2 --stop-words en --stop-words stop.txt --no-numbers --min-df 1 --weighting counts";
    run(d.path(), &format!("topics t.tsv --column text -k 2 --words 100 -q -o out {choice}")).ends(0);
    let mut found = words(&json(&d.path().join("out/topics.json")));
    found.sort();
    found.dedup();
    // CountVectorizer(ngram_range=(1, 2), stop_words=["the", "on", "and", "cat"]) without the years
    let expected = [
        "banks",
        "banks stock",
        "dog",
        "dog sat",
        "markets",
        "markets banks",
        "mat",
        "sat",
        "sat mat",
        "stock",
        "stock markets",
    ];
    assert_eq!(found, expected);
    // "sat mat" spans stop words of both lists: a new document is cut as those of the fit were
    file(d.path(), "new.txt", "sat on the cat 1999 mat\n");
    file(d.path(), "none.txt", "the cat 2026\n");
    let model = orthant_io::SavedModel::<f32>::load(d.path().join("out/model.safetensors")).unwrap();
    let kept: orthant_text::Fitted = serde_json::from_str(&model.attachments["text"]).unwrap();
    let row = kept.counts::<f32, _>(&["sat on the cat 1999 mat"]);
    let terms: Vec<&str> = row.matrix.row(0).map(|(j, _)| &*kept.vocabulary().terms()[j]).collect();
    assert_eq!(terms, ["mat", "sat", "sat mat"]);
    let ran = run(d.path(), "topics --model out new.txt none.txt").ends(0);
    assert!(
        ran.err.contains("1 of 2 documents are in no topic") && ran.err.contains("none.txt"),
        "{}",
        ran.err
    );
    // without --no-numbers years are words
    let choice = choice.replace("--no-numbers", "");
    run(d.path(), &format!("topics t.tsv --column text -k 2 --words 100 -q -o years --max-df 1.0 {choice}"))
        .ends(0);
    assert!(words(&json(&d.path().join("years/topics.json"))).contains(&"2026 1999".to_owned()));
}

#[test]
fn words_that_nothing_sets_apart_are_remarked() {
    let d = dir();
    let warning = "letters are in runs of Chinese";
    file(
        d.path(),
        "zh.txt",
        "今天天气很好我们去公园\n我们喜欢北京的公园和天气\n股票市场今天下跌银行\n银行和股票市场\n",
    );
    // no clause is there twice
    let ran = run(d.path(), "topics zh.txt --lines -k 2").ends(1);
    // 11, 12, 10 and 7 letters are all in long runs
    assert!(ran.err.contains("100 %") && ran.err.contains(warning), "{}", ran.err);
    file(
        d.path(),
        "cut.txt",
        "今天 天气 很 好 公园\n我们 公园 和 天气\n股票 市场 今天 银行\n银行 和 股票 市场\n",
    );
    let ran = run(d.path(), "topics cut.txt --lines -k 2").ends(0);
    assert!(!ran.err.contains(warning), "{}", ran.err);
    assert!(ran.out.contains("股票") && ran.out.contains("公园"), "{}", ran.out);
}

#[test]
fn stop_words_that_match_nothing_are_said() {
    let d = dir();
    for (i, text) in ["I don't know why rock", "Don't rock the boat", "why rock, boat"].iter().enumerate() {
        file(d.path(), &format!("{i}.txt"), text);
    }
    let topics = |list: &str| {
        file(d.path(), "stop.txt", list);
        run(d.path(), "topics 0.txt 1.txt 2.txt -k 2 --stop-words stop.txt --max-df 1.0 --words 9").ends(0)
    };
    let ran = topics("don't\nRock\nwhy\n");
    let said = "orthant: warning: stop.txt: 2 words match nothing, as texts are made lower case and cut at all but letters, digits \
                and underscores: write what is left of it instead; of the first, \"Rock\", that is \"rock\"\n";
    assert_eq!(ran.err, said);
    assert!(
        ran.out.contains("don 0.") && ran.out.contains("rock 0.") && !ran.out.contains("why"),
        "{}",
        ran.out
    );
    assert!(topics("don't\nwhy\n").err.contains("1 word matches nothing"));
    // what is left of them is on the list, or too short to be a word
    let ran = topics("don't\ndon\nt'a\n");
    assert_eq!(ran.err, "");
    assert!(!ran.out.contains("don 0."), "{}", ran.out);
    // those of the languages are left alone
    assert_eq!(run(d.path(), "topics 0.txt 1.txt 2.txt -k 1 --stop-words en --max-df 1.0").ends(0).err, "");
}

#[test]
fn standard_input_is_read_once() {
    let d = dir();
    let ran = run(d.path(), "topics - - --lines -k 2").ends(2);
    let said = "orthant: error: - is given more than once, and standard input can be read once: give it once, or files for the \
                others\n";
    assert_eq!(ran.err, said);
}

#[test]
fn what_pyldavis_takes_is_what_it_asks_for() {
    let d = dir();
    folder(d.path());
    file(d.path(), "docs/empty.txt", "the and the");
    for (k, options) in [(3, ""), (3, "--loss kl --f64"), (3, "-o out"), (4, "--ngrams 2")] {
        let args =
            format!("topics docs -k {k} {options} --max-df 0.9 --documents none --ldavis made/it.json");
        let ran = run(d.path(), &args).ends(0);
        assert!(ran.err.contains("made/it.json: 1 of 16 left out: documents in no topic"), "{}", ran.err);
        assert!(ran.out.ends_with("saved for pyLDAvis.prepare in made/it.json\n"), "{}", ran.out);
        assert_eq!(listing(&d.path().join("made")), ["it.json"]);
        let made = json(&d.path().join("made/it.json"));
        let mut names: Vec<&String> = made.as_object().unwrap().keys().collect();
        names.sort();
        assert_eq!(names, ["doc_lengths", "doc_topic_dists", "term_frequency", "topic_term_dists", "vocab"]);
        let vocab: Vec<&str> =
            made["vocab"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect();
        for (rows, m, n) in [("topic_term_dists", k, vocab.len()), ("doc_topic_dists", 15, k)] {
            let rows: Vec<Vec<f64>> = serde_json::from_value(made[rows].clone()).unwrap();
            assert_eq!((rows.len(), rows[0].len()), (m, n));
            assert!(rows.iter().all(|row| (row.iter().sum::<f64>() - 1.0).abs() < 1e-12 && row.iter().all(|x| *x >= 0.0)));
        }
        // counted by hand, in the order of the paths
        let frequency: Vec<u64> = serde_json::from_value(made["term_frequency"].clone()).unwrap();
        let lengths: Vec<u64> = serde_json::from_value(made["doc_lengths"].clone()).unwrap();
        assert_eq!(frequency.iter().sum::<u64>(), lengths.iter().sum::<u64>());
        for (s, at) in [(0, 0), (2, 5), (1, 10)] {
            for i in 0..5 {
                let counted: usize = (0..4).map(|n| 1 + (i + n) % 3).sum();
                // and as many pairs, the last of which is with "end"
                let runs = if options.contains("ngrams") { counted } else { 0 };
                assert_eq!(lengths[at + i], (counted + runs) as u64, "{options}: {s} {i}");
            }
        }
        let violin = vocab.iter().position(|word| *word == "violin").unwrap();
        let n: u64 = (0..5).map(|i| 1 + i % 3).sum();
        assert_eq!(frequency[violin], n);
    }
    for (args, code, message) in [
        ("--ldavis docs", 2, "--ldavis docs: the name of a file is needed"),
        ("--ldavis docs/sea/0.txt", 1, "cannot write docs/sea/0.txt: it is an input file"),
        ("--ldavis out/W.npy", 1, "out/W.npy belongs to the results of a fit"),
    ] {
        let ran = run(d.path(), &format!("topics docs -k 3 {args}")).ends(code);
        assert!(ran.err.contains(message), "{args}: {}", ran.err);
    }
    let ran = run(d.path(), "topics docs --model out --ldavis it.json").ends(2);
    assert!(ran.err.contains("cannot be used with"), "{}", ran.err);
}
