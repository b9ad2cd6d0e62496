"""The day with a GPU, rehearsed on the processor: minutes on a lent GPU are too few to find a typing error in them."""

import json
import subprocess
import sys

from support import ROOT

QUICK = ["--device", "cpu", "--size", "64", "--images", "2", "--batches", "1,2", "--keys", "Saliency,DeepLIFT_baselines,FeatureAblation_patch_size_16", "--precisions", "float32", "--threads", "1"]


def rows_of(folder, *more):
    command = [sys.executable, ROOT / "bench" / "gpu_day.py", *QUICK, "--worker", ROOT / "target" / "debug" / "worker", "--out", folder, *more]
    subprocess.run(command, check=True, capture_output=True, text=True)
    return [json.loads(line) for line in (folder / "rows.jsonl").read_text().splitlines()]


def test_every_step_of_the_day_runs_on_the_processor_and_writes_its_rows(tmp_path):
    rows = rows_of(tmp_path, "--seconds", "4000")
    ended = {row["step"]: row["ended"] for row in rows if "ended" in row}
    # Without a GPU all of its tests are skipped, which pytest does not call a failure.
    assert ended == dict.fromkeys(["facts", "ways", "bench float32", "tests"], "in time"), (tmp_path / "log").read_text()
    found = {(row["key"], row["batch"], row["side"]): row["images_per_second"] for row in rows if "side" in row}
    windows = {side for key, _, side in found if key.startswith("FeatureAblation")}
    assert windows == {"boxes of 1 size", "boxes of 2 sizes", "whole images", "plain"}
    assert len(found) == (2 + 2 + 4) * 2 and min(found.values()) > 0
    assert "DeepLIFT" in (tmp_path / "log").read_text()


STEPS = ["facts", "ways", "bench float32", "tests"]


def test_a_day_without_time_says_so_of_each_step(tmp_path):
    rows = rows_of(tmp_path, "--seconds", "0.5")
    assert {row["step"]: row["ended"] for row in rows if "ended" in row} == dict.fromkeys(STEPS, "no time was left")


def test_a_step_that_takes_more_than_its_time_is_ended_and_the_day_goes_on(tmp_path):
    """The one with two thousand images, or an earlier one on a slow machine."""
    rows = rows_of(tmp_path, "--seconds", "40", "--images", "2000")
    ended = {row["step"]: row["ended"] for row in rows if "ended" in row}
    assert list(ended) == STEPS and "code -9" in ended.values()
