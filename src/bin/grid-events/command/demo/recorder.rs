//! Where the grid of the demo sends its events: into the store, and a copy of each to the terminal.

use crossbeam_channel::{Receiver, Sender, unbounded};
use sutra_grid_events::grid::{Emit, Ticket};
use sutra_grid_events::{ConceptId, Event, EventEmitter};

/// The type that is recorded but not told: there are too many of them.
const HEARTBEAT: &str = "agent_heartbeat";

#[derive(Clone)]
pub(super) struct Recorder {
    emitter: EventEmitter,
    told: Sender<Event>,
}

impl Recorder {
    /// A recorder, and the events that are to be told.
    pub(super) fn new(emitter: EventEmitter) -> (Self, Receiver<Event>) {
        let (told, events) = unbounded();
        (Self { emitter, told }, events)
    }

    /// Records an event and waits for its id, to be named as a cause.
    pub(super) fn emit_for_id(&self, event: Event) -> Option<ConceptId> {
        self.tell(&event);
        self.emitter.emit_durable_blocking(event).ok()
    }

    fn tell(&self, event: &Event) {
        if event.event_type() != HEARTBEAT {
            // Nobody listens any more once the reader of the output went away.
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
