//! From text to words: lower case, without punctuation around them; quoted text stays together.

/// The longest question that is read, in bytes.
pub const QUESTION_BYTES_MAX: usize = 64 << 10;
/// The most words that are looked at; a longer question is refused.
pub(crate) const WORDS_MAX: usize = 200;

/// One word of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    /// The word as it was written, without punctuation around it.
    pub(crate) original: String,
    /// The word in lower case.
    pub(crate) text: String,
    /// Where it starts in the question, in bytes.
    pub(crate) start: usize,
    /// Whether it stood in quotes.
    pub(crate) quoted: bool,
}

/// What is written as one word and read as two.
const CONTRACTIONS: &[(&str, &[&str])] = &[
    ("what's", &["what", "is"]),
    ("whats", &["what", "is"]),
    ("yesterdays", &["yesterday"]),
    ("todays", &["today"]),
    ("who's", &["who", "is"]),
    ("where's", &["where", "is"]),
    ("how's", &["how", "is"]),
    ("there's", &["there", "is"]),
    ("didn't", &["did", "not"]),
    ("didnt", &["did", "not"]),
    ("doesn't", &["does", "not"]),
    ("don't", &["do", "not"]),
    ("wasn't", &["was", "not"]),
    ("wasnt", &["was", "not"]),
    ("weren't", &["were", "not"]),
    ("isn't", &["is", "not"]),
    ("aren't", &["are", "not"]),
    ("hasn't", &["has", "not"]),
    ("haven't", &["have", "not"]),
    ("couldn't", &["could", "not"]),
    ("couldnt", &["could", "not"]),
    ("can't", &["can", "not"]),
    ("cannot", &["can", "not"]),
    ("won't", &["will", "not"]),
    ("hadn't", &["had", "not"]),
    ("ain't", &["is", "not"]),
    ("dont", &["do", "not"]),
    ("isnt", &["is", "not"]),
    ("hows", &["how", "is"]),
    ("wheres", &["where", "is"]),
    ("whos", &["who", "is"]),
    ("whens", &["when", "is"]),
    ("when's", &["when", "is"]),
    ("that's", &["that", "is"]),
    ("it's", &["it", "is"]),
    ("i've", &["i", "have"]),
    ("we've", &["we", "have"]),
    ("i'd", &["i", "would"]),
    ("i'm", &["i", "am"]),
    ("what're", &["what", "are"]),
    ("who've", &["who", "have"]),
];

/// The words of a question.
pub(crate) fn tokenize(question: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = question;
    while tokens.len() <= WORDS_MAX {
        rest = rest.trim_start();
        let start = question.len() - rest.len();
        let Some(first) = rest.chars().next() else { break };
        if let Some(closing) = closing_quote(first)
            && let Some(end) = rest[first.len_utf8()..].find(closing)
        {
            let inner = &rest[first.len_utf8()..first.len_utf8() + end];
            if !inner.trim().is_empty() {
                tokens.push(Token { original: inner.to_owned(), text: inner.to_lowercase(), start, quoted: true });
            }
            rest = &rest[first.len_utf8() + end + closing.len_utf8()..];
            continue;
        }
        let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        push_word(&rest[..end], start, &mut tokens);
        rest = &rest[end..];
    }
    for place in 1..tokens.len() {
        // "No. of crashes" is their number.
        if tokens[place].text == "of" && tokens[place - 1].text == "no" {
            "number".clone_into(&mut tokens[place - 1].text);
        }
    }
    tokens
}

/// The quote that ends what this character starts.
fn closing_quote(first: char) -> Option<char> {
    match first {
        '"' => Some('"'),
        '`' => Some('`'),
        '\u{201c}' => Some('\u{201d}'),
        '\u{2018}' => Some('\u{2019}'),
        // An apostrophe is a quote only in front of a word; a contraction never starts with one.
        '\'' => Some('\''),
        _ => None,
    }
}

fn push_word(word: &str, start: usize, tokens: &mut Vec<Token>) {
    // A comparison stands as a word of its own, before or between what it compares.
    if let Some(at) = word.find(['=', '<', '>', '~']) {
        let operator = word[at..].chars().take_while(|c| "=<>~".contains(*c)).count();
        push_plain(&word[..at], start, tokens);
        let text = word[at..at + operator].to_owned();
        tokens.push(Token { original: text.clone(), text, start: start + at, quoted: false });
        push_plain(&word[at + operator..], start + at + operator, tokens);
        return;
    }
    push_plain(word, start, tokens);
}

fn push_plain(word: &str, start: usize, tokens: &mut Vec<Token>) {
    // What is too long is refused anyhow; a text of commas would otherwise take a call, and copies, for each.
    if tokens.len() > WORDS_MAX {
        return;
    }
    let is_edge = |character: char| !character.is_alphanumeric();
    // A minus sign belongs to its number.
    let negative = word.strip_prefix('-').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    // A path begins with a slash.
    let path = word.strip_prefix('/').is_some_and(|rest| rest.starts_with(char::is_alphanumeric));
    let trimmed = word.trim_start_matches(|c| is_edge(c) && !(negative && c == '-') && !(path && c == '/'));
    let offset = word.len() - trimmed.len();
    // A percent sign belongs to its number too.
    let trimmed = trimmed.trim_end_matches(|c| is_edge(c) && c != '%');
    if trimmed.is_empty() || trimmed == "%" {
        if word.contains('%') {
            let text = "percent".to_owned();
            tokens.push(Token { original: text.clone(), text, start, quoted: false });
        }
        return;
    }
    let lower = trimmed.to_lowercase().replace('\u{2019}', "'");
    if let Some((_, words)) = CONTRACTIONS.iter().find(|(short, _)| *short == lower) {
        for part in *words {
            let text = (*part).to_owned();
            tokens.push(Token { original: text.clone(), text, start: start + offset, quoted: false });
        }
        return;
    }
    // "Per-day" is "per day"; "time out" and "timed out" are one word.
    if let Some(rest) = lower.strip_prefix("per-") {
        for (text, at) in [("per", 0), (rest, 4)] {
            tokens.push(Token {
                original: text.to_owned(),
                text: text.to_owned(),
                start: start + offset + at,
                quoted: false,
            });
        }
        return;
    }
    if lower == "out"
        && let Some(before) =
            tokens.last_mut().filter(|before| matches!(before.text.as_str(), "time" | "times" | "timed" | "timing"))
    {
        before.text = "timeout".to_owned();
        return;
    }
    let stem = lower.strip_suffix("'s").or_else(|| lower.strip_suffix("s'").map(|_| &lower[..lower.len() - 1]));
    let text = stem.unwrap_or(&lower).to_owned();
    let original = trimmed.get(..text.len()).unwrap_or(trimmed).to_owned();
    // Two words that were joined by a slash or comma without a space are two words.
    if let Some((left, right)) = text.split_once(',')
        && !left.is_empty()
        && !right.is_empty()
        && !text.bytes().all(|byte| byte.is_ascii_digit() || byte == b',')
    {
        let (left, right) = (left.to_owned(), right.to_owned());
        let second = start + offset + left.len() + 1;
        push_plain(&left, start + offset, tokens);
        push_plain(&right, second, tokens);
        return;
    }
    tokens.push(Token { original, text, start: start + offset, quoted: false });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(question: &str) -> Vec<String> {
        tokenize(question).into_iter().map(|token| token.text).collect()
    }

    #[test]
    fn punctuation_goes_and_ids_stay() {
        assert_eq!(words("WHY did node-abc123 crash?!"), ["why", "did", "node-abc123", "crash"]);
        assert_eq!(words("what's agent-001's state (now)…"), ["what", "is", "agent-001", "state", "now"]);
        assert_eq!(words("exit_code=137, port>9000"), ["exit_code", "=", "137", "port", ">", "9000"]);
        assert_eq!(words("code -9 at 03:10"), ["code", "-9", "at", "03:10"]);
        assert_eq!(words("with \"Port in use\" error"), ["with", "port in use", "error"]);
        assert_eq!(words("agent-001,agent-002"), ["agent-001", "agent-002"]);
    }

    #[test]
    fn odd_text_is_no_trouble() {
        for text in ["", "   ", "'", "\"", "''", "'s", "-", "=", "é'", "a\u{0}b", "\u{201c}"] {
            let _ = tokenize(text);
        }
        assert!(tokenize(&"x ".repeat(100_000)).len() <= WORDS_MAX + 1);
        assert!(tokenize(&"x,".repeat(QUESTION_BYTES_MAX / 2)).len() <= WORDS_MAX + 1);
    }
}
