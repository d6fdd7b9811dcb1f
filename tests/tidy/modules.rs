//! Files that no crate of the package contains.

use std::collections::{BTreeMap, BTreeSet};

use crate::TextFile;
use crate::code::code_of;

/// Rust files that no `mod` declaration leads to.
pub(crate) fn dead_files(files: &[TextFile]) -> Vec<String> {
    let rust: BTreeMap<&str, &TextFile> =
        files.iter().filter(|file| file.is_rust()).map(|file| (file.path.as_str(), file)).collect();
    let mut alive: BTreeSet<String> = BTreeSet::new();
    let found_by_cargo = rust.keys().filter(|path| is_root(path)).map(|&path| path.to_owned());
    let roots: BTreeSet<String> = found_by_cargo.chain(named_roots(files)).collect();
    let mut pending: Vec<String> = roots.iter().cloned().collect();
    while let Some(path) = pending.pop() {
        let Some(file) = rust.get(path.as_str()) else { continue };
        if !alive.insert(path.clone()) {
            continue;
        }
        let folder = folder_of_modules(&path, roots.contains(&path));
        for name in declared(&file.text) {
            pending.push(format!("{folder}/{name}.rs"));
            pending.push(format!("{folder}/{name}/mod.rs"));
        }
    }
    rust.keys().filter(|path| !alive.contains(**path)).map(|path| (*path).to_owned()).collect()
}

/// Whether cargo finds a crate here by itself.
fn is_root(path: &str) -> bool {
    let parts: Vec<&str> = path.split('/').collect();
    match parts[..] {
        ["build.rs"] => true,
        [.., "src", "lib.rs" | "main.rs"] => true,
        [.., "src", "bin", _, "main.rs"] | [.., "src", "bin", _] => true,
        [.., "tests" | "benches" | "examples" | "fuzz_targets", file] => file.ends_with(".rs"),
        [.., "tests" | "benches" | "examples", _, "main.rs"] => true,
        _ => false,
    }
}

/// The files that manifests name as crates, with `path = "…"` on a line of its own.
fn named_roots(files: &[TextFile]) -> Vec<String> {
    let mut roots = Vec::new();
    for file in files.iter().filter(|file| file.path.ends_with("Cargo.toml")) {
        let folder = file.path.trim_end_matches("Cargo.toml");
        let named = file.text.lines().filter_map(|line| line.strip_prefix("path = \"")?.strip_suffix('"'));
        roots.extend(named.map(|path| format!("{folder}{path}")));
    }
    roots
}

/// The folder in which the modules that a file declares are looked for: beside it, if it is a whole crate.
fn folder_of_modules(path: &str, is_root: bool) -> String {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    match name {
        "lib.rs" | "main.rs" | "mod.rs" => folder.to_owned(),
        _ if is_root => folder.to_owned(),
        _ => path.trim_end_matches(".rs").to_owned(),
    }
}

/// The modules that a file declares as files.
fn declared(text: &str) -> Vec<String> {
    let code = code_of(text);
    code.lines()
        .filter_map(|line| {
            let (before, name) = line.trim().strip_suffix(';')?.rsplit_once("mod ")?;
            let visibility = before.trim();
            let plain = name.chars().all(|character| character.is_alphanumeric() || character == '_');
            let declares = visibility.is_empty() || visibility.starts_with("pub") || visibility.ends_with(']');
            (plain && declares).then(|| name.to_owned())
        })
        .collect()
}

#[test]
fn a_file_that_nothing_leads_to_is_dead() {
    let sample = crate::sample;
    let files = [
        sample("src/lib.rs", "//! A.\nmod a;\npub(crate) mod b;\n// mod dead;\n#[cfg(test)] mod tests;\n"),
        sample("src/a.rs", "mod deep;"),
        sample("src/a/deep.rs", ""),
        sample("src/b/mod.rs", "pub mod deep;"),
        sample("src/b/deep.rs", ""),
        sample("src/tests.rs", ""),
        sample("src/dead.rs", "mod deader;"),
        sample("src/dead/deader.rs", ""),
        sample("src/bin/tool/main.rs", "mod args;"),
        sample("src/bin/tool/args.rs", ""),
        sample("tests/cli/main.rs", "mod harness;"),
        sample("tests/cli/harness.rs", ""),
        sample("tests/cli/forgotten.rs", ""),
        sample("tests/one.rs", ""),
        sample(
            "benches/peers/Cargo.toml",
            "[[bench]]\npath = \"compare.rs\"\n[dependencies]\nx = { path = \"y.rs\" }\n",
        ),
        sample("benches/peers/compare.rs", "mod sqlite;"),
        sample("benches/peers/sqlite.rs", ""),
        sample("benches/peers/y.rs", ""),
    ];
    assert_eq!(
        dead_files(&files),
        ["benches/peers/y.rs", "src/dead.rs", "src/dead/deader.rs", "tests/cli/forgotten.rs"]
    );
}
