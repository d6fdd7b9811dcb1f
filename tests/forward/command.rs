//! `grid-events forward`, against the same server.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use sutra_grid_events::Store;

use crate::stand_in::{Faults, StandIn};
use crate::{assert_ids, crash, until};

fn command(store: &Path, server: &StandIn, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_grid-events"));
    command.arg("--dir").arg(store).args(["forward", "--to", &server.endpoint()]).args(arguments);
    command.env("XDG_STATE_HOME", store.parent().unwrap()).env_remove("EVENT_STORAGE").env_remove("EVENT_TOKEN");
    command
}

/// Runs it on a blocking thread: exit code, stdout, stderr.
async fn run(mut command: Command) -> (i32, String, String) {
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn append(store: &Store, numbers: std::ops::Range<i64>) {
    let events: Vec<_> = numbers.map(|number| crash(number).into()).collect();
    store.append(&events).unwrap();
    store.flush().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_forwards_beside_the_writer_and_goes_on_where_it_stood() {
    let (mut server, directory) = (StandIn::start().await, tempfile::tempdir().unwrap());
    let path = directory.path().join("store");
    let store = Store::open(&path).unwrap();
    append(&store, 0..100);
    let (code, stdout, stderr) = run(command(&path, &server, &[])).await;
    assert_eq!((code, stdout.as_str(), stderr.as_str()), (0, "100 events forwarded, 0 refused, 0 missed\n", ""));
    append(&store, 100..150);
    let (code, stdout, _) = run(command(&path, &server, &["--format", "json"])).await;
    assert_eq!((code, stdout.as_str()), (0, "{\"forwarded\":50,\"refused\":0,\"missed\":0}\n"));
    assert_ids(&server.durable().events(), 150);
    assert_eq!(server.events_learned(), 150);

    server.kill().await;
    append(&store, 150..151);
    let (code, stdout, stderr) = run(command(&path, &server, &[])).await;
    assert_eq!((code, stdout.as_str()), (2, ""));
    assert!(stderr.contains("1 were not") && stderr.contains("cannot connect"), "{stderr}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn following_goes_on_with_what_comes_and_outlives_the_server() {
    let (mut server, directory) = (StandIn::start().await, tempfile::tempdir().unwrap());
    let path = directory.path().join("store");
    let token_file = directory.path().join("token");
    std::fs::write(&token_file, "secret\n").unwrap();
    let faults = Faults { token: Some("secret".into()), ..Faults::default() };
    server.set_faults(faults);
    let store = Store::open(&path).unwrap();
    append(&store, 0..10);
    server.kill().await;
    let mut command = command(&path, &server, &["--follow", "--token-file", token_file.to_str().unwrap()]);
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    // It says that the server is away, and waits for it.
    let mut line = String::new();
    BufReader::new(child.stderr.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.contains("trying again"), "{line}");
    server.restart().await;
    append(&store, 10..30);
    until(|| if server.durable().events().len() < 30 { Err("events are missing".into()) } else { Ok(()) }).await;
    assert_ids(&server.durable().events(), 30);
    child.kill().unwrap();
    child.wait().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_there_or_not_an_endpoint_is_an_error() {
    let (server, directory) = (StandIn::start().await, tempfile::tempdir().unwrap());
    let path = directory.path().join("store");
    let (code, _, stderr) = run(command(&path, &server, &[])).await;
    assert!(code == 2 && stderr.contains("there is no store"), "{stderr}");
    assert!(!path.exists());
    let (code, _, stderr) = run(command(&path, &server, &["--to", "nowhere"])).await;
    assert!(code == 2 && stderr.contains("--to"), "{stderr}");
}
