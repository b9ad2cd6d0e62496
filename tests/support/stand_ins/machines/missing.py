"""What a machine lacks: tests that are left out there are counted at the end of a run, and may be asked for.

A plugin of pytest; tests call `missing` in place of `pytest.skip` where a machine that has more would run them."""

import collections
import os

import pytest

# Names of what a machine may lack: each names a kind of tests.
KINDS = ("browser", "mount", "network", "root", "slurm", "sshd")


def required():
    """Kinds that whoever runs the tests wants to be run: one that cannot be run fails."""
    return [kind for kind in os.environ.get("ATTRISWEEP_REQUIRE", "").split(",") if kind]


def missing(kind, why):
    """Leaves out the test that asks for something of a kind that this machine lacks, or fails where the kind is asked for."""
    assert kind in KINDS, kind
    if kind in required():
        pytest.fail(f"{kind} is in ATTRISWEEP_REQUIRE, and is missing here: {why}", pytrace=False)
    pytest.skip(f"{kind}: {why}")


def pytest_configure():
    """Refuses a name that no test has: a slip in it would ask for nothing."""
    unknown = sorted(set(required()) - set(KINDS))
    if unknown:
        raise pytest.UsageError(f"ATTRISWEEP_REQUIRE asks for {', '.join(unknown)}; known: {', '.join(KINDS)}")


def pytest_terminal_summary(terminalreporter):
    """Says which tests were left out and why, the most frequent reason first: a run that is green may have tried little."""
    skipped = terminalreporter.stats.get("skipped", [])
    reasons = collections.Counter(reason(report) for report in skipped)
    if reasons:
        terminalreporter.section(f"{len(skipped)} left out")
        for why, count in reasons.most_common():
            terminalreporter.write_line(f"{count:4} {why}")


def reason(report):
    """Why a test was left out, in one line. A file that was left out as a whole counts as one."""
    told = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return " ".join(told.removeprefix("Skipped: ").split())
