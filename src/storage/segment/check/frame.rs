//! The frame of a segment file: both copies of the contents, and that no byte of the file is without a meaning.

use super::super::contents::{
    self, Contents, END_BYTES, SEGMENT_END_MAGIC, SEGMENT_MAGIC, SEGMENT_VERSION, START_BYTES, Start, VERSION_REDUCED,
    VERSION_WHOLE,
};
use super::{Fault, Harm};

/// The contents of a file and its body; nothing if both copies of the contents are damaged.
pub(super) fn check<'a>(file: &'a [u8], faults: &mut Vec<Fault>) -> Option<(Contents, &'a [u8])> {
    let first = first_copy(file, faults);
    let second = second_copy(file, faults);
    let (contents, body) = match (first, second) {
        (Some((first, start)), Some((second, body_offset, end))) => {
            if first != second || start != body_offset {
                faults.push(Fault::new(Harm::Record, "contents", "the two copies of the contents differ"));
            }
            (first, file.get(start..end)?)
        }
        (Some((contents, start)), None) => {
            faults.push(Fault::new(Harm::Copy, "end of the file", "the second copy of the contents is damaged"));
            (contents, &file[start..])
        }
        (None, Some((contents, start, end))) => {
            faults.push(Fault::new(Harm::Copy, "start of the file", "the first copy of the contents is damaged"));
            (contents, file.get(start..end)?)
        }
        (None, None) => {
            let what = match contents::parse_start(file.get(..START_BYTES).unwrap_or_default()) {
                Start::Newer(version) => format!(
                    "it has format version {version}, this program reads up to {SEGMENT_VERSION}: use a newer \
                     grid-events. If no newer one wrote it, both copies of the contents are damaged"
                ),
                _ => "both copies of the contents are damaged".to_owned(),
            };
            faults.push(Fault::new(Harm::Events, "contents", what));
            return None;
        }
    };
    check_cover(&contents, body, faults);
    Some((contents, body))
}

/// The first copy, and where the body starts.
fn first_copy(file: &[u8], faults: &mut Vec<Fault>) -> Option<(Contents, usize)> {
    let start = file.get(..START_BYTES)?;
    // A version that does not fit is damage of these bytes: the caller refuses what is truly newer.
    let version = u32::from_le_bytes(start[8..12].try_into().ok()?);
    let mut known = start.to_vec();
    known[8..12].copy_from_slice(&SEGMENT_VERSION.to_le_bytes());
    let Start::Frame(frame) = contents::parse_start(&known) else { return None };
    let end = START_BYTES.checked_add(frame.stored_bytes as usize)?;
    let contents = contents::decode(frame, file.get(START_BYTES..end)?)?;
    let expected = if contents.removed.is_empty() { VERSION_WHOLE } else { VERSION_REDUCED };
    if version != expected || !start.starts_with(SEGMENT_MAGIC) {
        let what = format!("the file says version {version}, and is of version {expected}");
        faults.push(Fault::new(Harm::Copy, "start of the file", what));
    }
    Some((contents, end))
}

/// The second copy, and where the body starts and ends.
fn second_copy(file: &[u8], faults: &mut Vec<Fault>) -> Option<(Contents, usize, usize)> {
    let at = file.len().checked_sub(END_BYTES)?;
    let mut end = file[at..].to_vec();
    let has_magic = end.ends_with(SEGMENT_END_MAGIC);
    end[END_BYTES - SEGMENT_END_MAGIC.len()..].copy_from_slice(SEGMENT_END_MAGIC);
    let (frame, offset) = contents::parse_end(&end)?;
    let start = at.checked_sub(frame.stored_bytes as usize)?;
    let contents = contents::decode(frame, &file[start..at])?;
    let body_offset = START_BYTES.checked_add(frame.stored_bytes as usize)?;
    if !has_magic || offset != body_offset as u64 {
        faults.push(Fault::new(Harm::Copy, "end of the file", "its last 12 bytes are not what was written"));
    }
    Some((contents, body_offset, start))
}

/// Blocks, dictionary, postings, counts, filter and dictionary stand one behind the other, and nothing else does.
fn check_cover(contents: &Contents, body: &[u8], faults: &mut Vec<Fault>) {
    let dictionary = |copy: usize| {
        let bytes = contents.dictionary.iter().map(|page| u64::from(page.stored_bytes)).sum();
        (contents.dictionary_offsets[copy], bytes)
    };
    let blocks = contents.blocks.iter().map(|block| (block.offset, u64::from(block.bytes)));
    let postings = contents.postings.iter().map(|page| &page.section);
    let sections = postings.chain([&contents.counts, &contents.filter]);
    let sections = sections.map(|section| (section.offset, u64::from(section.bytes)));
    let parts = blocks.chain([dictionary(0)]).chain(sections).chain([dictionary(1)]);
    let mut end = 0u64;
    for (offset, bytes) in parts {
        if offset != end {
            let what = format!("byte {end} of the body belongs to nothing, or to two parts");
            faults.push(Fault::new(Harm::Record, "body", what));
            return;
        }
        end = end.saturating_add(bytes);
    }
    if end > body.len() as u64 {
        let what = format!("the body ends {} bytes early: the file is cut off", end - body.len() as u64);
        faults.push(Fault::new(Harm::Events, "body", what));
    } else if end < body.len() as u64 && !faults.iter().any(|fault| fault.place == "end of the file") {
        faults.push(Fault::new(Harm::Record, "body", format!("{} bytes belong to nothing", body.len() as u64 - end)));
    }
}
