//! MessagePack as it goes out: each value in its shortest form, but for one.

use std::convert::Infallible;

use rmp::encode::buffer::ByteBuf;
use rmp::encode::{
    ValueWriteError, write_array_len, write_bool, write_f32, write_map_len, write_nil, write_sint, write_str,
    write_u64, write_uint,
};

/// A message that is being written.
#[derive(Default)]
pub(super) struct Writer(ByteBuf);

/// Memory can be written to, which the types prove.
fn sure<T>(written: Result<T, ValueWriteError<Infallible>>) {
    match written {
        Ok(_) => {}
        Err(ValueWriteError::InvalidMarkerWrite(never) | ValueWriteError::InvalidDataWrite(never)) => match never {},
    }
}

impl Writer {
    pub(super) fn finish(self) -> Vec<u8> {
        self.0.into_vec()
    }

    /// A map of so many entries follows: names and values in turn.
    pub(super) fn map(&mut self, entries: usize) -> &mut Self {
        sure(write_map_len(&mut self.0, length(entries)));
        self
    }

    pub(super) fn list(&mut self, items: usize) -> &mut Self {
        sure(write_array_len(&mut self.0, length(items)));
        self
    }

    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        sure(write_str(&mut self.0, text));
        self
    }

    pub(super) fn unsigned(&mut self, value: u64) -> &mut Self {
        sure(write_uint(&mut self.0, value));
        self
    }

    pub(super) fn unsigned_in_eight_bytes(&mut self, value: u64) -> &mut Self {
        sure(write_u64(&mut self.0, value));
        self
    }

    pub(super) fn signed(&mut self, value: i64) -> &mut Self {
        sure(write_sint(&mut self.0, value));
        self
    }

    pub(super) fn float(&mut self, value: f32) -> &mut Self {
        sure(write_f32(&mut self.0, value));
        self
    }

    pub(super) fn flag(&mut self, value: bool) -> &mut Self {
        sure(write_bool(&mut self.0, value).map_err(ValueWriteError::InvalidDataWrite));
        self
    }

    pub(super) fn nil(&mut self) -> &mut Self {
        sure(write_nil(&mut self.0).map_err(ValueWriteError::InvalidDataWrite));
        self
    }

    /// A value, or nil.
    pub(super) fn optional<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T) -> &mut Self) -> &mut Self {
        match value {
            Some(value) => write(self, value),
            None => self.nil(),
        }
    }

    pub(super) fn texts(&mut self, texts: &[String]) -> &mut Self {
        self.list(texts.len());
        for text in texts {
            self.text(text);
        }
        self
    }

    pub(super) fn floats(&mut self, values: &[f32]) -> &mut Self {
        self.list(values.len());
        for value in values {
            self.float(*value);
        }
        self
    }
}

/// A length. One beyond 32 bits is that of a message which is refused for its size.
fn length(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
