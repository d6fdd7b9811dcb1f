//! Builders: filters and queries as a program writes them.
//!
//! ```
//! use sutra_grid_events::query::{Filter, Query};
//!
//! let failures = Filter::event_type("spawn_failed").or(Filter::event_type("stop_failed"));
//! let query = Query::new(failures.and(Filter::between(0, None))).newest_first().limit(10);
//! assert_eq!(query.limit, Some(10));
//! ```

use crate::event::Value;

use super::filter::{Filter, Order, PageCursor, Query, Test, TimeRange};

/// A field that a test is about to be put on; [`Filter::field`] starts it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a field is no filter until a test is put on it"]
pub struct FieldFilter {
    name: String,
}

impl Filter {
    /// Events of a type.
    #[must_use]
    pub fn event_type(name: impl Into<String>) -> Self {
        Filter::Type(name.into())
    }

    /// Events that name an entity, under whatever field.
    #[must_use]
    pub fn entity(value: impl Into<String>) -> Self {
        Filter::Entity { field: None, value: value.into() }
    }

    /// Events that name an entity under one field.
    #[must_use]
    pub fn entity_of(field: impl Into<String>, value: impl Into<String>) -> Self {
        Filter::Entity { field: Some(field.into()), value: value.into() }
    }

    /// Events of `[since, until)`, in µs since 1970; `None` leaves an end open.
    #[must_use]
    pub fn between(since_us: impl Into<Option<i64>>, until_us: impl Into<Option<i64>>) -> Self {
        Filter::Time(TimeRange { since_us: since_us.into(), until_us: until_us.into() })
    }

    /// Starts a test of a field.
    ///
    /// ```
    /// use sutra_grid_events::Filter;
    /// assert_eq!(Filter::field("port").at_least(9000).to_string(), "port >= 9000");
    /// ```
    pub fn field(name: impl Into<String>) -> FieldFilter {
        FieldFilter { name: name.into() }
    }

    /// Events in this set and in another.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Filter::All, filter) | (filter, Filter::All) => filter,
            (Filter::And(mut filters), Filter::And(others)) => {
                filters.extend(others);
                Filter::And(filters)
            }
            (Filter::And(mut filters), other) => {
                filters.push(other);
                Filter::And(filters)
            }
            (filter, other) => Filter::And(vec![filter, other]),
        }
    }

    /// Events in this set or in another.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        match (self, other) {
            (Filter::Or(mut filters), Filter::Or(others)) => {
                filters.extend(others);
                Filter::Or(filters)
            }
            (Filter::Or(mut filters), other) => {
                filters.push(other);
                Filter::Or(filters)
            }
            (filter, other) => Filter::Or(vec![filter, other]),
        }
    }

    /// Events not in this set; `!filter` is the same.
    #[must_use]
    #[allow(clippy::should_implement_trait)] // The trait is implemented too; chains read better with a method.
    pub fn not(self) -> Self {
        Filter::Not(Box::new(self))
    }
}

impl std::ops::Not for Filter {
    type Output = Self;

    fn not(self) -> Self {
        Filter::not(self)
    }
}

impl FieldFilter {
    fn test(self, test: Test) -> Filter {
        Filter::Field { name: self.name, test }
    }

    /// Equal to a value.
    #[must_use]
    pub fn equals(self, value: impl Into<Value>) -> Filter {
        self.test(Test::Equals(value.into()))
    }

    /// There, and not equal to a value.
    #[must_use]
    pub fn differs(self, value: impl Into<Value>) -> Filter {
        self.test(Test::Differs(value.into()))
    }

    /// Less than a value.
    #[must_use]
    pub fn less(self, value: impl Into<Value>) -> Filter {
        self.test(Test::Less(value.into()))
    }

    /// Less than or equal to a value.
    #[must_use]
    pub fn at_most(self, value: impl Into<Value>) -> Filter {
        self.test(Test::AtMost(value.into()))
    }

    /// Greater than a value.
    #[must_use]
    pub fn greater(self, value: impl Into<Value>) -> Filter {
        self.test(Test::Greater(value.into()))
    }

    /// Greater than or equal to a value.
    #[must_use]
    pub fn at_least(self, value: impl Into<Value>) -> Filter {
        self.test(Test::AtLeast(value.into()))
    }

    /// Contains a text, whatever the case of the letters.
    #[must_use]
    pub fn contains(self, text: impl Into<String>) -> Filter {
        self.test(Test::Contains(text.into()))
    }

    /// Equal to one of some values.
    #[must_use]
    pub fn one_of<T: Into<Value>>(self, values: impl IntoIterator<Item = T>) -> Filter {
        self.test(Test::OneOf(values.into_iter().map(Into::into).collect()))
    }

    /// There, whatever its value.
    #[must_use]
    pub fn exists(self) -> Filter {
        self.test(Test::Exists)
    }
}

impl Query {
    /// All events of a filter, oldest first.
    #[must_use]
    pub fn new(filter: Filter) -> Self {
        Self { filter, ..Self::default() }
    }

    /// From the latest event back.
    #[must_use]
    pub fn newest_first(mut self) -> Self {
        self.order = Order::NewestFirst;
        self
    }

    /// The first `count` events in the order, at most.
    #[must_use]
    pub fn limit(mut self, count: usize) -> Self {
        self.limit = Some(count);
        self
    }

    /// Only events behind a place in the order: the next page after the one that ended there.
    #[must_use]
    pub fn after(mut self, cursor: PageCursor) -> Self {
        self.after = Some(cursor);
        self
    }
}

impl From<Filter> for Query {
    fn from(filter: Filter) -> Self {
        Self::new(filter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chains_stay_flat() {
        let filter = Filter::All.and(Filter::event_type("a")).and(Filter::entity("b")).and(Filter::between(1, 2));
        assert!(matches!(&filter, Filter::And(filters) if filters.len() == 3));
        let filter = Filter::event_type("a").or(Filter::event_type("b")).or(Filter::event_type("c"));
        assert!(matches!(&filter, Filter::Or(filters) if filters.len() == 3));
        assert_eq!(!Filter::All, Filter::All.not());
    }
}
