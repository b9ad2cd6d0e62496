"""Pictures of the page, pixel by pixel, against the values in the store and the colour maps of matplotlib."""

import io
import json

import numpy as np
import pytest
import zarr
from matplotlib import colormaps
from PIL import Image

STORE = "dataset-rgb_model-resnet18_noise-clean_split-test"


def drawn(panel, colours, full, signed):
    """The colours that a map should have, by numpy and matplotlib."""
    share = panel.astype(np.float64) / full if full else np.zeros(panel.shape)
    return colormaps[colours]((share + 1) / 2 if signed else share, bytes=True)[..., :3]


@pytest.mark.parametrize(("key", "colours", "signed"), [("Saliency", "viridis", False), ("InputXGradient", "PuOr", True)])
def test_a_map_has_the_colours_that_matplotlib_gives_to_its_values(page, finished, key, colours, signed):
    maps = zarr.open_group(finished.output / f"{STORE}.zarr", mode="r")[f"attributions/{key}"]
    for image in (0, 9):
        panel = maps[image].astype(np.float32).sum(axis=0, dtype=np.float32)
        ask = {"images": [image], "columns": [[STORE, key]], "scale": "map", "outliers": "99", "channels": "sum"}
        told = page.json("/api/panels", ask=json.dumps(ask))["panels"][0][0]
        assert told["full"] == pytest.approx(np.percentile(np.abs(panel.astype(np.float64)), 99), rel=1e-12)
        assert (told["least"], told["most"]) == (panel.min(), panel.max())
        status, _, png = page.get("/api/map.png", g=STORE, key=key, image=image, full=told["full"], colours=colours)
        assert status == 200
        assert np.array_equal(np.asarray(Image.open(io.BytesIO(png))), drawn(panel, colours, told["full"], signed))
        _, _, raw = page.get("/api/map.f32", g=STORE, key=key, image=image)
        assert np.array_equal(np.frombuffer(raw, "<f4").reshape(panel.shape), panel)


@pytest.mark.parametrize("scale", ["map", "row", "column", "all"])
def test_maps_share_the_scale_that_is_asked_for(page, finished, scale):
    group = zarr.open_group(finished.output / f"{STORE}.zarr", mode="r")
    images, keys = [2, 5, 7], ["Saliency", "InputXGradient"]
    panels = np.abs([[group[f"attributions/{key}"][image].astype(np.float32).sum(axis=0, dtype=np.float32) for key in keys] for image in images])
    axes = {"map": (2, 3), "row": (1, 2, 3), "column": (0, 2, 3), "all": (0, 1, 2, 3)}[scale]
    wanted = np.broadcast_to(np.percentile(panels.astype(np.float64), 95, axis=axes, keepdims=True)[..., 0, 0], (3, 2))
    ask = {"images": images, "columns": [[STORE, key] for key in keys], "scale": scale, "outliers": "95", "channels": "sum"}
    told = page.json("/api/panels", ask=json.dumps(ask))
    assert np.allclose([[panel["full"] for panel in row] for row in told["panels"]], wanted, rtol=1e-12)
    assert "95th percentile" in told["said"] and scale in told["said"].replace("each map has its own", "map")


def test_an_image_looks_as_it_did_before_preprocessing(page, finished):
    group = zarr.open_group(finished.output / f"{STORE}.zarr", mode="r")
    _, _, png = page.get("/api/image.png", g=STORE, image=3)
    pixels = np.asarray(Image.open(io.BytesIO(png))).astype(int)
    wanted = np.rint(np.clip(group["images"][3].transpose(1, 2, 0) * 0.5 + 0.5, 0, 1) * 255).astype(int)
    # Rounding of a half may go either way.
    assert np.abs(pixels - wanted).max() <= 1 and (pixels != wanted).mean() < 0.01


def test_images_are_chosen_by_what_the_model_says_of_them(page, finished):
    group = zarr.open_group(finished.output / f"{STORE}.zarr", mode="r")
    labels, logits = group["labels"][:], group["model_predictions"][:].astype(np.float64)
    predicted = logits.argmax(axis=1)
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    confidence = (shares / shares.sum(axis=1, keepdims=True)).max(axis=1)
    for right in (True, False):
        told = page.json("/api/samples", g=STORE, right=str(right).lower())
        assert [sample["image"] for sample in told["samples"]] == list(np.flatnonzero((labels == predicted) == right))
    told = page.json("/api/samples", g=STORE, order="sure", limit=3)
    assert told["all"] == 10 and [sample["image"] for sample in told["samples"]] == list(np.argsort(-confidence, kind="stable")[:3])
    assert [sample["confidence"] for sample in told["samples"]] == pytest.approx(sorted(confidence, reverse=True)[:3], rel=1e-5)
    label = int(labels[0])
    assert page.json("/api/samples", g=STORE, label=label)["all"] == (labels == label).sum()


@pytest.mark.parametrize("colours", ["RdBu_r", "PuOr", "inferno", "viridis", "Greys_r"])
def test_a_colour_bar_is_the_colour_map_of_matplotlib(page, colours):
    _, _, png = page.get("/api/colours.png", name=colours)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(png)))[0], colormaps[colours](np.arange(256), bytes=True)[:, :3])
