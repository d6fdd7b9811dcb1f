//! An agent with its two points of integration, in two ways. `docs/integration.md` quotes this file.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use chrono::Utc;
use sutra_grid_events::grid::{BestEffortEmitter, NodeSupervisor};
use sutra_grid_events::{Event, GridEvent};

/// Points 1 and 2, by the supervisor: it starts, watches and restarts nodes. What the master records is left out.
pub(crate) fn supervisor(agent_id: &str, events: BestEffortEmitter) -> NodeSupervisor {
    NodeSupervisor::new(agent_id, move |event: Event| {
        if matches!(event.event_type(), "node_crashed" | "node_restarted") {
            events.emit(event);
        }
    })
}

/// Points 1 and 2, in an agent that watches its processes itself.
pub(crate) struct Agent {
    pub(crate) agent_id: String,
    pub(crate) events: BestEffortEmitter,
}

impl Agent {
    /// Point 1: the process of a node ended, and nobody had asked it to.
    pub(crate) fn note_crash(&self, node_id: &str, status: ExitStatus) {
        self.events.emit(GridEvent::NodeCrashed {
            node_id: node_id.to_owned(),
            agent_id: self.agent_id.clone(),
            // A signal is recorded as a negative number: -9 for SIGKILL.
            exit_code: status.code().or_else(|| status.signal().map(|signal| -signal)),
            timestamp: Utc::now(),
        });
    }

    /// Point 2: the node runs again.
    pub(crate) fn note_restart(&self, node_id: &str, restart_count: u32, new_pid: u32) {
        self.events.emit(GridEvent::NodeRestarted {
            node_id: node_id.to_owned(),
            agent_id: self.agent_id.clone(),
            restart_count,
            new_pid,
            timestamp: Utc::now(),
        });
    }
}
