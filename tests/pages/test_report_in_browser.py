"""What the report looks like in a real browser, and how it is read there."""

import functools
import http.server
import threading

import pytest

LOADED = "[...document.images].length && [...document.images].every((image) => image.complete && image.naturalWidth > 0)"


def unfold(browser):
    browser.run("document.querySelectorAll('details').forEach((each) => { each.open = true }); document.images.length")
    browser.run("document.querySelectorAll('img').forEach((each) => { each.loading = 'eager' })")


@pytest.mark.parametrize(("width", "height", "dark"), [(1280, 900, False), (1280, 900, True), (390, 844, True)])
def test_the_report_is_readable_on_a_laptop_and_a_phone_in_light_and_dark(written, browser, pictures, width, height, dark):
    browser.open((written / "index.html").as_uri(), width, height, dark)
    unfold(browser)
    browser.wait(LOADED)
    browser.screenshot(pictures / f"report-{width}-{'dark' if dark else 'light'}.png", whole=True)
    assert browser.run("document.documentElement.scrollWidth") <= width
    assert browser.complaints() == [] and all(address.startswith(("file:", "data:", "about:")) for address in browser.requests())
    # A sheet and strips of images, three figures of statistics, one of scores and of ranks, and likeness under noise.
    assert browser.run("document.images.length") == 2 * 5 + 2 + 2


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def test_pictures_of_the_report_are_loaded_when_they_are_near_and_over_http_too(written, browser):
    handler = functools.partial(Quiet, directory=written)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        browser.open(f"http://127.0.0.1:{server.server_port}/")
        browser.wait("document.images.length && document.images[0].complete && document.images[0].naturalWidth")
        assert len([address for address in browser.requests() if address.endswith(".svg")]) < browser.run("document.images.length")
        unfold(browser)
        browser.wait(LOADED)
        server.shutdown()


def test_the_report_is_read_with_the_keyboard(written, browser):
    browser.open((written / "index.html").as_uri())
    browser.wait("document.querySelectorAll('nav a').length")
    browser.press("Tab")
    assert browser.run("document.activeElement.className") == "skip"
    browser.run("document.querySelector('#g1 > summary').focus()")
    before = browser.run("document.getElementById('g1').open")
    browser.press("Enter")
    browser.wait(f"document.getElementById('g1').open === {'false' if before else 'true'}")
    # Each picture and each table says what it is, and each heading is there once.
    assert browser.run("[...document.images].every((image) => image.alt.length > 10) && [...document.querySelectorAll('table')].every((each) => each.caption)")
    assert browser.run("document.querySelectorAll('h1').length") == 1 and browser.run("document.querySelectorAll('main').length") == 1
