//! `scheduler retry --failed`: the units that failed, and nothing else.
//!
//! A plain run tries the failed units again too, as units are given up within a run only. The command is for a large sweep
//! of which a few units failed, once their cause is gone: other missing units are left for later.

use std::collections::BTreeSet;
use std::path::Path;

use journal::History;
use plan::Plan;
use plan::exit::{Code, Failure};
use sweep::unit::{Part, Unit, UnitId};

use crate::commands::args::SweepArgs;
use crate::tell::say;

/// Runs the units whose last attempt failed, as the journal has it, and no others
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Units whose last attempt failed
    #[arg(long, required = true)]
    failed: bool,

    #[command(flatten)]
    pub(crate) sweep: SweepArgs,
}

/// Leaves only the failed units in `plan`; an outcome if there are none.
pub(crate) fn choose(plan: &mut Plan) -> Result<Option<Code>, Failure> {
    let unreadable = |error: journal::JournalError| Failure {
        code: Code::Storage,
        text: format!("{error}; what failed is not known, and a run without `retry` does all that is missing"),
    };
    let history = History::open(&journal::file(&plan.config.paths.output_dir)).map_err(unreadable)?;
    let failed = history.map_or_else(|| Ok(Vec::new()), |history| history.failed_units()).map_err(unreadable)?;
    keep(plan, &failed.into_iter().map(|failed| failed.unit).collect());
    if plan.units.is_empty() {
        say("No unit that this config asks for has failed at its last attempt; nothing was run.\n");
        return Ok(Some(Code::Complete));
    }
    Ok(None)
}

fn keep(plan: &mut Plan, failed: &BTreeSet<UnitId>) {
    let (shards, whole): (Vec<_>, Vec<_>) = plan.units.drain(..).partition(|unit| unit.part != Part::Whole);
    let (mut kept, left): (Vec<_>, Vec<_>) = shards.into_iter().partition(|unit| failed.contains(&unit.id()));
    for planned in &mut plan.groups {
        let of_group = |units: &[Unit]| units.iter().any(|unit| unit.group.store == planned.group.store);
        let failed = |unit: &Unit| unit.group.store == planned.group.store && failed.contains(&unit.id());
        let tried = of_group(&kept) || whole.iter().any(failed);
        // Where shards stay missing, or nothing failed, the group is neither averaged nor closed.
        if of_group(&left) || !tried {
            planned.complete = true;
        }
    }
    let open: BTreeSet<&Path> =
        plan.groups.iter().filter(|planned| !planned.complete).map(|planned| planned.group.store.as_path()).collect();
    kept.extend(whole.into_iter().filter(|unit| open.contains(unit.group.store.as_path())));
    plan.units = kept;
}
