//! Phrases for the typed kinds of events, and for groups of them.
//!
//! A phrase is a sequence of words. A word in it that ends in `*` stands for every word that starts so.
//! Phrases with more words are tried first.

/// About what a phrase must be said to mean its types; `Any` phrases need nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum About {
    Any,
    Agent,
    Node,
    Cluster,
}

/// A phrase and the types that it means.
pub(crate) struct KindPhrase {
    pub(crate) words: &'static [&'static str],
    pub(crate) about: About,
    pub(crate) types: &'static [&'static str],
    /// What a noun alone could mean too, where something is said that only these have.
    pub(crate) wider: &'static [&'static str],
}

const fn kind(words: &'static [&'static str], about: About, types: &'static [&'static str]) -> KindPhrase {
    KindPhrase { words, about, types, wider: &[] }
}

const fn noun(
    word: &'static [&'static str],
    types: &'static [&'static str],
    wider: &'static [&'static str],
) -> KindPhrase {
    KindPhrase { words: word, about: About::Any, types, wider }
}

const CRASH: &[&str] = &["node_crashed"];
const RESTART: &[&str] = &["node_restarted"];
const SPAWN_FAILED: &[&str] = &["spawn_failed"];
const SPAWNED: &[&str] = &["spawn_succeeded"];
const SPAWN_REQUESTED: &[&str] = &["spawn_requested"];
const STOPPED: &[&str] = &["stop_succeeded"];
const STOP_FAILED: &[&str] = &["stop_failed"];
const STOP_REQUESTED: &[&str] = &["stop_requested"];
const OFFLINE: &[&str] = &["agent_offline"];
const RECOVERED: &[&str] = &["agent_recovered"];
const DEGRADED: &[&str] = &["agent_degraded"];
const JOINED: &[&str] = &["agent_registered"];
const LEFT: &[&str] = &["agent_unregistered"];
const HEARTBEAT: &[&str] = &["agent_heartbeat"];
const CLUSTER_DEGRADED: &[&str] = &["cluster_degraded"];
const CLUSTER_CRITICAL: &[&str] = &["cluster_critical"];
const CLUSTER_HEALTHY: &[&str] = &["cluster_healthy"];

/// Everything that went wrong.
pub(crate) const FAILURES: &[&str] = &[
    "spawn_failed",
    "stop_failed",
    "node_crashed",
    "agent_offline",
    "agent_degraded",
    "cluster_degraded",
    "cluster_critical",
    "embedding_service_degraded",
];
/// What went well, and the same where it did not.
pub(crate) const OPPOSITES: &[(&str, &str)] = &[("spawn_succeeded", "spawn_failed"), ("stop_succeeded", "stop_failed")];
/// The outcomes and requests of spawns.
const SPAWNS: &[&str] = &["spawn_requested", "spawn_succeeded", "spawn_failed"];
const STOPS: &[&str] = &["stop_requested", "stop_succeeded", "stop_failed"];
const AGENT_EVENTS: &[&str] = &[
    "agent_registered",
    "agent_heartbeat",
    "agent_degraded",
    "agent_offline",
    "agent_recovered",
    "agent_unregistered",
];
const NODE_EVENTS: &[&str] = &[
    "spawn_requested",
    "spawn_succeeded",
    "spawn_failed",
    "stop_requested",
    "stop_succeeded",
    "stop_failed",
    "node_crashed",
    "node_restarted",
];
/// What the cluster as a whole has.
pub(crate) const CLUSTER_EVENTS: &[&str] = &["cluster_healthy", "cluster_degraded", "cluster_critical"];

/// All phrases for typed kinds and groups of them.
pub(crate) const KIND_PHRASES: &[KindPhrase] = &[
    // Spawns that failed.
    kind(&["spawn", "fail*"], About::Any, SPAWN_FAILED),
    kind(&["spawns", "fail*"], About::Any, SPAWN_FAILED),
    kind(&["spawns", "that", "fail*"], About::Any, SPAWN_FAILED),
    kind(&["spawn", "attempts", "that", "fail*"], About::Any, SPAWN_FAILED),
    kind(&["spawn", "attempts", "fail*"], About::Any, SPAWN_FAILED),
    kind(&["fail*", "spawn*"], About::Any, SPAWN_FAILED),
    kind(&["fail*", "spawn", "attempts"], About::Any, SPAWN_FAILED),
    kind(&["unsuccessful", "spawn*"], About::Any, SPAWN_FAILED),
    kind(&["fail*", "to", "spawn"], About::Any, SPAWN_FAILED),
    kind(&["fail*", "to", "start"], About::Any, SPAWN_FAILED),
    kind(&["fail*", "to", "launch"], About::Any, SPAWN_FAILED),
    kind(&["fail*", "to", "boot"], About::Any, SPAWN_FAILED),
    kind(&["fail*", "to", "restart"], About::Any, SPAWN_FAILED),
    kind(&["fail*", "to", "come", "up"], About::Any, SPAWN_FAILED),
    kind(&["fail*", "to", "come", "back"], About::Node, SPAWN_FAILED),
    kind(&["not", "start"], About::Any, SPAWN_FAILED),
    kind(&["not", "starting"], About::Any, SPAWN_FAILED),
    kind(&["not", "spawn"], About::Any, SPAWN_FAILED),
    kind(&["not", "launch"], About::Any, SPAWN_FAILED),
    kind(&["not", "come", "up"], About::Any, SPAWN_FAILED),
    kind(&["not", "be", "started"], About::Any, SPAWN_FAILED),
    kind(&["not", "be", "spawned"], About::Any, SPAWN_FAILED),
    kind(&["start", "failure*"], About::Any, SPAWN_FAILED),
    kind(&["startup", "failure*"], About::Any, SPAWN_FAILED),
    kind(&["launch", "failure*"], About::Any, SPAWN_FAILED),
    kind(&["launch*", "fail*"], About::Any, SPAWN_FAILED),
    kind(&["fail*", "start*"], About::Any, SPAWN_FAILED),
    kind(&["fail*", "launch*"], About::Any, SPAWN_FAILED),
    kind(&["spawn", "error*"], About::Any, SPAWN_FAILED),
    // Stops.
    kind(&["stop", "fail*"], About::Any, STOP_FAILED),
    kind(&["stops", "fail*"], About::Any, STOP_FAILED),
    kind(&["fail*", "stop*"], About::Any, STOP_FAILED),
    kind(&["fail*", "to", "stop"], About::Any, STOP_FAILED),
    kind(&["fail*", "to", "shut", "down"], About::Any, STOP_FAILED),
    kind(&["fail*", "to", "terminate"], About::Any, STOP_FAILED),
    kind(&["not", "stop"], About::Any, STOP_FAILED),
    kind(&["not", "be", "stopped"], About::Any, STOP_FAILED),
    kind(&["refused", "to", "stop"], About::Any, STOP_FAILED),
    kind(&["shutdown", "failure*"], About::Any, STOP_FAILED),
    kind(&["fail*", "shutdown*"], About::Any, STOP_FAILED),
    noun(&["stop", "attempt*"], STOP_REQUESTED, STOPS),
    kind(&["stop", "request*"], About::Any, STOP_REQUESTED),
    kind(&["stops", "requested"], About::Any, STOP_REQUESTED),
    kind(&["stop", "was", "requested"], About::Any, STOP_REQUESTED),
    kind(&["asked", "to", "stop"], About::Any, STOP_REQUESTED),
    kind(&["shutdown", "request*"], About::Any, STOP_REQUESTED),
    kind(&["stopped"], About::Any, STOPPED),
    kind(&["successful*", "stop*"], About::Any, STOPPED),
    kind(&["stop*", "successful*"], About::Any, STOPPED),
    kind(&["stop", "succeeded"], About::Any, STOPPED),
    kind(&["stops", "succeeded"], About::Any, STOPPED),
    kind(&["terminated"], About::Any, STOPPED),
    kind(&["shut", "down"], About::Any, STOPPED),
    kind(&["stop", "event*"], About::Any, STOPS),
    noun(&["stops"], STOPPED, STOPS),
    // Spawns.
    kind(&["spawn", "request*"], About::Any, SPAWN_REQUESTED),
    kind(&["spawns", "requested"], About::Any, SPAWN_REQUESTED),
    kind(&["spawns", "were", "requested"], About::Any, SPAWN_REQUESTED),
    kind(&["spawn", "was", "requested"], About::Any, SPAWN_REQUESTED),
    kind(&["requested", "spawn*"], About::Any, SPAWN_REQUESTED),
    kind(&["requests", "to", "spawn"], About::Any, SPAWN_REQUESTED),
    kind(&["asked", "to", "spawn"], About::Any, SPAWN_REQUESTED),
    noun(&["spawn", "attempt*"], SPAWN_REQUESTED, SPAWNS),
    kind(&["successful*", "spawn*"], About::Any, SPAWNED),
    kind(&["spawn*", "successful*"], About::Any, SPAWNED),
    kind(&["spawns", "that", "succeeded"], About::Any, SPAWNED),
    kind(&["spawn*", "succe*"], About::Any, SPAWNED),
    kind(&["started", "successfully"], About::Any, SPAWNED),
    noun(&["launches"], SPAWNED, SPAWNS),
    noun(&["launch"], SPAWNED, SPAWNS),
    noun(&["starts"], SPAWNED, SPAWNS),
    noun(&["startups"], SPAWNED, SPAWNS),
    noun(&["spawning"], SPAWNED, SPAWNS),
    noun(&["stop"], STOPPED, STOPS),
    noun(&["stopping"], STOPPED, STOPS),
    noun(&["shutdown*"], STOPPED, STOPS),
    noun(&["shutting", "down"], STOPPED, STOPS),
    noun(&["started"], SPAWNED, SPAWNS),
    noun(&["spawned"], SPAWNED, SPAWNS),
    noun(&["launched"], SPAWNED, SPAWNS),
    kind(&["booted"], About::Any, SPAWNED),
    kind(&["came", "up"], About::Node, SPAWNED),
    kind(&["come", "up"], About::Node, SPAWNED),
    kind(&["spawn", "event*"], About::Any, SPAWNS),
    kind(&["spawn", "activity"], About::Any, SPAWNS),
    noun(&["spawns"], SPAWNED, SPAWNS),
    noun(&["spawn"], SPAWNED, SPAWNS),
    kind(&["start"], About::Any, SPAWNED),
    kind(&["requested"], About::Any, SPAWN_REQUESTED),
    kind(&["boot"], About::Any, SPAWNED),
    // Crashes and restarts.
    kind(&["crash*"], About::Any, CRASH),
    kind(&["died"], About::Any, CRASH),
    kind(&["die"], About::Any, CRASH),
    kind(&["dies"], About::Any, CRASH),
    kind(&["dying"], About::Any, CRASH),
    kind(&["death*"], About::Any, CRASH),
    kind(&["killed"], About::Any, CRASH),
    kind(&["oom", "kill*"], About::Any, CRASH),
    kind(&["oom"], About::Any, CRASH),
    kind(&["ooms"], About::Any, CRASH),
    kind(&["segmentation", "fault*"], About::Any, CRASH),
    kind(&["seg", "fault*"], About::Any, CRASH),
    kind(&["segv"], About::Any, CRASH),
    kind(&["exited"], About::Any, CRASH),
    kind(&["perished"], About::Any, CRASH),
    kind(&["kills"], About::Any, CRASH),
    kind(&["bit", "the", "dust"], About::Any, CRASH),
    kind(&["oomed"], About::Any, CRASH),
    kind(&["oomkilled"], About::Any, CRASH),
    kind(&["ran", "out", "of", "memory"], About::Any, CRASH),
    kind(&["fell", "over"], About::Any, CRASH),
    kind(&["blew", "up"], About::Any, CRASH),
    kind(&["segfault*"], About::Any, CRASH),
    kind(&["went", "down"], About::Agent, OFFLINE),
    kind(&["go", "down"], About::Agent, OFFLINE),
    kind(&["gone", "down"], About::Agent, OFFLINE),
    kind(&["went", "down"], About::Node, CRASH),
    kind(&["go", "down"], About::Node, CRASH),
    kind(&["gone", "down"], About::Node, CRASH),
    kind(&["restart*"], About::Any, RESTART),
    kind(&["respawn*"], About::Any, RESTART),
    kind(&["relaunch*"], About::Any, RESTART),
    kind(&["rebooted"], About::Any, RESTART),
    kind(&["came", "back"], About::Node, RESTART),
    kind(&["come", "back"], About::Node, RESTART),
    // Agents.
    kind(&["joined"], About::Any, JOINED),
    kind(&["join"], About::Any, JOINED),
    kind(&["regist*"], About::Any, JOINED),
    kind(&["enrolled"], About::Any, JOINED),
    kind(&["new", "agents"], About::Any, JOINED),
    kind(&["left"], About::Any, LEFT),
    kind(&["leave"], About::Any, LEFT),
    kind(&["unregist*"], About::Any, LEFT),
    kind(&["deregist*"], About::Any, LEFT),
    kind(&["departed"], About::Any, LEFT),
    kind(&["heartbeat*"], About::Any, HEARTBEAT),
    kind(&["hear", "from"], About::Any, HEARTBEAT),
    kind(&["hear"], About::Any, HEARTBEAT),
    kind(&["heard"], About::Any, HEARTBEAT),
    kind(&["heard", "from"], About::Any, HEARTBEAT),
    kind(&["sign", "of", "life"], About::Any, HEARTBEAT),
    kind(&["signs", "of", "life"], About::Any, HEARTBEAT),
    kind(&["heart", "beat*"], About::Any, HEARTBEAT),
    kind(&["went", "offline"], About::Any, OFFLINE),
    kind(&["go", "offline"], About::Any, OFFLINE),
    kind(&["going", "offline"], About::Any, OFFLINE),
    kind(&["gone", "offline"], About::Any, OFFLINE),
    kind(&["went", "dark"], About::Any, OFFLINE),
    kind(&["offline"], About::Any, OFFLINE),
    kind(&["outage*"], About::Any, OFFLINE),
    kind(&["unreachable"], About::Any, OFFLINE),
    kind(&["disconnect*"], About::Any, OFFLINE),
    kind(&["dropped", "off"], About::Any, OFFLINE),
    kind(&["drop", "off"], About::Any, OFFLINE),
    kind(&["drop", "out"], About::Any, OFFLINE),
    kind(&["lose", "contact"], About::Any, OFFLINE),
    kind(&["become", "unreachable"], About::Any, OFFLINE),
    kind(&["disappear*"], About::Any, OFFLINE),
    kind(&["vanish*"], About::Any, OFFLINE),
    kind(&["dropped", "offline"], About::Any, OFFLINE),
    kind(&["lose"], About::Agent, OFFLINE),
    kind(&["lost"], About::Agent, OFFLINE),
    kind(&["lose"], About::Node, CRASH),
    kind(&["lost"], About::Node, CRASH),
    kind(&["goes", "offline"], About::Any, OFFLINE),
    kind(&["dropped", "out"], About::Any, OFFLINE),
    kind(&["fell", "off"], About::Any, OFFLINE),
    kind(&["lost", "contact"], About::Any, OFFLINE),
    kind(&["lost", "connection"], About::Any, OFFLINE),
    kind(&["recover*"], About::Any, RECOVERED),
    kind(&["back", "online"], About::Any, RECOVERED),
    kind(&["came", "back", "online"], About::Any, RECOVERED),
    kind(&["come", "back", "online"], About::Any, RECOVERED),
    kind(&["came", "back"], About::Agent, RECOVERED),
    kind(&["come", "back"], About::Agent, RECOVERED),
    kind(&["degrad*"], About::Agent, DEGRADED),
    kind(&["degrad*"], About::Cluster, CLUSTER_DEGRADED),
    // The cluster.
    kind(&["critical"], About::Any, CLUSTER_CRITICAL),
    kind(&["cluster", "health", "change*"], About::Any, CLUSTER_EVENTS),
    kind(&["cluster", "health"], About::Any, CLUSTER_EVENTS),
    kind(&["cluster", "change*"], About::Any, CLUSTER_EVENTS),
    kind(&["health", "change*"], About::Any, CLUSTER_EVENTS),
    kind(&["changes", "of", "the", "cluster"], About::Any, CLUSTER_EVENTS),
    kind(&["cluster", "event*"], About::Any, CLUSTER_EVENTS),
    kind(&["cluster", "state", "changes"], About::Any, CLUSTER_EVENTS),
    kind(&["healthy"], About::Cluster, CLUSTER_HEALTHY),
    // Measurements.
    kind(&["storage", "metric*"], About::Any, &["storage_metrics"]),
    kind(&["query", "performance*"], About::Any, &["query_performance"]),
    kind(&["queries"], About::Any, &["query_performance"]),
    kind(&["embedding", "latenc*"], About::Any, &["embedding_latency"]),
    kind(&["embeddings"], About::Any, &["embedding_latency"]),
    kind(&["index*", "built"], About::Any, &["hnsw_index_built"]),
    kind(&["index", "build*"], About::Any, &["hnsw_index_built"]),
    kind(&["index*", "loaded"], About::Any, &["hnsw_index_loaded"]),
    kind(&["index", "load*"], About::Any, &["hnsw_index_loaded"]),
    kind(&["pathfinding*"], About::Any, &["pathfinding_metrics"]),
    kind(&["path", "quer*"], About::Any, &["pathfinding_metrics"]),
    kind(&["path", "finding*"], About::Any, &["pathfinding_metrics"]),
    kind(&["path", "search*"], About::Any, &["pathfinding_metrics"]),
    kind(&["reconciliation*"], About::Any, &["reconciliation_complete"]),
    // Groups.
    kind(&["failure*"], About::Any, FAILURES),
    kind(&["went", "wrong"], About::Any, FAILURES),
    kind(&["go", "wrong"], About::Any, FAILURES),
    kind(&["gone", "wrong"], About::Any, FAILURES),
    kind(&["problem*"], About::Any, FAILURES),
    kind(&["incident*"], About::Any, FAILURES),
    kind(&["issues"], About::Any, FAILURES),
    kind(&["trouble"], About::Any, FAILURES),
    kind(&["broke"], About::Any, FAILURES),
    kind(&["broken"], About::Any, FAILURES),
    kind(&["errors"], About::Any, FAILURES),
    kind(&["failed"], About::Any, FAILURES),
    kind(&["fail"], About::Any, FAILURES),
    kind(&["failing"], About::Any, FAILURES),
    kind(&["fails"], About::Any, FAILURES),
    kind(&["unsuccessful"], About::Any, FAILURES),
    kind(&["agent", "event*"], About::Any, AGENT_EVENTS),
    kind(&["agent", "activity"], About::Any, AGENT_EVENTS),
    kind(&["node", "event*"], About::Any, NODE_EVENTS),
    kind(&["node", "activity"], About::Any, NODE_EVENTS),
];
