//! Processes of this machine that an earlier scheduler started.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use machine::process::{self, identity};
use sweep::access::Running;

use super::{Ended, Process};

/// How often it is looked whether one still lives: only its own parent is told when it ends.
const LOOK: Duration = Duration::from_millis(100);

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
    fn kill(&self) {
        if lives(&self.0) {
            process::kill(self.0.pid);
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
}
