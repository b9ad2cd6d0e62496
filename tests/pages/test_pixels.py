"""Pictures of the page, pixel by pixel, against the values in the store and the colour maps of matplotlib."""

import base64
import io
import json
import re
import shutil

import numpy as np
import pytest
import zarr
from matplotlib import colormaps
from PIL import Image
from support import METHODS, Sweep, make_weights, wait_for
from support.pages.page import Page

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


def test_a_store_that_takes_the_place_of_another_one_is_shown_in_its_stead(tmp_path, inputs):
    run = Sweep(tmp_path, inputs, limit=4)
    run.config["search_space"]["attribution_methods"] = METHODS[:1]
    run.run()
    page = Page(run.output)
    try:
        earlier = wait_for(lambda: (told := page.get("/api/map.f32", g=STORE, key="Saliency", image=0))[0] == 200 and told[2])
        of_earlier = page.json("/api/samples", g=STORE)["samples"]
        (store,) = run.stores()
        shutil.rmtree(store)
        make_weights(tmp_path / "weights", "rgb", "resnet18", 28, seed=5)
        run.config["paths"]["medmnist_weights_root"] = str(tmp_path / "weights")
        run.run()
        panel = zarr.open_group(store, mode="r")["attributions/Saliency"][0].astype(np.float32).sum(axis=0, dtype=np.float32)
        assert panel.tobytes() != earlier
        wait_for(lambda: page.get("/api/map.f32", g=STORE, key="Saliency", image=0)[2] == panel.astype("<f4").tobytes())
        assert [sample["confidence"] for sample in page.json("/api/samples", g=STORE)["samples"]] != [sample["confidence"] for sample in of_earlier]
    finally:
        page.close()


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


def figure(page, form, **changes):
    wait_for(lambda: page.json("/api/grid")["whole"])
    ask = {"images": [0, 9], "columns": [[STORE, "Saliency"], [STORE, "InputXGradient"]], "scale": "all", "outliers": "100", "channels": "sum"}
    status, headers, body = page.get(f"/api/figure.{form}", ask=json.dumps(ask), size=56, unsigned="viridis", **changes)
    assert status == 200, body
    assert headers["content-disposition"] == f'attachment; filename="maps.{form}"'
    return body


def panels_of(finished):
    group = zarr.open_group(finished.output / f"{STORE}.zarr", mode="r")
    return {(image, key): group[f"attributions/{key}"][image].astype(np.float32).sum(axis=0, dtype=np.float32) for image in (0, 9) for key in ("Saliency", "InputXGradient")}


def test_a_figure_that_is_saved_has_the_values_of_the_store(page, finished):
    lines = figure(page, "csv").decode().splitlines()
    assert lines[0] == f'image,y,x,"{STORE} Saliency","{STORE} InputXGradient"' and len(lines) == 1 + 2 * 28 * 28
    read = np.array([[float(cell) for cell in line.split(",")] for line in lines[1:]])
    for (image, key), panel in panels_of(finished).items():
        rows = read[read[:, 0] == image]
        assert np.array_equal(rows[:, 3 if key == "Saliency" else 4].astype(np.float32).reshape(28, 28), panel)
        assert np.array_equal(rows[:, 1:3], [[y, x] for y in range(28) for x in range(28)])


def test_a_figure_that_is_saved_has_the_colours_of_the_page(page, finished):
    panels = panels_of(finished)
    full = max(np.abs(panel).max() for panel in panels.values())
    # Three columns of 56 pixels with 4 between them, two rows.
    pixels = np.asarray(Image.open(io.BytesIO(figure(page, "png"))))
    assert pixels.shape == (2 * 56 + 4, 3 * 56 + 8, 3)
    svg = figure(page, "svg").decode()
    inside = [np.asarray(Image.open(io.BytesIO(base64.b64decode(data)))) for data in re.findall(r'base64,([^"]+)"', svg)]
    for at, ((image, key), panel) in enumerate(panels.items()):
        row, column = divmod(at, 2)
        wanted = drawn(panel, "viridis" if key == "Saliency" else "RdBu_r", full, key != "Saliency")
        top, left = row * 60, (column + 1) * 60
        # Each pixel is a square of 2 x 2.
        assert np.array_equal(pixels[top : top + 56 : 2, left : left + 56 : 2], wanted)
        assert np.array_equal(pixels[top + 1 : top + 56 : 2, left + 1 : left + 56 : 2], wanted)
        assert np.array_equal(inside[row * 3 + column + 1], wanted)
    # Long sentences are broken into lines.
    said = re.sub(r"</text>\s*<text[^>]*>", "", svg)
    assert "one scale for all maps; full colour at the largest absolute value" in said and ">Saliency<" in svg and ">#9<" in svg


def test_a_saved_figure_shows_as_much_of_the_image_as_the_page(page, finished):
    pixels = np.asarray(Image.open(io.BytesIO(figure(page, "png", overlay=1)))).astype(int)
    image = np.asarray(Image.open(io.BytesIO(page.get("/api/image.png", g=STORE, image=9)[2]))).astype(np.float64)
    grey = np.rint(image @ [0.2126, 0.7152, 0.0722])
    assert np.abs(pixels[60 : 60 + 56 : 2, 60 : 60 + 56 : 2] - grey[..., None]).max() <= 1
