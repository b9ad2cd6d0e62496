"""Metrics that compare a map with another one: of the same image by another method, and of a model that has lost what it learned."""

import attrisweep
import numpy
import scipy.stats
import zarr
from skimage.metrics import structural_similarity
from sklearn.metrics import average_precision_score, roc_auc_score

METHODS = ["Saliency", "InputXGradient"]
AGREEMENTS = [{"name": f"Like_{word}", "class": "Agreement", "params": {"with": "InputXGradient", "similarity": word, "top": 5}} for word in ("spearman", "cosine", "ssim", "jaccard")]
RANDOMISED = [
    {"name": "Late", "class": "MPRT", "params": {"steps": 2, "similarity": "cosine", "at": "last"}},
    {"name": "All", "class": "MPRT", "params": {"steps": 2, "order": "bottom_up"}},
    {"class": "EfficientMPRT"},
]


def evaluated(sweep, metrics, **options):
    run = sweep(limit=4, **options)
    run.config["search_space"]["attribution_methods"] = [{"name": name, "class": name, "params": {}} for name in METHODS]
    run.config["evaluation"] = metrics
    return run


def scores(run):
    group = attrisweep.open_sweep(run.output)[0]
    return {key: group.scores(key).sel({"method": METHODS}).values for key in zarr.open_group(run.stores()[0], mode="r")["scores"].keys()}


def similar(one, other):
    """The similarities of two maps `[c, h, w]` by scipy and scikit-image; Jaccard's of the largest 5 %."""
    one, other = one.astype(float), other.astype(float)
    extent = max(one.max(), other.max()) - min(one.min(), other.min())
    largest = [set(numpy.argsort(-values.ravel(), kind="stable")[: round(values.size * 0.05)]) for values in (one, other)]
    return {
        "Like_spearman": scipy.stats.spearmanr(one.ravel(), other.ravel()).statistic,
        "Like_cosine": (one * other).sum() / numpy.linalg.norm(one) / numpy.linalg.norm(other),
        "Like_ssim": numpy.mean([structural_similarity(a, b, data_range=extent) for a, b in zip(one, other)]),
        "Like_jaccard": len(largest[0] & largest[1]) / len(largest[0] | largest[1]),
    }


def test_methods_are_compared_as_scipy_and_scikit_image_compare_them(sweep):
    run = evaluated(sweep, AGREEMENTS)
    assert "an image takes 0 passes and 0 maps for each method, and 0 passes for all" in run.run("--check").stdout
    run.run()
    store = zarr.open_group(run.stores()[0], mode="r")
    maps = {method: store["attributions"][method][:] for method in METHODS}
    found = {key.split("_similarity")[0].split("_top")[0]: values for key, values in scores(run).items()}
    found = {next(name for name in similar(maps["Saliency"][0], maps["Saliency"][0]) if key.startswith(name)): values for key, values in found.items()}
    for image in range(4):
        for at, method in enumerate(METHODS):
            for name, wanted in similar(maps[method][image], maps["InputXGradient"][image]).items():
                # Numbers are stored in single precision.
                numpy.testing.assert_allclose(found[name][image, at], wanted, rtol=1e-5, atol=1e-6, err_msg=f"{name} {method} {image}")


def test_a_map_that_no_method_makes_is_told_before_anything_starts(sweep):
    run = evaluated(sweep, [{"class": "Agreement", "params": {"with": "Salency"}}])
    assert "evaluation[0].params.with: `Salency` is the key of no map, did you mean `Saliency`?" in run.run(code=3).stderr


def test_maps_of_randomised_models_do_not_depend_on_shards_and_workers_but_on_the_seed(sweep, tmp_path):
    run = evaluated(sweep, RANDOMISED, devices={"cpu": 1}, seed=7)
    assert "an image takes 0 passes and 5 maps for each method, and 0 passes for all" in run.run("--check").stdout
    run.run()
    wanted = scores(run)
    values = [wanted[key] for key in sorted(wanted)]
    assert len(values) == 3 and all(numpy.isfinite(of_key).all() for of_key in values)
    late = next(of_key for key, of_key in wanted.items() if key.startswith("Late"))
    # A model without what it learned has other maps.
    assert (late > -1).all() and (late < 0.99).all()
    for number, options in enumerate([{"devices": {"cpu": 2}, "store": {"shard": 2}, "seed": 7}, {"devices": {"cpu": 1}, "seed": 8}]):
        other = evaluated(sweep, RANDOMISED, **options)
        other.folder = tmp_path / str(number)
        other.folder.mkdir()
        other.output = other.folder / "out"
        other.config["paths"] |= {"final_output_dir": str(other.output), "scheduler_log_dir": str(other.folder / "logs")}
        other.run()
        for key, found in scores(other).items():
            if options["seed"] == 7:
                numpy.testing.assert_array_equal(found, wanted[key])
            else:
                assert (found != wanted[key]).any()


def masked(sweep, masks, metrics):
    """A sweep whose images have these `masks` `[n, h, w]`."""
    run = evaluated(sweep, metrics)
    folder = run.folder / "masks"
    folder.mkdir(exist_ok=True)
    numpy.savez(folder / "rgb.npz", test_images=masks, test_labels=numpy.zeros((len(masks), 1), numpy.uint8))
    run.config["paths"]["masks_root"] = str(folder)
    return run


OF_MASKS = [{"class": "PointingGame"}, {"class": "RelevanceMassAccuracy"}, {"class": "AUC"}, {"class": "MeanIoU"}, {"class": "MeanAveragePrecision"}]


def test_maps_are_compared_with_masks_that_are_a_dataset_of_their_own(sweep):
    masks = numpy.zeros((24, 28, 28), numpy.uint8)
    for at, mask in enumerate(masks[1:]):
        # Another rectangle for each image; the first image has no object. Any value but 0 is the object.
        mask[at : at + 9, 3 : 8 + at] = 1 + at
    run = masked(sweep, masks, OF_MASKS)
    run.run()
    store, found = zarr.open_group(run.stores()[0], mode="r"), scores(run)
    for image in range(4):
        for at, method in enumerate(METHODS):
            values, inside = store["attributions"][method][image].astype(float).sum(0), masks[image] > 0
            if image == 0:
                assert all(numpy.isnan(of_key[0, at]) for of_key in found.values())
                continue
            scaled = (values - values.min()) / (values.max() - values.min())
            marked, positive = scaled > scaled.mean(), values.clip(min=0)
            both = lambda one, other: (one & other).sum() / (one | other).sum()
            pooled = numpy.stack([~inside, inside]).ravel(), numpy.stack([1 - scaled, scaled]).ravel().astype(numpy.float32)
            wanted = {
                "PointingGame": float(inside.ravel()[values.argmax()]),
                "RelevanceMassAccuracy": positive[inside].sum() / positive.sum(),
                "AUC": roc_auc_score(inside.ravel(), values.ravel()),
                "MeanIoU": (both(marked, inside) + both(~marked, ~inside)) / 2,
                "MeanAveragePrecision": average_precision_score(*pooled),
            }
            for name, number in wanted.items():
                # Numbers are stored in single precision; rounding may part a few of the equal scores that one step of precision has.
                numpy.testing.assert_allclose(found[name][image, at], number, rtol=1e-3 if name == "MeanAveragePrecision" else 1e-5, err_msg=f"{name} {method} {image}")


def test_scores_of_other_masks_are_refused_under_the_same_name_and_a_sweep_of_chosen_images_may_grow(sweep):
    masks = numpy.zeros((24, 28, 28), numpy.uint8)
    masks[:, :14] = 1
    run = masked(sweep, masks, OF_MASKS[:1])
    run.config |= {"indices": [9, 3, 17, 4, 0, 2], "limit": 3}
    run.run()
    before = scores(run)["PointingGame"]
    run.config["limit"] = 5
    run.run()
    numpy.testing.assert_array_equal(scores(run)["PointingGame"][:3], before)
    other = masked(sweep, 1 - masks, OF_MASKS[:1])
    other.config |= {"indices": run.config["indices"], "limit": 5}
    told = other.run(code=4).stderr
    assert "the score `PointingGame` is `PointingGame` (" in told and "masks=" in told and "which needs another `name`" in told


def test_masks_that_do_not_fit_are_told_before_anything_starts(sweep):
    masks = numpy.ones((24, 28, 28), numpy.uint8)
    masks[:, 5:9] = 0
    run = masked(sweep, masks, OF_MASKS[:1])
    run.run()
    measured = lambda: sorted(zarr.open_group(run.stores()[0], mode="r")["measurements"].keys())
    (first,) = measured()
    assert first.startswith("inside_masks_")
    small = masked(sweep, masks[:, :20], OF_MASKS[:1])
    told = small.run(code=3).stderr
    assert "paths.masks_root: " in told and "has 24 masks of 20x28 px in its split `test`, expected 4 of 28x28 px" in told
    few = masked(sweep, masks[:3], OF_MASKS[:1])
    assert "has 3 masks of 28x28 px in its split `test`, expected 4 of 28x28 px" in few.run(code=3).stderr
    del few.config["paths"]["masks_root"]
    assert "evaluation[0].class: compares maps with masks of objects, and `paths.masks_root` names no folder of masks" in few.run(code=3).stderr
