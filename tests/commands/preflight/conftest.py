"""A small sweep, and preflight on it."""

import json
import subprocess

import pytest
from support import METHODS, PREFLIGHT, Sweep
from support.grid import DEEP_LIFT


class Flight(Sweep):
    """A sweep with what preflight says of it, and leaves in its output folder."""

    def preflight_command(self, *arguments):
        return [PREFLIGHT, "--config", self.file, *arguments]

    def preflight(self, *arguments, code=0):
        done = subprocess.run(self.preflight_command(*arguments), capture_output=True, text=True, timeout=300)
        assert done.returncode == code, f"exit code {done.returncode}, expected {code}\n{done.stdout}\n{done.stderr}"
        return done

    def results(self):
        return json.loads((self.output / "preflight_results.json").read_text())

    def entries(self):
        """What the profile says of each variant."""
        found = json.loads((self.output / "preflight_profile.json").read_text())["entries"]
        assert len({entry["of"]["key"] for entry in found}) == len(found)
        return {entry["of"]["key"]: entry for entry in found}

    def logs(self):
        """What all programs have logged."""
        return "".join(path.read_text() for path in sorted((self.folder / "logs").glob("*.log")))


@pytest.fixture
def flight(tmp_path, inputs):
    def make(methods=(METHODS[0], DEEP_LIFT), **options):
        run = Flight(tmp_path, inputs, **{"devices": {"cpu": 1}, "store": {"shard": 24}, **options})
        run.config["search_space"]["attribution_methods"] = list(methods)
        return run

    return make
