//! An emitter and the server of this crate: kills, TLS and tokens, and spools that other processes left.

use std::io::{BufRead, BufReader};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use sutra_grid_events::graph::{ConceptStore, EmbeddedConcepts};
use sutra_grid_events::remote::client::TlsOptions;
use sutra_grid_events::remote::server::{Claims, Role, Server, ServerConfig, TlsFiles, TokenSecret};
use sutra_grid_events::remote::{ClientOptions, RemoteConcepts, RemoteEndpoint};
use sutra_grid_events::{EmitterConfig, EventEmitter, Store};
use tokio::task::JoinSet;

use crate::{assert_ids, crash, quick, until};

/// How often the server is killed.
const KILLS: i64 = 10;
/// Events between two kills, unless the variable says otherwise.
const EVENTS: i64 = 2_000;
const EVENTS_VARIABLE: &str = "GRID_EVENTS_FORWARDED";

/// The server as a process.
struct Process {
    child: Child,
    port: u16,
}

impl Process {
    fn start(store: &Path, port: u16) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_grid-events"));
        command.args(["serve-storage", "--port", &port.to_string(), "--storage-path"]).arg(store);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port = line.trim().rsplit(':').next().unwrap().parse().unwrap_or_else(|_| panic!("{line:?}"));
        Self { child, port }
    }

    /// As `kill -9`.
    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The ids of all events of a store, in the order of their arrival.
fn ids_in(store: &Path) -> Vec<String> {
    let mut ids = Vec::new();
    let mut collect = |event: sutra_grid_events::StoredEvent| {
        ids.push(event.id.to_string());
        ControlFlow::Continue(())
    };
    Store::open_read_only(store).unwrap().scan(0, &mut collect).unwrap();
    ids
}

fn forwarded(emitter: &EventEmitter) -> u64 {
    emitter.stats().spool.unwrap().forwarded
}

async fn wait_until_all_is_forwarded(emitter: &EventEmitter) {
    until(|| {
        let stats = emitter.stats();
        let done = stats.backlog == 0 && stats.spool.as_ref().is_some_and(|spool| spool.depth == 0);
        if done { Ok(()) } else { Err(format!("{stats:?}")) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_ten_times_has_every_event_once_and_in_order() {
    let variable = std::env::var(EVENTS_VARIABLE);
    let events = variable.map_or(EVENTS, |text| text.parse::<i64>().unwrap() / KILLS);
    let directory = tempfile::tempdir().unwrap();
    let (store, spool) = (directory.path().join("store"), directory.path().join("spool"));
    let mut server = Process::start(&store, 0);
    let port = server.port;
    let endpoint: RemoteEndpoint = format!("127.0.0.1:{port}").parse().unwrap();
    let emitter = EventEmitter::open_remote(endpoint, &spool, EmitterConfig::default(), quick()).unwrap();
    for round in 0..KILLS {
        let before = forwarded(&emitter);
        (round * events..(round + 1) * events).for_each(|number| emitter.emit(crash(number)));
        // Killed while events are under way, or before any is.
        if round % 3 > 0 {
            until(|| if forwarded(&emitter) > before { Ok(()) } else { Err("nothing is forwarded".into()) }).await;
        }
        server.kill();
        server = Process::start(&store, port);
    }
    wait_until_all_is_forwarded(&emitter).await;
    assert!(emitter.stats().spool.unwrap().reconnects > 0);
    emitter.close().await.unwrap();
    assert_ids(&ids_in(&store), KILLS * events);
}

fn certificate(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/server/certificates").join(name)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_and_tls_go_through_to_a_server_of_this_crate() {
    let directory = tempfile::tempdir().unwrap();
    let store = directory.path().join("store");
    let secret = TokenSecret::new(*b"a secret that only tests know").unwrap();
    let tls = TlsFiles { certificates: certificate("certificate.pem"), key: certificate("key.pem") };
    let config =
        ServerConfig { port: 0, tls: Some(tls), token_secret: Some(secret.clone()), ..ServerConfig::default() };
    let server = Server::bind(config, EmbeddedConcepts::new(Store::open(&store).unwrap())).await.unwrap();
    let port = server.local_address().port();
    let mut serving = JoinSet::new();
    serving.spawn(server.serve(std::future::pending()));

    let claims = |roles| Claims { sub: "a".into(), iat: 0, exp: 4_102_444_800, roles, permissions: vec![] };
    let token = |role| secret.sign(&claims(vec![role])).unwrap();
    let trusting =
        |file: &str, name: &str| TlsOptions { ca_file: Some(certificate(file)), server_name: Some(name.to_owned()) };
    let tls = trusting("authority.pem", "localhost");
    let options = ClientOptions { tls, ..quick() }.with_token(token(Role::Admin));
    let endpoint: RemoteEndpoint = format!("tls://127.0.0.1:{port}").parse().unwrap();
    let spool = directory.path().join("spool");
    let emitter =
        EventEmitter::open_remote(endpoint.clone(), &spool, EmitterConfig::default(), options.clone()).unwrap();
    (0..50).for_each(|number| emitter.emit(crash(number)));
    wait_until_all_is_forwarded(&emitter).await;
    emitter.close().await.unwrap();
    assert_ids(&ids_in(&store), 50);

    let refused = |options: ClientOptions| {
        let endpoint = endpoint.clone();
        async move { RemoteConcepts::connect(endpoint, options).await.unwrap_err().to_string() }
    };
    let text = refused(options.clone().with_token("not a token")).await;
    assert!(text.contains("token"), "{text}");
    for tls in [trusting("authority.pem", "another.example"), trusting("key.pem", "localhost")] {
        let text = refused(ClientOptions { tls, ..options.clone() }).await;
        assert!(text.contains("TLS"), "{text}");
    }
    // Whoever may only read learns that writing is not allowed.
    let reader = RemoteConcepts::connect(endpoint, options.with_token(token(Role::Reader))).await.unwrap();
    assert!(reader.query_concept("agent-001").await.unwrap().is_some());
    let error = reader.flush().await.unwrap_err();
    assert!(matches!(error, sutra_grid_events::graph::ConceptError::Refused { .. }), "{error}");
}

#[test]
fn what_a_process_left_in_its_spool_is_forwarded_by_the_next() {
    // The directory of spools comes from the environment, which only a process of its own can have.
    let directory = tempfile::tempdir().unwrap();
    let store = directory.path().join("store");
    let mut server = Process::start(&store, 0);
    let port = server.port;
    server.kill();
    let spools = directory.path().join("spools").join(format!("127.0.0.1_{port}"));
    for number in 0..3 {
        let left = Store::open(spools.join(number.to_string())).unwrap();
        left.append(&[crash(number).into()]).unwrap();
        left.close().unwrap();
    }
    let server = Process::start(&store, port);
    let name = "server::emit_one_to_the_endpoint_of_the_environment";
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--ignored"])
        .env("EVENT_STORAGE", format!("tcp://127.0.0.1:{port}"))
        .env("EVENT_SPOOL", directory.path().join("spools"))
        .stdout(Stdio::null())
        .status();
    assert!(status.unwrap().success());
    let mut found = ids_in(&store);
    found.sort_by_key(|id| (id.len(), id.clone()));
    assert_ids(&found, 4);
    drop(server);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it is run by the test above, which sets its environment"]
async fn emit_one_to_the_endpoint_of_the_environment() {
    let emitter = EventEmitter::from_env().await.unwrap();
    emitter.emit(crash(3));
    wait_until_all_is_forwarded(&emitter).await;
    let client = RemoteConcepts::new(std::env::var("EVENT_STORAGE").unwrap().parse().unwrap(), quick());
    for id in crate::ids(4) {
        while client.query_concept(&id).await.unwrap().is_none() {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }
    emitter.close().await.unwrap();
}
