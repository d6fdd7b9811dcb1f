//! stub
use super::options::Zone;
use crate::query::TimeRange;
pub(crate) struct Word<'a> {
    pub text: &'a str,
    pub start: usize,
}
#[derive(PartialEq, Clone, Copy)]
pub(crate) enum TimeKind {
    Instant,
    Range,
}
pub(crate) struct FoundRange {
    pub range: TimeRange,
    pub kind: TimeKind,
    pub words: std::ops::Range<usize>,
    pub phrase: String,
}
pub(crate) enum EventWindowKind {
    Before,
    After,
    Around,
}
pub(crate) struct EventWindow {
    pub kind: EventWindowKind,
    pub amount_us: i64,
    pub first_word: usize,
}
pub(crate) struct TimeFound {
    pub ranges: Vec<FoundRange>,
    pub used: Vec<bool>,
    pub error: Option<String>,
    pub event_window: Option<EventWindow>,
}
pub(crate) fn find(words: &[Word<'_>], _now_us: i64, _zone: &Zone) -> TimeFound {
    TimeFound { ranges: vec![], used: vec![false; words.len()], error: None, event_window: None }
}
