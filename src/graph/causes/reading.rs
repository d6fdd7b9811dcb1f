//! Reads rules from TOML, and refuses those that cannot hold.

use std::collections::HashSet;

use serde::Deserialize;

use crate::event::{CLUSTER, is_entity_field, is_event_type};

use super::rules::{ANY, Cut, FieldPair, Life, Rule, Rules, Types};
use super::tree::Grade;

/// The longest window of a rule, in seconds: ten years.
const WINDOW_SECONDS_MAX: u64 = 3_660 * 86_400;
/// The most skew that can be tolerated, in seconds.
const SKEW_SECONDS_MAX: u64 = 3_600;
const US_PER_SECOND: i64 = 1_000_000;

/// Why a text is no set of rules.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RulesError {
    /// The text is no TOML, or has keys that are none of rules.
    #[error("the rules cannot be read: {reason}")]
    Form {
        /// What does not fit, and where.
        reason: String,
    },
    /// A rule cannot hold.
    #[error("rule `{rule}`: {problem}")]
    Rule {
        /// The name of the rule, or its place if it has none.
        rule: String,
        /// What is wrong.
        problem: RuleProblem,
    },
}

/// Why a rule cannot hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RuleProblem {
    /// A key is missing, unknown or of the wrong kind.
    #[error("{0}")]
    Form(String),
    /// One side names no type.
    #[error("`{0}` names no type of event")]
    NoTypes(&'static str),
    /// What stands for a type cannot be one.
    #[error("`{0}` cannot be the type of an event")]
    Type(String),
    /// A field that events are not found by.
    #[error(
        "events are not found by the field `{0}`; only by fields whose names end in `_id`, `entity`, `host` and `service`"
    )]
    Field(String),
    /// `*` without fields, which would join everything with everything.
    #[error("a rule for every type needs `fields`")]
    Everything,
    /// `cut_by` without a field to find them by.
    #[error("`cut_by` needs `fields` or `cut_field`")]
    CutField,
    /// The window is empty or too long.
    #[error("`window_seconds` must be from 1 to {WINDOW_SECONDS_MAX}")]
    Window,
    /// A grade that rules do not give.
    #[error("the grade `{0}` is none of `matched` and `inferred`")]
    Grade(String),
    /// Two rules of one text have the same name.
    #[error("there are two of this name")]
    Repeated,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RulesText {
    skew_seconds: Option<u64>,
    coincident_seconds: Option<u64>,
    #[serde(default)]
    routine: Vec<String>,
    #[serde(default)]
    failures: Vec<String>,
    life: Option<Life>,
    #[serde(default)]
    rule: Vec<toml::Table>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleText {
    name: String,
    effects: Vec<String>,
    causes: Vec<String>,
    #[serde(default)]
    fields: Vec<String>,
    window_seconds: u64,
    grade: String,
    role: String,
    effect_role: Option<String>,
    #[serde(default = "yes")]
    skew: bool,
    #[serde(default)]
    same_life: bool,
    #[serde(default)]
    unanswered: bool,
    #[serde(default)]
    cut_by: Vec<String>,
    cut_field: Option<String>,
}

fn yes() -> bool {
    true
}

impl Rules {
    /// These rules and those of a text.
    pub(super) fn extended(mut self, text: &str) -> Result<Self, RulesError> {
        let form = |reason: String| RulesError::Form { reason };
        let text: RulesText = toml::from_str(text).map_err(|error| form(error.to_string().trim().to_owned()))?;
        if text.skew_seconds.is_some_and(|seconds| seconds > SKEW_SECONDS_MAX) {
            return Err(form(format!("`skew_seconds` must be at most {SKEW_SECONDS_MAX}")));
        }
        if text.coincident_seconds.is_some_and(|seconds| seconds > WINDOW_SECONDS_MAX) {
            return Err(form(format!("`coincident_seconds` must be at most {WINDOW_SECONDS_MAX}")));
        }
        if let Some(seconds) = text.skew_seconds {
            self.skew_us = to_us(seconds);
        }
        if let Some(seconds) = text.coincident_seconds {
            self.coincident_us = to_us(seconds);
        }
        self.routine.extend(text.routine);
        self.failures.extend(text.failures);
        if let Some(life) = text.life {
            check_field(&life.field).map_err(|problem| form(format!("life: {problem}")))?;
            self.life = life;
        }
        let mut names = HashSet::new();
        for (index, table) in text.rule.into_iter().enumerate() {
            let name = table.get("name").and_then(toml::Value::as_str);
            let name = name.map_or_else(|| format!("number {}", index + 1), str::to_owned);
            let problem = |problem| RulesError::Rule { rule: name.clone(), problem };
            let rule: RuleText = table
                .try_into()
                .map_err(|error: toml::de::Error| problem(RuleProblem::Form(error.message().to_owned())))?;
            if !names.insert(rule.name.clone()) {
                return Err(problem(RuleProblem::Repeated));
            }
            let rule = rule.check().map_err(problem)?;
            match self.rules.iter_mut().find(|known| known.name == rule.name) {
                Some(known) => *known = rule,
                None => self.rules.push(rule),
            }
        }
        // The tolerance may come from either text, so that it is spread over all rules at the end.
        for rule in &mut self.rules {
            rule.skew_us = if rule.skew_us != 0 { self.skew_us } else { 0 };
        }
        Ok(self)
    }
}

fn to_us(seconds: u64) -> i64 {
    i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(US_PER_SECOND)
}

fn check_field(name: &str) -> Result<(), RuleProblem> {
    // Cluster kinds are found by the name of the cluster, which is no field of theirs.
    let known = name == CLUSTER || is_entity_field(None, &name.replace(ANY, "x"));
    if known && name.matches(ANY).count() <= 1 { Ok(()) } else { Err(RuleProblem::Field(name.to_owned())) }
}

impl RuleText {
    fn check(self) -> Result<Rule, RuleProblem> {
        let grade = match self.grade.as_str() {
            "matched" => Grade::Matched,
            "inferred" => Grade::Inferred,
            _ => return Err(RuleProblem::Grade(self.grade)),
        };
        if !(1..=WINDOW_SECONDS_MAX).contains(&self.window_seconds) {
            return Err(RuleProblem::Window);
        }
        let effects = Types::new(self.effects, "effects")?;
        let causes = Types::new(self.causes, "causes")?;
        let pairs = self.fields.iter().map(|text| FieldPair::new(text)).collect::<Result<Vec<_>, _>>()?;
        if pairs.is_empty() && (matches!(effects, Types::Any) || matches!(causes, Types::Any)) {
            return Err(RuleProblem::Everything);
        }
        let cut = if self.cut_by.is_empty() {
            None
        } else {
            let field = self.cut_field.or_else(|| pairs.first().map(|pair| pair.cause.clone()));
            let field = field.filter(|field| !field.contains(ANY)).ok_or(RuleProblem::CutField)?;
            check_field(&field)?;
            Types::new(self.cut_by.clone(), "cut_by")?;
            Some(Cut { types: self.cut_by, field })
        };
        Ok(Rule {
            name: self.name,
            effects,
            causes,
            pairs,
            window_us: to_us(self.window_seconds),
            skew_us: i64::from(self.skew && grade == Grade::Matched),
            grade,
            same_life: self.same_life,
            unanswered: self.unanswered,
            cut,
            role: self.role,
            effect_role: self.effect_role.unwrap_or_else(|| "what it led to".to_owned()),
        })
    }
}

impl Types {
    fn new(names: Vec<String>, side: &'static str) -> Result<Self, RuleProblem> {
        if names.is_empty() {
            return Err(RuleProblem::NoTypes(side));
        }
        if names.iter().any(|name| name == ANY) {
            return Ok(Types::Any);
        }
        match names.iter().find(|name| !is_event_type(name)) {
            Some(name) => Err(RuleProblem::Type(name.clone())),
            None => Ok(Types::Named(names)),
        }
    }
}

impl FieldPair {
    /// Reads `field`, or `field of the effect=field of the cause`.
    fn new(text: &str) -> Result<Self, RuleProblem> {
        let (effect, cause) = text.split_once('=').unwrap_or((text, text));
        let (effect, cause) = (effect.trim(), cause.trim());
        check_field(effect)?;
        check_field(cause)?;
        if effect.contains(ANY) != cause.contains(ANY) {
            return Err(RuleProblem::Field(text.to_owned()));
        }
        Ok(Self { effect: effect.to_owned(), cause: cause.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::super::rules::EMBEDDED;
    use super::*;

    const RULE: &str = r#"
        [[rule]]
        name = "r"
        effects = ["b"]
        causes = ["a"]
        fields = ["node_id"]
        window_seconds = 1
        grade = "inferred"
        role = "x"
    "#;

    #[test]
    fn the_embedded_rules_are_in_order() {
        let rules = Rules::none().extended(EMBEDDED).expect("legal rules");
        assert!(rules.rules.len() > 20);
        assert_eq!(rules.skew_us, 2_000_000);
    }

    #[test]
    fn rules_are_added_or_replaced() {
        let defaults = Rules::default().rules.len();
        assert_eq!(Rules::from_toml("").expect("empty").rules.len(), defaults);
        assert_eq!(Rules::from_toml(RULE).expect("a rule").rules.len(), defaults + 1);
        let life = Rules::from_toml(&RULE.replace("\"r\"", "\"life\"")).expect("a rule");
        assert_eq!(life.rules.len(), defaults);
        let life = life.rules.iter().find(|rule| rule.name == "life").expect("replaced");
        assert_eq!(life.window_us, 1_000_000);
        let skewed = Rules::from_toml("skew_seconds = 5").expect("legal");
        assert!(skewed.rules.iter().all(|rule| rule.skew_us == 0 || rule.skew_us == 5_000_000));
    }

    #[test]
    fn errors_name_the_rule() {
        for (from, to, expected) in [
            ("\"inferred\"", "\"declared\"", "rule `r`: the grade `declared`"),
            ("window_seconds = 1", "window_seconds = 0", "rule `r`: `window_seconds`"),
            ("window_seconds = 1", "", "rule `r`: missing field `window_seconds`"),
            ("window_seconds = 1", "window_seconds = 1\nwidth = 2", "rule `r`: unknown field `width`"),
            ("[\"a\"]", "[]", "rule `r`: `causes` names no type"),
            ("[\"a\"]", "[\"A\"]", "rule `r`: `A` cannot be the type"),
            ("[\"node_id\"]", "[\"port\"]", "rule `r`: events are not found by the field `port`"),
            ("fields = [\"node_id\"]", "cut_by = [\"c\"]", "rule `r`: `cut_by` needs"),
            ("name = \"r\"", "", "rule `number 1`: missing field `name`"),
        ] {
            let error = Rules::from_toml(&RULE.replace(from, to)).expect_err(to).to_string();
            assert!(error.starts_with(expected), "{error}");
        }
        let everything = RULE.replace("[\"a\"]", "[\"*\"]").replace("fields = [\"node_id\"]", "");
        assert!(matches!(
            Rules::from_toml(&everything),
            Err(RulesError::Rule { problem: RuleProblem::Everything, .. })
        ));
        let twice = Rules::from_toml(&format!("{RULE}{RULE}")).expect_err("two of one name");
        assert_eq!(twice, RulesError::Rule { rule: "r".into(), problem: RuleProblem::Repeated });
        assert!(matches!(Rules::from_toml("x = 1"), Err(RulesError::Form { .. })));
        assert!(matches!(Rules::from_toml("skew_seconds = 99999"), Err(RulesError::Form { .. })));
    }
}
