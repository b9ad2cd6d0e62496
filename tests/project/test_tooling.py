"""What the project says of its tools and dependencies, in several files, is the same everywhere."""

import json
import re
import subprocess
import tomllib

import pytest
from support import ROOT


def toml(name):
    return tomllib.loads((ROOT / name).read_text())


def number(version):
    return tuple(int(part) for part in version.split("."))


MINIMUM = toml("Cargo.toml")["workspace"]["package"]["rust-version"]


@pytest.fixture(scope="module")
def packages():
    command = ["cargo", "metadata", "--locked", "--offline", "--format-version", "1", "--filter-platform", "x86_64-unknown-linux-gnu"]
    return json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout)["packages"]


def permitted(expression, allowed):
    """Whether the licences of `allowed` satisfy an SPDX expression; `/` is an old way of writing OR."""
    tokens = re.findall(r"[()]|[^\s()]+", expression.replace("/", " OR "))

    def any_of():
        sides = [all_of()]
        while tokens[:1] == ["OR"]:
            tokens.pop(0)
            sides.append(all_of())
        return any(sides)

    def all_of():
        sides = [one()]
        while tokens[:1] == ["AND"]:
            tokens.pop(0)
            sides.append(one())
        return all(sides)

    def one():
        name = tokens.pop(0)
        if name == "(":
            inner = any_of()
            assert tokens.pop(0) == ")"
            return inner
        if tokens[:1] == ["WITH"]:
            name = f"{name} WITH {tokens[1]}"
            del tokens[:2]
        return name in allowed

    satisfied = any_of()
    assert not tokens, expression
    return satisfied


def test_an_expression_of_licences_is_satisfied_as_spdx_says():
    allowed = {"MIT", "Zlib", "Apache-2.0 WITH LLVM-exception"}
    for expression in ("MIT", "GPL-3.0 OR MIT", "GPL-3.0/MIT", "(MIT OR GPL-3.0) AND Zlib", "Apache-2.0 WITH LLVM-exception"):
        assert permitted(expression, allowed), expression
    for expression in ("GPL-3.0", "MIT AND GPL-3.0", "(MIT OR Zlib) AND GPL-3.0", "Apache-2.0"):
        assert not permitted(expression, allowed), expression


def test_licences_of_all_dependencies_are_those_that_deny_toml_allows(packages):
    allowed = set(toml("deny.toml")["licenses"]["allow"])
    refused = {package["name"]: package["license"] for package in packages if not permitted(package["license"] or "none", allowed)}
    assert not refused


def test_dependencies_come_from_the_registry_or_from_this_repository(packages):
    (registry,) = toml("deny.toml")["sources"]["allow-registry"]
    assert {package["source"] for package in packages} == {None, f"registry+{registry}"}


def test_every_crate_of_ours_has_the_licence_of_the_project_and_its_oldest_compiler(packages):
    ours = [package for package in packages if package["source"] is None]
    assert len(ours) > 10
    assert {(package["license"], package["rust_version"]) for package in ours} == {("MIT OR Apache-2.0", MINIMUM)}


def test_no_dependency_asks_for_a_newer_compiler_than_the_oldest_that_is_promised(packages):
    newer = {package["name"]: package["rust_version"] for package in packages if package["rust_version"] and number(package["rust_version"])[:2] > number(MINIMUM)[:2]}
    assert not newer


def test_the_oldest_compiler_is_the_same_in_every_file():
    assert f"[Rust](https://rustup.rs) {MINIMUM}," in (ROOT / "README.md").read_text()
    setup = (ROOT / "scripts" / "setup.sh").read_text()
    assert set(re.findall(r"\b1\.\d\d\b", setup)) == {MINIMUM}


def test_libtorch_is_the_same_release_in_every_file():
    (torch,) = re.findall(r"^torch==(\d+\.\d+)", (ROOT / "requirements.txt").read_text(), flags=re.M)
    for name in ("README.md", "scripts/setup.sh", ".cargo/config.toml", "docs/guide/first-steps/own-models.md"):
        assert set(re.findall(r"(?:torch|libtorch|PyTorch) (\d+\.\d+)", (ROOT / name).read_text())) == {torch}, name


def test_test_files_share_through_support_alone_and_folders_of_tests_stay_small():
    for file in (ROOT / "tests").rglob("test_*.py"):
        imported = re.findall(r"^\s*(?:from|import) ((?:test_|conftest)\w*)", file.read_text(), flags=re.M)
        assert not imported, f"{file.name} imports {imported}"
    for folder in (ROOT / "tests", *(path for path in (ROOT / "tests").iterdir() if path.is_dir() and path.name != "__pycache__")):
        entries = [path.name for path in folder.iterdir() if path.name != "__pycache__"]
        assert len(entries) <= 12, f"{folder}: {len(entries)}"
