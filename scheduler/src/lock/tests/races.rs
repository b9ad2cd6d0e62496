//! Races for a folder: others sign, lock or take over in the same moment.

use super::*;

#[test]
fn a_file_that_somebody_has_just_made_is_theirs() {
    let (_parent, folder) = folder();
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(path(&folder), "").unwrap();
    let refused = refused_by_who_signs_meanwhile(&folder);
    assert!(refused.text.contains("(process 77 on elsewhere)"), "{}", refused.text);
    // Or nobody's, if they died of it.
    std::fs::write(path(&folder), "").unwrap();
    taken(&folder).unwrap();
}

/// Reason for which the folder is not ours, as another host signs after our first look.
fn refused_by_who_signs_meanwhile(folder: &Path) -> Failure {
    let (other, looks) = (foreign(), AtomicU32::new(0));
    let wanted = || {
        if looks.fetch_add(1, Ordering::Relaxed) == 0 {
            signed(folder, &other);
        }
        true
    };
    Taking { folder, times: SHORT, wanted: &wanted, tell: &|_| {} }.take().unwrap_err()
}

#[test]
fn who_is_locked_out_by_somebody_who_has_not_signed_yet_waits_to_tell_who_it_is() {
    let (_parent, folder) = folder();
    std::fs::create_dir_all(&folder).unwrap();
    let theirs = File::create(path(&folder)).unwrap();
    theirs.lock().unwrap();
    let refused = refused_by_who_signs_meanwhile(&folder);
    assert!(refused.text.contains("(process 77 on elsewhere)"), "{}", refused.text);
    // Or takes the lock, if that is given back.
    std::fs::write(path(&folder), "").unwrap();
    let wanted = || {
        theirs.unlock().unwrap();
        true
    };
    Taking { folder: &folder, times: SHORT, wanted: &wanted, tell: &|_| {} }.take().unwrap();
}

#[test]
fn of_two_that_take_over_from_a_dead_one_at_the_same_moment_one_gives_way() {
    let (_parent, folder) = folder();
    let (dead, second) = (foreign(), foreign());
    signed(&folder, &dead);
    let times = Times { settle: Duration::from_secs(4), ..SHORT };
    let refused = thread::scope(|scope| {
        let first = scope.spawn(|| Taking { folder: &folder, times, wanted: &|| true, tell: &|_| {} }.take());
        // It had looked before the first one signed, and signs right after it.
        while token(&folder).as_ref() == Some(&dead.token) {
            thread::yield_now();
        }
        signed(&folder, &second);
        first.join().unwrap().unwrap_err()
    });
    assert!(refused.text.contains("(process 77 on elsewhere)"), "{}", refused.text);
    assert_eq!(token(&folder), Some(second.token));
}

#[test]
fn nobody_waits_for_a_watch_that_is_not_wanted_any_more() {
    let (_parent, folder) = folder();
    signed(&folder, &foreign());
    let looks = AtomicU32::new(0);
    let wanted = || looks.fetch_add(1, Ordering::Relaxed) < 2;
    assert!(Taking { folder: &folder, times: SHORT, wanted: &wanted, tell: &|_| {} }.take().is_err());
    assert!(looks.into_inner() <= 4);
}
