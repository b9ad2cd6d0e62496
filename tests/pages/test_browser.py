"""The page in a real browser: what is seen, with the mouse and with the keyboard."""

import base64
import functools
import http.server
import io
import json
import os
import re
import subprocess
import sys
import threading
import urllib.parse

import numpy as np
import pytest
import zarr
from matplotlib import colormaps
from PIL import Image
from support import ROOT

STORE = "dataset-rgb_model-resnet18_noise-clean_split-test"
MAPS = "document.querySelectorAll('#figures .map')"
DRAWN = f"{MAPS}.length && [...document.querySelectorAll('#figures img')].every((each) => each.complete && each.naturalWidth)"


def link(page, **state):
    return page.address + "#" + urllib.parse.urlencode({"g": STORE, **state})


def pixels(browser, index):
    """Pixels of a map as the browser has them."""
    script = f"""(() => {{
        const image = {MAPS}[{index}];
        const canvas = document.createElement("canvas");
        [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
        canvas.getContext("2d").drawImage(image, 0, 0);
        return canvas.toDataURL("image/png").split(",")[1];
    }})()"""
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(browser.run(script)))))[..., :3]


def test_the_link_alone_leads_to_maps_whose_pixels_are_the_values_of_the_store(page, finished, browser, pictures):
    browser.open(link(page, scale="row", rows="2", keys=json.dumps(["InputXGradient"]), **{"from": "4"}))
    browser.wait(DRAWN)
    browser.screenshot(pictures / "gallery-laptop.png", whole=True)
    maps = zarr.open_group(finished.output / f"{STORE}.zarr", mode="r")["attributions/InputXGradient"]
    assert browser.run(f"{MAPS}.length") == 2
    for row, image in enumerate((4, 5)):
        panel = maps[image].astype(np.float32).sum(axis=0, dtype=np.float32).astype(np.float64)
        full = np.percentile(np.abs(panel), 99)
        assert np.array_equal(pixels(browser, row), colormaps["RdBu_r"]((panel / full + 1) / 2, bytes=True)[..., :3])
    assert "one scale for each row; full colour at the 99th percentile" in browser.run("document.getElementById('said').textContent")


def test_nothing_comes_from_elsewhere_and_nothing_goes_wrong(page, browser):
    browser.open(link(page))
    browser.wait(DRAWN)
    assert browser.complaints() == []
    assert all(address.startswith((f"http://127.0.0.1:{page.port}/", "data:", "about:")) for address in browser.requests())


def test_keys_turn_the_images_change_the_scale_and_are_kept_in_the_link(page, browser):
    browser.open(link(page, rows="3"))
    browser.wait(DRAWN)
    browser.press("ArrowRight")
    browser.wait("document.getElementById('which').textContent.startsWith('4 to 6 of 10')")
    browser.press("4")
    browser.wait("document.getElementById('said').textContent.includes('one scale for all maps')")
    browser.press("f")
    browser.wait("document.querySelectorAll('#figures .under').length")
    state = urllib.parse.parse_qs(browser.run("location.hash.slice(1)"))
    assert (state["from"], state["scale"], state["overlay"], state["g"]) == (["3"], ["all"], ["0.5"], [STORE])


def test_the_value_under_the_pointer_is_that_of_the_store(page, finished, browser):
    browser.open(link(page, rows="1", size="224", keys=json.dumps(["Saliency"])))
    browser.wait(DRAWN)
    browser.run(f"{MAPS}[0].scrollIntoView({{block: 'center'}})")
    box = json.loads(browser.run(f"JSON.stringify({MAPS}[0].parentElement.getBoundingClientRect())"))
    # A frame of 2 pixels, and 28 values in the 220 pixels within.
    x, y = box["x"] + 2 + 220 * 10.5 / 28, box["y"] + 2 + 220 * 3.5 / 28
    browser.point(x, y)
    told = browser.wait("!document.getElementById('value').hidden && document.getElementById('value').textContent")
    value = zarr.open_group(finished.output / f"{STORE}.zarr", mode="r")["attributions/Saliency"][0, :, 3, 10].astype(np.float32).sum()
    assert "(x 10, y 3)" in told and float(told.rsplit(":", 1)[1]) == pytest.approx(float(value), rel=1e-4)


def test_what_is_seen_is_saved_as_files_and_as_python_that_draws_it(page, finished, browser, pictures, tmp_path):
    browser.open(link(page, rows="2", scale="row", keys=json.dumps(["InputXGradient"]), overlay="0.5"))
    browser.wait(DRAWN)
    for form, head in ("svg", "<svg "), ("csv", "image,y,x,"), ("png", None):
        found = browser.run(f"fetch(document.getElementById('save-{form}').href).then((answer) => answer.ok && answer.text())")
        assert found and (head is None or found.startswith(head)), form
        if form == "svg":
            (pictures / "saved.svg").write_text(found)
            assert "one scale for each row" in re.sub(r"</text>\s*<text[^>]*>", "", found) and found.count("<image") == 2 * 2 + 1
    script = urllib.parse.unquote(browser.run("document.getElementById('save-python').href").split(",", 1)[1])
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT / "python")}, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "maps.pdf").read_bytes().startswith(b"%PDF")


def test_one_method_is_shown_under_all_noises(page, browser, pictures):
    browser.open(link(page, by="noises", key="InputXGradient", rows="2"))
    browser.wait(DRAWN)
    heads = browser.run("[...document.querySelectorAll('#figures th')].map((head) => head.textContent.replaceAll('\\u200b', ''))")
    assert heads == ["image", "clean", "gaussian_std_0.15"]
    browser.screenshot(pictures / "noises.png", whole=True)


def test_somebody_who_comes_for_the_first_time_finds_a_group_and_its_maps(page, browser):
    browser.open(page.address)
    browser.wait("document.querySelectorAll('#rows tbody tr').length === 2")
    assert browser.run("document.getElementById('headline').textContent") == "Stores · 2 of 2 groups complete"
    browser.run("document.querySelector('#rows tbody button').focus()")
    browser.press("Enter")
    browser.wait(DRAWN)


@pytest.mark.parametrize(("width", "height", "dark"), [(1280, 800, True), (390, 844, False), (390, 844, True)])
def test_nothing_is_wider_than_the_screen(page, browser, pictures, width, height, dark):
    browser.open(link(page), width, height, dark)
    browser.wait(DRAWN)
    browser.screenshot(pictures / f"gallery-{width}-{'dark' if dark else 'light'}.png", whole=True)
    assert browser.run("document.documentElement.scrollWidth") <= width


class Assets(http.server.SimpleHTTPRequestHandler):
    """The files of the page, and a grid of three thousand groups that no test could compute."""

    over = threading.Event()

    def do_GET(self):
        path = self.path.split("?")[0]
        if path == "/api/grid":
            cells = ["d" * 16, "d" * 9 + "p" * 3 + "w" * 4, "r" * 2 + "w" * 14, "d" * 5 + "f" + "d" * 10, "w" * 16]
            names = [(f"data{at % 10}", f"model{at // 10 % 30}", f"noise{at // 300}") for at in range(3000)]
            groups = [
                {"id": "_".join(name), "sweep": 0, "dataset": name[0], "model": name[1], "noise": name[2], "split": "test", "images": 100, "complete": at < 1500, "error": None,
                 "done": 32 if at < 1500 else 9, "shards": 32, "cells": cells[0] if at < 1500 else cells[at % 5]}
                for at, name in enumerate(names)
            ]  # fmt: skip
            variants = [{"key": f"Method{at}", "signed": True} for at in range(16)]
            return self.answer(json.dumps({"folders": ["outputs"], "whole": True, "variants": variants, "groups": groups, "failed": []}))
        if path == "/api/events":
            self.answer('data: {"version": 1, "live": null}\n\n', "text/event-stream")
            return self.over.wait()
        if path.startswith("/api/"):
            return self.send_error(404)
        return super().do_GET()

    def answer(self, text, kind="application/json"):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.end_headers()
        self.wfile.write(text.encode())
        self.wfile.flush()

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def many():
    handler = functools.partial(Assets, directory=ROOT / "crates" / "page" / "src" / "assets")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        Assets.over.set()
        server.shutdown()


@pytest.mark.parametrize("width", [1280, 390])
def test_three_thousand_groups_are_one_picture_and_a_table_of_twenty(many, browser, pictures, width):
    browser.open(many, width, 900)
    browser.wait("document.querySelectorAll('#rows tbody tr').length === 20")
    browser.screenshot(pictures / f"many-{width}.png", whole=True)
    assert "1500 of 3000 groups complete" in browser.run("document.getElementById('headline').textContent")
    assert browser.run("document.querySelectorAll('*').length") < 600
    assert browser.run("document.documentElement.scrollWidth") <= width
    assert browser.run("document.getElementById('map').getBoundingClientRect().height") < 1500
    browser.run("document.getElementById('map').focus()")
    browser.press("ArrowDown")
    browser.wait("document.getElementById('under').textContent.startsWith('data1 · model0 · noise0 · test, Method0: done')")


def test_the_cells_of_the_picture_have_the_colours_of_the_legend(many, browser):
    browser.open(many, 1280, 900)
    browser.wait("document.querySelectorAll('#rows tbody tr').length === 20")
    # Cells of 3 pixels in blocks of 140 rows, 51 pixels wide: 3000 groups are 22 blocks. Group 1503 has a failure at variant 5.
    found = browser.run("""(() => {
        const context = document.getElementById("map").getContext("2d");
        const rows = Math.floor(document.getElementById("map").clientHeight / 3);
        const at = (row, column) => [...context.getImageData(Math.floor(row / rows) * 51 + column * 3 + 1, (row % rows) * 3 + 1, 1, 1).data].slice(0, 3);
        return [at(0, 0), at(1503, 5), at(1504, 0), at(1501, 9), at(1502, 0)];
    })()""")
    assert found == [[0x21, 0x66, 0xAC], [0xA4, 0x0E, 0x26], [0xD8, 0xDD, 0xE2], [0x92, 0xC5, 0xDE], [0xB8, 0x86, 0x0B]]
