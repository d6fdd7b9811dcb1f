//! Concept ids: `event-<type>-<µs>`, with `-1`, `-2`… for further events of one type in one microsecond.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// The longest name of an event type, in bytes.
pub const EVENT_TYPE_BYTES_MAX: usize = 128;

/// The concept id of an event.
///
/// Reading and printing are inverse to each other for every type and time, before 1970 too.
///
/// ```
/// use sutra_grid_events::ConceptId;
/// let id: ConceptId = "event-node_crashed-1795507200000000-2".parse().unwrap();
/// assert_eq!((id.event_type(), id.timestamp_us(), id.ordinal()), ("node_crashed", 1_795_507_200_000_000, 2));
/// assert_eq!(id.to_string(), "event-node_crashed-1795507200000000-2");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConceptId {
    timestamp_us: i64,
    event_type: Arc<str>,
    ordinal: u32,
}

/// Why a text is not a concept id of an event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a concept id of the form event-<type>-<µs> or event-<type>-<µs>-<ordinal>")]
pub struct ConceptIdError {
    text: String,
}

/// Whether a name can be the type of an event: `[a-z][a-z0-9_]*`, at most [`EVENT_TYPE_BYTES_MAX`] bytes.
#[must_use]
pub fn is_event_type(name: &str) -> bool {
    name.len() <= EVENT_TYPE_BYTES_MAX
        && name.as_bytes().first().is_some_and(u8::is_ascii_lowercase)
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

impl ConceptId {
    /// The id of the event with this type, time (µs since 1970) and ordinal, or nothing if the type has no legal name.
    #[must_use]
    pub fn new(event_type: &str, timestamp_us: i64, ordinal: u32) -> Option<Self> {
        is_event_type(event_type).then(|| Self { timestamp_us, event_type: event_type.into(), ordinal })
    }

    /// The id, of a type whose name is known to be legal.
    pub(crate) fn from_parts(event_type: Arc<str>, timestamp_us: i64, ordinal: u32) -> Self {
        Self { timestamp_us, event_type, ordinal }
    }

    /// The type of the event.
    #[must_use]
    pub fn event_type(&self) -> &str {
        &self.event_type
    }

    /// The time of the event in µs since 1970.
    #[must_use]
    pub fn timestamp_us(&self) -> i64 {
        self.timestamp_us
    }

    /// 0 for the first event of its type in its microsecond, then 1, 2…
    #[must_use]
    pub fn ordinal(&self) -> u32 {
        self.ordinal
    }
}

impl fmt::Display for ConceptId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "event-{}-{}", self.event_type, self.timestamp_us)?;
        if self.ordinal > 0 {
            write!(f, "-{}", self.ordinal)?;
        }
        Ok(())
    }
}

impl FromStr for ConceptId {
    type Err = ConceptIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parsed = || {
            let (event_type, rest) = text.strip_prefix("event-")?.split_once('-')?;
            // A time before 1970 brings its own minus sign, so the ordinal is behind the first hyphen after it.
            let sign = usize::from(rest.starts_with('-'));
            let (time, ordinal) = match rest[sign..].split_once('-') {
                Some((time, ordinal)) => (&rest[..sign + time.len()], canonical_number::<u32>(ordinal)?),
                None => (rest, 0),
            };
            let explicit_zero = ordinal == 0 && time.len() != rest.len();
            if explicit_zero { None } else { Self::new(event_type, canonical_number(time)?, ordinal) }
        };
        parsed().ok_or_else(|| ConceptIdError { text: text.chars().take(200).collect() })
    }
}

/// A number written in the one way in which it prints: no plus sign, no leading zeros.
fn canonical_number<T: FromStr + fmt::Display>(text: &str) -> Option<T> {
    text.parse::<T>().ok().filter(|number| number.to_string() == text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn printing_and_reading_are_inverse(
            name in "[a-z][a-z0-9_]{0,40}",
            us in any::<i64>(),
            ordinal in any::<u32>(),
        ) {
            let id = ConceptId::new(&name, us, ordinal).expect("the name is legal");
            prop_assert_eq!(id.to_string().parse::<ConceptId>(), Ok(id));
        }

        #[test]
        fn whatever_reads_prints_back(text in "event-[a-z_]{1,3}-{1,2}[0-9+]{1,3}(-{1,2}[0-9+]{1,2})?") {
            if let Ok(id) = text.parse::<ConceptId>() {
                prop_assert_eq!(id.to_string(), text);
            }
        }
    }

    #[test]
    fn what_is_not_an_id_is_refused() {
        for text in [
            "",
            "event-",
            "event-a",
            "event-a-",
            "event-a-1-0",
            "event-a-01",
            "event-A-1",
            "event-a-1-1-1",
            "ts-5",
            "event-a--0",
        ] {
            assert!(text.parse::<ConceptId>().is_err(), "{text}");
        }
    }
}
