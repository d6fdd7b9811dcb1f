//! `get`: prints events by their concept ids, as JSON exactly as they came in.

use std::io::Write;

use anyhow::Result;
use clap::Args;
use sutra_grid_events::query::GapCause;
use sutra_grid_events::{ConceptId, Filter};

use super::Outcome;
use crate::args::Global;
use crate::output::{EventFormat, Output, note, print_event, tell_gaps};

#[derive(Debug, Args)]
pub(crate) struct GetArguments {
    /// Concept ids, such as event-node_crashed-1795507200000000
    #[arg(value_name = "ID", required = true)]
    ids: Vec<ConceptId>,
    /// Form of the event; both JSON forms print its content alone
    #[arg(long, value_enum, default_value_t = EventFormat::Json)]
    format: EventFormat,
    /// Say on stderr which store each event came from, in a store that was merged from others
    #[arg(long)]
    origin: bool,
}

pub(crate) fn run(global: &Global, arguments: &GetArguments) -> Result<Outcome> {
    let store = global.open_to_read()?;
    let snapshot = store.snapshot();
    let mut out = Output::stdout();
    let mut outcome = Outcome::Done;
    for id in &arguments.ids {
        let Some(event) = snapshot.get(id)? else {
            out.flush()?;
            note(&format!("there is no event {id}"));
            let at = Filter::between(id.timestamp_us(), id.timestamp_us().saturating_add(1));
            let mut gaps = store.gaps_in(&snapshot, &Filter::event_type(id.event_type()).and(at))?;
            // That nothing else is there either in this microsecond says nothing.
            gaps.retain(|gap| gap.cause != GapCause::NoData);
            tell_gaps(&gaps, 0);
            outcome = Outcome::Partial;
            continue;
        };
        match arguments.format {
            EventFormat::Json | EventFormat::Jsonl => {
                out.write_exact(&event.event.to_json())?;
                writeln!(out)?;
            }
            format => print_event(&event, format, &mut out)?,
        }
        if arguments.origin {
            out.flush()?;
            note(&match store.origin_of(event.sequence)? {
                Some(origin) => format!(
                    "{id} came from {} (store {:016x}, numbers {} to {} there)",
                    origin.label, origin.epoch, origin.origin_first_sequence, origin.origin_last_sequence
                ),
                None => format!("{id} was recorded here"),
            });
        }
    }
    out.flush()?;
    Ok(outcome)
}
