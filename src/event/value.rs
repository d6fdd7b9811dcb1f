//! The values that a field of an event can hold, and the ordered fields of an event.
//!
//! A value keeps what the JSON text said: a number whose digits a machine integer or float would not
//! give back stays as its literal text, and nested arrays and objects stay as compact JSON.
//! Below, [`crate::storage`] keeps values in columns; above, [`crate::query`] compares them.

use std::cmp::Ordering;
use std::sync::Arc;

use super::timestamp;

/// One value of a field, owned.
///
/// ```
/// use sutra_grid_events::event::Value;
/// assert_eq!(Value::from(3).to_string(), "3");
/// assert_eq!(Value::from("three").to_string(), "three");
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// JSON `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number that fits 64 signed bits and was written in plain digits.
    Integer(i64),
    /// A whole number above `i64::MAX` that fits 64 unsigned bits.
    Unsigned(u64),
    /// A number that prints back as it was written when printed as a 64-bit float.
    Float(f64),
    /// Any other number, as its literal JSON text.
    Number(String),
    /// A string.
    Text(String),
    /// A nested array or object, as compact JSON text.
    Json(String),
}

/// One value of a field, borrowed from wherever it is stored.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum ValueRef<'a> {
    /// JSON `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// See [`Value::Integer`].
    Integer(i64),
    /// See [`Value::Unsigned`].
    Unsigned(u64),
    /// See [`Value::Float`].
    Float(f64),
    /// See [`Value::Number`].
    Number(&'a str),
    /// A string.
    Text(&'a str),
    /// A string that is a time in the canonical form (`2026-11-24T08:00:00.000000Z`), in µs since 1970.
    Time(i64),
    /// See [`Value::Json`].
    Json(&'a str),
}

impl ValueRef<'_> {
    /// The value of a whole number of any width up to 64 bits.
    pub(crate) fn from_integer<T: TryInto<i64> + TryInto<u64> + Copy>(number: T) -> Self {
        match (TryInto::<i64>::try_into(number), TryInto::<u64>::try_into(number)) {
            (Ok(signed), _) => ValueRef::Integer(signed),
            (Err(_), Ok(unsigned)) => ValueRef::Unsigned(unsigned),
            (Err(_), Err(_)) => ValueRef::Null,
        }
    }

    /// An owned copy of the value.
    #[must_use]
    pub fn to_value(self) -> Value {
        match self {
            ValueRef::Null => Value::Null,
            ValueRef::Bool(b) => Value::Bool(b),
            ValueRef::Integer(i) => Value::Integer(i),
            ValueRef::Unsigned(u) => Value::Unsigned(u),
            ValueRef::Float(f) => Value::Float(f),
            ValueRef::Number(n) => Value::Number(n.to_owned()),
            ValueRef::Text(t) => Value::Text(t.to_owned()),
            ValueRef::Time(us) => Value::Text(timestamp::format(us)),
            ValueRef::Json(j) => Value::Json(j.to_owned()),
        }
    }

    /// The value as a number, if it is one.
    #[must_use]
    pub fn as_f64(self) -> Option<f64> {
        match self {
            #[allow(clippy::cast_precision_loss)] // `compare` compares integers as integers.
            ValueRef::Integer(i) => Some(i as f64),
            #[allow(clippy::cast_precision_loss)] // The same.
            ValueRef::Unsigned(u) => Some(u as f64),
            ValueRef::Float(f) => Some(f),
            ValueRef::Number(n) => n.parse().ok(),
            _ => None,
        }
    }

    /// Appends the value as JSON text.
    pub fn write_json(self, out: &mut String) {
        match self {
            ValueRef::Null => out.push_str("null"),
            ValueRef::Bool(b) => out.push_str(if b { "true" } else { "false" }),
            ValueRef::Integer(i) => out.push_str(itoa::Buffer::new().format(i)),
            ValueRef::Unsigned(u) => out.push_str(itoa::Buffer::new().format(u)),
            ValueRef::Float(f) => super::json::write_float(f, out),
            ValueRef::Number(n) => out.push_str(n),
            ValueRef::Text(t) => super::json::write_text(t, out),
            ValueRef::Time(us) => {
                out.push('"');
                timestamp::write(us, out);
                out.push('"');
            }
            ValueRef::Json(j) => out.push_str(j),
        }
    }

    /// Compares two values of comparable kinds: numbers with numbers, strings with strings (as instants
    /// when both are RFC 3339 times), booleans with booleans. Anything else has no order.
    #[must_use]
    pub fn compare(self, other: ValueRef<'_>) -> Option<Ordering> {
        match (self, other) {
            (ValueRef::Null, ValueRef::Null) => Some(Ordering::Equal),
            (ValueRef::Bool(a), ValueRef::Bool(b)) => Some(a.cmp(&b)),
            (ValueRef::Integer(a), ValueRef::Integer(b)) => Some(a.cmp(&b)),
            (ValueRef::Unsigned(a), ValueRef::Unsigned(b)) => Some(a.cmp(&b)),
            (ValueRef::Integer(_), ValueRef::Unsigned(_)) => Some(Ordering::Less),
            (ValueRef::Unsigned(_), ValueRef::Integer(_)) => Some(Ordering::Greater),
            (ValueRef::Time(a), ValueRef::Time(b)) => Some(a.cmp(&b)),
            (ValueRef::Time(a), ValueRef::Text(b)) => match timestamp::parse(b) {
                Ok(b) => Some(a.cmp(&b)),
                Err(_) => Some(timestamp::format(a).as_str().cmp(b)),
            },
            (ValueRef::Text(_), ValueRef::Time(_)) => other.compare(self).map(Ordering::reverse),
            (ValueRef::Text(a), ValueRef::Text(b)) => match (timestamp::parse(a), timestamp::parse(b)) {
                (Ok(a), Ok(b)) => Some(a.cmp(&b)),
                _ => Some(a.cmp(b)),
            },
            (ValueRef::Json(a), ValueRef::Json(b)) => Some(a.cmp(b)),
            _ => self.as_f64()?.partial_cmp(&other.as_f64()?),
        }
    }
}

impl Value {
    /// A borrowed view of the value.
    #[must_use]
    pub fn as_ref(&self) -> ValueRef<'_> {
        match self {
            Value::Null => ValueRef::Null,
            Value::Bool(b) => ValueRef::Bool(*b),
            Value::Integer(i) => ValueRef::Integer(*i),
            Value::Unsigned(u) => ValueRef::Unsigned(*u),
            Value::Float(f) => ValueRef::Float(*f),
            Value::Number(n) => ValueRef::Number(n),
            Value::Text(t) => ValueRef::Text(t),
            Value::Json(j) => ValueRef::Json(j),
        }
    }

    /// The string, if the value is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Value::Text(t) => Some(t),
            _ => None,
        }
    }
}

impl std::fmt::Display for ValueRef<'_> {
    /// Strings print bare, everything else as its JSON text.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ValueRef::Text(t) => f.write_str(t),
            ValueRef::Time(us) => f.write_str(&timestamp::format(*us)),
            other => {
                let mut text = String::new();
                other.write_json(&mut text);
                f.write_str(&text)
            }
        }
    }
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.as_ref().fmt(f)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Value::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Value::Text(text)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Value::Bool(value)
    }
}

macro_rules! value_from_integer {
    ($($integer:ty),*) => {$(
        impl From<$integer> for Value {
            fn from(value: $integer) -> Self {
                ValueRef::from_integer(value).to_value()
            }
        }
    )*};
}
value_from_integer!(i8, i16, i32, i64, u8, u16, u32, u64, usize, isize);

impl From<f64> for Value {
    /// A float that is not finite has no JSON form and becomes `null`.
    fn from(value: f64) -> Self {
        if value.is_finite() { Value::Float(value) } else { Value::Null }
    }
}

impl From<f32> for Value {
    /// The shortest decimal digits of the 32-bit float are kept.
    fn from(value: f32) -> Self {
        value.to_string().parse::<f64>().map_or(Value::Null, Value::from)
    }
}

impl From<serde_json::Value> for Value {
    fn from(value: serde_json::Value) -> Self {
        match value {
            serde_json::Value::Null => Value::Null,
            serde_json::Value::Bool(b) => Value::Bool(b),
            serde_json::Value::Number(n) => super::json::number(&n.to_string()),
            serde_json::Value::String(s) => Value::Text(s),
            nested => Value::Json(nested.to_string()),
        }
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Value::Null, Into::into)
    }
}

/// The name of a field, shared between the events that have it.
pub type FieldName = Arc<str>;

/// The fields of an event in their order, `event_type` and `timestamp` among them.
///
/// Names are distinct. Look-up is linear, since events have few fields.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Fields(pub(crate) Vec<(FieldName, Value)>);

impl Fields {
    /// The value of a field.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(field, _)| &**field == name).map(|(_, value)| value)
    }

    /// The fields in their order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (&**name, value))
    }

    /// How many fields there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no field.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Replaces the value of a field, or adds the field before `timestamp` if that is last, else at the end.
    pub(crate) fn set(&mut self, name: &str, value: Value) {
        if let Some(slot) = self.0.iter_mut().find(|(field, _)| &**field == name) {
            slot.1 = value;
            return;
        }
        let end = match self.0.last() {
            Some((last, _)) if &**last == "timestamp" => self.0.len() - 1,
            _ => self.0.len(),
        };
        self.0.insert(end, (name.into(), value));
    }
}
