//! The tail: the newest events, in a log on disk and mirrored in memory.

mod batch;
mod log;
mod memory;
mod push;
mod replay;
mod row;
mod source;

pub(crate) use log::{
    Frame, LOG_BYTES_MAX, LogContents, LogFile, LogHeader, anchor_frame, put_batch, read_log, whole_bytes,
};
pub(crate) use memory::TailMemory;
pub(crate) use push::Older;
pub(crate) use row::{RowValue, resolve, take_value};
pub(crate) use source::TailSource;
