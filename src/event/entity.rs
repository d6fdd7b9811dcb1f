//! Which fields of an event name entities, and under which name each entity is found.

use super::grid_event::{CLUSTER, KINDS};

/// The fields of typed kinds that name an entity.
const TYPED_ENTITY_FIELDS: [&str; 4] = ["node_id", "agent_id", "service_instance", "instance_id"];

/// The longest entity name that is indexed, in bytes. A longer string is kept but is no entity.
pub const ENTITY_BYTES_MAX: usize = 1024;

/// An entity of an event: a value, and the field that names it.
///
/// The same word under `node_id` and under `agent_id` makes two entities.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Entity {
    /// The field, such as `agent_id`.
    pub field: String,
    /// The value, such as `agent-001`.
    pub value: String,
}

/// Whether a string field of this name is an entity, in an event of this typed kind (or of no typed kind).
///
/// For the listed fields of a typed kind these are `node_id`, `agent_id`, `service_instance` and
/// `instance_id`; for any other field those whose name ends in `_id` or is `entity`, `host` or `service`.
#[must_use]
pub fn is_entity_field(kind_index: Option<usize>, name: &str) -> bool {
    if TYPED_ENTITY_FIELDS.contains(&name) {
        return true;
    }
    let listed = kind_index.is_some_and(|index| KINDS[index].fields.iter().any(|field| field.name == name));
    !listed && (name.ends_with("_id") || matches!(name, "entity" | "host" | "service"))
}

/// Whether a field of this name is an entity in *every* event that has it, so that its postings are complete.
#[must_use]
pub(crate) fn is_always_entity_field(name: &str) -> bool {
    is_entity_field(None, name) && (0..KINDS.len()).all(|index| is_entity_field(Some(index), name))
}

/// Whether the text can be an entity: not empty, no NUL, not longer than [`ENTITY_BYTES_MAX`].
#[must_use]
pub fn is_entity_value(text: &str) -> bool {
    !text.is_empty() && text.len() <= ENTITY_BYTES_MAX && !text.contains('\0')
}

/// Whether events of this typed kind are about the cluster as a whole.
#[must_use]
pub(crate) fn is_cluster_kind(kind_index: usize) -> bool {
    KINDS[kind_index].primary == CLUSTER
}
