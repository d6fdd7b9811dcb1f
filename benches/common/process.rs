//! What this process takes of the machine, and how to measure in a process of its own.

use std::process::Command;

use super::Outcome;

/// The argument under which a bench runs as a child of itself.
const CHILD: &str = "--measured-alone";

/// The most memory that this process ever had resident, in MB (10⁶ bytes); no number where the system does not say.
pub(crate) fn memory_peak_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kibibytes =
        status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
    kibibytes.map_or(f64::NAN, |kibibytes: f64| kibibytes * 1024.0 / 1e6)
}

/// How long this thread was ready to run but had no core, so far, in ns; 0 where the system does not say.
pub(crate) fn core_wait_ns() -> u64 {
    schedule_ns(1)
}

/// How long this thread had a core so far, in ns; 0 where the system does not say.
pub(crate) fn core_ns() -> u64 {
    schedule_ns(0)
}

fn schedule_ns(place: usize) -> u64 {
    let figures = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    figures.split_whitespace().nth(place).and_then(|figure| figure.parse().ok()).unwrap_or_default()
}

/// The task of this process, if it was started by [`run_alone`].
pub(crate) fn alone() -> Option<String> {
    let mut arguments = std::env::args().skip_while(|argument| argument != CHILD);
    arguments.next().and(arguments.next())
}

/// Runs a task of this bench in a process of its own, and returns the figures that it printed.
pub(crate) fn run_alone(task: &str, path: &std::path::Path) -> Outcome<Vec<f64>> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(super::scale::is_measured().then_some("--bench")).args([CHILD, task]).arg(path);
    let output = command.stderr(std::process::Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err(format!("`{task}` ended with {}", output.status).into());
    }
    String::from_utf8(output.stdout)?.split_whitespace().map(|word| Ok(word.parse()?)).collect()
}

/// The path that a child was given.
pub(crate) fn path_alone() -> Outcome<std::path::PathBuf> {
    std::env::args_os().next_back().map(Into::into).ok_or_else(|| "no path was given".into())
}
