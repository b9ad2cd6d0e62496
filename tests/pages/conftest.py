"""A finished sweep, its page and a browser, for all tests of pages; a sweep with scores, and its report."""

import subprocess

import pytest
from support import SCHEDULER, Sweep, wait_for
from support.pages.browser import CHROMIUM, Browser
from support.pages.page import Page
from support.stand_ins.machines.missing import missing


@pytest.fixture(scope="session")
def finished(tmp_path_factory, inputs):
    """A sweep of two noises, with methods that have signs and one that has none."""
    run = Sweep(tmp_path_factory.mktemp("seen"), inputs)
    space = run.config["search_space"]
    space["attribution_methods"] = space["attribution_methods"][:2]
    space["noise_conditions"] = [{"name": "clean", "type": "none", "params": {}}, {"name": "gaussian_std_0.15", "type": "gaussian", "params": {"std": 0.15}}]
    run.run("--limit", "10")
    return run


@pytest.fixture(scope="session")
def page(finished):
    page = Page(finished.output)
    # Stores are read while the page is served.
    wait_for(lambda: len(page.json("/api/grid")["groups"]) == 2)
    yield page
    page.close()


@pytest.fixture(scope="session")
def browser():
    if not CHROMIUM:
        missing("browser", "Chromium is missing")
    browser = Browser()
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def pictures(tmp_path_factory):
    """A folder of screenshots, which stays with the other files of the tests."""
    return tmp_path_factory.mktemp("pictures")


@pytest.fixture(scope="session")
def scored(tmp_path_factory, inputs):
    """A sweep of two noises with a method that promises completeness, and with scores."""
    run = Sweep(tmp_path_factory.mktemp("scored"), inputs)
    space = run.config["search_space"]
    space["attribution_methods"] = [
        {"name": "Saliency", "class": "Saliency", "params": {}},
        {"name": "InputXGradient", "class": "InputXGradient", "params": {}},
        {"name": "IntegratedGradients", "class": "IntegratedGradients", "params": {"n_steps": 5}},
    ]
    space["noise_conditions"] = [{"name": "clean", "type": "none", "params": {}}, {"name": "gaussian_std_0.15", "type": "gaussian", "params": {"std": 0.15}}]
    run.config["evaluation"] = [{"class": "Sparseness"}]
    run.run("--limit", "10")
    return run


@pytest.fixture(scope="session")
def written(tmp_path_factory, scored):
    place = tmp_path_factory.mktemp("report") / "report"
    subprocess.run([SCHEDULER, "report", scored.output, "--to", place, "--images", "3", "--sample", "4"], check=True, capture_output=True, timeout=300)
    return place
