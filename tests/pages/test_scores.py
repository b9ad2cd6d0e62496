"""Scores on the page: the means of methods, and the order of the gallery."""

import urllib.parse

import numpy as np
import pytest
import zarr
from support import Sweep, wait_for
from support.pages.page import Page

STORE = "dataset-rgb_model-resnet18_noise-clean_split-test"
METHODS = ["Saliency", "InputXGradient"]


@pytest.fixture(scope="module")
def scored(tmp_path_factory, inputs):
    run = Sweep(tmp_path_factory.mktemp("scored"), inputs)
    run.config["search_space"]["attribution_methods"] = [{"name": name, "class": name, "params": {}} for name in METHODS]
    run.config["evaluation"] = [{"class": "Deletion", "params": {"steps": 4, "baseline": 0.0}}, {"class": "Sparseness", "methods": ["Saliency"]}]
    run.run("--limit", "10")
    page = Page(run.output)
    # Stores are read while the page is served.
    wait_for(lambda: page.get("/api/scores", g=STORE)[0] == 200)
    yield run, page
    page.close()


def numbers(run):
    """Scores as zarr-python reads them: by score and method."""
    scores = zarr.open_group(run.output / f"{STORE}.zarr", mode="r")["scores"]
    return {(score, method): group[method][:].astype(np.float64) for score, group in scores.groups() for method in group.array_keys()}


def test_means_of_scores_are_those_of_the_store_and_the_best_is_marked(scored):
    run, page = scored
    told = page.json("/api/scores", g=STORE)
    of = numbers(run)
    (deletion,) = [key for key, _ in {key: None for key, _ in of}.items() if key.startswith("Deletion")]
    at = [score["key"] for score in told["scores"]].index(deletion)
    assert told["scores"][at]["direction"] == "lower"
    means = {row["method"]: row["cells"][at] for row in told["rows"]}
    for method in METHODS:
        # The page adds the same ten float32 numbers in double precision: 2^-52 a step, and room of a million.
        assert means[method]["mean"] == pytest.approx(np.nanmean(of[deletion, method]), rel=1e-9)
        assert means[method]["images"] == 10
    best = min(METHODS, key=lambda method: means[method]["mean"])
    assert [method for method in METHODS if means[method]["best"]] == [best]
    sparseness = 1 - at
    assert {row["method"]: row["cells"][sparseness]["images"] for row in told["rows"]} == {"Saliency": 10, "InputXGradient": 0}


@pytest.mark.parametrize(("order", "sign"), [("high", -1), ("low", 1)])
def test_images_come_in_the_order_of_a_score_of_one_method(scored, order, sign):
    run, page = scored
    (score,) = [score for score, method in numbers(run) if score.startswith("Deletion") and method == "Saliency"]
    of = numbers(run)[score, "Saliency"]
    told = page.json("/api/samples", g=STORE, order=order, score=score, key="Saliency", limit=6)
    assert [sample["image"] for sample in told["samples"]] == list(np.argsort(sign * of, kind="stable")[:6]) and told["all"] == 10
    assert told["scores"] == pytest.approx(sorted(of, key=lambda number: sign * number)[:6])
    wrong = page.json("/api/samples", g=STORE, order=order, score=score, key="Saliency", right="false")
    kept = {sample["image"] for sample in wrong["samples"]}
    assert [sample["image"] for sample in wrong["samples"]] == [image for image in np.argsort(sign * of, kind="stable") if image in kept]


@pytest.mark.parametrize(("asked", "code"), [({}, 404), ({"score": "x", "key": "Saliency"}, 404), ({"score": "Sparseness", "key": "../x"}, 404), ({"score": "Sparseness", "key": "InputXGradient"}, 404)])
def test_an_order_by_what_is_not_there_is_refused(scored, asked, code):
    status, _, body = scored[1].get("/api/samples", g=STORE, order="high", **asked)
    assert status == code and b"has no" in body
    assert scored[1].get("/api/scores", g="../..")[0] == 404


def test_a_click_on_a_mean_orders_the_gallery_by_that_score(scored, browser, pictures):
    run, page = scored
    (score,) = [score for score, method in numbers(run) if score.startswith("Deletion") and method == "Saliency"]
    of = numbers(run)[score, "Saliency"]
    browser.open(page.address + "#" + urllib.parse.urlencode({"g": STORE, "rows": "3"}), 1280, 900)
    browser.wait("document.querySelectorAll('#table tbody tr').length === 2")
    browser.run("document.getElementById('scores').open = true")
    browser.run("document.querySelector('#table tbody tr button').click()")
    browser.wait("document.querySelector('#figures figcaption')?.textContent.includes('score')")
    told = browser.run("[...document.querySelectorAll('#figures tbody tr')].map((row) => row.querySelector('figcaption').textContent).join('|')")
    # Less is better: the smallest comes first.
    assert [int(part.split("#")[1].split(",")[0]) for part in told.split("|")] == list(np.argsort(of, kind="stable")[:3])
    assert "order=best" in browser.run("location.hash")
    browser.screenshot(pictures / "scores.png", whole=True)
