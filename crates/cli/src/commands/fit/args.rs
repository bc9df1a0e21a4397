//! What can be typed, and what it asks for.

use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;
use orthant::{
    BatchOptions, Holdout, InitKind, Loss, Method, Options, Penalty, Products, Scale, Stop, Support, Update,
};
use orthant_io::Precision;

use crate::Failure;
use crate::args::{
    Limit, ReadArgs, at_least_one, at_least_zero, bytes, from_zero_to_one, held_out, limit, named, share,
    update,
};
use crate::checkpoint::CheckpointArgs;
use crate::entry_weights::WeightArgs;
use crate::factor_format::FormatArgs;
use crate::known::KnownArgs;
use crate::line_weights::LineWeightArgs;

/// Factorise a matrix
///
/// INPUT is npy (any real type, C or Fortran order), a table of text (csv, tsv and their kin, gct), a spreadsheet (xlsx,
/// ods), png or jpg (grey levels), or a folder of these (a picture in each row); or sparse: npz (scipy), mtx (Matrix Market), a 10x folder, h5ad (AnnData), h5 (10x), loom,
/// svmlight, or a table with --triplets. Any may be packed as .gz, .bz2, .xz, .zst or .zip; - is standard input. What a file
/// is, is found from its first bytes; what stands between the fields of a text, its decimal mark and its names, from its first
/// lines. Samples are rows, features columns, or the other way round with --transpose. Names in a first line or a first
/// column of a table, of cells and of genes, are kept.
///
/// Written to OUT: W.npy (one row of weights for each sample), H.npy (one component in each row), report.json (why
/// it stopped, the loss after every iteration, timings) and model.safetensors (for `orthant transform` and
/// `orthant reconstruct`); for data with names also W.csv and H.csv; --format chooses among these. All of them appear at the end, or none. An input that
/// lies under one of these names in OUT is an error.
///
/// Printed of data whose columns have names are the features that weigh most in each component, with their shares of it, as
/// `orthant show OUT` prints them again.
///
/// Ctrl-C ends the fit within a second and saves its best so far; a second one ends at once, and so does the first before an
/// iteration has ended. To go on from where a run was killed, keep it in a --checkpoint.
#[derive(Debug, clap::Args)]
#[command(override_usage = "orthant fit <INPUT> -k <K> -o <OUT> [OPTIONS]")]
#[command(after_help = "\
Examples:
  orthant fit counts.csv -k 16 -o out
  orthant fit X.npy -k 32 --alpha-w 0.01 --l1-ratio 1 --max-seconds 60 -o out
  orthant fit examples/six-by-two.csv -k 2 --solver cd --init random --seed 0 --print
  orthant fit words.csv -k 20 --loss kl -o topics        topics, from counts of words
  orthant fit ratings.csv --triplets -k 20 -o tastes     user, item, rating in each line
  orthant fit cells.h5ad --layer counts -k 20 --loss kl -o programs
  orthant fit cells.h5ad -k 20 -o out --write-obsm NMF   out/cells.h5ad: the same with W and H, for scanpy
  orthant fit filtered_feature_bc_matrix/ --transpose -k 20 -o programs
  orthant fit faces/ -k 16 -o parts                      a folder of pictures of one size
  orthant fit catalogue.csv -k 8 --loss kl --fixed-h known.csv -o signatures
                                                         five that are known, and three that are to be found
  orthant fit X.npy -k 8 --holdout 0.05 -o out          … and how well it predicts a twentieth of the entries
  orthant fit faces/ -k 16 -o parts --report             … and parts/report.html, a page to look at
  orthant fit photo.jpg --channels -k 40 -o photo        a picture in colour
  orthant fit power.npy -k 8 --loss is -o sources        sources, from power spectra
  orthant fit big.npy -k 50 --minibatch -o out           as MiniBatchNMF(50, random_state=0)
  orthant fit big.npy -k 50 --explain                    what it would do, and why
  orthant fit big.npy -k 50 -o out --checkpoint big.checkpoint --resume
                                                         go on where the last run was killed")]
pub struct FitArgs {
    /// The data: a table of text under any name, .npy, .xlsx, .ods, .png, .jpg, .npz, .mtx, .h5ad, .h5 or .loom, a folder of
    /// 10x or of pictures, or - for standard input
    input: PathBuf,
    /// Number of components
    #[arg(short = 'k', long = "components", value_name = "K", value_parser = at_least_one)]
    #[arg(allow_negative_numbers = true)]
    rank: usize,
    /// Directory for the results, made if need be
    #[arg(short, long = "out", value_name = "OUT", required_unless_present_any = ["print", "json", "explain"])]
    out: Option<PathBuf>,
    /// Write a copy of the h5ad file to OUT as well, with W as obsm[NAME], H transposed as varm[NAME] and the parameters as
    /// uns[NAME]: for scanpy
    #[arg(long, value_name = "NAME", requires = "out", conflicts_with = "explain")]
    write_obsm: Option<String>,
    #[command(flatten)]
    formats: FormatArgs,
    /// Write report.html to OUT as well: a page with the course of the loss, the components as pictures, curves or by their
    /// features, what samples are made of, and how to repeat the fit
    #[arg(long, requires = "out", conflicts_with = "explain")]
    report: bool,
    /// Print W and H, the iterations and the error, as numpy prints arrays
    #[arg(long)]
    print: bool,
    /// Print what report.json has, and nothing else: one object, for programs
    #[arg(long, conflicts_with_all = ["print", "explain", "top"])]
    json: bool,
    /// Print what would be done and why, with the memory it would take, and do nothing
    #[arg(long, conflicts_with_all = ["print", "minibatch", "start_w"])]
    explain: bool,
    /// Features to print of each component, those that weigh most in it; 0 is for no line on components [default: 8, and 0
    /// where the columns have no names]
    #[arg(long, value_name = "N", conflicts_with_all = ["quiet", "explain"])]
    top: Option<usize>,
    /// No progress bar and no summary
    #[arg(short, long)]
    quiet: bool,

    #[command(flatten)]
    how: HowArgs,
    #[command(flatten)]
    checkpoint: CheckpointArgs,
    #[command(flatten)]
    read: ReadArgs,
    /// Hold out this share of the entries, spread evenly over each row, and report how well the fit predicts them; of sparse data
    /// only with --missing zeros
    #[arg(long, value_name = "SHARE", value_parser = held_out, allow_negative_numbers = true)]
    #[arg(conflicts_with = "minibatch", help_heading = "Held-out entries")]
    holdout: Option<f64>,
    /// Which of the 1/SHARE sets that hold each entry out once, from 0 [default: 0]
    #[arg(long, value_name = "N", requires = "holdout", help_heading = "Held-out entries")]
    holdout_fold: Option<usize>,
    /// What the places of held-out entries are drawn by; not --seed, so that fits from other starts hold out the same [default: 0]
    #[arg(long, value_name = "N", requires = "holdout", help_heading = "Held-out entries")]
    holdout_seed: Option<u64>,
    #[command(flatten)]
    weights: WeightArgs,
    #[command(flatten)]
    lines: LineWeightArgs,
    #[command(flatten)]
    known: KnownArgs,
}

/// The options of a fit.
#[derive(Clone, Debug, clap::Args)]
pub struct HowArgs {
    /// What to minimise: frobenius (squares), kl (counts), is (power spectra; every entry above 0), or a β
    #[arg(long, value_name = "frobenius|kl|is|BETA", default_value_t = Loss::Frobenius)]
    #[arg(allow_negative_numbers = true, help_heading = "Method")]
    loss: Loss,
    /// The update: cd and mu are scikit-learn's, number for number; mu and mm take any loss, newton and joint-mm kl, the
    /// others frobenius [default: auto; with --minibatch mu]
    #[arg(long, value_parser = update(), help_heading = "Method")]
    solver: Option<Update>,
    /// Whether both factors go on from where they would be if they moved as in the last iteration, with restarts: fewer
    /// reads of the data to a loss, which can rise on the way (hals; newton and joint-mm; mm for any loss but
    /// frobenius; auto leaves it to the solver: on for --solver auto, off for the others)
    #[arg(long, value_enum, default_value_t = Extrapolate::Auto, conflicts_with = "minibatch")]
    #[arg(help_heading = "Method")]
    extrapolate: Extrapolate,
    /// Sweeps over each factor for each read of the data (hals and newton, and auto for frobenius and kl) [default: chosen
    /// from the shape for hals; newton takes 2, extrapolated 1]
    #[arg(long, value_name = "N", value_parser = at_least_one, allow_negative_numbers = true)]
    #[arg(conflicts_with = "minibatch", help_heading = "Method")]
    sweeps: Option<usize>,
    /// Improve the start on a sketch of the data first, or with auto find it on a sample of sparse data (auto and
    /// extrapolated hals only) [default: auto does where it pays]
    #[arg(long, overrides_with = "no_compress", help_heading = "Method")]
    compress: bool,
    /// Do not
    #[arg(long, overrides_with = "compress", help_heading = "Method")]
    no_compress: bool,
    /// Draw the order of the components anew for every half of an iteration (cd only)
    #[arg(long, help_heading = "Method")]
    shuffle: bool,
    /// Where to start: random, nndsvd, nndsvda and nndsvdar give scikit-learn's numbers for the same seed [default:
    /// scaled-random; with cd, mu and --minibatch nndsvda]
    #[arg(long, value_parser = named::<InitKind>(&InitKind::ALL.map(InitKind::name)))]
    #[arg(help_heading = "Method")]
    init: Option<InitKind>,
    /// W to start from, as --init custom; with --start-h
    #[arg(long, value_name = "FILE", requires = "start_h", help_heading = "Method")]
    start_w: Option<PathBuf>,
    /// H to start from, as --init custom; with --start-w
    #[arg(long, value_name = "FILE", requires = "start_w", help_heading = "Method")]
    start_h: Option<PathBuf>,
    /// How W and H share the size of a component: rows of H sum to 1 (h-sum), their largest entry is 1 (h-max), both have one
    /// norm (balanced), or as the fit ends (none); but for none the largest component comes first
    /// [default: h-sum; none with a penalty, a given start, cd, mu and --minibatch]
    #[arg(long, value_parser = named::<Scale>(&Scale::ALL.map(Scale::name)), help_heading = "Method")]
    scale: Option<Scale>,
    /// Seed of everything random
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = "Method")]
    seed: u32,

    /// Learn from some rows at a time, as scikit-learn's MiniBatchNMF: mu for any loss
    #[arg(long, help_heading = "Mini-batches")]
    minibatch: bool,
    /// Rows in a batch [default: 1024]
    #[arg(long, value_name = "N", value_parser = at_least_one, allow_negative_numbers = true)]
    #[arg(requires = "minibatch", help_heading = "Mini-batches")]
    batch_size: Option<usize>,
    /// What is left of the past after a pass over the data: 0 to 1 [default: 0.7]
    #[arg(long, value_name = "F", value_parser = from_zero_to_one, allow_negative_numbers = true)]
    #[arg(requires = "minibatch", help_heading = "Mini-batches")]
    forget_factor: Option<f64>,
    /// Solve for the weights of every batch anew instead of going on from the last pass
    #[arg(long, requires = "minibatch", help_heading = "Mini-batches")]
    fresh_restarts: bool,
    /// Stop after this many batches without improvement, or none to go on [default: 10]
    #[arg(long, value_name = "N|none", value_parser = limit, allow_negative_numbers = true)]
    #[arg(requires = "minibatch", help_heading = "Mini-batches")]
    max_no_improvement: Option<Limit>,

    /// Penalty on W, in scikit-learn's scaling
    #[arg(long, value_name = "A", value_parser = at_least_zero, allow_negative_numbers = true)]
    #[arg(help_heading = "Penalties")]
    alpha_w: Option<f64>,
    /// Penalty on H [default: the same as on W]
    #[arg(long, value_name = "A", value_parser = at_least_zero, allow_negative_numbers = true)]
    #[arg(help_heading = "Penalties")]
    alpha_h: Option<f64>,
    /// Share of L1, which makes entries zero, in both penalties: 0 is all L2 [default: 0]
    #[arg(long, value_name = "R", value_parser = share, allow_negative_numbers = true)]
    #[arg(help_heading = "Penalties")]
    l1_ratio: Option<f64>,

    /// Limit of iterations, with --minibatch of passes [default: 500; with cd, mu and --minibatch 200]
    #[arg(long, value_name = "N", value_parser = at_least_one, allow_negative_numbers = true)]
    #[arg(help_heading = "Stopping")]
    max_iter: Option<usize>,
    /// Tolerance of the solver's own stopping rule; 0 never stops early [default: 1e-5; with cd, mu and --minibatch
    /// 1e-4]
    #[arg(long, value_name = "T", value_parser = at_least_zero, allow_negative_numbers = true)]
    #[arg(help_heading = "Stopping")]
    tol: Option<f64>,
    /// The stopping rule: scikit-learn's for cd (violation; cd and hals alone) or for mu (error-decrease), or the fall of the
    /// objective (progress) [default: violation for cd, error-decrease for mu, progress for the others]
    #[arg(long, value_parser = named::<Stop>(&STOPS), conflicts_with = "minibatch", help_heading = "Stopping")]
    stop: Option<Stop>,
    /// Time limit of the fit, kept to a second; an error where it passes before an iteration has ended
    #[arg(long, value_name = "S", value_parser = at_least_zero, allow_negative_numbers = true)]
    #[arg(help_heading = "Stopping")]
    max_seconds: Option<f64>,

    /// Threads; the result is the same to the bit on any number [default: all cores]
    #[arg(long, value_name = "N", value_parser = at_least_one, allow_negative_numbers = true)]
    #[arg(help_heading = "Computing")]
    threads: Option<usize>,
    /// Single precision: half the memory [default: as the npy file has it, else double]
    #[arg(long, conflicts_with = "f64", help_heading = "Computing")]
    f32: bool,
    /// Double precision
    #[arg(long, help_heading = "Computing")]
    f64: bool,
    /// The most memory to take besides the data, such as 500MB or 2GiB: what only saves time is left out before it is an
    /// error. Data of an npy file that is more than that is not loaded, but read from the file in each pass [default: no limit;
    /// with sparse data a fifth of it, or 64 MiB, for what only saves time; data that memory has no room for is not loaded]
    #[arg(long, value_name = "SIZE", value_parser = bytes)]
    #[arg(help_heading = "Computing")]
    memory_limit: Option<usize>,
    /// What multiplies the data with the factors: fused reads it once per iteration; the others are for frobenius
    #[arg(long, value_enum, default_value_t = Product::Fused, help_heading = "Computing")]
    products: Product,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Product {
    Fused,
    Gemm,
    Blas,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Extrapolate {
    On,
    Off,
    Auto,
}

impl From<Extrapolate> for Option<bool> {
    fn from(extrapolate: Extrapolate) -> Self {
        match extrapolate {
            Extrapolate::On => Some(true),
            Extrapolate::Off => Some(false),
            Extrapolate::Auto => None,
        }
    }
}

impl From<Product> for Products {
    fn from(product: Product) -> Self {
        match product {
            Product::Fused => Self::Fused,
            Product::Gemm => Self::Gemm,
            Product::Blas => Self::Blas,
        }
    }
}

/// What the arguments ask for.
pub(super) struct Job {
    pub input: PathBuf,
    pub read: ReadArgs,
    pub checkpoint: CheckpointArgs,
    pub precision: Option<Precision>,
    pub options: Options,
    /// The files of W and H to start from.
    pub start: Option<(PathBuf, PathBuf)>,
    /// How much entries count.
    pub weights: WeightArgs,
    /// How often rows and columns count.
    pub lines: LineWeightArgs,
    /// What is known of W and H.
    pub known: KnownArgs,
    pub out: Option<PathBuf>,
    pub formats: FormatArgs,
    /// What results are called in a copy of the input.
    pub obsm: Option<String>,
    /// Whether there is to be a page.
    pub report: bool,
    pub print: bool,
    pub json: bool,
    pub explain: bool,
    /// Features of each component to print, where that is said.
    pub top: Option<usize>,
    pub quiet: bool,
}

/// The stopping rules by name.
const STOPS: [&str; 3] = ["violation", "error-decrease", "progress"];

fn usage<T>(message: impl Into<String>) -> Result<T, Failure> {
    Err(Failure::Usage(message.into()))
}

impl FitArgs {
    pub(super) fn job(&self) -> Result<Job, Failure> {
        if self.explain && self.checkpoint.are_given() {
            return usage("--explain does nothing that --checkpoint could keep: leave one of them out");
        }
        if self.explain && self.formats.are_given() {
            return usage(
                "--explain writes nothing that --format could say the format of: leave one of them out",
            );
        }
        Ok(Job {
            input: self.input.clone(),
            read: self.read.clone(),
            checkpoint: self.checkpoint.clone(),
            precision: self.how.precision(),
            options: Options { holdout: self.held_out(), ..self.how.options(self.rank, &self.read)? },
            start: self.how.start_w.clone().zip(self.how.start_h.clone()),
            weights: self.weights.clone(),
            lines: self.lines.clone(),
            known: self.known.clone(),
            out: self.out.clone(),
            formats: self.formats.clone(),
            obsm: self.obsm()?,
            report: self.report,
            print: self.print,
            json: self.json,
            explain: self.explain,
            top: self.top,
            quiet: self.quiet,
        })
    }

    fn held_out(&self) -> Option<Holdout> {
        self.holdout.map(|fraction| Holdout {
            fraction,
            fold: self.holdout_fold.unwrap_or(0),
            seed: self.holdout_seed.unwrap_or(0),
        })
    }

    fn obsm(&self) -> Result<Option<String>, Failure> {
        let Some(name) = &self.write_obsm else { return Ok(None) };
        if name.is_empty() || name == "." || name.contains('/') {
            return usage("--write-obsm needs a name without slashes");
        }
        if self.read.transposes() {
            return usage("--write-obsm goes with observations as samples, not with --transpose");
        }
        if self.read.layer() == Some("raw") {
            return usage(
                "--write-obsm goes with X and the layers, not with --layer raw, which has other variables",
            );
        }
        Ok(Some(name.clone()))
    }
}

impl HowArgs {
    /// The precision, where it is said.
    pub fn precision(&self) -> Option<Precision> {
        match (self.f32, self.f64) {
            (true, _) => Some(Precision::Float32),
            (_, true) => Some(Precision::Float64),
            _ => None,
        }
    }

    /// The options of a fit of `rank` components of data that is read like this.
    pub fn options(&self, rank: usize, read: &ReadArgs) -> Result<Options, Failure> {
        let mut options = Options::new(rank, self.method()?);
        options.max_time = match self.max_seconds.map(Duration::try_from_secs_f64) {
            Some(Err(_)) => return usage("--max-seconds is more than can be counted"),
            Some(Ok(limit)) => Some(limit),
            None => None,
        };
        options.threads = self.threads;
        options.init = self.start()?;
        options.seed = self.seed;
        options.shuffle = self.shuffle;
        options.compress = match (self.compress, self.no_compress) {
            (true, _) => Some(true),
            (_, true) => Some(false),
            _ => None,
        };
        options.products = self.products.into();
        options.memory_limit = self.memory_limit;
        options.missing = read.missing().unwrap_or_default();
        options.penalty = self.penalty()?;
        options.scale = self.scale()?;
        options.minibatch = self.minibatch.then(|| self.batches());
        options.max_iter = self.max_iter.unwrap_or(options.max_iter);
        (options.stop, options.tol) = (self.stop, self.tol);
        Ok(options)
    }

    fn method(&self) -> Result<Method, Failure> {
        let update = match self.solver {
            Some(update) if self.minibatch && update != Update::Mu => {
                return usage(format!("--minibatch goes with --solver mu, not with --solver {update}"));
            }
            Some(update) => update,
            None if self.minibatch => Update::Mu,
            None => Update::Auto,
        };
        let extrapolate = self.extrapolate.into();
        let method = Method { loss: self.loss, update, extrapolate, sweeps: self.sweeps };
        method.check()?;
        let chosen = match extrapolate {
            _ if self.minibatch => "--minibatch".to_owned(),
            Some(true) => format!("--solver {update} --extrapolate on"),
            Some(false) => format!("--solver {update} --extrapolate off"),
            None => format!("--solver {update}"),
        };
        if self.compress && (self.minibatch || method.compresses() == Support::No) {
            return usage(format!(
                "--compress goes with --solver auto, or hals and --extrapolate on, and --loss frobenius, not with {chosen} and \
                 --loss {}",
                self.loss
            ));
        }
        if self.shuffle && method.shuffles() == Support::No {
            return usage(format!("--shuffle goes with --solver cd, not with {chosen}"));
        }
        if self.stop.is_some_and(|stop| method.stops_by(stop) == Support::No) {
            return usage(format!("--stop violation goes with --solver cd and hals, not with {chosen}"));
        }
        if self.products != Product::Fused {
            let with = if self.minibatch {
                "--minibatch".to_owned()
            } else if method.multiplies_by(self.products.into()) == Support::No {
                format!("--loss {}", self.loss)
            } else {
                return Ok(method);
            };
            return usage(format!(
                "--products gemm and blas go with --loss frobenius on the whole data, not with {with}, which goes with \
                 --products fused"
            ));
        }
        Ok(method)
    }

    fn start(&self) -> Result<Option<InitKind>, Failure> {
        match (self.init, &self.start_w) {
            (Some(InitKind::Custom), None) => {
                usage("--init custom needs the factors: give --start-w and --start-h")
            }
            (None, Some(_)) => Ok(Some(InitKind::Custom)),
            (Some(init), Some(_)) if init != InitKind::Custom => {
                usage(format!("--start-w and --start-h go with --init custom, not with {}", init.name()))
            }
            (init, _) => Ok(init),
        }
    }

    fn scale(&self) -> Result<Option<Scale>, Failure> {
        if self.scale.is_some_and(|scale| scale != Scale::None) {
            let penalised = |alpha: Option<f64>| alpha.is_some_and(|alpha| alpha > 0.0);
            let with = if penalised(self.alpha_w) || penalised(self.alpha_h) {
                "a penalty, which fixes the scale"
            } else if self.minibatch {
                "--minibatch"
            } else {
                return Ok(self.scale);
            };
            return usage(format!(
                "--scale goes with fits of the whole data without penalties, not with {with}"
            ));
        }
        Ok(self.scale)
    }

    fn penalty(&self) -> Result<Penalty, Failure> {
        if self.l1_ratio.is_some() && self.alpha_w.is_none() && self.alpha_h.is_none() {
            return usage("--l1-ratio divides a penalty: give --alpha-w or --alpha-h too");
        }
        Ok(Penalty {
            alpha_w: self.alpha_w.unwrap_or(0.0),
            alpha_h: self.alpha_h,
            l1_ratio: self.l1_ratio.unwrap_or(0.0),
        })
    }

    fn batches(&self) -> BatchOptions {
        let default = BatchOptions::default();
        BatchOptions {
            batch_size: self.batch_size.unwrap_or(default.batch_size),
            forget_factor: self.forget_factor.unwrap_or(default.forget_factor),
            fresh_restarts: self.fresh_restarts,
            max_no_improvement: self.max_no_improvement.map_or(default.max_no_improvement, |limit| limit.0),
            ..default
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        fit: FitArgs,
    }

    fn options(args: &str) -> Options {
        let words = "fit v.npy -k 2 -o out".split(' ').chain(args.split_whitespace());
        Line::try_parse_from(words).ok().unwrap().fit.job().ok().unwrap().options
    }

    #[test]
    fn nothing_said_is_the_defaults_of_the_method() {
        assert_eq!(options(""), Options::new(2, Method::auto(Loss::Frobenius)));
        for &update in Update::ALL {
            let (said, loss) = match update {
                Update::Newton | Update::JointMm => ("--loss kl", Loss::KullbackLeibler),
                _ => ("", Loss::Frobenius),
            };
            let method = Method::new(loss, update);
            assert_eq!(options(&format!("{said} --solver {update}")), Options::new(2, method));
        }
        let method = Method::auto(Loss::KullbackLeibler);
        assert_eq!(options("--loss kl"), Options::new(2, method));
        let minibatch = Some(BatchOptions::default());
        let method = Method::mu(Loss::Beta(-1.0));
        assert_eq!(options("--loss -1 --minibatch"), Options { minibatch, ..Options::new(2, method) });
    }

    #[test]
    fn what_is_said_is_kept() {
        for kind in InitKind::ALL {
            let files = if kind == InitKind::Custom { "--start-w w --start-h h" } else { "" };
            let init = Some(kind);
            let expected = Options { init, ..Options::new(2, Method::als()) };
            assert_eq!(options(&format!("--solver als --init {} {files}", kind.name())), expected);
        }
        let said =
            options("--solver cd --shuffle --tol 0.5 --max-iter 3 --seed 9 --products gemm --alpha-h 2");
        let penalty = Penalty { alpha_h: Some(2.0), ..Penalty::default() };
        let (shuffle, products) = (true, Products::Gemm);
        let base = Options::new(2, Method::cd());
        let tol = Some(0.5);
        assert_eq!(said, Options { shuffle, tol, max_iter: 3, seed: 9, products, penalty, ..base });
        for (said, compress) in [("", None), ("--compress", Some(true)), ("--no-compress", Some(false))] {
            let base = Options::new(2, Method::auto(Loss::Frobenius));
            assert_eq!(options(said), Options { compress, ..base });
        }
        for (said, method) in [
            ("--sweeps 3", Method::auto(Loss::Frobenius).sweeps(3)),
            ("--solver hals --extrapolate on --sweeps 3", Method::hals().extrapolated().sweeps(3)),
            ("--solver newton --loss kl --extrapolate auto", Method::newton()),
            ("--extrapolate off", Method { extrapolate: Some(false), ..Method::auto(Loss::Frobenius) }),
        ] {
            assert_eq!(options(said), Options::new(2, method));
        }
        let said =
            options("--minibatch --batch-size 5 --forget-factor 0.1 --fresh-restarts --max-no-improvement 4");
        let batches = BatchOptions {
            batch_size: 5,
            forget_factor: 0.1,
            fresh_restarts: true,
            max_no_improvement: Some(4),
            ..BatchOptions::default()
        };
        assert_eq!(said.minibatch, Some(batches));
        let said = options("--solver hals --stop violation --tol 0.1");
        assert_eq!(said.stopping(), Stop::Violation { tol: 0.1 });
        for (said, limit) in [("500MB", 500_000_000), ("2GiB", 2 << 30), ("4096", 4096)] {
            assert_eq!(options(&format!("--memory-limit {said}")).memory_limit, Some(limit));
        }
    }
}
