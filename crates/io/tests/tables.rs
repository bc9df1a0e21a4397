//! What is found out about a table of text, and what is said where it could be wrong.

use orthant_io::{
    AnyTable, Decimal, Delimiter, Detect, Edge, IoError, ReadOptions, Remark, Source, SparseTable,
};

fn read_with(text: impl AsRef<[u8]>, options: &ReadOptions) -> Result<AnyTable<f64>, IoError> {
    Source::from_reader("t", text.as_ref(), None, options)?.read_any()
}

fn read(text: impl AsRef<[u8]>) -> Result<AnyTable<f64>, IoError> {
    read_with(text, &ReadOptions::default())
}

fn joined(names: Option<&[String]>) -> String {
    names.map(|names| names.join("|")).unwrap_or_default()
}

/// Data by rows, names of rows and of columns, remarks.
type Found = (Vec<f64>, String, String, Vec<Remark>);

fn found(table: &AnyTable<f64>) -> Found {
    let AnyTable::Dense(dense) = table else { panic!("a dense table was expected") };
    let names = (joined(table.row_names()), joined(table.col_names()));
    (dense.data().to_vec(), names.0, names.1, table.remarks().to_vec())
}

#[track_caller]
fn holds(text: &str, data: &[f64], rows: &str, columns: &str, remarks: &[Remark]) {
    let table = read(text).unwrap_or_else(|error| panic!("{text:?}: {error}"));
    assert_eq!(found(&table), (data.to_vec(), rows.into(), columns.into(), remarks.to_vec()), "{text:?}");
}

#[track_caller]
fn fails(text: &str, parts: &[&str]) {
    let error = read(text).expect_err(text).to_string();
    assert!(parts.iter().all(|part| error.contains(part)), "{text:?}: {error}");
}

fn numbers_above(first: &str) -> Remark {
    Remark::NumbersAsHeader { line: 1, first: first.into() }
}

fn as_labels(column: &str) -> Remark {
    Remark::NumbersAsLabels { column: column.into() }
}

#[test]
fn numbers_under_a_word_are_a_header_if_they_rise_above_the_table() {
    let text = "country,1990,1991,1992\nFR,3,1,2\nDE,0,4,1\nIT,5,0,2\nES,1,1,1\n";
    let data = [3.0, 1.0, 2.0, 0.0, 4.0, 1.0, 5.0, 0.0, 2.0, 1.0, 1.0, 1.0];
    holds(text, &data, "FR|DE|IT|ES", "1990|1991|1992", &[numbers_above("1990")]);
    let text = "spectrum\t400\t401\t402\na\t3\t0\t1\nb\t0\t2\t4\n";
    let data = [3.0, 0.0, 1.0, 0.0, 2.0, 4.0];
    holds(text, &data, "a|b", "400|401|402", &[numbers_above("400")]);
    holds(
        "nm 400.5 401 401.5\na 3 0 1\nb 0 2 4\n",
        &data,
        "a|b",
        "400.5|401|401.5",
        &[numbers_above("400.5")],
    );
    holds("400,401,402\n3,0,1\n0,2,4\n", &data, "", "400|401|402", &[numbers_above("400")]);
    // under an empty corner there is no doubt, nor where a field is missing
    holds(",400,401,402\na,3,0,1\nb,0,2,4\n", &data, "a|b", "400|401|402", &[]);
    holds("1 2 3\na 3 0 1\nb 0 2 4\n", &data, "a|b", "1|2|3", &[]);
    // without names of rows a header can be said
    let options = ReadOptions { header: Detect::No, ..ReadOptions::default() };
    let table = read_with("400,401,402\n3,0,1\n", &options).unwrap();
    assert_eq!(
        found(&table),
        (vec![400.0, 401.0, 402.0, 3.0, 0.0, 1.0], String::new(), String::new(), vec![])
    );
}

#[test]
fn a_first_row_of_data_stays_one() {
    holds("a,3,1,2\nb,0,4,1\n", &[3.0, 1.0, 2.0, 0.0, 4.0, 1.0], "a|b", "", &[]);
    holds("1,2,3\n2e7,1e7,6666666\n", &[1.0, 2.0, 3.0, 2e7, 1e7, 6_666_666.0], "", "", &[]);
    holds("d0,1,2,3\nd1,4,0,1\n", &[1.0, 2.0, 3.0, 4.0, 0.0, 1.0], "d0|d1", "", &[]);
    holds("0,1\n1,0\n", &[0.0, 1.0, 1.0, 0.0], "", "", &[]);
}

#[test]
fn numbers_that_could_be_names_or_data_are_an_error() {
    for text in ["gene,1,2,3\nTP53,0,4,1\nMYC,5,0,2\n", "0,1,2\n3,0,1\n1,1,1\n"] {
        fails(text, &["t: line 1: '", "ReadOptions::header=yes or ReadOptions::header=no"]);
        let with = |header| ReadOptions { header, ..ReadOptions::default() };
        assert_eq!(read_with(text, &with(Detect::Yes)).unwrap().nrows(), 2, "{text:?}");
        assert_eq!(read_with(text, &with(Detect::No)).unwrap().nrows(), 3, "{text:?}");
    }
}

#[test]
fn whole_numbers_that_tell_rows_apart_are_labels() {
    let data = [3.0, 0.0, 1.0, 0.0, 2.0, 4.0, 5.0, 1.0, 0.0, 1.0, 1.0, 1.0];
    let text = "id,a,b,c\n101,3,0,1\n102,0,2,4\n103,5,1,0\n104,1,1,1\n";
    holds(text, &data, "101|102|103|104", "a|b|c", &[as_labels("id")]);
    let text = "\"id\",\"S1\",\"S2\"\n\"1\",3,0\n\"2\",0,2\n\"3\",5,1\n";
    holds(text, &[3.0, 0.0, 0.0, 2.0, 5.0, 1.0], "1|2|3", "S1|S2", &[as_labels("id")]);
    // one of: in quotes, a telling name, counting rows
    let two = [3.0, 0.0, 0.0, 2.0];
    holds("\"x\",\"S1\",\"S2\"\n\"9\",3,0\n\"4\",0,2\n", &two, "9|4", "S1|S2", &[as_labels("x")]);
    holds("sample_id;S1;S2\n9;3;0\n4;0;2\n", &two, "9|4", "S1|S2", &[as_labels("sample_id")]);
    holds("PatientID S1 S2\n9 3 0\n4 0 2\n", &two, "9|4", "S1|S2", &[as_labels("PatientID")]);
    holds("x,S1\n7,3\n8,0\n9,2\n", &[3.0, 0.0, 2.0], "7|8|9", "S1", &[as_labels("x")]);
    holds("Unnamed: 0,S1,S2\n9,3,0\n4,0,2\n", &two, "9|4", "S1|S2", &[]);
    // data, with a hint where it could be labels
    let hint = |column: &str| Remark::LabelsAsNumbers { column: column.into() };
    holds("1,5,2\n2,3,2\n3,0,2\n", &[1.0, 5.0, 2.0, 2.0, 3.0, 2.0, 3.0, 0.0, 2.0], "", "", &[hint("")]);
    let data = [1001.0, 5.0, 1004.0, 3.0, 1009.0, 0.0];
    holds("code,n\n1001,5\n1004,3\n1009,0\n", &data, "", "code|n", &[hint("code")]);
    holds("x,y\n4,5\n1,3\n9,0\n", &[4.0, 5.0, 1.0, 3.0, 9.0, 0.0], "", "x|y", &[]);
    // told otherwise
    let options = ReadOptions { labels: Detect::No, ..ReadOptions::default() };
    assert_eq!(read_with("id,a\n1,3\n2,0\n", &options).unwrap().ncols(), 2);
}

#[test]
fn what_has_tabs_is_split_at_tabs() {
    let text = "cell type\ts1\ts2\ts3\ncluster 1\t3\t1\t0\ncluster 2\t0\t4\t1\ncluster 3\t5\t0\t2\n";
    let data = [3.0, 1.0, 0.0, 0.0, 4.0, 1.0, 5.0, 0.0, 2.0];
    holds(text, &data, "cluster 1|cluster 2|cluster 3", "s1|s2|s3", &[]);
    holds("id\ta\n1 2\t3\n4 5\t6\n", &[3.0, 6.0], "1 2|4 5", "a", &[]);
    holds("\ta b\tc\n1, x\t3\t1\n2, y\t0\t4\n", &[3.0, 1.0, 0.0, 4.0], "1, x|2, y", "a b|c", &[]);
    holds("x\ty\n1,5\t2\n0,25\t3\n", &[1.5, 2.0, 0.25, 3.0], "", "x|y", &[]);
}

#[test]
fn delimiters_are_found_whatever_the_name() {
    let data = [3.0, 1.0, 0.0, 4.0];
    for delimiter in Delimiter::ALL {
        let between = match delimiter {
            Delimiter::Tab => "\t".to_owned(),
            Delimiter::Blanks => "  ".to_owned(),
            other => other.to_string(),
        };
        let text = "gene,s1,s2\nA,3,1\nB,0,4\n".replace(',', &between);
        for ends in ["\n", "\r\n", "\r"] {
            holds(&text.replace('\n', ends), &data, "A|B", "s1|s2", &[]);
        }
        for name in ["t.csv", "t.tsv", "t.txt", "t", "t.xyz"] {
            let options = ReadOptions { delimiter: Some(delimiter), ..ReadOptions::default() };
            for options in [ReadOptions::default(), options] {
                let table = Source::from_reader(name, text.as_bytes(), None, &options).unwrap();
                assert_eq!(table.read::<f64>().unwrap().data(), data, "{name}: {text:?}");
            }
        }
        assert_eq!(delimiter.to_string().parse(), Ok(delimiter));
    }
    holds("1, 2\n3, 4\n", &[1.0, 2.0, 3.0, 4.0], "", "", &[]);
    holds("1,5 2,25\n3 4\n", &[1.5, 2.25, 3.0, 4.0], "", "", &[]);
    let rival = Remark::Delimiter { taken: Delimiter::Semicolon, other: Delimiter::Comma };
    holds("x;1,2\ny;3,4\n", &[1.2, 3.4], "x|y", "", &[rival]);
    let options = ReadOptions { delimiter: Some(Delimiter::Comma), ..ReadOptions::default() };
    assert_eq!(found(&read_with("x;1,2\ny;3,4\n", &options).unwrap()).0, [2.0, 4.0]);
}

#[test]
fn decimal_commas() {
    let data = [3.5, 0.0, 1.25, 0.0, 2.75, 4.0, 5.1, 1.0, 0.0];
    let excel = "id;a;b;c\nx;3,5;0;1,25\ny;0;2,75;4\nz;5,1;1;0\n";
    holds(excel, &data, "x|y|z", "a|b|c", &[]);
    holds(&excel.replace('\n', "\r\n"), &data, "x|y|z", "a|b|c", &[]);
    holds(&format!("\u{feff}{excel}"), &data, "x|y|z", "a|b|c", &[]);
    holds(&excel.replace(';', "\t"), &data, "x|y|z", "a|b|c", &[]);
    holds(&excel.replace(';', "|").replace("3,5", "\"3,5\""), &data, "x|y|z", "a|b|c", &[]);
    holds("a;b\n1,5e3;-2,5E-1\n", &[1500.0, -0.25], "", "a|b", &[]);
}

#[test]
fn marks_between_thousands_are_refused_with_words() {
    let marks = "marks between thousands are not read";
    fails("a;b\n1.234,5;2\n3;4\n", &["line 2, field 1", "'1.234,5' is not a number", marks]);
    fails("a;b\n1,234,567;2\n3;4\n", &["line 2, field 1", marks]);
    fails("a,b\n\"1,234\",2\n3,4\n", &["line 2, field 1", marks, "ReadOptions::decimal=,"]);
    fails("a,b\n\"1,5\",2\n3,4\n", &["line 2, field 1", "ReadOptions::decimal=,"]);
    fails("a;b\n1,5;2\n3,5;4.25\n", &["line 3, field 2", "'4.25' is not a number", "decimal commas"]);
    // 1,234 alone could be either
    let text = "a;b\n1,234;2\n3;4,500\n";
    fails(text, &["line 2: '1,234'", "ReadOptions::decimal=,"]);
    let options = ReadOptions { decimal: Some(Decimal::Comma), ..ReadOptions::default() };
    assert_eq!(found(&read_with(text, &options).unwrap()).0, [1.234, 2.0, 3.0, 4.5]);
    let options = ReadOptions { decimal: Some(Decimal::Point), ..ReadOptions::default() };
    assert!(read_with(text, &options).unwrap_err().to_string().contains(marks));
    // and so could a column of one number
    let text = "Wert\n3,5\n4,25\n";
    fails(text, &["line 2: '3,5'", "ReadOptions::delimiter"]);
    let comma = ReadOptions { delimiter: Some(Delimiter::Comma), ..ReadOptions::default() };
    assert_eq!(
        found(&read_with(text, &comma).unwrap()),
        (vec![5.0, 25.0], "3|4".into(), "Wert".into(), vec![])
    );
    let options =
        ReadOptions { delimiter: Some(Delimiter::Semicolon), decimal: Some(Decimal::Comma), ..comma };
    assert_eq!(found(&read_with(text, &options).unwrap()).0, [3.5, 4.25]);
}

#[test]
fn quotes_are_quotes_everywhere() {
    let r = "\"S1\" \"S2\" \"S3\"\n\"1\" 3 0 1\n\"2\" 0 2 4\n\"3\" 5 1 0\n";
    let data = [3.0, 0.0, 1.0, 0.0, 2.0, 4.0, 5.0, 1.0, 0.0];
    for between in [" ", "\t", ";", ",", "|"] {
        holds(&r.replace(' ', between), &data, "1|2|3", "S1|S2|S3", &[]);
    }
    holds("\"a b\" \"say \\\"c\\\"\"\n\"d e\" 1 2\n", &[1.0, 2.0], "d e", "a b|say \"c\"", &[]);
    holds("g,\"a,b\"\n\"x\ny\",1\n\"z\"\"\",2\n", &[1.0, 2.0], "x\ny|z\"", "a,b", &[]);
    fails("1,2\n\"3,4\n5,6\n", &["the quotation mark opened on line 2 is never closed"]);
}

#[test]
fn words_of_truth_and_columns_of_words() {
    let data = [1.0, 0.0, 0.0, 1.0, 1.0, 1.0];
    holds("a,b\nTRUE,FALSE\nFALSE,TRUE\nTRUE,TRUE\n", &data, "", "a|b", &[]);
    holds("a;b\ntrue;false\nFalse;True\n1;1\n", &data, "", "a|b", &[]);
    let iris = "sepal,petal,species\n5.1,1.4,setosa\n4.9,1.3,setosa\n6,4.5,virginica\n";
    let drop = "ReadOptions::drop=species";
    fails(iris, &["t: column \"species\" holds words, such as 'setosa'", drop]);
    let without = |columns: &[&str]| ReadOptions {
        drop: columns.iter().map(|&c| c.to_owned()).collect(),
        ..ReadOptions::default()
    };
    for column in ["species", "3"] {
        let table = read_with(iris, &without(&[column])).unwrap();
        let (data, names) = (vec![5.1, 1.4, 4.9, 1.3, 6.0, 4.5], "sepal|petal".into());
        assert_eq!(found(&table), (data, String::new(), names, vec![]));
        assert_eq!(table.locate(2, 1).to_string(), "t: line 4, field 2 (row 2, column 1 \"petal\")");
    }
    // in front of the labels, and between
    let text = "n,gene,s1,site,s2\n1,A,3,x,1\n2,B,0,y,4\n";
    let table = read_with(text, &without(&["n", "site"])).unwrap();
    assert_eq!(found(&table), (vec![3.0, 1.0, 0.0, 4.0], "A|B".into(), "s1|s2".into(), vec![]));
    assert_eq!(table.locate(1, 1).field, Some(5));
    let error = read_with(text, &without(&["sites"])).unwrap_err().to_string();
    assert!(
        error.contains("no column \"sites\"") && error.contains("\"site\"") && error.contains("1 to 5"),
        "{error}"
    );
    // a header that is one short, as R writes it
    let table = read_with("\"s1\" \"kind\"\n\"a\" 1 \"x\"\n\"b\" 2 \"y\"\n", &without(&["kind"])).unwrap();
    assert_eq!(found(&table), (vec![1.0, 2.0], "a|b".into(), "s1".into(), vec![]));
}

#[test]
fn missing_values() {
    let table = |field: &str| format!("gene,s1,s2,s3\nA,3,1,1\nB,0,{field},4\nC,5,1,0\n");
    for field in ["", "NA", "N/A", ".", "-", "?", "NULL", "<NA>"] {
        let said = if field.is_empty() { "the field is empty".to_owned() } else { format!("'{field}'") };
        let place = format!("line 3, field 3 (row 1 \"B\", column 1 \"s2\"): {said}: a missing value");
        fails(&table(field), &[&place, "fill it in", "ReadOptions::drop"]);
        let options = ReadOptions { drop: vec!["s2".into()], ..ReadOptions::default() };
        assert_eq!(found(&read_with(table(field), &options).unwrap()).0, [3.0, 1.0, 0.0, 4.0, 5.0, 0.0]);
    }
    // NaN is a number of the file, which a fit refuses
    assert!(found(&read(table("NaN")).unwrap()).0[4].is_nan());
}

#[test]
fn names_that_are_given_twice() {
    let of = |of, count, first: &str| Remark::DuplicateNames { of, count, first: first.into() };
    let text = "gene,s1,s1,s2\nA,1,2,3\nA,4,5,6\nB,7,8,1\n";
    let data = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 1.0];
    holds(text, &data, "A|A|B", "s1|s1|s2", &[of(Edge::Rows, 1, "A"), of(Edge::Columns, 1, "s1")]);
    let transposed = read(text).unwrap().transposed();
    assert_eq!(transposed.remarks().len(), 2);
    let text = "g,x\nb,1\na,2\na,3\nb,4\na,5\n";
    holds(text, &[1.0, 2.0, 3.0, 4.0, 5.0], "b|a|a|b|a", "x", &[of(Edge::Rows, 2, "a")]);
}

fn entries(table: &SparseTable<f64>) -> Vec<(String, String, f64)> {
    let orthant_io::SparseStorage::ByRows(csr) = table.storage() else { panic!("by rows") };
    let (rows, cols) = (table.row_names().unwrap(), table.col_names().unwrap());
    let of = |i: usize| csr.row(i).map(move |(j, x)| (rows[i].clone(), cols[j].clone(), x));
    (0..csr.nrows()).flat_map(of).collect()
}

#[test]
fn lists_of_entries() {
    let ratings = "user,item,rating\n1,10,5\n1,11,3\n2,10,4\n3,12,1\n2,12,2\n";
    assert_eq!(read(ratings).unwrap().remarks(), [Remark::LooksLikeTriplets]);
    let triplets = ReadOptions { triplets: true, ..ReadOptions::default() };
    let sparse = |text: &str, options: &ReadOptions| match read_with(text, options).unwrap() {
        AnyTable::Sparse(table) => table,
        AnyTable::Dense(_) | AnyTable::OutOfCore(_) => panic!("{text:?}: sparse"),
    };
    let want = [("1", "10", 5.0), ("1", "11", 3.0), ("2", "10", 4.0), ("2", "12", 2.0), ("3", "12", 1.0)];
    let want = want.map(|(row, col, x)| (row.to_owned(), col.to_owned(), x));
    let table = sparse(ratings, &triplets);
    assert_eq!((table.nrows(), table.ncols(), table.remarks()), (3, 3, &[][..]));
    assert_eq!(entries(&table), want);
    // without a header, by other delimiters, with decimal commas, zeros and repetitions
    assert_eq!(entries(&sparse(&ratings[17..], &triplets)), want);
    assert_eq!(entries(&sparse(&ratings.replace(',', "\t"), &triplets)), want);
    let commas = "a;x;1,5\nb;y;0\na;x;2,25\n";
    let table = sparse(commas, &triplets);
    assert_eq!((table.nrows(), table.ncols()), (2, 2));
    assert_eq!(entries(&table), [("a".to_owned(), "x".to_owned(), 3.75)]);
    assert_eq!(table.remarks(), [Remark::RepeatedEntries { count: 1 }]);
    // another column has to go
    let movielens = "user\titem\trating\ttime\n1\t10\t5\t881250949\n2\t11\t3\t891717742\n";
    let error = read_with(movielens, &triplets).unwrap_err().to_string();
    assert!(error.contains("line 1 has 4 fields") && error.contains("ReadOptions::drop"), "{error}");
    let dropped = ReadOptions { drop: vec!["time".into()], ..triplets.clone() };
    assert_eq!(sparse(movielens, &dropped).nnz(), 2);
    for (text, message) in [
        ("u,i,r\na,b,c\n", "line 2, field 3 (row 0 \"a\", column 0 \"b\"): 'c' is not a number"),
        ("u,i,r\na,b,\n", "the field is empty: a missing value"),
        ("u,i,r\na,b,1\na,b\n", "line 3 has 2 fields"),
        ("", "has 0 fields"),
    ] {
        let error = read_with(text, &triplets).unwrap_err().to_string();
        assert!(error.contains(message), "{text:?}: {error}");
    }
    // three columns of numbers are no such list
    assert_eq!(read("a,b,c\n1,2,3\n2,5,1\n7,2,2\n8,1,0\n9,9,1\n").unwrap().remarks(), []);
}

#[test]
fn comments_and_gct() {
    let data = [3.0, 1.0, 0.0, 4.0];
    let biom = "# Constructed from biom file\n#OTU ID\ts1\ts2\nA\t3\t1\nB\t0\t4\n";
    holds(biom, &data, "A|B", "s1|s2", &[Remark::CommentAsHeader { line: 2 }]);
    let gct = "#1.2\n2\t2\nName\tDescription\ts1\ts2\nA\tfirst\t3\t1\nB\tna\t0\t4\n";
    holds(gct, &data, "A|B", "s1|s2", &[]);
    let gct = "#1.3\n2\t2\t1\t2\nid\tDescription\ts1\ts2\nkind\tna\tx\ty\nage\tna\t30\t40\nA\tfirst\t3\t1\nB\tna\t0\t4\n";
    holds(gct, &data, "A|B", "s1|s2", &[]);
    fails("#1.3\n2\t2\nid\ts1\n", &["not a valid gct file", "line 2"]);
    // ImageJ: a table of results, and an image as text
    holds(" \tArea\tMean\n1\t3\t1\n2\t0\t4\n", &data, "1|2", "Area|Mean", &[]);
    holds("3\t1\n0\t4\n", &data, "", "", &[]);
}

#[test]
fn svmlight() {
    let text = "# made by hand\n+1 qid:7 1:0.5 3:2 # note\n-1\n0 2:4\n";
    let AnyTable::Sparse(table) = read(text).unwrap() else { panic!("svmlight is sparse") };
    assert_eq!((table.nrows(), table.ncols(), table.nnz()), (3, 3, 3));
    assert_eq!(table.remarks(), [Remark::TargetsLeftOut { counted_from: 1 }]);
    let many = "1 1:1\n".repeat(30) + "1 1:x\n";
    fails(&many, &["line 31, field 2", "'1:x' is not a number"]);
    assert!(read("1 99999999999:1\n").is_err() && read("1 4294967295:1\n").is_err());
}

#[test]
fn options_that_do_not_apply_are_errors() {
    let options = ReadOptions { decimal: Some(Decimal::Comma), ..ReadOptions::default() };
    let market = "%%MatrixMarket matrix coordinate integer general\n1 1 1\n1 1 1\n";
    assert!(matches!(read_with(market, &options), Err(IoError::NotForThis { .. })));
    let options = ReadOptions { drop: vec!["a".into()], ..ReadOptions::default() };
    assert!(matches!(read_with(market, &options), Err(IoError::NotForThis { .. })));
    assert!(matches!(read_with("1 1:1\n", &options), Err(IoError::NotForThis { .. })));
    assert!(matches!(read_with("", &options), Err(IoError::NoColumn { .. })));
}

#[test]
fn what_is_no_text() {
    for bytes in [&b"1\x002\n"[..], b"\x01\x02\x03"] {
        assert!(matches!(read(bytes), Err(IoError::UnknownFormat { .. })), "{bytes:?}");
    }
    for (bytes, word) in [
        (&b"PAR1...."[..], "Parquet"),
        (b"ARROW1\0\0", "Arrow"),
        (b"MATLAB 5.0 MAT-file", "MATLAB"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0", "save it as xlsx or csv"),
    ] {
        let error = read(bytes).unwrap_err().to_string();
        assert!(error.contains(word), "{error}");
    }
}

/// Longer than a block, cut by several threads: as one line after another.
#[test]
fn long_tables_are_read_in_order() {
    use std::fmt::Write;
    let (rows, cols) = (150_000_usize, 8_usize);
    let value = |i: usize, j: usize| ((i * 31 + j * 17) % 1000) as f64 / 8.0;
    for quote in [false, true] {
        let mut text = "row,a,b,c,d,e,f,g,h\n".to_owned();
        for i in 0..rows {
            if quote && i % 1000 == 7 {
                write!(text, "\"r,\n{i}\"").unwrap();
            } else {
                write!(text, "r{i}").unwrap();
            }
            (0..cols).for_each(|j| write!(text, ",{}", value(i, j)).unwrap());
            text.push('\n');
        }
        let AnyTable::Dense(table) = read(&text).unwrap() else { panic!("dense") };
        assert_eq!((table.nrows(), table.ncols()), (rows, cols));
        let data: Vec<f64> = (0..rows).flat_map(|i| (0..cols).map(move |j| value(i, j))).collect();
        assert!(table.data() == data);
        let name = |i: usize| if quote && i % 1000 == 7 { format!("r,\n{i}") } else { format!("r{i}") };
        assert!(table.row_names().unwrap().iter().enumerate().all(|(i, found)| *found == name(i)));
        let last = rows - 1;
        let breaks = if quote { (last - 7).div_ceil(1000) as u64 } else { 0 };
        assert_eq!(table.locate(last, 0).line, Some(rows as u64 + 1 + breaks));
        // and an error where it is
        let bad = text.replacen("\nr140001,", "\nr140001,x", 1);
        let error = read(&bad).unwrap_err().to_string();
        let line = 140_003 + if quote { 140 } else { 0 };
        assert!(error.contains(&format!("line {line}, field 2 (row 140001 \"r140001\"")), "{error}");
    }
}
