//! TLS, with a certificate of the tests: signed by an authority of theirs, for `localhost`, for a hundred years.

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sutra_grid_events::remote::server::{Claims, Role, ServerConfig, TlsFiles, TokenSecret};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::harness::{Local, Process, binary};
use crate::wire::{A, Client, Emitted, frame, hex};

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/server/certificates").join(name)
}

/// Connects as a client that trusts the authority of the tests.
fn connect(address: std::net::SocketAddr) -> Client<StreamOwned<ClientConnection, TcpStream>> {
    let mut roots = RootCertStore::empty();
    let authority = CertificateDer::from_pem_file(file("authority.pem")).expect("a certificate");
    roots.add(authority).expect("an authority");
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").expect("a name");
    let connection = ClientConnection::new(Arc::new(config), name).expect("a client");
    Client { socket: StreamOwned::new(connection, Client::connect(address).socket) }
}

#[test]
fn requests_and_tokens_go_through_tls() {
    let secret = TokenSecret::new(*b"a secret that only tests know").expect("long enough");
    let files = TlsFiles { certificates: file("certificate.pem"), key: file("key.pem") };
    let config = ServerConfig { tls: Some(files), token_secret: Some(secret.clone()), ..<_>::default() };
    let server = Local::start(config);
    let claims = Claims { sub: "a".into(), iat: 0, exp: 4_102_444_800, roles: vec![Role::Admin], permissions: vec![] };
    let mut client = connect(server.address);
    assert!(client.show(secret.sign(&claims).expect("a token").as_bytes()));
    let event = Emitted::crash("node-abc", 0);
    client.send(&event.requests().iter().flat_map(|request| frame(request)).collect::<Vec<u8>>());
    for kind in [0, 1, 1] {
        assert_eq!(client.receive().expect("an answer")[0], kind);
    }
    assert_eq!(client.ask(&A::get_neighbors("node-abc")), A::neighbors(&[&event.id]));
    // A request and an answer of more than one record of TLS.
    client.ask(&A::learn_concept("large", &"x".repeat(300_000)));
    assert_eq!(client.ask(&A::query_concept("large")).len(), 300_000 + 4 + 1 + 8 + 5 + 8 + 4 + 4 + 1);
    assert_eq!(client.ask(&hex("08000000")), hex("08000000"));

    assert!(!connect(server.address).show(b"not a token"));
    // Without TLS there is no way in.
    let mut plain = Client::connect(server.address);
    plain.send(&frame(&A::query_concept("a")));
    while plain.receive_byte().is_some() {}
    server.wait_for_line("no TLS");
}

#[test]
fn the_command_takes_certificate_and_key() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let (certificate, key) = (file("certificate.pem"), file("key.pem"));
    let (certificate, key) = (certificate.to_str().expect("Unicode"), key.to_str().expect("Unicode"));
    let server = Process::start(&directory.path().join("store"), &["--tls-cert", certificate, "--tls-key", key]);
    assert_eq!(connect(server.address).ask(&hex("08000000")), hex("08000000"));
    server.terminate();

    let run = |certificate: &str, key: &str| {
        let mut command = binary();
        command.args(["serve-storage", "--port", "0", "--tls-cert", certificate, "--tls-key", key, "--storage-path"]);
        let output = command.arg(directory.path().join("other")).output().expect("the binary runs");
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        String::from_utf8(output.stderr).expect("text")
    };
    assert!(run(key, key).contains("key.pem: there is no certificate in it"));
    assert!(run(certificate, certificate).contains("certificate.pem"));
    assert!(run("missing.pem", key).contains("missing.pem"));
}
