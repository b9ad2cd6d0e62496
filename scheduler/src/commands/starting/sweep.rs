//! A run of a sweep, or a check of its config.

use std::io::Write;
use std::time::Duration;

use fleet::launchers::Place;
use plan::exit::{Code, Failure};

use super::{check, retry};
use crate::commands::args::SweepArgs;
use crate::tell::{Progress, logging};
use crate::{lock, run};

/// Part of the missing units that a run does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    Everything,
    Failed,
}

/// Checks the config, prepares the stores and runs the sweep to its end.
pub(crate) fn sweep(cli: &SweepArgs, scope: Scope) -> Result<Code, Failure> {
    let worker = fleet::Worker::locate(cli.worker.clone());
    let mut checked = plan::check(&cli.config, &worker, &cli.wishes())?;
    if cli.check {
        for warning in &checked.warnings {
            let _ = writeln!(std::io::stderr(), "warning: {warning}");
        }
        check::tell(&checked)?;
        return Ok(Code::Complete);
    }
    let mut lock = lock::take(&checked.config.paths.output_dir)?;
    checked.reserve()?;
    let progress = Progress::new(cli.manner());
    let logs = logging::start(&checked.config.paths, &cli.logs, &progress)?;
    let guessed = checked.config.reference.and_then(|reference| reference.guessed());
    for warning in checked.warnings.iter().chain(&guessed) {
        tracing::warn!("{warning}");
    }
    let is_here = checked.launcher.place() == Place::Here;
    let probes = checked.config.preflight.enabled && is_here;
    if checked.config.preflight.enabled && !is_here {
        tracing::warn!("nothing is measured before the sweep: workers elsewhere find their batch sizes themselves");
    }
    // Until the sweep listens itself.
    let interruptible = probes.then(preflight::Interruptible::begin);
    if probes {
        probe(&mut checked, &worker, &progress)?;
    }
    checked.meet_expectations(&worker)?;
    // Preflight may have taken long, or this process been stopped.
    lock.again(&|| true)?;
    let mut plan = checked.begin()?;
    if scope == Scope::Failed
        && let Some(code) = retry::choose(&mut plan)?
    {
        return Ok(code);
    }
    let shown = run::shown::open(&plan, cli.page, &progress)?;
    let settings = fleet::Settings {
        listen: cli.listen.clone(),
        slots: plan.slots.clone(),
        logs: plan.config.paths.log_dir.join(logs.worker()),
        options: cli.logs.words(),
        lease: Duration::from_secs(cli.lease),
        access: plan.config.paths.output_dir.join(protocol::access::ACCESS),
        sweep: run::sweep_id::of(&plan),
        reads: run::reads(&plan),
    };
    let batches = plan.batches.clone();
    drop(interruptible);
    run::run((&plan, scope == Scope::Failed, lock), (batches, shown), worker, settings, &progress)
}

/// Finds the batch sizes that no profile knows, before the sweep. A variant that could not be measured is swept with a
/// cautious batch size: if the reason that is told now is a real one, the reason comes again.
fn probe(checked: &mut plan::Checked, worker: &fleet::Worker, progress: &Progress) -> Result<(), Failure> {
    checked.compute_means()?;
    // It may take minutes: whoever watches sees what it does.
    let tell = |line: &str| {
        tracing::info!("{line}");
        progress.note(line);
    };
    let options = preflight::Options { trusts: true, ..preflight::Options::default() };
    let summary = preflight::run(checked, worker, options, &tell)?;
    for (what, why) in &summary.failed {
        tracing::warn!("no batch size was found for {what}: {why}");
    }
    tracing::info!(found = summary.found, known = summary.known, seconds = summary.seconds, "preflight is done");
    Ok(())
}
