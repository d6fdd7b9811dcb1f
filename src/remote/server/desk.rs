//! The store behind the connections: what takes long is done on threads of its own, and only so much of it at a time.

use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use super::answer::answer;
use super::config::QUESTIONS_MAX;
use super::group::Group;
use crate::graph::ConceptStore;
use crate::remote::message::{Request, Response};

/// As many requests to learn are learned at once, where they came in: to change threads would take longer than that.
const LEARNED_AT_ONCE: usize = 8;
/// If they take no more bytes than this.
const LEARNED_AT_ONCE_BYTES: usize = 32 << 10;

/// A store, for the tasks of connections.
#[derive(Debug)]
pub(super) struct Desk<S> {
    store: Arc<S>,
    questions: Arc<Semaphore>,
}

/// The store panicked, which is a defect of it. Whether what was asked for is done is not known.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Panicked;

impl<S: ConceptStore + 'static> Desk<S> {
    pub(super) fn new(store: S) -> Self {
        Self { store: Arc::new(store), questions: Arc::new(Semaphore::new(QUESTIONS_MAX)) }
    }

    /// The store itself.
    pub(super) fn store(&self) -> &S {
        &self.store
    }

    /// Learns a group, and answers each of its requests; beside the answers there may be a remark.
    pub(super) async fn learn(&self, mut group: Group) -> Result<(Vec<Response>, Option<String>), Panicked> {
        if group.len() <= LEARNED_AT_ONCE && group.bytes() <= LEARNED_AT_ONCE_BYTES {
            return Ok(group.learn(self.store()).await);
        }
        let (store, handle) = (Arc::clone(&self.store), Handle::current());
        let learned = spawn_blocking(move || handle.block_on(group.learn(&*store)));
        learned.await.map_err(|_| Panicked)
    }

    /// Answers a request. Waits for its turn if there are many questions.
    pub(super) async fn answer(&self, request: Request, answer_bytes: usize) -> Result<Response, Panicked> {
        // A flush waits for the disk and costs nothing, so that it needs no turn.
        let turn = match request {
            Request::Flush => None,
            _ => Arc::clone(&self.questions).acquire_owned().await.ok(),
        };
        let (store, handle) = (Arc::clone(&self.store), Handle::current());
        let answered = spawn_blocking(move || {
            let response = handle.block_on(answer(&*store, request, answer_bytes));
            drop(turn);
            response
        });
        answered.await.map_err(|_| Panicked)
    }
}
