//! SQLite with the events as JSON text: write-ahead log, `synchronous = NORMAL`, three indices, one
//! transaction a batch.
//!
//! In this setting SQLite syncs at checkpoints only, so that a power cut may take what was committed
//! since: less than the engine promises. An id needs no index of its own, since it names type and time.

use std::path::Path;

use rusqlite::{Connection, OpenFlags, params};
use sutra_grid_events::{Event, ValueRef};

use crate::common::Outcome;
use crate::common::questions::{Answers, LAST, Question, ROWS_MAX, Subjects};
use crate::common::recorder::Recorder;

const SCHEMA: &str = "
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    CREATE TABLE events (
        sequence INTEGER PRIMARY KEY,
        event_type TEXT NOT NULL,
        timestamp_us INTEGER NOT NULL,
        agent_id TEXT,
        node_id TEXT,
        content TEXT NOT NULL
    );
    CREATE INDEX by_type ON events (event_type, timestamp_us);
    CREATE INDEX by_agent ON events (agent_id, timestamp_us);
    CREATE INDEX by_node ON events (node_id, timestamp_us);
";

/// An open database.
pub(crate) struct Sqlite {
    connection: Connection,
}

impl Sqlite {
    pub(crate) fn create(path: &Path) -> Outcome<Self> {
        let connection = Connection::open(path)?;
        connection.execute_batch(SCHEMA)?;
        Ok(Self { connection })
    }

    pub(crate) fn open_read_only(path: &Path) -> Outcome<Self> {
        Ok(Self { connection: Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)? })
    }

    /// Moves everything from the write-ahead log to the database file.
    pub(crate) fn checkpoint(&self) -> Outcome {
        Ok(self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?)
    }

    /// Reads the text of every row.
    fn texts(&self, sql: &str, parameters: impl rusqlite::Params) -> Outcome<usize> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let texts = statement.query_map(parameters, |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?;
        Ok(texts.len())
    }
}

impl Recorder for Sqlite {
    fn append(&mut self, batch: &[Event]) -> Outcome {
        let transaction = self.connection.transaction()?;
        let mut insert = transaction.prepare_cached(
            "INSERT INTO events (event_type, timestamp_us, agent_id, node_id, content) VALUES (?, ?, ?, ?, ?)",
        )?;
        for event in batch {
            let text = |name| match event.get(name) {
                Some(ValueRef::Text(text)) => Some(text),
                _ => None,
            };
            insert.execute(params![
                event.event_type(),
                event.timestamp_us(),
                text("agent_id"),
                text("node_id"),
                event.to_json()
            ])?;
        }
        drop(insert);
        Ok(transaction.commit()?)
    }

    fn finish(&mut self) -> Outcome {
        Ok(())
    }
}

impl Answers for Sqlite {
    fn ask(&self, question: Question, subjects: &Subjects) -> Outcome<usize> {
        match question {
            Question::FailuresOfLastHour => self.texts(
                "SELECT content FROM events WHERE event_type = 'spawn_failed' AND timestamp_us >= ?
                 ORDER BY timestamp_us LIMIT ?",
                params![subjects.hour_ago_us, ROWS_MAX as i64],
            ),
            Question::HistoryOfNode => self
                .texts("SELECT content FROM events WHERE node_id = ? ORDER BY timestamp_us", params![subjects.node_id]),
            Question::CrashesByAgent => {
                let mut statement = self.connection.prepare_cached(
                    "SELECT agent_id, count(*) FROM events WHERE event_type = 'node_crashed'
                     GROUP BY agent_id ORDER BY count(*) DESC, agent_id",
                )?;
                let group = |row: &rusqlite::Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?));
                let groups = statement.query_map([], group)?.collect::<Result<Vec<_>, _>>()?;
                Ok(groups.len())
            }
            Question::EventById => self.texts(
                "SELECT content FROM events WHERE event_type = ? AND timestamp_us = ?",
                params![subjects.crash.event_type(), subjects.crash.timestamp_us()],
            ),
            Question::LastEvents => {
                self.texts("SELECT content FROM events ORDER BY sequence DESC LIMIT ?", params![LAST as i64])
            }
        }
    }
}
