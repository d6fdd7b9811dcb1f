//! Numbers and strings of docs/format.md, taken from the front of bytes.

use xxhash_rust::xxh3::xxh3_64;

/// Bytes that are read from the front.
pub(crate) struct Bytes<'a>(pub(crate) &'a [u8]);

impl<'a> Bytes<'a> {
    pub(crate) fn take(&mut self, count: usize) -> &'a [u8] {
        let (front, rest) = self.0.split_at(count);
        self.0 = rest;
        front
    }

    fn array<const N: usize>(&mut self) -> [u8; N] {
        self.take(N).try_into().expect("N bytes")
    }

    pub(crate) fn u8(&mut self) -> u8 {
        self.take(1)[0]
    }

    pub(crate) fn u16(&mut self) -> u16 {
        u16::from_le_bytes(self.array())
    }

    pub(crate) fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.array())
    }

    pub(crate) fn u64(&mut self) -> u64 {
        u64::from_le_bytes(self.array())
    }

    pub(crate) fn i64(&mut self) -> i64 {
        i64::from_le_bytes(self.array())
    }

    pub(crate) fn hash(&mut self) -> [u8; 32] {
        self.array()
    }

    /// A list of bincode: its length in 64 bits, then its elements.
    pub(crate) fn list<T>(&mut self, mut element: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..self.u64()).map(|_| element(self)).collect()
    }

    /// Bytes of bincode.
    pub(crate) fn bytes(&mut self) -> Vec<u8> {
        let length = self.u64() as usize;
        self.take(length).to_vec()
    }

    /// A string of bincode.
    pub(crate) fn string(&mut self) -> String {
        String::from_utf8(self.bytes()).expect("UTF-8")
    }

    /// Seven bits a byte, low bits first; the last byte has bit 7 clear.
    pub(crate) fn varint(&mut self) -> u64 {
        let (mut number, mut shift) = (0, 0);
        loop {
            let byte = self.u8();
            number |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte < 0x80 {
                return number;
            }
        }
    }

    /// A varint whose lowest bit is the sign.
    pub(crate) fn zigzag(&mut self) -> i64 {
        unzigzag(self.varint())
    }

    /// A column of numbers in byte planes.
    pub(crate) fn column(&mut self, count: usize) -> Vec<u64> {
        if count == 0 {
            return Vec::new();
        }
        let mode = self.u8();
        let (distances, width) = (mode & 0x80 != 0, usize::from(mode & 0x7f));
        let base = self.varint();
        let first = if distances { Some(self.varint()) } else { None };
        let stored = count - usize::from(distances);
        let planes = self.take(stored * width);
        let number =
            |index: usize| (0..width).map(|plane| u64::from(planes[plane * stored + index]) << (8 * plane)).sum();
        let mut numbers: Vec<u64> = first.into_iter().collect();
        for index in 0..stored {
            let relative: u64 = number(index);
            let relative = relative.wrapping_add(base);
            numbers.push(match numbers.last() {
                Some(before) if distances => before.wrapping_add(unzigzag(relative) as u64),
                _ => relative,
            });
        }
        numbers
    }

    pub(crate) fn magic(&mut self, expected: &[u8]) {
        assert_eq!(self.take(expected.len()), expected, "a magic number");
    }

    pub(crate) fn end(&self, what: &str) {
        assert!(self.0.is_empty(), "{} bytes are left of {what}", self.0.len());
    }
}

pub(crate) fn unzigzag(number: u64) -> i64 {
    (number >> 1) as i64 ^ -((number & 1) as i64)
}

/// A signed number from one with its highest bit flipped.
pub(crate) fn unordered(number: u64) -> i64 {
    (number ^ (1 << 63)) as i64
}

/// The bytes, if their checksum fits.
pub(crate) fn checked(bytes: &[u8], checksum: u64) -> &[u8] {
    assert_eq!(xxh3_64(bytes), checksum, "a checksum");
    bytes
}

pub(crate) fn decompress(stored: &[u8], raw_bytes: usize) -> Vec<u8> {
    let raw = zstd::bulk::decompress(stored, raw_bytes).expect("a zstd frame");
    assert_eq!(raw.len(), raw_bytes, "the length before compression");
    raw
}
