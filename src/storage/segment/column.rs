//! Columns of whole numbers: the distance from a base or from the number before, in byte planes.
//!
//! A column takes as many bytes a number as its widest one needs; equal numbers, and numbers at equal
//! distances, take none. The bytes of one significance stand together, which compresses better than
//! numbers one behind the other.
//!
//! ```text
//! mode and width u8 (bit 7: distances, low bits: bytes a number 0-8) · base varint · [first varint] · planes
//! ```

use crate::storage::varint;

const DISTANCES: u8 = 0x80;

/// Appends a column.
pub(crate) fn put(numbers: &[u64], out: &mut Vec<u8>) {
    let Some(&first) = numbers.first() else { return };
    let (base, width) = bounds(numbers.iter().copied());
    let distances = || numbers.windows(2).map(|pair| varint::zigzag(pair[1].wrapping_sub(pair[0]) as i64));
    let (distance_base, distance_width) = bounds(distances());
    if distance_width < width {
        out.push(DISTANCES | distance_width);
        varint::put(distance_base, out);
        varint::put(first, out);
        let relative: Vec<u64> = distances().map(|distance| distance - distance_base).collect();
        put_planes(&relative, distance_width, out);
    } else {
        out.push(width);
        varint::put(base, out);
        let relative: Vec<u64> = numbers.iter().map(|number| number - base).collect();
        put_planes(&relative, width, out);
    }
}

/// The smallest number, and how many bytes the largest distance from it needs.
fn bounds(numbers: impl Iterator<Item = u64>) -> (u64, u8) {
    let (min, max) = numbers.fold((u64::MAX, 0), |(min, max), number| (min.min(number), max.max(number)));
    if min > max { (0, 0) } else { (min, ((64 - (max - min).leading_zeros()).div_ceil(8)) as u8) }
}

fn put_planes(numbers: &[u64], width: u8, out: &mut Vec<u8>) {
    for plane in 0..width {
        out.extend(numbers.iter().map(|number| (number >> (8 * plane)) as u8));
    }
}

/// Takes a column of `count` numbers from the front of `input`.
pub(crate) fn take(input: &mut &[u8], count: usize) -> Option<Vec<u64>> {
    if count == 0 {
        return Some(Vec::new());
    }
    let (&mode, rest) = input.split_first()?;
    *input = rest;
    let width = mode & !DISTANCES;
    if width > 8 {
        return None;
    }
    let base = varint::take(input)?;
    if mode & DISTANCES == 0 {
        let mut numbers = take_planes(input, width, count)?;
        numbers.iter_mut().for_each(|number| *number = number.wrapping_add(base));
        return Some(numbers);
    }
    let mut number = varint::take(input)?;
    let distances = take_planes(input, width, count - 1)?;
    let mut numbers = Vec::with_capacity(count);
    numbers.push(number);
    for distance in distances {
        number = number.wrapping_add(varint::unzigzag(distance.wrapping_add(base)) as u64);
        numbers.push(number);
    }
    Some(numbers)
}

fn take_planes(input: &mut &[u8], width: u8, count: usize) -> Option<Vec<u64>> {
    let planes = varint::take_bytes(input, count.checked_mul(usize::from(width))?)?;
    let mut numbers = vec![0u64; count];
    for (plane, bytes) in planes.chunks_exact(count.max(1)).enumerate() {
        for (number, &byte) in numbers.iter_mut().zip(bytes) {
            *number |= u64::from(byte) << (8 * plane);
        }
    }
    Some(numbers)
}

/// A signed number as an unsigned one in the same order.
pub(crate) fn ordered(number: i64) -> u64 {
    (number as u64) ^ (1 << 63)
}

/// The inverse of [`ordered`].
pub(crate) fn unordered(number: u64) -> i64 {
    (number ^ (1 << 63)) as i64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn columns_round_trip(numbers in prop_oneof![
            prop::collection::vec(any::<u64>(), 0..70),
            prop::collection::vec(0u64..300, 0..70),
            (any::<u64>(), 0u64..9, 0u64..70)
                .prop_map(|(first, step, count)| (0..count).map(|i| first.wrapping_add(i * step)).collect()),
        ]) {
            let mut bytes = Vec::new();
            put(&numbers, &mut bytes);
            let mut input = bytes.as_slice();
            let count = numbers.len();
            prop_assert_eq!(take(&mut input, count), Some(numbers));
            prop_assert!(input.is_empty());
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes: Vec<u8>, count in 0usize..100) {
            let _ = take(&mut bytes.as_slice(), count);
        }

        #[test]
        fn signed_order_is_kept(a: i64, b: i64) {
            prop_assert_eq!(a.cmp(&b), ordered(a).cmp(&ordered(b)));
            prop_assert_eq!(unordered(ordered(a)), a);
        }
    }

    #[test]
    fn a_steady_column_takes_no_planes() {
        let mut bytes = Vec::new();
        put(&[7, 7, 7, 7], &mut bytes);
        assert_eq!(bytes.len(), 2);
        bytes.clear();
        put(&[10, 20, 30, 40], &mut bytes);
        assert_eq!(bytes.len(), 3);
    }
}
