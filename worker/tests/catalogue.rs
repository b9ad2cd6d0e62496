//! docs/catalogue.md is what this build knows.

use std::path::Path;
use std::process::Command;

#[test]
fn the_page_in_docs_is_what_the_worker_prints() {
    let output = Command::new(env!("CARGO_BIN_EXE_worker")).args(["catalogue", "--markdown"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/catalogue.md");
    let written = std::fs::read_to_string(&file).unwrap_or_default();
    let printed = String::from_utf8(output.stdout).unwrap();
    let differing = printed.lines().zip(written.lines()).find(|(printed, written)| printed != written);
    assert!(
        printed == written,
        "docs/catalogue.md is not what the entries say: `make catalogue` renews it (first difference: {differing:?})"
    );
}
