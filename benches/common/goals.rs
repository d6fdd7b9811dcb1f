//! Goals, and how near the measured figures come. They inform: no bench fails on a figure.

use std::fmt;

use super::scale;
use super::table::{Table, digits, grouped, time};

/// The goals of a bench with what was measured.
pub(crate) struct Goals {
    table: Table,
    missed: usize,
}

/// The unit of a figure.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Unit {
    /// A time, given in ns.
    Time,
    EventsPerSecond,
    BytesPerEvent,
    MegaBytes,
    Times,
}

impl Unit {
    fn show(self, figure: f64) -> String {
        match self {
            Unit::Time => time(figure),
            Unit::EventsPerSecond => format!("{} events/s", grouped(figure)),
            Unit::BytesPerEvent => format!("{} B/event", digits(figure)),
            Unit::MegaBytes => format!("{} MB", digits(figure)),
            Unit::Times => format!("{} ×", digits(figure)),
        }
    }
}

impl Goals {
    pub(crate) fn new(title: impl Into<String>) -> Self {
        Self { table: Table::new(title, &["", "wanted", "measured", "measured / wanted", ""]), missed: 0 }
    }

    /// A figure that should not be above a limit.
    pub(crate) fn at_most(&mut self, name: &str, limit: f64, measured: f64, unit: Unit) {
        self.note(name, ("≤", limit), measured, unit, measured <= limit);
    }

    /// A figure that should not be below a limit.
    pub(crate) fn at_least(&mut self, name: &str, limit: f64, measured: f64, unit: Unit) {
        self.note(name, ("≥", limit), measured, unit, measured >= limit);
    }

    fn note(&mut self, name: &str, (sign, limit): (&str, f64), measured: f64, unit: Unit, reached: bool) {
        if measured.is_nan() {
            // The system does not say.
            return;
        }
        self.missed += usize::from(!reached);
        self.table.row([
            name.to_owned(),
            format!("{sign} {}", unit.show(limit)),
            unit.show(measured),
            digits(measured / limit),
            if reached { "PASS" } else { "MISS" }.to_owned(),
        ]);
    }
}

impl fmt::Display for Goals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !scale::is_measured() {
            return writeln!(f, "\nThis only shows that it runs; `cargo bench` measures.");
        }
        self.table.fmt(f)?;
        match self.missed {
            0 => writeln!(f, "  All reached."),
            missed => writeln!(f, "  {missed} missed. (A busy machine misses some: see docs/benchmarks.md.)"),
        }
    }
}
