//! The signals by which a person or a system ends the demo.

use anyhow::{Result, bail};
use tokio::signal::unix::{Signal, SignalKind, signal};

pub(super) struct Interruption {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Interruption {
    /// From here on the signals do not end the process by themselves.
    pub(super) fn listen() -> Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for the next signal, which is an error.
    pub(super) async fn next(&mut self) -> Result<()> {
        let name = tokio::select! {
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.hangup.recv() => "SIGHUP",
        };
        bail!("the demo was ended by {name}; its processes are gone, what was recorded is kept")
    }
}
