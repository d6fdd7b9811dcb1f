//! Conditions on fields in a question: exit codes and signals, comparisons, quoted and meant texts.
//!
//! Each finds its words among those that nothing has used, from the most explicit on.

mod codes;
mod comparisons;
mod texts;
mod vocabulary;

pub(crate) use comparisons::spelled_number;

use super::reader::Reader;
use crate::error::StoreError;
use crate::query::Filter;
use crate::store::Snapshot;

/// A condition that was found, and how it reads.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FoundCondition {
    pub(crate) filter: Filter,
    pub(crate) reading: String,
    /// The fields of which it speaks: an event needs one of them.
    pub(crate) fields: Vec<String>,
    /// Whether it says the value of the field, so that two of them are alternatives.
    pub(crate) is_value: bool,
}

impl FoundCondition {
    fn of(field: &str, filter: Filter, reading: String) -> Self {
        Self { filter, reading, fields: vec![field.to_owned()], is_value: false }
    }
}

/// Finds conditions on events of some types (of any, where there are none) and uses their words.
pub(crate) fn find(
    reader: &mut Reader<'_>,
    snapshot: &Snapshot,
    types: &[String],
) -> Result<Vec<FoundCondition>, StoreError> {
    let mut found = Vec::new();
    codes::find(reader, &mut found);
    comparisons::find(reader, types, &mut found);
    texts::find(reader, snapshot, types, &mut found)?;
    Ok(found)
}
