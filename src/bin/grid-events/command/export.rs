//! `export`: the stored JSON of every event, one a line, in order of arrival. `import` makes an equal store of it.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use indicatif::ProgressBar;
use sutra_grid_events::query::Filter;
use sutra_grid_events::store::Snapshot;

use super::Outcome;
use crate::args::Global;
use crate::output::{Output, progress, tell_gaps, visit};

/// Events between two steps of the progress bar.
const PROGRESS_EVENTS: u64 = 4_096;

#[derive(Debug, Args)]
pub(crate) struct ExportArguments {
    /// Write to this file instead of stdout
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(crate) fn run(global: &Global, arguments: &ExportArguments) -> Result<Outcome> {
    let store = global.open_to_read()?;
    let snapshot = store.snapshot();
    match &arguments.output {
        Some(path) => {
            let context = || format!("cannot write {}", path.display());
            let mut file = BufWriter::new(File::create(path).with_context(context)?);
            let bar = progress::over_events(snapshot.count(&Filter::All)?);
            export(&snapshot, &bar, |line| file.write_all(line.as_bytes()).with_context(context))?;
            file.flush().with_context(context)?;
            // A pipe or device cannot be synced, and need not be.
            if file.get_ref().metadata().with_context(context)?.is_file() {
                file.get_ref().sync_all().with_context(context)?;
            }
        }
        None => {
            let mut out = Output::stdout();
            // Where the lines are seen themselves, they are the progress.
            let bar = match out.is_terminal() {
                true => progress::none(),
                false => progress::over_events(snapshot.count(&Filter::All)?),
            };
            export(&snapshot, &bar, |line| Ok(out.write_exact(line)?))?;
            out.flush()?;
        }
    }
    let damage = snapshot.damage_met();
    tell_gaps(&damage, snapshot.count(&Filter::All)?);
    Ok(Outcome::Done.unless_damaged(&snapshot))
}

fn export(snapshot: &Snapshot, bar: &ProgressBar, mut write: impl FnMut(&str) -> Result<()>) -> Result<()> {
    let mut line = String::new();
    let mut events = 0;
    visit(
        |each| snapshot.scan(0, each),
        |stored| {
            line.clear();
            stored.event.write_json(&mut line);
            line.push('\n');
            write(&line)?;
            events += 1;
            if events % PROGRESS_EVENTS == 0 {
                bar.set_position(events);
            }
            Ok(())
        },
    )?;
    bar.finish_and_clear();
    Ok(())
}
