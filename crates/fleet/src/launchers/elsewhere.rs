//! What launchers of other machines have in common: their settings, their slots, and the devices of their workers.

use std::sync::atomic::{AtomicBool, Ordering};

use sweep::config::Devices;
use sweep::yaml::{Fields, read};

use super::job::{Ended, State};
use super::launcher::{Offer, Place, Wanted};
use crate::slot::Slot;
use protocol::exit::ExitCode;

/// Most workers of a launcher: a cluster takes no more than 1001 jobs in an array, unless its administrator has chosen otherwise.
pub(super) const MOST: u64 = 1000;

/// Settings of workers on other machines, whose devices nobody knows before they call.
#[derive(Debug, Default)]
pub(super) struct Elsewhere {
    network: Option<String>,
    /// Whether workers compute on processors, as the config wants it.
    on_processors: AtomicBool,
}

impl Elsewhere {
    /// Reads the keys that all of these launchers have.
    pub(super) fn read(fields: &mut Fields<'_>) -> Self {
        Self { network: fields.optional("network", read::text), on_processors: AtomicBool::new(false) }
    }

    pub(super) fn place(&self) -> Place {
        Place::Elsewhere { network: self.network.clone() }
    }

    /// A slot for each of `names`. GPUs that the config names by their index are those of this machine, which nobody else has.
    pub(super) fn offer(&self, names: impl IntoIterator<Item = String>, wanted: &Wanted<'_>) -> Offer {
        let on_processors = matches!(wanted.devices, Devices::Cpu { .. });
        self.on_processors.store(on_processors, Ordering::Relaxed);
        let model = if on_processors { "processors elsewhere" } else { "GPUs elsewhere" };
        let slot = |name| Slot {
            name,
            model: model.to_owned(),
            threads: wanted.threads.unwrap_or(1),
            gpu: None,
            memory: wanted.memory.filter(|_| on_processors),
        };
        let slots = names.into_iter().map(slot).collect();
        let indices = matches!(wanted.devices, Devices::Gpus(_)).then(|| {
            "GPUs that `devices` or `available_gpus` name are those of this machine, and are not used: the launcher says where workers \
             run"
            .to_owned()
        });
        Offer { slots, warnings: indices.into_iter().collect() }
    }

    pub(super) fn on_processors(&self) -> bool {
        self.on_processors.load(Ordering::Relaxed)
    }

    /// Arguments that name the device of the worker in `slot`.
    pub(super) fn device(&self, slot: &Slot) -> Vec<String> {
        let device = if self.on_processors() { "cpu" } else { "cuda" };
        let memory = match slot.memory {
            Some(bytes) => vec!["--memory".to_owned(), bytes.to_string()],
            None if self.on_processors() => vec!["--memory-left".to_owned()],
            None => Vec::new(),
        };
        let threads = slot.threads.to_string();
        let words = ["--device", device, "--threads", &threads].map(str::to_owned);
        words.into_iter().chain(memory).collect()
    }
}

/// Conclusion from the state of a process that only passes on what happens elsewhere (`srun`, `ssh`). Its end says little: `srun`
/// leaves with 0 after its node was lost, and `ssh` with 255 where the network was.
pub(super) fn hearsay(state: State) -> State {
    let State::Ended(Ended::Code(code)) = state else { return state };
    State::Ended(match (ExitCode::of(code), code) {
        (Some(ExitCode::Done) | None, 129..=192) => Ended::Signal(code - 128),
        (Some(ExitCode::Done) | None, _) => Ended::Unseen,
        (Some(ExitCode::Preempted), _) => Ended::TakenAway,
        (Some(_), _) => Ended::Code(code),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_go_between_counts_only_where_a_worker_would_have_left_so() {
        let of = |code| hearsay(State::Ended(Ended::Code(code)));
        assert_eq!(of(0), State::Ended(Ended::Unseen));
        assert_eq!(of(255), State::Ended(Ended::Unseen));
        assert_eq!(of(1), State::Ended(Ended::Unseen));
        assert_eq!(of(87), State::Ended(Ended::TakenAway));
        assert_eq!(of(83), State::Ended(Ended::Code(83)));
        assert_eq!(of(139), State::Ended(Ended::Signal(11)));
        assert_eq!(hearsay(State::Running), State::Running);
    }
}
