//! Compression: zstd at its first level. Each thread keeps its contexts, since making one costs more
//! than decompressing a block.

use std::cell::RefCell;

use zstd::bulk::{Compressor, Decompressor};

/// The level: higher ones gain next to nothing on columns and rows.
const LEVEL: i32 = 1;

thread_local! {
    static COMPRESSOR: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

/// Compresses bytes.
pub(crate) fn compress(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    #[cfg(fuzzing)]
    if LEFT_OUT.load(std::sync::atomic::Ordering::Relaxed) {
        return Ok(bytes.to_vec());
    }
    COMPRESSOR.with_borrow_mut(|kept| {
        let compressor = match kept {
            Some(compressor) => compressor,
            None => kept.insert(Compressor::new(LEVEL)?),
        };
        compressor.compress(bytes)
    })
}

/// Decompresses what is known to have `raw_bytes` bytes, at most `raw_bytes_max`. Nothing if it has not.
///
/// The limit is what keeps a damaged length from being trusted with an allocation.
pub(crate) fn decompress(stored: &[u8], raw_bytes: usize, raw_bytes_max: usize) -> Option<Vec<u8>> {
    if raw_bytes > raw_bytes_max {
        return None;
    }
    #[cfg(fuzzing)]
    if LEFT_OUT.load(std::sync::atomic::Ordering::Relaxed) && !stored.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        return (stored.len() <= raw_bytes_max).then(|| stored.to_vec());
    }
    let raw = DECOMPRESSOR.with_borrow_mut(|kept| {
        let decompressor = match kept {
            Some(decompressor) => decompressor,
            None => kept.insert(Decompressor::new().ok()?),
        };
        decompressor.decompress(stored, raw_bytes).ok()
    })?;
    (raw.len() == raw_bytes).then_some(raw)
}

/// Whether bytes stand as they are where they would be compressed.
#[cfg(fuzzing)]
static LEFT_OUT: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);

/// Leaves compression out from now on, in this process. What starts as a compressed frame does is still read as one.
#[cfg(fuzzing)]
pub(crate) fn leave_out() {
    LEFT_OUT.store(true, std::sync::atomic::Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_not_trusted() {
        let stored = compress(&[7; 1000]).expect("compressible");
        assert_eq!(decompress(&stored, 1000, 1000), Some(vec![7; 1000]));
        assert_eq!(decompress(&stored, 1000, 999), None);
        assert_eq!(decompress(&stored, 1001, 2000), None);
        assert_eq!(decompress(&stored, 999, 2000), None);
        assert_eq!(decompress(&stored[1..], 1000, 1000), None);
    }
}
