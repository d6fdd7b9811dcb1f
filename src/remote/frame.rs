//! Frames: a length of four bytes, big-endian, then as many bytes of payload. The same in both dialects.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// How much is made room for at once, whatever length a frame says that it has.
const STEP_BYTES: usize = 64 << 10;
/// A buffer that has grown beyond this for one frame is given back before the next.
const KEPT_BYTES: usize = 1 << 20;

/// Why a frame could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// The connection failed.
    #[error("the connection failed: {0}")]
    Io(#[from] io::Error),
    /// The frame says that it is longer than it may be, or what was to be sent is. Nothing of it was read or written.
    #[error("a frame of {bytes} bytes, at most {bytes_max} are allowed")]
    TooLarge {
        /// How long it is.
        bytes: usize,
        /// How long it may be.
        bytes_max: usize,
    },
    /// The connection was closed within a frame.
    #[error("the connection was closed within a frame, {bytes} bytes before its end")]
    Truncated {
        /// How many bytes were missing.
        bytes: usize,
    },
}

/// Reads the payload of the next frame into `buffer`, in place of what it held. `false` if the other side closed the
/// connection before it.
///
/// Room is made as bytes arrive, never for a length that was only announced. If the future is dropped before it is
/// ready, the place in the stream is lost, and with it the connection. The reader should have a buffer of its own.
///
/// # Errors
/// If the frame is longer than `bytes_max`, or the connection fails or ends within it.
pub async fn read_frame<R: AsyncRead + Unpin>(
    reader: &mut R,
    bytes_max: usize,
    buffer: &mut Vec<u8>,
) -> Result<bool, FrameError> {
    buffer.clear();
    if buffer.capacity() > KEPT_BYTES {
        *buffer = Vec::new();
    }
    let mut head = [0; 4];
    let mut read = 0;
    while let Some(rest) = head.get_mut(read..).filter(|rest| !rest.is_empty()) {
        match reader.read(rest).await? {
            0 if read == 0 => return Ok(false),
            0 => return Err(FrameError::Truncated { bytes: rest.len() }),
            more => read += more,
        }
    }
    // Where a `usize` has fewer bits, what does not fit in it is too large for sure.
    let bytes = usize::try_from(u32::from_be_bytes(head)).unwrap_or(usize::MAX);
    if bytes > bytes_max {
        return Err(FrameError::TooLarge { bytes, bytes_max });
    }
    while buffer.len() < bytes {
        let missing = bytes - buffer.len();
        buffer.reserve(missing.min(STEP_BYTES));
        // A limit that fits in 32 bits, as `bytes` came from as many.
        if (&mut *reader).take(missing as u64).read_buf(buffer).await? == 0 {
            return Err(FrameError::Truncated { bytes: missing });
        }
    }
    Ok(true)
}

/// Writes a frame. The writer should have a buffer, which is flushed by the caller: a frame is two writes.
///
/// # Errors
/// If the payload is longer than a length of four bytes can say, or the connection fails.
pub async fn write_frame<W: AsyncWrite + Unpin>(writer: &mut W, payload: &[u8]) -> Result<(), FrameError> {
    let too_large = |_| FrameError::TooLarge { bytes: payload.len(), bytes_max: u32::MAX as usize };
    let bytes = u32::try_from(payload.len()).map_err(too_large)?;
    writer.write_all(&bytes.to_be_bytes()).await?;
    writer.write_all(payload).await?;
    Ok(())
}
