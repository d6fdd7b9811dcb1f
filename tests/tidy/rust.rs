//! Rules for one Rust file.

use crate::TextFile;
use crate::code::{code_of, has_word};

/// A file of `src` has at most this many lines; aim for 400. Beyond it, it has more than one purpose.
const FILE_LINES_MAX: usize = 500;
/// A line has at most this many columns, as rustfmt.toml says.
const LINE_COLUMNS_MAX: usize = 120;
/// A line may be longer for a string literal of at least this many columns, since rustfmt breaks none.
const LONG_LITERAL_COLUMNS: usize = 40;
/// The one file that knows sled.
const SLED_FILE: &str = "src/storage/keyed.rs";
/// What is never written.
const NEVER: [&str; 3] = ["todo!", "unimplemented!", "dbg!"];
/// What the library leaves to programs.
const NOT_IN_THE_LIBRARY: [&str; 5] = ["println!", "print!", "eprintln!", "eprint!", "process::exit"];
/// Marks of unfinished work, in halves, so that this list is none.
const UNFINISHED: [(&str, &str); 3] = [("TO", "DO"), ("FIX", "ME"), ("XX", "X")];

/// What a Rust file does against the rules.
pub(crate) fn complaints(file: &TextFile) -> Vec<String> {
    let code = code_of(&file.text);
    let in_source = file.is_below("src");
    let in_library = in_source && !file.is_below("src/bin");
    let mut found = Vec::new();
    let mut complain = |line: usize, what: String| found.push(format!("{}:{line}: {what}", file.path));

    let lines = file.text.lines().count();
    if in_source && lines > FILE_LINES_MAX {
        complain(lines, format!("more than {FILE_LINES_MAX} lines; give each purpose a file"));
    }
    if !file.text.starts_with("//!") {
        complain(1, "does not open with `//!` that says what it is for".to_owned());
    }
    for (index, line) in file.text.lines().enumerate() {
        if is_too_long(line) {
            complain(index + 1, format!("more than {LINE_COLUMNS_MAX} columns"));
        }
        for (first, second) in UNFINISHED {
            if has_word(line, &format!("{first}{second}")) {
                complain(index + 1, format!("unfinished: {first}{second}"));
            }
        }
    }
    for (index, line) in code.lines().enumerate() {
        let mut refuse = |what: &str, reason: &str| complain(index + 1, format!("`{what}`: {reason}"));
        if has_word(line, "unsafe") {
            refuse("unsafe", "there is none");
        }
        for name in NEVER.into_iter().filter(|name| calls(line, name)) {
            refuse(name, "never in a commit");
        }
        for name in NOT_IN_THE_LIBRARY.into_iter().filter(|name| in_library && calls(line, name)) {
            refuse(name, "the library neither prints nor exits");
        }
        if in_source && file.path != SLED_FILE && (line.contains("sled::") || line.contains("use sled")) {
            refuse("sled", "known in src/storage/keyed.rs only");
        }
    }
    for (line, attribute) in unexplained(&file.text) {
        complain(line, format!("`{attribute}` has no reason beside it"));
    }
    found
}

/// Whether a line of code names a macro or function, not one whose name only ends like it.
fn calls(code: &str, name: &str) -> bool {
    code.match_indices(name)
        .any(|(at, _)| !code[..at].ends_with(|character: char| character.is_alphanumeric() || character == '_'))
}

fn is_too_long(line: &str) -> bool {
    if line.chars().count() <= LINE_COLUMNS_MAX {
        return false;
    }
    // The examples of documentation are code too.
    let line = line.trim_start();
    let code = code_of(line.strip_prefix("///").or_else(|| line.strip_prefix("//!")).unwrap_or(line));
    let is_comment = line.starts_with("// ");
    let longest = code.split(|character| character != ' ').map(str::len).max().unwrap_or(0);
    is_comment || longest < LONG_LITERAL_COLUMNS
}

/// Attributes that silence a lint or a test, without a reason in them, behind them or on the line before.
fn unexplained(text: &str) -> Vec<(usize, String)> {
    let lines: Vec<&str> = text.lines().collect();
    let code = code_of(text);
    let mut found = Vec::new();
    for (index, line) in code.lines().enumerate() {
        let silences = |name: &str| line.contains(&format!("#[{name}")) || line.contains(&format!("#![{name}"));
        if !["allow(", "expect(", "ignore"].into_iter().any(silences) {
            continue;
        }
        let behind = lines[index].trim_end().rsplit_once(']').is_some_and(|(_, rest)| rest.contains("//"));
        let before = index.checked_sub(1).map(|before| lines[before].trim_start());
        let before = before.is_some_and(|line| line.starts_with("// "));
        // The reason of an attribute that spans lines stands before it or in it.
        let end = lines[index..].iter().position(|line| line.contains(']')).unwrap_or(0);
        let within =
            lines[index..=index + end].iter().any(|line| line.contains("reason =") || line.contains("ignore ="));
        if !behind && !before && !within {
            found.push((index + 1, lines[index].trim().to_owned()));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[track_caller]
    fn check(path: &str, text: &str, expected: Option<&str>) {
        let found = complaints(&sample(path, text));
        match expected {
            None => assert_eq!(found, Vec::<String>::new(), "{text}"),
            Some(part) => assert!(found.len() == 1 && found[0].contains(part), "{text}: {found:?}"),
        }
    }

    #[test]
    fn size_and_opening() {
        let lines = |count: usize| format!("//! A module.\n{}", "const A: u8 = 1;\n".repeat(count - 1));
        check("src/a.rs", &lines(500), None);
        check("src/a.rs", &lines(501), Some("more than 500 lines"));
        check("tests/a.rs", &lines(501), None);
        check("src/a.rs", "use std::fs;\n", Some("does not open"));
        let long = format!("//! A.\nlet {} = 1;\n", "a".repeat(113));
        check("src/a.rs", &long, Some("a.rs:2: more than 120 columns"));
        check("src/a.rs", &long.replace("aa", "a"), None);
        check("src/a.rs", &format!("//! A.\nlet a = \"{}\";\n", "b ".repeat(80)), None);
        check("src/a.rs", &format!("//! A.\n// {}\n", "b ".repeat(80)), Some("columns"));
        check("src/a.rs", &format!("//! A.\n/// {}\n", "b ".repeat(80)), Some("columns"));
        check("src/a.rs", &format!("//! A.\n/// f(\"{}\");\n", "b ".repeat(80)), None);
    }

    #[test]
    fn words_that_are_not_written() {
        check("src/a.rs", "//! A.\nfn f() { unsafe { g() } }\n", Some("`unsafe`"));
        check("src/a.rs", "//! No unsafe.\nconst A: &str = \"unsafe\";\n", None);
        for name in NEVER {
            check("src/bin/a.rs", &format!("//! A.\nfn f() {{ {name}() }}\n"), Some(name));
        }
        check("src/a.rs", "//! A.\nfn f() { eprintln!(\"x\") }\n", Some("`eprintln!`"));
        check("src/bin/a.rs", "//! A.\nfn f() { println!(\"x\") }\n", None);
        check("src/a.rs", "//! A.\n/// println!(\"an example\")\nfn f() {}\n", None);
        check("src/a.rs", &format!("//! A.\n// {}: later\n", ["TO", "DO"].concat()), Some("unfinished"));
    }

    #[test]
    fn sled_has_one_file() {
        let text = "//! A.\nfn f() -> sled::Db { g() }\n";
        check("src/store/a.rs", text, Some("keyed.rs only"));
        check("src/storage/keyed.rs", text, None);
        check("benches/a.rs", text, None);
    }

    #[test]
    fn silenced_lints_have_reasons() {
        check("src/a.rs", "//! A.\n#[allow(dead_code)]\nfn f() {}\n", Some("no reason"));
        check("src/a.rs", "//! A.\n/// Documentation is none.\n#[allow(dead_code)]\nfn f() {}\n", Some("no reason"));
        check("src/a.rs", "//! A.\n#[allow(dead_code)] // It is used by a macro.\nfn f() {}\n", None);
        check("src/a.rs", "//! A.\n// It is used by a macro.\n#[allow(dead_code)]\nfn f() {}\n", None);
        check("src/a.rs", "//! A.\n#[allow(dead_code, reason = \"a macro uses it\")]\nfn f() {}\n", None);
        check("src/a.rs", "//! A.\n#[allow(\n    dead_code,\n    reason = \"a macro\",\n)]\nfn f() {}\n", None);
        check("src/a.rs", "//! A.\n#[test]\n#[ignore]\nfn f() {}\n", Some("no reason"));
        check("src/a.rs", "//! A.\n#[test]\n#[ignore = \"takes an hour\"]\nfn f() {}\n", None);
    }
}
