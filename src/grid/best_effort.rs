//! An emitter that may be missing: a grid runs on without its event store, and says so.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::emit::{Emit, Ticket};
use super::events_config::{EventsConfig, EventsConfigError};
use crate::emitter::{EmitError, EventEmitter};
use crate::event::Event;

/// What is called when events are not recorded; see [`BestEffortEmitter::open`].
type Warn = Arc<dyn Fn(&EventsMissing) + Send + Sync>;

/// Takes events whether there is a store or not. Without one they are dropped and counted.
///
/// What goes wrong with a store that was opened is not dropped: the emitter keeps the events and tries again.
#[derive(Clone)]
pub struct BestEffortEmitter {
    emitter: Option<EventEmitter>,
    missing: Option<Arc<Missing>>,
}

struct Missing {
    reason: String,
    dropped: AtomicU64,
    warn: Warn,
}

/// A warning: events are not recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct EventsMissing {
    /// Why there is no store.
    pub reason: String,
    /// How many events were dropped so far.
    pub dropped: u64,
}

impl fmt::Display for EventsMissing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "events are not recorded ({} dropped so far): {}", self.dropped, self.reason)
    }
}

impl fmt::Debug for BestEffortEmitter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BestEffortEmitter")
            .field("emitter", &self.emitter)
            .field("reason", &self.missing.as_ref().map(|missing| &missing.reason))
            .field("dropped", &self.dropped())
            .finish()
    }
}

impl BestEffortEmitter {
    /// Opens the store that a configuration names. If that fails, for whatever reason, the events are dropped, and
    /// `warn` is called: once now, then for the first event, the tenth, the hundredth and so on.
    pub async fn open(
        config: Result<EventsConfig, EventsConfigError>,
        warn: impl Fn(&EventsMissing) + Send + Sync + 'static,
    ) -> Self {
        let named = config.and_then(|config| Ok((config.endpoint()?, config.emitter_config())));
        let opened = match named {
            Err(error) => Err(error.to_string()),
            Ok((endpoint, config)) => match EventEmitter::new_with(endpoint.clone(), config).await {
                Err(error) => Err(format!("{endpoint}: {error}")),
                Ok(emitter) => Ok(emitter),
            },
        };
        match opened {
            Ok(emitter) => emitter.into(),
            Err(reason) => {
                let missing = Missing { reason, dropped: AtomicU64::new(0), warn: Arc::new(warn) };
                missing.warn(0);
                Self { emitter: None, missing: Some(Arc::new(missing)) }
            }
        }
    }

    /// Records an event, or drops and counts it.
    pub fn emit(&self, event: impl Into<Event>) {
        match &self.emitter {
            Some(emitter) => emitter.emit(event),
            None => self.drop_one(),
        }
    }

    /// The emitter, if there is a store.
    #[must_use]
    pub fn emitter(&self) -> Option<&EventEmitter> {
        self.emitter.as_ref()
    }

    /// How many events were dropped, by all handles, because there is no store.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.missing.as_ref().map_or(0, |missing| missing.dropped.load(Ordering::Relaxed))
    }

    /// Closes the store, if there is one.
    ///
    /// # Errors
    /// As [`EventEmitter::close`].
    pub async fn close(&self) -> Result<(), EmitError> {
        match &self.emitter {
            Some(emitter) => emitter.close().await,
            None => Ok(()),
        }
    }

    fn drop_one(&self) {
        if let Some(missing) = &self.missing {
            let dropped = missing.dropped.fetch_add(1, Ordering::Relaxed).saturating_add(1);
            if is_power_of_ten(dropped) {
                missing.warn(dropped);
            }
        }
    }
}

impl From<EventEmitter> for BestEffortEmitter {
    fn from(emitter: EventEmitter) -> Self {
        Self { emitter: Some(emitter), missing: None }
    }
}

impl Missing {
    fn warn(&self, dropped: u64) {
        (self.warn)(&EventsMissing { reason: self.reason.clone(), dropped });
    }
}

fn is_power_of_ten(number: u64) -> bool {
    number.checked_ilog10().is_some_and(|digits| 10_u64.pow(digits) == number)
}

impl Emit for BestEffortEmitter {
    fn emit(&self, event: Event) {
        Self::emit(self, event);
    }

    fn emit_tracked(&self, event: Event) -> Ticket {
        match &self.emitter {
            Some(emitter) => Emit::emit_tracked(emitter, event),
            None => {
                self.drop_one();
                Ticket::default()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use parking_lot::Mutex;

    use super::*;
    use crate::event::GridEvent;

    fn event() -> Event {
        GridEvent::AgentUnregistered { agent_id: "a".into(), timestamp: chrono::Utc::now() }.into()
    }

    #[tokio::test]
    async fn without_a_store_events_are_counted_and_now_and_then_warned_of() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("file"), "mine").unwrap();
        let config =
            EventsConfig { storage_endpoint: Some(directory.path().display().to_string()), ..EventsConfig::default() };
        let warnings = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&warnings);
        let events = BestEffortEmitter::open(Ok(config), move |warning| seen.lock().push(warning.clone())).await;
        assert!(events.emitter().is_none());
        let other = events.clone();
        for _ in 0..60 {
            events.emit(event());
            assert!(other.emit_tracked(event()).take_id().is_none());
        }
        assert_eq!((events.dropped(), other.dropped()), (120, 120));
        let counts: Vec<u64> = warnings.lock().iter().map(|warning| warning.dropped).collect();
        assert_eq!(counts, [0, 1, 10, 100]);
        let text = warnings.lock()[1].to_string();
        assert!(text.starts_with("events are not recorded (1 dropped so far): "), "{text}");
        assert!(text.contains("is not a sutra-grid-events store"), "{text}");
        events.close().await.unwrap();
    }

    #[tokio::test]
    async fn with_a_store_everything_is_recorded() {
        let directory = tempfile::tempdir().unwrap();
        let emitter = EventEmitter::new(directory.path().join("store").display().to_string()).await.unwrap();
        let events = BestEffortEmitter::from(emitter);
        events.emit(event());
        events.close().await.unwrap();
        assert_eq!((events.dropped(), events.emitter().unwrap().stats().committed), (0, 1));
    }
}
