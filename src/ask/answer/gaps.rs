//! Times in which the record is known to be incomplete, so that "0 crashes" never stands for "no data".

use serde::Serialize;

use crate::error::StoreError;
use crate::event::timestamp;
use crate::query::TimeRange;
use crate::store::Store;

/// A stretch of the record that is known to be incomplete.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Gap {
    /// From when, as RFC 3339, if that is known.
    pub since: Option<String>,
    /// Until when, as RFC 3339, if that is known.
    pub until: Option<String>,
    /// Why.
    pub reason: String,
}

/// The gaps that touch a range.
pub(super) fn find(store: &Store, range: TimeRange) -> Result<Vec<Gap>, StoreError> {
    let touches = |first_us: i64, last_us: i64| {
        range.since_us.is_none_or(|since| last_us >= since) && range.until_us.is_none_or(|until| first_us < until)
    };
    let mut gaps: Vec<Gap> = store
        .removals()?
        .into_iter()
        .filter(|removal| touches(removal.first_us, removal.last_us))
        .map(|removal| Gap {
            since: Some(timestamp::format(removal.first_us)),
            until: Some(timestamp::format(removal.last_us)),
            reason: format!("{} events were removed by retention", removal.events),
        })
        .collect();
    gaps.extend(store.problems().into_iter().map(|reason| Gap { since: None, until: None, reason }));
    Ok(gaps)
}
