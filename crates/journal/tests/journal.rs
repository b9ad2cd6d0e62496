//! A journal's life: written beside a sweep, read by people and commands.

#![expect(clippy::unwrap_used, reason = "tests may fail loudly")]

mod common;

use std::path::Path;
use std::time::{Duration, Instant};

use journal::{Ended, Event, History, Journal, SweepStart, damaged_files, file};
use rusqlite::Connection;

use common::{done, ended, failed, failed_units, granted, lost, start, sweep};

#[test]
fn a_unit_has_failed_if_its_last_attempt_has_whatever_came_before_and_in_whatever_sweep() {
    let folder = tempfile::tempdir().unwrap();
    let first = vec![
        granted("a/0", 1),
        ended("a/0", 1, failed("early")),
        granted("a/0", 2),
        ended("a/0", 2, done(4)),
        granted("a/1", 1),
        ended("a/1", 1, failed("late")),
        granted("a/2", 1),
        ended("a/2", 1, lost("signal 9")),
        granted("a/3", 1),
        ended("a/3", 1, lost("signal 11")),
        Event::GivenUp { unit: "a/3".into(), reason: "lost 3 times".to_owned() },
        granted("a/4", 1),
        ended("a/4", 1, Ended::Stopped),
    ];
    sweep(folder.path(), first, "some units failed");
    let told = |unit: &str, error: &str| (unit.to_owned(), error.to_owned());
    assert_eq!(failed_units(folder.path()), [told("a/1", "late"), told("a/3", "lost 3 times")]);
    // Another sweep, killed in the middle of the first and done with the other.
    sweep(folder.path(), vec![granted("a/1", 1), granted("a/3", 1), ended("a/3", 1, done(4))], "complete");
    assert_eq!(failed_units(folder.path()), [told("a/1", "late")]);
    let history = History::open(&file(folder.path())).unwrap().unwrap();
    let last = history.last_sweep().unwrap().unwrap();
    assert_eq!((last.id, last.outcome.as_deref(), last.pid), (2, Some("complete"), 7));
    let speed = history.speed(2).unwrap().unwrap();
    assert!(speed.maps == 4 && speed.seconds >= 2.0, "{speed:?}");
    assert_eq!(damaged_files(folder.path()), [""; 0].map(std::path::PathBuf::from));
}

#[test]
fn what_a_device_took_is_the_sum_over_its_attempts_failed_ones_too() {
    let folder = tempfile::tempdir().unwrap();
    let first = vec![
        granted("a/0", 1),
        ended("a/0", 1, failed("early")),
        granted("a/0", 2),
        ended("a/0", 2, done(4)),
        Event::GivenUp { unit: "a/9".into(), reason: "never tried".to_owned() },
    ];
    sweep(folder.path(), first, "some units failed");
    sweep(folder.path(), vec![granted("a/1", 1), ended("a/1", 1, done(3)), granted("a/2", 1)], "complete");
    let history = History::open(&file(folder.path())).unwrap().unwrap();
    let spent = history.spent().unwrap();
    assert_eq!(spent.len(), 1, "{spent:?}");
    assert_eq!((spent[0].device.as_str(), spent[0].units, spent[0].maps, spent[0].failed), ("cpu", 2, 7, 1));
    assert!(spent[0].held >= 0.0, "{spent:?}");
    let outcomes: Vec<_> = history.sweeps().unwrap().into_iter().map(|sweep| (sweep.config, sweep.outcome)).collect();
    let told = |outcome: &str| ("c.yml".to_owned(), Some(outcome.to_owned()));
    assert_eq!(outcomes, [told("some units failed"), told("complete")]);
}

#[test]
fn the_time_of_units_that_make_no_maps_is_computing_and_none_of_the_speed_of_maps() {
    let folder = tempfile::tempdir().unwrap();
    let report = |maps, computing| Ended::Done(protocol::message::Report { maps, computing, ..Default::default() });
    let scores = vec![granted("a/0:scores", 1), ended("a/0:scores", 1, report(0, 30.0))];
    let maps = vec![granted("a/0", 1), ended("a/0", 1, report(40, 2.0))];
    sweep(folder.path(), [maps, scores].concat(), "complete");
    let spent = History::open(&file(folder.path())).unwrap().unwrap().spent().unwrap();
    assert_eq!((spent[0].maps, spent[0].computing, spent[0].mapping), (40, 32.0, 2.0));
}

#[test]
fn a_folder_that_cannot_be_written_costs_history_and_neither_time_nor_the_sweep() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = folder.path().join("not/there");
    let begun = Instant::now();
    sweep(&nowhere, (0..100).map(|unit| granted(&format!("a/{unit}"), 1)).collect(), "complete");
    // The sweep waits five seconds for its last lines, and not one pause of the writer for each of a hundred lines.
    assert!(begun.elapsed() < Duration::from_mins(1), "{:?}", begun.elapsed());
    assert!(!nowhere.exists());
}

#[test]
fn what_is_written_can_be_read_while_the_sweep_runs() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Journal::begin(&file(folder.path()), start());
    journal.tell(granted("a/0", 1));
    journal.tell(ended("a/0", 1, failed("now")));
    let seen = || History::open(&file(folder.path())).ok().flatten().and_then(|history| history.failed_units().ok());
    wait_for(|| seen().is_some_and(|failed| !failed.is_empty()));
    journal.end("complete");
}

/// The dispatch path tells two events a unit. What that takes stands in docs/benchmarks.md; what keeps it short is told here, without a
/// clock: nobody who tells waits for the disk, and many events are one write.
#[test]
fn telling_the_journal_waits_for_no_disk_and_many_events_are_one_write() {
    const UNITS: u32 = 20_000;
    let folder = tempfile::tempdir().unwrap();
    let file = file(folder.path());
    let mut journal = Journal::begin(&file, start());
    wait_for(|| {
        History::open(&file)
            .is_ok_and(|history| history.is_some_and(|history| history.last_sweep().is_ok_and(|last| last.is_some())))
    });
    // Nothing can be written for as long as this goes on: who waits for that tells for ever.
    let holder = Connection::open(&file).unwrap();
    holder.busy_timeout(Duration::from_mins(1)).unwrap();
    holder.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let begun = Instant::now();
    for unit in 0..UNITS {
        let name = format!("dataset-bloodmnist_model-resnet18_noise-clean_split-test/{unit}");
        journal.tell(granted(&name, 1));
        journal.tell(ended(&name, 1, done(1024)));
    }
    let (told, before, begun) = (begun.elapsed() / UNITS, writes(&file), Instant::now());
    holder.execute_batch("COMMIT").unwrap();
    journal.end("complete");
    // A slow disk is written to after the end, too.
    let sql = "SELECT count(*) FROM attempts WHERE state = 'done'";
    let written = || Connection::open(&file)?.query_row(sql, [], |row| row.get(0));
    wait_for(|| written().is_ok_and(|written: u32| written == UNITS));
    eprintln!("{told:?} a unit on the dispatch path, {:?} a unit written", begun.elapsed() / UNITS);
    let took = writes(&file) - before;
    assert!((1..=20).contains(&took), "{took} writes for {UNITS} units");
}

/// Number of transactions that were ever written to a file of SQLite, which is in its header.
fn writes(file: &Path) -> u32 {
    let header = std::fs::read(file).unwrap();
    u32::from_be_bytes(header[24..28].try_into().unwrap())
}

fn wait_for(what: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_mins(1);
    while !what() {
        assert!(Instant::now() < deadline, "a minute is over");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Unit, class and how often.
fn counts(folder: &Path) -> Vec<(String, String, u32)> {
    let history = History::open(&file(folder)).unwrap().unwrap();
    history.counts().unwrap().into_iter().map(|count| (count.unit.to_string(), count.class, count.times)).collect()
}

#[test]
fn failures_count_across_sweeps_that_were_cut_off_until_the_unit_is_done_or_a_sweep_ends() {
    let folder = tempfile::tempdir().unwrap();
    let crash = |attempt| [granted("a/0", attempt), ended("a/0", attempt, lost("signal 11"))];
    let cut_off = |events: Vec<Event>| {
        let mut journal = Journal::begin(&file(folder.path()), start());
        for event in events {
            journal.tell(event);
        }
        drop(journal);
    };
    sweep(folder.path(), crash(1).to_vec(), "1 units failed");
    assert_eq!(counts(folder.path()), []);
    sweep(folder.path(), [crash(1), crash(2)].concat(), "interrupted");
    let crashed = |times| ("a/0".to_owned(), "Crash".to_owned(), times);
    assert_eq!(counts(folder.path()), [crashed(2)]);
    let other = [granted("a/1", 1), ended("a/1", 1, failed("sizes"))];
    cut_off([crash(1).to_vec(), other.to_vec()].concat());
    wait_for(|| counts(folder.path()).len() == 2);
    assert_eq!(counts(folder.path()), [crashed(3), ("a/1".to_owned(), "Engine".to_owned(), 1)]);
    sweep(folder.path(), vec![granted("a/0", 1), ended("a/0", 1, done(4))], "interrupted");
    assert_eq!(counts(folder.path()), [("a/1".to_owned(), "Engine".to_owned(), 1)]);
    Journal::begin(&file(folder.path()), SweepStart { afresh: true, ..start() }).end("interrupted");
    assert_eq!(counts(folder.path()), []);
}

#[test]
fn a_shard_that_was_given_up_without_a_try_has_failed_and_means_have_not() {
    let folder = tempfile::tempdir().unwrap();
    let given_up = |unit: &str| Event::GivenUp { unit: unit.into(), reason: "bad input".to_owned() };
    sweep(folder.path(), vec![given_up("a/0"), given_up("a/means")], "2 units failed");
    assert_eq!(failed_units(folder.path()), [("a/0".to_owned(), "bad input".to_owned())]);
}

#[test]
fn the_group_may_write_the_journal_of_a_folder_that_it_may_write_even_one_of_an_earlier_build() {
    use std::fs::{Permissions, metadata, set_permissions};
    use std::os::unix::fs::PermissionsExt;
    for (of_folder, expected) in [(0o770, 0o660), (0o750, 0o640)] {
        let folder = tempfile::tempdir().unwrap();
        sweep(folder.path(), vec![granted("a/0", 1)], "complete");
        let mode = |mode| Permissions::from_mode(mode);
        set_permissions(folder.path(), mode(of_folder)).unwrap();
        set_permissions(file(folder.path()), mode(0o640)).unwrap();
        sweep(folder.path(), vec![granted("a/1", 1)], "complete");
        assert_eq!(metadata(file(folder.path())).unwrap().permissions().mode() & 0o777, expected);
    }
}
