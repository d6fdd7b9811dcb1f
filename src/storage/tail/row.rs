//! The values of a row of the tail: a kind byte and a payload each.

use crate::event::{Value, ValueRef};
use crate::storage::shape::value_kind;
use crate::storage::varint;

/// A value as a row holds it: strings by the number of their word.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum RowValue {
    Null,
    Bool(bool),
    Integer(i64),
    Unsigned(u64),
    Float(f64),
    Number(u32),
    Text(u32),
    /// The distance from the time of the event in µs.
    Time(i64),
    Json(u32),
    /// The time of the event.
    Derived,
}

impl RowValue {
    /// The word that the value is or stands on.
    pub(crate) fn word(self) -> Option<u32> {
        match self {
            RowValue::Number(word) | RowValue::Text(word) | RowValue::Json(word) => Some(word),
            _ => None,
        }
    }

    /// The same value on another word.
    pub(crate) fn with_word(self, word: u32) -> Self {
        match self {
            RowValue::Number(_) => RowValue::Number(word),
            RowValue::Text(_) => RowValue::Text(word),
            RowValue::Json(_) => RowValue::Json(word),
            other => other,
        }
    }

    /// Appends the value to a row.
    pub(crate) fn put(self, out: &mut Vec<u8>) {
        match self {
            RowValue::Null => put_scalar(ValueRef::Null, out),
            RowValue::Bool(value) => put_scalar(ValueRef::Bool(value), out),
            RowValue::Integer(value) => put_scalar(ValueRef::Integer(value), out),
            RowValue::Unsigned(value) => put_scalar(ValueRef::Unsigned(value), out),
            RowValue::Float(value) => put_scalar(ValueRef::Float(value), out),
            RowValue::Number(word) => put_tagged(value_kind::NUMBER, u64::from(word), out),
            RowValue::Text(word) => put_tagged(value_kind::TEXT, u64::from(word), out),
            RowValue::Json(word) => put_tagged(value_kind::JSON, u64::from(word), out),
            RowValue::Time(distance_us) => put_time(distance_us, out),
            RowValue::Derived => out.push(value_kind::DERIVED),
        }
    }
}

fn put_tagged(kind: u8, payload: u64, out: &mut Vec<u8>) {
    out.push(kind);
    varint::put(payload, out);
}

/// Appends a value that needs no word. Strings have none here: they become `null`.
pub(crate) fn put_scalar(value: ValueRef<'_>, out: &mut Vec<u8>) {
    match value {
        ValueRef::Bool(false) => out.push(value_kind::FALSE),
        ValueRef::Bool(true) => out.push(value_kind::TRUE),
        ValueRef::Integer(number) => put_tagged(value_kind::INTEGER, varint::zigzag(number), out),
        ValueRef::Unsigned(number) => put_tagged(value_kind::UNSIGNED, number, out),
        ValueRef::Float(number) => {
            out.push(value_kind::FLOAT);
            out.extend_from_slice(&number.to_bits().to_le_bytes());
        }
        _ => out.push(value_kind::NULL),
    }
}

/// Appends a time, as its distance from the time of the event in µs.
pub(crate) fn put_time(distance_us: i64, out: &mut Vec<u8>) {
    put_tagged(value_kind::TIME, varint::zigzag(distance_us), out);
}

/// Takes a value from the front of a row.
pub(crate) fn take_value(input: &mut &[u8]) -> Option<RowValue> {
    let (&kind, rest) = input.split_first()?;
    *input = rest;
    Some(match kind {
        value_kind::NULL => RowValue::Null,
        value_kind::FALSE => RowValue::Bool(false),
        value_kind::TRUE => RowValue::Bool(true),
        value_kind::DERIVED => RowValue::Derived,
        value_kind::INTEGER => RowValue::Integer(varint::unzigzag(varint::take(input)?)),
        value_kind::UNSIGNED => RowValue::Unsigned(varint::take(input)?),
        value_kind::NUMBER => RowValue::Number(varint::take_u32(input)?),
        value_kind::TEXT => RowValue::Text(varint::take_u32(input)?),
        value_kind::JSON => RowValue::Json(varint::take_u32(input)?),
        value_kind::TIME => RowValue::Time(varint::unzigzag(varint::take(input)?)),
        value_kind::FLOAT => {
            let bytes = varint::take_bytes(input, 8)?;
            RowValue::Float(f64::from_bits(u64::from_le_bytes(bytes.try_into().ok()?)))
        }
        _ => return None,
    })
}

/// The plain value of a row's value, given its words and the time of the event.
pub(crate) fn resolve<'a>(value: RowValue, timestamp_us: i64, word: impl FnOnce(u32) -> &'a str) -> ValueRef<'a> {
    match value {
        RowValue::Null => ValueRef::Null,
        RowValue::Bool(value) => ValueRef::Bool(value),
        RowValue::Integer(value) => ValueRef::Integer(value),
        RowValue::Unsigned(value) => ValueRef::Unsigned(value),
        RowValue::Float(value) => ValueRef::Float(value),
        RowValue::Number(number) => ValueRef::Number(word(number)),
        RowValue::Text(number) => ValueRef::Text(word(number)),
        RowValue::Json(number) => ValueRef::Json(word(number)),
        RowValue::Time(distance_us) => ValueRef::Time(timestamp_us.wrapping_add(distance_us)),
        RowValue::Derived => ValueRef::Time(timestamp_us),
    }
}

/// As [`resolve`], owned.
pub(crate) fn resolve_owned<'a>(value: RowValue, timestamp_us: i64, word: impl FnOnce(u32) -> &'a str) -> Value {
    resolve(value, timestamp_us, word).to_value()
}
