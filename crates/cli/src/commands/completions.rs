//! `orthant completions`: what a shell needs to complete the command line.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::args::Cli;
use crate::{Failure, print};

/// Print what a shell needs to complete the command's words
///
/// The script goes to standard output. The next shell that starts reads it from where the examples put it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orthant completions bash > ~/.local/share/bash-completion/completions/orthant
  orthant completions zsh > ~/.zfunc/_orthant     with fpath+=~/.zfunc before compinit in ~/.zshrc
  orthant completions fish > ~/.config/fish/completions/orthant.fish
  orthant completions elvish >> ~/.config/elvish/rc.elv
  orthant completions powershell >> $PROFILE")]
pub struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

/// Runs the command.
pub fn run(args: &CompletionsArgs) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "orthant", &mut script);
    print::now(|out| out.write_all(&script))
}
