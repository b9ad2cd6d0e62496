//! Workers as processes of this machine.

use std::fs::OpenOptions;
use std::future::Future;
use std::os::unix::process::ExitStatusExt;
use std::pin::Pin;
use std::process::Stdio;

use machine::oom_killer::kills;
use tokio::process::Command;
use tokio::sync::{mpsc, oneshot};

use super::{Ended, Entry, Job, Launcher, Process};
use crate::{FleetError, Slot};

pub(super) const ENTRY: Entry = Entry { name: "local", build: || Box::new(Local) };

const SIGKILL: i32 = 9;

struct Local;

impl Launcher for Local {
    fn launch(&self, slot: &Slot, job: &Job) -> Result<Box<dyn Process>, FleetError> {
        let log = OpenOptions::new().create(true).append(true).open(&job.log);
        let log = log.map_err(|source| FleetError::Log { file: job.log.clone(), source })?;
        let mut command = Command::new(&job.program);
        slot.prepare(command.as_std_mut());
        command
            .args(&job.arguments)
            .env("ATTRISWEEP_TOKEN", &job.token)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            // Ctrl-C on the terminal is the scheduler's to answer.
            .process_group(0)
            .kill_on_drop(true);
        let start = |source| FleetError::Start { program: job.program.clone(), source };
        let mut child = command.spawn().map_err(start)?;
        let (pid, kills_before) = (child.id(), kills());
        let (kill, mut killed) = mpsc::unbounded_channel();
        let (end, ended) = oneshot::channel();
        tokio::spawn(async move {
            let status = tokio::select! {
                status = child.wait() => status,
                _ = killed.recv() => {
                    // It fails only for a process that has ended, which is what is wanted.
                    let _ = child.start_kill();
                    child.wait().await
                }
            };
            let status = status.map(|status| match status.signal() {
                Some(SIGKILL) if kills() > kills_before => Ended::OutOfMemory,
                Some(signal) => Ended::Signal(signal),
                None => Ended::Code(status.code().unwrap_or(-1)),
            });
            let _ = end.send(status.unwrap_or(Ended::Code(-1)));
        });
        Ok(Box::new(LocalProcess { pid, kill, ended: Some(ended) }))
    }
}

struct LocalProcess {
    pid: Option<u32>,
    kill: mpsc::UnboundedSender<()>,
    ended: Option<oneshot::Receiver<Ended>>,
}

impl Process for LocalProcess {
    fn kill(&self) {
        let _ = self.kill.send(());
    }

    fn pid(&self) -> Option<u32> {
        self.pid
    }

    fn ended(&mut self) -> Pin<Box<dyn Future<Output = Ended> + Send + 'static>> {
        let ended = self.ended.take();
        Box::pin(async move {
            match ended {
                Some(ended) => ended.await.unwrap_or(Ended::Code(-1)),
                None => std::future::pending().await,
            }
        })
    }
}
