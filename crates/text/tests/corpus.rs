//! Documents from files, folders, tables and JSON lines, and every way in which these can be wrong.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::write::GzEncoder;
use orthant_text::{Corpus, ReadOptions, Skipped, StopWords, TextError};
use tempfile::TempDir;

fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    dir
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut out = GzEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(content).unwrap();
    out.finish().unwrap()
}

/// Names, with the folder left out, and texts.
fn documents(corpus: &Corpus, dir: &TempDir) -> Vec<(String, String)> {
    let root = format!("{}/", dir.path().display());
    let short = |name: &str| name.strip_prefix(&root).unwrap_or(name).to_owned();
    corpus.documents.iter().map(|d| (short(&d.name), d.text.clone())).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|&(name, text)| (name.to_owned(), text.to_owned())).collect()
}

/// Options for tables: the column of texts and that of names, "" for none.
fn columns(column: &str, name_column: &str) -> ReadOptions {
    let parse = |text: &str| (!text.is_empty()).then(|| text.parse().unwrap());
    ReadOptions { column: parse(column), name_column: parse(name_column), ..ReadOptions::default() }
}

/// What becomes of one file.
fn one(name: &str, content: &[u8], options: &ReadOptions) -> Result<Vec<(String, String)>, TextError> {
    let dir = folder(&[(name, content)]);
    Corpus::read(&[dir.path().join(name)], options).map(|corpus| documents(&corpus, &dir))
}

/// The message about one file, with its folder left out.
fn refused(name: &str, content: &[u8], options: &ReadOptions) -> String {
    let dir = folder(&[(name, content)]);
    let error = Corpus::read(&[dir.path().join(name)], options).unwrap_err();
    error.to_string().replace(&format!("{}/", dir.path().display()), "")
}

#[test]
fn folders_give_their_text_files_by_path() {
    let dir = folder(&[
        ("b.txt", b"bee"),
        ("a/z.txt", b"zed"),
        ("a/y/1.MD", "naïve".as_bytes()),
        ("a.md", b""),
        ("packed.txt.gz", &gzip(b"unpacked")),
        ("table.csv", b"x,y\n1,2\n"),
        ("nul.bin", b"ab\ncd\0"),
        ("latin1.txt", b"one\ntwo\nna\xefve"),
        ("damaged.gz", &gzip(b"whole")[..12]),
        ("archive.tar.gz", &gzip(b"name\0\0\0")),
    ]);
    let corpus = Corpus::read(&[dir.path()], &ReadOptions::default()).unwrap();
    let expected = [
        ("a/y/1.MD", "naïve"),
        ("a/z.txt", "zed"),
        ("a.md", ""),
        ("b.txt", "bee"),
        ("packed.txt.gz", "unpacked"),
        ("table.csv", "x,y\n1,2\n"),
    ];
    assert_eq!(documents(&corpus, &dir), pairs(&expected));
    let skipped: Vec<_> =
        corpus.skipped.iter().map(|s| (s.path.file_name().unwrap().to_str().unwrap(), &s.reason)).collect();
    assert!(
        matches!(
            skipped[..],
            [
                ("archive.tar.gz", TextError::Nul { line: 1, .. }),
                ("damaged.gz", TextError::Gzip { .. }),
                ("latin1.txt", TextError::NotUtf8 { line: 3, .. }),
                ("nul.bin", TextError::Nul { line: 2, .. }),
            ]
        ),
        "{skipped:?}"
    );

    let extensions = vec!["md".to_owned(), ".TXT".to_owned()];
    let options = ReadOptions { extensions, ..ReadOptions::default() };
    let corpus = Corpus::read(&[dir.path()], &options).unwrap();
    let expected = [
        ("a/y/1.MD", "naïve"),
        ("a/z.txt", "zed"),
        ("a.md", ""),
        ("b.txt", "bee"),
        ("packed.txt.gz", "unpacked"),
    ];
    assert_eq!(documents(&corpus, &dir), pairs(&expected));
    assert_eq!(corpus.skipped.len(), 1);
}

#[cfg(unix)]
#[test]
fn links_make_no_loops() {
    let dir = folder(&[("a.txt", b"a"), ("sub/b.txt", b"b")]);
    let link = |to: &str, name: &str| {
        std::os::unix::fs::symlink(dir.path().join(to), dir.path().join(name)).unwrap()
    };
    link("", "sub/up");
    link("a.txt", "sub/again.txt");
    link("missing", "broken");
    let corpus = Corpus::read(&[dir.path()], &ReadOptions::default()).unwrap();
    assert_eq!(documents(&corpus, &dir), pairs(&[("a.txt", "a"), ("sub/b.txt", "b")]));
    // what is given by itself may be a link
    let given = [dir.path().join("sub/up/sub"), dir.path().join("sub/again.txt")];
    let corpus = Corpus::read(&given, &ReadOptions::default()).unwrap();
    assert_eq!(documents(&corpus, &dir), pairs(&[("sub/up/sub/b.txt", "b"), ("sub/again.txt", "a")]));
}

#[test]
fn paths_are_read_in_the_order_given() {
    let dir = folder(&[("z.txt", b"zed"), ("t.csv", b"text\nrow\n"), ("f/a.txt", b"a")]);
    let paths: Vec<PathBuf> = ["z.txt", "t.csv", "f"].map(|name| dir.path().join(name)).to_vec();
    let corpus = Corpus::read(&paths, &columns("text", "")).unwrap();
    assert_eq!(documents(&corpus, &dir), pairs(&[("z.txt", "zed"), ("0", "row"), ("f/a.txt", "a")]));
}

#[test]
fn columns_of_tables() {
    let csv = "\u{feff}id,text\r\n7,\"a, \"\"b\"\"\nc\"\r\n\r\n8,\n9,ü\n".as_bytes();
    let expected = pairs(&[("0", "a, \"b\"\nc"), ("1", ""), ("2", "ü")]);
    assert_eq!(one("t.csv", csv, &columns("text", "")).unwrap(), expected);
    assert_eq!(one("t.CSV.gz", &gzip(csv), &columns("1", "")).unwrap(), expected);
    let expected = pairs(&[("7", "a, \"b\"\nc"), ("8", ""), ("9", "ü")]);
    assert_eq!(one("t.csv", csv, &columns("text", "id")).unwrap(), expected);
    for name in ["t.tsv", "t.tab"] {
        let rows = one(name, b"id\ttext\n7\ta, b\n", &columns("text", "0")).unwrap();
        assert_eq!(rows, pairs(&[("7", "a, b")]));
    }
    let bare = ReadOptions { header: false, ..columns("1", "") };
    assert_eq!(one("t.csv", b"7,a\n8,b", &bare).unwrap(), pairs(&[("0", "a"), ("1", "b")]));
    // more columns than there is room for at first
    let wide = vec!["x"; 100].join(",");
    let rows = one("t.csv", wide.as_bytes(), &ReadOptions { header: false, ..columns("99", "") }).unwrap();
    assert_eq!(rows, pairs(&[("0", "x")]));
}

#[test]
fn wrong_tables_are_refused() {
    let csv = b"id,text\n7,a\n";
    for (content, options, expected) in [
        (&csv[..], columns("", ""), r#"t.csv: say which column is the text; there are "id", "text""#),
        (csv, columns("body", ""), r#"t.csv: there is no column "body"; there are "id", "text""#),
        (csv, columns("2", ""), r#"t.csv: there is no column 2 (counting from 0); there are "id", "text""#),
        (csv, columns("text", "name"), r#"t.csv: there is no column "name"; there are "id", "text""#),
        (
            csv,
            ReadOptions { header: false, ..columns("text", "") },
            r#"t.csv: there is no column "text"; there are "0", "1""#,
        ),
        (
            b"id,text\n\n7,a\n\"8\n\",b\n9,c,d\n",
            columns("text", ""),
            "t.csv: line 6 has 3 fields, but the lines before it have 2",
        ),
        (
            b"id,text\n7,a\n\n8,\"b\n9,c\n",
            columns("text", ""),
            "t.csv: a quotation mark opened on line 4 or after it is never closed",
        ),
        (
            b"id,text\n7,a\n8,\xff\n",
            columns("text", ""),
            "t.csv: line 3 is not UTF-8 text: save the file as UTF-8",
        ),
        (b"id,text\n", columns("text", ""), "there are no documents in t.csv"),
        (b"", columns("text", ""), "there are no documents in t.csv"),
        (b"\xef\xbb\xbf\r\n", columns("text", ""), "there are no documents in t.csv"),
    ] {
        assert_eq!(refused("t.csv", content, &options), expected);
    }
    // bytes that are not UTF-8 do no harm in other columns
    assert_eq!(one("t.csv", b"id,text\n\xff,a\n", &columns("text", "")).unwrap(), pairs(&[("0", "a")]));
    let wide = vec!["x"; 25].join(",");
    let message = refused("t.csv", wide.as_bytes(), &columns("y", ""));
    assert!(message.ends_with("\"x\", \"x\" and 5 more"), "{message}");
    let damaged = &gzip(csv)[..20];
    assert!(
        refused("t.csv.gz", damaged, &columns("text", ""))
            .starts_with("t.csv.gz: packed by gzip, but damaged")
    );
}

#[test]
fn fields_of_json_lines() {
    let lines = "\u{feff}{\"text\": \"a\\n\\u00fc\", \"id\": 7, \"3\": \"three\"}\r\n\n  \n{\"id\": \"x\", \"text\": \"b\", \"3\": \"\"}";
    let lines = lines.as_bytes();
    assert_eq!(one("t.jsonl", lines, &columns("text", "")).unwrap(), pairs(&[("0", "a\nü"), ("1", "b")]));
    assert_eq!(one("t.ndjson", lines, &columns("text", "id")).unwrap(), pairs(&[("7", "a\nü"), ("x", "b")]));
    let packed = gzip(lines);
    assert_eq!(one("t.jsonl.gz", &packed, &columns("3", "")).unwrap(), pairs(&[("0", "three"), ("1", "")]));
}

#[test]
fn elements_of_json_arrays() {
    let strings = "\u{feff}[\"a\\n\\u00fc\", \"\",\n \"b\"]".as_bytes();
    let texts = pairs(&[("0", "a\nü"), ("1", ""), ("2", "b")]);
    assert_eq!(one("t.json", strings, &columns("", "")).unwrap(), texts);
    assert_eq!(one("t.json.gz", &gzip(strings), &columns("", "")).unwrap(), texts);
    let objects = br#"[{"text": "a", "id": 7, "3": "three"}, {"id": "x", "3": "", "text": "b"}]"#;
    assert_eq!(one("t.JSON", objects, &columns("text", "")).unwrap(), pairs(&[("0", "a"), ("1", "b")]));
    assert_eq!(one("t.json", objects, &columns("text", "id")).unwrap(), pairs(&[("7", "a"), ("x", "b")]));
    assert_eq!(one("t.json", objects, &columns("3", "text")).unwrap(), pairs(&[("a", "three"), ("b", "")]));
    // in a folder it is text as other files are
    let dir = folder(&[("t.json", strings)]);
    let corpus = Corpus::read(&[dir.path()], &ReadOptions::default()).unwrap();
    assert_eq!(corpus.documents[0].text.as_bytes(), strings);
}

#[test]
fn wrong_json_arrays_are_refused() {
    let none = || columns("", "");
    let lines = "; with an object on each line it is a jsonl file";
    for (text, options, expected) in [
        ("{}", none(), format!("not a JSON array of strings or of objects: it is an object{lines}")),
        (
            "[\"a\", 3]",
            none(),
            "element 1 (counting from 0): it is a number, not a string or an object".into(),
        ),
        ("[{\"a\": \"b\", \"c\": 1}]", none(), r#"say which column is the text; there are "a", "c""#.into()),
        (
            "[\"a\"]",
            columns("a", ""),
            "element 0 (counting from 0): it is a string, which has no fields to be named".into(),
        ),
        (
            "[\"a\"]",
            columns("", "a"),
            "element 0 (counting from 0): it is a string, which has no fields to be named".into(),
        ),
        (
            "[{\"a\": null}]",
            columns("a", ""),
            r#"element 0 (counting from 0): field "a" is null, not a string"#.into(),
        ),
        (
            "[{\"a\": \"b\"}, {}]",
            columns("a", ""),
            r#"element 1 (counting from 0): it has no field "a""#.into(),
        ),
        ("[{\"a\": \"b\"}]", columns("a", "b"), r#"element 0 (counting from 0): it has no field "b""#.into()),
        (
            "[{\"a\": \"b\", \"b\": []}]",
            columns("a", "b"),
            r#"element 0 (counting from 0): field "b" is an array, not a string or a number"#.into(),
        ),
    ] {
        assert_eq!(refused("t.json", text.as_bytes(), &options), format!("t.json: {expected}"));
    }
    for text in ["", "[\"a\"", "[\"a\"] x", &"[".repeat(100_000)] {
        let message = refused("t.json", text.as_bytes(), &none());
        assert!(message.starts_with("t.json: not a JSON array of strings or of objects: "), "{message}");
        assert!(message.contains(" at line 1 column "), "{message}");
    }
    assert_eq!(
        refused("t.json", b"[\"\n\xff\"]", &none()),
        "t.json: line 2 is not UTF-8 text: save the file as UTF-8"
    );
    assert!(
        refused("t.json", &gzip(b"[\"a\"]")[..15], &none())
            .starts_with("t.json: packed by gzip, but damaged: ")
    );
}

#[test]
fn wrong_json_lines_are_refused() {
    let good = "{\"text\": \"a\", \"id\": 1}\n\n";
    for (line, options, expected) in [
        ("{}", columns("", ""), r#"t.jsonl: say which column is the text; there are "id", "text""#),
        ("{\"id\": 1}", columns("text", ""), r#"t.jsonl: line 3 has no field "text"; it has "id""#),
        ("{}", columns("text", ""), r#"t.jsonl: line 3 has no field "text"; it has none"#),
        ("{\"text\": 3}", columns("text", ""), r#"t.jsonl: line 3: field "text" is a number, not a string"#),
        ("{\"text\": null}", columns("text", ""), r#"t.jsonl: line 3: field "text" is null, not a string"#),
        (
            "{\"text\": \"b\", \"id\": []}",
            columns("text", "id"),
            r#"t.jsonl: line 3: field "id" is an array, not a string or a number"#,
        ),
        ("[1]", columns("text", ""), "t.jsonl: line 3 is not a JSON object: it is an array"),
    ] {
        assert_eq!(refused("t.jsonl", format!("{good}{line}\n").as_bytes(), &options), expected);
    }
    let message = refused("t.jsonl", format!("{good}{{\"text\": \"b\"").as_bytes(), &columns("text", ""));
    assert!(message.starts_with("t.jsonl: line 3 is not a JSON object: EOF while parsing"), "{message}");
    let message =
        refused("t.jsonl", &[good.as_bytes(), b"{\"text\": \"\xff\"}"].concat(), &columns("text", ""));
    assert_eq!(message, "t.jsonl: line 3 is not UTF-8 text: save the file as UTF-8");
}

#[test]
fn wrong_files_are_refused() {
    let options = ReadOptions::default();
    let message = refused("t.txt", b"one\nna\xefve", &options);
    assert_eq!(message, "t.txt: line 2 is not UTF-8 text: save the file as UTF-8");
    let message = refused("t.txt", b"one\n\n\0", &options);
    assert_eq!(message, "t.txt: line 3 has a NUL byte: this is no text, or none in UTF-8");
    let message = refused("t.txt", &gzip(b"text")[..15], &options);
    assert!(message.starts_with("t.txt: packed by gzip, but damaged: "), "{message}");
    let error = Corpus::read(&[Path::new("no such file")], &options).unwrap_err();
    assert!(error.to_string().starts_with("cannot read no such file: "), "{error}");
    assert!(StopWords::read("no such file").is_err());
}

#[test]
fn nothing_to_read_is_an_error() {
    let options = ReadOptions::default();
    let error = Corpus::read::<&str>(&[], &options).unwrap_err();
    assert_eq!(error.to_string(), "there are no documents");
    for (files, note) in [
        (&[][..], ""),
        (&[("a", &b"\0"[..])], "; a file was passed over that is no UTF-8 text"),
        (&[("a", b"\0"), ("b", b"\xff")], "; 2 files were passed over that are no UTF-8 text"),
    ] {
        let dir = folder(files);
        let error = Corpus::read(&[dir.path()], &options).unwrap_err();
        assert_eq!(error.to_string(), format!("there are no documents in {}{note}", dir.path().display()));
    }
}

#[test]
fn options_that_nothing_uses_are_refused() {
    let tables = "it is for csv, tsv, tab, json, jsonl and ndjson files, and none is given";
    let message = refused("t.txt", b"text", &columns("text", ""));
    assert_eq!(message, format!("column cannot be \"text\": {tables}"));
    let message = refused("t.txt", b"text", &columns("", "1"));
    assert_eq!(message, format!("name_column cannot be 1 (counting from 0): {tables}"));
    let options = ReadOptions { extensions: vec!["md".into(), "txt".into()], ..ReadOptions::default() };
    let message = refused("t.txt", b"text", &options);
    assert_eq!(message, "extensions cannot be md,txt: it is for folders, and none is given");
}

#[test]
fn lines_are_documents_where_asked() {
    let lines = ReadOptions { lines: true, ..ReadOptions::default() };
    let content = "\u{feff}one\r\n\n \t\nfour ü\nfive".as_bytes();
    let expected = pairs(&[("t.txt:1", "one"), ("t.txt:4", "four ü"), ("t.txt:5", "five")]);
    assert_eq!(one("t.txt", content, &lines).unwrap(), expected);
    let packed = one("t.txt.gz", &gzip(b"one\ntwo\n"), &lines).unwrap();
    assert_eq!(packed, pairs(&[("t.txt.gz:1", "one"), ("t.txt.gz:2", "two")]));

    // in folders too, where a damaged file is left out whole
    let dir = folder(&[("a.txt", b"one\ntwo\n"), ("b.txt", b"one\n\xff\n"), ("c.txt", b"three\n")]);
    let corpus = Corpus::read(&[dir.path()], &lines).unwrap();
    let expected = [("a.txt:1", "one"), ("a.txt:2", "two"), ("c.txt:1", "three")];
    assert_eq!(documents(&corpus, &dir), pairs(&expected));
    assert!(matches!(corpus.skipped[..], [Skipped { reason: TextError::NotUtf8 { line: 2, .. }, .. }]));

    assert_eq!(refused("t.txt", b"\n \n", &lines), "there are no documents in t.txt");
    let message = refused("t.csv", b"text\na\n", &ReadOptions { lines: true, ..columns("text", "") });
    assert_eq!(message, "lines cannot be true: it is for text files and folders, and none is given");
}
