//! Three days of pods, logs and spans: kinds that the engine was never told of.

use serde_json::json;

use super::stores::{Numbers, Story, at};

const MINUTE_US: i64 = 60_000_000;

/// Pod, namespace, host.
const PODS: [(&str, &str, &str); 8] = [
    ("web-1", "shop", "host-a"),
    ("web-2", "shop", "host-b"),
    ("web-3", "shop", "host-c"),
    ("cart-1", "shop", "host-a"),
    ("cart-2", "shop", "host-b"),
    ("batch-7", "reports", "host-c"),
    ("batch-8", "reports", "host-c"),
    ("proxy-0", "edge", "host-a"),
];

/// When, pod and why it was evicted.
const EVICTED: [(&str, &str, &str); 6] = [
    ("22T14:00:00", "batch-7", "memory pressure"),
    ("23T01:30:00", "web-3", "node drain"),
    ("23T09:45:00", "batch-7", "memory pressure"),
    ("23T22:10:00", "batch-8", "disk pressure"),
    ("24T02:20:00", "batch-7", "memory pressure"),
    ("24T10:05:00", "cart-2", "node drain"),
];

const SERVICES: [&str; 3] = ["checkout", "search", "login"];
const MESSAGES: [&str; 4] =
    ["connection refused", "deadline exceeded", "null pointer in handler", "connection refused by database"];

/// The whole story.
pub(crate) fn story() -> Story {
    let mut story = Story::default();
    let mut numbers = Numbers(7);
    for (n, (pod, namespace, host)) in (0..).zip(PODS) {
        let fields = json!({"pod_id": pod, "namespace": namespace, "host": host, "priority": n % 3});
        story.tell(at("21T13:00:00") + n * 3 * MINUTE_US, "pod_scheduled", fields);
    }
    for (when, pod, reason) in EVICTED {
        let (_, namespace, host) = PODS.into_iter().find(|(name, ..)| *name == pod).expect("a pod");
        let fields = json!({"pod_id": pod, "namespace": namespace, "host": host, "reason": reason});
        story.tell(at(when), "pod_evicted", fields);
        let fields = json!({"pod_id": pod, "namespace": namespace, "host": host, "priority": 1});
        story.tell(at(when) + 2 * MINUTE_US, "pod_scheduled", fields);
    }
    for n in 0..60 {
        let when = at("21T14:11:00") + n * 70 * MINUTE_US;
        let fields = json!({"service": numbers.one_of(&SERVICES), "message": numbers.one_of(&MESSAGES),
                            "host": numbers.one_of(&["host-a", "host-b", "host-c"])});
        story.tell(when, "log_error", fields);
    }
    for n in 0..200 {
        let when = at("21T13:30:07") + n * 21 * MINUTE_US;
        let service = numbers.one_of(&SERVICES);
        let operation = numbers.one_of(&["query", "render", "authorize"]);
        let duration = 5 + numbers.below(40) * numbers.below(40);
        let fields = json!({"service": service, "operation": operation, "duration_ms": duration,
                            "trace_id": format!("trace-{n:03}")});
        story.tell(when, "span", fields);
    }
    for n in 0..17 {
        for (k, (pod, ..)) in (0..).zip(PODS) {
            let when = at("21T14:00:03") + n * 240 * MINUTE_US + k * 1_000_000;
            let fields = json!({"pod_id": pod, "cpu_percent": numbers.below(1000) as f64 / 10.0,
                                "memory_mb": 100 + numbers.below(900)});
            story.tell(when, "pod_metrics", fields);
        }
    }
    story
}
