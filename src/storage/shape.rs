//! Shapes: the type of an event and the names of its fields in their order.
//!
//! Events of one shape differ in their values only, so names are stored once a shape. A *plain* shape
//! is that of a typed kind in its canonical form; every other form of it (extras, other order, other
//! digits) has a shape of its own, which is how exceptions cost only the events that need them.

use std::sync::Arc;

use crate::event::{
    CLUSTER, DynamicEvent, Event, EventError, FieldName, Fields, GridEvent, KINDS, ValueRef, intern_name,
    is_cluster_kind, is_entity_field, is_event_type, kind_index_of, timestamp,
};

/// The value kinds of the storage, one byte each. The numbers are part of the on-disk format.
pub(crate) mod value_kind {
    pub(crate) const NULL: u8 = 0;
    pub(crate) const FALSE: u8 = 1;
    pub(crate) const TRUE: u8 = 2;
    pub(crate) const INTEGER: u8 = 3;
    pub(crate) const UNSIGNED: u8 = 4;
    pub(crate) const FLOAT: u8 = 5;
    /// The literal text of a number.
    pub(crate) const NUMBER: u8 = 6;
    /// A string that stands beside its event.
    pub(crate) const TEXT: u8 = 7;
    /// A string that is a canonical time, as its distance from the time of the event in µs.
    pub(crate) const TIME: u8 = 8;
    /// Compact JSON text.
    pub(crate) const JSON: u8 = 9;
    /// A `timestamp` in the canonical form: the time of the event itself.
    pub(crate) const DERIVED: u8 = 10;
    /// A string of the dictionary. Segments only.
    pub(crate) const WORD: u8 = 11;
    /// No such field in this event. Segments only.
    pub(crate) const ABSENT: u8 = 12;
}

/// What an entity is named by in an index: its field, by its place in a table of names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ShapeField {
    /// The name.
    pub(crate) name: FieldName,
    /// Whether a string here is an entity.
    pub(crate) entity: bool,
    /// Whether the string is an entity that a typed kind must have, so that an empty one is refused.
    pub(crate) required_entity: bool,
}

/// The type and the field names of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) event_type: Arc<str>,
    pub(crate) kind_index: Option<usize>,
    /// Whether this is the canonical form of a typed kind.
    pub(crate) plain: bool,
    /// Every field but `event_type`.
    pub(crate) fields: Vec<ShapeField>,
    /// Where `event_type` stands among the fields.
    pub(crate) type_place: usize,
}

/// The stored form of a shape.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct ShapeRecord {
    event_type: String,
    plain: bool,
    names: Vec<String>,
}

impl Shape {
    /// The shape of a typed kind in its canonical form.
    pub(crate) fn plain(kind_index: usize) -> Self {
        let kind = &KINDS[kind_index];
        let listed = kind.fields.iter().map(|field| field.name);
        let names = ["event_type"].into_iter().chain(listed).chain(["timestamp"]).map(intern_name);
        Self::new(intern_name(kind.name), true, names)
    }

    /// The shape of fields in their order, `event_type` among them.
    pub(crate) fn new(event_type: Arc<str>, plain: bool, names: impl Iterator<Item = FieldName>) -> Self {
        let kind_index = kind_index_of(&event_type);
        let mut type_place = 0;
        let mut fields = Vec::new();
        for (place, name) in names.enumerate() {
            if &*name == "event_type" {
                type_place = place;
                continue;
            }
            let entity = is_entity_field(kind_index, &name);
            let listed = kind_index.is_some_and(|index| KINDS[index].fields.iter().any(|field| field.name == &*name));
            fields.push(ShapeField { name, entity, required_entity: entity && listed });
        }
        Self { event_type, kind_index, plain, fields, type_place }
    }

    /// Whether events of this shape are about the cluster as a whole.
    pub(crate) fn is_cluster(&self) -> bool {
        self.kind_index.is_some_and(is_cluster_kind)
    }

    /// The place of a field other than `event_type`.
    pub(crate) fn place_of(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|field| &*field.name == name)
    }

    /// The names of all fields in their order, `event_type` among them.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        let (before, after) = self.fields.split_at(self.type_place.min(self.fields.len()));
        let names = |field: &'static str| std::iter::once(field);
        before.iter().map(|field| &*field.name).chain(names("event_type")).chain(after.iter().map(|field| &*field.name))
    }

    /// Whether this is the shape of these fields.
    pub(crate) fn is_of(&self, event_type: &str, plain: bool, fields: &Fields) -> bool {
        self.plain == plain
            && *self.event_type == *event_type
            && self.fields.len() + 1 == fields.len()
            && self.names().eq(fields.iter().map(|(name, _)| name))
    }

    pub(crate) fn to_record(&self) -> ShapeRecord {
        ShapeRecord {
            event_type: self.event_type.to_string(),
            plain: self.plain,
            names: self.names().map(str::to_owned).collect(),
        }
    }

    /// The shape of a record, or nothing if no event can have it.
    pub(crate) fn from_record(record: &ShapeRecord) -> Option<Self> {
        let named = |name: &str| record.names.iter().filter(|other| *other == name).count() == 1;
        if !is_event_type(&record.event_type) || !record.names.iter().all(|name| named(name)) || !named("event_type") {
            return None;
        }
        let shape =
            Self::new(intern_name(&record.event_type), record.plain, record.names.iter().map(|name| intern_name(name)));
        (!shape.plain || shape.kind_index.is_some_and(|index| shape == Self::plain(index))).then_some(shape)
    }

    /// The entity that cluster kinds are about, beside those that their fields name.
    pub(crate) fn cluster_entity(&self) -> Option<(&'static str, &'static str)> {
        self.is_cluster().then_some((CLUSTER, CLUSTER))
    }

    /// Builds the event of this shape from its values, asked for by place (`event_type` has none).
    pub(crate) fn build<'a>(&self, timestamp_us: i64, value: impl Fn(usize) -> ValueRef<'a>) -> Event {
        if let (true, Some(kind_index)) = (self.plain, self.kind_index) {
            // A plain shape has the fields of its kind in their order, which is the order they are asked in.
            let mut place = 0;
            let event = GridEvent::from_values(kind_index, timestamp::to_datetime(timestamp_us), |_| {
                place += 1;
                Some(value(place - 1))
            });
            if let Ok(event) = event {
                return Event::Grid(event);
            }
        }
        let mut fields: Vec<_> = self
            .fields
            .iter()
            .enumerate()
            .map(|(place, field)| (Arc::clone(&field.name), value(place).to_value()))
            .collect();
        let event_type = (intern_name("event_type"), ValueRef::Text(&self.event_type).to_value());
        fields.insert(self.type_place.min(fields.len()), event_type);
        self.with_fields(timestamp_us, Fields(fields))
    }

    fn with_fields(&self, timestamp_us: i64, fields: Fields) -> Event {
        if let Some(kind_index) = self.kind_index {
            let event = GridEvent::from_values(kind_index, timestamp::to_datetime(timestamp_us), |name| {
                fields.get(name).map(crate::event::Value::as_ref)
            });
            if let Ok(event) = event {
                return Event::extended(event, fields);
            }
        }
        Event::Dynamic(DynamicEvent::from_parts(Arc::clone(&self.event_type), timestamp_us, fields))
    }

    /// The error of an entity that a typed kind must have and that is no name.
    pub(crate) fn entity_error(&self, place: usize) -> EventError {
        EventError::EntityName { field: self.fields[place].name.to_string() }
    }
}
