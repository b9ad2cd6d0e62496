//! Children: processes of this machine that a launcher has started, or that an earlier scheduler has.

use std::collections::HashMap;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus};
use std::sync::{Mutex, MutexGuard, PoisonError};

use machine::memory::oom_killer::kills;
use machine::process::{self, identity};

use super::job::{Ended, State, Ticket};

const SIGKILL: i32 = 9;

/// Processes that were started, by their ids; those that an earlier scheduler started are not children.
#[derive(Debug, Default)]
pub(super) struct Children {
    started: Mutex<HashMap<u32, Started>>,
}

#[derive(Debug)]
struct Started {
    child: Child,
    /// Processes that the kernel had ended for memory when this process began.
    kills: u64,
}

impl Children {
    /// Starts `command` in a process group of its own: Ctrl-C on the terminal is the scheduler's to answer.
    pub(super) fn start(&self, command: &mut Command) -> std::io::Result<Ticket> {
        let child = command.process_group(0).spawn()?;
        let pid = child.id();
        // A process that has ended already has no identity: nobody will take it for one that lives.
        let ticket = Ticket { name: identity(pid).unwrap_or_default(), pid: Some(pid) };
        self.lock().insert(pid, Started { child, kills: kills() });
        Ok(ticket)
    }

    /// State of the process that `ticket` names.
    pub(super) fn state(&self, ticket: &Ticket) -> State {
        let mut children = self.lock();
        let Some(pid) = ticket.pid else { return State::Ended(Ended::Unseen) };
        let Some(Started { child, kills }) = children.get_mut(&pid) else {
            return if lives(ticket) { State::Running } else { State::Ended(Ended::Unseen) };
        };
        let how = match child.try_wait() {
            Ok(None) => return State::Running,
            Ok(Some(status)) => ended(status, *kills),
            Err(_) => Ended::Code(-1),
        };
        children.remove(&pid);
        State::Ended(how)
    }

    /// Kills the process that `ticket` names.
    pub(super) fn kill(&self, ticket: &Ticket) {
        let Some(pid) = ticket.pid else { return };
        match self.lock().get_mut(&pid) {
            // It fails only for a process that has ended, which is what is wanted.
            Some(started) => drop(started.child.kill()),
            None if lives(ticket) => process::kill(pid),
            None => {}
        }
    }

    /// Asks the process that `ticket` names to end in order.
    pub(super) fn ask_to_end(&self, ticket: &Ticket) {
        let Some(pid) = ticket.pid else { return };
        // The lock keeps the id of a child from being another process's.
        if self.lock().contains_key(&pid) || lives(ticket) {
            process::ask_to_end(pid);
        }
    }

    /// Kills all processes that were started here.
    pub(super) fn kill_all(&self) {
        for started in self.lock().values_mut() {
            let _ = started.child.kill();
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u32, Started>> {
        self.started.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the process lives that `ticket` names, and not another process of the same id.
pub(super) fn lives(ticket: &Ticket) -> bool {
    ticket.pid.and_then(identity).is_some_and(|identity| identity == ticket.name)
}

/// How a process ended that began when the kernel had ended `kills_before` processes for memory.
fn ended(status: ExitStatus, kills_before: u64) -> Ended {
    match status.signal() {
        Some(SIGKILL) if kills() > kills_before => Ended::OutOfMemory,
        Some(signal) => Ended::Signal(signal),
        None => Ended::Code(status.code().unwrap_or(-1)),
    }
}
