//! How a server starts and ends: variables, signals, and what is there afterwards.

use std::process::Stdio;

use sutra_grid_events::{Filter, Store};

use crate::harness::{Local, Process, binary};
use crate::wire::{A, Client, Emitted, frame, hex};

#[test]
fn a_signal_ends_it_in_order_and_everything_is_kept() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("store");
    for (number, signal) in ["TERM", "INT"].into_iter().enumerate() {
        let mut server = Process::start(&path, &[]);
        let mut client = Client::connect(server.address);
        let mut silent = Client::connect(server.address);
        let event = Emitted::crash(&format!("node-{number}"), number as i64);
        for request in event.requests() {
            client.ask(&request);
        }
        client.ask(&A::learn_concept(&format!("note-{number}"), signal));
        server.signal(signal);
        assert_eq!(client.receive(), None, "it is closed");
        assert_eq!(silent.receive(), None, "it is closed");
        let (status, messages) = server.wait();
        assert!(status.success(), "{status}: {messages}");
        assert_eq!(messages, "");
    }
    let store = Store::open_read_only(&path).expect("a store");
    assert_eq!(store.count(&Filter::entity("agent-001")).expect("it can be read"), 2);
    drop(store);
    let server = Process::start(&path, &[]);
    let mut client = Client::connect(server.address);
    for (note, text) in [("note-0", "TERM"), ("note-1", "INT")] {
        let expected = A::message(2).byte(1).text(note).text(text).f32(1.0).f32(1.0).byte(0).0;
        assert_eq!(client.ask(&A::query_concept(note)), expected);
    }
}

#[test]
fn requests_under_way_are_answered_before_the_end() {
    let mut server = Local::start(<_>::default());
    let path = server.path();
    let events: Vec<Emitted> = (0..2_000).map(|number| Emitted::crash(&format!("node-{number}"), number)).collect();
    let mut client = Client::connect(server.address);
    let stream: Vec<u8> = events.iter().flat_map(Emitted::requests).flat_map(|request| frame(&request)).collect();
    let mut writer = Client { socket: client.socket.try_clone().expect("a socket") };
    // It may be closed before all is sent.
    let sender = std::thread::spawn(move || {
        let _ = std::io::Write::write_all(&mut writer.socket, &stream);
    });
    let mut answered = 0;
    while answered < 30 {
        client.receive().expect("an answer");
        answered += 1;
    }
    let directory = std::thread::spawn(move || {
        server.end();
        // The directory lives as long as the server.
        server
    });
    while let Some(answer) = client.receive_if_any() {
        assert!(answer[0] < 2, "an answer to a lesson");
        answered += 1;
    }
    sender.join().expect("all was sent, or refused");
    let server = directory.join().expect("it ends");
    let store = Store::open_read_only(path).expect("a store");
    let stored = store.count(&Filter::All).expect("it can be read");
    assert!(stored >= (answered as u64).div_ceil(3), "{stored} events for {answered} answers");
    drop(server);
}

#[test]
fn the_variables_of_existing_deployments_are_read() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("store");
    let mut command = binary();
    command.arg("serve-storage").env("STORAGE_PORT", "0").env("STORAGE_HOST", "localhost").env("STORAGE_PATH", &path);
    let server = Process::of(command);
    assert!(server.address.ip().is_loopback());
    let mut client = Client::connect(server.address);
    assert_eq!(client.ask(&hex("08000000")), hex("08000000"));
    server.terminate();
    assert!(path.join("FORMAT").exists());

    let mut command = binary();
    command.arg("serve-storage").env("STORAGE_PORT", "no number").env("STORAGE_PATH", &path);
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status().expect("the binary runs");
    assert_eq!(status.code(), Some(2));
}

#[test]
fn a_port_or_a_store_in_use_is_named() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("store");
    let server = Process::start(&path, &[]);
    let run = |port: &str, store: &std::path::Path| {
        let mut command = binary();
        command.args(["serve-storage", "--port", port, "--storage-path"]).arg(store);
        let output = command.output().expect("the binary runs");
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        String::from_utf8(output.stderr).expect("text")
    };
    let port = server.address.port().to_string();
    let stderr = run(&port, &directory.path().join("other"));
    assert!(stderr.contains(&format!("cannot listen on 127.0.0.1:{port}")), "{stderr}");
    let stderr = run("0", &path);
    assert!(stderr.contains("is being written by process"), "{stderr}");
}
