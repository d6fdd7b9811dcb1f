//! `effects`: what an event, or the last failure of an entity, led to. As `why`, forwards.

use anyhow::Result;
use sutra_grid_events::graph::causes::effects;

use super::Outcome;
use super::why::{WhyArguments, run_towards};
use crate::args::Global;

pub(crate) fn run(global: &Global, arguments: &WhyArguments) -> Result<Outcome> {
    run_towards(global, arguments, effects)
}
