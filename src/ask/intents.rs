//! What is asked for: the cues of each intent, tried from the most specific on.

use super::conditions::field_from;
use super::entities::FoundEntity;
use super::kinds::FoundKind;
use super::lexicon::{FAILURES, SPAWNS};
use super::question::{Absence, Compared, Counted, Direction, Function, Intent, StatusOf, ValueOf, WhyTarget};
use super::reader::{Reader, Stage};
use crate::event::Entity;
use crate::query::{Bucket, Filter, GroupKey, TimeRange};

/// What the other stages have found.
pub(crate) struct Found<'a> {
    pub(crate) kinds: &'a [FoundKind],
    pub(crate) entities: &'a [FoundEntity],
    pub(crate) subject: Option<&'a str>,
    pub(crate) ranges: &'a [(TimeRange, String)],
    /// Whether fields or attributes are named.
    pub(crate) has_conditions: bool,
    /// Kinds, entities, conditions and time together.
    pub(crate) filter: &'a Filter,
    /// The same without the kinds.
    pub(crate) without_kinds: &'a Filter,
    pub(crate) now_us: i64,
    pub(crate) offset_seconds: i32,
    /// The instant asked about, if it is one.
    pub(crate) instant_us: Option<i64>,
}

impl Found<'_> {
    fn types(&self) -> impl Iterator<Item = &str> {
        self.kinds.iter().filter(|kind| !kind.negated).flat_map(|kind| kind.types.iter().map(String::as_str))
    }

    fn has_type(&self, name: &str) -> bool {
        self.types().any(|found| found == name)
    }

    fn named(&self) -> Vec<&FoundEntity> {
        self.entities.iter().filter(|entity| !entity.negated).collect()
    }

    fn at_us(&self) -> i64 {
        let until = self.ranges.first().and_then(|(range, _)| range.until_us);
        self.instant_us.or(until).unwrap_or(self.now_us).min(self.now_us)
    }
}

/// The intent, and whether a yes or no is asked for.
pub(crate) fn find(reader: &mut Reader<'_>, found: &Found<'_>) -> Result<(Intent, bool), String> {
    if let Some(intent) = why(reader, found) {
        return Ok((intent, false));
    }
    if let Some(intent) = duration(reader, found)? {
        return Ok((intent, false));
    }
    if let Some(intent) = rate(reader, found)? {
        return Ok((intent, false));
    }
    if let Some(intent) = compare(reader, found) {
        return Ok((intent, false));
    }
    if let Some(intent) = absence(reader, found) {
        return Ok((intent, false));
    }
    if let Some(intent) = function(reader) {
        return Ok((intent?, false));
    }
    let yes_no = reader.tokens.first().is_some_and(|token| {
        matches!(
            token.text.as_str(),
            "did" | "was" | "were" | "is" | "are" | "has" | "have" | "had" | "do" | "does" | "any"
        )
    });
    if let Some(intent) = status(reader, found, yes_no) {
        return Ok((intent, yes_no));
    }
    if let Some(intent) = top(reader, found) {
        return Ok((intent, false));
    }
    let counts = reader.cue(&[
        &["how", "many"],
        &["number", "of"],
        &["count"],
        &["how", "often"],
        &["how", "much"],
        &["total", "of"],
    ]);
    if let Some(key) = group_key(reader, found.offset_seconds) {
        return Ok((Intent::Groups { key }, false));
    }
    if counts {
        return Ok((Intent::Count(counted(reader, found)), false));
    }
    if let Some(field) = which(reader, found) {
        return Ok((Intent::Entities { field }, false));
    }
    if let Some(entity) = timeline(reader, found) {
        return Ok((Intent::Timeline { entity }, false));
    }
    let (limit, newest) = first_or_last(reader);
    Ok((Intent::List { limit, newest }, yes_no))
}

fn why(reader: &mut Reader<'_>, found: &Found<'_>) -> Option<Intent> {
    let effects = reader.cue(&[
        &["lead", "to"],
        &["led", "to"],
        &["result", "in"],
        &["resulted", "in"],
        &["consequences"],
        &["consequence"],
        &["effects"],
        &["effect"],
        &["impact"],
        &["aftermath"],
        &["knock-on"],
    ]);
    let causes = reader.cue(&[
        &["why"],
        &["what", "caused"],
        &["caused"],
        &["root", "cause"],
        &["cause", "of"],
        &["causes", "of"],
        &["how", "come"],
        &["reason", "for"],
        &["reasons", "for"],
        &["explain"],
        &["what", "made"],
        &["triggered"],
        &["what", "led"],
    ]);
    // "The most common cause" asks for a text, not for a chain.
    if !effects && !causes || reader.has("common") || reader.has("frequent") {
        return None;
    }
    reader.cue(&[&["cause"], &["reason"], &["behind"]]);
    let direction = if effects && !causes { Direction::Effects } else { Direction::Causes };
    let filter = if found.kinds.is_empty() {
        let failures = Filter::Or(FAILURES.iter().map(|name| Filter::event_type(*name)).collect());
        found.without_kinds.clone().and(failures)
    } else {
        found.filter.clone()
    };
    let entity = found.named().first().map(|entity| entity.name.clone());
    Some(Intent::Why { target: WhyTarget { filter, entity }, direction })
}

fn duration(reader: &mut Reader<'_>, found: &Found<'_>) -> Result<Option<Intent>, String> {
    let how_long =
        reader.cue(&[&["how", "long"], &["for", "how", "long"], &["how", "quickly"], &["how", "fast"], &["duration"]]);
    let longest = reader.cue(&[&["longest"], &["slowest"]]);
    let shortest = reader.cue(&[&["shortest"], &["fastest"], &["quickest"]]);
    let downtime = reader.has("downtime");
    if !how_long && !longest && !shortest && !downtime {
        return Ok(None);
    }
    reader.cue(&[&["downtime"], &["average"], &["mean"], &["take"], &["took"], &["typical*"]]);
    let average = reader.has("average") || reader.has("mean");
    let function = if longest {
        Function::Maximum
    } else if shortest {
        Function::Minimum
    } else if average {
        Function::Average
    } else {
        Function::Sum
    };
    let pair = if found.has_type("agent_offline") || downtime {
        Some((vec!["agent_offline"], vec!["agent_recovered"], "agent_id"))
    } else if found.has_type("agent_degraded") {
        Some((vec!["agent_degraded"], vec!["agent_recovered", "agent_offline"], "agent_id"))
    } else if found.types().any(|name| SPAWNS.contains(&name)) {
        Some((vec!["spawn_requested"], vec!["spawn_succeeded", "spawn_failed"], "node_id"))
    } else if found.types().any(|name| name.starts_with("stop_")) {
        Some((vec!["stop_requested"], vec!["stop_succeeded", "stop_failed"], "node_id"))
    } else if found.types().any(|name| matches!(name, "node_crashed" | "node_restarted")) {
        Some((vec!["node_crashed"], vec!["node_restarted"], "node_id"))
    } else if reader.has("recover") || found.has_type("agent_recovered") {
        Some((vec!["agent_offline"], vec!["agent_recovered"], "agent_id"))
    } else {
        None
    };
    let own = |names: Vec<&str>| names.into_iter().map(str::to_owned).collect();
    match pair {
        Some((start, end, field)) => {
            let function = if matches!(function, Function::Sum) && found.named().is_empty() {
                Function::Average
            } else {
                function
            };
            let value =
                ValueOf::Duration { start_types: own(start), end_types: own(end), field: field.to_owned(), function };
            Ok(Some(Intent::Value(value)))
        }
        None => Err("it does not say between which events the time is asked for".to_owned()),
    }
}

fn rate(reader: &mut Reader<'_>, found: &Found<'_>) -> Result<Option<Intent>, String> {
    let asked = reader.cue(&[
        &["failure", "rate"],
        &["success", "rate"],
        &["crash", "rate"],
        &["error", "rate"],
        &["rate"],
        &["percentage"],
        &["percent"],
        &["proportion"],
        &["fraction"],
        &["share", "of"],
        &["ratio"],
    ]);
    if !asked {
        return Ok(None);
    }
    let of = |names: &[&str]| Filter::Or(names.iter().map(|name| Filter::event_type(*name)).collect());
    let success = reader.has("success") || reader.cue(&[&["succe*"]]);
    let attempts: &[&str] =
        if reader.has("stop") || reader.has("stops") || found.types().any(|name| name.starts_with("stop_")) {
            &["stop_succeeded", "stop_failed"]
        } else {
            &["spawn_succeeded", "spawn_failed"]
        };
    if found.types().any(|name| matches!(name, "node_crashed" | "agent_offline" | "node_restarted")) {
        // There are no attempts to crash: it is how often it happens.
        let unit_us = if reader.has("day") { 86_400_000_000 } else { 3_600_000_000 };
        reader.cue(&[&["per", "hour"], &["hourly"], &["per", "day"], &["daily"]]);
        return Ok(Some(Intent::Value(ValueOf::Frequency { unit_us })));
    }
    let outcome = if success { attempts[0] } else { attempts[1] };
    reader.cue(&[&["spawn*"], &["stop*"], &["start*"], &["fail*"], &["attempts"]]);
    let value = ValueOf::Rate {
        attempts: found.without_kinds.clone().and(of(attempts)),
        outcomes: found.without_kinds.clone().and(of(&[outcome])),
    };
    Ok(Some(Intent::Value(value)))
}

fn compare(reader: &mut Reader<'_>, found: &Found<'_>) -> Option<Intent> {
    let asked = reader.cue(&[
        &["compare"],
        &["compared"],
        &["comparison"],
        &["vs"],
        &["versus"],
        &["difference", "between"],
        &["against"],
    ]);
    let named = found.named();
    let more_than =
        reader.has("more") || reader.has("fewer") || reader.has("less") || reader.has("worse") || reader.has("better");
    if !asked && !(more_than && (named.len() == 2 || found.ranges.len() == 2)) {
        return None;
    }
    reader.cue(&[
        &["more"],
        &["fewer"],
        &["less"],
        &["worse"],
        &["better"],
        &["than"],
        &["compared", "to"],
        &["compared", "with"],
    ]);
    if named.len() == 2 {
        let of = |entity: &FoundEntity| {
            let others: Vec<&FoundEntity> = named.iter().copied().filter(|other| other.name != entity.name).collect();
            (entity.name.clone(), without_entities(found.filter, &others).and(Filter::entity(entity.name.as_str())))
        };
        return Some(Intent::Compare(Compared { first: of(named[0]), second: of(named[1]) }));
    }
    if let [first, second, ..] = found.ranges {
        let of = |(range, phrase): &(TimeRange, String)| {
            (phrase.clone(), without_time(found.filter).and(Filter::Time(*range)))
        };
        return Some(Intent::Compare(Compared { first: of(first), second: of(second) }));
    }
    None
}

/// The filter with every condition on entities taken out that names one of these.
fn without_entities(filter: &Filter, others: &[&FoundEntity]) -> Filter {
    match filter {
        Filter::And(parts) => Filter::And(parts.iter().map(|part| without_entities(part, others)).collect()),
        Filter::Or(parts)
            if parts.iter().any(
                |part| matches!(part, Filter::Entity { value, .. } if others.iter().any(|other| other.name == *value)),
            ) =>
        {
            Filter::All
        }
        other => other.clone(),
    }
}

/// The filter without its time.
fn without_time(filter: &Filter) -> Filter {
    match filter {
        Filter::And(parts) => Filter::And(parts.iter().map(without_time).collect()),
        Filter::Time(_) => Filter::All,
        Filter::Or(parts) if !parts.is_empty() && parts.iter().all(|part| matches!(part, Filter::Time(_))) => {
            Filter::All
        }
        other => other.clone(),
    }
}

fn absence(reader: &mut Reader<'_>, found: &Found<'_>) -> Option<Intent> {
    let unanswered = reader.cue(&[
        &["never", "got", "an", "answer"],
        &["unanswered"],
        &["never", "answered"],
        &["without", "an", "answer"],
        &["without", "answer"],
        &["without", "outcome"],
        &["without", "an", "outcome"],
        &["without", "a", "response"],
        &["without", "response"],
        &["no", "answer"],
        &["no", "response"],
        &["no", "outcome"],
        &["no", "reply"],
        &["never", "completed"],
        &["never", "finished"],
        &["pending"],
        &["never", "got", "a", "response"],
        &["never", "got", "a", "reply"],
        &["never", "got", "answered"],
        &["not", "answered"],
        &["still", "open"],
        &["never", "came", "back"],
        &["never", "succeeded", "or", "failed"],
        &["got", "lost"],
    ]);
    if unanswered {
        let stops = found.types().any(|name| name.starts_with("stop_")) || reader.has("stop");
        let spawns = found.types().any(|name| name.starts_with("spawn_")) || reader.has("spawn");
        let types = match (spawns, stops) {
            (false, true) => vec!["stop_requested"],
            (true, false) => vec!["spawn_requested"],
            _ => vec!["spawn_requested", "stop_requested"],
        };
        reader.cue(&[&["request*"], &["spawn*"], &["stop"], &["never"]]);
        return Some(Intent::Absence(Absence::Unanswered {
            request_types: types.into_iter().map(str::to_owned).collect(),
        }));
    }
    let silent = reader.cue(&[
        &["stopped", "sending"],
        &["stop", "sending"],
        &["missing", "heartbeat*"],
        &["missed", "heartbeat*"],
        &["silent"],
        &["no", "heartbeat*"],
        &["without", "heartbeat*"],
        &["stopped", "heartbeating"],
        &["went", "quiet"],
        &["gone", "quiet"],
        &["heartbeat*", "missing"],
        &["heartbeats", "stop*"],
        &["not", "sending"],
        &["lost", "heartbeat*"],
    ]);
    if silent {
        reader.cue(&[&["heartbeat*"], &["stopped"]]);
        return Some(Intent::Absence(Absence::MissingHeartbeats));
    }
    let never = reader.cue(&[
        &["never"],
        &["had", "no"],
        &["have", "no"],
        &["has", "no"],
        &["with", "no"],
        &["without", "any"],
        &["with", "zero"],
    ]);
    if never && let Some(field) = found.subject {
        return Some(Intent::Absence(Absence::Without { field: field.to_owned() }));
    }
    None
}

fn function(reader: &mut Reader<'_>) -> Option<Result<Intent, String>> {
    let percentile = (0..reader.tokens.len()).find_map(|place| {
        let text = reader.text(place);
        let number = text.strip_prefix('p').or_else(|| text.strip_suffix("th"))?;
        let number: f64 = number.parse().ok()?;
        let is_percentile = text.starts_with('p') || reader.text(place + 1).starts_with("percentile");
        (is_percentile && (0.0..=100.0).contains(&number)).then_some((number, place))
    });
    let (function, cue) = if let Some((number, place)) = percentile {
        reader.use_words(place..place + 1, Stage::Intent);
        reader.cue(&[&["percentile*"]]);
        (Function::Percentile(number), place)
    } else {
        let cues: [(&[&str], Function); 9] = [
            (&["average"], Function::Average),
            (&["mean"], Function::Average),
            (&["median"], Function::Percentile(50.0)),
            (&["maximum"], Function::Maximum),
            (&["max"], Function::Maximum),
            (&["highest"], Function::Maximum),
            (&["minimum"], Function::Minimum),
            (&["lowest"], Function::Minimum),
            (&["sum"], Function::Sum),
        ];
        let found =
            cues.into_iter().find_map(|(phrase, function)| reader.find(phrase).map(|words| (function, words.start)));
        let (function, place) =
            found.or_else(|| reader.find(&["largest"]).map(|words| (Function::Maximum, words.start)))?;
        reader.use_words(place..place + 1, Stage::Intent);
        (function, place)
    };
    // The field stands behind the function: "average cpu percent", "p95 of the latency".
    for place in cue..reader.tokens.len() {
        let is_free = reader.is_unused(place) || reader.used[place] == Some(Stage::Subject);
        if is_free
            && let Some((field, words)) = field_from(reader, place)
        {
            reader.use_words(words, Stage::Condition);
            return Some(Ok(Intent::Value(ValueOf::Field { function, field })));
        }
    }
    let per = reader.cue(&[&["per", "hour"], &["an", "hour"], &["hourly"]]);
    let per_day = reader.cue(&[&["per", "day"], &["a", "day"], &["daily"]]);
    if per || per_day {
        let unit_us = if per { 3_600_000_000 } else { 86_400_000_000 };
        return Some(Ok(Intent::Value(ValueOf::Frequency { unit_us })));
    }
    Some(Err("it does not say of which field the number is asked for, or no event has that field".to_owned()))
}

fn status(reader: &mut Reader<'_>, found: &Found<'_>, yes_no: bool) -> Option<Intent> {
    let asked = reader.cue(&[
        &["status"],
        &["state"],
        &["condition"],
        &["health", "of"],
        &["how", "is"],
        &["how", "are"],
        &["doing"],
        &["health"],
    ]);
    let cluster = reader.has("cluster") || reader.has("grid");
    let present =
        reader.has("is") || reader.has("are") || reader.has("currently") || reader.has("now") || reader.has("right");
    let past_instant = found.instant_us.is_some() && (reader.has("was") || reader.has("were"));
    let states: [(&str, &str, &str); 10] = [
        ("offline", "agent_id", "offline"),
        ("degraded", "agent_id", "degraded"),
        ("healthy", "agent_id", "healthy"),
        ("online", "agent_id", "healthy"),
        ("running", "node_id", "running"),
        ("crashed", "node_id", "crashed"),
        ("stopped", "node_id", "stopped"),
        ("down", "node_id", "crashed"),
        ("up", "node_id", "running"),
        ("alive", "node_id", "running"),
    ];
    let state = states.iter().find(|(word, ..)| reader.has(word)).filter(|_| present || past_instant);
    if !asked && state.is_none() {
        return None;
    }
    // A range in the past asks what happened, not how things stand.
    if !asked && !found.ranges.is_empty() && found.instant_us.is_none() {
        return None;
    }
    if let Some((word, ..)) = state {
        reader.cue(&[&[*word]]);
    }
    let named = found.named();
    let at_us = found.at_us();
    if let [entity] = named.as_slice() {
        let field = found.subject.unwrap_or(if entity.name.starts_with("node") { "node_id" } else { "agent_id" });
        let entity = Entity { field: field.to_owned(), value: entity.name.clone() };
        return (asked || yes_no).then_some(Intent::Status { of: StatusOf::Entity(entity), at_us });
    }
    if !named.is_empty() {
        return None;
    }
    if found.subject.is_none() && (cluster || asked) {
        reader.cue(&[&["cluster"], &["grid"], &["critical"], &["healthy"], &["degraded"]]);
        return Some(Intent::Status { of: StatusOf::Cluster, at_us });
    }
    let (_, default_field, name) = state.copied().unwrap_or(("", "agent_id", ""));
    let field = found.subject.unwrap_or(default_field).to_owned();
    let name = match (name, field.as_str()) {
        ("running", "agent_id") => "healthy",
        ("crashed", "agent_id") => "offline",
        (name, _) => name,
    };
    let state = (!name.is_empty()).then(|| name.to_owned());
    Some(Intent::Status { of: StatusOf::All { field, state }, at_us })
}

fn top(reader: &mut Reader<'_>, found: &Found<'_>) -> Option<Intent> {
    let most = reader.cue(&[&["most"], &["top"], &["worst"], &["noisiest"], &["highest", "number"], &["biggest"]]);
    let least = reader.cue(&[&["least"], &["fewest"], &["lowest", "number"]]);
    let recent = reader.find(&["most", "recent"]).is_some() || reader.find(&["most", "recently"]).is_some();
    let at_least = reader.find(&["at", "least"]).is_some() || reader.find(&["at", "most"]).is_some();
    if !most && !least || recent || at_least {
        return None;
    }
    reader.cue(&[&["common"], &["frequent"], &["frequently"], &["often"], &["offenders"], &["number", "of"]]);
    let mut count = 1;
    if let Some(words) = reader.find(&["top"]) {
        count = 5;
        if let Some(number) = small_number(reader.text(words.end)) {
            count = number;
            reader.use_words(words.end..words.end + 1, Stage::Intent);
        }
    }
    let why =
        reader.cue(&[&["cause*"], &["reason*"], &["error", "message*"], &["error", "text*"], &["error"], &["errors"]]);
    let key = if let Some(key) = group_key(reader, found.offset_seconds) {
        key
    } else if why {
        let field = if found.types().any(|name| name.starts_with("cluster_")) { "reason" } else { "error" };
        GroupKey::Field(if reader.names.has_field(field) { field } else { "reason" }.to_owned())
    } else if reader.cue(&[&["day"], &["days"]]) {
        GroupKey::Time { bucket: Bucket::Day, offset_seconds: found.offset_seconds }
    } else if reader.cue(&[&["hour"], &["hours"]]) {
        GroupKey::Time { bucket: Bucket::Hour, offset_seconds: found.offset_seconds }
    } else if let Some(field) = found.subject {
        if reader.has("agents") || reader.has("nodes") {
            count = count.max(if reader.has("top") { count } else { 1 })
        }
        GroupKey::Field(field.to_owned())
    } else {
        GroupKey::Type
    };
    Some(Intent::Top { key, count, least: least && !most })
}

fn group_key(reader: &mut Reader<'_>, offset_seconds: i32) -> Option<GroupKey> {
    let times = [
        (&["per", "minute"][..], Bucket::Minute),
        (&["by", "minute"], Bucket::Minute),
        (&["per", "hour"], Bucket::Hour),
        (&["by", "hour"], Bucket::Hour),
        (&["each", "hour"], Bucket::Hour),
        (&["hourly"], Bucket::Hour),
        (&["every", "hour"], Bucket::Hour),
        (&["per", "day"], Bucket::Day),
        (&["by", "day"], Bucket::Day),
        (&["each", "day"], Bucket::Day),
        (&["daily"], Bucket::Day),
        (&["every", "day"], Bucket::Day),
        (&["a", "day"], Bucket::Day),
    ];
    for (phrase, bucket) in times {
        if reader.cue(&[phrase]) {
            return Some(GroupKey::Time { bucket, offset_seconds });
        }
    }
    for cue in ["per", "by", "each"] {
        let places: Vec<usize> = (0..reader.tokens.len()).filter(|&place| reader.text(place) == cue).collect();
        for place in places {
            let mut next = place + 1;
            while matches!(reader.text(next), "the" | "each" | "every" | "of") {
                next += 1;
            }
            let word = reader.text(next).to_owned();
            let key = match word.as_str() {
                "type" | "types" | "kind" | "kinds" => Some(GroupKey::Type),
                "agent" | "agents" => Some(GroupKey::Field("agent_id".to_owned())),
                "node" | "nodes" => Some(GroupKey::Field("node_id".to_owned())),
                "cause" | "reason" => {
                    Some(GroupKey::Field(if reader.names.has_field("error") { "error" } else { "reason" }.to_owned()))
                }
                _ => None,
            };
            let (key, words) = match key {
                Some(key) => (Some(key), next..next + 1),
                None => match field_from(reader, next) {
                    Some((field, words)) if !word.is_empty() => (Some(GroupKey::Field(field)), words),
                    _ => (None, next..next),
                },
            };
            if let Some(key) = key {
                reader.use_words(place..words.end, Stage::Intent);
                return Some(key);
            }
        }
    }
    None
}

fn counted(reader: &Reader<'_>, found: &Found<'_>) -> Counted {
    let distinct = ["distinct", "different", "unique", "separate", "individual"].iter().any(|word| reader.has(word));
    let Some(field) = found.subject else { return Counted::Events };
    // "How many agents went offline" asks for agents; "how many nodes crashed" for crashes.
    let of_things = field != "node_id"
        && reader.find(&["how", "many"]).is_some_and(|words| {
            matches!(reader.text(words.end), "of") || reader.used.get(words.end) == Some(&Some(Stage::Subject))
        });
    if distinct || of_things { Counted::Distinct(field.to_owned()) } else { Counted::Events }
}

fn which(reader: &mut Reader<'_>, found: &Found<'_>) -> Option<String> {
    let field = found.subject?;
    // "Agents on kubernetes", "nodes with more than 1 GB": nothing but things and what they are like.
    if found.kinds.is_empty() && found.entities.is_empty() && found.has_conditions {
        return Some(field.to_owned());
    }
    for cue in ["which", "what", "who", "whose"] {
        let Some(words) = reader.find(&[cue]) else { continue };
        let mut next = words.end;
        while matches!(reader.text(next), "of" | "the" | "other" | "all" | "are" | "were" | "different" | "distinct") {
            next += 1;
        }
        if reader.used.get(next) == Some(&Some(Stage::Subject)) || cue == "who" {
            return Some(field.to_owned());
        }
    }
    let listed = ["list", "show", "name", "give", "find"].iter().any(|cue| reader.has(cue))
        && (reader.find(&["agents", "that"]).is_some()
            || reader.find(&["nodes", "that"]).is_some()
            || reader.find(&["agents", "which"]).is_some()
            || reader.find(&["nodes", "which"]).is_some()
            || reader.find(&["agents", "with"]).is_some()
            || reader.find(&["nodes", "with"]).is_some());
    listed.then(|| field.to_owned())
}

fn timeline(reader: &mut Reader<'_>, found: &Found<'_>) -> Option<String> {
    let named = found.named();
    let [entity] = named.as_slice() else { return None };
    let asked = reader.cue(&[
        &["timeline"],
        &["history"],
        &["what", "happened"],
        &["what", "did"],
        &["what", "has"],
        &["what", "was"],
        &["tell", "me", "about"],
        &["life", "of"],
        &["story"],
        &["everything"],
        &["activity"],
        &["up", "to"],
        &["what", "is", "up", "with"],
        &["what", "about"],
    ]);
    (asked && found.kinds.is_empty() || found.kinds.is_empty() && found.entities.len() == 1)
        .then(|| entity.name.clone())
}

/// "The first 5", "the last three", "the latest": how many, and whether the newest.
fn first_or_last(reader: &mut Reader<'_>) -> (Option<usize>, bool) {
    for (cue, newest) in [
        ("last", true),
        ("latest", true),
        ("newest", true),
        ("recent", true),
        ("recently", true),
        ("first", false),
        ("earliest", false),
        ("oldest", false),
    ] {
        let Some(words) = reader.find(&[cue]) else { continue };
        if reader.used[words.start] == Some(Stage::Time) {
            continue;
        }
        reader.use_words(words.clone(), Stage::Intent);
        if let Some(number) = small_number(reader.text(words.end)) {
            reader.use_words(words.end..words.end + 1, Stage::Intent);
            return (Some(number), newest);
        }
        let plural = cue == "recent" || cue == "recently";
        return (if plural { None } else { Some(1) }, newest);
    }
    (None, false)
}

/// A number of things in digits or words.
pub(crate) fn small_number(word: &str) -> Option<usize> {
    const WORDS: [&str; 12] =
        ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];
    let by_word = WORDS.iter().position(|number| *number == word).map(|place| place + 1);
    word.parse().ok().or(by_word).filter(|&number: &usize| number > 0)
}
