//! The fields of a structure as it comes in: a map by their names, or a list in their order.

use std::collections::BTreeMap;

use super::value::{Value, malformed};
use crate::remote::codec::CodecError;

/// A variant, with the number and the fields that it has in a message.
pub(super) enum Variant<'a> {
    Name(&'a str),
    Number(u64),
}

impl Variant<'_> {
    /// Its name among those that are known, of which only the first have numbers.
    pub(super) fn name_in(&self, names: &[&'static str], numbered: usize) -> Option<&'static str> {
        match self {
            Self::Name(name) => names.iter().find(|known| *known == name),
            Self::Number(number) => names.iter().take(numbered).nth(usize::try_from(*number).ok()?),
        }
        .copied()
    }
}

/// Takes a message apart: a map of one entry, or a bare name or number where there are no fields.
pub(super) fn variant_of(message: Value<'_>) -> Result<(Variant<'_>, Option<Value<'_>>), CodecError> {
    let (variant, fields) = match message.entries() {
        Some(mut entries) if entries.len() == 1 => match entries.next() {
            Some((variant, fields)) => (variant, Some(fields)),
            None => (message, None),
        },
        Some(entries) => return Err(malformed(format!("a map of {} entries, where one was expected", entries.len()))),
        None => (message, None),
    };
    let fields = fields.filter(|fields| !fields.is_nil());
    if let Ok(number) = variant.u64() {
        return Ok((Variant::Number(number), fields));
    }
    match variant.text() {
        Ok(name) => Ok((Variant::Name(name), fields)),
        Err(_) => Err(malformed("it does not start with the name or the number of a message".to_owned())),
    }
}

/// A field of a structure, which may not be there.
#[derive(Clone, Copy)]
pub(super) struct Field<'a> {
    of: &'static str,
    name: &'static str,
    value: Option<Value<'a>>,
}

/// Finds the fields of a structure. A map may have further keys, and lack fields; a list has the fields that are not
/// extensions, and nothing else. Extensions come last.
pub(super) fn fields_of<'a, const N: usize>(
    of: &'static str,
    value: Option<Value<'a>>,
    names: [&'static str; N],
    extensions: usize,
) -> Result<[Field<'a>; N], CodecError> {
    let mut fields = names.map(|name| Field { of, name, value: None });
    let Some(value) = value else { return Ok(fields) };
    if let Some(entries) = value.entries() {
        for (key, value) in entries {
            // What is no name is a key that nobody here knows.
            let Ok(key) = key.text() else { continue };
            if let Some(field) = fields.iter_mut().find(|field| field.name == key) {
                field.value = Some(value);
            }
        }
    } else if let Some(items) = value.items() {
        let expected = N - extensions;
        if items.len() != expected {
            return Err(malformed(format!("{of}: a list of {}, where {expected} were expected", items.len())));
        }
        for (field, value) in fields.iter_mut().zip(items) {
            field.value = Some(value);
        }
    } else {
        return Err(malformed(format!("{of}: expected a map or a list")));
    }
    Ok(fields)
}

impl<'a> Field<'a> {
    /// The field, unless it is not there or nil.
    pub(super) fn given(self) -> Option<Self> {
        self.value.is_some_and(|value| !value.is_nil()).then_some(self)
    }

    pub(super) fn value(self) -> Result<Value<'a>, CodecError> {
        self.value.ok_or_else(|| malformed(format!("{}: `{}` is missing", self.of, self.name)))
    }

    /// What a value is read as.
    pub(super) fn read<T>(self, read: impl FnOnce(Value<'a>) -> Result<T, &'static str>) -> Result<T, CodecError> {
        read(self.value()?).map_err(|reason| malformed(format!("{}: `{}`: {reason}", self.of, self.name)))
    }

    /// The same, or nothing where it is not given.
    pub(super) fn optional<T>(
        self,
        read: impl FnOnce(Value<'a>) -> Result<T, &'static str>,
    ) -> Result<Option<T>, CodecError> {
        self.given().map(|field| field.read(read)).transpose()
    }

    /// The same, or another where it is not given.
    pub(super) fn or<T>(
        self,
        otherwise: T,
        read: impl FnOnce(Value<'a>) -> Result<T, &'static str>,
    ) -> Result<T, CodecError> {
        Ok(self.optional(read)?.unwrap_or(otherwise))
    }

    pub(super) fn string(self) -> Result<String, CodecError> {
        self.read(Value::string)
    }

    pub(super) fn strings(self) -> Result<Vec<String>, CodecError> {
        self.read(|value| value.list(Value::string))
    }

    /// As [`strings`](Self::strings), unless there are more than that; then none is made.
    pub(super) fn strings_up_to(self, most: usize, too_many: &str) -> Result<Vec<String>, CodecError> {
        Self::at_most(self.value()?.items().map(|items| items.len()), most, too_many)?;
        self.strings()
    }

    /// A map of strings, unless it has more entries than that; then none is made.
    pub(super) fn entries_up_to(self, most: usize, too_many: &str) -> Result<BTreeMap<String, String>, CodecError> {
        Self::at_most(self.value()?.entries().map(|entries| entries.len()), most, too_many)?;
        self.read(|value| value.map(Value::string))
    }

    fn at_most(count: Option<usize>, most: usize, too_many: &str) -> Result<(), CodecError> {
        match count.filter(|count| *count > most) {
            Some(count) => Err(CodecError::BeyondLimit(format!("{too_many}: {count} (max: {most})"))),
            None => Ok(()),
        }
    }

    pub(super) fn numbers(self) -> Result<Vec<f32>, CodecError> {
        self.read(|value| value.list(Value::f32))
    }

    /// A list of structures.
    pub(super) fn structures<T>(
        self,
        read: impl FnMut(Value<'a>) -> Result<T, CodecError>,
    ) -> Result<Vec<T>, CodecError> {
        self.read(Value::items_for::<T>)?.map(read).collect()
    }
}
