//! Parts for masters and agents.
//!
//! ```text
//! supervisor (an agent: runs storage nodes as child processes) ─┐
//! health     (a master: heartbeats in, states out) ─────────────┴─► Emit ─► EventEmitter
//! ```

mod emit;
pub mod health;
pub mod supervisor;

pub use emit::{Emit, Ticket};
pub use health::{HealthConfig, HealthTracker, Moment, NodeCounts, Registration};
pub use supervisor::{
    NodePhase, NodeSpec, NodeStatus, NodeSupervisor, Readiness, RestartPolicy, SupervisorError, Unresponsive,
};
