//! Reads a condition on a field from one line of text, as a command line gives it.
//!
//! ```text
//! field=value   field!=value   equal, or there and different
//! field<value   <=  >  >=      less, greater
//! field~text                   contains, whatever the case of the letters
//! field in a,b,c               equal to one of these
//! field?  or  field            there
//! ```
//!
//! A value is a text, and where it reads as a JSON number, `true`, `false` or `null` it is that too:
//! `port=9000` finds the number and the string. Quotes, double as in JSON or single and verbatim, make
//! it a text and nothing else; a field whose name has unusual characters stands in quotes too.

use crate::event::Value;

use super::filter::{Filter, Test};

/// Why a text is not a condition on a field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not a condition on a field: {reason}; write field=value, field!=value, field<value (<=, >, >=), \
     field~text, 'field in a,b,c', or field? for a field that is there"
)]
pub struct PredicateError {
    text: String,
    reason: &'static str,
}

impl PredicateError {
    /// The longest part of the text that a message repeats, in characters.
    const TEXT_CHARS_MAX: usize = 200;

    fn new(text: &str, reason: &'static str) -> Self {
        Self { text: text.chars().take(Self::TEXT_CHARS_MAX).collect(), reason }
    }
}

/// Between a field and a value. Where one operator begins with another, the longer one stands first.
const OPERATORS: [(&str, Operator); 9] = [
    ("==", Operator::Equals),
    ("!=", Operator::Differs),
    ("<=", Operator::AtMost),
    (">=", Operator::AtLeast),
    ("=", Operator::Equals),
    ("<", Operator::Less),
    (">", Operator::Greater),
    ("~", Operator::Contains),
    ("?", Operator::Exists),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equals,
    Differs,
    Less,
    AtMost,
    Greater,
    AtLeast,
    Contains,
    OneOf,
    Exists,
}

impl Filter {
    /// Reads a condition on a field: `field=value`, `field!=value`, `field<value` (`<=`, `>`, `>=`),
    /// `field~text` (contains, in any case), `field in a,b,c`, `field?` or `field` alone (is there).
    ///
    /// A value that reads as a JSON number, `true`, `false` or `null` means both the text and that
    /// value for `=`, `!=` and `in`; a number means the number for `<`, `<=`, `>` and `>=`. In quotes
    /// it is a text.
    ///
    /// ```
    /// use sutra_grid_events::Filter;
    /// assert_eq!(Filter::parse_predicate("memory_limit_mb>1000")?, Filter::field("memory_limit_mb").greater(1000));
    /// assert_eq!(Filter::parse_predicate("error~port")?, Filter::field("error").contains("port"));
    /// # Ok::<(), sutra_grid_events::query::PredicateError>(())
    /// ```
    ///
    /// # Errors
    /// If the text has none of these forms. The message repeats the text and shows the forms.
    pub fn parse_predicate(text: &str) -> Result<Self, PredicateError> {
        parse(text.trim()).map_err(|reason| PredicateError::new(text, reason))
    }
}

fn parse(text: &str) -> Result<Filter, &'static str> {
    let (name, rest) = take_field(text)?;
    let (operator, rest) = take_operator(rest)?;
    let test = match operator {
        Operator::Exists if rest.is_empty() => Test::Exists,
        Operator::Exists => return Err("nothing can follow the question mark"),
        Operator::Contains => match Literal::of_all(rest)?.text {
            text if text.is_empty() => return Err("there is no text to look for"),
            text => Test::Contains(text),
        },
        Operator::OneOf => Test::OneOf(read_list(rest)?),
        Operator::Equals => equal_to(Literal::of_all(rest)?),
        Operator::Differs => return Ok(differing_from(&name, Literal::of_all(rest)?)),
        Operator::Less => Test::Less(Literal::of_all(rest)?.into_comparable()?),
        Operator::AtMost => Test::AtMost(Literal::of_all(rest)?.into_comparable()?),
        Operator::Greater => Test::Greater(Literal::of_all(rest)?.into_comparable()?),
        Operator::AtLeast => Test::AtLeast(Literal::of_all(rest)?.into_comparable()?),
    };
    Ok(Filter::Field { name, test })
}

fn equal_to(literal: Literal) -> Test {
    match literal.value {
        Some(value) => Test::OneOf(vec![Value::Text(literal.text), value]),
        None => Test::Equals(Value::Text(literal.text)),
    }
}

/// The field is there and is neither the text nor the value that the literal may be.
fn differing_from(name: &str, literal: Literal) -> Filter {
    let differs = |value| Filter::Field { name: name.to_owned(), test: Test::Differs(value) };
    let from_text = differs(Value::Text(literal.text));
    match literal.value {
        Some(value) => from_text.and(differs(value)),
        None => from_text,
    }
}

fn take_field(text: &str) -> Result<(String, &str), &'static str> {
    if text.starts_with(['"', '\'']) {
        return take_quoted(text);
    }
    let end = text.find(|c: char| c.is_whitespace() || "=!<>~?\"'".contains(c)).unwrap_or(text.len());
    match text.split_at(end) {
        ("", _) => Err("it does not begin with the name of a field"),
        (name, rest) => Ok((name.to_owned(), rest)),
    }
}

fn take_operator(text: &str) -> Result<(Operator, &str), &'static str> {
    let trimmed = text.trim_start();
    if trimmed.is_empty() {
        return Ok((Operator::Exists, ""));
    }
    let list =
        trimmed.strip_prefix("in").filter(|rest| trimmed.len() < text.len() && rest.starts_with(char::is_whitespace));
    if let Some(list) = list {
        return Ok((Operator::OneOf, list.trim()));
    }
    OPERATORS
        .iter()
        .find_map(|&(sign, operator)| trimmed.strip_prefix(sign).map(|rest| (operator, rest.trim())))
        .ok_or("behind the field there is none of = != < <= > >= ~ ? in")
}

/// What stands for a value.
struct Literal {
    text: String,
    /// The value that it is besides a text.
    value: Option<Value>,
}

impl Literal {
    fn bare(text: &str) -> Self {
        // Nested JSON would have to be written exactly as it is stored, so it is a text only.
        let value = serde_json::from_str::<serde_json::Value>(text).ok().map(Value::from);
        let value = value.filter(|value| !matches!(value, Value::Text(_) | Value::Json(_)));
        Self { text: text.to_owned(), value }
    }

    /// Reads a literal that takes up all of a text.
    fn of_all(text: &str) -> Result<Self, &'static str> {
        if !text.starts_with(['"', '\'']) {
            return Ok(Self::bare(text));
        }
        match take_quoted(text)? {
            (text, "") => Ok(Self { text, value: None }),
            _ => Err("something follows the closing quote"),
        }
    }

    /// The one value that others are less or greater than: a number, else a text.
    fn into_comparable(self) -> Result<Value, &'static str> {
        match self.value {
            Some(number) if number.as_ref().as_f64().is_some() => Ok(number),
            _ if self.text.is_empty() => Err("there is no value to compare with"),
            _ => Ok(Value::Text(self.text)),
        }
    }
}

/// Reads `a,b,"c, d"`.
fn read_list(text: &str) -> Result<Vec<Value>, &'static str> {
    let mut values = Vec::new();
    let mut rest = text;
    loop {
        let quoted = rest.starts_with(['"', '\'']);
        let (literal, behind) = if quoted {
            let (text, behind) = take_quoted(rest)?;
            (Literal { text, value: None }, behind.trim_start())
        } else {
            let (item, behind) = rest.split_at(rest.find(',').unwrap_or(rest.len()));
            (Literal::bare(item.trim_end()), behind)
        };
        if literal.text.is_empty() && !quoted {
            return Err("the list lacks a value");
        }
        values.push(Value::Text(literal.text));
        values.extend(literal.value);
        rest = match behind.strip_prefix(',') {
            Some(next) => next.trim_start(),
            None if behind.is_empty() => return Ok(values),
            None => return Err("something follows the closing quote"),
        };
    }
}

/// Takes a text in quotes from the front, and gives what is behind them too.
fn take_quoted(text: &str) -> Result<(String, &str), &'static str> {
    const UNCLOSED: &str = "a quote is not closed, or what it holds is not well-formed";
    if let Some(verbatim) = text.strip_prefix('\'') {
        let (inside, behind) = verbatim.split_once('\'').ok_or(UNCLOSED)?;
        return Ok((inside.to_owned(), behind));
    }
    let mut strings = serde_json::Deserializer::from_str(text).into_iter::<String>();
    let inside = strings.next().and_then(Result::ok).ok_or(UNCLOSED)?;
    Ok((inside, text.get(strings.byte_offset()..).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read() {
        let port = || Filter::field("port");
        for (text, expected) in [
            ("port=http", port().equals("http")),
            (" port == http ", port().equals("http")),
            ("port=", port().equals("")),
            ("port=9000", port().one_of([Value::from("9000"), Value::from(9000)])),
            ("port=\"9000\"", port().equals("9000")),
            ("port='9000'", port().equals("9000")),
            ("port=null", port().one_of([Value::from("null"), Value::Null])),
            ("port=true", port().one_of([Value::from("true"), Value::from(true)])),
            ("port=[1]", port().equals("[1]")),
            ("port=1e999", port().equals("1e999")),
            ("port=a=b", port().equals("a=b")),
            ("port=-1.5", port().one_of([Value::from("-1.5"), Value::from(-1.5)])),
            ("port!=http", port().differs("http")),
            ("port!=1", port().differs("1").and(port().differs(1))),
            ("port<10", port().less(10)),
            ("port <= 10", port().at_most(10)),
            ("port>\"10\"", port().greater("10")),
            ("port>=2026-11-24T08:00:00Z", port().at_least("2026-11-24T08:00:00Z")),
            ("port<true", port().less("true")),
            ("port~In Use", port().contains("In Use")),
            ("port ~ ' x '", port().contains(" x ")),
            ("port in a, b,'c, d'", port().one_of(["a", "b", "c, d"])),
            ("port in 1,\"2\"", port().one_of([Value::from("1"), Value::from(1), Value::from("2")])),
            ("port?", port().exists()),
            ("port", port().exists()),
            ("in", Filter::field("in").exists()),
            ("in in in", Filter::field("in").one_of(["in"])),
            ("\"a=b\"=\"c\\\"\"", Filter::field("a=b").equals("c\"")),
            ("größe~x", Filter::field("größe").contains("x")),
        ] {
            assert_eq!(Filter::parse_predicate(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_condition_is_refused_with_the_forms() {
        for (text, reason) in [
            ("", "does not begin with the name"),
            ("=x", "does not begin with the name"),
            ("error!port", "none of ="),
            ("error port", "none of ="),
            ("error inside", "none of ="),
            ("error~", "no text to look for"),
            ("error<", "no value to compare"),
            ("error?x", "question mark"),
            ("error=\"x", "not closed"),
            ("error='x", "not closed"),
            ("error=\"x\"y", "follows the closing quote"),
            ("error in a,,b", "lacks a value"),
            ("error in 'a'b", "follows the closing quote"),
            ("error in ", "none of ="),
        ] {
            let message = Filter::parse_predicate(text).expect_err(text).to_string();
            assert!(message.contains(reason), "{text}: {message}");
            assert!(message.contains(&format!("`{text}`")) && message.contains("field~text"), "{message}");
        }
    }

    #[test]
    fn what_prints_bare_reads_back() {
        for filter in [
            Filter::field("error").contains("port"),
            Filter::field("port").at_least(9000),
            Filter::field("error").equals("a \"b\" c"),
            Filter::field("x").one_of(["a", "b"]),
        ] {
            assert_eq!(Filter::parse_predicate(&filter.to_string()), Ok(filter));
        }
    }
}
