//! The stand-in server over real sockets: golden bytes of both dialects, hostile clients, tokens, TLS, signals.

mod dialects;
mod ending;
mod harness;
mod hostile;
mod killed;
mod soak;
mod tls;
mod tokens;
mod wire;
