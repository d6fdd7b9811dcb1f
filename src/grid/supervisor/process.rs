//! A child process: started, awaited without being polled, and signalled without ever hitting another.
//!
//! The thread that waits does so without reaping (`WNOWAIT`): the process stays a zombie, and its pid
//! its own, until it is reaped under the lock that signals are sent under. So no signal can meet a pid
//! that the system has given to another process.

use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, bounded};
use parking_lot::Mutex;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};

use super::spec::{NodeSpec, Readiness};

/// How much of what a node printed last on standard error is kept, in bytes.
const STDERR_BYTES_KEPT: usize = 4096;
/// How long the end of standard error is awaited after a process ended: a grandchild can hold it open.
const STDERR_WAIT_MAX: Duration = Duration::from_millis(200);

/// A child process that runs, or ended and was not reaped yet, or was reaped.
#[derive(Debug)]
pub(super) struct Process {
    pid: u32,
    /// Locked for short moments only: to signal and to reap.
    handle: Mutex<Handle>,
    stderr: Tail,
}

#[derive(Debug)]
struct Handle {
    child: Child,
    /// Whether the system may give the pid to another process.
    reaped: bool,
}

/// The end of what a process prints on standard error.
#[derive(Debug)]
struct Tail {
    bytes: Arc<Mutex<Vec<u8>>>,
    /// Disconnected at the end of the stream.
    ended: Receiver<()>,
}

impl Process {
    /// Starts the program of a node and waits until it is ready.
    ///
    /// The error is a sentence for `spawn_failed`; what was started is then gone.
    pub(super) fn start(spec: &NodeSpec) -> Result<Self, String> {
        let cannot = |what: &str, error: io::Error| format!("cannot {what} {}: {error}", spec.program.display());
        let awaits_line = spec.readiness != Readiness::Started;
        let mut child = Command::new(&spec.program)
            .args(&spec.args)
            .stdin(Stdio::null())
            .stdout(if awaits_line { Stdio::piped() } else { Stdio::null() })
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| cannot("start", error))?;
        let pid = child.id();
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        // From here on a failure has to take the process with it.
        let end_of = |mut child: Child, error: io::Error| {
            let _ = child.kill();
            let _ = child.wait();
            Err(cannot("watch", error))
        };
        let stderr = match Tail::follow(stderr) {
            Ok(tail) => tail,
            Err(error) => return end_of(child, error),
        };
        let ready = match follow_stdout(stdout) {
            Ok(ready) => ready,
            Err(error) => return end_of(child, error),
        };
        let process = Self { pid, handle: Mutex::new(Handle { child, reaped: false }), stderr };
        let Readiness::FirstLine { timeout } = spec.readiness else { return Ok(process) };
        match ready.recv_timeout(timeout) {
            Ok(()) => Ok(process),
            // The stream ended without a line: so did the process, in all likelihood.
            Err(RecvTimeoutError::Disconnected) => {
                process.signal_kill();
                Err(process.obituary(process.wait()))
            }
            Err(RecvTimeoutError::Timeout) => {
                process.signal_kill();
                process.wait();
                Err(format!("was not ready within {timeout:?}"))
            }
        }
    }

    pub(super) fn pid(&self) -> u32 {
        self.pid
    }

    /// Waits until the process ends, and reaps it. Nothing if the system does not say how it ended.
    pub(super) fn wait(&self) -> Option<ExitStatus> {
        let pid = {
            let handle = self.handle.lock();
            (!handle.reaped).then(|| Pid::from_child(&handle.child))
        };
        if let Some(pid) = pid {
            let watched = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
            while let Err(rustix::io::Errno::INTR) = waitid(WaitId::Pid(pid), watched) {}
        }
        let mut handle = self.handle.lock();
        handle.reaped = true;
        // Returns at once: the process ended, or was reaped before.
        handle.child.wait().ok()
    }

    /// Asks the process to end (SIGTERM). No effect if it ended already.
    pub(super) fn signal_stop(&self) {
        let handle = self.handle.lock();
        if !handle.reaped {
            let _ = kill_process(Pid::from_child(&handle.child), Signal::TERM);
        }
    }

    /// Ends the process (SIGKILL). No effect if it ended already.
    pub(super) fn signal_kill(&self) {
        // An error means that it ended already.
        let _ = self.handle.lock().child.kill();
    }

    /// How the process ended, in a sentence: the last line that it printed on standard error, if any.
    fn obituary(&self, status: Option<ExitStatus>) -> String {
        let ending = match status.map(exit_number) {
            Some(code @ 0..) => format!("ended with exit code {code} before it was ready"),
            Some(signal) => format!("was ended by signal {} before it was ready", -signal),
            None => "ended before it was ready".to_owned(),
        };
        match self.stderr.last_line() {
            Some(line) => format!("{line} ({ending})"),
            None => ending,
        }
    }
}

/// The exit code, or the signal that ended the process as a negative number.
pub(super) fn exit_number(status: ExitStatus) -> i32 {
    // A status without a code carries a signal; anything else would be a process that still lives.
    status.code().or_else(|| status.signal().map(|signal| -signal)).unwrap_or(-1)
}

/// Reads standard output to its end, so that the process never blocks on it. Sends once, at the first line.
fn follow_stdout(stream: Option<ChildStdout>) -> io::Result<Receiver<()>> {
    let (sender, ready) = bounded(1);
    let Some(stream) = stream else { return Ok(ready) };
    thread::Builder::new().name("grid-events-stdout".into()).spawn(move || {
        let mut reader = BufReader::new(stream);
        // Bounded, since a line without an end is no reason to take all memory.
        let mut line = Vec::new();
        let read = (&mut reader).take(STDERR_BYTES_KEPT as u64).read_until(b'\n', &mut line);
        if read.is_ok_and(|bytes| bytes > 0) {
            let _ = sender.send(());
        }
        let _ = io::copy(&mut reader, &mut io::sink());
    })?;
    Ok(ready)
}

impl Tail {
    fn follow(stream: Option<ChildStderr>) -> io::Result<Self> {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let (ending, ended) = bounded::<()>(0);
        let tail = Self { bytes: Arc::clone(&bytes), ended };
        let Some(mut stream) = stream else { return Ok(tail) };
        thread::Builder::new().name("grid-events-stderr".into()).spawn(move || {
            let _ending = ending;
            let mut chunk = [0; STDERR_BYTES_KEPT];
            while let Ok(read @ 1..) = stream.read(&mut chunk) {
                let mut kept = bytes.lock();
                kept.extend(chunk.iter().take(read));
                let excess = kept.len().saturating_sub(STDERR_BYTES_KEPT);
                kept.drain(..excess);
            }
        })?;
        Ok(tail)
    }

    /// The last line that is not empty, once the stream has ended or is not worth waiting for.
    fn last_line(&self) -> Option<String> {
        let _ = self.ended.recv_timeout(STDERR_WAIT_MAX);
        let text = String::from_utf8_lossy(&self.bytes.lock()).into_owned();
        text.lines().rev().map(str::trim).find(|line| !line.is_empty()).map(str::to_owned)
    }
}
