//! Where the parts of this module send their events: an [`EventEmitter`], or whatever a test puts in its place.

use crossbeam_channel::Receiver;

use crate::emitter::{EmitError, EventEmitter};
use crate::event::{ConceptId, Event};

/// Takes events without making their makers wait. Closures `Fn(Event)` do.
pub trait Emit: Send + Sync {
    /// Records an event.
    fn emit(&self, event: Event);

    /// Records an event whose id is wanted later, to be named as a cause.
    fn emit_tracked(&self, event: Event) -> Ticket {
        self.emit(event);
        Ticket::default()
    }
}

/// A claim on the id of an event that is being recorded.
#[derive(Debug, Default)]
pub struct Ticket(Option<Receiver<Result<ConceptId, EmitError>>>);

impl Ticket {
    /// A claim on an id that is known already.
    #[cfg(test)]
    pub(crate) fn known(id: ConceptId) -> Self {
        let (sender, receiver) = crossbeam_channel::bounded(1);
        drop(sender.send(Ok(id)));
        Self(Some(receiver))
    }

    /// The id, if it is known by now. It never waits: a store that fails must not hold up those who
    /// keep processes alive. Asking a second time gives nothing.
    #[must_use]
    pub fn take_id(&self) -> Option<ConceptId> {
        self.0.as_ref()?.try_recv().ok()?.ok()
    }
}

impl Emit for EventEmitter {
    fn emit(&self, event: Event) {
        EventEmitter::emit(self, event);
    }

    fn emit_tracked(&self, event: Event) -> Ticket {
        Ticket(Some(EventEmitter::emit_tracked(self, event)))
    }
}

impl<F: Fn(Event) + Send + Sync> Emit for F {
    fn emit(&self, event: Event) {
        self(event);
    }
}
