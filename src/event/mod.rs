//! Events: what is recorded.
//!
//! ```text
//! grid_event (the table of typed kinds) ─┐
//! dynamic (any other kind)               ├─► Event ─► fields, entities, JSON, sentence
//! ExtendedEvent (typed, with extras)     ┘
//! concept_id: the name under which an event is kept
//! ```
//!
//! Nothing here knows about storage. Everything above builds on [`Event`] and [`ValueRef`].

mod concept_id;
mod description;
mod dynamic;
mod entity;
mod error;
mod grid_event;
mod json;
mod kind;
pub mod timestamp;
mod value;

use std::sync::Arc;

use chrono::{DateTime, Utc};

pub use concept_id::{ConceptId, ConceptIdError, EVENT_TYPE_BYTES_MAX, is_event_type};
pub use dynamic::DynamicEvent;
pub use entity::{ENTITY_BYTES_MAX, Entity, is_entity_field, is_entity_value};
pub(crate) use entity::{is_always_entity_field, is_cluster_kind};
pub use error::EventError;
pub(crate) use grid_event::kind_index_of;
pub use grid_event::{CLUSTER, GridEvent, KINDS};
pub(crate) use json::write_text as write_json_text;
pub use kind::{Kind, KindField};
pub use value::{FieldName, Fields, Value, ValueRef};

/// The largest event, in bytes of its JSON text.
pub const EVENT_BYTES_MAX: usize = 1 << 20;
/// The most fields an event can have, `event_type` and `timestamp` included.
pub const FIELDS_MAX: usize = 1024;
/// The field of an event that declares what caused it: one concept id, or a list of them.
pub const CAUSED_BY: &str = "caused_by";

/// An event as it is emitted and stored.
///
/// ```
/// use sutra_grid_events::Event;
/// let text = r#"{"event_type":"pod_scheduled","pod_id":"web-1","cpu":0.50,"timestamp":"2026-11-24T08:00:00+01:00"}"#;
/// let event = Event::from_json(text)?;
/// assert_eq!(event.to_json(), text);
/// assert_eq!(event.entities()[0].value, "web-1");
/// # Ok::<(), sutra_grid_events::EventError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A typed kind with exactly its listed fields, written in the canonical form.
    Grid(GridEvent),
    /// A typed kind that carries more than its listed fields, or was written in a form of its own.
    Extended(Box<ExtendedEvent>),
    /// Any other kind.
    Dynamic(DynamicEvent),
}

/// A typed event with extras (such as `caused_by`, or what a newer writer added), or one whose JSON
/// was written in a form of its own: other key order, other digits, an offset in a time.
///
/// [`event`](Self::event) is the typed view, [`fields`](Self::fields) is everything as it was written.
#[derive(Debug, Clone, PartialEq)]
pub struct ExtendedEvent {
    event: GridEvent,
    fields: Fields,
}

impl ExtendedEvent {
    /// The typed view.
    #[must_use]
    pub fn event(&self) -> &GridEvent {
        &self.event
    }

    /// Every field in its order.
    #[must_use]
    pub fn fields(&self) -> &Fields {
        &self.fields
    }
}

impl From<GridEvent> for Event {
    fn from(event: GridEvent) -> Self {
        Event::Grid(event)
    }
}

impl From<DynamicEvent> for Event {
    fn from(event: DynamicEvent) -> Self {
        Event::Dynamic(event)
    }
}

impl Event {
    /// The typed event with all its fields as they were written.
    pub(crate) fn extended(event: GridEvent, fields: Fields) -> Self {
        Event::Extended(Box::new(ExtendedEvent { event, fields }))
    }

    /// The value of `event_type`.
    #[must_use]
    pub fn event_type(&self) -> &str {
        match self {
            Event::Grid(event) => event.event_type(),
            Event::Extended(extended) => extended.event.event_type(),
            Event::Dynamic(event) => event.event_type(),
        }
    }

    /// When it happened.
    #[must_use]
    pub fn timestamp(&self) -> DateTime<Utc> {
        match self {
            Event::Grid(event) => event.timestamp(),
            Event::Extended(extended) => extended.event.timestamp(),
            Event::Dynamic(event) => timestamp::to_datetime(event.timestamp_us()),
        }
    }

    /// When it happened, in µs since 1970.
    #[must_use]
    pub fn timestamp_us(&self) -> i64 {
        match self {
            Event::Dynamic(event) => event.timestamp_us(),
            typed => typed.timestamp().timestamp_micros(),
        }
    }

    /// The typed event, if the kind is one of the typed kinds.
    #[must_use]
    pub fn grid(&self) -> Option<&GridEvent> {
        match self {
            Event::Grid(event) => Some(event),
            Event::Extended(extended) => Some(&extended.event),
            Event::Dynamic(_) => None,
        }
    }

    /// The entity that the event is about first of all. For a dynamic event that is its `node_id`,
    /// else its `agent_id`, else its first entity, else the name of its kind.
    #[must_use]
    pub fn primary_id(&self) -> String {
        if let Some(event) = self.grid() {
            return event.primary_id();
        }
        let entities = self.entities();
        let named = |field: &str| entities.iter().find(|entity| entity.field == field);
        named("node_id")
            .or_else(|| named("agent_id"))
            .or_else(|| entities.first())
            .map_or_else(|| self.event_type().to_owned(), |entity| entity.value.clone())
    }

    /// The code of the association from the primary entity to the event; 0 where the kind has none.
    #[must_use]
    pub fn association_code(&self) -> u32 {
        self.grid().map_or(0, GridEvent::association_code)
    }

    /// The entities that the event names, each under its field, in the order of the fields.
    #[must_use]
    pub fn entities(&self) -> Vec<Entity> {
        let kind_index = self.grid().map(GridEvent::kind_index);
        let mut entities = Vec::new();
        self.visit(|name, value| {
            if let ValueRef::Text(text) = value
                && is_entity_field(kind_index, name)
                && is_entity_value(text)
            {
                entities.push(Entity { field: name.to_owned(), value: text.to_owned() });
            }
        });
        if kind_index.is_some_and(is_cluster_kind) {
            entities.push(Entity { field: CLUSTER.to_owned(), value: CLUSTER.to_owned() });
        }
        entities
    }

    /// Visits every field in its order, `event_type` and `timestamp` among them.
    pub fn visit<'a>(&'a self, mut visitor: impl FnMut(&'a str, ValueRef<'a>)) {
        match self {
            Event::Grid(event) => {
                visitor("event_type", ValueRef::Text(event.event_type()));
                event.visit(|name, value| visitor(name, value));
                visitor("timestamp", ValueRef::Time(event.timestamp().timestamp_micros()));
            }
            Event::Extended(extended) => {
                extended.fields.iter().for_each(|(name, value)| visitor(name, value.as_ref()));
            }
            Event::Dynamic(event) => event.fields().iter().for_each(|(name, value)| visitor(name, value.as_ref())),
        }
    }

    /// The value of a field.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<ValueRef<'_>> {
        let mut found = None;
        self.visit(|field, value| {
            if field == name {
                found = Some(value);
            }
        });
        found
    }

    /// All fields in their order, owned.
    #[must_use]
    pub fn to_fields(&self) -> Fields {
        let mut fields = Vec::new();
        self.visit(|name, value| fields.push((intern_name(name), value.to_value())));
        Fields(fields)
    }

    /// The event with one more field (an *extra*), before `timestamp`. The listed fields of a typed
    /// kind, `event_type` and `timestamp` are not extras and stay as they are.
    #[must_use]
    pub fn with(self, name: &str, value: impl Into<Value>) -> Self {
        match self {
            Event::Dynamic(event) => Event::Dynamic(event.with(name, value)),
            typed => {
                let mut fields = typed.to_fields();
                let event = match typed {
                    Event::Grid(event) => event,
                    Event::Extended(extended) => extended.event,
                    Event::Dynamic(_) => return typed,
                };
                let listed = event.kind().fields.iter().any(|field| field.name == name);
                if !listed && name != "event_type" && name != "timestamp" {
                    fields.set(name, value.into());
                }
                Event::extended(event, fields)
            }
        }
    }

    /// The event with its cause declared.
    ///
    /// ```
    /// # use sutra_grid_events::{Event, GridEvent, ConceptId};
    /// let cause = ConceptId::new("node_crashed", 0, 0).unwrap();
    /// let event = Event::from(GridEvent::AgentUnregistered { agent_id: "a".into(), timestamp: chrono::Utc::now() });
    /// assert_eq!(event.caused_by(&cause).causes(), [cause]);
    /// ```
    #[must_use]
    pub fn caused_by(self, cause: &ConceptId) -> Self {
        self.with(CAUSED_BY, cause.to_string())
    }

    /// The causes that the event declares. What is not a concept id of an event is passed over.
    #[must_use]
    pub fn causes(&self) -> Vec<ConceptId> {
        match self.get(CAUSED_BY) {
            Some(ValueRef::Text(text)) => text.parse().into_iter().collect(),
            Some(ValueRef::Json(text)) => serde_json::from_str::<Vec<String>>(text)
                .unwrap_or_default()
                .iter()
                .filter_map(|text| text.parse().ok())
                .collect(),
            _ => Vec::new(),
        }
    }

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

    /// The event as compact JSON, value for value and in the key order in which it came.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut out = String::with_capacity(160);
        self.write_json(&mut out);
        out
    }

    /// Appends the JSON of [`to_json`](Self::to_json).
    pub fn write_json(&self, out: &mut String) {
        match self {
            Event::Extended(extended) => json::write_fields(&extended.fields, out),
            Event::Dynamic(event) => json::write_fields(event.fields(), out),
            Event::Grid(_) => {
                let mut separator = '{';
                self.visit(|name, value| {
                    out.push(separator);
                    separator = ',';
                    json::write_text(name, out);
                    out.push(':');
                    value.write_json(out);
                });
                out.push('}');
            }
        }
    }

    /// About how many bytes of memory the event holds. Cheap, since it is asked at each `emit`.
    #[must_use]
    pub(crate) fn memory_bytes(&self) -> usize {
        let mut bytes = size_of::<Self>();
        match self {
            Event::Grid(event) => event.visit(|_, value| {
                if let ValueRef::Text(text) = value {
                    bytes += text.len();
                }
            }),
            other => other.visit(|_, value| {
                bytes += size_of::<(FieldName, Value)>();
                if let ValueRef::Text(text) | ValueRef::Json(text) | ValueRef::Number(text) = value {
                    bytes += text.len();
                }
            }),
        }
        bytes
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

/// A shared copy of a field's or a type's name. The names of typed kinds are allocated once.
pub(crate) fn intern_name(name: &str) -> Arc<str> {
    use std::collections::HashSet;
    use std::sync::LazyLock;
    static NAMES: LazyLock<HashSet<Arc<str>>> = LazyLock::new(|| {
        let fields = KINDS.iter().flat_map(|kind| kind.fields.iter().map(|field| field.name));
        let types = KINDS.iter().map(|kind| kind.name);
        fields.chain(types).chain(["event_type", "timestamp", CAUSED_BY, CLUSTER]).map(Arc::from).collect()
    });
    NAMES.get(name).cloned().unwrap_or_else(|| name.into())
}

#[cfg(test)]
mod tests;
