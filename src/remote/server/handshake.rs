//! What a client shows before its first request: its token, if one is asked for.

use std::time::{SystemTime, UNIX_EPOCH};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::auth::{ACCEPTED, Access, Claims, TOKEN_BYTES_MAX, TokenSecret};

/// Reads a token and accepts it. Otherwise says why not, which the client is not told.
pub(super) async fn access(
    socket: &mut (impl AsyncRead + AsyncWrite + Unpin),
    secret: &TokenSecret,
) -> Result<Access, String> {
    let broken = |error: std::io::Error| format!("it broke before its token was read: {error}");
    let length = usize::try_from(socket.read_u32().await.map_err(broken)?).unwrap_or(usize::MAX);
    if length > TOKEN_BYTES_MAX {
        return Err(format!("a token of {length} bytes (max: {TOKEN_BYTES_MAX})"));
    }
    let mut token = vec![0; length];
    socket.read_exact(&mut token).await.map_err(broken)?;
    let claims: Claims = secret.verify(&token, now()).map_err(|error| format!("its token is refused: {error}"))?;
    socket.write_all(&[ACCEPTED]).await.map_err(broken)?;
    socket.flush().await.map_err(broken)?;
    Ok(Access::of_roles(&claims.roles))
}

/// Seconds since 1970.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
