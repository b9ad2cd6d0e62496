use super::*;

fn xid(xid: u64) -> Reading {
    Reading { xids: vec![xid], ..Reading::default() }
}

fn errors(count: u64) -> Reading {
    Reading { uncorrected: Some(count), ..Reading::default() }
}

fn throttled(throttled: bool) -> Reading {
    Reading { throttled: Some(throttled), ..Reading::default() }
}

fn is_bad(condition: Option<&Condition>) -> bool {
    matches!(condition, Some(Condition::Bad(_)))
}

/// Rows of NVIDIA's catalogue: `RESET_GPU` and `RESTART_BM` are bad, all others are not.
#[test]
fn an_xid_that_asks_for_a_reset_is_bad_and_no_other_one_is() {
    let resets = [46, 48, 62, 64, 79, 95, 109, 110, 119, 120, 140, 143];
    for (known, _, words) in XIDS {
        let told = History::default().add(xid(*known));
        assert_eq!(is_bad(told.as_ref()), resets.contains(known), "{known}");
        if let Some(Condition::Bad(reason)) = told {
            assert_eq!(reason, format!("XID {known}: {words}"));
        }
    }
    assert_eq!(History::default().add(xid(7777)), None);
}

#[test]
fn a_condition_is_told_when_it_changes() {
    let mut history = History::default();
    assert_eq!(history.add(Reading::default()), None);
    let gone = || Reading { gone: Some("gone".into()), ..Reading::default() };
    assert_eq!(history.add(gone()), Some(Condition::Bad("gone".into())));
    assert_eq!(history.add(gone()), None);
    assert_eq!(history.add(Reading::default()), Some(Condition::Well));
    assert_eq!(history.add(Reading::default()), None);
}

#[test]
fn memory_errors_count_only_when_there_are_more_of_them() {
    let mut history = History::default();
    assert_eq!(history.add(errors(7)), None, "they are older than this sweep");
    assert!(is_bad(history.add(errors(8)).as_ref()));
    assert_eq!(history.add(errors(8)), Some(Condition::Well));
    // The driver was loaded anew, and counts from zero.
    assert_eq!(history.add(errors(0)), None);
    assert!(is_bad(history.add(errors(1)).as_ref()));
}

#[test]
fn clocks_must_be_held_down_for_a_while_before_that_is_said() {
    let mut history = History::default();
    for _ in 1..SUSTAINED {
        assert_eq!(history.add(throttled(true)), None);
    }
    assert_eq!(history.add(throttled(false)), None);
    for _ in 1..SUSTAINED {
        assert_eq!(history.add(throttled(true)), None);
    }
    assert!(matches!(history.add(throttled(true)), Some(Condition::Doubtful(_))));
    assert_eq!(history.add(throttled(true)), None);
    assert_eq!(history.add(throttled(false)), Some(Condition::Well));
}

#[test]
fn memory_that_waits_for_a_reset_makes_a_device_doubtful() {
    let told = History::default().add(Reading { retiring: Some(true), ..Reading::default() });
    assert!(matches!(told, Some(Condition::Doubtful(_))));
}
