//! Whole numbers in as few bytes as they need: LEB128, with zigzag for signed ones.

/// Appends a number, seven bits a byte, low bits first.
pub(crate) fn put(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push((number as u8) | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Takes a number from the front of `input`. Nothing if it ends too early or is longer than 64 bits.
pub(crate) fn take(input: &mut &[u8]) -> Option<u64> {
    let mut number = 0u64;
    for (index, &byte) in input.iter().enumerate().take(10) {
        let bits = u64::from(byte & 0x7f);
        if index == 9 && bits > 1 {
            return None;
        }
        number |= bits << (7 * index);
        if byte < 0x80 {
            *input = input.get(index + 1..)?;
            return Some(number);
        }
    }
    None
}

/// Takes a number that must fit 32 bits.
pub(crate) fn take_u32(input: &mut &[u8]) -> Option<u32> {
    take(input).and_then(|number| u32::try_from(number).ok())
}

/// Takes a length that must not exceed what is left of `input`, so that no allocation trusts it blindly.
pub(crate) fn take_length(input: &mut &[u8]) -> Option<usize> {
    let length = usize::try_from(take(input)?).ok()?;
    (length <= input.len()).then_some(length)
}

/// Takes `length` bytes from the front of `input`.
pub(crate) fn take_bytes<'a>(input: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (front, rest) = input.split_at_checked(length)?;
    *input = rest;
    Some(front)
}

/// Signed to unsigned, so that numbers near zero stay small.
pub(crate) fn zigzag(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)) as u64
}

/// The inverse of [`zigzag`].
pub(crate) fn unzigzag(number: u64) -> i64 {
    ((number >> 1) as i64) ^ -((number & 1) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_round_trip(number: u64, signed: i64) {
            let mut bytes = Vec::new();
            put(number, &mut bytes);
            let mut input = bytes.as_slice();
            prop_assert_eq!(take(&mut input), Some(number));
            prop_assert!(input.is_empty());
            prop_assert_eq!(unzigzag(zigzag(signed)), signed);
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes: Vec<u8>) {
            let mut input = bytes.as_slice();
            while take(&mut input).is_some() {}
        }
    }

    #[test]
    fn too_long_a_number_is_refused() {
        assert_eq!(take(&mut [0xff; 11].as_slice()), None);
        assert_eq!(take(&mut [0x80; 3].as_slice()), None);
    }
}
