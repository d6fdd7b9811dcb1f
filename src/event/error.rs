//! What can be wrong with an event before it is stored.

/// Why an event was not accepted. Every message names the field that it is about.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EventError {
    /// The text is not a JSON object.
    #[error("not valid JSON: {reason}")]
    Json {
        /// What the parser found, and where.
        reason: String,
    },
    /// A field that every event, or this kind, must have is not there.
    #[error("missing field `{field}`")]
    MissingField {
        /// The field.
        field: String,
    },
    /// A field of a typed kind has a value of the wrong kind.
    #[error("field `{field}` must be {expected}, found {found}")]
    WrongType {
        /// The field.
        field: String,
        /// What the kind asks for.
        expected: &'static str,
        /// What was there, shortened.
        found: String,
    },
    /// The same key stands twice in one object.
    #[error("duplicate key `{field}`")]
    DuplicateKey {
        /// The key.
        field: String,
    },
    /// `timestamp` is not an RFC 3339 time.
    #[error("field `timestamp` is not an RFC 3339 time: `{text}`")]
    Timestamp {
        /// The text found, shortened.
        text: String,
    },
    /// `timestamp` lies outside the years 1 to 9999.
    #[error("field `timestamp` lies outside the years 1 to 9999: `{text}`")]
    Year {
        /// The text found, shortened.
        text: String,
    },
    /// `event_type` is not a name that a concept id can carry.
    #[error("field `event_type` must match [a-z][a-z0-9_]* and have at most {max} bytes: `{found}`", max = super::EVENT_TYPE_BYTES_MAX)]
    EventType {
        /// The name found, shortened.
        found: String,
    },
    /// An entity of a typed kind is empty or holds a NUL.
    #[error("field `{field}` must be a name: it is empty or holds a NUL")]
    EntityName {
        /// The field.
        field: String,
    },
    /// The event is larger than an event may be.
    #[error("field `{field}` makes the event too large: more than {max} bytes", max = super::EVENT_BYTES_MAX)]
    TooLarge {
        /// The largest field.
        field: String,
    },
    /// The event has more fields than an event may have.
    #[error("too many fields: {count} (at most {max})", max = super::FIELDS_MAX)]
    TooManyFields {
        /// How many there were.
        count: usize,
    },
}

impl EventError {
    /// The field that the error is about, if it is about one.
    #[must_use]
    pub fn field(&self) -> Option<&str> {
        match self {
            EventError::MissingField { field }
            | EventError::WrongType { field, .. }
            | EventError::DuplicateKey { field }
            | EventError::EntityName { field }
            | EventError::TooLarge { field } => Some(field),
            EventError::Timestamp { .. } | EventError::Year { .. } => Some("timestamp"),
            EventError::EventType { .. } => Some("event_type"),
            EventError::Json { .. } | EventError::TooManyFields { .. } => None,
        }
    }
}
