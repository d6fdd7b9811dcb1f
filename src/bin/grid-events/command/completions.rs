//! `completions`: prints a script that completes the command line in a shell.

use std::io::Write;

use anyhow::Result;
use clap::{Args, CommandFactory, ValueEnum};

use super::Outcome;
use crate::args::Arguments;
use crate::output::Output;

#[derive(Debug, Args)]
pub(crate) struct CompletionsArguments {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
}

pub(crate) fn run(arguments: &CompletionsArguments) -> Result<Outcome> {
    let mut out = Output::stdout();
    out.write_all(&script(arguments.shell))?;
    out.flush()?;
    Ok(Outcome::Done)
}

fn script(shell: Shell) -> Vec<u8> {
    let shell = match shell {
        Shell::Bash => clap_complete::Shell::Bash,
        Shell::Zsh => clap_complete::Shell::Zsh,
        Shell::Fish => clap_complete::Shell::Fish,
    };
    let mut command = Arguments::command();
    let name = command.get_name().to_owned();
    // Into memory first, since the generator gives up on a pipe that was closed.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, name, &mut script);
    script
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shell_learns_every_command() {
        for &shell in Shell::value_variants() {
            let script = String::from_utf8(script(shell)).expect("text");
            for command in Arguments::command().get_subcommands() {
                assert!(script.contains(command.get_name()), "{shell:?}: {}", command.get_name());
            }
        }
    }
}
