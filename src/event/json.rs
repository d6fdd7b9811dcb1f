//! The JSON form of events: reading keeps every value as it was written, writing gives it back.
//!
//! Reading goes through `serde_json`'s raw values rather than its numbers, since those would lose
//! digits; `arbitrary_precision` would keep them but breaks floats inside tagged enums.

use std::borrow::Cow;
use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;

use super::error::EventError;
use super::value::{FieldName, Fields, Value};
use super::{EVENT_BYTES_MAX, FIELDS_MAX};

/// Reads the fields of one JSON object.
pub(crate) fn parse_fields(text: &str) -> Result<Fields, EventError> {
    let RawFields(raw) = serde_json::from_str::<RawFields<'_>>(text).map_err(|error| json_error(&error))?;
    if raw.len() > FIELDS_MAX {
        return Err(EventError::TooManyFields { count: raw.len() });
    }
    if text.len() > EVENT_BYTES_MAX {
        let largest = raw.iter().max_by_key(|(_, value)| value.get().len());
        return Err(EventError::TooLarge { field: largest.map(|(name, _)| shorten(name)).unwrap_or_default() });
    }
    let mut fields: Vec<(FieldName, Value)> = Vec::with_capacity(raw.len());
    for (name, value) in raw {
        if fields.iter().any(|(known, _)| **known == *name) {
            return Err(EventError::DuplicateKey { field: shorten(&name) });
        }
        let value = parse_value(value.get())
            .map_err(|reason| EventError::Json { reason: format!("{reason} in field `{}`", shorten(&name)) })?;
        fields.push((super::intern_name(&name), value));
    }
    Ok(Fields(fields))
}

/// Reads one value from its raw text, which is known to be well-formed JSON.
fn parse_value(raw: &str) -> Result<Value, String> {
    let raw = raw.trim_ascii();
    Ok(match raw.as_bytes().first() {
        Some(b'"') => Value::Text(serde_json::from_str(raw).map_err(|error| error.to_string())?),
        Some(b'{' | b'[') => {
            // serde_json skips nested values without a limit of depth, so they are read once in full:
            // what it can read, every reader of the stored content can.
            serde_json::from_str::<DistinctKeys>(raw).map_err(|error| error.to_string())?;
            Value::Json(compact(raw))
        }
        Some(b't') => Value::Bool(true),
        Some(b'f') => Value::Bool(false),
        Some(b'n') => Value::Null,
        _ => match number(raw) {
            Value::Number(text) if text.parse::<f64>().is_ok_and(f64::is_infinite) => {
                return Err("a number out of range".to_owned());
            }
            value => value,
        },
    })
}

/// The value of a number's literal text, in the form that gives that text back.
pub(crate) fn number(text: &str) -> Value {
    if let Ok(integer) = text.parse::<i64>() {
        if itoa::Buffer::new().format(integer) == text {
            return Value::Integer(integer);
        }
    } else if let Ok(unsigned) = text.parse::<u64>() {
        if itoa::Buffer::new().format(unsigned) == text {
            return Value::Unsigned(unsigned);
        }
    } else if let Ok(float) = text.parse::<f64>() {
        let mut printed = String::new();
        write_float(float, &mut printed);
        if printed == text {
            return Value::Float(float);
        }
    }
    Value::Number(text.to_owned())
}

/// Writes a float as `serde_json` does; one that is not finite becomes `null`.
pub(crate) fn write_float(float: f64, out: &mut String) {
    match serde_json::Number::from_f64(float) {
        Some(number) => out.push_str(&number.to_string()),
        None => out.push_str("null"),
    }
}

/// Writes a JSON string, with the escapes that `serde_json` would use.
pub(crate) fn write_text(text: &str, out: &mut String) {
    out.push('"');
    let mut plain_from = 0;
    for (at, byte) in text.bytes().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.push_str(&text[plain_from..at]);
        plain_from = at + 1;
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            0x08 => out.push_str("\\b"),
            0x0c => out.push_str("\\f"),
            control => {
                const HEX: &[u8; 16] = b"0123456789abcdef";
                out.push_str("\\u00");
                out.push(char::from(HEX[usize::from(control >> 4)]));
                out.push(char::from(HEX[usize::from(control & 15)]));
            }
        }
    }
    out.push_str(&text[plain_from..]);
    out.push('"');
}

/// Writes fields as one compact JSON object.
pub(crate) fn write_fields(fields: &Fields, out: &mut String) {
    out.push('{');
    for (index, (name, value)) in fields.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write_text(name, out);
        out.push(':');
        value.as_ref().write_json(out);
    }
    out.push('}');
}

/// Well-formed JSON without the white space between its tokens.
fn compact(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let (mut in_string, mut escaped) = (false, false);
    for character in json.chars() {
        if in_string {
            in_string = escaped || character != '"';
            escaped = !escaped && character == '\\';
        } else if character.is_ascii_whitespace() {
            continue;
        } else {
            in_string = character == '"';
        }
        out.push(character);
    }
    out
}

fn json_error(error: &serde_json::Error) -> EventError {
    EventError::Json { reason: error.to_string().chars().take(200).collect() }
}

fn shorten(text: &str) -> String {
    text.chars().take(64).collect()
}

/// The keys and raw values of an object in their order, duplicates included.
struct RawFields<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de> serde::Deserialize<'de> for RawFields<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct RawFieldsVisitor;
        impl<'de> Visitor<'de> for RawFieldsVisitor {
            type Value = RawFields<'de>;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some(Key(name)) = map.next_key()? {
                    fields.push((name, map.next_value::<&RawValue>()?));
                }
                Ok(RawFields(fields))
            }
        }
        deserializer.deserialize_map(RawFieldsVisitor)
    }
}

/// A key, borrowed from the text unless it holds escapes.
#[derive(serde::Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

/// Any JSON value whose objects have distinct keys, at every depth. Nothing of it is kept.
struct DistinctKeys;

impl<'de> serde::Deserialize<'de> for DistinctKeys {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct DistinctKeysVisitor;
        impl<'de> Visitor<'de> for DistinctKeysVisitor {
            type Value = DistinctKeys;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a JSON value")
            }
            fn visit_bool<E>(self, _: bool) -> Result<DistinctKeys, E> {
                Ok(DistinctKeys)
            }
            fn visit_i64<E>(self, _: i64) -> Result<DistinctKeys, E> {
                Ok(DistinctKeys)
            }
            fn visit_u64<E>(self, _: u64) -> Result<DistinctKeys, E> {
                Ok(DistinctKeys)
            }
            fn visit_f64<E>(self, _: f64) -> Result<DistinctKeys, E> {
                Ok(DistinctKeys)
            }
            fn visit_str<E>(self, _: &str) -> Result<DistinctKeys, E> {
                Ok(DistinctKeys)
            }
            fn visit_unit<E>(self) -> Result<DistinctKeys, E> {
                Ok(DistinctKeys)
            }
            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut seq: A) -> Result<DistinctKeys, A::Error> {
                while seq.next_element::<DistinctKeys>()?.is_some() {}
                Ok(DistinctKeys)
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<DistinctKeys, A::Error> {
                let mut keys = std::collections::HashSet::new();
                while let Some(key) = map.next_key::<String>()? {
                    map.next_value::<DistinctKeys>()?;
                    if let Some(key) = keys.replace(key) {
                        return Err(serde::de::Error::custom(format!("duplicate key `{}`", shorten(&key))));
                    }
                }
                Ok(DistinctKeys)
            }
        }
        deserializer.deserialize_any(DistinctKeysVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(text: &str) -> String {
        let mut out = String::new();
        write_fields(&parse_fields(text).expect("well-formed"), &mut out);
        out
    }

    #[test]
    fn numbers_keep_their_digits() {
        for number in [
            "0",
            "-0",
            "1",
            "-1",
            "1.0",
            "1.50",
            "1e5",
            "1E5",
            "1e-7",
            "0.1",
            "0.30000000000000004",
            "9223372036854775807",
            "9223372036854775808",
            "18446744073709551615",
            "18446744073709551616",
            "-9223372036854775808",
            "123456789012345678901234567890",
            "0.1000000000000000055511151231257827",
        ] {
            let text = format!("{{\"a\":{number}}}");
            assert_eq!(round_trip(&text), text);
        }
        assert!(parse_fields(r#"{"a":1e999}"#).is_err());
    }

    #[test]
    fn nested_values_keep_order_and_digits() {
        let text = r#"{"b":{"z":1.50,"a":[1, 2 ,{"x y":"a \" b"}]},"a":[]}"#;
        assert_eq!(round_trip(text), r#"{"b":{"z":1.50,"a":[1,2,{"x y":"a \" b"}]},"a":[]}"#);
    }

    #[test]
    fn strings_are_escaped_as_serde_json_does() {
        let strange: String = (0u8..=127).map(char::from).chain("äöü€😀\u{2028}".chars()).collect();
        let mut ours = String::new();
        write_text(&strange, &mut ours);
        assert_eq!(ours, serde_json::to_string(&strange).expect("a string"));
    }

    #[test]
    fn bad_objects_are_refused_with_a_reason() {
        for (text, part) in [
            ("", "EOF"),
            ("[]", "expected an object"),
            (r#"{"a":1,"a":2}"#, "duplicate key `a`"),
            (r#"{"a":{"b":1,"b":2}}"#, "duplicate key `b`"),
            (r#"{"a":1"#, "EOF"),
            ("{\"a\":\"\0\"}", "control character"),
            (r#"{"a":"\ud800"}"#, "field `a`"),
            (r#"{"a":tru}"#, "expected"),
        ] {
            let error = parse_fields(text).expect_err(text).to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(parse_fields(&deep).expect_err("too deep").to_string().contains("recursion limit"));
    }
}
