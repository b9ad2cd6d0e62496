use super::*;

fn file(folder: &Path) -> PathBuf {
    folder.join("preflight_profile.json")
}

#[test]
fn a_profile_that_cannot_be_read_is_told_put_aside_and_replaced() {
    let old_version = r#"{"version": 99, "entries": []}"#;
    for damaged in ["", "{\"version\": 1, \"entr", "[]", old_version, "{\"version\": 1, \"entries\": [{}]}"] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(file(folder.path()), damaged).unwrap();
        let (mut profile, told) = Profile::read(file(folder.path()), "2.11.0");
        let told = told.unwrap();
        assert!(told.contains("preflight_profile.json` cannot be used ("), "{told}");
        assert_eq!(profile.current().count(), 0);
        profile.save().unwrap();
        assert_eq!(Profile::read(file(folder.path()), "2.11.0").1, None);
        let aside = folder.path().join("preflight_profile.json.damaged");
        assert_eq!(std::fs::read_to_string(aside).unwrap(), damaged);
    }
}

#[test]
fn a_profile_that_is_not_there_is_empty() {
    let folder = tempfile::tempdir().unwrap();
    let (profile, told) = Profile::read(file(folder.path()), "2.11.0");
    assert_eq!((profile.current().count(), told), (0, None));
}

#[test]
fn a_clock_that_is_set_to_any_time_is_spelled() {
    let at = |seconds: i64| {
        let distance = Duration::from_secs(seconds.unsigned_abs());
        let epoch = SystemTime::UNIX_EPOCH;
        spelled(if seconds < 0 { epoch - distance } else { epoch + distance })
    };
    assert_eq!(at(-2_000_000_000), "1970-01-01T00:00:00Z");
    assert_eq!(at(1_000_000_000), "2001-09-09T01:46:40Z");
    assert_eq!(at(900_000_000_000), "9999-12-31T23:59:59Z");
}
