//! Processes of this machine, by their ids.

use std::fs;
use std::path::Path;

use crate::{boot, fields};

/// Fields of `/proc/<pid>/stat` that are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stat<'a> {
    state: &'a str,
    /// Clock ticks that the process has computed, in the program and in the kernel.
    used: u64,
    /// Clock ticks between the boot and the start of the process.
    started: &'a str,
}

impl<'a> Stat<'a> {
    /// Splits the fields behind the name of the program, which is in parentheses and may hold anything, spaces and parentheses
    /// too.
    fn of(text: &'a str) -> Option<Self> {
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
        let ticks = |at: usize| fields.get(at)?.parse::<u64>().ok();
        Some(Self { state: fields.first()?, used: ticks(11)? + ticks(12)?, started: fields.get(19)? })
    }
}

/// A text that tells the process `pid` from every other process that ever had this id: the boot, and the moment in it at which
/// the process was started. `None` if there is no such process, or if only its exit status is left for its parent. A process
/// that was killed is not gone while one of its threads still waits inside the kernel, though its first thread is a zombie.
pub fn identity(pid: u32) -> Option<String> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let stat = Stat::of(&text)?;
    let threads = || fs::read_dir(format!("/proc/{pid}/task")).map_or(0, Iterator::count);
    (!matches!(stat.state, "Z" | "X") || threads() > 1).then(|| format!("{}:{}", boot::id(), stat.started))
}

/// Whether a process `pid` exists, be it a zombie.
pub fn exists(pid: u32) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}

/// Clock ticks that the process `pid` has computed so far, kernel included; `None` if there is no such process.
pub fn processor_time(pid: u32) -> Option<u64> {
    Some(Stat::of(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)?.used)
}

/// Bytes of memory that the process `pid` holds for itself alone (anonymous and resident); 0 if there is no such process.
pub fn anonymous_memory(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    fields::bytes(&status, "RssAnon:").unwrap_or(0)
}

/// Sends SIGTERM to the process `pid`, which may end in order. No answer: a process that has ended is what was wanted.
pub fn ask_to_end(pid: u32) {
    send(pid, libc::SIGTERM);
}

/// Sends SIGKILL to the process `pid`. The caller has compared its [`identity`].
pub fn kill(pid: u32) {
    send(pid, libc::SIGKILL);
}

#[expect(unsafe_code, reason = "std sends signals to children only, and SIGKILL only")]
fn send(pid: u32, signal: libc::c_int) {
    // 0 and negative ids would mean groups of processes.
    if let Ok(pid @ 1..) = libc::pid_t::try_from(pid) {
        // SAFETY: sends a signal to one process; no memory is touched.
        unsafe { libc::kill(pid, signal) };
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command};
    use std::thread::sleep;
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn a_name_with_parentheses_and_spaces_does_not_shift_the_fields_behind_it() {
        let text = include_str!("../tests/recorded/stat");
        assert!(text.contains("(a) Z (w)"));
        assert_eq!(Stat::of(text), Some(Stat { state: "R", used: 56 + 12, started: "2729065" }));
        assert_eq!(Stat::of("14446 (cut off) R 1 2"), None);
        assert_eq!(Stat::of(""), None);
    }

    fn sleeper() -> Child {
        Command::new("sleep").arg("3600").spawn().unwrap()
    }

    #[test]
    fn a_process_has_an_identity_until_it_is_killed() {
        let (mut child, own) = (sleeper(), identity(std::process::id()));
        let pid = child.id();
        assert!(identity(pid).is_some() && identity(pid) == identity(pid) && own.is_some() && exists(pid));
        kill(pid);
        let until = Instant::now() + Duration::from_mins(2);
        while identity(pid).is_some() {
            assert!(Instant::now() < until, "killed, it is gone");
            sleep(Duration::from_millis(10));
        }
        assert!(exists(pid), "its exit status waits for its parent");
        child.wait().unwrap();
        assert!(!exists(pid));
    }

    #[test]
    fn a_process_that_is_asked_to_end_is_ended_by_sigterm_and_id_0_is_nobody() {
        use std::os::unix::process::ExitStatusExt;

        let mut child = sleeper();
        // Would reach every process of this group, this test included.
        ask_to_end(0);
        ask_to_end(child.id());
        assert_eq!(child.wait().unwrap().signal(), Some(libc::SIGTERM));
    }

    /// A worker looks so that was killed while one of its threads waits for a driver.
    #[test]
    fn a_process_of_which_a_thread_lives_is_not_gone() {
        let exit = format!(
            "import ctypes, threading, time; threading.Thread(target=time.sleep, args=(3600,)).start(); \
             ctypes.CDLL(None).syscall({}, 0)",
            libc::SYS_exit
        );
        let mut child = Command::new("python3").args(["-c", &exit]).spawn().unwrap();
        let stat = || fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap();
        let until = Instant::now() + Duration::from_mins(2);
        while !stat().contains(") Z ") {
            assert!(Instant::now() < until, "{}", stat());
            sleep(Duration::from_millis(100));
        }
        assert!(identity(child.id()).is_some());
        child.kill().unwrap();
        while identity(child.id()).is_some() {
            assert!(Instant::now() < until, "killed, it is gone");
            sleep(Duration::from_millis(100));
        }
        child.wait().unwrap();
    }

    #[test]
    fn memory_and_time_that_a_process_has_used_are_seen_and_none_of_a_process_that_does_not_exist() {
        let memory = std::hint::black_box(vec![1_u8; 64 << 20]);
        let of_own = anonymous_memory(std::process::id());
        assert!((64 << 20..1 << 40).contains(&of_own), "{of_own} of {}", memory.len());
        assert_eq!((anonymous_memory(u32::MAX), processor_time(u32::MAX)), (0, None));
        let before = processor_time(std::process::id()).unwrap();
        let until = Instant::now() + Duration::from_mins(2);
        while processor_time(std::process::id()).unwrap() == before {
            assert!(Instant::now() < until, "computing takes time");
        }
    }
}
