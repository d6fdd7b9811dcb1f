//! Events of kinds that this crate does not know: any name, any fields.

use chrono::{DateTime, Utc};
use std::sync::Arc;

use super::concept_id::is_event_type;
use super::error::EventError;
use super::value::{Fields, Value};
use super::{grid_event, timestamp};

/// An event of a kind of its own: a name, a time and free fields whose order and digits are kept.
///
/// ```
/// use chrono::{TimeZone, Utc};
/// use sutra_grid_events::DynamicEvent;
///
/// let when = Utc.with_ymd_and_hms(2026, 11, 24, 8, 0, 0).unwrap();
/// let event = DynamicEvent::new("pod_scheduled", when)?.with("pod_id", "web-1").with("cpu", 0.5);
/// assert_eq!(event.event_type(), "pod_scheduled");
/// assert_eq!(event.get("cpu").unwrap().to_string(), "0.5");
/// # Ok::<(), sutra_grid_events::EventError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct DynamicEvent {
    event_type: Arc<str>,
    timestamp_us: i64,
    fields: Fields,
}

impl DynamicEvent {
    /// An event with no fields of its own yet.
    ///
    /// # Errors
    /// If the name does not match `[a-z][a-z0-9_]*` or is that of a typed kind, or the year is outside 1-9999.
    pub fn new(event_type: &str, timestamp: DateTime<Utc>) -> Result<Self, EventError> {
        let micros = timestamp.timestamp_micros();
        if !is_event_type(event_type) || grid_event::kind_index_of(event_type).is_some() {
            return Err(EventError::EventType { found: event_type.chars().take(64).collect() });
        }
        if !(timestamp::MICROS_MIN..=timestamp::MICROS_MAX).contains(&micros) {
            return Err(EventError::Year { text: timestamp.to_string() });
        }
        let fields = vec![
            (super::intern_name("event_type"), Value::from(event_type)),
            (super::intern_name("timestamp"), Value::Text(timestamp::format(micros))),
        ];
        Ok(Self { event_type: event_type.into(), timestamp_us: micros, fields: Fields(fields) })
    }

    /// The event with one more field, before `timestamp`. A field of that name is replaced;
    /// `event_type` and `timestamp` are not free and stay as they are.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        if name != "event_type" && name != "timestamp" {
            self.fields.set(name, value.into());
        }
        self
    }

    /// The event, from parts that are known to agree.
    pub(crate) fn from_parts(event_type: Arc<str>, timestamp_us: i64, fields: Fields) -> Self {
        Self { event_type, timestamp_us, fields }
    }

    /// The name of the kind.
    #[must_use]
    pub fn event_type(&self) -> &str {
        &self.event_type
    }

    /// When it happened, in µs since 1970.
    #[must_use]
    pub fn timestamp_us(&self) -> i64 {
        self.timestamp_us
    }

    /// The value of a field.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.fields.get(name)
    }

    /// All fields in their order, `event_type` and `timestamp` among them.
    #[must_use]
    pub fn fields(&self) -> &Fields {
        &self.fields
    }
}
