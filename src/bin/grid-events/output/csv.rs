//! Comma-separated values. The columns of events are the union of the fields of the result.

use anyhow::{Result, anyhow};
use sutra_grid_events::StoredEvent;
use sutra_grid_events::event::{Value, ValueRef};

use super::json::OWN_ID;
use super::{EventPrinter, Output};

/// The columns that stand before all others.
const FIRST_COLUMNS: [&str; 3] = ["id", "event_type", "timestamp"];

/// The columns of a result: `id`, `event_type`, `timestamp`, then the others in the order in which they are seen.
#[derive(Debug)]
pub(super) struct Columns {
    names: Vec<String>,
    places: std::collections::HashMap<String, usize>,
}

impl Columns {
    pub(super) fn new() -> Self {
        let mut columns = Self { names: Vec::new(), places: std::collections::HashMap::new() };
        FIRST_COLUMNS.into_iter().for_each(|name| columns.add(name));
        columns
    }

    /// Takes in the fields of an event.
    pub(super) fn see(&mut self, event: &StoredEvent) {
        event.event.visit(|name, _| self.add(column_of(name)));
    }

    fn add(&mut self, name: &str) {
        if !self.places.contains_key(name) {
            self.places.insert(name.to_owned(), self.names.len());
            self.names.push(name.to_owned());
        }
    }
}

/// The column of a field. The concept id has the name `id`, so a field of that name has another.
fn column_of(field: &str) -> &str {
    if field == "id" { OWN_ID } else { field }
}

/// One row an event, under a header.
pub(super) struct CsvRows<'a> {
    out: &'a mut Output,
    columns: Columns,
    row: Vec<String>,
}

impl<'a> CsvRows<'a> {
    /// Prints the header.
    pub(super) fn new(out: &'a mut Output, columns: Columns) -> Result<Self> {
        write_csv(out, &columns.names)?;
        Ok(Self { row: vec![String::new(); columns.names.len()], columns, out })
    }
}

impl EventPrinter for CsvRows<'_> {
    fn event(&mut self, stored: &StoredEvent) -> Result<()> {
        self.row.iter_mut().for_each(String::clear);
        let (row, places) = (&mut self.row, &self.columns.places);
        let mut set = |column: &str, value: ValueRef<'_>| {
            if let Some(cell) = places.get(column).and_then(|&place| row.get_mut(place))
                && value != ValueRef::Null
            {
                *cell = value.to_string();
            }
        };
        set("id", Value::from(stored.id.to_string()).as_ref());
        stored.event.visit(|name, value| set(column_of(name), value));
        write_csv(self.out, &self.row)
    }

    fn finish(&mut self) -> Result<()> {
        Ok(())
    }
}

/// Prints one row.
pub(crate) fn write_csv<T: AsRef<[u8]>>(out: &mut Output, row: &[T]) -> Result<()> {
    out.write_exact(&csv_row(row)?)?;
    Ok(())
}

fn csv_row<T: AsRef<[u8]>>(row: &[T]) -> Result<String> {
    let mut writer = ::csv::Writer::from_writer(Vec::new());
    writer.write_record(row)?;
    let bytes = writer.into_inner().map_err(|error| anyhow!("cannot write a row: {error}"))?;
    Ok(String::from_utf8(bytes)?)
}

#[cfg(test)]
mod tests {
    use sutra_grid_events::{ConceptId, Event};

    use super::*;

    #[test]
    fn columns_are_the_union_of_the_fields() {
        let mut columns = Columns::new();
        for json in [
            r#"{"event_type":"x","b":1,"timestamp":"1970-01-01T00:00:00Z"}"#,
            r#"{"timestamp":"1970-01-01T00:00:00Z","a":1,"id":"own","event_type":"x","b":2}"#,
        ] {
            let event = Event::from_json(json).expect("an event");
            let id = ConceptId::new("x", 0, 0).expect("legal");
            columns.see(&StoredEvent { id, sequence: 1, event });
        }
        assert_eq!(columns.names, ["id", "event_type", "timestamp", "b", "a", "event.id"]);
    }

    #[test]
    fn rows_are_quoted_where_needed() {
        assert_eq!(csv_row(&["a", "b,c", "d\"e", ""]).expect("text"), "a,\"b,c\",\"d\"\"e\",\n");
    }
}
