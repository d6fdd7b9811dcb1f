//! Reading a log that somebody may be writing: an end within a frame is torn only if it stays so.

use std::path::Path;
use std::time::Duration;

use super::log::{LOG_BYTES_MAX, LogContents, parse_log_or_none};
use crate::error::StoreError;
use crate::storage::files;

/// How often an end that is torn is read again: beside a writer it may be in the middle of a write.
pub(crate) const TORN_READS: usize = 5;
/// How long to wait before that.
pub(crate) const TORN_WAIT: Duration = Duration::from_millis(20);

/// Reads a log; again if its end may be just being written. An end is torn only if what stands at the same place is
/// still no whole frame then: where more of the log can be read than before, a writer goes on with it, and what is
/// behind that is left out. With the bytes of it, those of the torn end among them; nothing as [`read_log`] says.
///
/// [`read_log`]: super::read_log
pub(crate) fn read_settled(path: &Path) -> Result<Option<(Vec<u8>, LogContents)>, StoreError> {
    let read = || {
        let bytes = files::read(path, LOG_BYTES_MAX)?;
        Ok::<_, StoreError>(parse_log_or_none(&bytes, 0, path)?.map(|contents| (bytes, contents)))
    };
    let mut log = read()?;
    for _ in 0..TORN_READS {
        if log.as_ref().is_some_and(|(_, contents)| contents.torn_bytes == 0) {
            break;
        }
        std::thread::sleep(TORN_WAIT);
        let before = log.as_ref().map_or(0, |(_, contents)| contents.whole_bytes);
        log = read()?;
        if let Some((bytes, contents)) = &mut log
            && contents.whole_bytes > before
        {
            contents.torn_bytes = 0;
            bytes.truncate(usize::try_from(contents.whole_bytes).unwrap_or(usize::MAX));
        }
    }
    Ok(log)
}
