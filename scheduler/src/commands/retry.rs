//! `scheduler retry --failed`: the units that failed, and nothing else.
//!
//! A plain run tries them again too, as units are given up within a run only. This is for a large sweep of which a
//! few units failed, once their cause is mended: what else is missing is left for later.

use std::collections::BTreeSet;

use journal::History;
use plan::Plan;
use plan::exit::{Code, Failure};

use super::say;
use crate::SweepArgs;

/// Runs the units whose last attempt failed, as the journal has it, and no others
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Units whose last attempt failed
    #[arg(long, required = true)]
    failed: bool,

    #[command(flatten)]
    pub(crate) sweep: SweepArgs,
}

/// Leaves in `plan` the units that failed; an outcome if there are none.
pub(crate) fn choose(plan: &mut Plan) -> Result<Option<Code>, Failure> {
    let unreadable = |error: journal::JournalError| Failure {
        code: Code::Storage,
        text: format!("{error}; what failed is not known, and a run without `retry` does all that is missing"),
    };
    let history = History::open(&journal::file(&plan.config.paths.output_dir)).map_err(unreadable)?;
    let failed = history.map_or_else(|| Ok(Vec::new()), |history| history.failed_units()).map_err(unreadable)?;
    keep(plan, &failed.into_iter().map(|failed| failed.unit).collect());
    let to_do = plan.units.len() + plan.groups.iter().filter(|planned| !planned.complete).count();
    if to_do == 0 {
        say("No unit that this config asks for has failed at its last attempt; nothing was run.\n");
        return Ok(Some(Code::Complete));
    }
    Ok(None)
}

fn keep(plan: &mut Plan, failed: &BTreeSet<String>) {
    let (kept, left): (Vec<_>, Vec<_>) = plan.units.drain(..).partition(|unit| failed.contains(&unit.id().0));
    plan.units = kept;
    for planned in &mut plan.groups {
        let name = planned.group.name();
        let of_group = |units: &[sweep::unit::Unit]| units.iter().any(|unit| unit.group.store == planned.group.store);
        let tried = of_group(&plan.units) || failed.contains(&format!("{name}/means"));
        // Where shards stay missing, or nothing failed, the group is neither averaged nor closed.
        if of_group(&left) || !tried {
            planned.complete = true;
        }
    }
}
