//! The order of the folders of `src`: each may use those below it only.
//!
//! ```text
//! grid ─► emitter ─► store ─► storage ─► error ─► event
//! ask ──► graph ───► query ──┘
//! ```
//!
//! `store` and `query` form one layer: a query runs on a `store::Snapshot`, and a subscription takes a
//! `query::Filter`. Nothing else goes both ways.

use crate::TextFile;
use crate::code::code_of;

/// Each top module of the library with those that it may name, beside itself.
const LAYERS: [(&str, &[&str]); 12] = [
    ("event", &[]),
    ("error", &["event"]),
    ("storage", &["event", "error"]),
    ("store", &["event", "error", "storage", "query"]),
    ("query", &["event", "error", "storage", "store"]),
    ("forensics", &["event", "error", "storage", "store", "query"]),
    ("graph", &["event", "error", "store", "query"]),
    ("ask", &["event", "error", "store", "query", "graph"]),
    ("remote", &["event", "error", "store", "query", "graph"]),
    ("emitter", &["event", "error", "store", "remote", "graph"]),
    ("grid", &["event", "error", "store", "query", "emitter"]),
    // A seam for the benchmarks, which nothing uses.
    ("bench", &["event", "error", "storage", "store"]),
];
/// The only file of `store` that looks up to `query`.
const STORE_LOOKS_AT_QUERY: &str = "src/store/subscribe.rs";

/// Imports against the order.
pub(crate) fn complaints(files: &[TextFile]) -> Vec<String> {
    let mut found = Vec::new();
    let in_library = |file: &&TextFile| file.is_rust() && file.is_below("src") && !file.is_below("src/bin");
    for file in files.iter().filter(in_library).filter(|file| file.path != "src/lib.rs") {
        let module = file.path.split('/').nth(1).unwrap_or_default().trim_end_matches(".rs");
        let Some((_, allowed)) = LAYERS.iter().find(|(name, _)| *name == module) else {
            found.push(format!("{}: `{module}` has no place in the order", file.path));
            continue;
        };
        let is_test = file.path.ends_with("/tests.rs") || file.path.contains("/tests/");
        for (line, name) in modules_named(&file.text) {
            let upwards = module == "store" && name == "query" && file.path != STORE_LOOKS_AT_QUERY && !is_test;
            // Names that are no module are re-exports of the crate's root, for which nothing is wrong.
            let is_module = LAYERS.iter().any(|(module, _)| *module == name);
            if is_module && name != module && (upwards || !allowed.contains(&name.as_str())) {
                found.push(format!("{}:{line}: `{module}` must not use `{name}`", file.path));
            }
        }
    }
    found
}

/// The top modules that the code of a file names, with the lines where it does.
fn modules_named(text: &str) -> Vec<(usize, String)> {
    let code = code_of(text);
    let mut found = Vec::new();
    for (index, line) in code.lines().enumerate() {
        for (at, _) in line.match_indices("crate::") {
            let rest = &line[at + "crate::".len()..];
            let names = rest.strip_prefix('{').map_or(rest, |group| group.split('}').next().unwrap_or_default());
            let of_one = |path: &str| path.trim().split("::").next().unwrap_or_default().to_owned();
            let group = rest.starts_with('{');
            let paths: Vec<&str> = if group { names.split(',').collect() } else { vec![names] };
            found.extend(paths.into_iter().map(|path| {
                let name: String = of_one(path).chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                (index + 1, name)
            }));
        }
    }
    found
}

#[test]
fn imports_against_the_order_are_found() {
    let sample = crate::sample;
    let check = |path: &str, text: &str| complaints(&[sample(path, text)]);
    assert_eq!(
        check("src/event/mod.rs", "//! [`crate::storage`]\nuse crate::store::Store;\n"),
        ["src/event/mod.rs:2: `event` must not use `store`"]
    );
    assert_eq!(
        check("src/storage/tail/log.rs", "use crate::{error::StoreError, store::Store};"),
        ["src/storage/tail/log.rs:1: `storage` must not use `store`"]
    );
    assert!(check("src/storage/a.rs", "use crate::event::Event;\nfn f() -> crate::error::StoreError {}").is_empty());
    assert!(check("src/store/subscribe.rs", "use crate::query::Filter;").is_empty());
    assert_eq!(check("src/store/append.rs", "use crate::query::Filter;").len(), 1);
    assert_eq!(check("src/emitter/mod.rs", "use crate::storage::tail;").len(), 1);
    assert_eq!(check("src/forecast/mod.rs", ""), ["src/forecast/mod.rs: `forecast` has no place in the order"]);
    assert!(check("src/query/plan.rs", "use crate::store::Snapshot;").is_empty());
}
