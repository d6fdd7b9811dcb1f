//! Two days of deployments, alerts and logins: the same names stand in different fields of different kinds.

use serde_json::json;

use super::stores::{Numbers, Story, at};

const MINUTE_US: i64 = 60_000_000;
const USERS: [&str; 3] = ["alice", "bob", "carol"];
const SERVICES: [&str; 3] = ["checkout", "billing", "search"];

/// The whole story.
pub(crate) fn story() -> Story {
    let mut story = Story::default();
    let mut numbers = Numbers(11);
    for n in 0..40_i64 {
        let start = at("22T13:00:00") + n * 67 * MINUTE_US;
        let (id, service) = (format!("deploy-{n:03}"), numbers.one_of(&SERVICES));
        let (env, user) = (numbers.one_of(&["prod", "staging"]), numbers.one_of(&USERS));
        let fields = json!({"deployment_id": id, "service": service, "env": env, "user": user});
        story.tell(start, "deployment_started", fields);
        if numbers.below(4) == 0 {
            let reason = numbers.one_of(&["image not found", "health check failed"]);
            let fields = json!({"deployment_id": id, "service": service, "env": env, "reason": reason});
            story.tell(start + 2 * MINUTE_US, "deployment_failed", fields);
        } else {
            let seconds = 20 + numbers.below(700);
            let fields = json!({"deployment_id": id, "service": service, "env": env, "duration_seconds": seconds});
            story.tell(start + 12 * MINUTE_US, "deployment_finished", fields);
        }
    }
    for n in 0..24_i64 {
        let fired = at("22T13:31:00") + n * 113 * MINUTE_US;
        let (id, severity) = (format!("alert-{n:03}"), numbers.one_of(&["warning", "critical"]));
        story.tell(fired, "alert_fired", json!({"alert_id": id, "severity": severity, "value": numbers.below(100)}));
        if n % 3 != 0 {
            let fields = json!({"alert_id": id, "resolved_by": numbers.one_of(&USERS)});
            story.tell(fired + 17 * MINUTE_US, "alert_resolved", fields);
        }
    }
    for n in 0..50_i64 {
        let when = at("22T12:40:00") + n * 55 * MINUTE_US;
        let fields = json!({"user_id": numbers.one_of(&USERS), "success": numbers.below(6) != 0});
        story.tell(when, "login", fields);
    }
    story
}
