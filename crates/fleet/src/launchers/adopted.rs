//! Processes of this machine that an earlier scheduler started.

use std::fs;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use protocol::access::Running;

use super::{Ended, Process};

/// How often it is looked whether one still lives: only its own parent is told when it ends.
const LOOK: Duration = Duration::from_millis(100);

/// What tells the process `pid` from every other one that ever had this id: the boot, and when in it the process
/// was started. Nothing if there is no such process, or only what is left of it until its parent looks: of one that was killed
/// its first thread is gone while another one may still wait inside the system.
pub(crate) fn identity(pid: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in brackets, may hold anything.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let (state, started) = (fields.first()?, fields.get(19)?);
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let threads = || fs::read_dir(format!("/proc/{pid}/task")).map_or(0, Iterator::count);
    (!matches!(*state, "Z" | "X") || threads() > 1).then(|| format!("{}:{started}", boot.trim()))
}

/// A process that is not this one's child.
pub(crate) struct Adopted(Running);

impl Adopted {
    /// The process, if it still lives.
    pub(crate) fn find(running: &Running) -> Option<Self> {
        lives(running).then(|| Self(running.clone()))
    }
}

fn lives(running: &Running) -> bool {
    identity(running.pid).is_some_and(|identity| identity == running.identity)
}

impl Process for Adopted {
    #[expect(unsafe_code, reason = "std kills children only")]
    fn kill(&self) {
        if lives(&self.0) {
            // SAFETY: sends a signal; the process was just seen to be the one that is meant.
            unsafe { libc::kill(self.0.pid as libc::pid_t, libc::SIGKILL) };
        }
    }

    fn pid(&self) -> Option<u32> {
        Some(self.0.pid)
    }

    fn ended(&mut self) -> Pin<Box<dyn Future<Output = Ended> + Send + 'static>> {
        let running = self.0.clone();
        Box::pin(async move {
            while lives(&running) {
                tokio::time::sleep(LOOK).await;
            }
            Ended::Unseen
        })
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command};

    use super::*;

    fn sleeper() -> (Child, Running) {
        let child = Command::new("sleep").arg("60").spawn().unwrap();
        let identity = identity(child.id()).unwrap();
        let running = Running { instance: 1, pid: child.id(), identity, gpu: None };
        (child, running)
    }

    #[tokio::test]
    async fn a_process_of_somebody_else_can_be_ended_and_is_seen_to_end() {
        let (mut child, running) = sleeper();
        let mut adopted = Adopted::find(&running).unwrap();
        let ended = adopted.ended();
        adopted.kill();
        assert_eq!(tokio::time::timeout(Duration::from_secs(10), ended).await.unwrap(), Ended::Unseen);
        assert!(Adopted::find(&running).is_none(), "what waits for its parent is no process");
        child.wait().unwrap();
    }

    #[test]
    fn another_process_of_the_same_id_is_neither_adopted_nor_ended() {
        let (mut child, running) = sleeper();
        let other = Running { identity: "another boot:1".into(), ..running };
        assert!(Adopted::find(&other).is_none());
        Adopted(other).kill();
        assert!(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// As a worker is that was killed while one of its threads waits for a driver: its first thread is a zombie by then.
    #[test]
    fn a_process_of_which_a_thread_lives_is_not_gone() {
        let exit = format!(
            "import ctypes, threading, time; threading.Thread(target=time.sleep, args=(60,)).start(); \
             ctypes.CDLL(None).syscall({}, 0)",
            libc::SYS_exit
        );
        let mut child = Command::new("python3").args(["-c", &exit]).spawn().unwrap();
        let stat = || fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap();
        let until = std::time::Instant::now() + Duration::from_secs(20);
        while !stat().contains(") Z ") {
            assert!(std::time::Instant::now() < until, "{}", stat());
            std::thread::sleep(LOOK);
        }
        assert!(identity(child.id()).is_some());
        child.kill().unwrap();
        while identity(child.id()).is_some() {
            assert!(std::time::Instant::now() < until, "killed, it is gone");
            std::thread::sleep(LOOK);
        }
        child.wait().unwrap();
    }
}
