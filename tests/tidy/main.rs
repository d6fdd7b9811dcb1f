//! Rules of the house that no compiler checks. Each rule is a function from text to complaints, with a
//! test of its own that it does complain.
// The lints know tests by their attribute, which the functions that walk the tree do not have.
#![allow(clippy::expect_used, clippy::panic)]

mod code;
mod documents;
mod layers;
mod modules;
mod rust;

use std::fs;
use std::path::Path;

/// Folders of the repository that are not part of it.
const NOT_OURS: [&str; 3] = ["target", "grid-events", "node_modules"];

/// A text file of the repository.
pub(crate) struct TextFile {
    /// The path below the root, with `/` between its parts.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl TextFile {
    pub(crate) fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    pub(crate) fn is_below(&self, folder: &str) -> bool {
        self.path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
    }
}

/// Every text file of the repository, in the order of their paths. What is not UTF-8 is no text.
fn repository() -> Vec<TextFile> {
    let mut files = Vec::new();
    collect(Path::new(env!("CARGO_MANIFEST_DIR")), "", &mut files);
    files.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(files.iter().any(|file| file.path == "src/lib.rs"), "the repository was not found");
    files
}

fn collect(folder: &Path, below: &str, files: &mut Vec<TextFile>) {
    for entry in fs::read_dir(folder).expect("a folder of the repository") {
        let entry = entry.expect("an entry of a folder");
        let name = entry.file_name().into_string().expect("a Unicode name");
        let path = if below.is_empty() { name.clone() } else { format!("{below}/{name}") };
        let hidden = name.starts_with('.') && name != ".ci" && name != ".gitignore";
        if hidden || (NOT_OURS.contains(&name.as_str()) && !path.starts_with("src/bin/")) {
            continue;
        }
        if entry.file_type().expect("a type").is_dir() {
            collect(&entry.path(), &path, files);
        } else if let Ok(text) = fs::read_to_string(entry.path()) {
            files.push(TextFile { path, text });
        }
    }
}

/// Ends the test with every complaint at once, so that one run shows all there is to do.
#[track_caller]
pub(crate) fn assert_none(rule: &str, complaints: &[String]) {
    assert!(complaints.is_empty(), "{rule}:\n  {}", complaints.join("\n  "));
}

#[test]
fn rust_files_keep_the_rules() {
    let files = repository();
    let complaints: Vec<String> = files.iter().filter(|file| file.is_rust()).flat_map(rust::complaints).collect();
    assert_none("rules for Rust files (tests/tidy/rust.rs)", &complaints);
}

#[test]
fn every_rust_file_is_part_of_a_crate() {
    let files = repository();
    assert_none("files that no `mod` leads to", &modules::dead_files(&files));
}

#[test]
fn folders_depend_downwards_only() {
    let files = repository();
    assert_none("imports against the order of the folders (tests/tidy/layers.rs)", &layers::complaints(&files));
}

#[test]
fn documents_keep_the_rules() {
    let files = repository();
    assert_none("rules for documents (tests/tidy/documents.rs)", &documents::complaints(&files));
}

#[cfg(test)]
pub(crate) fn sample(path: &str, text: &str) -> TextFile {
    TextFile { path: path.to_owned(), text: text.to_owned() }
}
