//! Where the grid of the demo sends its events: into the store, and a copy of each to the terminal.

use sutra_grid_events::grid::{Emit, Ticket};
use sutra_grid_events::{Event, EventEmitter};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// The type that is recorded but not told: there are too many of them.
const HEARTBEAT: &str = "agent_heartbeat";

#[derive(Clone)]
pub(super) struct Recorder {
    emitter: EventEmitter,
    told: UnboundedSender<Event>,
}

impl Recorder {
    /// A recorder, and the events that are to be told.
    pub(super) fn new(emitter: EventEmitter) -> (Self, UnboundedReceiver<Event>) {
        let (told, events) = unbounded_channel();
        (Self { emitter, told }, events)
    }

    fn tell(&self, event: &Event) {
        if event.event_type() != HEARTBEAT {
            // Nobody listens any more once the demo is over.
            let _ = self.told.send(event.clone());
        }
    }
}

impl Emit for Recorder {
    fn emit(&self, event: Event) {
        self.tell(&event);
        self.emitter.emit(event);
    }

    fn emit_tracked(&self, event: Event) -> Ticket {
        self.tell(&event);
        Emit::emit_tracked(&self.emitter, event)
    }
}
