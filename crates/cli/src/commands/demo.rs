//! `orthant demo`: handwritten digits and the parts they are made of.

use std::path::PathBuf;

use orthant::Nmf;
use orthant_io::Staged;

use crate::args::at_least_one;
use crate::demo::{curve, digits};
use crate::print::{Beside, count};
use crate::sheet::{self, Ink};
use crate::{Failure, say};

/// Factorise handwritten digits and draw the parts they are made of
///
/// The data is built in: 1797 digits of 8×8 pixels (UCI Optical Recognition of Handwritten Digits, CC BY 4.0,
/// doi.org/10.24432/C50P49). Two images are drawn: parts.png, each component as a picture, and
/// reconstructions.png, a digit of each kind above what the components make of it.
#[derive(Debug, clap::Args)]
pub struct DemoArgs {
    /// Directory for the images, made if need be
    #[arg(short, long = "out", value_name = "DIR", default_value = "orthant-demo")]
    out: PathBuf,
    /// Number of components
    #[arg(short = 'k', long = "components", value_name = "K", default_value_t = 16, value_parser = at_least_one)]
    #[arg(allow_negative_numbers = true)]
    rank: usize,
    /// Seed of the start
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u32,
}

/// Rows and columns of pixels.
const SIZE: (usize, usize) = (digits::SIDE, digits::SIDE);

/// Runs the command.
pub fn run(args: &DemoArgs) -> Result<(), Failure> {
    let mut staged = Staged::in_dir(&args.out)?;
    let digits = digits::load();
    let v = &digits.images;
    let (m, n, k) = (v.nrows(), v.ncols(), args.rank);
    let mut beside = Beside::results(true);
    beside.print(|out| {
        writeln!(out, "{m} handwritten digits of 8×8 pixels: V is {m}×{n}, one digit in a row")?;
        writeln!(
            out,
            "V ≈ W·H with {}: H is {k}×{n}, one part in a row; W is {m}×{k}\n",
            count(k, "component", "components")
        )
    })?;

    let fit = Nmf::new(k).seed(args.seed).fit(v)?;
    let report = &fit.report;
    for warning in &report.warnings {
        say::warning(warning);
    }
    beside.print(|out| {
        write!(out, "{}", curve::draw(&report.history))?;
        writeln!(
            out,
            "\n{} after {}, {:.3} s: relative error {:.4}\n",
            report.stop_reason,
            count(report.iterations, "iteration", "iterations"),
            report.seconds_total,
            report.relative_error
        )
    })?;

    let h = fit.model.components();
    let parts: Vec<&[f64]> = (0..k).map(|t| h.row(t)).collect();
    staged.png("parts.png", sheet::parts(&parts, SIZE, Ink::Dark).view())?;
    let shown = digits.one_of_each();
    let approx = fit.model.inverse_transform(&fit.w)?;
    let originals: Vec<&[f64]> = shown.iter().map(|&i| v.row(i)).collect();
    let approximations: Vec<&[f64]> = shown.iter().map(|&i| approx.row(i)).collect();
    staged.png("reconstructions.png", sheet::pairs(&originals, &approximations, SIZE, digits::INK).view())?;
    let paths = staged.commit()?;
    beside.print(|out| {
        writeln!(out, "{}: {}", paths[0].display(), count(k, "part", "parts"))?;
        writeln!(
            out,
            "{}: ten digits, and below each the sum of parts that stands for it",
            paths[1].display()
        )
    })?;
    beside.end()
}
