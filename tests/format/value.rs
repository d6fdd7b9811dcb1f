//! From the kinds of values of docs/format.md to the JSON of an event.

use sutra_grid_events::event::timestamp;

/// What `events.txt` says of one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredLine {
    pub(crate) sequence: u64,
    pub(crate) id: String,
    pub(crate) json: String,
}

impl StoredLine {
    pub(crate) fn parse(line: &str) -> Self {
        let mut parts = line.splitn(3, ' ');
        let mut part = || parts.next().expect("three parts").to_owned();
        Self { sequence: part().parse().expect("a number"), id: part(), json: part() }
    }

    pub(crate) fn print(&self) -> String {
        format!("{} {} {}\n", self.sequence, self.id, self.json)
    }
}

/// The shape of an event: its type, and the names of all its fields in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) event_type: String,
    pub(crate) plain: bool,
    pub(crate) names: Vec<String>,
}

impl Shape {
    pub(crate) fn take(input: &mut crate::bytes::Bytes<'_>) -> Self {
        Self { event_type: input.string(), plain: input.u8() == 1, names: input.list(|input| input.string()) }
    }

    /// The names of the fields that rows have values for.
    pub(crate) fn fields(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str).filter(|name| *name != "event_type")
    }

    /// The JSON of an event of this shape, from the JSON texts of its values.
    pub(crate) fn json(&self, mut value: impl FnMut(&str) -> String) -> String {
        let members: Vec<String> = self
            .names
            .iter()
            .map(|name| {
                let value = if name == "event_type" { text(&self.event_type) } else { value(name) };
                format!("{}:{value}", text(name))
            })
            .collect();
        format!("{{{}}}", members.join(","))
    }
}

pub(crate) fn id(event_type: &str, timestamp_us: i64, ordinal: u64) -> String {
    match ordinal {
        0 => format!("event-{event_type}-{timestamp_us}"),
        _ => format!("event-{event_type}-{timestamp_us}-{ordinal}"),
    }
}

pub(crate) fn text(text: &str) -> String {
    serde_json::to_string(text).expect("a string")
}

pub(crate) fn time(micros: i64) -> String {
    text(&timestamp::format(micros))
}

pub(crate) fn float(bits: u64) -> String {
    serde_json::Number::from_f64(f64::from_bits(bits)).expect("finite").to_string()
}
