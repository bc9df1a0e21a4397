//! The vocabulary, counts and weights of scikit-learn, which `scripts/text_reference.py` writes: of a few documents in many
//! scripts, which are kept here, or of a real corpus in the folder that `ORTHANT_TEXT_REFERENCE` names.
#![expect(clippy::print_stdout, reason = "a comparison with the real corpus shows what was compared")]

use std::fs;
use std::path::{Path, PathBuf};

use orthant::Csr;
use orthant_text::{Frequency, Norm, StopWords, Tokenizer, Vectorizer, Weighting};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Small {
    documents: Vec<Source>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Source {
    Text(String),
    Path(PathBuf),
}

#[derive(Deserialize)]
struct Case {
    name: String,
    options: serde_json::Map<String, Value>,
    weights: bool,
    fit: usize,
    #[serde(flatten)]
    expected: Option<Expected>,
}

#[derive(Deserialize)]
struct Expected {
    terms: Vec<String>,
    idf: Option<Vec<f64>>,
    indptr: Vec<i64>,
    indices: Vec<i64>,
    data: Vec<f64>,
}

impl Expected {
    /// What is in the folder of a case.
    fn read(folder: &Path, weights: bool) -> Self {
        let integers = |name: &str| array::<i32>(&folder.join(name)).into_iter().map(i64::from).collect();
        let data = folder.join("data.npy");
        let idf = folder.join("idf.npy");
        Self {
            terms: serde_json::from_slice(&fs::read(folder.join("terms.json")).unwrap()).unwrap(),
            idf: idf.exists().then(|| array(&idf)),
            indptr: integers("indptr.npy"),
            indices: integers("indices.npy"),
            data: match weights {
                true => array(&data),
                false => array::<i64>(&data).into_iter().map(|x| x as f64).collect(),
            },
        }
    }
}

fn array<T: npyz::Deserialize>(path: &Path) -> Vec<T> {
    npyz::NpyFile::new(&fs::read(path).unwrap()[..]).unwrap().into_vec().unwrap()
}

impl Case {
    fn vectorizer(&self) -> Vectorizer {
        let mut out = Vectorizer::default();
        if !self.weights {
            out.weighting = Weighting::counts();
        }
        let frequency = |value: &Value| value.to_string().parse::<Frequency>().unwrap();
        for (name, value) in &self.options {
            let flag = value.as_bool();
            match name.as_str() {
                "lowercase" => out.tokenizer.lowercase = flag.unwrap(),
                // what stands for --no-numbers in scikit-learn, which has no such option
                "token_pattern" => out.tokenizer.numbers = false,
                "ngram_range" => {
                    assert_eq!(value[0], 1);
                    out.ngrams = value[1].as_u64().unwrap() as usize;
                }
                "stop_words" => {
                    let words: Vec<String> = serde_json::from_value(value.clone()).unwrap();
                    out.stop_words = StopWords::new(words);
                }
                "min_df" => out.min_df = frequency(value),
                "max_df" => out.max_df = frequency(value),
                "max_features" => out.max_features = Some(value.as_u64().unwrap() as usize),
                "sublinear_tf" => out.weighting.sublinear_tf = flag.unwrap(),
                "smooth_idf" => out.weighting.smooth_idf = flag.unwrap(),
                "use_idf" => out.weighting.use_idf = flag.unwrap(),
                "norm" => {
                    out.weighting.norm = value.as_str().map(|norm| match norm {
                        "l1" => Norm::L1,
                        "l2" => Norm::L2,
                        other => panic!("norm {other}"),
                    });
                }
                other => panic!("option {other}"),
            }
        }
        out
    }

    /// The greatest deviation of a weight, relative where weights are above 1.
    fn check(&self, documents: &[String], expected: &Expected) -> f64 {
        let name = &self.name;
        let fitted = self.vectorizer().fit(&documents[..self.fit]).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(fitted.vocabulary().len(), expected.terms.len(), "{name}: terms");
        for (ours, theirs) in fitted.vocabulary().terms().iter().zip(&expected.terms) {
            assert_eq!(ours, theirs, "{name}: terms");
        }
        let mut most = 0.0_f64;
        let mut near = |ours: f64, theirs: f64, what: &dyn Fn() -> String| {
            let deviation = (ours - theirs).abs() / theirs.abs().max(1.0);
            assert!(deviation <= 1e-12, "{name}, {}: {ours}, {theirs} in scikit-learn", what());
            most = most.max(deviation);
        };
        for (j, &theirs) in expected.idf.iter().flatten().enumerate() {
            near(fitted.idf()[j], theirs, &|| format!("idf of {:?}", expected.terms[j]));
        }
        let counts = fitted.counts::<f64, _>(documents);
        let rows = if self.weights { fitted.tfidf(documents) } else { counts.clone() };
        let (n, m) = (expected.terms.len(), documents.len());
        let theirs =
            Csr::<f64>::new(m, n, &expected.indptr[..], &expected.indices[..], &expected.data[..]).unwrap();
        assert_eq!(rows.matrix.nnz(), theirs.nnz(), "{name}: entries");
        for i in 0..m {
            assert_eq!(rows.matrix.row_nnz(i), theirs.row_nnz(i), "{name}: entries of document {i}");
            assert_eq!(rows.empty.contains(&i), theirs.row_nnz(i) == 0, "{name}: document {i} is empty");
            for (((j, ours), (column, theirs)), (same, _)) in
                rows.matrix.row(i).zip(theirs.row(i)).zip(counts.matrix.row(i))
            {
                assert_eq!((j, same), (column, column), "{name}: columns of document {i}");
                match self.weights {
                    true => near(ours, theirs, &|| format!("document {i}, {:?}", expected.terms[j])),
                    false => assert_eq!(ours, theirs, "{name}, document {i}, {:?}", expected.terms[j]),
                }
            }
        }
        let single = fitted.tfidf::<f32, _>(documents);
        let double = fitted.tfidf::<f64, _>(documents);
        for i in 0..m {
            assert!(single.matrix.row(i).eq(double.matrix.row(i).map(|(j, x)| (j, x as f32))), "{name}: f32");
        }
        println!("{name}: {m} documents, {n} terms, {} entries, deviation {most:.1e}", theirs.nnz());
        most
    }
}

#[test]
fn numbers_are_scikit_learns() {
    let Some(folder) = std::env::var_os("ORTHANT_TEXT_REFERENCE").map(PathBuf::from) else {
        let small: Small = serde_json::from_str(include_str!("data/small.json")).unwrap();
        let documents = texts(small.documents);
        for case in &small.cases {
            case.check(&documents, case.expected.as_ref().expect("a matrix"));
        }
        assert_eq!(small.cases.len(), 26);
        return;
    };
    let read = |name| fs::read(folder.join(name)).unwrap();
    let documents = texts(serde_json::from_slice(&read("documents.json")).unwrap());
    let cases: Vec<Case> = serde_json::from_slice(&read("cases.json")).unwrap();
    for case in &cases {
        case.check(&documents, &Expected::read(&folder.join(&case.name), case.weights));
    }
    // a tenth of the corpus is asked for where time is short
    assert!(
        documents.len() > 300 && cases.len() == 26,
        "{} documents, {} cases",
        documents.len(),
        cases.len()
    );
}

fn texts(sources: Vec<Source>) -> Vec<String> {
    let text = |source| match source {
        Source::Text(text) => text,
        Source::Path(path) => fs::read_to_string(path).unwrap(),
    };
    sources.into_iter().map(text).collect()
}

#[derive(Deserialize)]
struct Unicode {
    assigned: Vec<u32>,
    word: Vec<u32>,
    cased: Vec<u32>,
    between: Vec<u32>,
    lower: Vec<(u32, String)>,
}

/// One flag for each code point.
fn flags(ranges: &[u32]) -> Vec<bool> {
    let mut out = vec![false; 0x110000];
    for range in ranges.chunks(2) {
        out[range[0] as usize..=range[1] as usize].fill(true);
    }
    out
}

/// Whether a Σ after and before a character is as in Python 3.11: all but for two characters whose categories were put right
/// since, in Unicode 15 (U+1171E) and 16 (U+0295).
fn sigma(c: char) -> (bool, bool) {
    match c {
        '\u{295}' => (false, false),
        '\u{1171e}' => (true, false),
        _ => (true, true),
    }
}

#[test]
fn characters_are_pythons() {
    let python: Unicode = serde_json::from_str(include_str!("data/unicode.json")).unwrap();
    let (assigned, word) = (flags(&python.assigned), flags(&python.word));
    let (cased, between) = (flags(&python.cased), flags(&python.between));
    let mut lower = python.lower.iter().map(|(p, text)| (*p, text.as_str())).peekable();
    let first = |tokenizer: Tokenizer, text: &str| {
        let mut found = None;
        tokenizer.each(text, |token| {
            found.get_or_insert_with(|| token.to_owned());
        });
        found
    };
    let plain = Tokenizer { lowercase: false, min_length: 1, numbers: true };
    let mut newer = 0;
    for p in 0..0x110000_u32 {
        let theirs = lower.next_if(|(q, _)| *q == p).map(|(_, text)| text);
        let Some(c) = char::from_u32(p) else { continue };
        let text = String::from(c);
        let ours = first(plain, &text).is_some();
        if !assigned[p as usize] {
            newer += usize::from(ours);
            continue;
        }
        assert_eq!(ours, word[p as usize], "U+{p:04X} is a word character");
        assert_eq!(text.to_lowercase(), theirs.unwrap_or(&text), "U+{p:04X} in lower case");
        let after = format!("{c}Σ").to_lowercase().ends_with('ς') == cased[p as usize];
        let before = format!("αΣ{c}α").to_lowercase().starts_with("ασ") == between[p as usize];
        assert_eq!((after, before), sigma(c), "Σ after and before U+{p:04X}");
    }
    println!("{newer} word characters are newer than Python's tables");
    assert!(python.lower.len() > 1000 && newer > 1000);
}
