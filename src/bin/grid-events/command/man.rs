//! `man`: prints the manual page of the program, or of one of its commands.

use std::io::Write;

use anyhow::{Result, bail};
use clap::{Args, CommandFactory};

use super::Outcome;
use crate::args::Arguments;
use crate::output::Output;

#[derive(Debug, Args)]
pub(crate) struct ManArguments {
    /// A command, for a page of its own
    #[arg(value_name = "COMMAND")]
    command: Option<String>,
}

pub(crate) fn run(arguments: &ManArguments) -> Result<Outcome> {
    let mut out = Output::stdout();
    out.write_all(&page(arguments.command.as_deref())?)?;
    out.flush()?;
    Ok(Outcome::Done)
}

fn page(name: Option<&str>) -> Result<Vec<u8>> {
    let mut command = Arguments::command();
    // Global arguments reach the commands only here.
    command.build();
    if let Some(name) = name {
        command = match command.find_subcommand(name) {
            Some(found) => {
                let title = format!("{}-{name}", command.get_name());
                found.clone().name(title)
            }
            None => bail!("there is no command `{name}`; see grid-events --help"),
        };
    }
    let mut page = Vec::new();
    clap_mangen::Man::new(command).render(&mut page)?;
    Ok(page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_there_for_the_program_and_its_commands() {
        let text = |name| String::from_utf8(page(name).expect("a page")).expect("text");
        assert!(text(None).contains("import"));
        assert!(text(Some("query")).contains("\\-\\-where"));
        assert!(text(Some("query")).contains("\\-\\-dir"));
        assert!(page(Some("nothing")).is_err());
    }
}
