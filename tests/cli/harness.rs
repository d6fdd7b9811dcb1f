//! Runs the binary on a data directory of its own, and compares what it prints with golden files.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// The reference for relative times in every test.
pub(crate) const NOW: &str = "2026-11-18T12:00:00Z";
/// Set it to write golden files instead of comparing with them.
const UPDATE_VARIABLE: &str = "UPDATE_GOLDEN";

/// A data directory that goes away with it.
pub(crate) struct Cli {
    directory: TempDir,
}

/// What a run printed and how it ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Cli {
    /// Without a store.
    pub(crate) fn new() -> Self {
        Self { directory: TempDir::new().expect("a temporary directory") }
    }

    /// With the events of `grid.jsonl`.
    pub(crate) fn with_grid() -> Self {
        let cli = Self::new();
        let ended = cli.run(&["import", &data_file("grid.jsonl")]);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        cli
    }

    /// The data directory.
    pub(crate) fn store(&self) -> PathBuf {
        self.directory.path().join("store")
    }

    /// Writes a file beside the store and answers its path.
    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.directory.path().join(name);
        std::fs::write(&path, content).expect("a file");
        path.to_str().expect("a Unicode path").to_owned()
    }

    /// The binary with these arguments, on the store, at [`NOW`].
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = binary();
        command.arg("--dir").arg(self.store()).args(["--now", NOW]).args(arguments);
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        finish(self.command(arguments), b"")
    }

    pub(crate) fn run_with_input(&self, arguments: &[&str], input: impl AsRef<[u8]>) -> Ended {
        finish(self.command(arguments), input.as_ref())
    }

    /// Starts the binary with pipes to it and from it.
    pub(crate) fn start(&self, arguments: &[&str]) -> Child {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().expect("the binary runs")
    }
}

/// The binary, untouched by the variables of whoever runs the tests.
pub(crate) fn binary() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_grid-events"));
    for variable in ["EVENT_STORAGE", "NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLUMNS"] {
        command.env_remove(variable);
    }
    command
}

/// Runs a command to its end.
pub(crate) fn finish(mut command: Command, input: &[u8]) -> Ended {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary runs");
    let mut stdin = child.stdin.take().expect("a pipe");
    let output = std::thread::scope(|scope| {
        // A command that reads nothing closes the pipe, which is its right.
        scope.spawn(move || stdin.write_all(input));
        child.wait_with_output().expect("the binary ends")
    });
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("output is UTF-8");
    Ended {
        code: output.status.code().expect("no signal ended it"),
        stdout: text(output.stdout),
        stderr: text(output.stderr),
    }
}

impl Ended {
    /// Asserts the exit code, with the messages if it is another.
    #[track_caller]
    pub(crate) fn code(self, expected: i32) -> Self {
        assert_eq!(self.code, expected, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// Asserts that stdout is what a golden file holds.
    #[track_caller]
    pub(crate) fn golden(self, name: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/golden").join(name);
        if std::env::var_os(UPDATE_VARIABLE).is_some() {
            std::fs::write(&path, &self.stdout).expect("a golden file");
        }
        let golden = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(self.stdout, golden, "{name} differs; {UPDATE_VARIABLE}=1 writes it anew");
        self
    }
}

/// A file that belongs to these tests.
pub(crate) fn data_file(name: &str) -> String {
    format!("{}/tests/cli/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// The one JSON value of an output.
#[track_caller]
pub(crate) fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}
