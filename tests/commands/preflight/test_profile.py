"""What `preflight` has found is kept: used and corrected by sweeps, measured again where something else was measured."""

import json

import pytest
from support import METHODS, make_dataset
from support.grid import DEEP_LIFT

MIB = 1 << 20


@pytest.mark.parametrize("text", ["", "{", '{"version": 7, "entries": []}', '{"version": 1, "entries": [{"batch": 1e99}]}'])
def test_a_damaged_profile_is_told_put_aside_and_made_anew(flight, text):
    run = flight([METHODS[0]])
    run.output.mkdir()
    (run.output / "preflight_profile.json").write_text(text)
    done = run.preflight()
    assert "preflight_profile.json` cannot be used (" in done.stderr
    assert run.entries().keys() == {"Saliency"}
    assert (run.output / "preflight_profile.json.damaged").read_text() == text


def test_damaged_results_are_told_put_aside_and_made_anew(flight):
    run = flight([METHODS[0]])
    run.output.mkdir()
    (run.output / "preflight_results.json").write_text('{"resnet18": {"Saliency": 7')
    assert "preflight_results.json` cannot be used (" in run.preflight().stderr
    assert run.results()["resnet18"].keys() == {"Saliency"}
    assert (run.output / "preflight_results.json.damaged").read_text() == '{"resnet18": {"Saliency": 7'


def test_a_margin_is_remembered_and_another_one_is_measured_with(flight):
    run = flight([METHODS[0]])
    assert "1 batch sizes found" in run.preflight("--margin", "40").stdout
    assert run.entries()["Saliency"]["margin"] == 0.4
    for arguments in (["--margin", "40"], []):
        assert "0 batch sizes found, 1 known before" in run.preflight(*arguments).stdout
    assert "1 batch sizes found" in run.preflight("--margin", "10").stdout
    assert run.entries()["Saliency"]["margin"] == 0.1


def test_what_was_measured_on_something_else_is_measured_again(flight):
    run = flight([METHODS[0]])
    run.preflight()
    path = run.output / "preflight_profile.json"
    for change in ({"program": "attrisweep 0.0.1"}, {"libtorch": "1.0"}, {"of": {"device": "another"}}, {"of": {"weights": 1}}, {"of": {"precision": "float64"}}):
        profile = json.loads(path.read_text())
        (entry,) = profile["entries"]
        of = {**entry["of"], **change.get("of", {})}
        path.write_text(json.dumps({**profile, "entries": [{**entry, **change, "of": of}]}))
        assert "1 batch sizes found, 0 known before" in run.preflight().stdout, change
        current = [entry for entry in json.loads(path.read_text())["entries"] if entry["by"] == "preflight"]
        path.write_text(json.dumps({**profile, "entries": current[-1:]}))


def test_a_batch_that_does_not_fit_is_halved_the_unit_finished_and_the_profile_corrected(flight, tmp_path):
    make_dataset(tmp_path / "data", "rgb", 28, 128, splits=("test",))
    free = flight([DEEP_LIFT], batch_size=16, store={"shard": 128})
    free.config["paths"]["medmnist_data_root"] = str(tmp_path / "data")
    free.run()
    undisturbed = free.digests()
    # The model and what is around it take some 290 MiB, an image of the batch 0.6.
    tight = flight([DEEP_LIFT], memory="360MiB", store={"shard": 128})
    tight.config["paths"]["medmnist_data_root"] = str(tmp_path / "data")
    tight.output = tmp_path / "tight"
    tight.config["paths"]["final_output_dir"] = str(tight.output)
    tight.output.mkdir()
    (tight.output / "preflight_results.json").write_text(json.dumps({"resnet18": {"DeepLIFT_baselines_zero": 128}}))
    told = tight.run().stderr
    assert "memory ran out, and the batch is another one now" in told
    assert tight.digests() == undisturbed
    (entry,) = tight.entries().values()
    assert entry["batch"] < 128 and (entry["bound"], entry["by"]) == ("memory", "sweep")
    assert entry["bytes"]["base"] > 200 * MIB and entry["bytes"]["per_image"] > 0 and entry["images_per_second"] > 0


def test_without_a_profile_batches_grow_and_what_was_learned_is_kept(flight):
    run = flight([DEEP_LIFT], store={"shard": 24})
    run.config["search_space"]["splits"] = ["train", "val", "test"]
    run.run()
    assert run.granted(0) == {"DeepLIFT_baselines_zero": "4+"}
    (entry,) = run.entries().values()
    assert entry["by"] == "sweep" and entry["batch"] >= 4 and entry["images_per_second"] > 0
    assert entry["bytes"]["base"] > 200 * MIB
