//! `demo`: placeholder until the supervisor is there.

use anyhow::{Result, bail};

use super::Outcome;
use crate::args::Global;

pub(crate) fn run(_global: &Global) -> Result<Outcome> {
    bail!("the demo is not part of this build yet")
}
