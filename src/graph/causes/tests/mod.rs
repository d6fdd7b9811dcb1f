//! Scenarios over small stores: each builds events, asks why or what for, and compares the chain.

mod absent;
mod forms;
mod scenarios;
mod soup;
mod thinned;

use tempfile::TempDir;

use super::{CausalTree, Grade, Rules, causes, effects};
use crate::event::{ConceptId, Event, timestamp};
use crate::store::{Appended, Store, StoredEvent};

/// Where the scenarios begin, in µs: 2026-11-24T08:00:00Z.
const START_US: i64 = 1_795_507_200_000_000;
const SECOND: i64 = 1_000_000;

/// The listed fields of the kinds that the scenarios use, without node and agent.
const FIELDS: [(&str, &str); 13] = [
    ("agent_registered", r#""hostname":"h","platform":"p","agent_endpoint":"e","max_storage_nodes":4"#),
    ("agent_heartbeat", r#""storage_node_count":1"#),
    ("agent_degraded", r#""seconds_since_heartbeat":30"#),
    ("agent_offline", r#""last_seen":"2026-11-24T07:59:00.000000Z""#),
    ("agent_recovered", r#""downtime_seconds":60"#),
    ("spawn_requested", r#""port":9000,"storage_path":"/d","memory_limit_mb":512"#),
    ("spawn_succeeded", r#""pid":7,"port":9000"#),
    ("spawn_failed", r#""error":"port in use""#),
    ("node_restarted", r#""restart_count":1,"new_pid":8"#),
    ("stop_failed", r#""error":"busy""#),
    ("cluster_healthy", r#""total_agents":3,"healthy_agents":3,"total_nodes":2,"running_nodes":2"#),
    ("cluster_degraded", r#""total_agents":3,"healthy_agents":2,"reason":"agents lost""#),
    ("cluster_critical", r#""total_agents":3,"healthy_agents":1,"reason":"agents lost""#),
];

/// An event at a number of seconds after the start. `about` is `node@agent`, an agent alone for agent kinds,
/// or nothing; `extras` are further fields in JSON.
fn event(seconds: f64, kind: &str, about: &str, extras: &str) -> Event {
    #[allow(clippy::cast_possible_truncation)] // Scenarios last seconds or days.
    let time = START_US + (seconds * 1e6) as i64;
    let mut fields = vec![format!(r#""event_type":"{kind}""#)];
    if let Some((node, agent)) = about.split_once('@') {
        fields.push(format!(r#""node_id":"{node}","agent_id":"{agent}""#));
    } else if !about.is_empty() {
        fields.push(format!(r#""agent_id":"{about}""#));
    }
    fields.extend(FIELDS.iter().find(|(name, _)| *name == kind).map(|(_, listed)| (*listed).to_owned()));
    fields.extend((!extras.is_empty()).then(|| extras.to_owned()));
    fields.push(format!(r#""timestamp":"{}""#, timestamp::format(time)));
    Event::from_json(&format!("{{{}}}", fields.join(","))).expect("a legal event")
}

/// A store with some events, which goes away with it.
struct Scenario {
    store: Store,
    ids: Vec<ConceptId>,
    _directory: TempDir,
}

impl Scenario {
    fn of(events: &[Event]) -> Self {
        let directory = TempDir::new().expect("a temporary directory");
        let store = Store::open(directory.path().join("store")).expect("a store");
        Self::in_store(store, directory, events)
    }

    fn in_store(store: Store, directory: TempDir, events: &[Event]) -> Self {
        let ids = store.append(events).expect("appended").into_iter().map(|appended| match appended {
            Appended::Stored(id) | Appended::Duplicate(id) => id,
            Appended::Rejected(error) => panic!("{error}"),
        });
        let ids = ids.collect();
        Self { store, ids, _directory: directory }
    }

    /// Of events `(seconds, kind, about)`.
    fn new(events: &[(f64, &str, &str)]) -> Self {
        Self::of(&events.iter().map(|&(at, kind, about)| event(at, kind, about, "")).collect::<Vec<_>>())
    }

    fn event(&self, index: usize) -> StoredEvent {
        self.store.get(&self.ids[index]).expect("read").expect("there")
    }

    fn why(&self, index: usize) -> CausalTree {
        self.why_by(index, &Rules::default())
    }

    fn why_by(&self, index: usize, rules: &Rules) -> CausalTree {
        causes(&self.store.snapshot(), &self.event(index), rules).expect("a tree")
    }

    fn effects(&self, index: usize) -> CausalTree {
        effects(&self.store.snapshot(), &self.event(index), &Rules::default()).expect("a tree")
    }

    /// The places of the events of the chosen line, and the grades between them in its order.
    fn chain(&self, tree: &CausalTree) -> (Vec<usize>, Vec<Grade>) {
        let steps = tree.chain();
        let places = steps.iter().map(|step| self.place(&step.id)).collect();
        (places, steps.iter().filter_map(|step| step.grade).collect())
    }

    fn place(&self, id: &ConceptId) -> usize {
        self.ids.iter().position(|known| known == id).expect("an event of the scenario")
    }

    /// The places and grades of the links that were not chosen.
    fn rivals(&self, tree: &CausalTree) -> Vec<(usize, Grade)> {
        let rivals = tree.links.iter().filter(|link| link.rival);
        rivals.map(|link| (self.place(&link.tree.event.id), link.grade)).collect()
    }
}
