//! Where a master or an agent is told its event store: in its configuration, or in the environment; and how long the
//! store keeps what.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

use bytesize::ByteSize;
use serde::{Deserialize, Deserializer};

use crate::emitter::{ENDPOINT_VARIABLE, EmitterConfig, Endpoint, EndpointError};
use crate::store::{Retention, StoreConfig, TypeRetention};

/// The `[events]` part of a configuration.
///
/// ```
/// use sutra_grid_events::grid::EventsConfig;
///
/// let config = EventsConfig::from_toml(
///     r#"
///     [agent]
///     agent_id = "agent-001"
///
///     [events]
///     storage_endpoint = "./grid-events"
///     "#,
/// )?;
/// assert_eq!(config.storage_endpoint.as_deref(), Some("./grid-events"));
/// # Ok::<(), sutra_grid_events::grid::EventsConfigError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct EventsConfig {
    /// Where events go, as [`EventEmitter::new`](crate::EventEmitter::new) takes it.
    pub storage_endpoint: Option<String>,
    /// How long a store on this machine keeps what. A spool of a remote one keeps what was not forwarded.
    #[serde(default)]
    pub retention: RetentionConfig,
}

/// The `[events.retention]` part of a configuration: ages such as `"7d"` or `"1y"`, sizes such as `"10GB"`.
///
/// ```
/// use sutra_grid_events::grid::EventsConfig;
///
/// let config = EventsConfig::from_toml(
///     r#"
///     [events.retention]
///     older_than = "365d"
///     max_bytes = "10GB"
///
///     [events.retention.types.agent_heartbeat]
///     keep = "7d"
///     thin = "1d"
///     "#,
/// )?;
/// let retention = config.retention.to_retention();
/// assert_eq!(retention.bytes_max, Some(10_000_000_000));
/// assert_eq!(retention.types["agent_heartbeat"].thin_after, Some(std::time::Duration::from_secs(86_400)));
/// # Ok::<(), sutra_grid_events::grid::EventsConfigError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetentionConfig {
    /// Remove events that are older than this.
    #[serde(default, deserialize_with = "age")]
    pub older_than: Option<Duration>,
    /// Remove the oldest segments as long as all take more bytes than this.
    #[serde(default, deserialize_with = "size")]
    pub max_bytes: Option<u64>,
    /// What holds for single types.
    #[serde(default)]
    pub types: BTreeMap<String, TypeRetentionConfig>,
}

/// What holds for one type, in `[events.retention.types.TYPE]`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TypeRetentionConfig {
    /// Keep events so long, instead of the general age.
    #[serde(default, deserialize_with = "age")]
    pub keep: Option<Duration>,
    /// Thin events that are older than this.
    #[serde(default, deserialize_with = "age")]
    pub thin: Option<Duration>,
}

impl RetentionConfig {
    /// The policy of a store.
    #[must_use]
    pub fn to_retention(&self) -> Retention {
        let of_type = |limits: &TypeRetentionConfig| TypeRetention { age_max: limits.keep, thin_after: limits.thin };
        let types = self.types.iter().map(|(name, limits)| (name.clone(), of_type(limits))).collect();
        Retention { bytes_max: self.max_bytes, age_max: self.older_than, types }
    }
}

fn age<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let age = humantime::parse_duration(&text);
    age.map(Some).map_err(|error| serde::de::Error::custom(format!("`{text}` is no age such as \"7d\": {error}")))
}

fn size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let size = text.parse::<ByteSize>();
    let size = size.map(|size| Some(size.as_u64()));
    size.map_err(|error| serde::de::Error::custom(format!("`{text}` is no size such as \"10GB\": {error}")))
}

/// Why a configuration names no event store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EventsConfigError {
    /// The configuration cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The configuration is not TOML, or `[events]` in it is not as it should be.
    #[error("the configuration of events cannot be read: {0}")]
    Toml(#[from] toml::de::Error),
    /// Neither the configuration nor the environment names a store.
    #[error(
        "no event store is named: set `storage_endpoint` in `[events]` of the configuration, or the environment variable {ENDPOINT_VARIABLE}"
    )]
    Unnamed,
    /// What names the store cannot be used.
    #[error("{origin} names no event store that can be used: {source}")]
    Unusable {
        /// What names it: the environment variable, or the configuration.
        origin: &'static str,
        /// Why.
        source: EndpointError,
    },
    /// The environment variable is not Unicode.
    #[error("the environment variable {ENDPOINT_VARIABLE} is not Unicode")]
    NotUnicode,
}

/// The whole of a configuration; what is not about events is somebody else's.
#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    events: EventsConfig,
}

impl EventsConfig {
    /// Reads `[events]` from the text of a configuration. Without such a part nothing is named.
    ///
    /// # Errors
    /// If the text is not TOML, or `storage_endpoint` is not a string.
    pub fn from_toml(text: &str) -> Result<Self, EventsConfigError> {
        Ok(toml::from_str::<Document>(text)?.events)
    }

    /// Reads `[events]` from a configuration file.
    ///
    /// # Errors
    /// If the file cannot be read; else as [`from_toml`](Self::from_toml).
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, EventsConfigError> {
        let path = path.as_ref();
        let text =
            fs::read_to_string(path).map_err(|source| EventsConfigError::File { path: path.to_owned(), source })?;
        Self::from_toml(&text)
    }

    /// The settings of the emitter for a store on this machine.
    #[must_use]
    pub fn emitter_config(&self) -> EmitterConfig {
        let store = StoreConfig { retention: self.retention.to_retention(), ..StoreConfig::default() };
        EmitterConfig { store, ..EmitterConfig::default() }
    }

    /// The endpoint to be used: what the environment variable [`ENDPOINT_VARIABLE`] names, else what the configuration
    /// names. Empty texts name nothing.
    ///
    /// # Errors
    /// If neither names a store, or what names it is no endpoint. A variable that cannot be used is an error even if
    /// the configuration could be: events that go elsewhere than the operator said are as good as lost.
    pub fn endpoint(&self) -> Result<String, EventsConfigError> {
        self.resolve(std::env::var_os(ENDPOINT_VARIABLE))
    }

    fn resolve(&self, variable: Option<OsString>) -> Result<String, EventsConfigError> {
        let variable = variable
            .filter(|text| !text.is_empty())
            .map(|text| text.into_string().map_err(|_| EventsConfigError::NotUnicode))
            .transpose()?;
        let named = [(ENDPOINT_VARIABLE, variable.as_ref()), ("storage_endpoint", self.storage_endpoint.as_ref())];
        let mut named = named.into_iter().filter_map(|(origin, text)| Some((origin, text?)));
        let Some((origin, text)) = named.find(|(_, text)| !text.trim().is_empty()) else {
            return Err(EventsConfigError::Unnamed);
        };
        text.parse::<Endpoint>().map_err(|source| EventsConfigError::Unusable { origin, source })?;
        Ok(text.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(endpoint: &str) -> EventsConfig {
        EventsConfig { storage_endpoint: Some(endpoint.to_owned()), ..EventsConfig::default() }
    }

    #[test]
    fn the_variable_comes_first() {
        let resolve = |config: EventsConfig, variable: Option<&str>| config.resolve(variable.map(OsString::from));
        assert_eq!(resolve(config("./a"), None).unwrap(), "./a");
        assert_eq!(resolve(config("./a"), Some("./b")).unwrap(), "./b");
        assert_eq!(resolve(EventsConfig::default(), Some("embedded:b")).unwrap(), "embedded:b");
        for blank in ["", "  "] {
            assert_eq!(resolve(config("./a"), Some(blank)).unwrap(), "./a");
            let error = resolve(config(blank), None).unwrap_err();
            assert!(matches!(error, EventsConfigError::Unnamed));
            assert!(error.to_string().contains("storage_endpoint") && error.to_string().contains("EVENT_STORAGE"));
        }
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        let error = config("redis://h").resolve(None).unwrap_err().to_string();
        assert!(error.starts_with("storage_endpoint names no event store") && error.contains("redis"), "{error}");
        let error = config("./a").resolve(Some("redis://h".into())).unwrap_err().to_string();
        assert!(error.starts_with("EVENT_STORAGE names no event store"), "{error}");
    }

    #[test]
    fn retention_is_read_and_what_is_wrong_with_it_is_named() {
        let read = |text: &str| EventsConfig::from_toml(text).map(|config| config.retention.to_retention());
        let day = Duration::from_secs(86_400);
        let text = "[events.retention]\nolder_than = \"365d\"\n[events.retention.types.pod_ready]\nkeep = \"2h\"\n";
        let retention = read(text).unwrap();
        assert_eq!((retention.age_max, retention.bytes_max), (Some(365 * day), None));
        let limits = TypeRetention { age_max: Some(day / 12), thin_after: None };
        assert_eq!(retention.types, BTreeMap::from([("pod_ready".to_owned(), limits)]));
        assert!(read("[events]\n").unwrap().is_unlimited());
        for (wrong, named) in [
            ("older_than = \"long\"", "long"),
            ("max_bytes = \"10 parsecs\"", "10 parsecs"),
            ("max_age = \"7d\"", "max_age"),
            ("types.a.keep_for = \"7d\"", "keep_for"),
        ] {
            let error = read(&format!("[events.retention]\n{wrong}\n")).unwrap_err().to_string();
            assert!(error.contains(named), "{error}");
        }
    }

    #[test]
    fn only_its_own_part_of_a_configuration_counts() {
        let others = "[agent]\nid = 7\n[events]\nkept = true\nstorage_endpoint = \"x\"\n[storage]\nport = 1\n";
        assert_eq!(EventsConfig::from_toml(others).unwrap(), config("x"));
        assert_eq!(EventsConfig::from_toml("[agent]\n").unwrap(), EventsConfig::default());
        assert_eq!(EventsConfig::from_toml("").unwrap(), EventsConfig::default());
        for wrong in ["[events", "[events]\nstorage_endpoint = 50052\n", "events = 1"] {
            assert!(matches!(EventsConfig::from_toml(wrong), Err(EventsConfigError::Toml(_))), "{wrong}");
        }
        let error = EventsConfig::from_file("/nowhere/agent.toml").unwrap_err();
        assert!(error.to_string().starts_with("cannot read /nowhere/agent.toml: "), "{error}");
    }
}
