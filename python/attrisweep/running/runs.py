"""Sweeps that run beside a notebook: started, followed and stopped without blocking the notebook."""

import json
import os
import pathlib
import subprocess
import tempfile
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

from . import programs
from ..errors import SweepFailedError

# What the exit codes of a run mean, as `attrisweep run --help` says them.
MEANINGS = {
    0: "everything that the config asks for is written",
    1: "some units failed; the rest is written",
    2: "wrong arguments",
    3: "mistakes in the config, or in the files that it names; nothing was started",
    4: "a store was computed from something else; nothing was touched",
    5: "no worker could be started or kept",
    6: "a folder cannot be written, or another scheduler is writing to it",
    130: "interrupted; start it again to go on",
}


class Run:
    """A sweep under way in a process of its own. A sweep that is stopped, or whose machine fails, goes on where it stopped."""

    def __init__(self, config: str | os.PathLike[str], arguments: Sequence[str] = ()) -> None:
        self.config = pathlib.Path(config)
        self._given = [*arguments]
        self._told = tempfile.TemporaryFile("w+", encoding="utf-8")
        # A session of its own: Ctrl-C in the notebook interrupts the cell, and not the sweep.
        self._process = subprocess.Popen(
            _command("run", self.config, self._given),
            env=programs.environment(),
            stdin=subprocess.DEVNULL,
            stdout=self._told,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    @property
    def running(self) -> bool:
        """Whether the sweep has not ended."""
        return self._process.poll() is None

    @property
    def code(self) -> int | None:
        """Exit code of the sweep, `None` while it runs; negative if a signal ended it before it could end in order."""
        return self._process.poll()

    def status(self) -> dict[str, Any]:
        """How far the sweep is, as `attrisweep status --json` tells it."""
        return status(self.config, self._given)

    def told(self) -> str:
        """What the sweep has told so far: warnings, progress, and its last screen."""
        self._told.flush()
        return os.pread(self._told.fileno(), os.fstat(self._told.fileno()).st_size, 0).decode(errors="replace")

    def wait(self, seconds: float | None = None) -> str:
        """Waits for the end of the sweep, at most so many seconds; what the sweep told.

        Raises `SweepFailedError` if something is not written, `TimeoutError` if the sweep has not ended by then.
        """
        try:
            code = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise TimeoutError(f"the sweep of {self.config} is not over after {seconds} seconds") from None
        if code != 0:
            raise SweepFailedError(code, meaning(code), self.told())
        return self.told()

    def stop(self, seconds: float = 60) -> None:
        """Stops the sweep in order, as Ctrl-C does. What is written stays, and the next run goes on from there."""
        if self.running:
            self._process.terminate()
            self._process.wait(seconds)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()
        self._told.close()

    def __repr__(self) -> str:
        state = "running" if self.code is None else meaning(self.code)
        return f"<sweep of {self.config}: {state}>"


def start(config: str | os.PathLike[str], *, limit: int | None = None, output: str | os.PathLike[str] | None = None) -> Run:
    """Starts the sweep of a config, or goes on with it, and returns at once.

    `limit` is the number of images of each split at most, `output` the folder of the stores, whatever the config says.
    """
    return Run(config, _options(limit, output))


def status(config: str | os.PathLike[str], arguments: Sequence[str] = ()) -> dict[str, Any]:
    """How far the sweep of a config is, as `attrisweep status --json` tells it, whoever runs it."""
    command = [*_command("status", config, arguments), "--json"]
    done = subprocess.run(command, env=programs.environment(), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SweepFailedError(done.returncode, meaning(done.returncode), done.stderr)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def meaning(code: int) -> str:
    """What the exit code of a run means, in words."""
    return MEANINGS.get(code, "ended by a signal" if code < 0 else "not one of the documented codes")


def _command(name: str, config: str | os.PathLike[str], arguments: Sequence[str]) -> list[str]:
    return [str(programs.path()), name, "--config", os.fspath(config), *arguments]


def _options(limit: int | None, output: str | os.PathLike[str] | None) -> list[str]:
    options = [] if limit is None else ["--limit", str(limit)]
    return options if output is None else [*options, "--output", os.fspath(output)]
