//! Other hosts are signatures of another boot, whose locks nobody sees here: what a folder looks like where locks are local.

mod races;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use tempfile::TempDir;

use super::heartbeat::renew;
use super::observe::seen;
use super::*;

/// Times of a host on which everything goes fast. A holder that is dead is given up after two seconds.
const SHORT: Times = Times {
    beat: Duration::from_millis(20),
    look: Duration::from_millis(20),
    patience: 100,
    blank: 100,
    glance: 100,
    settle: Duration::from_millis(400),
};

/// Times for a holder that lives: its beat may be kept from it for minutes by the tests beside this one, and the first beat that
/// is seen ends the watch.
const PATIENT: Times = Times { patience: 10_000, blank: 10_000, glance: 10_000, ..SHORT };

fn folder() -> (TempDir, PathBuf) {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("out");
    (parent, folder)
}

fn taken(folder: &Path) -> Result<Lock, Failure> {
    taken_with(folder, SHORT)
}

fn taken_with(folder: &Path, times: Times) -> Result<Lock, Failure> {
    Taking { folder, times, wanted: &|| true, tell: &|_| {} }.take()
}

/// Signature of another host.
fn foreign() -> Signature {
    let own = Signature::new();
    Signature { holder: Holder { pid: 77, host: "elsewhere".to_owned(), since: 5 }, boot: "another".to_owned(), ..own }
}

/// Signs as another host, whatever is there.
fn signed(folder: &Path, by: &Signature) -> Place {
    std::fs::create_dir_all(folder).unwrap();
    File::options().create(true).append(true).open(path(folder)).unwrap();
    let found = Found::at(&path(folder)).unwrap();
    let place = found.place;
    found.sign(by).unwrap();
    place
}

/// Host that lives until it is dropped, and writes nothing afterwards.
struct Alive(Arc<AtomicBool>, Option<JoinHandle<()>>);

/// Signs as another host that lives.
fn alive(folder: &Path, by: &Signature) -> Alive {
    let (place, path, mut by) = (signed(folder, by), path(folder), by.clone());
    let dead = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&dead);
    let beating = thread::spawn(move || {
        while !seen.load(Ordering::Relaxed) {
            by.beat += 1;
            renew(&path, place, &by).unwrap();
            thread::sleep(SHORT.beat);
        }
    });
    Alive(dead, Some(beating))
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
        self.1.take().unwrap().join().unwrap();
    }
}

/// Signs as another host over a lock that lives, whose beat may just have looked.
fn taken_over(folder: &Path, by: &Signature) {
    while token(folder).as_ref() != Some(&by.token) {
        signed(folder, by);
        thread::sleep(SHORT.beat * 5);
    }
}

fn token(folder: &Path) -> Option<String> {
    Found::at(&path(folder)).ok()?.signature.map(|found| found.token)
}

fn wait_for(what: impl Fn() -> bool) {
    let began = Instant::now();
    while !what() {
        assert!(began.elapsed() < Duration::from_mins(2));
        thread::sleep(SHORT.beat);
    }
}

#[test]
fn a_lock_tells_who_holds_it_and_nobody_once_it_is_dropped() {
    let (_parent, folder) = folder();
    assert_eq!(holder(&folder), Seen::Nobody);
    let lock = take(&folder).unwrap();
    assert_eq!(holder(&folder), Seen::Runs(lock.own.holder.clone()));
    let refused = take(&folder).unwrap_err();
    assert!(refused.text.contains(&format!("(process {} on ", std::process::id())), "{}", refused.text);
    drop(lock);
    assert_eq!(holder(&folder), Seen::Nobody);
    assert!(!path(&folder).exists());
    drop(take(&folder).unwrap());
}

#[test]
fn a_folder_that_is_another_one_is_not_held() {
    let (_parent, folder) = folder();
    let lock = take(&folder).unwrap();
    assert_eq!(lock.lost(), None);
    let away = folder.with_extension("away");
    std::fs::rename(&folder, &away).unwrap();
    assert!(lock.lost().unwrap().contains("was moved away"), "it has gone");
    let other = take(&folder).unwrap();
    assert!(other.lost().is_none() && lock.lost().is_some(), "another scheduler holds the new one");
    std::fs::remove_dir_all(&folder).unwrap();
    std::fs::rename(&away, &folder).unwrap();
    assert_eq!(lock.lost(), None, "it has come back");
    drop(other);
    assert_eq!(lock.lost(), None, "the end of another one is not ours");
    std::fs::rename(path(&folder), folder.join("away")).unwrap();
    std::fs::write(path(&folder), "").unwrap();
    assert!(lock.lost().is_some(), "another file, which nobody has signed");
}

#[test]
fn a_lock_file_that_says_nothing_is_held_all_the_same_and_is_signed_again() {
    let (_parent, folder) = folder();
    let lock = taken(&folder).unwrap();
    std::fs::write(path(&folder), "\0\0\0").unwrap();
    assert!(matches!(holder(&folder), Seen::Runs(_)));
    assert_eq!(lock.lost(), None);
    wait_for(|| token(&folder).as_ref() == Some(&lock.own.token));
}

#[test]
fn what_a_killed_process_of_this_host_has_signed_is_not_watched() {
    let (_parent, folder) = folder();
    signed(&folder, &Signature::new());
    assert_eq!(holder(&folder), Seen::Nobody);
    // With the patience of the real one.
    let began = Instant::now();
    let lock = take(&folder).unwrap();
    assert!(began.elapsed() < TIMES.look * TIMES.patience / 2 && lock.lost().is_none());
}

#[test]
fn another_host_that_lives_keeps_the_folder() {
    let (_parent, folder) = folder();
    let other = foreign();
    let _beat = alive(&folder, &other);
    let refused = taken_with(&folder, PATIENT).unwrap_err();
    assert!(
        refused.text.contains("another scheduler is writing to") && refused.text.contains("(process 77 on elsewhere)")
    );
    assert_eq!(token(&folder), Some(other.token));
    assert_eq!(seen(&folder, PATIENT), Seen::Runs(other.holder));
}

#[test]
fn another_host_that_is_dead_is_told_of_and_taken_over_from() {
    let (_parent, folder) = folder();
    let other = foreign();
    drop(alive(&folder, &other));
    assert_eq!(seen(&folder, SHORT), Seen::Silent(other.holder));
    let (began, told) = (Instant::now(), AtomicU32::new(0));
    let tell = |line: &str| {
        assert!(line.contains("process 77 on elsewhere"), "{line}");
        told.fetch_add(1, Ordering::Relaxed);
    };
    let lock = Taking { folder: &folder, times: SHORT, wanted: &|| true, tell: &tell }.take().unwrap();
    assert!(began.elapsed() >= SHORT.look * SHORT.patience && told.into_inner() == 1);
    assert_eq!(token(&folder).as_ref(), Some(&lock.own.token));
}

#[test]
fn whoever_was_frozen_and_taken_over_notices_and_overwrites_nothing() {
    let (_parent, folder) = folder();
    let mut lock = taken(&folder).unwrap();
    let other = foreign();
    taken_over(&folder, &other);
    let beat = alive(&folder, &other);
    assert!(lock.lost().unwrap().contains("has taken") && lock.lost().unwrap().contains("(process 77 on elsewhere)"));
    thread::sleep(SHORT.beat * 5);
    assert_eq!(token(&folder).as_ref(), Some(&other.token));
    lock.times = PATIENT;
    assert!(lock.again(&|| true).unwrap_err().text.contains("(process 77 on elsewhere)"));
    lock.times = SHORT;
    assert!(lock.lost().is_some());
    // The other one dies.
    drop(beat);
    std::fs::write(path(&folder), "").unwrap();
    assert!(lock.lost().is_some(), "nobody has signed, but the kernel's lock was let go");
    // What was lost is locked again.
    signed(&folder, &other);
    lock.again(&|| true).unwrap();
    assert_eq!((lock.lost(), token(&folder).as_ref()), (None, Some(&lock.own.token)));
    wait_for(|| Found::at(&path(&folder)).unwrap().signature.unwrap().beat > 0);
}

#[test]
fn what_another_one_has_taken_over_is_not_removed_at_the_end() {
    let (_parent, folder) = folder();
    // No beat is under way that could sign over the other one.
    let (lock, other) = (taken_with(&folder, Times { beat: Duration::from_hours(1), ..SHORT }).unwrap(), foreign());
    signed(&folder, &other);
    drop(lock);
    assert_eq!(token(&folder), Some(other.token));
}
