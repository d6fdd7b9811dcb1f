//! Tokens and what their roles allow; addresses that need them.

use std::process::Output;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use sutra_grid_events::remote::server::{ServerConfig, TokenSecret};

use crate::harness::{Local, Process, binary};
use crate::wire::{A, Client, Emitted, frame, hex};

const SECRET: &[u8] = b"a secret that only tests know";
/// A time far away, in seconds since 1970.
const NEVER: i64 = 4_102_444_800;

/// A token, written here from the description of the protocol.
fn token(secret: &[u8], claims: &Value) -> String {
    let payload = URL_SAFE_NO_PAD.encode(claims.to_string());
    let mac = Hmac::<Sha256>::new_from_slice(secret).expect("any length").chain_update(&payload);
    format!("{payload}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

fn claims(role: &str, exp: i64) -> Value {
    json!({"sub": "a test", "iat": 1_700_000_000, "exp": exp, "roles": [role], "permissions": ["x"]})
}

fn server() -> Local {
    Local::start(ServerConfig { token_secret: TokenSecret::new(SECRET), ..<_>::default() })
}

#[test]
fn a_role_allows_what_it_says_in_both_dialects() {
    let server = server();
    for (role, write, flush) in
        [("Admin", true, true), ("Writer", true, false), ("Service", true, false), ("Reader", false, false)]
    {
        let token = token(SECRET, &claims(role, NEVER));
        let connect = || Client::connect_with_token(server.address, token.as_bytes()).expect("a good token");
        let event = Emitted::crash(role, i64::from(role.as_bytes()[0]));
        let mut a = connect();
        let denied = |answer: &[u8], what: &str| {
            let denied = answer[..4] == hex("0a000000");
            if denied {
                let text = A::error_text(answer);
                assert!(text.starts_with("Permission denied"), "{role}, {what}: {text}");
            }
            denied
        };
        // All at once: a refusal does not end the connection.
        a.send(&event.requests().iter().flat_map(|request| frame(request)).collect::<Vec<u8>>());
        for request in 0..3 {
            let answer = a.receive().expect("an answer");
            assert_eq!(denied(&answer, "learn"), !write, "{role}, request {request}");
        }
        assert_eq!(denied(&a.ask(&hex("08000000")), "flush"), !flush, "{role}");
        assert!(!denied(&a.ask(&hex("07000000")), "stats"), "{role}");
        assert!(!denied(&a.ask(&hex("09000000")), "health"), "{role}");
        let expected = if write { A::neighbors(&[&event.id]) } else { A::neighbors(&[]) };
        assert_eq!(a.ask(&A::get_neighbors(role)), expected, "{role}");

        let mut b = connect();
        let learned = b.ask_b(&event.requests_b()[0]);
        assert_eq!(learned.get("Error").is_none(), write, "{role}: {learned}");
        assert_eq!(b.ask_b(&json!("Flush")).get("Error").is_none(), flush, "{role}");
    }
}

#[test]
fn without_a_good_token_the_connection_is_closed_without_a_word() {
    let server = server();
    let good = token(SECRET, &claims("Admin", NEVER));
    let mut changed = good.clone().into_bytes();
    changed[3] ^= 1;
    let expired = token(SECRET, &claims("Admin", 1_700_000_000));
    let foreign = token(b"a secret of somebody else", &claims("Admin", NEVER));
    let no_roles = token(SECRET, &json!({"sub": "a", "exp": NEVER}));
    let unsigned = good.split('.').next().expect("a part");
    let cases: [&[u8]; 8] = [
        &changed,
        expired.as_bytes(),
        foreign.as_bytes(),
        no_roles.as_bytes(),
        unsigned.as_bytes(),
        &vec![b'a'; 4097],
        b"",
        // A client that knows nothing of tokens.
        &A::query_concept("a"),
    ];
    for (number, case) in cases.iter().enumerate() {
        assert!(Client::connect_with_token(server.address, case).is_none(), "case {number}");
    }
    for line in ["expired", "signed with another secret", "not a token", "a token of 4097 bytes (max: 4096)"] {
        server.wait_for_line(line);
    }
    assert!(server.lines().iter().all(|line| !line.contains(&good[..10])), "no token is told");
    let mut client = Client::connect_with_token(server.address, good.as_bytes()).expect("a good token");
    client.ask(&hex("09000000"));
}

#[test]
fn who_shows_no_token_in_time_is_closed() {
    let server = Local::start(ServerConfig {
        token_secret: TokenSecret::new(SECRET),
        handshake_timeout: std::time::Duration::from_millis(50),
        ..<_>::default()
    });
    let mut client = Client::connect(server.address);
    client.send(&[0, 0]);
    assert_eq!(client.receive(), None);
    server.wait_for_line("no token in time");
}

#[test]
fn a_role_of_another_service_allows_nothing() {
    let server = server();
    let token = token(SECRET, &claims("Gardener", NEVER));
    let mut client = Client::connect_with_token(server.address, token.as_bytes()).expect("a good token");
    assert!(A::error_text(&client.ask(&hex("07000000"))).starts_with("Permission denied"));
}

/// Runs `serve-storage` where it is expected to refuse.
fn refused(arguments: &[&str]) -> Output {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let mut command = binary();
    command.args(["serve-storage", "--port", "0", "--storage-path"]).arg(directory.path().join("store"));
    let output = command.args(arguments).output().expect("the binary runs");
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    output
}

#[test]
fn an_address_that_others_reach_needs_a_secret() {
    let stderr = String::from_utf8(refused(&["--listen", "0.0.0.0"]).stderr).expect("text");
    assert!(stderr.contains("can be reached from other machines"), "{stderr}");
    assert!(stderr.contains("--insecure"), "what to do is named: {stderr}");

    let directory = tempfile::tempdir().expect("a temporary directory");
    let insecure = Process::start(&directory.path().join("a"), &["--listen", "0.0.0.0", "--insecure"]);
    let port = insecure.address.port();
    let mut client = Client::connect(([127, 0, 0, 1], port).into());
    client.ask(&hex("09000000"));
    insecure.terminate();

    let secret = directory.path().join("secret");
    std::fs::write(&secret, [SECRET, b"\n"].concat()).expect("a file");
    let secret = secret.to_str().expect("a Unicode path");
    let arguments = ["--listen", "0.0.0.0", "--token-secret-file", secret];
    let server = Process::start(&directory.path().join("b"), &arguments);
    let token = token(SECRET, &claims("Reader", NEVER));
    let address = ([127, 0, 0, 1], server.address.port()).into();
    let mut client = Client::connect_with_token(address, token.as_bytes()).expect("a good token");
    client.ask(&hex("09000000"));
    let messages = server.terminate();
    assert!(messages.contains("without TLS"), "{messages}");
}

#[test]
fn secrets_that_could_be_guessed_are_refused() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let secret = directory.path().join("secret");
    std::fs::write(&secret, "short\n").expect("a file");
    let stderr = refused(&["--token-secret-file", secret.to_str().expect("a Unicode path")]).stderr;
    assert!(String::from_utf8_lossy(&stderr).contains("at least 16 bytes"));
}
