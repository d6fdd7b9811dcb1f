//! Among which concepts a search by terms looks: what their ids tell of them.

use crate::event::ConceptId;
use crate::query::{Filter, TimeRange};

/// Which concepts there are to choose from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ScopeOf {
    /// All.
    #[default]
    Everything,
    /// Those whose id is that of an event.
    Events,
    /// The others.
    Others,
}

/// Among which concepts a search by terms looks: all that is said must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TermScope {
    /// Events or not.
    pub of: ScopeOf,
    /// The type of the event. What is no event has none.
    pub event_type: Option<String>,
    /// The time of the event. What is no event has none.
    pub time: TimeRange,
}

impl TermScope {
    /// Whether a concept of this id is inside.
    #[must_use]
    pub fn holds(&self, id: &str) -> bool {
        let event = id.parse::<ConceptId>().ok();
        match self.of {
            ScopeOf::Events if event.is_none() => return false,
            ScopeOf::Others if event.is_some() => return false,
            _ => {}
        }
        let of_type = |wanted: &String| event.as_ref().is_some_and(|event| event.event_type() == wanted);
        let at_any_time = self.time == TimeRange::default();
        self.event_type.as_ref().is_none_or(of_type)
            && (at_any_time || event.as_ref().is_some_and(|event| self.time.contains(event.timestamp_us())))
    }

    /// The events inside; nothing if no event is.
    #[must_use]
    pub fn filter(&self) -> Option<Filter> {
        if self.of == ScopeOf::Others {
            return None;
        }
        let mut filter = Filter::All;
        if let Some(event_type) = &self.event_type {
            filter = filter.and(Filter::event_type(event_type));
        }
        if self.time != TimeRange::default() {
            filter = filter.and(Filter::Time(self.time));
        }
        Some(filter)
    }
}
