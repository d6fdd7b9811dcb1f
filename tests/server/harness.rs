//! Servers to test: the real binary as a process of its own, or the library's in this process with short limits.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use sutra_grid_events::Store;
use sutra_grid_events::graph::{ConceptStore, EmbeddedConcepts};
use sutra_grid_events::remote::server::{Server, ServerConfig};
use tempfile::TempDir;
use tokio::sync::oneshot;

/// How long a test waits for something that must happen before it fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// The binary.
pub(crate) fn binary() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_grid-events"));
    for variable in ["EVENT_STORAGE", "STORAGE_PORT", "STORAGE_PATH", "STORAGE_HOST"] {
        command.env_remove(variable);
    }
    command
}

/// `grid-events serve-storage` as a process. It is killed with it.
pub(crate) struct Process {
    child: Child,
    pub(crate) address: SocketAddr,
    messages: Option<JoinHandle<String>>,
}

impl Process {
    /// Starts one on a directory.
    pub(crate) fn start(directory: &Path, arguments: &[&str]) -> Self {
        let mut command = binary();
        command.args(["serve-storage", "--port", "0", "--storage-path"]).arg(directory).args(arguments);
        Self::of(command)
    }

    /// Starts one with a command that serves.
    pub(crate) fn of(mut command: Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary runs");
        let mut stderr = child.stderr.take().expect("a pipe");
        let messages = std::thread::spawn(move || {
            let mut text = String::new();
            // What is no text is no message.
            let _ = stderr.read_to_string(&mut text);
            text
        });
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut line).expect("a line");
        let address = line.trim().strip_prefix("listening on ").and_then(|address| address.parse().ok());
        let Some(address) = address else { panic!("{line:?}: {:?}", messages.join()) };
        Self { child, address, messages: Some(messages) }
    }

    /// Sends a signal, by its name.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status();
        assert!(sent.expect("kill runs").success());
    }

    /// The memory that it has resident, in MB, where the system says.
    pub(crate) fn memory_mb(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        line.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kilobytes| kilobytes / 1000)
    }

    /// Waits for the end. What it said on stderr comes with it.
    pub(crate) fn wait(&mut self) -> (ExitStatus, String) {
        let status = self.child.wait().expect("it ends");
        let messages = self.messages.take().map(|messages| messages.join().expect("it reads"));
        (status, messages.unwrap_or_default())
    }

    /// Ends it in order. What it said on stderr is answered.
    pub(crate) fn terminate(mut self) -> String {
        self.signal("TERM");
        let (status, messages) = self.wait();
        assert!(status.success(), "{status}: {messages}");
        messages
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended long ago.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A server of the library in this process.
pub(crate) struct Local {
    pub(crate) address: SocketAddr,
    log: Arc<Mutex<Vec<String>>>,
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    directory: TempDir,
}

impl Local {
    /// With the limits of `config`, on a port of the system's choosing.
    pub(crate) fn start(config: ServerConfig) -> Self {
        Self::of(config, |path| EmbeddedConcepts::new(Store::open(path).expect("a store")))
    }

    /// In front of a store that is made in a directory.
    pub(crate) fn of<S: ConceptStore + 'static>(
        config: ServerConfig,
        store: impl FnOnce(PathBuf) -> S + Send + 'static,
    ) -> Self {
        let directory = TempDir::new().expect("a temporary directory");
        let path = directory.path().join("store");
        let log = Arc::new(Mutex::new(Vec::new()));
        let (end, ended) = oneshot::channel::<()>();
        let (send_address, receive_address) = std::sync::mpsc::channel();
        let lines = Arc::clone(&log);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
            runtime.expect("a runtime").block_on(async {
                let server = Server::bind(ServerConfig { port: 0, ..config }, store(path)).await.expect("a free port");
                let server = server.with_log(move |line| lines.lock().push(line.to_owned()));
                send_address.send(server.local_address()).expect("somebody waits");
                server.serve(async { ended.await.unwrap_or_default() }).await.expect("it ends in order");
            });
        });
        let address = receive_address.recv().expect("it starts");
        Self { address, log, end: Some(end), thread: Some(thread), directory }
    }

    /// The directory of its store.
    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().join("store")
    }

    /// Waits until a line was told that has this part.
    #[track_caller]
    pub(crate) fn wait_for_line(&self, part: &str) {
        let start = Instant::now();
        while !self.log.lock().iter().any(|line| line.contains(part)) {
            assert!(start.elapsed() < PATIENCE, "no line with {part:?}: {:?}", self.log.lock());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// The lines that were told.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.log.lock().clone()
    }

    /// Ends it in order.
    pub(crate) fn end(&mut self) {
        // It may have ended already.
        let _ = self.end.take().map(|end| end.send(()));
        if let Some(thread) = self.thread.take() {
            thread.join().expect("it ends in order");
        }
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.end();
        }
    }
}
