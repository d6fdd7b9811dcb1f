//! One node under supervision: its process, and the thread that keeps it running.

use std::io;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::Utc;
use parking_lot::{Condvar, Mutex};

use super::process::{Process, exit_number};
use super::spec::{NodePhase, NodeSpec, NodeStatus, Unresponsive};
use crate::event::{Event, GridEvent};
use crate::grid::emit::Emit;

pub(super) struct Node {
    pub(super) spec: NodeSpec,
    agent_id: String,
    emit: Arc<dyn Emit>,
    state: Mutex<State>,
    /// Notified at each change of the phase.
    changed: Condvar,
}

struct State {
    phase: NodePhase,
    process: Arc<Process>,
    restart_count: u32,
    last_exit: Option<i32>,
}

impl Node {
    /// Starts the node, recording how that went.
    pub(super) fn start(spec: NodeSpec, agent_id: &str, emit: &Arc<dyn Emit>) -> Result<Arc<Self>, String> {
        let (node_id, agent_id) = (spec.node_id.clone(), agent_id.to_owned());
        emit.emit(
            GridEvent::SpawnRequested {
                node_id: node_id.clone(),
                agent_id: agent_id.clone(),
                port: spec.port,
                storage_path: spec.storage_path.clone(),
                memory_limit_mb: spec.memory_limit_mb,
                timestamp: Utc::now(),
            }
            .into(),
        );
        match Process::start(&spec) {
            Ok(process) => {
                let pid = process.pid();
                let succeeded = GridEvent::SpawnSucceeded {
                    node_id,
                    agent_id: agent_id.clone(),
                    pid,
                    port: spec.port,
                    timestamp: Utc::now(),
                };
                emit.emit(succeeded.into());
                let phase = NodePhase::Running { pid };
                let state = State { phase, process: Arc::new(process), restart_count: 0, last_exit: None };
                let (emit, state, changed) = (Arc::clone(emit), Mutex::new(state), Condvar::new());
                Ok(Arc::new(Self { spec, agent_id, emit, state, changed }))
            }
            Err(error) => {
                let failed = GridEvent::SpawnFailed { node_id, agent_id, error: error.clone(), timestamp: Utc::now() };
                emit.emit(failed.into());
                Err(error)
            }
        }
    }

    /// The process id; that of the last process if none runs.
    pub(super) fn pid(&self) -> u32 {
        self.state.lock().process.pid()
    }

    /// Ends a process that nobody keeps.
    pub(super) fn end_unwatched(&self, why: &io::Error) {
        let process = Arc::clone(&self.state.lock().process);
        process.signal_kill();
        process.wait();
        self.emit_spawn_failed(format!("cannot be watched: {why}"));
    }

    pub(super) fn status(&self) -> NodeStatus {
        let state = self.state.lock();
        NodeStatus {
            node_id: self.spec.node_id.clone(),
            phase: state.phase,
            restart_count: state.restart_count,
            last_exit: state.last_exit,
        }
    }

    /// Whether the node runs or will run again without being asked.
    pub(super) fn is_alive(&self) -> bool {
        !matches!(self.state.lock().phase, NodePhase::Stopped | NodePhase::Abandoned)
    }

    /// Keeps the node running until it is stopped or has crashed too often. The body of its thread.
    pub(super) fn keep(&self) {
        let mut attempts = 0;
        let mut running_since = Instant::now();
        loop {
            let process = Arc::clone(&self.state.lock().process);
            let status = process.wait();
            if running_since.elapsed() >= self.spec.restart.stable_after {
                attempts = 0;
            }
            if !self.note_exit(status) || !self.restart(&mut attempts, status) {
                return;
            }
            running_since = Instant::now();
        }
    }

    /// Notes that the process ended. False if that was asked for.
    fn note_exit(&self, status: Option<ExitStatus>) -> bool {
        let mut state = self.state.lock();
        state.last_exit = status.map(exit_number);
        let crashed = state.phase != NodePhase::Stopping;
        state.phase = if crashed { NodePhase::Restarting } else { NodePhase::Stopped };
        self.changed.notify_all();
        crashed
    }

    /// Records a crash and restarts the node. False if it is not to be restarted (any more).
    fn restart(&self, attempts: &mut u32, status: Option<ExitStatus>) -> bool {
        let crash = self.emit.emit_tracked(
            GridEvent::NodeCrashed {
                node_id: self.spec.node_id.clone(),
                agent_id: self.agent_id.clone(),
                exit_code: status.map(exit_number),
                timestamp: Utc::now(),
            }
            .into(),
        );
        while *attempts < self.spec.restart.restarts_max {
            *attempts += 1;
            if !self.pause(self.spec.restart.pause(*attempts)) {
                return false;
            }
            match Process::start(&self.spec) {
                Ok(process) => {
                    let Some(restarted) = self.install(process) else { return false };
                    let restarted = Event::from(restarted);
                    // A store that is slow or fails must not hold up a node: then the cause stays undeclared.
                    self.emit.emit(match crash.take_id() {
                        Some(id) => restarted.caused_by(&id),
                        None => restarted,
                    });
                    return true;
                }
                Err(error) => self.emit_spawn_failed(error),
            }
        }
        if *attempts > 0 {
            self.emit_spawn_failed(format!("not restarted any more after {attempts} attempts in a row"));
        }
        let mut state = self.state.lock();
        if state.phase == NodePhase::Restarting {
            state.phase = NodePhase::Abandoned;
        }
        self.changed.notify_all();
        false
    }

    /// Waits before a restart. False if the node was stopped meanwhile.
    fn pause(&self, pause: Duration) -> bool {
        let until = Instant::now() + pause;
        let mut state = self.state.lock();
        while state.phase == NodePhase::Restarting {
            if self.changed.wait_until(&mut state, until).timed_out() {
                break;
            }
        }
        state.phase == NodePhase::Restarting
    }

    /// Makes a new process the node's own. Nothing if the node was stopped meanwhile; the process is then gone.
    fn install(&self, process: Process) -> Option<GridEvent> {
        let process = Arc::new(process);
        let new_pid = process.pid();
        let mut state = self.state.lock();
        if state.phase != NodePhase::Restarting {
            drop(state);
            process.signal_kill();
            process.wait();
            return None;
        }
        state.process = process;
        state.phase = NodePhase::Running { pid: new_pid };
        state.restart_count += 1;
        self.changed.notify_all();
        Some(GridEvent::NodeRestarted {
            node_id: self.spec.node_id.clone(),
            agent_id: self.agent_id.clone(),
            restart_count: state.restart_count,
            new_pid,
            timestamp: Utc::now(),
        })
    }

    fn emit_spawn_failed(&self, error: String) {
        let (node_id, agent_id) = (self.spec.node_id.clone(), self.agent_id.clone());
        self.emit.emit(GridEvent::SpawnFailed { node_id, agent_id, error, timestamp: Utc::now() }.into());
    }

    /// Asks the process to end and waits until it is gone. One that does not end in time is killed, or left running
    /// and the answer is false.
    pub(super) fn stop(&self, unresponsive: Unresponsive) -> bool {
        let mut state = self.state.lock();
        match state.phase {
            NodePhase::Running { .. } => {
                state.phase = NodePhase::Stopping;
                state.process.signal_stop();
            }
            NodePhase::Restarting => {
                state.phase = NodePhase::Stopped;
                self.changed.notify_all();
                return true;
            }
            NodePhase::Stopping => {}
            NodePhase::Stopped | NodePhase::Abandoned => return true,
        }
        let until = Instant::now() + self.spec.stop_timeout;
        while state.phase == NodePhase::Stopping {
            if !self.changed.wait_until(&mut state, until).timed_out() || state.phase != NodePhase::Stopping {
                continue;
            }
            if unresponsive == Unresponsive::Leave {
                state.phase = NodePhase::Running { pid: state.process.pid() };
                self.changed.notify_all();
                break;
            }
            state.process.signal_kill();
            while state.phase == NodePhase::Stopping {
                self.changed.wait(&mut state);
            }
        }
        // Whoever waited beside us can have given up; then the node goes on for both.
        matches!(state.phase, NodePhase::Stopped | NodePhase::Abandoned)
    }

    /// Ends the process without saying so to the one who keeps it. False if none runs.
    pub(super) fn kill(&self) -> bool {
        let state = self.state.lock();
        let running = matches!(state.phase, NodePhase::Running { .. });
        if running {
            state.process.signal_kill();
        }
        running
    }
}
