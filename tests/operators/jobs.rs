//! Two days of a batch cluster: machines, jobs and their tasks.

use serde_json::json;

use super::stores::{Numbers, Story, at};

const MINUTE_US: i64 = 60_000_000;
const USERS: [&str; 4] = ["alice", "bob", "carol", "dave"];

/// The whole story.
pub(crate) fn story() -> Story {
    let mut story = Story::default();
    let mut numbers = Numbers(42);
    for n in 0..10 {
        let (region, cores) = (["zurich", "oslo"][n % 2], [8, 16, 32][n % 3]);
        let when = at("22T12:30:00") + i64::try_from(n).expect("small") * 90 * MINUTE_US;
        let fields = json!({"machine_id": format!("machine-{n:02}"), "cpu_cores": cores, "region": region});
        story.tell(when, "machine_added", fields);
    }
    for n in 0..30 {
        let job = format!("job-{n:03}");
        let when = at("22T13:07:00") + n * 93 * MINUTE_US;
        let user = if n % 5 == 0 { "alice" } else { numbers.one_of(&USERS) };
        let fields = json!({"job_id": job, "user": user, "priority": numbers.below(10)});
        story.tell(when, "job_submitted", fields);
        for k in 0..=numbers.below(4) {
            let task = format!("task-{n:03}-{k}");
            let machine = format!("machine-{:02}", numbers.below(10));
            let start = when + MINUTE_US + i64::try_from(k).expect("small") * 1_500_000;
            let cpu = 0.25 * (1 + numbers.below(16)) as f64;
            let fields = json!({"task_id": task, "job_id": job, "machine_id": machine, "cpu_request": cpu});
            story.tell(start, "task_submitted", fields);
            if numbers.below(5) == 0 {
                let reason = numbers.one_of(&["out of disk", "killed", "bad input"]);
                let fields = json!({"task_id": task, "job_id": job, "machine_id": machine, "reason": reason});
                story.tell(start + 9 * MINUTE_US, "task_failed", fields);
            }
        }
    }
    story
}
