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
        assert_eq!(profile.entries().len(), 0);
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
    assert_eq!((profile.entries().len(), told), (0, None));
}
