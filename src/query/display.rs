//! Filters and queries as text, for people.

use std::fmt::{Display, Formatter, Result};

use crate::event::{Value, timestamp};

use super::filter::{Filter, Order, Query, Test};

impl Display for Filter {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Filter::All => f.write_str("everything"),
            Filter::Type(name) => write!(f, "type {name}"),
            Filter::Entity { field: Some(field), value } => write!(f, "{field} {value:?}"),
            Filter::Entity { field: None, value } => write!(f, "entity {value:?}"),
            Filter::Time(range) => match (range.since_us, range.until_us) {
                (None, None) => f.write_str("any time"),
                (Some(since), None) => write!(f, "since {}", timestamp::format(since)),
                (None, Some(until)) => write!(f, "until {}", timestamp::format(until)),
                (Some(since), Some(until)) => {
                    write!(f, "since {} until {}", timestamp::format(since), timestamp::format(until))
                }
            },
            Filter::Field { name, test } => write!(f, "{name} {test}"),
            Filter::And(filters) if filters.is_empty() => f.write_str("everything"),
            Filter::Or(filters) if filters.is_empty() => f.write_str("nothing"),
            Filter::And(filters) => write_joined(filters, " and ", f),
            Filter::Or(filters) => write_joined(filters, " or ", f),
            Filter::Not(filter) => {
                f.write_str("not ")?;
                write_operand(filter, f)
            }
        }
    }
}

fn write_joined(filters: &[Filter], separator: &str, f: &mut Formatter<'_>) -> Result {
    for (index, filter) in filters.iter().enumerate() {
        if index > 0 {
            f.write_str(separator)?;
        }
        write_operand(filter, f)?;
    }
    Ok(())
}

/// Writes a part of a larger filter, in parentheses if it has parts itself.
fn write_operand(filter: &Filter, f: &mut Formatter<'_>) -> Result {
    match filter {
        Filter::And(filters) | Filter::Or(filters) if filters.len() > 1 => write!(f, "({filter})"),
        simple => simple.fmt(f),
    }
}

impl Display for Test {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let (operator, value) = match self {
            Test::Equals(value) => ("=", value),
            Test::Differs(value) => ("!=", value),
            Test::Less(value) => ("<", value),
            Test::AtMost(value) => ("<=", value),
            Test::Greater(value) => (">", value),
            Test::AtLeast(value) => (">=", value),
            Test::Contains(text) => return write!(f, "~ {}", Json(&Value::Text(text.clone()))),
            Test::OneOf(values) => {
                f.write_str("in ")?;
                for (index, value) in values.iter().enumerate() {
                    if index > 0 {
                        f.write_str(",")?;
                    }
                    Json(value).fmt(f)?;
                }
                return Ok(());
            }
            Test::Exists => return f.write_str("exists"),
        };
        write!(f, "{operator} {}", Json(value))
    }
}

/// A value as JSON text, so that the string `1` and the number 1 look different.
struct Json<'a>(&'a Value);

impl Display for Json<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let mut text = String::new();
        self.0.as_ref().write_json(&mut text);
        f.write_str(&text)
    }
}

impl Display for Query {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        self.filter.fmt(f)?;
        f.write_str(match self.order {
            Order::OldestFirst => ", oldest first",
            Order::NewestFirst => ", newest first",
        })?;
        if let Some(limit) = self.limit {
            write!(f, ", at most {limit}")?;
        }
        if let Some(after) = self.after {
            write!(f, ", after {} (event {})", timestamp::format(after.timestamp_us), after.sequence)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_with_parts_stand_in_parentheses() {
        let either = Filter::event_type("a").or(Filter::entity("b"));
        let filter = either.not().and(Filter::field("x").one_of([1, 2])).and(Filter::between(0, None));
        let text = r#"not (type a or entity "b") and x in 1,2 and since 1970-01-01T00:00:00.000000Z"#;
        assert_eq!(filter.to_string(), text);
        assert_eq!(Query::new(Filter::All).newest_first().limit(3).to_string(), "everything, newest first, at most 3");
    }
}
