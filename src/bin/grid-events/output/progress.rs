//! Progress bars, on a terminal only.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How often a bar is drawn at most, in times a second.
const DRAWS_PER_SECOND: u8 = 10;

/// A bar over bytes read; one without an end if nobody knows how many there are.
pub(crate) fn over_bytes(total: Option<u64>) -> ProgressBar {
    bar(
        total,
        "{bar:32} {bytes}/{total_bytes} {binary_bytes_per_sec} {eta} {msg}",
        "{spinner} {bytes} {binary_bytes_per_sec} {msg}",
    )
}

/// A bar over events.
pub(crate) fn over_events(total: u64) -> ProgressBar {
    bar(Some(total), "{bar:32} {human_pos}/{human_len} events {per_sec} {eta}", "")
}

/// No bar at all.
pub(crate) fn none() -> ProgressBar {
    ProgressBar::hidden()
}

fn bar(total: Option<u64>, with_end: &str, without_end: &str) -> ProgressBar {
    // It draws nothing where stderr is no terminal.
    let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr_with_hz(DRAWS_PER_SECOND));
    let template = if total.is_some() { with_end } else { without_end };
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_templates_are_legal() {
        for bar in [super::over_bytes(Some(1)), super::over_bytes(None), super::over_events(1)] {
            assert!(bar.is_hidden() || bar.length().is_none_or(|length| length == 1));
        }
    }
}
