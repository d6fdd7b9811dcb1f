//! The tail: the newest events, in a log on disk and mirrored in memory.

mod batch;
mod log;
mod memory;
mod push;
mod replay;
mod row;
mod settled;
mod source;

pub(crate) use log::{
    Frame, LOG_BYTES_MAX, LogContents, LogFile, LogHeader, anchor_frame, parse_log_or_none, put_batch, read_damaged,
    read_header, read_log,
};
pub(crate) use memory::TailMemory;
pub(crate) use push::Older;
pub(crate) use row::{RowValue, resolve, take_value};
pub(crate) use settled::{TORN_READS, TORN_WAIT, read_settled};
pub(crate) use source::TailSource;
