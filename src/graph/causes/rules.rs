//! Rules: what can cause what, as data. The defaults are the embedded `rules.toml`, read by [`super::reading`].

use std::sync::LazyLock;

use serde::Deserialize;

use crate::event::Event;
use crate::query::Filter;
use crate::store::StoredEvent;

use super::reading::RulesError;
use super::tree::Grade;

/// The rules that come with the crate.
pub(super) const EMBEDDED: &str = include_str!("rules.toml");
/// Stands for every type in a rule, and for a part of a name in its fields.
pub(super) const ANY: &str = "*";

/// What can cause what.
///
/// ```
/// use sutra_grid_events::graph::causes::Rules;
/// let rules = Rules::from_toml(r#"
///     [[rule]]
///     name = "eviction"
///     effects = ["pod_evicted"]
///     causes = ["disk_full"]
///     fields = ["host_id"]
///     window_seconds = 60
///     grade = "inferred"
///     role = "the disk of its host was full"
/// "#)?;
/// assert_eq!(rules.names().count(), Rules::default().names().count() + 1);
/// # Ok::<(), sutra_grid_events::graph::causes::RulesError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Rules {
    pub(super) skew_us: i64,
    pub(super) coincident_us: i64,
    pub(super) routine: Vec<String>,
    pub(super) failures: Vec<String>,
    pub(super) life: Life,
    pub(super) rules: Vec<Rule>,
}

/// What begins or ends a life of an entity.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Life {
    pub(super) field: String,
    pub(super) boundaries: Vec<String>,
}

/// One rule.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    pub(super) name: String,
    pub(super) effects: Types,
    pub(super) causes: Types,
    pub(super) pairs: Vec<FieldPair>,
    pub(super) window_us: i64,
    /// How much later than its effect a cause of this rule may be stamped.
    pub(super) skew_us: i64,
    pub(super) grade: Grade,
    pub(super) same_life: bool,
    pub(super) unanswered: bool,
    pub(super) cut: Option<Cut>,
    pub(super) role: String,
    pub(super) effect_role: String,
}

/// Events of an entity that end what a cause could still bring about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cut {
    pub(super) types: Vec<String>,
    pub(super) field: String,
}

/// The types of one side of a rule.
#[derive(Debug, Clone)]
pub(super) enum Types {
    Any,
    Named(Vec<String>),
}

/// Two fields with equal values; `*` stands for the same part of both names.
#[derive(Debug, Clone)]
pub(super) struct FieldPair {
    pub(super) effect: String,
    pub(super) cause: String,
}

impl Default for Rules {
    /// The rules that come with the crate.
    fn default() -> Self {
        // A test proves that the embedded text is in order.
        static DEFAULT: LazyLock<Rules> =
            LazyLock::new(|| Rules::none().extended(EMBEDDED).unwrap_or_else(|_| Rules::none()));
        DEFAULT.clone()
    }
}

impl Rules {
    /// The defaults and the rules of a text in TOML. A rule with the name of a default replaces it; the
    /// lists `routine` and `failures` add to those of the defaults.
    ///
    /// # Errors
    /// If the text is no TOML of the documented form, or a rule cannot hold.
    pub fn from_toml(text: &str) -> Result<Self, RulesError> {
        Self::default().extended(text)
    }

    /// The names of the rules, in their order: of two that give one link of the same grade, the first does.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().map(|rule| rule.name.as_str())
    }

    /// The types of events that are failures.
    #[must_use]
    pub fn failures(&self) -> &[String] {
        &self.failures
    }

    /// Whether a matched rule between types of its own leads from the earlier of two events to the later.
    pub(super) fn lead_from(&self, earlier: &StoredEvent, later: &Event) -> bool {
        self.rules.iter().any(|rule| {
            let typed = matches!(rule.causes, Types::Named(_)) && matches!(rule.effects, Types::Named(_));
            typed && rule.grade == Grade::Matched && rule.causes_of(later).is_some_and(|filter| filter.matches(earlier))
        })
    }

    /// The longest window before an event in which a rule looks for its causes; nothing if no rule does.
    pub(super) fn longest_window_us(&self, effect: &Event) -> Option<i64> {
        // Whether a request was answered decides about causes of its own, not about what is missing.
        let rules = self.rules.iter().filter(|rule| !rule.unanswered && rule.causes_of(effect).is_some());
        rules.map(|rule| rule.window_us).max()
    }

    pub(super) fn none() -> Self {
        Self {
            skew_us: 0,
            coincident_us: 0,
            routine: Vec::new(),
            failures: Vec::new(),
            life: Life::default(),
            rules: Vec::new(),
        }
    }
}

impl Types {
    fn contain(&self, event_type: &str) -> bool {
        match self {
            Types::Any => true,
            Types::Named(names) => names.iter().any(|name| name == event_type),
        }
    }

    fn filter(&self) -> Filter {
        match self {
            Types::Any => Filter::All,
            Types::Named(names) => of_types(names),
        }
    }
}

/// Events of any of some types.
pub(super) fn of_types(names: &[String]) -> Filter {
    match names {
        [name] => Filter::event_type(name),
        _ => Filter::Or(names.iter().map(Filter::event_type).collect()),
    }
}

/// The name that a pattern gives for the same part that another pattern has in a name.
fn translate(name: &str, from: &str, to: &str) -> Option<String> {
    match from.split_once(ANY) {
        None => (name == from).then(|| to.to_owned()),
        Some((before, after)) => {
            let part = name.strip_prefix(before)?.strip_suffix(after)?;
            (!part.is_empty()).then(|| to.replace(ANY, part))
        }
    }
}

impl Rule {
    /// The events that can be causes of an effect by this rule, at any time.
    pub(super) fn causes_of(&self, effect: &Event) -> Option<Filter> {
        let joined = |pair: &FieldPair| (pair.effect.clone(), pair.cause.clone());
        self.counterparts(effect, &self.effects, &self.causes, joined)
    }

    /// The events that can be effects of a cause by this rule, at any time.
    pub(super) fn effects_of(&self, cause: &Event) -> Option<Filter> {
        let joined = |pair: &FieldPair| (pair.cause.clone(), pair.effect.clone());
        self.counterparts(cause, &self.causes, &self.effects, joined)
    }

    /// Whether what cuts off one cause cuts off all older ones: its entity is one that the rule joins by.
    pub(super) fn cuts_what_is_older(&self, life: &Life) -> bool {
        let joins = |field: &str| self.pairs.iter().any(|pair| pair.cause == field);
        let cut = self.cut.as_ref().map(|cut| cut.field.as_str());
        let life = self.same_life.then_some(life.field.as_str());
        cut.into_iter().chain(life).all(joins)
    }

    fn counterparts(
        &self,
        event: &Event,
        own: &Types,
        others: &Types,
        joined: impl Fn(&FieldPair) -> (String, String),
    ) -> Option<Filter> {
        if !own.contain(event.event_type()) {
            return None;
        }
        let entities = event.entities();
        let mut filter = others.filter();
        for (from, to) in self.pairs.iter().map(joined) {
            let mut same: Vec<Filter> = entities
                .iter()
                .filter_map(|entity| Some(Filter::entity_of(translate(&entity.field, &from, &to)?, &entity.value)))
                .collect();
            let same = if same.len() > 1 { Filter::Or(same) } else { same.pop()? };
            filter = filter.and(same);
        }
        Some(filter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_translated_by_their_common_part() {
        assert_eq!(translate("parent_span_id", "parent_*_id", "*_id").as_deref(), Some("span_id"));
        assert_eq!(translate("span_id", "*_id", "parent_*_id").as_deref(), Some("parent_span_id"));
        assert_eq!(translate("parent__id", "parent_*_id", "*_id"), None);
        assert_eq!(translate("node_id", "node_id", "node_id").as_deref(), Some("node_id"));
        assert_eq!(translate("agent_id", "node_id", "node_id"), None);
    }
}
