//! Requests to learn that came one after the other: they are learned in one write, and answered in their order.

use super::answer::{Learning, Reply};
use super::config::{GROUP_BYTES_MAX, GROUP_MAX};
use crate::graph::{ConceptStore, Learn};
use crate::remote::message::{Request, Response};

/// Requests to learn that were not answered yet.
#[derive(Debug, Default)]
pub(super) struct Group {
    lessons: Vec<Learn>,
    answers: Vec<Answer>,
    bytes: usize,
}

/// What one request gets.
#[derive(Debug)]
enum Answer {
    /// What comes of its lessons.
    Learned(Reply),
    /// A refusal, without having asked the store.
    Refused(String),
}

/// Whether a request wants something to be learned.
pub(super) fn teaches(request: &Request) -> bool {
    matches!(
        request,
        Request::LearnContent { .. }
            | Request::LearnBatch { .. }
            | Request::LearnConcept { .. }
            | Request::LearnAssociation { .. }
    )
}

impl Group {
    /// Adds a request, which took so many bytes.
    pub(super) fn push(&mut self, request: Request, bytes: usize) {
        self.bytes += bytes;
        self.answers.push(match Learning::of(request) {
            Ok(learning) => {
                self.lessons.extend(learning.lessons);
                Answer::Learned(learning.reply)
            }
            Err(message) => Answer::Refused(message),
        });
    }

    /// Adds a refusal, in its place.
    pub(super) fn refuse(&mut self, message: String) {
        self.answers.push(Answer::Refused(message));
    }

    /// How many requests it has.
    pub(super) fn len(&self) -> usize {
        self.answers.len()
    }

    /// How many bytes its requests took.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether it should be learned before more is added.
    pub(super) fn is_full(&self) -> bool {
        self.answers.len() >= GROUP_MAX || self.lessons.len() >= GROUP_MAX || self.bytes >= GROUP_BYTES_MAX
    }

    /// Learns it all, and answers each request. Beside the answers there may be a remark on one of them.
    pub(super) async fn learn(&mut self, store: &impl ConceptStore) -> (Vec<Response>, Option<String>) {
        self.bytes = 0;
        let lessons = std::mem::take(&mut self.lessons);
        let learned =
            if lessons.is_empty() { Vec::new() } else { store.learn_batch_as_stored(lessons).await }.into_iter();
        let mut remark = None;
        let mut learned = learned.inspect(|answer| {
            if let Ok(learned) = answer
                && remark.is_none()
            {
                remark.clone_from(&learned.remark);
            }
        });
        let answers = self.answers.drain(..).map(|answer| match answer {
            Answer::Learned(reply) => reply.response(&mut learned),
            Answer::Refused(message) => Response::Error { message },
        });
        let responses = answers.collect();
        (responses, remark)
    }
}
