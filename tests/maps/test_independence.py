"""Results do not depend on how they were computed."""

import numpy as np
import pytest
import zarr
from support import NOISES


def maps(run):
    return {
        f"{store.name}/{key}": array[:]
        for store in run.stores()
        for key, array in zarr.open_group(store, mode="r")["attributions"].arrays()
    }


@pytest.fixture(scope="module")
def reference(tmp_path_factory, inputs):
    from support import Sweep

    run = Sweep(tmp_path_factory.mktemp("reference"), inputs, devices={"cpu": 1}, store={"shard": 4, "dtype": "float32"}, limit=11)
    run.config["search_space"]["noise_conditions"] = NOISES
    run.run()
    return maps(run)


@pytest.mark.parametrize(("workers", "batch", "shard"), [(1, 1, 4), (2, 1, 4), (2, 16, 4), (2, 3, 5), (1, 16, 16)])
def test_maps_are_the_same_for_any_number_of_workers_batch_and_shard(sweep, reference, workers, batch, shard):
    run = sweep(devices={"cpu": workers}, store={"shard": shard, "dtype": "float32"}, limit=11, batch_size=batch)
    run.config["search_space"]["noise_conditions"] = NOISES
    run.run()
    found = maps(run)
    assert found.keys() == reference.keys()
    for name, expected in reference.items():
        assert np.abs(found[name] - expected).max() <= 1e-6 * np.abs(expected).max(), name


def test_another_seed_changes_the_noise_and_the_first_images_do_not_depend_on_the_limit(sweep, reference):
    run = sweep(devices={"cpu": 2}, store={"shard": 4, "dtype": "float32"}, limit=5)
    run.config["search_space"]["noise_conditions"] = NOISES
    run.run()
    for name, found in maps(run).items():
        assert np.abs(found - reference[name][:5]).max() <= 1e-6 * np.abs(found).max(), name
    other = sweep(devices={"cpu": 2}, store={"shard": 4, "dtype": "float32"}, limit=5, seed=1)
    other.config["paths"]["final_output_dir"] = str(other.folder / "other")
    other.output = other.folder / "other"
    other.config["search_space"]["noise_conditions"] = NOISES
    other.run()
    for name, found in maps(other).items():
        same = np.array_equal(found, reference[name][:5])
        assert same == ("noise-clean" in name), name


def test_batch_sizes_come_from_the_references_preflight_results(sweep):
    run = sweep(limit=4)
    results = run.folder / "preflight_results.json"
    results.write_text('{"resnet18": {"Saliency": 3, "InputXGradient": 0}}')
    run.config["preflight_check"] = {"enabled": False, "results_path": str(results)}
    run.run()
    batches = {key: run.granted(0)[key] for key in ("Saliency", "InputXGradient", "Deconvolution")}
    # What is not known is a guess, which grows.
    assert batches == {"Saliency": "3", "InputXGradient": "1", "Deconvolution": "4+"}


def test_folded_batch_norms_give_the_same_predictions_to_rounding(sweep, reference):
    run = sweep(fold_batch_norm=True, store={"shard": 4, "dtype": "float32"}, limit=11)
    run.run()
    plain = sweep(store={"shard": 4, "dtype": "float32"}, limit=11)
    plain.output = plain.folder / "plain"
    plain.config["paths"]["final_output_dir"] = str(plain.output)
    plain.run()
    folded, unfolded = (zarr.open_group(r.stores()[0], mode="r")["model_predictions"][:] for r in (run, plain))
    assert np.allclose(folded, unfolded, atol=1e-5) and not np.array_equal(folded, unfolded)
