"""Prepares a release in target/release-<version>: builds, tests, checksums, notes, and the list of what goes where.

    .python/bin/python scripts/release.py [--sign-with SSH_KEY] [--tested]

Nothing is uploaded and no tag is set: UPLOAD.md says what to do, in order. `--tested` leaves `.ci/run` out, where it has just
passed on this commit. The checksums are signed with the key that is given, as `ssh-keygen -Y` does.
"""

import argparse
import hashlib
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).parents[1]
# What a signature is for; whoever checks the signature names it again.
NAMESPACE = "attrisweep-release"


class NotReady(Exception):
    """The checkout is not what a release may be made of."""


def output(*command: str) -> str:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def version() -> str:
    """The version of all crates and of the wheel: that of the workspace."""
    match = re.search(r'(?m)^version = "([^"]+)"', (ROOT / "Cargo.toml").read_text(encoding="utf-8"))
    if match is None:
        raise NotReady("Cargo.toml has no version of the workspace")
    return match.group(1)


def notes(release: str) -> str:
    """The entries of the changelog for a release, whose heading has a date."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    sections = dict(re.findall(r"(?ms)^## ([^\n]+)\n(.*?)(?=^## |\Z)", text))
    wanted = [heading for heading in sections if heading.split()[0] == release]
    if not wanted:
        raise NotReady(f"CHANGELOG.md has no heading for {release}, the version of Cargo.toml; it has: {', '.join(sections)}")
    if not re.fullmatch(rf"{re.escape(release)} \(\d{{4}}-\d\d-\d\d\)", wanted[0]):
        raise NotReady(f"CHANGELOG.md calls the release `{wanted[0]}`, expected `{release} (year-month-day)`")
    return sections[wanted[0]].strip() + "\n"


def clean() -> None:
    """Refuses a checkout with changes that no commit has."""
    changed = output("git", "status", "--porcelain")
    if changed:
        raise NotReady(f"these files are not committed:\n{changed}")


def checksums(folder: pathlib.Path) -> pathlib.Path:
    """Writes SHA256SUMS of all files in a folder, as `sha256sum -c` reads it."""
    files = sorted(file for file in folder.iterdir() if file.is_file())
    lines = [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in files]
    sums = folder / "SHA256SUMS"
    sums.write_text("".join(lines), encoding="utf-8")
    return sums


def upload(release: str, wheel: str, commit: str, signed: bool) -> str:
    """The list of what is uploaded where, for whoever has the rights to do it."""
    signature = ", `SHA256SUMS.sig`" if signed else ""
    return f"""\
# Release {release}

1. `git tag -s v{release} {commit}` and push the tag.
2. The project's page of releases: `{wheel}`, `SHA256SUMS`{signature}, with the text of `NOTES.md`.
3. PyPI: `{wheel}`.

Check first, in this folder: `sha256sum -c SHA256SUMS`{f'''; and
`ssh-keygen -Y verify -f allowed_signers -I <signer> -n {NAMESPACE} -s SHA256SUMS.sig < SHA256SUMS`''' if signed else ''}.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sign-with", type=pathlib.Path, metavar="SSH_KEY", help="private key, or a public one whose agent is running")
    parser.add_argument("--tested", action="store_true", help="leave .ci/run out: it has just passed on this commit")
    arguments = parser.parse_args()
    release = version()
    try:
        clean()
        text = notes(release)
    except NotReady as error:
        sys.exit(f"release: {error}")
    if not arguments.tested:
        subprocess.run([ROOT / ".ci" / "run"], check=True)
    folder = ROOT / "target" / f"release-{release}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    subprocess.run([sys.executable, ROOT / "scripts" / "wheel.py", "--to", folder], check=True)
    (wheel,) = folder.glob("*.whl")
    (folder / "NOTES.md").write_text(text, encoding="utf-8")
    sums = checksums(folder)
    if arguments.sign_with:
        command = ["ssh-keygen", "-Y", "sign", "-f", arguments.sign_with, "-n", NAMESPACE, sums]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    (folder / "UPLOAD.md").write_text(upload(release, wheel.name, output("git", "rev-parse", "HEAD"), bool(arguments.sign_with)), encoding="utf-8")
    print(f"{folder}: {', '.join(sorted(file.name for file in folder.iterdir()))}. UPLOAD.md says what to do.")


if __name__ == "__main__":
    main()
