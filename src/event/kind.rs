//! The machinery behind the table of typed kinds in [`super::grid_event`].
//!
//! One table states each kind once; from it come the enum, its JSON form, its description as data
//! ([`Kind`]) and the conversion to and from plain values that the storage and the parser use.

use chrono::{DateTime, Utc};

use super::error::EventError;
use super::timestamp;
use super::value::ValueRef;

/// A typed kind of event, as data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// The value of `event_type`.
    pub name: &'static str,
    /// The code of the association from the primary entity to the event; 0 where there is none.
    pub association_code: u32,
    /// The field that names the primary entity; [`super::CLUSTER`] for cluster kinds.
    pub primary: &'static str,
    /// The fields between `event_type` and `timestamp`, in the order of the JSON form.
    pub fields: &'static [KindField],
}

/// A field of a typed kind, as data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KindField {
    /// The name.
    pub name: &'static str,
    /// What its value must be, in words.
    pub expected: &'static str,
    /// Whether the field can be absent or `null`.
    pub optional: bool,
}

/// A Rust type that can be the type of a field of a typed kind.
pub(crate) trait FieldType: Sized {
    /// What a value must be, in words.
    const EXPECTED: &'static str;
    /// Whether `null` and absence are values.
    const OPTIONAL: bool = false;
    /// The plain value.
    fn to_value(&self) -> ValueRef<'_>;
    /// The typed value, or nothing if the kind of value does not fit.
    fn from_value(value: ValueRef<'_>) -> Option<Self>;
    /// The bytes of text that it holds outside of itself. Asked at each `emit`, so it converts nothing.
    fn text_bytes(&self) -> usize {
        0
    }
}

impl FieldType for String {
    const EXPECTED: &'static str = "a string";
    fn text_bytes(&self) -> usize {
        self.len()
    }
    fn to_value(&self) -> ValueRef<'_> {
        ValueRef::Text(self)
    }
    fn from_value(value: ValueRef<'_>) -> Option<Self> {
        match value {
            ValueRef::Text(text) => Some(text.to_owned()),
            ValueRef::Time(micros) => Some(timestamp::format(micros)),
            _ => None,
        }
    }
}

impl FieldType for bool {
    const EXPECTED: &'static str = "true or false";
    fn to_value(&self) -> ValueRef<'_> {
        ValueRef::Bool(*self)
    }
    fn from_value(value: ValueRef<'_>) -> Option<Self> {
        match value {
            ValueRef::Bool(value) => Some(value),
            _ => None,
        }
    }
}

macro_rules! integer_field {
    ($($integer:ty => $expected:literal),*) => {$(
        impl FieldType for $integer {
            const EXPECTED: &'static str = $expected;
            fn to_value(&self) -> ValueRef<'_> {
                ValueRef::from_integer(*self)
            }
            fn from_value(value: ValueRef<'_>) -> Option<Self> {
                match value {
                    ValueRef::Integer(value) => Self::try_from(value).ok(),
                    ValueRef::Unsigned(value) => Self::try_from(value).ok(),
                    _ => None,
                }
            }
        }
    )*};
}
integer_field!(
    u32 => "a whole number from 0 to 4294967295",
    i32 => "a whole number of 32 bits",
    u64 => "a whole number from 0 to 18446744073709551615",
    usize => "a whole number from 0 to 18446744073709551615"
);

impl FieldType for f32 {
    const EXPECTED: &'static str = "a number";
    fn to_value(&self) -> ValueRef<'_> {
        // The shortest digits of the 32-bit float, as serde_json prints them. Not finite has no JSON form.
        if self.is_finite() { self.to_string().parse().map_or(ValueRef::Null, ValueRef::Float) } else { ValueRef::Null }
    }
    #[allow(clippy::cast_possible_truncation)] // A 32-bit field takes the nearest 32-bit value.
    fn from_value(value: ValueRef<'_>) -> Option<Self> {
        match value {
            ValueRef::Null => Some(f32::NAN),
            other => other.as_f64().map(|number| number as f32),
        }
    }
}

impl FieldType for DateTime<Utc> {
    const EXPECTED: &'static str = "an RFC 3339 time";
    fn to_value(&self) -> ValueRef<'_> {
        ValueRef::Time(self.timestamp_micros())
    }
    fn from_value(value: ValueRef<'_>) -> Option<Self> {
        match value {
            ValueRef::Time(micros) => Some(timestamp::to_datetime(micros)),
            ValueRef::Text(text) => DateTime::parse_from_rfc3339(text).ok().map(|time| time.with_timezone(&Utc)),
            _ => None,
        }
    }
}

impl<T: FieldType> FieldType for Option<T> {
    const EXPECTED: &'static str = T::EXPECTED;
    const OPTIONAL: bool = true;
    fn text_bytes(&self) -> usize {
        self.as_ref().map_or(0, FieldType::text_bytes)
    }
    fn to_value(&self) -> ValueRef<'_> {
        self.as_ref().map_or(ValueRef::Null, FieldType::to_value)
    }
    fn from_value(value: ValueRef<'_>) -> Option<Self> {
        match value {
            ValueRef::Null => Some(None),
            other => T::from_value(other).map(Some),
        }
    }
}

/// Reads one field of a typed kind.
pub(crate) fn read_field<T: FieldType>(name: &'static str, value: Option<ValueRef<'_>>) -> Result<T, EventError> {
    match value {
        Some(value) => T::from_value(value).ok_or_else(|| EventError::WrongType {
            field: name.to_owned(),
            expected: T::EXPECTED,
            found: value.to_string().chars().take(64).collect(),
        }),
        None if T::OPTIONAL => {
            T::from_value(ValueRef::Null).ok_or_else(|| EventError::MissingField { field: name.to_owned() })
        }
        None => Err(EventError::MissingField { field: name.to_owned() }),
    }
}

/// Builds [`super::GridEvent`] and what belongs to it from the table of kinds.
macro_rules! grid_events {
    ($(
        $(#[$doc:meta])*
        $variant:ident $name:literal ($code:literal) [$primary:literal] {
            $( $(#[$field_doc:meta])* $field:ident: $type:ty, )*
        }
    )*) => {
        /// A typed event of the Sutra family: the life of agents, storage nodes and the cluster (17 kinds),
        /// and the measurements of the services around them (9 kinds).
        ///
        /// The JSON form is tagged by `event_type`, with `timestamp` last.
        ///
        /// ```
        /// use chrono::{TimeZone, Utc};
        /// use sutra_grid_events::GridEvent;
        ///
        /// let crash = GridEvent::NodeCrashed {
        ///     node_id: "node-abc".into(),
        ///     agent_id: "agent-001".into(),
        ///     exit_code: Some(137),
        ///     timestamp: Utc.with_ymd_and_hms(2026, 11, 24, 8, 0, 0).unwrap(),
        /// };
        /// assert_eq!(crash.event_type(), "node_crashed");
        /// assert_eq!(
        ///     serde_json::to_string(&crash).unwrap(),
        ///     r#"{"event_type":"node_crashed","node_id":"node-abc","agent_id":"agent-001","exit_code":137,"timestamp":"2026-11-24T08:00:00.000000Z"}"#,
        /// );
        /// ```
        #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(tag = "event_type")]
        pub enum GridEvent {
            $(
                $(#[$doc])*
                #[serde(rename = $name)]
                $variant {
                    $( $(#[$field_doc])* $field: $type, )*
                    /// When it happened.
                    #[serde(with = "crate::event::timestamp::serde_form")]
                    timestamp: chrono::DateTime<chrono::Utc>,
                },
            )*
        }

        // The variants are named as the kinds are, whatever they are called.
        #[allow(non_camel_case_types, clippy::upper_case_acronyms)]
        enum Index { $($variant,)* }

        /// Every typed kind, in the order of the enum.
        pub const KINDS: &[Kind] = &[$(
            Kind {
                name: $name,
                association_code: $code,
                primary: $primary,
                fields: &[$(
                    KindField {
                        name: stringify!($field),
                        expected: <$type as FieldType>::EXPECTED,
                        optional: <$type as FieldType>::OPTIONAL,
                    },
                )*],
            },
        )*];

        impl GridEvent {
            /// The place of this kind in [`KINDS`].
            pub(crate) fn kind_index(&self) -> usize {
                match self { $(GridEvent::$variant { .. } => Index::$variant as usize,)* }
            }

            /// When it happened.
            #[must_use]
            pub fn timestamp(&self) -> chrono::DateTime<chrono::Utc> {
                match self { $(GridEvent::$variant { timestamp, .. } => *timestamp,)* }
            }

            /// Visits the fields between `event_type` and `timestamp`, in their order.
            pub(crate) fn visit<'a>(&'a self, mut visitor: impl FnMut(&'static str, ValueRef<'a>)) {
                match self { $(
                    // A kind may use no other field than its time, or not even that.
                    #[allow(unused_variables)]
                    GridEvent::$variant { $($field,)* timestamp } => {
                        $( visitor(stringify!($field), FieldType::to_value($field)); )*
                    }
                )* }
            }

            /// The bytes of text in all fields together.
            #[inline]
            pub(crate) fn text_bytes(&self) -> usize {
                match self { $(
                    // A kind may use no other field than its time, or not even that.
                    #[allow(unused_variables)]
                    GridEvent::$variant { $($field,)* timestamp } => 0 $(+ FieldType::text_bytes($field))*,
                )* }
            }

            /// Builds the event of a kind from plain values, asked for by their place and name.
            pub(crate) fn from_values<'a>(
                kind_index: usize,
                timestamp: chrono::DateTime<chrono::Utc>,
                mut value: impl FnMut(&'static str) -> Option<ValueRef<'a>>,
            ) -> Result<Self, EventError> {
                $(
                    if kind_index == Index::$variant as usize {
                        return Ok(GridEvent::$variant {
                            $( $field: read_field(stringify!($field), value(stringify!($field)))?, )*
                            timestamp,
                        });
                    }
                )*
                Err(EventError::MissingField { field: "event_type".to_owned() })
            }
        }
    };
}
pub(crate) use grid_events;
