"""Pixels of a figure have the colours of the values in the store, and the figure says what the colours mean."""

import io

import attrisweep
import numpy as np
import PIL.Image
import pytest
from attrisweep.plots import is_signed, pictures, plot_maps, scale
from captum.attr._utils import visualization
from matplotlib import colormaps
from support import METHODS

pytestmark = pytest.mark.xdist_group("python")

KEY = "IG_n_steps_5"


def panels(figure, columns):
    """Axes of a figure in rows; colour bars come behind them."""
    axes = [axis for axis in figure.axes if axis.get_label() != "<colorbar>"]
    return [axes[first : first + columns] for first in range(0, len(axes), columns)]


def drawn(figure, axis):
    """Colours `[28, 28, 3]` that a reader of the saved picture sees in the middles of the squares of a panel."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=200)
    picture = np.asarray(PIL.Image.open(buffer).convert("RGB"))
    figure.set_dpi(200)
    figure.draw_without_rendering()
    columns, rows = np.meshgrid(np.arange(28), np.arange(28))
    x, y = axis.transData.transform(np.stack([columns.ravel(), rows.ravel()], 1)).T
    return picture[np.round(len(picture) - y).astype(int), np.round(x).astype(int)].reshape(28, 28, 3)


def summed(group, method, image):
    return group.maps(method, images=[image]).values[0].astype(np.float32).sum(0)


def coloured(name, shares):
    return np.round(colormaps[name](shares)[..., :3] * 255)


def test_the_picture_has_the_colours_of_the_values(group):
    figure = plot_maps(group, ["Saliency", KEY], [4, 7])
    (_, _, _), (image, saliency, gradients) = panels(figure, 3)
    for axis, method, colours in ((saliency, "Saliency", "inferno"), (gradients, KEY, "RdBu_r")):
        values = summed(group, method, 7)
        top = np.percentile(np.abs(values), 99)
        shares = values / top if colours == "inferno" else values / top / 2 + 0.5
        expected = coloured(colours, np.clip(shares, 0, 1))
        # A shade of 256 is a rounding away.
        close = np.abs(drawn(figure, axis).astype(float) - expected).max(axis=2) <= 6
        assert close.mean() > 0.99 and len(np.unique(expected.reshape(-1, 3), axis=0)) > 50, method
    pixels = np.clip(group.images(images=7).values[0].transpose(1, 2, 0) / 2 + 0.5, 0, 1)
    assert np.abs(drawn(figure, image) - pixels * 255).max() <= 1.5


def test_an_overlay_is_a_mixture_of_the_grey_image_and_the_map(group):
    figure = plot_maps(group, ["Saliency"], [2], overlay=0.25)
    ((_, axis),) = panels(figure, 2)
    values = summed(group, "Saliency", 2)
    colours = colormaps["inferno"](np.clip(values / np.percentile(values, 99), 0, 1))[..., :3]
    pixels = np.clip(group.images(images=2).values[0] / 2 + 0.5, 0, 1)
    grey = np.tensordot([0.299, 0.587, 0.114], pixels, axes=1)[..., None]
    close = np.abs(drawn(figure, axis) / 255 - (0.75 * colours + 0.25 * grey)).max(axis=2) < 0.02
    assert close.mean() > 0.99


@pytest.mark.parametrize("together", ["map", "row", "column", "all"])
def test_maps_that_share_a_scale_have_one_limit_and_it_is_told(group, together):
    methods, images = ["InputXGradient", KEY], [1, 5]
    figure = plot_maps(group, methods, images, scale=together, outliers=None)
    values = np.array([[np.abs(summed(group, method, image)).max() for method in methods] for image in images])
    axis = {"map": (), "row": 1, "column": 0, "all": (0, 1)}[together]
    expected = np.broadcast_to(values.max(axis, keepdims=True), (2, 2))
    for row, limits in zip(panels(figure, 3), expected):
        for panel, limit in zip(row[1:], limits):
            assert np.allclose(panel.images[0].get_clim(), (-limit, limit)) and panel.get_xlabel() == f"±{limit:.2g}"
    told = {"map": "each map has its own scale", "row": "each row", "column": "each column", "all": "all maps"}[together]
    assert told in figure.get_supxlabel() and "largest absolute value" in figure.get_supxlabel()
    (bar,) = [axis for axis in figure.axes if axis.get_label() == "<colorbar>"]
    assert bar.get_ylabel() == ("value" if together == "all" else "share of the number below the map")
    assert np.isclose(bar.get_ylim()[1], values.max() if together == "all" else 1)


def test_captums_rule_gives_captums_limit(group):
    values = summed(group, KEY, 3)
    # Captum divides by its limit, and cuts what is beyond 1.
    normalized = visualization._normalize_attr(values, "all", 2)
    inside = np.abs(normalized) < 0.999
    ours = np.clip(values / scale.full_colour(values, "captum"), -1, 1)
    assert inside.sum() > 700 and np.allclose(ours, normalized, atol=1e-5)


def test_the_limit_is_the_percentile_and_a_map_of_few_values_keeps_them():
    values = np.arange(-50, 51, dtype=np.float32)
    # Of 101 sizes 0, 1, 1, ..., 50, 50 the 90th percentile is the one at place 90: 45.
    assert scale.full_colour(values, 90) == 45 and scale.full_colour(values, None) == 50
    lone = np.zeros(1000, np.float32)
    lone[3] = -2
    assert scale.full_colour(lone, 99.0) == 2 and scale.full_colour(lone * 0, 99.0) == 0 and scale.full_colour(lone * 0, "captum") == 0
    spoiled = np.append(values, [np.nan, np.inf])
    assert [scale.full_colour(spoiled, rule) for rule in ("captum", 90, None)] == [scale.full_colour(values, rule) for rule in ("captum", 90, None)]


def test_channels_are_summed_averaged_or_chosen(group):
    maps = group.maps(KEY, images=[0]).values.astype(np.float32)
    for channels, expected in (("sum", maps.sum(1)), ("mean_abs", np.abs(maps).mean(1)), (2, maps[:, 2])):
        assert np.array_equal(scale.reduced(maps, channels), expected)
    with pytest.raises(attrisweep.BadRequestError, match="a number from 0 to 2"):
        plot_maps(group, [KEY], [0], channels=3)
    ((_, axis),) = panels(plot_maps(group, [KEY], [0], channels="mean_abs"), 2)
    assert axis.images[0].get_clim()[0] == 0 and axis.images[0].get_cmap().name == "inferno"


def test_signs_are_a_fact_of_the_method(sweep):
    tunnel = {"nt_type": ["smoothgrad", "vargrad"], "nt_samples": 2, "attribution_method": ["Saliency", "InputXGradient"]}
    run = sweep(limit=2)
    run.config["search_space"]["attribution_methods"] = [
        METHODS[0], METHODS[2], {"name": "S", "class": "Saliency", "params": {}},
        {"name": "Cam", "class": "LayerGradCam", "params": {"relu_attributions": [True, False]}}, {"name": "N", "class": "NoiseTunnel", "params": tunnel}]
    run.run()
    (group,) = attrisweep.open_sweep(run.output)
    signed = {method for method in group.methods if is_signed(group, method)}
    assert signed == {"GuidedBackprop", "Cam_relu_attributions_False", "N_attribution_method_InputXGradient_nt_samples_2_nt_type_smoothgrad"}
    for method in set(group.methods) - signed:
        assert (group.maps(method).values >= 0).all(), method


def test_what_is_wrong_missing_or_zero_is_said(stores):
    (store,) = stores.glob("*noise-clean*")
    (store / "attributions" / KEY / "c.1.0.0.0").unlink()
    group = attrisweep.open_sweep(store)[0]
    wrong, right = (int(group.images(correct=correct)["image"][0]) for correct in (False, True))
    first, second = (row[0] for row in panels(plot_maps(group, ["Saliency"], [wrong, right], class_names=["cat", "dog"]), 2))
    assert first.get_ylabel().endswith("✗") and first.spines["left"].get_edgecolor() == (1, 0, 0, 1)
    assert "✗" not in second.get_ylabel() and second.spines["left"].get_edgecolor() == (0, 0, 0, 1)
    label = int(group.samples["label"][right])
    assert second.get_ylabel().startswith(f"{right}: {['cat', 'dog', '2', '3'][label]}\n→ ")
    (_, missing), (_, there) = panels(plot_maps(group, [KEY], [5, 9]), 2)
    assert missing.texts[0].get_text() == "not written" and not missing.images and there.images


def test_a_map_that_is_zero_everywhere_is_a_plain_panel(stores):
    import zarr

    (store,) = stores.glob("*noise-clean*")
    zarr.open_group(store, mode="r+")["attributions/Saliency"][0] = 0
    figure = plot_maps(attrisweep.open_sweep(store)[0], ["Saliency"], [0])
    ((_, axis),) = panels(figure, 2)
    assert axis.get_xlabel() == "all zero" and len(np.unique(drawn(figure, axis).reshape(-1, 3), axis=0)) == 1


def test_groups_stand_side_by_side_and_their_titles_say_what_differs(finished):
    sweep = attrisweep.open_sweep(finished)
    figure = plot_maps(list(sweep), [KEY], slice(0, 2))
    titles = [axis.get_title().replace("\n", " ") for axis in panels(figure, 4)[0]]
    assert titles == ["clean image", "clean IG_n_steps_5", "gaussian_std_ 0.15 image", "gaussian_std_ 0.15 IG_n_steps_5"]
    assert figure._repr_png_().startswith(b"\x89PNG")


def test_arguments_that_make_no_sense_are_told(group):
    cases = [
        ({"images": [10]}, "from 0 to 9"), ({"images": []}, "from 0 to 9"), ({"scale": "image"}, "map, row, column or all"), ({"outliers": 0}, "percentile"),
        ({"overlay": 2}, "from 0 to 1"), ({"signed_colours": "red"}, "no colour map 'red'"), ({"methods": KEY}, "a list of methods"),
        ({"methods": [KEY] * 300}, "at most 1000 panels"),
    ]
    for arguments, told in cases:
        with pytest.raises(attrisweep.BadRequestError, match=told):
            plot_maps(group, **{"methods": [KEY], **arguments})
    with pytest.raises(attrisweep.UnknownNameError, match="no method 'Cam'"):
        plot_maps(group, ["Cam"])
    with pytest.raises(attrisweep.BadRequestError, match="no group"):
        plot_maps([])


def test_images_are_shown_as_they_were_before_the_preprocessing_that_the_store_records():
    pixels = np.random.default_rng(0).random((3, 5, 4), dtype=np.float32)
    mean, std = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
    said = {"preprocessing": {"range": [0.0, 1.0], "resize": None, "crop": None, "mean": mean, "std": std}}
    seen = (pixels - np.array(mean)[:, None, None]) / np.array(std)[:, None, None]
    assert np.allclose(pictures.picture(seen, said), pixels.transpose(1, 2, 0), atol=1e-6)
    # Pixels from 0 to 255 minus 128, one number for all channels.
    said = {"preprocessing": {"range": [0.0, 255.0], "mean": [128.0], "std": [1.0]}}
    assert np.allclose(pictures.picture(pixels * 255 - 128, said), pixels.transpose(1, 2, 0), atol=1e-6)
    grey = pictures.picture(pixels[:1] * 2 - 1, {})
    assert np.allclose(grey, np.repeat(pixels[0][..., None], 3, axis=2), atol=1e-6)
