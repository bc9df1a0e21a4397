#!/usr/bin/env python3
"""Write scikit-learn's vocabularies, counts and tf-idf weights, which crates/text/tests compare with.

    .venv/bin/python scripts/text_reference.py DIR          of a real corpus: the sources and texts that the installed
                                                            Python packages ship, each file a document
    .venv/bin/python scripts/text_reference.py --every N DIR  of every Nth of these files
    .venv/bin/python scripts/text_reference.py --small DIR  of a few documents in many scripts, and what Python takes for
                                                            word characters and lower case: crates/text/tests/data

    ORTHANT_TEXT_REFERENCE=DIR cargo test -p orthant-text --test sklearn -- --nocapture

compares with the real corpus; without the variable the same test compares with the small one.

DIR gets `documents.json`, a list of {"path": …} or {"text": …}, and `cases.json`, a list with one entry a case:

    name       what it is called
    options    those of CountVectorizer or TfidfVectorizer that are not their defaults; integers are counts, numbers with
               a point shares
    weights    whether it is a TfidfVectorizer; else a CountVectorizer
    fit        the vectoriser was fitted to so many documents, from the first; all are transformed

and for each case the folder of its name with `terms.json`, the matrix of scipy's csr_array as `indptr.npy`, `indices.npy`
and `data.npy`, and, where it has them, `idf.npy`. With --small all of this is in one file, `small.json`, matrices and all.

Where max_features leaves terms out, numpy's sort decides between equally frequent ones, differently from processor to
processor. So the limit is lowered until none that is kept is as frequent as one that is not.

`unicode.json` has, for this Python, lists of code points, each list as [first, last, first, last, …]: those that are
`assigned`, that are `word` characters, `cased` (a Σ after them alone is final) and `between` (a Σ before them and a
letter is not final); and `lower`, the pairs of a code point and its lower case where they differ.
"""

import argparse
import json
import pathlib
import re
import sys
import unicodedata

import numpy as np
import sklearn
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer

SMALL = [
    "the the the cat cat dog und und die der it is is is",
    "The quick brown fox jumps over the lazy dog, und der Fuchs springt über die Katze and the cat.",
    "The cat sat on the mat; the mat was flat. It's 9 o'clock, isn't it?",
    "Der Fluß fließt über die Straße, und die STRASSE ist naß. Größe: 12 m² (x²y), Öl.",
    "Ο ΟΔΥΣΣΕΥΣ και ο Σίσυφος. ΣΑΣ ΕΙΠΑ: ο σοφός, οι σοφοί. ΟΔΟΣ",
    "İstanbul'da İYİ ılık IŞIK var. DİYARBAKIR'da da var, iyi.",
    "中文分词 是 一个 问题。日本語のテキスト、カタカナ ひらがな 한국어 텍스트",
    "हिन्दी में कमल और नमक। कमल जल में है, १२३ बार",
    "__init__ self.x_1 = foo_bar(_private, 3.14, 1e-5) # snake_case CamelCase foo_bar",
    "H₂O x² ½ ⅷ Ⅷ ١٢٣ ①② ª º ʰʲ ǅ ŉ ﬁn ﬃ",
    "naïve café cafe\u0301 Ångström A\u030angström e\u0301te\u0301 soft\u00adhyphen zero\u200bwidth no\u00a0break",
    "Ёлка и ёж, съешь ещё этих мягких ФРАНЦУЗСКИХ булок: ёж да ЁЖ",
    "שלום עולם, שָׁלוֹם. مرحبا بالعالم، مَرْحَبًا. ไทย ภาษาไทย עולם",
    "𝐛𝐨𝐥𝐝 𝟙𝟚 𐐀𐐁 𐐨𐐩 😀😀 a😀b ab😀cd 𠮷野家 🇩🇪",
    "",
    "a b c . , ! ?",
    "The quick brown fox jumps over the lazy dog, und der Fuchs springt über die Katze und the cat.",
]
STOP_WORDS = ["the", "und", "der", "die", "is", "it", "self", "return", "if", "in", "of"]
# the default pattern, but for runs of digits
NO_NUMBERS = r"(?u)\b(?!\d+\b)\w\w+\b"


def grid(documents):
    """The cases: name, options, whether weights, and how many documents the fit has."""
    n, most = len(documents), len(documents) * 3 // 4
    cases = [
        ("counts", {}, False, n),
        ("lowercase", {"lowercase": False}, False, n),
        ("min_count", {"min_df": 2}, False, n),
        ("min_share", {"min_df": 0.1}, False, n),
        ("max_count", {"max_df": 3}, False, n),
        ("max_share", {"max_df": 0.2}, False, n),
        ("exact_share", {"min_df": 2 / n, "max_df": 5 / n}, False, n),
        ("both", {"min_df": 2, "max_df": 0.5}, False, n),
        ("features", {"max_features": 1000}, False, n),
        ("few_features", {"max_features": 7, "min_df": 2, "max_df": 0.9}, False, n),
        ("stop_words", {"stop_words": STOP_WORDS}, False, n),
        ("new_counts", {"min_df": 2}, False, most),
        ("tfidf", {}, True, n),
        ("sublinear", {"sublinear_tf": True}, True, n),
        ("rough", {"smooth_idf": False}, True, n),
        ("no_idf", {"use_idf": False}, True, n),
        ("l1", {"norm": "l1"}, True, n),
        ("no_norm", {"norm": None}, True, n),
        ("bare", {"norm": None, "use_idf": False, "sublinear_tf": True}, True, n),
        ("usual", {"min_df": 2, "max_df": 0.95, "max_features": 500, "stop_words": STOP_WORDS}, True, n),
        ("new_tfidf", {"sublinear_tf": True, "smooth_idf": False, "min_df": 2}, True, most),
        ("bigrams", {"ngram_range": (1, 2)}, False, n),
        ("trigrams", {"ngram_range": (1, 3), "stop_words": STOP_WORDS, "min_df": 2}, True, n),
        ("new_bigrams", {"ngram_range": (1, 2), "stop_words": STOP_WORDS}, True, most),
        ("no_numbers", {"token_pattern": NO_NUMBERS}, False, n),
        ("usual_bigrams", {"ngram_range": (1, 2), "token_pattern": NO_NUMBERS, "stop_words": STOP_WORDS}, False, n),
    ]
    return cases


def without_ties(options, documents):
    """The options, with max_features lowered to where the next term is less frequent."""
    if "max_features" not in options:
        return options
    all_terms = CountVectorizer(**{**options, "max_features": None})
    found = np.sort(np.asarray(all_terms.fit_transform(documents).sum(axis=0)).ravel())[::-1]
    limit = min(options["max_features"], len(found))
    while 0 < limit < len(found) and found[limit - 1] == found[limit]:
        limit -= 1
    if limit == 0:
        sys.exit(f"all terms are equally frequent with {options}")
    return {**options, "max_features": limit}


def run(documents):
    """Every case with its terms, matrix and idf."""
    for name, options, weights, fit in grid(documents):
        options = without_ties(options, documents[:fit])
        vectorizer = (TfidfVectorizer if weights else CountVectorizer)(**options)
        matrix = vectorizer.fit(documents[:fit]).transform(documents)
        matrix.sort_indices()
        idf = vectorizer.idf_ if weights and options.get("use_idf", True) else None
        case = {"name": name, "options": options, "weights": weights, "fit": fit}
        yield case, vectorizer.get_feature_names_out().tolist(), matrix, idf


def small(out):
    cases = []
    for case, terms, matrix, idf in run(SMALL):
        case |= {"terms": terms, "idf": None if idf is None else idf.tolist()}
        case |= {key: getattr(matrix, key).tolist() for key in ("indptr", "indices", "data")}
        cases.append(case)
    listing = {"sklearn": sklearn.__version__, "documents": [{"text": text} for text in SMALL], "cases": cases}
    write(out / "small.json", listing)
    write(out / "unicode.json", unicode())


def write(path, listing):
    # one entry a line
    lines = [f"{json.dumps(key)}: {entries(value)}" for key, value in listing.items()]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def entries(value):
    if not (isinstance(value, list) and value and isinstance(value[0], dict)):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return "[\n" + ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in value) + "\n]"


def unicode():
    points = [p for p in range(sys.maxunicode + 1) if not 0xD800 <= p < 0xE000]
    word = re.compile(r"\w")

    def ranges(holds):
        out = []
        for p in filter(holds, points):
            if out and out[-1] == p - 1:
                out[-1] = p
            else:
                out += [p, p]
        return out

    return {
        "python": sys.version.split()[0],
        "unicode": unicodedata.unidata_version,
        "assigned": ranges(lambda p: unicodedata.category(chr(p)) != "Cn"),
        "word": ranges(lambda p: word.match(chr(p))),
        "cased": ranges(lambda p: (chr(p) + "Σ").lower().endswith("ς")),
        "between": ranges(lambda p: ("αΣ" + chr(p) + "α").lower().startswith("ασ")),
        "lower": [[p, chr(p).lower()] for p in points if chr(p).lower() != chr(p)],
    }


def real(out, every):
    packages = pathlib.Path(sklearn.__file__).parent.parent
    listing, documents, seen = [], [], 0
    for path in sorted(packages.rglob("*")):
        if path.suffix not in {".py", ".pyi", ".pyx", ".pxd", ".rst", ".txt", ".md", ".csv"} or not path.is_file():
            continue
        seen += 1
        if seen % every:
            continue
        try:
            text = path.read_bytes().decode("utf-8")
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            listing.append({"path": str(path)})
            documents.append(text)
    (out / "documents.json").write_text(json.dumps(listing))
    cases = []
    for case, terms, matrix, idf in run(documents):
        folder = out / case["name"]
        folder.mkdir(exist_ok=True)
        (folder / "terms.json").write_text(json.dumps(terms))
        for key in ("indptr", "indices", "data"):
            np.save(folder / f"{key}.npy", getattr(matrix, key))
        if idf is not None:
            np.save(folder / "idf.npy", idf)
        cases.append(case)
        print(f"{case['name']}: {matrix.shape[0]} documents, {matrix.shape[1]} terms, {matrix.nnz} entries", flush=True)
    (out / "cases.json").write_text(json.dumps(cases))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", metavar="DIR", type=pathlib.Path)
    parser.add_argument("--small", action="store_true", help="the documents in many scripts, and the Unicode tables")
    parser.add_argument("--every", metavar="N", type=int, default=1, help="of the real corpus, every Nth file")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    if arguments.small:
        small(arguments.out)
    else:
        real(arguments.out, arguments.every)


if __name__ == "__main__":
    main()
