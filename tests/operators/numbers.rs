//! Numbers computed from the events that are meant: averages, rates, durations.

use serde::Deserialize;
use serde_json::Value as Json;

use super::stores::Kept;

/// How far a number may be off, relative to the right one: answers may round.
const TOLERANCE: f64 = 0.01;

/// A number to compute.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "function", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Number {
    Average {
        field: String,
    },
    Maximum {
        field: String,
    },
    Minimum {
        field: String,
    },
    Sum {
        field: String,
    },
    /// The nearest rank and the interpolated value may differ: anything between two neighbours is right.
    Percentile {
        field: String,
        percent: f64,
    },
    /// The share of the selection that is of these types.
    Rate {
        outcomes: Vec<String>,
    },
    /// Events of the selection per so many seconds.
    Frequency {
        seconds: f64,
        over_seconds: f64,
    },
    /// Seconds from each event of the selection to the next of a type with the same value of a field.
    Duration {
        to: Vec<String>,
        by: String,
        of: Durations,
    },
}

/// What to make of several durations.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Durations {
    Sum,
    Average,
    Longest,
    Shortest,
}

impl Number {
    /// Compares the value of an answer with the right one.
    pub(crate) fn check(&self, found: &[&Kept], events: &[Kept], answer: &Json) -> Result<(), String> {
        let answered = &answer["value"]["number"];
        let Some(number) = answered.as_f64() else { return Err(format!("value: expected a number, got {answered}")) };
        let unit = answer["value"]["unit"].as_str().unwrap_or_default();
        let (least, most) = self.compute(found, events);
        let in_seconds = number * seconds_of(unit);
        let close = |number: f64| (least - TOLERANCE * least.abs()..=most + TOLERANCE * most.abs()).contains(&number);
        let right = match self {
            Self::Rate { .. } => close(number) || close(number / 100.0) && unit.starts_with(['%', 'p']),
            Self::Duration { .. } => close(in_seconds),
            _ => close(number),
        };
        if right { Ok(()) } else { Err(format!("value: expected {least}..={most}, got {number} {unit}")) }
    }

    /// The number, as the interval in which any answer is right.
    fn compute(&self, found: &[&Kept], events: &[Kept]) -> (f64, f64) {
        let sorted = |field: &str| {
            let mut numbers: Vec<f64> = found.iter().filter_map(|event| event.json.get(field)?.as_f64()).collect();
            numbers.sort_by(f64::total_cmp);
            assert!(!numbers.is_empty(), "no numbers in {field}");
            numbers
        };
        let exactly = |number: f64| (number, number);
        match self {
            Self::Average { field } => {
                let numbers = sorted(field);
                exactly(numbers.iter().sum::<f64>() / numbers.len() as f64)
            }
            Self::Maximum { field } => exactly(*sorted(field).last().expect("not empty")),
            Self::Minimum { field } => exactly(sorted(field)[0]),
            Self::Sum { field } => exactly(sorted(field).iter().sum()),
            Self::Percentile { field, percent } => {
                let numbers = sorted(field);
                let rank = percent / 100.0 * (numbers.len() - 1) as f64;
                let below = rank.floor() as usize;
                (numbers[below], numbers[(below + 1).min(numbers.len() - 1)])
            }
            Self::Rate { outcomes } => {
                let of_these = found.iter().filter(|event| outcomes.iter().any(|kind| kind == event.kind())).count();
                exactly(of_these as f64 / found.len() as f64)
            }
            Self::Frequency { seconds, over_seconds } => exactly(found.len() as f64 * seconds / over_seconds),
            Self::Duration { to, by, of } => {
                let durations: Vec<f64> = found
                    .iter()
                    .filter_map(|start| {
                        let end = events.iter().find(|event| {
                            event.timestamp_us > start.timestamp_us
                                && to.iter().any(|kind| kind == event.kind())
                                && event.text(by) == start.text(by)
                        })?;
                        Some((end.timestamp_us - start.timestamp_us) as f64 / 1e6)
                    })
                    .collect();
                let sum: f64 = durations.iter().sum();
                exactly(match of {
                    Durations::Sum => sum,
                    Durations::Average => sum / durations.len() as f64,
                    Durations::Longest => durations.iter().copied().fold(f64::MIN, f64::max),
                    Durations::Shortest => durations.iter().copied().fold(f64::MAX, f64::min),
                })
            }
        }
    }
}

fn seconds_of(unit: &str) -> f64 {
    match unit {
        "us" | "µs" => 1e-6,
        "ms" => 1e-3,
        "min" | "m" | "minutes" => 60.0,
        "h" | "hours" => 3600.0,
        _ => 1.0,
    }
}
