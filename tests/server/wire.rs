//! Bytes of both dialects, written here from the description of the protocol, without the code under test.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// How long a test waits for an answer before it fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// A client that sends bytes and reads frames.
pub(crate) struct Client<T = TcpStream> {
    pub(crate) socket: T,
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let socket = TcpStream::connect(address).expect("it listens");
        socket.set_nodelay(true).expect("a TCP socket");
        socket.set_read_timeout(Some(PATIENCE)).expect("a TCP socket");
        Self { socket }
    }

    /// Connects and shows a token; whether it was accepted.
    pub(crate) fn connect_with_token(address: SocketAddr, token: &[u8]) -> Option<Self> {
        let mut client = Self::connect(address);
        client.show(token).then_some(client)
    }
}

impl<T: Read + Write> Client<T> {
    /// Shows a token; whether it was accepted.
    pub(crate) fn show(&mut self, token: &[u8]) -> bool {
        self.send(&frame(token));
        let mut answer = [0; 1];
        match self.socket.read(&mut answer) {
            Ok(1) => {
                assert_eq!(answer, [1], "the only answer that there is");
                true
            }
            Ok(_) | Err(_) => false,
        }
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.socket.write_all(bytes).expect("the server reads");
    }

    /// The payload of the next frame; nothing once the server has closed the connection.
    pub(crate) fn receive(&mut self) -> Option<Vec<u8>> {
        let mut length = [0; 4];
        let mut read = 0;
        while read < 4 {
            match self.socket.read(&mut length[read..]) {
                Ok(0) if read == 0 => return None,
                Ok(0) => panic!("closed within a frame"),
                Ok(count) => read += count,
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset && read == 0 => return None,
                Err(error) => panic!("no answer: {error}"),
            }
        }
        let mut payload = vec![0; u32::from_be_bytes(length) as usize];
        self.socket.read_exact(&mut payload).expect("a whole frame");
        Some(payload)
    }

    /// As [`receive`](Self::receive), where the server may be gone at any time.
    pub(crate) fn receive_if_any(&mut self) -> Option<Vec<u8>> {
        let mut length = [0; 4];
        self.socket.read_exact(&mut length).ok()?;
        let mut payload = vec![0; u32::from_be_bytes(length) as usize];
        self.socket.read_exact(&mut payload).ok()?;
        Some(payload)
    }

    /// The next byte, whatever it means; nothing once the connection is closed.
    pub(crate) fn receive_byte(&mut self) -> Option<u8> {
        let mut byte = [0; 1];
        self.socket.read_exact(&mut byte).ok().map(|()| byte[0])
    }

    /// Sends a payload and answers with that of the response.
    #[track_caller]
    pub(crate) fn ask(&mut self, payload: &[u8]) -> Vec<u8> {
        self.send(&frame(payload));
        self.receive().expect("an answer")
    }

    /// The same in dialect B, with JSON for MessagePack.
    #[track_caller]
    pub(crate) fn ask_b(&mut self, request: &Value) -> Value {
        let answer = self.ask(&message_pack(request));
        rmp_serde::from_slice(&answer).expect("MessagePack")
    }
}

/// A frame with this payload.
pub(crate) fn frame(payload: &[u8]) -> Vec<u8> {
    [&u32::try_from(payload.len()).expect("short").to_be_bytes()[..], payload].concat()
}

/// A request of dialect B as the Python client writes it: names for everything, 64-bit floats.
pub(crate) fn message_pack(request: &Value) -> Vec<u8> {
    rmp_serde::to_vec(request).expect("JSON is MessagePack too")
}

/// Bytes from hexadecimal digits.
pub(crate) fn hex(digits: &str) -> Vec<u8> {
    let digits: Vec<u8> = digits.bytes().filter(u8::is_ascii_hexdigit).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).expect("ASCII"), 16).expect("digits");
    digits.chunks(2).map(byte).collect()
}

/// Writes dialect A.
#[derive(Default)]
pub(crate) struct A(pub(crate) Vec<u8>);

impl A {
    /// A message of this number.
    pub(crate) fn message(number: u32) -> Self {
        Self(number.to_le_bytes().to_vec())
    }

    pub(crate) fn text(mut self, text: &str) -> Self {
        self.0.extend((text.len() as u64).to_le_bytes());
        self.0.extend(text.bytes());
        self
    }

    pub(crate) fn u32(mut self, number: u32) -> Self {
        self.0.extend(number.to_le_bytes());
        self
    }

    pub(crate) fn u64(mut self, number: u64) -> Self {
        self.0.extend(number.to_le_bytes());
        self
    }

    pub(crate) fn f32(mut self, number: f32) -> Self {
        self.0.extend(number.to_le_bytes());
        self
    }

    pub(crate) fn byte(mut self, byte: u8) -> Self {
        self.0.push(byte);
        self
    }

    /// LearnConcept, as emitters send it: no embedding, no metadata.
    pub(crate) fn learn_concept(id: &str, content: &str) -> Vec<u8> {
        Self::message(0).text(id).text(content).u64(0).f32(1.0).f32(1.0).byte(0).0
    }

    pub(crate) fn learn_association(source: &str, target: &str, code: u32) -> Vec<u8> {
        Self::message(1).text(source).text(target).u32(code).f32(1.0).0
    }

    /// A request with an id and nothing else.
    pub(crate) fn of_id(number: u32, id: &str) -> Vec<u8> {
        Self::message(number).text(id).0
    }

    pub(crate) fn query_concept(id: &str) -> Vec<u8> {
        Self::of_id(2, id)
    }

    pub(crate) fn get_neighbors(id: &str) -> Vec<u8> {
        Self::of_id(3, id)
    }

    /// The answer GetNeighborsOk with these ids.
    pub(crate) fn neighbors(ids: &[&str]) -> Vec<u8> {
        ids.iter().fold(Self::message(3).u64(ids.len() as u64), |answer, id| answer.text(id)).0
    }

    /// The text of an Error.
    #[track_caller]
    pub(crate) fn error_text(answer: &[u8]) -> String {
        assert_eq!(answer[..4], [10, 0, 0, 0], "not an Error: {answer:?}");
        String::from_utf8(answer[12..].to_vec()).expect("text")
    }
}

/// An event as the three requests that an emitter makes of it, in dialect A.
pub(crate) struct Emitted {
    pub(crate) id: String,
    pub(crate) json: String,
    pub(crate) node: String,
    pub(crate) second: String,
}

impl Emitted {
    /// A crash of a node of `agent-001`, so many µs after 2026-11-24T08:00:00Z.
    pub(crate) fn crash(node: &str, after_us: i64) -> Self {
        let us = 1_795_507_200_000_000 + after_us;
        let time = chrono::DateTime::from_timestamp_micros(us).expect("a time");
        let time = time.to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
        Self {
            id: format!("event-node_crashed-{us}"),
            json: format!(
                r#"{{"event_type":"node_crashed","node_id":"{node}","agent_id":"agent-001","exit_code":137,"timestamp":"{time}"}}"#
            ),
            node: node.to_owned(),
            second: format!("ts-{}", us.div_euclid(1_000_000)),
        }
    }

    pub(crate) fn requests(&self) -> [Vec<u8>; 3] {
        [
            A::learn_concept(&self.id, &self.json),
            A::learn_association(&self.node, &self.id, 30),
            A::learn_association(&self.id, &self.second, 999),
        ]
    }

    /// The same in dialect B.
    pub(crate) fn requests_b(&self) -> [Value; 3] {
        let association = |source: &str, target: &str, code: u32| {
            serde_json::json!({"LearnAssociation": {
                "source_id": source, "target_id": target, "assoc_type": code, "confidence": 1.0}})
        };
        [
            serde_json::json!({"LearnConcept": {
                "concept_id": self.id, "content": self.json, "embedding": [], "strength": 1.0, "confidence": 1.0}}),
            association(&self.node, &self.id, 30),
            association(&self.id, &self.second, 999),
        ]
    }
}
