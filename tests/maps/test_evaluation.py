"""Evaluation: measurements and scores of maps, in the same stores, by the same workers."""

import json
import subprocess

import attrisweep
import numpy
import pytest
import torch
import xarray
import zarr
from support import SCHEDULER, make_model, wait_for

METRICS = [
    {"class": "Deletion", "params": {"steps": 5, "baseline": 0.0}},
    {"class": "Insertion", "params": {"steps": 5, "baseline": 0.0}},
    {"class": "FaithfulnessCorrelation", "params": {"runs": 8, "subset_size": 300}},
    {"class": "MaxSensitivity", "params": {"samples": 2}, "methods": ["Saliency"]},
    {"class": "Sparseness"},
]


def evaluated(sweep, metrics=METRICS, **options):
    run = sweep(limit=6, **options)
    run.config["search_space"]["attribution_methods"] = [{"name": name, "class": name, "params": {}} for name in ("Saliency", "InputXGradient")]
    if metrics:
        run.config["evaluation"] = metrics
    return run


def opened(run):
    (store,) = run.stores()
    return zarr.open_group(store, mode="r")


def scores(run, code=0):
    done = subprocess.run([SCHEDULER, "scores", "--config", run.file], capture_output=True, text=True, timeout=300)
    assert done.returncode == code, f"exit code {done.returncode}, expected {code}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def of_evaluation(digests):
    return {path: digest for path, digest in digests.items() if "/measurements/" in path or "/scores/" in path}


def gini(values):
    """The Gini index, from all pairs of values."""
    values = numpy.abs(values.astype(numpy.float64)).ravel()
    ordered = numpy.sort(values)
    n = len(ordered)
    return 1 - 2 * sum(value / ordered.sum() * (n - k - 0.5) / n for k, value in enumerate(ordered))


def deleted(model, image, values, steps):
    """Mean height of the curve of the predicted class while pixels become 0, one image after the other."""
    with torch.no_grad():
        target = model(image[None]).argmax().item()
        order = numpy.argsort(-values.astype(numpy.float64).sum(0).ravel(), kind="stable")
        heights = []
        for step in range(steps + 1):
            copy = image.clone().reshape(image.shape[0], -1)
            copy[:, order[: len(order) * step // steps].copy()] = 0.0
            heights.append(torch.softmax(model(copy.reshape(1, *image.shape)), 1)[0, target].item())
    return numpy.trapezoid(heights) / steps


def test_a_store_is_evaluated_without_making_maps_again_and_scores_are_those_of_other_programs(sweep, inputs):
    run = evaluated(sweep, metrics=None)
    run.run()
    before = run.digests()
    assert not of_evaluation(before)
    run.config["evaluation"] = METRICS
    assert "scores    5 for each map; an image takes 12 passes and 2 maps for each method, and 8 passes for all" in run.run("--check").stdout
    run.run()
    after = run.digests()
    assert {path: after[path] for path in before if path.rpartition("/")[2] != "zarr.json"} == {
        path: digest for path, digest in before.items() if path.rpartition("/")[2] != "zarr.json"
    }
    store = opened(run)
    model = make_model("resnet18", 28).eval()
    for method in ("Saliency", "InputXGradient"):
        maps = store["attributions"][method][:]
        found = store["scores"]["Sparseness"][method][:]
        numpy.testing.assert_allclose(found, [gini(values) for values in maps], rtol=1e-5)
        key = "Deletion_baseline_0.0_steps_5"
        images = torch.from_numpy(store["images"][:])
        wanted = [deleted(model, image, values, 5) for image, values in zip(images, maps)]
        numpy.testing.assert_allclose(store["scores"][key][method][:], wanted, rtol=1e-3, atol=1e-5)
    # xarray opens all of it, with names for the steps of a curve.
    (path,) = run.stores()
    tree = xarray.open_datatree(path, engine="zarr", chunks=None)
    assert tree["measurements/curve_baseline_0.0_steps_5/Saliency"].dims == ("sample", "order", "step", "value")
    assert list(store["scores"]["MaxSensitivity_samples_2"].keys()) == ["Saliency"]
    # What is asked for is there: nothing is done again.
    assert "complete" in run.run("--check").stdout
    verified = subprocess.run([SCHEDULER, "verify", "--config", run.file], capture_output=True, text=True, timeout=300)
    assert "Everything is there and sound" in verified.stdout + verified.stderr


def test_another_metric_of_the_same_measurement_costs_no_pass(sweep):
    run = evaluated(sweep, metrics=[{"class": "Deletion", "params": {"steps": 5, "baseline": "image_min"}}])
    run.run()
    measured = {path: digest for path, digest in run.digests().items() if "/measurements/" in path}
    times = {path: (run.output / path).stat().st_mtime_ns for path in measured}
    run.config["evaluation"].append({"class": "PixelFlipping", "params": {"steps": 5}})
    run.run()
    assert {path: (run.output / path).stat().st_mtime_ns for path in measured} == times
    store = opened(run)
    first, second = store["scores"]["Deletion_baseline_image_min_steps_5"], store["scores"]["PixelFlipping_steps_5"]
    numpy.testing.assert_array_equal(first["Saliency"][:], second["Saliency"][:])


def test_measurements_do_not_depend_on_workers_and_batches_and_kills(sweep, tmp_path):
    run = evaluated(sweep, devices={"cpu": 1}, batch_size=1)
    run.run()
    wanted = of_evaluation(run.digests())
    assert len([path for path in wanted if "/c." in path]) == 2 * (2 * 2 + 1 + 2 + 1 + 2 + 9)
    for number, options in enumerate([{"devices": {"cpu": 2}, "batch_size": 6}, {"devices": {"cpu": 2}}]):
        other = evaluated(sweep, **options)
        other.folder = tmp_path / str(number)
        other.folder.mkdir()
        other.output = other.folder / "out"
        other.config["paths"] |= {"final_output_dir": str(other.output), "scheduler_log_dir": str(other.folder / "logs")}
        if number:
            process = other.start()
            wait_for(lambda: list(other.output.rglob("measurements/*/*/c.*")))
            process.kill()
            process.wait()
        other.run()
        assert of_evaluation(other.digests()) == wanted


def test_tables_are_printed_and_written_for_papers_and_programs(sweep):
    run = evaluated(sweep)
    assert "it has no scores yet" in scores(run, code=1)
    run.run()
    text = scores(run)
    assert "Sparseness ↑" in text and "Deletion_baseline_0.0_steps_5 ↓" in text and "mean rank" in text
    (table,) = json.loads((run.output / "scores.json").read_text())
    rows = {row["method"]: row["cells"] for row in table["rows"]}
    stored = opened(run)["scores"]["Sparseness"]["Saliency"][:].astype(float)
    cell = rows["Saliency"][4]
    assert cell["mean"] == pytest.approx(stored.mean()) and cell["images"] == 6 and cell["undefined"] == 0
    assert cell["standard_error"] == pytest.approx(stored.std(ddof=1) / 6**0.5)
    assert rows["InputXGradient"][3] is None
    group = attrisweep.open_sweep(run.output)[0]
    numpy.testing.assert_allclose(group.scores("Sparseness").sel({"method": "Saliency"}), stored)
    assert group.score_table.loc["Saliency", "Sparseness"] == pytest.approx(stored.mean())
    assert group.score_table["MaxSensitivity_samples_2"].count() == 1
    lines = (run.output / "scores.csv").read_text().splitlines()
    assert len(lines) == 1 + 9 and lines[0].startswith("store,method,score,class,direction,mean,")
    assert "\\toprule" in (run.output / "scores.tex").read_text() and "| --- |" in (run.output / "scores.md").read_text()


def test_scores_that_the_config_asks_for_and_the_store_lacks_are_named_and_the_code_says_so(sweep):
    run = evaluated(sweep, metrics=[{"class": "Sparseness", "methods": ["Saliency"]}])
    run.run()
    scores(run)
    # Steps of which an image has so many that a curve of a much larger one would be refused.
    flipping = {"class": "PixelFlipping", "methods": ["Saliency"], "params": {"per_step": 224}}
    run.config["evaluation"] = [{"class": "Sparseness"}, {"class": "Complexity", "methods": ["Saliency"]}, flipping]
    (told,) = (line for line in scores(run, code=1).splitlines() if line.startswith("lacks "))
    assert told.endswith(": Sparseness, Complexity, PixelFlipping_per_step_224"), told
    run.config["limit"] = 7
    assert f"{told}, images 6 to 6\n" in scores(run, code=1)
    run.run()
    assert "lacks" not in scores(run)


def test_mistakes_are_told_all_at_once_and_nothing_is_started(sweep):
    run = evaluated(sweep)
    run.config["evaluation"] = [
        {"class": "Deletoin"},
        {"class": "Deletion", "params": {"step": 5, "steps": 0}},
        {"class": "Sparseness", "methods": ["Salency"]},
        {"class": "FaithfulnessCorrelation", "params": {"subset_size": 5000}},
        {"class": "Complexity", "score": "logit"},
    ]
    told = run.run(code=3).stderr
    for text in [
        "evaluation[0].class: unknown metric `Deletoin`, did you mean `Deletion`?",
        "evaluation[1].params.step: unknown parameter, did you mean `steps`?",
        "evaluation[1].params.steps: found `0`, expected a whole number from 1 to 1024",
        "evaluation[2].methods[0]: `Salency` fits the key of no map, did you mean `Saliency`?",
        "parameter `subset_size` is 5000, expected 1 to the number of values of an image",
        "evaluation[4].score: unknown parameter",
    ]:
        assert text in told, f"{text}\n{told}"
    assert not run.output.exists() or not list(run.output.glob("*.zarr"))
