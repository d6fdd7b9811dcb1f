//! Prints what happens in the demo as it happens, and remembers it.

use std::io::Write;
use std::time::Instant;

use anyhow::Result;
use sutra_grid_events::Event;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::output::{Output, printable};

pub(super) struct Teller<'a> {
    start: Instant,
    events: UnboundedReceiver<Event>,
    told: Vec<Event>,
    out: &'a mut Output,
}

impl<'a> Teller<'a> {
    pub(super) fn new(events: UnboundedReceiver<Event>, out: &'a mut Output) -> Self {
        Self { start: Instant::now(), events, told: Vec::new(), out }
    }

    /// Prints what was recorded since the last call.
    pub(super) fn tell(&mut self) -> Result<()> {
        while let Ok(event) = self.events.try_recv() {
            self.print(event.event_type(), &event.to_description())?;
            self.told.push(event);
        }
        Ok(())
    }

    /// Prints what the demo itself does.
    pub(super) fn say(&mut self, what: &str) -> Result<()> {
        self.tell()?;
        self.print("*", what)
    }

    fn print(&mut self, what: &str, sentence: &str) -> Result<()> {
        let seconds = self.start.elapsed().as_secs_f32();
        writeln!(self.out, "{seconds:5.1} s  {what:<18} {}", printable(sentence))?;
        self.out.flush()?;
        Ok(())
    }

    /// How many events were told so far.
    pub(super) fn mark(&self) -> usize {
        self.told.len()
    }

    /// Whether an event of this type about this entity was told after a mark.
    pub(super) fn has_told(&self, mark: usize, event_type: &str, entity: &str) -> bool {
        let is_it = |event: &Event| {
            event.event_type() == event_type && event.grid().is_some_and(|grid| grid.primary_id() == entity)
        };
        self.told.iter().skip(mark).any(is_it)
    }
}
