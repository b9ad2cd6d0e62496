"""The report: its numbers against numpy, scipy and zarr-python, its forms, and what it looks like in a real browser."""

import csv
import functools
import io
import json
import math
import re
import shutil
import subprocess
import zipfile

import numpy as np
import pytest
import zarr
from scipy import stats
from support import SCHEDULER

CLEAN = "dataset-rgb_model-resnet18_noise-clean_split-test"
NOISY = "dataset-rgb_model-resnet18_noise-gaussian_std_0.15_split-test"
METHODS = ["InputXGradient", "IntegratedGradients_n_steps_5", "Saliency"]


def report(folder, to, *arguments, code=0):
    done = subprocess.run([SCHEDULER, "report", folder, "--to", to, *arguments], capture_output=True, text=True, timeout=300)
    assert done.returncode == code, f"exit code {done.returncode}, expected {code}\n{done.stdout}\n{done.stderr}"
    return done


def table(place, name):
    return list(csv.DictReader(io.StringIO((place / "tables" / name).read_text())))


def rewritten(store, change):
    """Changes the attributes of a root as if an early build, which sealed nothing, had written them."""
    root = json.loads((store / "zarr.json").read_text())
    change(root["attributes"])
    del root["attributes"]["attrisweep"]["digest"]
    (store / "zarr.json").write_text(json.dumps(root))


def maps(run, store, method, images):
    """Maps as they are stored, in double precision, and summed over channels as the report sums them."""
    found = zarr.open_group(run.output / f"{store}.zarr", mode="r")[f"attributions/{method}"][:][images].astype(np.float32)
    return found.astype(np.float64), found.sum(axis=1, dtype=np.float32).reshape(len(images), -1).astype(np.float64)


def spread(count, all):
    return [at * all // count for at in range(count)]


def overlap(one, other):
    count = one.size // 10
    first = [set(np.argsort(-np.abs(values), kind="stable")[:count]) for values in (one, other)]
    return len(first[0] & first[1]) / count


def test_statistics_of_methods_are_those_of_numpy(scored, written):
    rows = {(row["group"], row["method"]): row for row in table(written, "methods.csv")}
    assert set(rows) == {(store, method) for store in (CLEAN, NOISY) for method in METHODS}
    for (store, method), row in rows.items():
        values, _ = maps(scored, store, method, spread(4, 10))
        sizes = np.abs(values)
        # Sums of 9408 numbers in another order differ in the last digits of double precision.
        near = functools.partial(pytest.approx, rel=1e-9)
        assert row["sampled_images"] == "4" and row["not_finite"] == "0"
        assert float(row["mean_abs"]) == near(sizes.mean())
        assert float(row["mean_of_median_abs"]) == near(np.median(sizes.reshape(4, -1), axis=1).mean())
        assert float(row["max_abs"]) == sizes.max()
        assert float(row["zero_share"]) == near((values == 0).mean())
        assert float(row["positive_share"]) == near(values[values > 0].sum() / sizes.sum())
        group = zarr.open_group(scored.output / f"{store}.zarr", mode="r")
        assert float(row["underflow_mean"]) == near(group[f"underflow/{method}"][:].astype(np.float64).mean(), abs=1e-300)
        if method.startswith("Integrated"):
            deltas = np.abs(group[f"convergence_delta/{method}"][:].astype(np.float64))
            assert (row["delta_images"], float(row["delta_max_abs"])) == ("10", deltas.max())
            assert float(row["delta_mean_abs"]) == near(deltas.mean())
        else:
            assert (row["delta_images"], row["delta_mean_abs"]) == ("0", "")


def test_the_distribution_of_magnitudes_is_the_histogram_of_numpy(scored, written):
    for method in METHODS:
        values, _ = maps(scored, CLEAN, method, spread(4, 10))
        sizes = np.abs(values[values != 0])
        counts, edges = np.histogram(np.log10(sizes), bins=np.arange(-12, 8.01, 0.25))
        rows = [row for row in table(written, "g0001-magnitudes.csv") if row["method"] == method]
        assert {float(row["log10_from"]): int(row["values"]) for row in rows} == {edge: count for edge, count in zip(edges, counts) if count}
        assert all(float(row["log10_to"]) - float(row["log10_from"]) == 0.25 for row in rows)


def test_likeness_of_methods_is_that_of_scipy(scored, written):
    panels = {method: np.abs(maps(scored, CLEAN, method, spread(4, 10))[1]) for method in METHODS}
    rows = table(written, "g0001-likeness.csv")
    assert len(rows) == 3
    for row in rows:
        pairs = list(zip(panels[row["method"]], panels[row["other"]]))
        assert row["images"] == "4"
        assert float(row["spearman"]) == pytest.approx(np.mean([stats.spearmanr(*pair).statistic for pair in pairs]), abs=1e-9)
        assert float(row["overlap"]) == pytest.approx(np.mean([overlap(*pair) for pair in pairs]), abs=1e-12)


def test_likeness_under_noise_is_that_to_the_clean_image(scored, written):
    rows = table(written, "noise.csv")
    assert {row["method"] for row in rows} == set(METHODS)
    images = spread(4, 10)
    classes = [zarr.open_group(scored.output / f"{store}.zarr", mode="r")["model_predictions"][:][images].argmax(axis=1) for store in (CLEAN, NOISY)]
    for row in rows:
        assert (row["group"], row["clean_group"]) == (NOISY, CLEAN)
        pairs = list(zip(*(np.abs(maps(scored, store, row["method"], images)[1]) for store in (CLEAN, NOISY))))
        assert float(row["spearman"]) == pytest.approx(np.mean([stats.spearmanr(*pair).statistic for pair in pairs]), abs=1e-9)
        assert float(row["overlap"]) == pytest.approx(np.mean([overlap(*pair) for pair in pairs]), abs=1e-12)
        assert float(row["same_prediction"]) == (classes[0] == classes[1]).mean()


def test_scores_and_costs_are_those_of_the_commands(scored, written):
    rows = table(written, "g0001-scores.csv")
    assert {row["method"] for row in rows} == set(METHODS) and all(row["images"] == "10" for row in rows)
    store = zarr.open_group(scored.output / f"{CLEAN}.zarr", mode="r")
    for row in rows:
        values = store[f"scores/{row['score']}/{row['method']}"][:].astype(np.float64)
        assert float(row["mean"]) == pytest.approx(values.mean(), rel=1e-12)
    devices = table(written, "devices.csv")
    # Ten images under two noises by three methods.
    assert sum(int(row["maps"]) for row in devices) == 60 and all(float(row["held_seconds"]) > 0 for row in devices)
    page = (written / "index.html").read_text()
    assert "config.yml" in page and "Not known: energy in kWh" in page


def test_the_report_says_where_its_maps_come_from(scored, written):
    facts = json.loads((written / "report.json").read_text())
    assert [group["name"] for group in facts["groups"]] == [CLEAN, NOISY]
    root = json.loads((scored.output / f"{CLEAN}.zarr" / "zarr.json").read_text())["attributes"]["attrisweep"]
    assert facts["groups"][0]["provenance"] == root["provenance"] and facts["groups"][0]["computed_by"] == root["computed_by"]
    page = (written / "index.html").read_text()
    assert root["provenance"]["program"] in page and root["computed_by"][0]["device"] in page
    assert f"({root['computed_by'][0].get('isa')}, {root['computed_by'][0]['path']} graph)" in page


def without_numbers_of_time(text):
    return re.sub(r"report of \S+ attrisweep", "", text)


@pytest.mark.parametrize("form", ["zarr.zip", "pt"])
def test_every_store_form_has_the_same_numbers(scored, written, tmp_path, form):
    stores = tmp_path / "stores"
    subprocess.run([SCHEDULER, "export", "--config", scored.file, "--limit", "10", "--to", stores, "--format", form], check=True, capture_output=True)
    report(stores, tmp_path / "report", "--images", "3", "--sample", "4")
    for name in ("methods.csv", "noise.csv", "g0001-magnitudes.csv", "g0001-likeness.csv"):
        assert (tmp_path / "report" / "tables" / name).read_text() == (written / "tables" / name).read_text(), name
    assert (tmp_path / "report" / "figures" / "g0001-sheet.svg").read_text() == (written / "figures" / "g0001-sheet.svg").read_text()
    # No journal came along.
    assert "Nothing is known of time and devices: there is no journal" in (tmp_path / "report" / "index.html").read_text()


def test_an_unfinished_sweep_and_a_damaged_store_have_a_report_that_says_so(scored, tmp_path):
    stores = tmp_path / "stores"
    shutil.copytree(scored.output, stores)
    clean, noisy = stores / f"{CLEAN}.zarr", stores / f"{NOISY}.zarr"
    for file in (clean / "attributions" / "Saliency").glob("c.*"):
        file.unlink()
    rewritten(clean, lambda attributes: attributes["attrisweep"].update(complete=False))
    damaged = next((noisy / "attributions" / "InputXGradient").glob("c.0*"))
    damaged.write_bytes(b"\0" * damaged.stat().st_size)
    (stores / "dataset-x_model-y_noise-z_split-test.zarr").mkdir()
    (stores / "dataset-x_model-y_noise-z_split-test.zarr" / "zarr.json").write_text("{")
    done = report(stores, tmp_path / "report", code=1)
    page = (tmp_path / "report" / "index.html").read_text()
    assert "stores cannot be read" in done.stdout
    assert f"{NOISY}" in page and "the store cannot be read" in page
    rows = {row["method"]: row for row in table(tmp_path / "report", "methods.csv")}
    assert rows["Saliency"]["sampled_images"] == "0" and rows["InputXGradient"]["sampled_images"] == "10"
    assert "not written yet" in (tmp_path / "report" / "figures" / "g0001-sheet.svg").read_text()


def test_a_report_takes_the_place_of_a_report_and_of_nothing_else(scored, tmp_path):
    for form, name in ((), "folder"), (("--zip",), "r.zip"), (("--one-file",), "r.html"):
        place = tmp_path / name
        report(scored.output, place, *form, "--images", "1", "--sample", "1")
        report(scored.output, place, *form, "--images", "1", "--sample", "1")
        other = tmp_path / f"other-{name}"
        other.write_text("mine")
        assert "is no report" in report(scored.output, other, *form, code=4).stderr
        assert other.read_text() == "mine"
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "thesis.tex").write_text("x")
    report(scored.output, folder, code=4)
    assert [path.name for path in folder.iterdir()] == ["thesis.tex"]
    # Another program may have files of these names.
    for name in ("report.json", "index.html"):
        (folder / name).write_text("{}")
    report(scored.output, folder, code=4)
    with zipfile.ZipFile(folder / "theirs.zip", "w") as packed:
        packed.writestr("report.json", "{}")
    report(scored.output, folder / "theirs.zip", "--zip", code=4)
    assert len(list(folder.iterdir())) == 4
    report(tmp_path / "mine", tmp_path / "none", code=3)
    report(tmp_path / "nowhere", tmp_path / "none", code=3)
    # Nothing is left of what was refused.
    assert {path.name for path in tmp_path.iterdir()} == {"folder", "r.zip", "r.html", "other-folder", "other-r.zip", "other-r.html", "mine"}


def test_a_zip_has_the_files_of_the_folder(scored, written, tmp_path):
    report(scored.output, tmp_path / "r.zip", "--zip", "--images", "3", "--sample", "4")
    with zipfile.ZipFile(tmp_path / "r.zip") as packed:
        files = {str(path.relative_to(written)): path.read_text() for path in written.rglob("*") if path.is_file()}
        assert set(packed.namelist()) == set(files)
        for name, text in files.items():
            assert without_numbers_of_time(packed.read(name).decode()) == without_numbers_of_time(text), name


def test_one_file_is_refused_above_twenty_megabytes_with_the_number(scored, tmp_path):
    # A map of 28 x 28 pixels is a picture of some 2 kB; the store claims more noises than there are.
    for at in range(1, 1 + math.ceil(20e6 / 130e3)):
        shutil.copytree(scored.output / f"{NOISY}.zarr", tmp_path / "stores" / f"{NOISY}{at}.zarr")
        rewritten(tmp_path / "stores" / f"{NOISY}{at}.zarr", lambda attributes: attributes.update(noise_name=f"n{at}"))  # noqa: B023
    done = report(tmp_path / "stores", tmp_path / "r.html", "--one-file", "--images", "10", "--sample", "1", code=3)
    assert re.search(r"more than 2\d MB, and 20 MB at most", done.stderr), done.stderr
    assert not (tmp_path / "r.html").exists() and len(list(tmp_path.iterdir())) == 1


def test_names_that_are_markup_stay_names_hostile(scored, tmp_path, browser):
    shutil.copytree(scored.output / f"{CLEAN}.zarr", tmp_path / "stores" / "dataset-x.zarr")
    rewritten(tmp_path / "stores" / "dataset-x.zarr", lambda attributes: attributes.update(model_flag="<img src=x onerror=alert(1)>\"'&"))
    report(tmp_path / "stores", tmp_path / "r.html", "--one-file", "--images", "1", "--sample", "1")
    browser.open((tmp_path / "r.html").as_uri())
    browser.wait("document.querySelectorAll('#groups details').length === 1")
    assert browser.run("document.querySelectorAll('[onerror], script').length") == 0
    assert "<img src=x onerror=alert(1)>\"'&" in browser.run("document.querySelector('#overview table').textContent")
    assert browser.complaints() == []
