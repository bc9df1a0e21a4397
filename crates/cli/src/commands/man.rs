//! `orthant man`: the command's help as pages for `man`.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Command, CommandFactory};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};
use orthant_io::Staged;

use crate::args::Cli;
use crate::{Failure, print};

/// Write the help as manual pages: one for the command, and one for each of its subcommands
///
/// The pages are orthant.1, orthant-fit.1 and so on, for `man orthant` and `man orthant-fit`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orthant man ~/.local/share/man/man1
  orthant man | man -l -")]
pub struct ManArgs {
    /// Directory for the pages, made if need be [default: the command's own page to standard output]
    dir: Option<PathBuf>,
}

/// Runs the command.
pub fn run(args: &ManArgs) -> Result<(), Failure> {
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    let Some(dir) = &args.dir else { return print::now(|out| write(out, &command)) };
    let mut staged = Staged::in_dir(dir)?;
    for command in std::iter::once(&command).chain(command.get_subcommands()) {
        staged.file(&Man::new(command.clone()).get_filename(), |out| write(out, command))?;
    }
    staged.commit()?;
    Ok(())
}

/// Writes the page of a command.
fn write(out: &mut dyn Write, command: &Command) -> io::Result<()> {
    let page = Man::new(command.clone()).source(concat!("orthant ", env!("CARGO_PKG_VERSION")));
    page.render_title(out)?;
    page.render_name_section(out)?;
    page.render_synopsis_section(out)?;
    page.render_description_section(out)?;
    page.render_options_section(out)?;
    if command.has_subcommands() {
        page.render_subcommands_section(out)?;
    }
    let Some(examples) = command.get_after_help().map(ToString::to_string) else { return Ok(()) };
    // as they stand: a line is an example
    let mut section = Roff::new();
    section.control("SH", ["EXAMPLES"]).control("nf", []);
    for line in examples.lines().skip_while(|line| *line == "Examples:") {
        section.text([roman(line)]);
    }
    section.control("fi", []).to_writer(out)
}
