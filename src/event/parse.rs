//! Events from and to JSON, and what is checked on the way.

use std::sync::Arc;

use super::concept_id::is_event_type;
use super::dynamic::DynamicEvent;
use super::entity::is_entity_field;
use super::envelope::Event;
use super::error::EventError;
use super::grid_event::{GridEvent, KINDS, kind_index_of};
use super::value::{Fields, Value, ValueRef};
use super::{EVENT_BYTES_MAX, FIELDS_MAX, intern_name, json, timestamp};

impl Event {
    /// Reads an event from its JSON text.
    ///
    /// # Errors
    /// If the text is not one JSON object, `event_type` or `timestamp` is missing or illegal, or a
    /// typed kind lacks a field or has a wrong one. The message names the field.
    pub fn from_json(text: &str) -> Result<Self, EventError> {
        Self::from_fields(json::parse_fields(text)?)
    }

    /// Builds the event that these fields are.
    pub(crate) fn from_fields(fields: Fields) -> Result<Self, EventError> {
        let event_type = text_field(&fields, "event_type")?;
        if !is_event_type(event_type) {
            return Err(EventError::EventType { found: event_type.chars().take(64).collect() });
        }
        let timestamp_us = timestamp::parse(text_field(&fields, "timestamp")?)?;
        let Some(kind_index) = kind_index_of(event_type) else {
            let event_type: Arc<str> = intern_name(event_type);
            return Ok(Event::Dynamic(DynamicEvent::from_parts(event_type, timestamp_us, fields)));
        };
        let event = GridEvent::from_values(kind_index, timestamp::to_datetime(timestamp_us), |name| {
            fields.get(name).map(Value::as_ref)
        })?;
        let event = Event::Grid(event);
        event.validate()?;
        Ok(match event {
            Event::Grid(event) if !is_canonical(&event, &fields) => Event::extended(event, fields),
            canonical => canonical,
        })
    }

    /// Checks what the types alone do not: the year, the names of the entities of a typed kind, the size.
    ///
    /// # Errors
    /// The first thing found wrong.
    pub fn validate(&self) -> Result<(), EventError> {
        if !(timestamp::MICROS_MIN..=timestamp::MICROS_MAX).contains(&self.timestamp_us()) {
            return Err(EventError::Year { text: self.timestamp().to_string() });
        }
        let kind_index = self.grid().map(GridEvent::kind_index);
        let (mut bytes, mut count, mut largest, mut bad_entity) = (0, 0, (0, ""), None);
        self.visit(|name, value| {
            let size = name.len()
                + match value {
                    ValueRef::Text(text) | ValueRef::Json(text) | ValueRef::Number(text) => text.len(),
                    _ => 8,
                };
            bytes += size;
            count += 1;
            if size > largest.0 {
                largest = (size, name);
            }
            if let (Some(kind_index), ValueRef::Text(text)) = (kind_index, value)
                && KINDS[kind_index].fields.iter().any(|field| field.name == name)
                && is_entity_field(Some(kind_index), name)
                && (text.is_empty() || text.contains('\0'))
            {
                bad_entity = Some(name);
            }
        });
        if let Some(field) = bad_entity {
            return Err(EventError::EntityName { field: field.to_owned() });
        }
        if bytes > EVENT_BYTES_MAX {
            return Err(EventError::TooLarge { field: largest.1.chars().take(64).collect() });
        }
        if count > FIELDS_MAX {
            return Err(EventError::TooManyFields { count });
        }
        Ok(())
    }
}

impl serde::Serialize for Event {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw = serde_json::value::RawValue::from_string(self.to_json()).map_err(serde::ser::Error::custom)?;
        raw.serialize(serializer)
    }
}

impl<'de> serde::Deserialize<'de> for Event {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<serde_json::value::RawValue>::deserialize(deserializer)?;
        Event::from_json(raw.get()).map_err(serde::de::Error::custom)
    }
}

fn text_field<'a>(fields: &'a Fields, name: &str) -> Result<&'a str, EventError> {
    match fields.get(name) {
        Some(Value::Text(text)) => Ok(text),
        Some(other) => Err(EventError::WrongType {
            field: name.to_owned(),
            expected: "a string",
            found: other.to_string().chars().take(64).collect(),
        }),
        None => Err(EventError::MissingField { field: name.to_owned() }),
    }
}

/// Whether printing the typed event gives these very fields.
fn is_canonical(event: &GridEvent, fields: &Fields) -> bool {
    let mut written = fields.iter();
    let mut same = |name: &str, value: ValueRef<'_>| {
        written.next().is_some_and(|(written_name, written)| {
            name == written_name
                && match (value, written) {
                    (ValueRef::Time(micros), Value::Text(text)) => timestamp::parse_canonical(text) == Some(micros),
                    (value, written) => written.as_ref() == value,
                }
        })
    };
    let mut all = same("event_type", ValueRef::Text(event.event_type()));
    event.visit(|name, value| all = all && same(name, value));
    all = all && same("timestamp", ValueRef::Time(event.timestamp().timestamp_micros()));
    all && written.next().is_none()
}
