//! `orthant programs`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::common::{dir, file, listing, orthant, run};
use super::json;

const CELLS: usize = 80;
const GENES: usize = 50;

/// A number from 0 to 1 that goes with a place.
fn drawn(salt: u64, i: usize, j: usize) -> f64 {
    let mut x = salt ^ ((i as u64) << 32 | j as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    for _ in 0..3 {
        x = (x ^ x >> 31).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    }
    (x >> 11) as f64 / (1_u64 << 53) as f64
}

/// How much of cell i is of kind i mod 3; the rest is of kind 3, a program that cells of every kind can have.
fn share(i: usize) -> f64 {
    if i.is_multiple_of(4) { 0.4 } else { 1.0 }
}

/// Counts of cells of three kinds and a program. Genes 0 to 35 belong to a kind or to the program, the others to all; gene 49 and cell 79
/// have no count.
fn counts() -> Vec<Vec<u64>> {
    let count = |i: usize, j: usize| {
        if i == 79 || j == 49 {
            return 0;
        }
        let own = if j % 4 == i % 3 {
            share(i)
        } else if j % 4 == 3 {
            1.0 - share(i)
        } else {
            0.0
        };
        let mean =
            (0.5 + drawn(3, i, 0)) * (0.4 + drawn(2, 0, j)) * if j < 36 { 14.0 * own + 0.2 } else { 4.0 };
        let normal: f64 = (0..12).map(|u| drawn(100 + u, i, j)).sum::<f64>() - 6.0;
        (mean + mean.sqrt() * normal).round().max(0.0) as u64
    };
    (0..CELLS).map(|i| (0..GENES).map(|j| count(i, j)).collect()).collect()
}

fn gene(j: usize) -> String {
    format!("GENE{j}")
}

/// Counts as a table with names, as it is read by every tool.
fn table<T: ToString>(counts: &[Vec<T>]) -> String {
    let mut text = format!("cell\t{}\n", (0..counts[0].len()).map(gene).collect::<Vec<_>>().join("\t"));
    for (i, row) in counts.iter().enumerate() {
        text += &format!("c{i}\t{}\n", row.iter().map(T::to_string).collect::<Vec<_>>().join("\t"));
    }
    text
}

/// The lines of a tab-separated file by the name that they begin with, after that of its columns.
fn lines(path: &Path) -> (Vec<String>, BTreeMap<String, Vec<String>>) {
    let text = fs::read_to_string(path).unwrap();
    let cells = |line: &str| line.split('\t').map(str::to_owned).collect::<Vec<_>>();
    let mut all = text.lines().map(cells);
    let head = all.next().unwrap();
    (head, all.map(|mut line| (line.remove(0), line)).collect())
}

fn numbers(line: &[String]) -> Vec<f64> {
    line.iter().map(|cell| cell.parse().unwrap()).collect()
}

#[test]
fn planted_programs_are_found_with_their_genes() {
    let d = dir();
    let path = |name: &str| d.path().join(name);
    file(d.path(), "counts.tsv", table(&counts()));
    let ran = run(d.path(), "programs counts.tsv -k 3..5 -n 8 --genes 40 -o out --cnmf-names").ends(0);
    assert!(
        ran.out.starts_with(
            "counts.tsv: 80 cells × 50 genes; 1 cell and 1 gene without a count are left out; 40 genes are fitted, at unit \
             variance\ncounts.tsv: 79×40, float64, 24 fits and 36 with data held out (block); "
        ),
        "{}",
        ran.out
    );
    assert!(ran.out.contains("\nrecommended: k = 4: ") && ran.err.is_empty(), "{}{}", ran.out, ran.err);
    assert!(
        ran.out.contains("4 programs from 32 of 32 spectra with a density below 0.5\nprogram 0 ("),
        "{}",
        ran.out
    );
    let saved = "saved in out/k04: usages.tsv, spectra.tsv, spectra_tpm.tsv, scores.tsv, top_genes.tsv, density_histogram.tsv, W, H, \
                 report.json and the rest of `orthant pick`; and out/cNMF, as cNMF has it";
    assert!(ran.out.contains(saved), "{}", ran.out);

    // the genes of each program are those of a kind; cells use the program of their kind
    let (head, scores) = lines(&path("out/k04/scores.tsv"));
    assert_eq!(head.join(" "), "gene program_0 program_1 program_2 program_3");
    assert_eq!(scores.len(), 49);
    let (_, top) = lines(&path("out/k04/top_genes.tsv"));
    assert_eq!(top.len(), 49);
    let kinds: Vec<usize> = (0..4).map(|t| top["1"][t][4..].parse::<usize>().unwrap() % 4).collect();
    let mut sorted = kinds.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, [0, 1, 2, 3]);
    for place in 1..=7 {
        for (t, kind) in kinds.iter().enumerate() {
            let gene: usize = top[&place.to_string()][t][4..].parse().unwrap();
            assert!(gene < 36 && gene % 4 == *kind, "{place}: {gene}");
        }
    }
    let (_, usages) = lines(&path("out/k04/usages.tsv"));
    assert!(usages.len() == 79 && !usages.contains_key("c79"));
    for i in 0..79 {
        let usages = numbers(&usages[&format!("c{i}")]);
        let total: f64 = usages.iter().sum();
        for (t, &kind) in kinds.iter().enumerate() {
            let planted = if kind == i % 3 {
                share(i)
            } else if kind == 3 {
                1.0 - share(i)
            } else {
                0.0
            };
            assert!((usages[t] / total - planted).abs() < 0.35, "{i}: {usages:?}, {kinds:?}");
        }
    }
    let (_, spectra) = lines(&path("out/k04/spectra.tsv"));
    let sums = spectra.values().map(|line| numbers(line)[0]).sum::<f64>();
    assert!(spectra.len() == 40 && (sums - 1.0).abs() < 1e-9);
    let (head, genes) = lines(&path("out/genes.tsv"));
    assert_eq!(head.join(" "), "gene mean variance fano expected_fano fano_ratio fitted");
    assert_eq!(genes.values().filter(|line| line[5] == "yes").count(), 40);
    let (_, selection) = lines(&path("out/k_selection.tsv"));
    assert_eq!(selection.keys().cloned().collect::<Vec<_>>(), ["3", "4", "5"]);
    assert!(numbers(&selection["4"])[0] > 0.9 && numbers(&selection["3"])[1] > numbers(&selection["4"])[1]);
    let (_, histogram) = lines(&path("out/k04/density_histogram.tsv"));
    assert_eq!(histogram.values().map(|line| numbers(line)[1]).sum::<f64>(), 32.0);
    as_cnmf_has_it(&path("out"));
}

/// The same numbers under cNMF's names, with programs from 1 in rows.
fn as_cnmf_has_it(out: &Path) {
    let dir = out.join("cNMF");
    assert_eq!(
        listing(&dir).into_iter().filter(|name| !name.starts_with('.')).collect::<Vec<_>>(),
        [
            "cNMF.gene_spectra_score.k_4.dt_0_5.txt",
            "cNMF.gene_spectra_tpm.k_4.dt_0_5.txt",
            "cNMF.overdispersed_genes.txt",
            "cNMF.spectra.k_4.dt_0_5.consensus.txt",
            "cNMF.starcat_spectra.k_4.dt_0_5.txt",
            "cNMF.usages.k_4.dt_0_5.consensus.txt"
        ]
    );
    for (theirs, ours) in [
        ("gene_spectra_score.k_4.dt_0_5.txt", "scores.tsv"),
        ("gene_spectra_tpm.k_4.dt_0_5.txt", "spectra_tpm.tsv"),
        ("spectra.k_4.dt_0_5.consensus.txt", "spectra.tsv"),
    ] {
        let (head, by_program) = lines(&dir.join(format!("cNMF.{theirs}")));
        let (_, by_gene) = lines(&out.join("k04").join(ours));
        assert!(head[0].is_empty() && head.len() == by_gene.len() + 1);
        for (at, gene) in head[1..].iter().enumerate() {
            let column: Vec<&String> = (1..=4).map(|t| &by_program[&t.to_string()][at]).collect();
            assert!(column.into_iter().eq(&by_gene[gene]), "{theirs}: {gene}");
        }
    }
    let (head, usages) = lines(&dir.join("cNMF.usages.k_4.dt_0_5.consensus.txt"));
    assert_eq!(head, ["", "1", "2", "3", "4"]);
    assert_eq!(usages, lines(&out.join("k04/usages.tsv")).1);
    let genes = fs::read_to_string(dir.join("cNMF.overdispersed_genes.txt")).unwrap();
    let (head, reference) = lines(&dir.join("cNMF.starcat_spectra.k_4.dt_0_5.txt"));
    assert_eq!(head[1..].join("\n"), genes);
    assert_eq!(reference.keys().cloned().collect::<Vec<_>>(), ["GEP1", "GEP2", "GEP3", "GEP4"]);
}

/// The files of a folder by their names, but for those that say how long something took.
fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let names = listing(dir).into_iter().filter(|name| !name.starts_with('.'));
    let lasting = names.filter(|name| !["report.json", "model.safetensors"].contains(&&**name));
    lasting.map(|name| (name.clone(), fs::read(dir.join(name)).unwrap())).collect()
}

#[test]
fn a_folder_is_extended_and_picked_from_again() {
    let d = dir();
    let path = |name: &str| d.path().join(name);
    file(d.path(), "counts.tsv", table(&counts()));
    file(d.path(), "genes.txt", (0..40).rev().map(|j| gene(j) + "\n").collect::<String>());
    let args = "programs counts.tsv --genes-file genes.txt -n 5 -o out";
    run(d.path(), &format!("{args} -k 4 --holdout none --threads 1 --quiet")).ends(0);
    let (jobs, first) = (files(&path("out/jobs")), files(&path("out/k04")));
    assert!(jobs.len() == 5 && first.contains_key("usages.tsv"));
    // spectra are in the order of the file of genes
    assert!(String::from_utf8_lossy(&first["spectra.tsv"]).lines().nth(1).unwrap().starts_with("GENE39\t"));
    // more numbers of programs on more threads; those that are there stay
    let ran = run(d.path(), &format!("{args} -k 3..4 --holdout none --pick 3,4 --threads 2")).ends(0);
    assert!(ran.out.contains("saved in out/k03: ") && ran.out.contains("saved in out/k04: "), "{}", ran.out);
    let more = files(&path("out/jobs"));
    assert!(more.len() == 10 && jobs.iter().all(|(name, bytes)| more[name] == *bytes));
    assert_eq!(files(&path("out/k04")), first);
    assert_eq!(json(&path("out/study.json"))["table"].as_array().unwrap().len(), 2);
    // pick reads the counts again, prepares them and writes the same
    let ran = run(d.path(), "pick out -k 4 --density 0.5 -o picked").ends(0);
    assert!(ran.out.contains("density.csv, usages.tsv, spectra.tsv"), "{}", ran.out);
    assert_eq!(files(&path("picked")), first);
    let page = fs::read_to_string(path("out/report.html")).unwrap();
    assert!(page.contains("<pre>orthant programs counts.tsv"), "{page}");
    assert!(
        page.contains(" --genes-file genes.txt") && page.contains(" -k 3..4 -n 5 -o study</pre>"),
        "{page}"
    );
    // other genes are other data
    let ran = run(d.path(), "programs counts.tsv --genes 30 -k 4 -n 5 -o out").ends(1);
    assert!(ran.err.contains("the study there is another one"), "{}", ran.err);
}

#[test]
fn cells_in_columns_are_told_from_the_names_of_10x() {
    let d = dir();
    let path = |name: &str| d.path().join(name);
    let counts = counts();
    file(d.path(), "counts.tsv", table(&counts));
    let entries: Vec<String> = (0..CELLS)
        .flat_map(|i| (0..GENES).map(move |j| (i, j)))
        .filter(|&(i, j)| counts[i][j] > 0)
        .map(|(i, j)| format!("{} {} {}\n", j + 1, i + 1, counts[i][j]))
        .collect();
    fs::create_dir(path("tenx")).unwrap();
    let head =
        format!("%%MatrixMarket matrix coordinate integer general\n{GENES} {CELLS} {}\n", entries.len());
    file(&path("tenx"), "matrix.mtx", head + &entries.concat());
    file(&path("tenx"), "genes.tsv", (0..GENES).map(|j| format!("E{j}\t{}\n", gene(j))).collect::<String>());
    file(&path("tenx"), "barcodes.tsv", (0..CELLS).map(|i| format!("c{i}\n")).collect::<String>());
    let turned: Vec<Vec<u64>> = (0..GENES).map(|j| (0..CELLS).map(|i| counts[i][j]).collect()).collect();
    file(d.path(), "turned.tsv", table(&turned));
    let same = "-k 4 -n 3 --genes 40 --holdout none --no-report --quiet --pick 4";
    run(d.path(), &format!("programs counts.tsv {same} -o rows")).ends(0);
    let ran = run(d.path(), &format!("programs tenx {same} -o tenx_out")).ends(0);
    assert!(ran.err.is_empty(), "{}", ran.err);
    run(d.path(), &format!("programs turned.tsv --cells columns {same} -o columns")).ends(0);
    let (_, rows) = lines(&path("rows/k04/usages.tsv"));
    let (_, tenx) = lines(&path("tenx_out/k04/usages.tsv"));
    let (_, columns) = lines(&path("columns/k04/usages.tsv"));
    let near = |a: &[String], b: &[String]| {
        numbers(a).iter().zip(numbers(b)).all(|(a, b)| (a - b).abs() < 1e-3 * (1.0 + b.abs()))
    };
    // sparse sums round differently
    assert!(rows.len() == 79 && rows.iter().all(|(name, line)| near(&tenx[name], line)));
    // the names of a table that is turned are those of its edges
    assert!(rows.iter().all(|(name, line)| near(&columns[&name.replace('c', "GENE")], line)));
    run(d.path(), "pick tenx_out -k 4 --density 0.5 -o again --quiet").ends(0);
    assert_eq!(files(&path("again")), files(&path("tenx_out/k04")));
}

#[test]
fn what_goes_wrong_is_said() {
    let d = dir();
    let refused = |args: &str, code: i32, words: &[&str]| {
        let ran = run(d.path(), args).ends(code);
        assert!(words.iter().all(|words| ran.err.contains(words)), "{args}: {}", ran.err);
        assert_eq!(ran.err.lines().filter(|line| line.contains("error")).count(), 1, "{}", ran.err);
    };
    let counts = counts();
    let logs: Vec<Vec<f64>> =
        counts.iter().map(|row| row.iter().map(|&x| (x as f64).ln_1p()).collect()).collect();
    file(d.path(), "logs.tsv", table(&logs));
    let why = "is not a count, and a fraction is what logarithms or normalisation leave";
    refused(
        "programs logs.tsv -k 4 -n 2",
        1,
        &["logs.tsv: line 2, field ", "\"c0\"", why, "--layer", "--fractions"],
    );
    run(d.path(), "programs logs.tsv -k 4 -n 2 --fractions --holdout none --quiet").ends(0);
    let centred: Vec<Vec<f64>> = logs.iter().map(|row| row.iter().map(|x| x - 1.0).collect()).collect();
    file(d.path(), "centred.tsv", table(&centred));
    for args in ["", " --fractions"] {
        let args = format!("programs centred.tsv -k 4 -n 2{args}");
        refused(&args, 1, &["is not a count, and scaled or centred data is none"]);
    }
    file(d.path(), "counts.tsv", table(&counts));
    file(d.path(), "few.tsv", table(&counts[..6]));
    refused(
        "programs few.tsv -k 5..9 -n 2",
        1,
        &["few.tsv: 9 programs are more than the 6 cells that there are"],
    );
    refused("programs counts.tsv --genes 4 -k 5 -n 2", 1, &["5 programs are more than the 4 genes"]);
    file(d.path(), "zeros.tsv", table(&vec![vec![0_u64; 4]; 5]));
    refused("programs zeros.tsv -k 2 -n 2", 1, &["zeros.tsv: there is no count above 0 in the data"]);
    for (text, words) in [
        (
            "GENE1\nGENE7\nTP53\nMYC\n",
            "genes.txt: 2 of its 4 names are no genes of the counts, 'TP53' among them",
        ),
        ("GENE1\nGENE1\n", "genes.txt: 'GENE1' is there twice"),
        ("\n", "genes.txt: there is no name of a gene in it"),
        ("GENE49\n", "there is no count above 0 in the chosen genes"),
    ] {
        file(d.path(), "genes.txt", text);
        refused("programs counts.tsv -k 2 -n 2 --genes-file genes.txt", 1, &[words]);
    }
    refused("programs counts.tsv -k 2 -n 2 --genes-file nowhere.txt", 1, &["nowhere.txt: cannot be read: "]);
    refused(
        "programs counts.tsv -k 2 -n 2 --loss is",
        1,
        &["counts.tsv: row 0 \"c0\", column ", "needs every entry above 0"],
    );
    // every spectrum is left out: the fits are kept, and what to do is said
    let filtered = "programs counts.tsv -k 4 -n 3 --holdout none -o out --pick 4";
    refused(
        &format!("{filtered} --density-threshold 1e-9"),
        1,
        &[
            "k = 4: --density-threshold 0.000000001 leaves no spectrum of one of the programs",
            "(2 keeps all)",
        ],
    );
    assert_eq!(listing(&d.path().join("out/jobs")).len(), 3);
    run(d.path(), &format!("{filtered} --density-threshold 2 --quiet")).ends(0);
    let ran =
        run(d.path(), "programs counts.tsv -k 3,4 -n 3 --holdout none --pick 3,4 --density-threshold 1e-9")
            .ends(1);
    assert!(
        ran.err.contains("error: k = 3: --density") && ran.err.contains("; k = 4: --density"),
        "{}",
        ran.err
    );
    for (args, words) in [
        ("-k 4 --pick 5", "--pick 5 is none of the numbers of programs in -k"),
        ("-k 4 --transpose", "--cells columns or --cells rows"),
        ("-k 4 --missing nan", "--missing is not an option of programs"),
        ("-k 4 --observed counts.tsv", "programs takes no weights of entries"),
        ("-k 4 --vary resample", "starts, noise, rows and halves go with them"),
        ("-k 4 --holdout thin", "block goes with them"),
        ("-k 4 --density-threshold 3", "a number above 0 and of at most 2 is needed"),
        ("-k 4 --cnmf-names", "--out"),
        ("-k 4 -o x --cnmf-names=../y", "a name without a folder is needed"),
        ("-k 4 --genes 9 --genes-file genes.txt", "cannot be used with"),
    ] {
        let ran = orthant(d.path()).args(["programs", "counts.tsv"]).args(args.split(' ')).output().unwrap();
        let said = String::from_utf8(ran.stderr).unwrap();
        assert!(ran.status.code() == Some(2) && said.contains(words), "{args}: {said}");
    }
}

#[test]
fn what_is_unusual_is_said() {
    let d = dir();
    // numbers alone have no names, and there are fewer genes than the 2000 of the default
    let text = |row: &Vec<u64>| row.iter().map(u64::to_string).collect::<Vec<_>>().join(",") + "\n";
    file(d.path(), "bare.csv", counts().iter().map(text).collect::<String>());
    let ran = run(d.path(), "programs bare.csv -k 4 -n 3 --holdout none --pick 4 -o out").ends(0);
    for words in [
        "bare.csv: its cells and genes have no names, and are called by their numbers, from 0",
        "bare.csv: 49 of 2000 genes that were asked for are fitted, as 49 genes have counts",
    ] {
        assert!(ran.err.contains(words), "{}", ran.err);
    }
    let (head, usages) = lines(&d.path().join("out/k04/usages.tsv"));
    assert!(head[0] == "cell" && usages.contains_key("78") && !usages.contains_key("79"));
    file(d.path(), "genes.txt", "GENE1\n");
    let ran = run(d.path(), "programs bare.csv -k 1 -n 2 --genes-file genes.txt").ends(1);
    assert!(ran.err.contains("its genes have no names that --genes-file could choose"), "{}", ran.err);
    // cells without a count of a gene that is fitted
    let mut apart = counts();
    apart[7][..48].fill(0);
    apart[7][48] = 3;
    file(d.path(), "apart.tsv", table(&apart));
    file(d.path(), "genes.txt", (0..36).map(|j| gene(j) + "\n").collect::<String>());
    for loss in ["frobenius", "kl"] {
        let args = format!(
            "programs apart.tsv -k 4 -n 3 --loss {loss} --holdout none --pick 4 --genes-file genes.txt -o {loss}"
        );
        let ran = run(d.path(), &args).ends(0);
        let words =
            "apart.tsv: 1 cell has no count of a gene that is fitted, 'c7' among them: their usages are 0";
        assert!(ran.err.contains(words), "{}", ran.err);
        let (_, usages) = lines(&d.path().join(loss).join("k04/usages.tsv"));
        assert_eq!(numbers(&usages["c7"]), [0.0; 4]);
    }
    let ran = run(d.path(), "programs apart.tsv -k 4 -n 3 --explain").ends(0);
    assert!(ran.out.contains("3 fits and 12 with data held out (block)"), "{}", ran.out);
}
