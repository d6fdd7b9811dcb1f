//! The event: a typed kind, a typed kind with extras, or any other kind.

use chrono::{DateTime, Utc};

use super::concept_id::ConceptId;
use super::dynamic::DynamicEvent;
use super::entity::{Entity, is_cluster_kind, is_entity_field, is_entity_value};
use super::grid_event::{CLUSTER, GridEvent};
use super::value::{FieldName, Fields, Value, ValueRef};
use super::{CAUSED_BY, intern_name, json, timestamp};

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
                // A closure of its own, since `visit` asks for names that live longer than `'a`.
                #[allow(clippy::redundant_closure)]
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
            Event::Grid(event) => bytes += event.text_bytes(),
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
