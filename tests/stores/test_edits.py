"""A config that is edited between two runs: what was added extends the stores, what changed is refused by name."""

import copy

import pytest
import zarr
from support import METHODS, NOISES, Sweep


def configured(folder, inputs, limit):
    run = Sweep(folder, inputs, limit=limit)
    run.config["search_space"] |= {"noise_conditions": NOISES[1:2], "attribution_methods": METHODS[:2]}
    return run


@pytest.mark.parametrize("first", [3, 4, 8, 10])
def test_more_images_extend_a_store_into_the_bytes_of_one_that_had_them_from_the_start(tmp_path, inputs, first):
    (tmp_path / "fresh").mkdir()
    (tmp_path / "grown").mkdir()
    fresh, grown = configured(tmp_path / "fresh", inputs, 11), configured(tmp_path / "grown", inputs, first)
    fresh.run()
    grown.run()
    whole = {path: path.stat().st_mtime_ns for shard in range(first // 4) for path in grown.output.rglob(f"c.{shard}*") if "means" not in str(path)}
    grown.config["limit"] = 11
    assert f"Wrote {2 * (11 - first // 4 * 4)} attribution maps" in grown.run().stdout
    assert grown.digests() == fresh.digests()
    assert {path: path.stat().st_mtime_ns for path in whole} == whole
    assert zarr.open_group(grown.stores()[0], mode="r")["images"].shape == (11, 3, 28, 28)


def test_a_store_with_a_variant_that_was_removed_grows_and_the_variant_is_whole_again_once_it_is_back(tmp_path, inputs):
    (tmp_path / "fresh").mkdir()
    (tmp_path / "grown").mkdir()
    fresh, grown = configured(tmp_path / "fresh", inputs, 11), configured(tmp_path / "grown", inputs, 6)
    fresh.run()
    grown.run()
    methods = copy.deepcopy(grown.config["search_space"]["attribution_methods"])
    grown.config["limit"] = 11
    grown.config["search_space"]["attribution_methods"] = methods[:1]
    grown.run()
    maps = zarr.open_group(grown.stores()[0], mode="r")["attributions/InputXGradient"]
    assert maps.shape[0] == 11
    grown.config["search_space"]["attribution_methods"] = methods
    grown.run()
    assert grown.digests() == fresh.digests()


def test_what_was_removed_from_a_config_stays_as_it_is(tmp_path, inputs):
    run = configured(tmp_path, inputs, 6)
    run.config["search_space"]["noise_conditions"] = NOISES[:2]
    run.run()
    before = {path: path.read_bytes() for path in run.output.rglob("c.*")}
    run.config["search_space"] |= {"noise_conditions": NOISES[:1], "attribution_methods": METHODS[1:2]}
    run.run()
    assert {path: path.read_bytes() for path in run.output.rglob("c.*")} == before


@pytest.mark.parametrize(("edit", "fact"), [
    ({"limit": 5}, "images is 6 in the store and 5 in the config"),
    ({"seed": 3}, "seed is 0 in the store and 3 in the config"),
    ({"store": {"shard": 8}}, "shard is 4 in the store and 8 in the config"),
    ({"limit": 7, "precision": "float64"}, 'precision is "float32" in the store and "float64" in the config'),
])
def test_what_changed_is_refused_by_name_with_the_choice_and_nothing_is_touched(tmp_path, inputs, edit, fact):
    run = configured(tmp_path, inputs, 6)
    run.run()
    before = run.digests()
    run.config |= edit
    told = run.run(code=4).stderr
    assert fact in told and "go on with the old config, or move the store away or choose another final_output_dir" in told
    assert "images is" not in told or edit == {"limit": 5}
    assert run.digests() == before
