//! From a question to what it asks, stage by stage; whatever is left over at the end is refused.

use super::commands;
use super::follow_up;
use super::intents;
use super::names::Names;
use super::options::AskOptions;
use super::pieces::{self, Failure, Pieces};
use super::question::{Counted, Intent, Question, Refusal, Understanding};
use super::reader::{Reader, Stage, WordUse};
use super::refuse;
use super::slips;
use super::tokens::{QUESTION_BYTES_MAX, WORDS_MAX, tokenize};
use crate::error::StoreError;
use crate::query::TimeRange;
use crate::store::Snapshot;

/// Words for states, and the state that each asks about; `up` and `down` stand for several.
const STATES: &[(&str, &str)] = &[
    ("offline", "offline"),
    ("degraded", "degraded"),
    ("critical", "critical"),
    ("unregistered", "unregistered"),
    ("crashed", "crashed"),
    ("stopped", "stopped"),
    ("failed", "failed"),
    ("requested", "requested"),
    ("running", "up"),
    ("healthy", "up"),
    ("online", "up"),
    ("alive", "up"),
    ("fine", "up"),
    ("working", "up"),
    ("ok", "up"),
    ("okay", "up"),
    ("up", "up"),
    ("down", "down"),
    ("dead", "down"),
];

/// Reads a question.
///
/// # Errors
/// If the store cannot be read. A question that is not understood is no error but a [`Refusal`].
pub fn understand(snapshot: &Snapshot, text: &str, options: &AskOptions) -> Result<Understanding, StoreError> {
    Ok(understand_traced(snapshot, text, options)?.0)
}

/// As [`understand`], with what each word was used for.
///
/// # Errors
/// As [`understand`].
pub fn understand_traced(
    snapshot: &Snapshot,
    text: &str,
    options: &AskOptions,
) -> Result<(Understanding, Vec<WordUse>), StoreError> {
    let unread = |reason: String, suggestions| Ok((refused(reason, suggestions), Vec::new()));
    if text.len() > QUESTION_BYTES_MAX {
        return unread("the question is longer than 64 KiB".to_owned(), Vec::new());
    }
    let mut tokens = tokenize(text);
    let greeting = commands::greeting(&tokens);
    if greeting < tokens.len() {
        tokens.drain(..greeting);
    }
    if tokens.is_empty() {
        return unread("there is no question".to_owned(), refuse::examples(None));
    }
    if tokens.len() > WORDS_MAX {
        return unread(format!("the question has more than {WORDS_MAX} words"), Vec::new());
    }
    let mut reader = Reader::new(Names::of(snapshot), tokens);
    if let Some(reason) = commands::refusal(&reader) {
        return Ok((refused(reason, refuse::examples(None)), reader.word_uses()));
    }
    let understanding = read(&mut reader, snapshot, options)?;
    let uses = reader.word_uses();
    // Words that mean nothing as they stand may be typing slips.
    if matches!(understanding, Understanding::Refusal(_)) && slips::correct(&mut reader) {
        reader.used.fill(None);
        let corrected = read(&mut reader, snapshot, options)?;
        if matches!(corrected, Understanding::Question(_)) {
            return Ok((corrected, reader.word_uses()));
        }
    }
    Ok((understanding, uses))
}

fn read(reader: &mut Reader<'_>, snapshot: &Snapshot, options: &AskOptions) -> Result<Understanding, StoreError> {
    let continues = follow_up::opening(reader, options);
    let pieces = match pieces::find(reader, snapshot, options) {
        Ok(pieces) => pieces,
        Err(Failure::Refused(reason)) => return Ok(refused(reason, refuse::examples(None))),
        Err(Failure::Store(error)) => return Err(error),
    };
    if continues || follow_up::is_fragment(reader, &pieces) {
        return Ok(match follow_up::continued(reader, &pieces, options) {
            Ok(question) => Understanding::Question(Box::new(question)),
            Err(reason) => refused(reason, refuse::examples(None)),
        });
    }
    whole(reader, pieces, options)
}

fn refused(reason: String, suggestions: Vec<String>) -> Understanding {
    Understanding::Refusal(Refusal { reason, suggestions })
}

/// A question that stands alone.
fn whole(reader: &mut Reader<'_>, mut pieces: Pieces, options: &AskOptions) -> Result<Understanding, StoreError> {
    let (intent, yes_no) = match intents::find(reader, &mut pieces, options) {
        Ok(found) => found,
        Err(reason) => return Ok(refused(reason, refuse::examples(field_of(&pieces)))),
    };
    if let Some((word, reason)) = left_over(reader) {
        return Ok(refused(reason, refuse::nearest(reader, &word, field_of(&pieces))));
    }
    let asks_for_events = ["events", "event", "happened", "happening", "history"].iter().any(|word| reader.has(word));
    if pieces.is_empty() && !reader.used.contains(&Some(Stage::Intent)) && !asks_for_events {
        let reason = "nothing in it names an event, an entity or a time of the record".to_owned();
        return Ok(refused(reason, refuse::examples(None)));
    }
    let unknown = unknown(reader, &pieces)?;
    let mut question = Question {
        intent,
        filter: pieces.filter(),
        range: match pieces.ranges.as_slice() {
            [(range, _)] => *range,
            _ => TimeRange::default(),
        },
        subject: pieces.subject.as_ref().map(|subject| subject.field.clone()),
        yes_no,
        state_asked: STATES.iter().find(|(word, _)| reader.has(word)).map(|(_, state)| (*state).to_owned()),
        reading: String::new(),
        alternatives: Vec::new(),
        unknown,
    };
    question.reading = super::reading::of(&question, reader, &pieces);
    question.alternatives = alternatives(&question);
    Ok(Understanding::Question(Box::new(question)))
}

/// The first word that nothing has used, and why that is no question then.
pub(super) fn left_over(reader: &Reader<'_>) -> Option<(String, String)> {
    let &place = reader.left_over().first()?;
    let word = reader.tokens[place].original.clone();
    let reason =
        format!("“{word}” is not understood: no kind of event, entity, field or text of the record is called that");
    Some((word, reason))
}

fn field_of(pieces: &Pieces) -> Option<&str> {
    pieces.subject.as_ref().map(|subject| subject.field.as_str())
}

/// Names that the store does not know, with close ones.
pub(super) fn unknown(reader: &Reader<'_>, pieces: &Pieces) -> Result<Vec<(String, Vec<String>)>, StoreError> {
    let unknown = pieces.entities.iter().filter(|entity| !entity.known);
    unknown.map(|entity| Ok((entity.name.clone(), reader.names.close_to(&entity.name)?))).collect()
}

/// The reading that was possible too, if there is one.
pub(crate) fn first_alternative(question: &Question) -> Option<String> {
    alternatives(question).into_iter().next()
}

pub(super) fn alternatives(question: &Question) -> Vec<String> {
    match (&question.intent, question.subject.as_deref()) {
        (Intent::Count(Counted::Events), Some("node_id")) => {
            vec!["how many distinct nodes, instead of events".to_owned()]
        }
        (Intent::Count(Counted::Distinct(_)), _) => vec!["how many events, instead of distinct entities".to_owned()],
        _ => Vec::new(),
    }
}
