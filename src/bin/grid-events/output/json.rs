//! JSON: `id` first, then the event's own fields as they came in.

use anyhow::Result;
use sutra_grid_events::StoredEvent;
use sutra_grid_events::event::Value;

use super::{EventPrinter, Output};

/// The name under which a field called `id` of an event is shown beside the concept id.
pub(super) const OWN_ID: &str = "event.id";

/// A JSON object that is written field by field, in the order of the calls.
#[derive(Debug, Default)]
pub(crate) struct JsonObject {
    text: String,
}

impl JsonObject {
    /// Adds a field.
    pub(crate) fn field(self, name: &str, value: impl Into<Value>) -> Self {
        let mut text = String::new();
        value.into().as_ref().write_json(&mut text);
        self.raw(name, &text)
    }

    /// Adds a field whose value is JSON text already.
    pub(crate) fn raw(mut self, name: &str, json: &str) -> Self {
        self.text.push(if self.text.is_empty() { '{' } else { ',' });
        Value::from(name).as_ref().write_json(&mut self.text);
        self.text.push(':');
        self.text.push_str(json);
        self
    }

    /// The object.
    pub(crate) fn finish(mut self) -> String {
        self.text.push_str(if self.text.is_empty() { "{}" } else { "}" });
        self.text
    }
}

/// Texts as a JSON array.
pub(crate) fn json_list(texts: &[String]) -> String {
    let mut json = String::from("[");
    for (index, text) in texts.iter().enumerate() {
        if index > 0 {
            json.push(',');
        }
        Value::from(text.as_str()).as_ref().write_json(&mut json);
    }
    json + "]"
}

/// Appends an event as one object with its id.
pub(crate) fn write_event(stored: &StoredEvent, out: &mut String) {
    out.push_str("{\"id\":\"");
    out.push_str(&stored.id.to_string());
    out.push('"');
    if stored.event.get("id").is_some() {
        // Two keys of one name would hide one of the values from most readers.
        stored.event.visit(|name, value| {
            out.push(',');
            Value::from(if name == "id" { OWN_ID } else { name }).as_ref().write_json(out);
            out.push(':');
            value.write_json(out);
        });
        out.push('}');
        return;
    }
    let fields = out.len();
    stored.event.write_json(out);
    // An event has fields, so its object continues this one.
    out.replace_range(fields..=fields, ",");
}

/// One object a line.
pub(super) struct JsonLines<'a> {
    out: &'a mut Output,
    line: String,
}

impl<'a> JsonLines<'a> {
    pub(super) fn new(out: &'a mut Output) -> Self {
        Self { out, line: String::new() }
    }
}

impl EventPrinter for JsonLines<'_> {
    fn event(&mut self, event: &StoredEvent) -> Result<()> {
        self.line.clear();
        write_event(event, &mut self.line);
        self.line.push('\n');
        Ok(self.out.write_exact(&self.line)?)
    }

    fn finish(&mut self) -> Result<()> {
        Ok(())
    }
}

/// One array, an object a line.
pub(super) struct JsonArray<'a> {
    out: &'a mut Output,
    line: String,
    empty: bool,
}

impl<'a> JsonArray<'a> {
    pub(super) fn new(out: &'a mut Output) -> Self {
        Self { out, line: String::new(), empty: true }
    }
}

impl EventPrinter for JsonArray<'_> {
    fn event(&mut self, event: &StoredEvent) -> Result<()> {
        self.line.clear();
        self.line.push_str(if self.empty { "[\n" } else { ",\n" });
        self.empty = false;
        write_event(event, &mut self.line);
        Ok(self.out.write_exact(&self.line)?)
    }

    fn finish(&mut self) -> Result<()> {
        Ok(self.out.write_exact(if self.empty { "[]\n" } else { "\n]\n" })?)
    }
}

#[cfg(test)]
mod tests {
    use sutra_grid_events::{ConceptId, Event};

    use super::*;

    fn stored(json: &str) -> StoredEvent {
        let event = Event::from_json(json).expect("an event");
        let id = ConceptId::new(event.event_type(), event.timestamp_us(), 0).expect("legal");
        StoredEvent { id, sequence: 1, event }
    }

    #[test]
    fn the_id_stands_before_the_fields() {
        let mut out = String::new();
        write_event(&stored(r#"{"event_type":"x","n":1.50,"timestamp":"1970-01-01T00:00:00Z"}"#), &mut out);
        assert_eq!(out, r#"{"id":"event-x-0","event_type":"x","n":1.50,"timestamp":"1970-01-01T00:00:00Z"}"#);
    }

    #[test]
    fn a_field_called_id_is_shown_beside_the_concept_id() {
        let mut out = String::new();
        write_event(&stored(r#"{"id":7,"event_type":"x","timestamp":"1970-01-01T00:00:00Z"}"#), &mut out);
        assert_eq!(out, r#"{"id":"event-x-0","event.id":7,"event_type":"x","timestamp":"1970-01-01T00:00:00Z"}"#);
    }

    #[test]
    fn objects_are_written_in_order() {
        assert_eq!(JsonObject::default().finish(), "{}");
        let object = JsonObject::default().field("b", 1).field("a\"", "x\n").raw("c", "[1]");
        assert_eq!(object.finish(), r#"{"b":1,"a\"":"x\n","c":[1]}"#);
    }
}
