//! Parts for masters and agents.
//!
//! ```text
//! supervisor (an agent: runs storage nodes as child processes) ─┐
//! health     (a master: heartbeats in, states out) ─────────────┴─► Emit ─► EventEmitter
//!                                                                         or BestEffortEmitter, as EventsConfig says
//! ```

mod best_effort;
mod emit;
mod events_config;
pub mod health;
pub mod supervisor;

pub use best_effort::{BestEffortEmitter, EventsMissing};
pub use emit::{Emit, Ticket};
pub use events_config::{EventsConfig, EventsConfigError, RetentionConfig, TypeRetentionConfig};
pub use health::{HealthConfig, HealthTracker, Moment, NodeCounts, Registration};
pub use supervisor::{
    NodePhase, NodeSpec, NodeStatus, NodeSupervisor, Readiness, RestartPolicy, SupervisorError, Unresponsive,
};
