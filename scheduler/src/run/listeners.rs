//! List of listeners: all parts of the scheduler that hear what happens in a sweep.

use plan::{Batches, Plan};
use protocol::message::FromWorker;

use super::at_end::AtEnd;
use super::background::Background;
use super::batch_sizes::BatchSizes;
use super::happening::{Happening, Listener};
use super::recorder::Recorder;
use super::shown::Shown;
use crate::lock::Lock;
use crate::tell::Progress;
use crate::tell::summary::Totals;

/// Listeners of one sweep.
pub(crate) struct Listeners<'a> {
    pub(super) sizes: BatchSizes,
    pub(super) background: Background<'a>,
    pub(super) totals: Totals,
    pub(super) shown: Shown,
    progress: Progress,
    recorder: Recorder,
    at_end: AtEnd,
}

impl<'a> Listeners<'a> {
    /// Listeners of a sweep that begins `afresh`, or continues one that was cut off.
    pub(super) fn new(
        (plan, afresh, lock): (&'a Plan, bool, Lock),
        (batches, shown): (Batches, Shown),
        progress: &Progress,
    ) -> Self {
        Self {
            sizes: BatchSizes::new(plan, batches),
            background: Background::new(plan, lock),
            totals: Totals::new(),
            shown,
            progress: progress.clone(),
            recorder: Recorder::begin(plan, afresh),
            at_end: AtEnd::of(plan),
        }
    }

    /// Passes `happening` on to every listener.
    pub(super) fn tell(&mut self, happening: &Happening<'_>) {
        let all: [&mut dyn Listener; 7] = [
            &mut self.sizes,
            &mut self.background,
            &mut self.totals,
            &mut self.recorder,
            &mut self.shown,
            // What is shown is told.
            &mut self.progress,
            // The journal knows the end by then.
            &mut self.at_end,
        ];
        for listener in all {
            listener.hear(happening);
        }
    }
}

impl Listener for Progress {
    fn hear(&mut self, happening: &Happening<'_>) {
        match happening {
            Happening::Begun { .. } => self.begin(),
            Happening::LeftBehind { device, pid } => self.tell(&format!(
                "process {pid} on {device} was killed and does not end: it waits inside the system (for a driver or a disk). It \
                 is left behind, and {device} is left alone until it has ended"
            )),
            Happening::Counted { .. } | Happening::Tick => self.look(),
            Happening::Over { .. } => self.end(),
            _ => {}
        }
    }
}

impl Listener for Totals {
    fn hear(&mut self, happening: &Happening<'_>) {
        match happening {
            Happening::Counted { report, since, .. } => self.add(report, *since),
            Happening::Said { message: FromWorker::Done { unit, report, .. }, .. } => {
                if let Some(reason) = &report.fell_back
                    && self.fell_back.insert(reason.clone())
                {
                    tracing::error!(%unit, reason, "the plain graph computes");
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use protocol::message::Report;

    use super::*;

    fn done(reason: &str) -> FromWorker {
        let report = Report { fell_back: Some(reason.to_owned()), ..Report::default() };
        FromWorker::Done { unit: "g/0".into(), attempt: 1, report }
    }

    /// Status page, as one may come: adding the page touches its own file and the list of listeners.
    #[derive(Default)]
    struct Page {
        maps: u64,
        done: u64,
    }

    impl Listener for Page {
        fn hear(&mut self, happening: &Happening<'_>) {
            match happening {
                Happening::Begun { maps } => self.maps = *maps,
                Happening::Counted { maps, .. } => self.done += maps,
                _ => {}
            }
        }
    }

    #[test]
    fn a_new_listener_follows_a_sweep_by_what_all_others_hear() {
        let (mut page, mut totals) = (Page::default(), Totals::new());
        let report = Report { maps: 8, ..Report::default() };
        let counted = |since| Happening::Counted { maps: 10, report: &report, since: Duration::from_secs(since) };
        for happening in [Happening::Begun { maps: 30 }, counted(1), Happening::Tick, counted(2)] {
            let all: [&mut dyn Listener; 2] = [&mut page, &mut totals];
            for listener in all {
                listener.hear(&happening);
            }
        }
        assert_eq!((page.done, page.maps), (20, 30));
    }

    #[test]
    fn a_reason_for_which_plain_graphs_compute_is_kept_once_whether_the_unit_counts_or_not() {
        let mut totals = Totals::new();
        for reason in ["a", "b", "a"] {
            totals.hear(&Happening::Said { worker: fleet::WorkerId(1), message: &done(reason) });
        }
        assert_eq!(totals.fell_back.into_iter().collect::<Vec<_>>(), ["a", "b"]);
    }
}
