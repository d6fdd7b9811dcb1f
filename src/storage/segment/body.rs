//! Parts of the body of a segment whose bytes are all in memory, each with its checksum: for whoever reads a file that
//! may be damaged.

use xxhash_rust::xxh3::xxh3_64;

use super::contents::{Contents, PageRecord, SectionRecord};

/// A stretch of the body.
pub(super) fn slice(body: &[u8], offset: u64, bytes: u32) -> Option<&[u8]> {
    let start = usize::try_from(offset).ok()?;
    body.get(start..start.checked_add(bytes as usize)?)
}

/// A section of the body, if its checksum fits.
pub(super) fn section<'a>(body: &'a [u8], record: &SectionRecord) -> Option<&'a [u8]> {
    slice(body, record.offset, record.bytes).filter(|bytes| xxh3_64(bytes) == record.checksum)
}

/// The pages of the dictionary, with those of their two copies whose checksums fit.
pub(super) fn dictionary_pages<'a>(
    contents: &'a Contents,
    body: &'a [u8],
) -> impl Iterator<Item = (&'a PageRecord, [Option<&'a [u8]>; 2])> {
    let mut at = 0u64;
    contents.dictionary.iter().map(move |record| {
        let copies = contents.dictionary_offsets.map(|offset| {
            let stored = slice(body, offset.checked_add(at)?, record.stored_bytes)?;
            (xxh3_64(stored) == record.checksum).then_some(stored)
        });
        at = at.saturating_add(u64::from(record.stored_bytes));
        (record, copies)
    })
}
