//! The BACKUP file: what a backup holds, file by file, so that it can be checked without the store it was made of.
//!
//! JSON text, and behind it one line with the BLAKE3 hash of that text. Names are those of a data directory and no
//! others, so that a manifest from anywhere cannot point out of its directory.

use std::collections::HashSet;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::error::BackupError;
use crate::error::StoreError;
use crate::storage::files::{self, FOREIGN_FILE, FORMAT_FILE, LOG_ENDING, SEGMENT_DIRECTORY, SEGMENT_ENDING};
use crate::storage::files::{TAIL_DIRECTORY, write_durably};
use crate::storage::keyed::PUBLISHED_FILE;

/// The name of the manifest.
pub(crate) const MANIFEST_FILE: &str = "BACKUP";
/// It is there while the files of a backup may be others than its manifest says.
pub(crate) const UNFINISHED_FILE: &str = "BACKUP.unfinished";
/// The version of the manifest that is written, and the newest that is read.
const MANIFEST_VERSION: u32 = 1;
/// A larger manifest is not read, in bytes: it would name more than a million files.
const MANIFEST_BYTES_MAX: u64 = 256 << 20;

/// What a backup holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupManifest {
    /// The version of the manifest.
    pub version: u32,
    /// The epoch of the store it was made of, in hexadecimal digits.
    pub epoch: String,
    /// When it was made, in RFC 3339.
    pub made_at: String,
    /// The first sequence number in it; nothing if it holds no event.
    pub first_sequence: Option<u64>,
    /// The last sequence number of the store when it was made.
    pub last_sequence: u64,
    /// How many events it holds.
    pub events: u64,
    /// The head of the chain, as `HASH@SEQUENCE`.
    pub head: String,
    /// Its files, in the order of their names.
    pub files: Vec<BackupFile>,
}

/// A file of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupFile {
    /// Its path in the directory, such as `segments/00000000000000000001.seg`.
    pub name: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// The BLAKE3 hash of its bytes, in hexadecimal digits.
    pub blake3: String,
}

#[derive(Serialize, Deserialize)]
struct Checksum {
    blake3: String,
}

impl BackupManifest {
    /// A manifest of the current version.
    pub(crate) fn of(epoch: u64, files: Vec<BackupFile>) -> Self {
        Self {
            version: MANIFEST_VERSION,
            epoch: format!("{epoch:016x}"),
            made_at: chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Micros, true),
            first_sequence: None,
            last_sequence: 0,
            events: 0,
            head: String::new(),
            files,
        }
    }

    /// The file of this name.
    pub(crate) fn file(&self, name: &str) -> Option<&BackupFile> {
        self.files.iter().find(|file| file.name == name)
    }

    /// The text of the file, with its checksum.
    ///
    /// # Errors
    /// Where it cannot be written as JSON, which is never.
    pub fn to_text(&self) -> Result<String, serde_json::Error> {
        let body = serde_json::to_string_pretty(self)? + "\n";
        let checksum = Checksum { blake3: blake3::hash(body.as_bytes()).to_hex().to_string() };
        Ok(body + &serde_json::to_string(&checksum)? + "\n")
    }

    /// Reads the text of the file. The answer to what is none is what is wrong with it, in words.
    ///
    /// # Errors
    /// If the checksum does not fit, the text is no manifest, or it names what is no file of a store, or one twice.
    pub fn parse(text: &str) -> Result<Self, String> {
        let trimmed = text.strip_suffix('\n').ok_or("it ends early")?;
        let (body, last) = trimmed.rsplit_once('\n').ok_or("it ends early")?;
        let body = &text[..=body.len()];
        let checksum: Checksum = serde_json::from_str(last).map_err(|_| "it ends early")?;
        if checksum.blake3 != blake3::hash(body.as_bytes()).to_hex().as_str() {
            return Err("its checksum does not fit".to_owned());
        }
        let manifest: Self = serde_json::from_str(body).map_err(|error| error.to_string())?;
        if manifest.version > MANIFEST_VERSION {
            let found = manifest.version;
            return Err(format!("it has version {found}, this program reads up to {MANIFEST_VERSION}"));
        }
        let mut names = HashSet::new();
        for file in &manifest.files {
            if !is_name_of_a_store(&file.name) {
                return Err(format!("it names {:?}, which is no file of a store", file.name));
            }
            if !names.insert(&file.name) {
                return Err(format!("it names {} twice", file.name));
            }
        }
        if !names.iter().any(|name| *name == FORMAT_FILE) {
            return Err(format!("it names no {FORMAT_FILE} file"));
        }
        Ok(manifest)
    }

    /// The manifest of a directory; nothing if it has none.
    pub(crate) fn read(directory: &Path) -> Result<Option<Self>, BackupError> {
        let path = directory.join(MANIFEST_FILE);
        let bytes = match files::read(&path, MANIFEST_BYTES_MAX) {
            Err(StoreError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            other => other?,
        };
        let text = String::from_utf8(bytes).map_err(|_| "it is not text".to_owned());
        let manifest = text.and_then(|text| Self::parse(&text));
        manifest.map(Some).map_err(|reason| BackupError::Manifest { path, reason })
    }

    /// Writes the manifest durably.
    pub(crate) fn write(&self, directory: &Path) -> Result<(), StoreError> {
        let path = directory.join(MANIFEST_FILE);
        let text = self.to_text().map_err(|error| StoreError::damaged(&path, error.to_string()))?;
        write_durably(&path, text.as_bytes())
    }
}

/// The name of a segment in a manifest.
pub(crate) fn segment_name(id: u64) -> String {
    format!("{SEGMENT_DIRECTORY}/{id:020}.{SEGMENT_ENDING}")
}

/// The name of a log in a manifest.
pub(crate) fn log_name(id: u64) -> String {
    format!("{TAIL_DIRECTORY}/{id:020}.{LOG_ENDING}")
}

/// Whether a backup can have a file of this name.
fn is_name_of_a_store(name: &str) -> bool {
    let numbered = |directory: &str, ending: &str| {
        let stem = name.strip_prefix(directory).and_then(|rest| rest.strip_prefix('/'));
        let stem = stem.and_then(|rest| rest.strip_suffix(ending)).and_then(|rest| rest.strip_suffix('.'));
        stem.is_some_and(|stem| stem.len() == 20 && stem.bytes().all(|byte| byte.is_ascii_digit()))
    };
    [FORMAT_FILE, FOREIGN_FILE, PUBLISHED_FILE].contains(&name)
        || numbered(SEGMENT_DIRECTORY, SEGMENT_ENDING)
        || numbered(TAIL_DIRECTORY, LOG_ENDING)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(names: &[&str]) -> BackupManifest {
        let file = |name: &&str| BackupFile { name: (*name).to_owned(), bytes: 1, blake3: "00".to_owned() };
        BackupManifest::of(7, names.iter().map(file).collect())
    }

    #[test]
    fn a_manifest_reads_as_it_is_written() {
        let manifest = manifest(&["FORMAT", "kv.jsonl", &segment_name(1), &log_name(u64::MAX)]);
        let text = manifest.to_text().expect("written");
        assert_eq!(BackupManifest::parse(&text), Ok(manifest));
        for cut in [0, 1, text.len() / 2, text.len() - 3] {
            assert!(BackupManifest::parse(&text[..cut]).is_err(), "{cut}");
        }
        let changed = text.replace("\"bytes\": 1", "\"bytes\": 2");
        assert_eq!(BackupManifest::parse(&changed), Err("its checksum does not fit".to_owned()));
    }

    #[test]
    fn only_files_of_a_store_are_named() {
        let log = log_name(3);
        for names in [&["FORMAT", "../x"][..], &["FORMAT", "/etc/x"], &["FORMAT", "LOCK"], &["FORMAT", "tail/1.log"]] {
            let text = manifest(names).to_text().expect("written");
            assert!(BackupManifest::parse(&text).expect_err("refused").contains("no file of a store"), "{names:?}");
        }
        for (names, reason) in [(&["FORMAT", &log, &log][..], "twice"), (&[&log], "names no FORMAT")] {
            let text = manifest(names).to_text().expect("written");
            assert!(BackupManifest::parse(&text).expect_err("refused").contains(reason), "{names:?}");
        }
    }
}
