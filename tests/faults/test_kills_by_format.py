"""The script that kills sweeps in each format of stores, with few kills: `bench/stores/kills.py` takes more."""

import os
import subprocess
import sys

import pytest
from support import ROOT

KILLS = os.environ.get("ATTRISWEEP_KILLS", "6")


@pytest.mark.parametrize("form", ["zarr", "zarr.zip", "pt"])
def test_kills_over_a_sweep_leave_the_bytes_of_an_undisturbed_one_in_each_format(form):
    script = ROOT / "bench" / "stores" / "kills.py"
    done = subprocess.run([sys.executable, script, "--kills", KILLS, "--formats", form], capture_output=True, text=True, timeout=1200)
    assert done.returncode == 0 and f"{KILLS} kills" in done.stdout and " 0 differ, verify 0," in done.stdout, done.stdout + done.stderr
