//! What the master and the agents of the demo say to each other: JSON over TCP, one value a line.
//!
//! ```text
//! agent ──► register, heartbeat, event, done, leaving ──► master
//! agent ◄── order (spawn, stop, kill, stop all, leave) ── master
//! ```

use anyhow::{Context, Result, ensure};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sutra_grid_events::grid::Registration;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// The longest line that is read, in bytes.
const LINE_BYTES_MAX: u64 = 64 << 10;

/// What an agent says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Report {
    /// Who it is; the first that it says.
    Register(Introduction),
    /// That it lives.
    Heartbeat {
        /// How many nodes it has.
        total: u32,
        /// How many of them run.
        running: u32,
    },
    /// What happened to one of its nodes: an event, as it is to be recorded.
    Event(Box<RawValue>),
    /// How an order went.
    Done {
        /// The number of the order.
        order: u64,
        /// What went wrong, if anything.
        error: Option<String>,
    },
    /// That it leaves in order.
    Leaving,
}

/// How an agent introduces itself.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Introduction {
    pub(super) agent_id: String,
    pub(super) hostname: String,
    pub(super) platform: String,
    pub(super) agent_endpoint: String,
    pub(super) max_storage_nodes: u32,
}

impl From<Introduction> for Registration {
    fn from(introduction: Introduction) -> Self {
        let Introduction { agent_id, hostname, platform, agent_endpoint, max_storage_nodes } = introduction;
        Self { agent_id, hostname, platform, agent_endpoint, max_storage_nodes }
    }
}

/// What an agent is to do.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Order {
    /// Named in the answer.
    pub(super) number: u64,
    pub(super) task: Task,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Task {
    Spawn(NodeTask),
    Stop {
        node_id: String,
    },
    /// SIGKILL for a node, as a drill.
    Kill {
        node_id: String,
    },
    StopAll,
    /// To leave the grid and end.
    Leave,
}

/// The node that an agent is to run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct NodeTask {
    pub(super) node_id: String,
    pub(super) port: u16,
    pub(super) memory_limit_mb: u64,
    /// The name of a program in the directory of the nodes, instead of the node of the demo.
    pub(super) program: Option<String>,
    /// Whether the node ignores SIGTERM.
    pub(super) deaf: bool,
}

/// Reads what is said next; nothing at the end of the connection, also if it comes within a line.
pub(super) async fn receive<T: DeserializeOwned>(reader: &mut (impl AsyncBufRead + Unpin)) -> Result<Option<T>> {
    let mut line = Vec::new();
    reader.take(LINE_BYTES_MAX).read_until(b'\n', &mut line).await?;
    if line.last() != Some(&b'\n') {
        ensure!((line.len() as u64) < LINE_BYTES_MAX, "a line is longer than {LINE_BYTES_MAX} bytes");
        return Ok(None);
    }
    serde_json::from_slice(&line).map(Some).context("a line that is not of the protocol")
}

/// Says something.
pub(super) async fn send<T: Serialize>(writer: &mut (impl AsyncWrite + Unpin), said: &T) -> Result<()> {
    let mut line = serde_json::to_vec(said)?;
    line.push(b'\n');
    writer.write_all(&line).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read_all<T: DeserializeOwned>(mut bytes: &[u8]) -> Result<Vec<T>> {
        let mut said = Vec::new();
        while let Some(one) = receive(&mut bytes).await? {
            said.push(one);
        }
        Ok(said)
    }

    #[tokio::test]
    async fn what_is_said_is_heard() {
        let event = r#"{"event_type":"x","digits":1.50,"timestamp":"2026-11-18T08:00:00Z"}"#;
        let node = NodeTask { node_id: "n".into(), port: 1, deaf: true, ..NodeTask::default() };
        let mut bytes = Vec::new();
        send(&mut bytes, &Report::Event(RawValue::from_string(event.to_owned()).expect("JSON"))).await.expect("memory");
        send(&mut bytes, &Report::Leaving).await.expect("memory");
        let reports: Vec<Report> = read_all(&bytes).await.expect("the protocol");
        assert!(matches!(&reports[..], [Report::Event(raw), Report::Leaving] if raw.get() == event), "{reports:?}");
        let mut bytes = Vec::new();
        send(&mut bytes, &Order { number: 7, task: Task::Spawn(node.clone()) }).await.expect("memory");
        let orders: Vec<Order> = read_all(&bytes).await.expect("the protocol");
        assert!(matches!(&orders[..], [Order { number: 7, task: Task::Spawn(task) }] if *task == node), "{orders:?}");
    }

    #[tokio::test]
    async fn what_is_not_of_the_protocol_is_refused() {
        assert!(read_all::<Report>(b"").await.expect("an end").is_empty());
        assert_eq!(read_all::<Report>(b"\"leaving\"\n\"leav").await.expect("an end").len(), 1);
        assert!(read_all::<Report>(b"hello\n").await.is_err());
        assert!(read_all::<Report>(&vec![b' '; 100 << 10]).await.is_err());
    }
}
