//! MessagePack as it comes in: values that are looked into where they lie.
//!
//! Before anything is taken from it, the whole message is walked once, without recursion and without allocating. So a
//! [`Value`] is complete: every item of its lists is there, whatever their lengths said.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::mem::size_of;

use rmp::Marker;

use crate::remote::codec::{CodecError, Dialect};

/// How deep lists and maps may be nested. The messages of the protocol need six.
const DEPTH_MAX: usize = 32;

/// Bytes of a message that are still to be read.
#[derive(Clone, Copy)]
struct Bytes<'a>(&'a [u8]);

/// What the next value is, without what is in it.
enum Head<'a> {
    Nil,
    Flag(bool),
    Unsigned(u64),
    /// Below zero.
    Signed(i64),
    Float(f64),
    /// A string, or bytes, which older writers use for strings.
    Text(&'a [u8]),
    List(usize),
    Map(usize),
    /// An extension, which no message has.
    Other,
}

impl<'a> Bytes<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn take_array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*taken)
    }

    fn length8(&mut self) -> Option<usize> {
        self.take_array::<1>().map(|[byte]| usize::from(byte))
    }

    fn length16(&mut self) -> Option<usize> {
        self.take_array().map(|bytes| usize::from(u16::from_be_bytes(bytes)))
    }

    fn length32(&mut self) -> Option<usize> {
        usize::try_from(u32::from_be_bytes(self.take_array()?)).ok()
    }

    /// Reads a head. Nothing if the bytes end within it, or it is the one byte that MessagePack never uses.
    fn head(&mut self) -> Option<Head<'a>> {
        let [first] = self.take_array::<1>()?;
        Some(match Marker::from_u8(first) {
            Marker::Null => Head::Nil,
            Marker::True => Head::Flag(true),
            Marker::False => Head::Flag(false),
            Marker::FixPos(value) => Head::Unsigned(value.into()),
            Marker::U8 => Head::Unsigned(u8::from_be_bytes(self.take_array()?).into()),
            Marker::U16 => Head::Unsigned(u16::from_be_bytes(self.take_array()?).into()),
            Marker::U32 => Head::Unsigned(u32::from_be_bytes(self.take_array()?).into()),
            Marker::U64 => Head::Unsigned(u64::from_be_bytes(self.take_array()?)),
            Marker::FixNeg(value) => signed(value.into()),
            Marker::I8 => signed(i8::from_be_bytes(self.take_array()?).into()),
            Marker::I16 => signed(i16::from_be_bytes(self.take_array()?).into()),
            Marker::I32 => signed(i32::from_be_bytes(self.take_array()?).into()),
            Marker::I64 => signed(i64::from_be_bytes(self.take_array()?)),
            Marker::F32 => Head::Float(f32::from_be_bytes(self.take_array()?).into()),
            Marker::F64 => Head::Float(f64::from_be_bytes(self.take_array()?)),
            Marker::FixStr(length) => Head::Text(self.take(length.into())?),
            Marker::Str8 | Marker::Bin8 => self.length8().and_then(|length| self.take(length)).map(Head::Text)?,
            Marker::Str16 | Marker::Bin16 => self.length16().and_then(|length| self.take(length)).map(Head::Text)?,
            Marker::Str32 | Marker::Bin32 => self.length32().and_then(|length| self.take(length)).map(Head::Text)?,
            Marker::FixArray(length) => Head::List(length.into()),
            Marker::Array16 => Head::List(self.length16()?),
            Marker::Array32 => Head::List(self.length32()?),
            Marker::FixMap(length) => Head::Map(length.into()),
            Marker::Map16 => Head::Map(self.length16()?),
            Marker::Map32 => Head::Map(self.length32()?),
            Marker::FixExt1 => self.extension(1)?,
            Marker::FixExt2 => self.extension(2)?,
            Marker::FixExt4 => self.extension(4)?,
            Marker::FixExt8 => self.extension(8)?,
            Marker::FixExt16 => self.extension(16)?,
            Marker::Ext8 => self.length8().and_then(|length| self.extension(length))?,
            Marker::Ext16 => self.length16().and_then(|length| self.extension(length))?,
            Marker::Ext32 => self.length32().and_then(|length| self.extension(length))?,
            Marker::Reserved => return None,
        })
    }

    /// Skips the type and the data of an extension.
    fn extension(&mut self, length: usize) -> Option<Head<'a>> {
        self.take(1)?;
        self.take(length).map(|_| Head::Other)
    }

    /// Skips a value and all that is in it. Nothing if the bytes end before it does, or it is nested too deeply.
    fn skip(&mut self) -> Option<&'a [u8]> {
        let before = self.0;
        // How many values are to come at each depth. A map of 2^32 entries has more of them than 32 bits can say.
        let mut to_come = [0u64; DEPTH_MAX];
        let mut depth = 0;
        loop {
            let inside = match self.head()? {
                Head::List(length) => length as u64,
                Head::Map(length) => 2 * length as u64,
                _ => 0,
            };
            if inside > 0 {
                *to_come.get_mut(depth)? = inside;
                depth += 1;
            }
            while depth > 0 && to_come.get(depth - 1) == Some(&0) {
                depth -= 1;
            }
            match depth.checked_sub(1).and_then(|at| to_come.get_mut(at)) {
                Some(left) => *left -= 1,
                None => return before.get(..before.len() - self.0.len()),
            }
        }
    }
}

fn signed(value: i64) -> Head<'static> {
    u64::try_from(value).map_or(Head::Signed(value), Head::Unsigned)
}

/// A complete value within a message.
#[derive(Clone, Copy)]
pub(super) struct Value<'a> {
    bytes: &'a [u8],
    /// How much the lists of the message may still take together.
    budget: &'a Cell<usize>,
}

impl<'a> Value<'a> {
    /// The value that a payload consists of. What its lists take together, once they are read, is charged to the
    /// budget: an item of one byte is made into a string of 24.
    pub(super) fn of_payload(payload: &'a [u8], budget: &'a Cell<usize>) -> Result<Self, CodecError> {
        let mut rest = Bytes(payload);
        match rest.skip() {
            Some(bytes) if rest.0.is_empty() => Ok(Self { bytes, budget }),
            Some(_) => Err(malformed(format!("{} bytes behind the message", rest.0.len()))),
            None => Err(malformed("it ends within a value, or is nested too deeply, or is no MessagePack".to_owned())),
        }
    }

    fn head(self) -> (Head<'a>, Bytes<'a>) {
        let mut rest = Bytes(self.bytes);
        // A complete value has a head.
        let head = rest.head().unwrap_or(Head::Other);
        (head, rest)
    }

    pub(super) fn is_nil(self) -> bool {
        matches!(self.head().0, Head::Nil)
    }

    /// Whether this is a number that was written in its longest form.
    pub(super) fn is_in_eight_bytes(self) -> bool {
        self.bytes.first() == Some(&Marker::U64.to_u8())
    }

    pub(super) fn flag(self) -> Result<bool, &'static str> {
        match self.head().0 {
            Head::Flag(value) => Ok(value),
            _ => Err("expected true or false"),
        }
    }

    pub(super) fn u64(self) -> Result<u64, &'static str> {
        match self.head().0 {
            Head::Unsigned(value) => Ok(value),
            _ => Err("expected a whole number of at least 0"),
        }
    }

    pub(super) fn u32(self) -> Result<u32, &'static str> {
        self.u64().and_then(|value| u32::try_from(value).map_err(|_| "expected a number of 32 bits"))
    }

    pub(super) fn i64(self) -> Result<i64, &'static str> {
        match self.head().0 {
            Head::Signed(value) => Ok(value),
            Head::Unsigned(value) => i64::try_from(value).map_err(|_| "expected a number of 63 bits"),
            _ => Err("expected a whole number"),
        }
    }

    /// A number, whole or not: Python writes 64 bits, and 1 for 1.0.
    pub(super) fn f32(self) -> Result<f32, &'static str> {
        match self.head().0 {
            Head::Float(value) => Ok(value as f32),
            Head::Unsigned(value) => Ok(value as f32),
            Head::Signed(value) => Ok(value as f32),
            _ => Err("expected a number"),
        }
    }

    pub(super) fn text(self) -> Result<&'a str, &'static str> {
        match self.head().0 {
            Head::Text(bytes) => std::str::from_utf8(bytes).map_err(|_| "expected a string in UTF-8"),
            _ => Err("expected a string"),
        }
    }

    pub(super) fn string(self) -> Result<String, &'static str> {
        self.text().map(str::to_owned)
    }

    /// The entries, if this is a map.
    pub(super) fn entries(self) -> Option<impl ExactSizeIterator<Item = (Value<'a>, Value<'a>)>> {
        let (Head::Map(length), mut rest) = self.head() else { return None };
        Some((0..length).map(move |_| (self.next_in(&mut rest), self.next_in(&mut rest))))
    }

    /// The items, if this is a list.
    pub(super) fn items(self) -> Option<impl ExactSizeIterator<Item = Value<'a>>> {
        let (Head::List(length), mut rest) = self.head() else { return None };
        Some((0..length).map(move |_| self.next_in(&mut rest)))
    }

    fn next_in(self, rest: &mut Bytes<'a>) -> Self {
        // A complete value has all that its length says.
        Self { bytes: rest.skip().unwrap_or_default(), ..self }
    }

    /// The items, if this is a list that there is room for, each to become a `T`.
    pub(super) fn items_for<T>(self) -> Result<impl ExactSizeIterator<Item = Value<'a>>, &'static str> {
        let items = self.items().ok_or("expected a list")?;
        self.charge(items.len(), size_of::<T>())?;
        Ok(items)
    }

    /// A list, each item read the same way.
    pub(super) fn list<T>(
        self,
        read: impl FnMut(Value<'a>) -> Result<T, &'static str>,
    ) -> Result<Vec<T>, &'static str> {
        self.items_for::<T>()?.map(read).collect()
    }

    /// A map with strings for keys. Of two that are equal, the last counts.
    pub(super) fn map<T>(
        self,
        mut read: impl FnMut(Value<'a>) -> Result<T, &'static str>,
    ) -> Result<BTreeMap<String, T>, &'static str> {
        let entries = self.entries().ok_or("expected a map")?;
        self.charge(entries.len(), 2 * (size_of::<String>() + size_of::<T>()))?;
        entries.map(|(key, value)| Ok((key.string()?, read(value)?))).collect()
    }

    fn charge(self, count: usize, each: usize) -> Result<(), &'static str> {
        let left = count.checked_mul(each).and_then(|bytes| self.budget.get().checked_sub(bytes));
        self.budget.set(left.ok_or("too many items")?);
        Ok(())
    }
}

/// What the lists of a message may take together: so many times its own bytes that every message of the protocol can be
/// read, and a small one cannot take much, whatever it says; and never more than the longest frame.
pub(super) fn budget_of(payload: &[u8]) -> usize {
    // The most that is made of a byte is an entry of a map of empty strings, 96 bytes of two.
    const TIMES: usize = 64;
    payload.len().saturating_mul(TIMES).min(Dialect::B.frame_bytes_max())
}

pub(super) fn malformed(reason: String) -> CodecError {
    CodecError::Malformed { dialect: Dialect::B, reason }
}
