//! Rust text without its comments and the content of its strings, so that a rule looks at code only.

/// The text with every character of a comment, string or character literal blanked; lines stay where they are.
pub(crate) fn code_of(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < characters.len() {
        let end = end_of_blank(&characters, at);
        if end == at {
            out.push(characters[at]);
            at += 1;
        } else {
            out.extend(characters[at..end].iter().map(|&character| if character == '\n' { '\n' } else { ' ' }));
            at = end;
        }
    }
    out
}

/// Where the comment, string or character that starts here ends; here, if none does.
fn end_of_blank(text: &[char], at: usize) -> usize {
    let next = |ahead: usize| text.get(at + ahead).copied().unwrap_or('\0');
    match text[at] {
        '/' if next(1) == '/' => find(text, at, &['\n']),
        '/' if next(1) == '*' => end_of_block_comment(text, at),
        '"' => end_of_string(text, at),
        'r' if matches!(next(1), '"' | '#') && !is_in_word(text, at) => end_of_raw_string(text, at),
        // A lifetime has no closing quote behind its first character.
        '\'' if next(1) == '\\' => find(text, at + 3, &['\'']) + 1,
        '\'' if next(2) == '\'' => at + 3,
        _ => at,
    }
    .min(text.len())
}

fn is_in_word(text: &[char], at: usize) -> bool {
    at.checked_sub(1).is_some_and(|before| text[before].is_alphanumeric() || text[before] == '_') && text[at - 1] != 'b'
}

fn find(text: &[char], from: usize, wanted: &[char]) -> usize {
    (from..text.len()).find(|&at| text[at..].starts_with(wanted)).unwrap_or(text.len())
}

fn end_of_block_comment(text: &[char], start: usize) -> usize {
    let (mut at, mut depth) = (start, 0);
    while at < text.len() {
        match (text[at], text.get(at + 1)) {
            ('/', Some('*')) => (at, depth) = (at + 2, depth + 1),
            ('*', Some('/')) => (at, depth) = (at + 2, depth - 1),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    at
}

fn end_of_string(text: &[char], start: usize) -> usize {
    let mut at = start + 1;
    while at < text.len() {
        match text[at] {
            '"' => return at + 1,
            '\\' => at += 2,
            _ => at += 1,
        }
    }
    at
}

fn end_of_raw_string(text: &[char], start: usize) -> usize {
    let hashes = text[start + 1..].iter().take_while(|&&character| character == '#').count();
    if text.get(start + 1 + hashes) != Some(&'"') {
        // A raw identifier.
        return start;
    }
    let closing: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
    find(text, start + hashes + 2, &closing) + closing.len()
}

/// Whether a word stands in code, not as a part of a longer word.
pub(crate) fn has_word(code: &str, word: &str) -> bool {
    let is_part = |character: char| character.is_alphanumeric() || character == '_';
    code.match_indices(word)
        .any(|(at, found)| !code[..at].ends_with(is_part) && !code[at + found.len()..].starts_with(is_part))
}

#[test]
fn only_code_is_left() {
    for (text, code) in [
        ("a // b\nc", "a     \nc"),
        ("a /* b /* c */ d */ e", "a                   e"),
        (r#"f("x \" // y", 1)"#, "f(           , 1)"),
        ("f(r#\"a \" b\"#, 'x', '\\n', b'y')", "f(          ,    ,     , b   )"),
        ("fn f<'a>(x: &'a str) {}", "fn f<'a>(x: &'a str) {}"),
        ("let r#type = 1;", "let r#type = 1;"),
        ("\"never closed", "             "),
    ] {
        assert_eq!(code_of(text), code, "{text}");
    }
}

#[test]
fn words_are_whole() {
    assert!(has_word("x = unsafe { 1 }", "unsafe"));
    assert!(!has_word("unsafe_code", "unsafe"));
    assert!(!has_word("is_unsafe", "unsafe"));
}
