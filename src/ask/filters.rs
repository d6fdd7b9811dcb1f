//! Filters taken apart: the same question without its types or without its time.

use crate::query::{Filter, Query};

/// Events of one of these types.
pub(crate) fn of_types<'a>(names: impl IntoIterator<Item = &'a str>) -> Filter {
    Filter::Or(names.into_iter().map(Filter::event_type).collect())
}

/// The filter without its types.
pub(crate) fn without_types(filter: &Filter) -> Filter {
    without(filter, &|part| matches!(part, Filter::Type(_)))
}

/// The filter without its time.
pub(crate) fn without_time(filter: &Filter) -> Filter {
    without(filter, &|part| matches!(part, Filter::Time(_)))
}

/// The filter without the entities that it names; those that it leaves out stay out.
pub(crate) fn without_entities(filter: &Filter) -> Filter {
    without(filter, &|part| matches!(part, Filter::Entity { .. }))
}

/// The filter without its conditions of one sort, and without alternatives that are all of that sort.
fn without(filter: &Filter, is_of_sort: &dyn Fn(&Filter) -> bool) -> Filter {
    match filter {
        part if is_of_sort(part) => Filter::All,
        Filter::And(parts) => {
            parts.iter().map(|part| without(part, is_of_sort)).fold(Filter::All, |all, part| all.and(part))
        }
        Filter::Or(parts) if !parts.is_empty() && parts.iter().all(is_of_sort) => Filter::All,
        Filter::Not(part) if without(part, is_of_sort) == Filter::All && **part != Filter::All => Filter::All,
        other => other.clone(),
    }
}

/// The types that a filter names, those that it leaves out not among them.
pub(crate) fn types_of(filter: &Filter) -> Vec<String> {
    match filter {
        Filter::Type(name) => vec![name.clone()],
        Filter::And(parts) | Filter::Or(parts) => parts.iter().flat_map(types_of).collect(),
        _ => Vec::new(),
    }
}

/// The last event of a filter.
pub(crate) fn newest(filter: Filter) -> Query {
    Query::new(filter).newest_first().limit(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_the_rest() {
        let agent = Filter::entity("agent-001");
        let types = Filter::event_type("a").or(Filter::event_type("b"));
        let time = Filter::between(1, 2);
        let whole = types.clone().and(agent.clone()).and(time.clone());
        assert_eq!(without_types(&whole), agent.clone().and(time));
        assert_eq!(without_time(&whole), types.and(agent.clone()));
        assert_eq!(without_types(&Filter::event_type("a")), Filter::All);
        assert_eq!(without_types(&Filter::event_type("a").not().and(agent.clone())), agent);
        assert_eq!(without_time(&Filter::All.not()), Filter::All.not());
    }
}
