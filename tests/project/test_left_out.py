"""Tests that a machine cannot run are counted at the end of a run by their reasons, and fail where they are asked for."""

import os
import subprocess
import sys

from support import ROOT

TESTS = """
import pytest
from support.stand_ins.machines.missing import missing

@pytest.fixture
def cluster():
    missing("slurm", "no slurmctld")

def test_a(cluster): pass
def test_b(cluster): pass
def test_c(): missing("sshd", "no\\n   daemon")
def test_d(): pytest.skip("for another reason")
def test_e(): pass
"""


def run(folder, required, *options):
    (folder / "test_some.py").write_text(TESTS)
    # Whoever runs these tests with options of their own wants none of them here.
    inherited = {name: value for name, value in os.environ.items() if name != "PYTEST_ADDOPTS"}
    environment = {**inherited, "PYTHONPATH": str(ROOT / "tests"), "ATTRISWEEP_REQUIRE": required}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "support.stand_ins.machines.missing", "--rootdir", folder, *options, folder]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    return done.returncode, done.stdout + done.stderr


def test_what_is_left_out_is_told_with_its_reason_and_its_count(tmp_path):
    for options in ([], ["-n", "2"]):
        code, told = run(tmp_path, "", *options)
        assert code == 0 and "1 passed, 4 skipped" in told, told
        lines = [line.strip() for line in told.split(" 4 left out ")[1].splitlines()]
        assert lines[1] == "2 slurm: no slurmctld", told
        assert set(lines[2:4]) == {"1 sshd: no daemon", "1 for another reason"}, told


def test_what_is_asked_for_fails_where_it_is_missing_and_the_rest_is_left_out(tmp_path):
    code, told = run(tmp_path, "slurm,mount")
    assert code == 1 and "1 passed, 2 skipped, 2 errors" in told, told
    assert told.count("slurm is in ATTRISWEEP_REQUIRE, and is missing here: no slurmctld") >= 2, told
    assert run(tmp_path, "mount")[0] == 0


def test_a_slip_in_what_is_asked_for_is_refused(tmp_path):
    code, told = run(tmp_path, "slurm,shsd")
    assert code == 4 and "ATTRISWEEP_REQUIRE asks for shsd; known: browser, mount, " in told, told
