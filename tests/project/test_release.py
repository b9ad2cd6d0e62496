"""A release is made of a committed checkout whose changelog speaks of it; its checksums and its signature can be checked."""

import importlib.util
import shutil
import subprocess

import pytest
from support.programs import ROOT


@pytest.fixture
def release(tmp_path, monkeypatch):
    """The release script, for a checkout of its own."""
    monkeypatch.syspath_prepend(ROOT / "scripts")
    spec = importlib.util.spec_from_file_location("release", ROOT / "scripts" / "release.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "ROOT", tmp_path)
    (tmp_path / "Cargo.toml").write_text('[workspace.package]\nversion = "0.3.1"\n')
    (tmp_path / "CHANGELOG.md").write_text("# Changelog\n\n## 0.3.1 (2026-12-01)\n\n- New.\n\n## 0.3.0 (2026-11-01)\n\n- Old.\n")
    return module


def test_the_version_of_the_workspace_has_its_notes_in_the_changelog(release):
    assert release.version() == "0.3.1"
    assert release.notes("0.3.1") == "- New.\n"


@pytest.mark.parametrize(
    ("heading", "told"),
    [("0.3.1 (unreleased)", "calls the release `0.3.1 (unreleased)`"), ("0.3.2 (2026-12-01)", "has no heading for 0.3.1")],
)
def test_a_changelog_that_does_not_speak_of_the_release_is_refused(release, tmp_path, heading, told):
    (tmp_path / "CHANGELOG.md").write_text(f"## {heading}\n\n- New.\n")
    with pytest.raises(release.NotReady, match=told.replace("(", r"\(").replace(")", r"\)")):
        release.notes("0.3.1")


def test_a_checkout_with_changes_is_refused(release, tmp_path):
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    with pytest.raises(release.NotReady, match="CHANGELOG.md"):
        release.clean()


def test_checksums_and_their_signature_can_be_checked_by_others(release, tmp_path):
    folder = tmp_path / "release"
    folder.mkdir()
    (folder / "a.whl").write_bytes(b"wheel")
    sums = release.checksums(folder)
    subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    if shutil.which("ssh-keygen") is None:
        pytest.skip("the checksums are right; there is no ssh-keygen here to sign them")
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    subprocess.run(["ssh-keygen", "-Y", "sign", "-f", key, "-n", release.NAMESPACE, sums], check=True, stderr=subprocess.DEVNULL)
    (tmp_path / "allowed").write_text(f"someone {key.with_suffix('.pub').read_text()}")
    check = ["ssh-keygen", "-Y", "verify", "-f", tmp_path / "allowed", "-I", "someone", "-n", release.NAMESPACE, "-s", f"{sums}.sig"]
    assert subprocess.run(check, input=sums.read_bytes(), capture_output=True).returncode == 0
    assert subprocess.run(check, input=sums.read_bytes() + b"x", capture_output=True).returncode != 0
    assert f"-n {release.NAMESPACE} " in release.upload("0.3.1", "a.whl", "abc", True)
