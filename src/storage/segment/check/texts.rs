//! Short texts that are appended over and over: names of fields, words of the dictionary.

/// A text up to this length is copied in one step of this length, which is faster than one of its own.
const STEP: usize = 32;

/// Texts by their numbers.
pub(super) struct Texts {
    /// One behind the other, and `STEP` bytes behind the last.
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Default for Texts {
    fn default() -> Self {
        Self { bytes: vec![0; STEP], ends: Vec::new() }
    }
}

impl Texts {
    /// Adds what is appended to the given bytes.
    pub(super) fn push(&mut self, append: impl FnOnce(&mut Vec<u8>)) {
        self.bytes.truncate(self.bytes.len() - STEP);
        append(&mut self.bytes);
        self.ends.push(self.bytes.len());
        self.bytes.extend_from_slice(&[0; STEP]);
    }

    /// Appends a text; nothing if there is none with this number.
    #[inline]
    pub(super) fn put(&self, number: usize, out: &mut Vec<u8>) -> Option<()> {
        let end = *self.ends.get(number)?;
        let start = if number == 0 { 0 } else { self.ends[number - 1] };
        let length = end.checked_sub(start)?;
        if length > STEP {
            out.extend_from_slice(self.bytes.get(start..end)?);
        } else {
            let at = out.len();
            out.extend_from_slice(self.bytes.get(start..)?.first_chunk::<STEP>()?);
            out.truncate(at + length);
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_every_length_are_appended_as_they_are() {
        let mut texts = Texts::default();
        let text = |length: usize| "abcdefg".bytes().cycle().take(length).collect::<Vec<u8>>();
        (0..70).for_each(|length| texts.push(|out| out.extend(text(length))));
        let mut out = b"x".to_vec();
        for length in (0..70).rev() {
            out.truncate(1);
            assert_eq!(texts.put(length, &mut out), Some(()));
            assert_eq!(out, [b"x".to_vec(), text(length)].concat());
        }
        assert_eq!(texts.put(70, &mut out), None);
    }
}
