//! Parts for masters and agents.
//!
//! ```text
//! supervisor (runs storage nodes as child processes) ─► Emit ─► EventEmitter
//! ```

mod emit;
pub mod supervisor;

pub use emit::{Emit, Ticket};
pub use supervisor::{NodePhase, NodeSpec, NodeStatus, NodeSupervisor, Readiness, RestartPolicy, SupervisorError};
