//! The laws, with their numbers, their tolerances and where they are tested: the table of this crate's README.

/// What must be true of every fit.
#[derive(Clone, Copy, Debug)]
pub struct Law {
    /// Its numbers, which the documentation of its tests begins with; none where it has no number.
    pub numbers: &'static [u32],
    /// What it says.
    pub states: &'static str,
    /// How nearly it holds.
    pub tolerance: &'static str,
    /// The modules of `tests/laws` that test it, or names from [`ELSEWHERE`].
    pub modules: &'static [&'static str],
}

/// Tests that are not in a module of `tests/laws`: what [`Law::modules`] calls them, and their files from this crate's
/// folder. Those without files bear no numbers.
pub const ELSEWHERE: &[(&str, &[&str])] = &[
    ("allocations", &["tests/allocations.rs"]),
    ("the oracles' own tests", &["src/oracle.rs", "src/divergences.rs"]),
    ("the pass's own tests", &["../orthant/src/iterate/tests.rs"]),
    ("the kernels' own tests", &[]),
];

/// Numbers without a law here, and why.
pub const NOT_HERE: &[(u32, &str)] =
    &[(10, "scikit-learn's violation is not monotone, so that nothing may rely on it")];

/// The table in Markdown.
pub fn table() -> String {
    let mut text = String::from("| # | law | tolerance | where |\n|---|---|---|---|\n");
    for law in LAWS {
        let (numbers, modules) = (listed(law.numbers), law.modules.join(", "));
        for cell in [numbers.as_str(), law.states, law.tolerance, &modules] {
            text.push_str("| ");
            text.push_str(&cell.replace('|', "\\|"));
            text.push_str(if cell.is_empty() { "" } else { " " });
        }
        text.push_str("|\n");
    }
    text.push_str("\nNumbers without a law here: ");
    let reasons: Vec<String> = NOT_HERE.iter().map(|(number, why)| format!("{number} ({why})")).collect();
    text + &reasons.join(", ") + ".\n"
}

/// Numbers, three or more that follow each other as a range.
fn listed(numbers: &[u32]) -> String {
    let runs = numbers.chunk_by(|a, b| a + 1 == *b);
    let texts: Vec<String> = runs
        .flat_map(|run| match run {
            [first, _, .., last] => vec![format!("{first}–{last}")],
            _ => run.iter().map(u32::to_string).collect(),
        })
        .collect();
    texts.join(", ")
}

/// All of them, in the order of the table.
pub const LAWS: &[Law] = &[
    Law {
        numbers: &[1],
        states: "W, H ≥ 0 and finite after every step",
        tolerance: "exact",
        modules: &["steps", "divergences", "minibatch", "random"],
    },
    Law {
        numbers: &[2],
        states: "coordinate descent (cd, hals, in a drawn order): √F does not rise, whatever the penalties",
        tolerance: "64ε‖V‖",
        modules: &["descent", "shuffle"],
    },
    Law {
        numbers: &[3],
        states: "a half-step of anls is the lowest of all sets of components, each by Gaussian elimination; \
            k to 6",
        tolerance: "1e-9‖v‖² a row",
        modules: &["exact"],
    },
    Law {
        numbers: &[],
        states: "anls and pg: F does not rise, whatever the penalties",
        tolerance: "1e-13‖V‖²",
        modules: &["exact"],
    },
    Law {
        numbers: &[4, 6],
        states: "multiplicative updates, β = 2: the same from a positive start, L1 and L2 in the \
            denominator included",
        tolerance: "64ε‖V‖",
        modules: &["descent"],
    },
    Law {
        numbers: &[4, 6],
        states: "mm, every β: F does not rise whatever the penalties, while P is clear of the floors",
        tolerance: "64ε × Σ|terms of F|",
        modules: &["divergences"],
    },
    Law {
        numbers: &[5],
        states: "mu, every β: the same with L1; with L2 for β ≥ 2 (for β < 2 see fault 43)",
        tolerance: "64ε × Σ|terms of F|",
        modules: &["divergences"],
    },
    Law {
        numbers: &[7],
        states: "joint-mm: F does not rise, whatever the penalties and in every layout, while P is clear of \
            the floors",
        tolerance: "64ε × Σ|terms of F|",
        modules: &["divergences"],
    },
    Law {
        numbers: &[8],
        states: "newton: F does not rise, whatever the penalties, from starts near and far, dense and \
            sparse, while P is clear of the floor; W, H ≥ 0 (1); reported losses are the oracle's (45)",
        tolerance: "64ε × Σ|terms of F|",
        modules: &["newton"],
    },
    Law {
        numbers: &[11, 14, 15],
        states: "newton: V·4^p moves exponents only; permuting rows and columns permutes the result",
        tolerance: "bitwise; 1e-9 a step",
        modules: &["newton"],
    },
    Law {
        numbers: &[17, 20, 21, 47],
        states: "newton: a step in every layout, dense and sparse, is that of plain loops with WH computed \
            anew for every coordinate",
        tolerance: "1e-9 a step (p is moved along)",
        modules: &["newton"],
    },
    Law {
        numbers: &[27, 38, 39],
        states: "newton: f32 ends near f64; a converged fit is stationary, and without penalties WH adds up \
            as V does; weights for a given H fit as well as `transform`'s, which shares no code",
        tolerance: "1e-3; √tol, 1e-5; 1e-9",
        modules: &["newton"],
    },
    Law {
        numbers: &[9],
        states: "extrapolated: an iteration is restarted where its objective is above the best, and only \
            there; the best is returned; restarts in f32 are rises in f64 too; a compressed start is no \
            worse than the start",
        tolerance: "4ε‖V‖², law 45's between objectives",
        modules: &["acceleration"],
    },
    Law {
        numbers: &[9],
        states: "extrapolated divergences: the same; what is returned is the last that was accepted, and \
            its objective is the oracle's",
        tolerance: "8ε·Σv^β in f64, 16ε²·Σv^β in f32; bitwise; 16(k + 4)ε × Σ|terms of F|, at least 1e-12",
        modules: &["extrapolated"],
    },
    Law {
        numbers: &[],
        states: "sparse data: what starts on a sample of the rows has the same bits on any threads, the \
            same sample by columns, and takes at most half of the passes to 0.2 %; it is given up where a \
            component is left without entries",
        tolerance: "bitwise; by columns F 1e-5 after 5 iterations",
        modules: &["acceleration"],
    },
    Law {
        numbers: &[],
        states: "the default ends no higher than 1000 passes of HALS (means of four seeds; of ten in `--long`) in at most a half \
            (planted, strokes: a third) of its passes",
        tolerance: "0.2 %",
        modules: &["acceleration"],
    },
    Law {
        numbers: &[11],
        states: "V·4^p gives W·2^p, H·2^p and the same number of iterations; generated starts, no penalty; \
            for β ≠ 2 mm, scaled starts too",
        tolerance: "bitwise, but for products that underflow",
        modules: &["scaling", "divergences"],
    },
    Law {
        numbers: &[12],
        states: "V·c gives F·c^β (hals, extrapolated or not, mm)",
        tolerance: "1e-10 × the size of V, f64, 20 steps",
        modules: &["scaling", "divergences"],
    },
    Law {
        numbers: &[13],
        states: "multiplicative updates keep zeros",
        tolerance: "exact",
        modules: &["steps", "divergences", "minibatch"],
    },
    Law {
        numbers: &[14, 15],
        states: "permuting rows or columns of V and the start permutes the result",
        tolerance: "1e-12 a step",
        modules: &["steps", "divergences"],
    },
    Law {
        numbers: &[16],
        states: "multiplicative updates: permuting components permutes the result",
        tolerance: "1e-12 a step",
        modules: &["divergences"],
    },
    Law {
        numbers: &[17],
        states: "the transpose, with start and penalties swapped, goes through the transposed factors",
        tolerance: "1e-11 a step",
        modules: &["steps", "divergences"],
    },
    Law {
        numbers: &[17],
        states: "column-major data follows W₁, H₁, W₂, … as row-major data does",
        tolerance: "1e-12 a step",
        modules: &["steps", "divergences"],
    },
    Law {
        numbers: &[18],
        states: "components rescaled by powers of two stay so, and the loss does not change",
        tolerance: "bitwise",
        modules: &["steps", "divergences"],
    },
    Law {
        numbers: &[19],
        states: "balancing components keeps WH and shares the weight",
        tolerance: "8ε",
        modules: &["starts"],
    },
    Law {
        numbers: &[20, 21],
        states: "sparse data gives what dense data gives, by rows and by columns: a step of every method \
            from any start; a whole fit's objective; starts; weights for a given H; mini-batches. On \
            skewed, long, wide, empty and single lines, summed in lanes and through the transpose",
        tolerance: "a step 1e-12, in f32 as 27; F 1e-6; starts 1e-14 where drawn, 1e-9 from an SVD; weights \
            1e-7; batches 1e-10",
        modules: &["steps", "transforms"],
    },
    Law {
        numbers: &[22, 23],
        states: "block size and number of threads do not matter, dense or sparse (at least 8 lanes of at \
            least 3 blocks)",
        tolerance: "bitwise",
        modules: &["determinism", "minibatch"],
    },
    Law {
        numbers: &[22, 23],
        states: "the same of sparse data with a full column in few long lanes, and with a few rows that \
            hold most entries; and of every start",
        tolerance: "bitwise",
        modules: &["determinism"],
    },
    Law {
        numbers: &[24],
        states: "instruction sets agree",
        tolerance: "",
        modules: &["the kernels' own tests"],
    },
    Law {
        numbers: &[25],
        states: "data that is read when it is needed has the bits of the same data in memory, on any number of threads",
        tolerance: "exact",
        modules: &["out_of_core", "out_of_core_sparse"],
    },
    Law {
        numbers: &[26],
        states: "a fit that several ranks share has the bits of one process that reads the same data, on any number of ranks",
        tolerance: "bitwise",
        modules: &["ranks"],
    },
    Law {
        numbers: &[27],
        states: "f32 is near f64",
        tolerance: "64kε a step (for β ≠ 2 64(k + 4)(1 + |β − 2|)ε), F of a whole fit 1e-3",
        modules: &["steps", "divergences"],
    },
    Law {
        numbers: &[30],
        states: "a fit that is gone on with from a checkpoint is the fit without a break, on any number of threads",
        tolerance: "bitwise",
        modules: &["checkpoints", "out_of_core", "out_of_core_sparse", "ranks"],
    },
    Law {
        numbers: &[31],
        states: "the same seed gives the same bits, also beside other fits",
        tolerance: "bitwise",
        modules: &["determinism", "shuffle", "minibatch"],
    },
    Law {
        numbers: &[32],
        states: "`transform`: a row does not depend on the others",
        tolerance: "bitwise",
        modules: &["transforms", "steps"],
    },
    Law {
        numbers: &[33],
        states: "and is stationary",
        tolerance: "the tolerance asked for",
        modules: &["transforms"],
    },
    Law {
        numbers: &[34],
        states: "and fits no worse than the fit's own W",
        tolerance: "1e-7‖V‖²",
        modules: &["transforms"],
    },
    Law {
        numbers: &[35],
        states: "V = WH with well-conditioned H gives W back",
        tolerance: "1e-8",
        modules: &["transforms"],
    },
    Law {
        numbers: &[32, 33, 34, 35],
        states: "the same for Kullback–Leibler, Itakura–Saito and β = 1.5: independent rows; stationary; no \
            other weights fit better (β from 1 to 2); an exact product gives its weights back",
        tolerance: "bitwise; the tolerance asked for, but where k > n or data spread over decades; \
            1e-12·Σv^β; 1e-6",
        modules: &["exact"],
    },
    Law {
        numbers: &[36],
        states: "a larger penalty fits less and weighs less",
        tolerance: "1e-10·Σv^β",
        modules: &["exact"],
    },
    Law {
        numbers: &[37],
        states: "an L1 weight above every entry of VHᵀ gives W = 0",
        tolerance: "exact",
        modules: &["exact"],
    },
    Law {
        numbers: &[38],
        states: "a converged fit is stationary, by the oracle's gradient, and says how much",
        tolerance: "√tol",
        modules: &["descent", "divergences"],
    },
    Law {
        numbers: &[38],
        states: "extrapolated divergences: the same, though the last step was from where the factors had \
            been extrapolated to",
        tolerance: "3√tol",
        modules: &["extrapolated"],
    },
    Law {
        numbers: &[39],
        states: "Σp^(β−1)(p − v) = 0 for a converged fit without penalties",
        tolerance: "1e-4",
        modules: &["descent", "divergences"],
    },
    Law {
        numbers: &[40],
        states: "KL without penalties: rows of WH add up as V's after the update of W, columns after that \
            of H",
        tolerance: "1e-12",
        modules: &["divergences"],
    },
    Law {
        numbers: &[41],
        states: "successive projection is exact on separable data",
        tolerance: "1e-8",
        modules: &["starts"],
    },
    Law {
        numbers: &[42, 43],
        states: "a unique factorisation (Laurberg et al.) is found by every exact fit",
        tolerance: "1e-6",
        modules: &["divergences"],
    },
    Law {
        numbers: &[44],
        states: "from nested starts a further component does not raise F",
        tolerance: "1e-9 × Σ|terms of F|",
        modules: &["divergences"],
    },
    Law {
        numbers: &[45],
        states: "reported losses are the oracle's",
        tolerance: "1e-10‖V‖² in f64, 64kε‖V‖² in f32; for β ≠ 2 by Σ|terms|",
        modules: &["descent", "divergences", "minibatch", "random"],
    },
    Law {
        numbers: &[45],
        states: "the same of data over twelve decades, by every method",
        tolerance: "128ε × Σ|terms|",
        modules: &["numbers"],
    },
    Law {
        numbers: &[46],
        states: "the oracle's gradient is its objective's finite difference, for every β",
        tolerance: "1e-6",
        modules: &["the oracles' own tests"],
    },
    Law {
        numbers: &[47],
        states: "one pass over V is the two-pass reference, in every layout, with the fused kernels and \
            with gemm",
        tolerance: "1e-12 a step",
        modules: &["steps", "divergences"],
    },
    Law {
        numbers: &[47],
        states: "extrapolated: every iteration's factors, objective and restart are the two-pass \
            reference's, by rows and by columns",
        tolerance: "1e-12 while the plain rule's, 1e-8 after 17 more",
        modules: &["acceleration"],
    },
    Law {
        numbers: &[47],
        states: "extrapolated divergences: the same of plain loops, in four layouts",
        tolerance: "objectives 1e-13 × Σ|terms of F|; WH 5e-11 in the first 12 extrapolated iterations",
        modules: &["extrapolated"],
    },
    Law {
        numbers: &[47],
        states: "W alone, with H given, is the naive iteration; a drawn order is swept in that order",
        tolerance: "1e-12 a step",
        modules: &["divergences", "shuffle"],
    },
    Law {
        numbers: &[28, 29],
        states: "an entry with the weight 0 is not observed, and one with the weight 1 is; a row with the weight 2 is \
            the row twice; where all weights are 1 a step is the plain one",
        tolerance: "bitwise; 1e-9 after 8 iterations; 1e-8",
        modules: &["lists"],
    },
    Law {
        numbers: &[50],
        states: "no bit of a fit depends on what stands at entries that are not observed; where all are, it is the plain fit",
        tolerance: "bitwise",
        modules: &["missing", "lists", "holdout"],
    },
    Law {
        numbers: &[],
        states: "a step with missing entries is that on data with WH in their place, or of each row by itself in plain loops; the \
            objective over what is observed falls, and its loss is told; limits are stationary; new rows are solved on the columns \
            that are observed",
        tolerance: "1e-9; 1e-9; kkt 2e-3; 1e-5",
        modules: &["missing", "lists"],
    },
    Law {
        numbers: &[23, 30],
        states: "fixed entries of W and H are kept to the bit, bounds are never passed, and F does not rise \
            within them; with H given the result is that of plain projected gradients; no slope that remains \
            points into the bounds; the same bits on any threads, and from a checkpoint",
        tolerance: "exact; 1e-9; 1e-10; 1e-9‖V‖",
        modules: &["known"],
    },
    Law {
        numbers: &[29],
        states: "a row or column of weight r counts as r that are the same, by every method for β > 0, with its penalty, in every layout, \
            with holes, known parts and given H, and in what observers see; weights of lines are weights of their entries; a line of \
            weight 0 has no part, and is solved by itself",
        tolerance: "1e-10; bitwise",
        modules: &["weights"],
    },
    Law {
        numbers: &[],
        states: "the folds hold each entry out once; a fit with entries held out is that of data in which they are missing, and its \
            loss over them that of plain loops",
        tolerance: "bitwise; 1e-9",
        modules: &["holdout"],
    },
    Law {
        numbers: &[48],
        states: "mini-batches: one batch of all rows without memory is the multiplicative update",
        tolerance: "1e-10, 3 steps",
        modules: &["minibatch"],
    },
    Law {
        numbers: &[49],
        states: "extrapolation by β = 0 is the plain rule",
        tolerance: "bitwise",
        modules: &["the pass's own tests"],
    },
    Law {
        numbers: &[51],
        states: "no fit has a smaller loss than the truncated singular value decomposition of its rank; of rank 1 \
            both are the same",
        tolerance: "1e-10‖V‖²; 1e-9‖V‖²",
        modules: &["bound"],
    },
    Law {
        numbers: &[52],
        states: "without penalties, from generated starts, by the library's own methods: rows of H sum to 1 \
            or are 0, components are in the order of their totals; in f64, for β > 0 and but for `als` no \
            entry of W is above 4·(the largest row sum of V)",
        tolerance: "4ε·n",
        modules: &["random", "numbers"],
    },
    Law {
        numbers: &[53],
        states: "no factor has a subnormal number",
        tolerance: "exact",
        modules: &["numbers"],
    },
    Law {
        numbers: &[],
        states: "iterations on a sketch of data of its rank are iterations on the data",
        tolerance: "1e-8",
        modules: &["acceleration"],
    },
    Law {
        numbers: &[],
        states: "an iteration allocates nothing from the second on, dense or sparse; but a worker, when it \
            first has something to do",
        tolerance: "exact",
        modules: &["allocations"],
    },
    Law {
        numbers: &[],
        states: "scikit-learn's steps, iterations, losses and starts",
        tolerance: "in its table",
        modules: &["parity"],
    },
];
