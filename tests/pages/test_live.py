"""The page of a sweep that runs: what it does, what failed, and the wish that it be tried again."""

import http.client
import json
import re
import shutil
import socket

import pytest
from support import METHODS, ROOT, WORKER, log, wait_for
from support.pages.page import asked, free_port, get


# Every text of the button, however short it is seen.
KEPT = """(() => {
    const again = document.getElementById("again");
    window.shown = [];
    new MutationObserver(() => shown.push(again.textContent)).observe(again, { childList: true, subtree: true, characterData: true });
})()"""


def address(run):
    """Port of the page of a sweep that was started, as its log says it."""
    found = wait_for(lambda: re.search(r"the page is served address=127\.0\.0\.1:(\d+)", log(run)))
    return int(found[1])


@pytest.fixture
def held(sweep, hold):
    """A sweep with a page, the last unit of which waits, and its port."""
    run = sweep(page={"port": free_port()})
    run.config["search_space"]["attribution_methods"] = METHODS[:2]
    let_go = hold(run)
    process = run.start("--limit", "8")
    try:
        yield run, process, address(run), let_go
    finally:
        let_go()
        if process.poll() is None:
            process.kill()
        process.wait()


def state(port):
    """The first event that somebody hears who begins to listen."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", "/api/events")
    answer = connection.getresponse()
    line = answer.readline()
    connection.close()
    return json.loads(line.removeprefix(b"data:").strip())


def test_a_running_sweep_tells_its_devices_its_units_and_its_maps(held):
    run, process, port, let_go = held
    live = wait_for(lambda: (told := state(port).get("live")) and any(device["units"] for device in told["devices"]) and told)
    assert live["maps"] == 16 and live["outcome"] is None and len(live["devices"]) == 2
    units = [unit["unit"] for device in live["devices"] for unit in device["units"]]
    assert all(unit.startswith("dataset-rgb_model-resnet18_noise-clean_split-test/") for unit in units)
    wait_for(lambda: "r" in asked(port, "/api/grid")["groups"][0]["cells"])
    figures = get(port, "/metrics")[2].decode()
    assert "attrisweep_maps_expected 16" in figures and 'attrisweep_device_up{slot="0"' in figures
    for line in figures.splitlines():
        assert re.fullmatch(r'# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\{[a-z_]+="[^"]*"(,[a-z_]+="[^"]*")*\})? -?[0-9.e+-]+', line), line
    names = set(re.findall(r"^# TYPE (attrisweep_\w+)", figures, flags=re.M))
    let_go()
    assert process.wait(timeout=120) == 0
    # The forecast comes with the first measurement.
    assert documented() - names <= {"attrisweep_left_seconds"} and names <= documented()


def documented():
    """Figures for Prometheus, as the guide lists them."""
    table = (ROOT / "docs/guide/results/page.md").read_text().split("begin with `attrisweep_`:")[1].split("\n\n")[1]
    return {f"attrisweep_{name}" for row in table.splitlines()[2:] for name in re.findall(r"`([a-z_]+)[`{]", row.split("|")[1])}


def test_the_dashboard_for_grafana_asks_for_figures_that_there_are():
    asked_for = re.findall(r"attrisweep_[a-z_]+", json.dumps(json.loads((ROOT / "docs/guide/results/grafana.json").read_text())["panels"]))
    assert set(asked_for) == documented() - {"attrisweep_start_time_seconds"}


def test_the_page_in_a_browser_follows_the_sweep_without_reload(held, browser, pictures):
    run, process, port, let_go = held
    browser.open(f"http://127.0.0.1:{port}/", 1280, 900)
    browser.wait("document.getElementById('headline').textContent.startsWith('Running: ') && document.querySelectorAll('#cards li').length === 2")
    browser.wait("[...document.querySelectorAll('#cards li')].some((card) => card.textContent.includes('split-test/'))")
    browser.screenshot(pictures / "running.png", whole=True)
    let_go()
    browser.wait("/has ended|does not hear/.test(document.getElementById('headline').textContent) && document.querySelector('#log').textContent.includes('has begun')")
    assert process.wait(timeout=120) == 0


def test_what_was_given_up_is_told_with_its_reason_and_done_after_a_click(sweep, hold, inputs, tmp_path, browser, pictures):
    """The weights of the first model change before its units are read, and are as before when somebody clicks."""
    shutil.copytree(inputs / "weights", tmp_path / "weights")
    run = sweep(models=("vit_cifar", "resnet18"), devices={"cpu": 1}, page={"port": free_port()})
    run.config["paths"]["medmnist_weights_root"] = str(tmp_path / "weights")
    run.config["search_space"]["attribution_methods"] = METHODS[:1]
    weights, once = tmp_path / "weights" / "weights_rgb" / "vit_cifar_28_1.pth", tmp_path / "once"
    sound = weights.read_bytes()
    program = tmp_path / "changing"
    program.write_text(f'#!/bin/sh\n[ "$1" != run ] || [ -e "{once}" ] || {{ touch "{once}"; printf changed > "{weights}"; }}\nexec "{WORKER}" "$@"\n')
    program.chmod(0o755)
    let_go = hold(run)
    process = run.start("--limit", "8", "--worker", str(program))
    try:
        port = address(run)
        browser.open(f"http://127.0.0.1:{port}/", 1280, 900)
        browser.wait("document.getElementById('failed').textContent.includes('has changed since the sweep was checked')")
        browser.wait("document.getElementById('headline').textContent.includes('failed')")
        wait_for(lambda: "is given up" in log(run))
        browser.screenshot(pictures / "failed.png", whole=True)
        assert get(port, "/api/retry", method="POST")[0] == 403
        weights.write_bytes(sound)
        # The answer is shown for three seconds, which nobody can count on to look in: whatever is shown is kept.
        browser.run(KEPT)
        browser.run("document.querySelector('#again button').click()")
        browser.wait("shown.some((text) => text.includes('tried again'))")
        let_go()
        assert process.wait(timeout=120) == 0
    finally:
        let_go()
        process.kill()
        process.wait()
    complete = [json.loads((store / "zarr.json").read_text())["attributes"]["attrisweep"]["complete"] for store in run.stores()]
    assert complete == [True, True]


def test_a_sweep_without_the_key_opens_no_page(sweep):
    run = sweep()
    run.config["search_space"]["attribution_methods"] = METHODS[:1]
    told = run.run("--limit", "4")
    assert "the page" not in told.stderr and "the page is served" not in log(run)


def test_a_port_that_is_taken_is_told_before_any_worker_starts(sweep):
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        line.listen()
        run = sweep(page={"port": line.getsockname()[1]})
        run.config["search_space"]["attribution_methods"] = METHODS[:1]
        told = run.run("--limit", "4", code=5)
        assert "cannot serve the page" in told.stderr and not run.maps()


@pytest.mark.parametrize(("given", "expected"), [({"port": 0}, "page.port"), ({"token": "a b"}, "page.token"), ({"hosts": "x"}, "page.hosts")])
def test_a_mistake_in_the_key_is_told_with_its_line(sweep, given, expected):
    run = sweep(page=given)
    told = run.run("--check", code=3)
    assert expected in told.stderr and "config.yml" in told.stderr


def test_the_users_line_of_shell_is_run_once_at_the_end_and_knows_how_it_ended(sweep, tmp_path):
    run = sweep(at_end=f'echo "$ATTRISWEEP_OUTCOME $ATTRISWEEP_FAILED $ATTRISWEEP_OUTPUT" >> "{tmp_path}/told"; exit 3')
    run.config["search_space"]["attribution_methods"] = METHODS[:1]
    told = run.run("--limit", "4")
    assert (tmp_path / "told").read_text() == f"complete 0 {run.output}\n"
    assert "the command at the end failed" in told.stderr
