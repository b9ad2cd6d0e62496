"""What callers who mean harm get from the page: a refusal, and nothing of anybody else's."""

import json
import os
import socket
import threading
import time

import pytest
from support import wait_for
from support.pages.page import Page, get

STORE = "dataset-rgb_model-resnet18_noise-clean_split-test"
MAP = {"g": STORE, "key": "Saliency", "image": 0, "full": 1}
ASK = {"images": [0], "columns": [[STORE, "Saliency"]], "scale": "map", "outliers": "99", "channels": "sum"}


def panels(**changes):
    return {"ask": json.dumps({**ASK, **changes})}


@pytest.mark.parametrize(
    ("path", "parameters", "status"),
    [
        ("/api/map.png", {**MAP, "image": 10}, 404),
        ("/api/map.png", {**MAP, "image": 2**64 - 1}, 404),
        ("/api/map.png", {**MAP, "image": 2**64}, 400),
        ("/api/map.png", {**MAP, "image": -1}, 400),
        ("/api/map.png", {**MAP, "full": "NaN"}, 400),
        ("/api/map.png", {**MAP, "full": "-1"}, 400),
        ("/api/map.png", {**MAP, "colours": "jet"}, 400),
        ("/api/map.png", {**MAP, "channels": 3}, 400),
        ("/api/map.png", {**MAP, "channels": "l2"}, 400),
        ("/api/map.png", {**MAP, "key": "../images"}, 404),
        ("/api/map.png", {**MAP, "key": "../../../../etc/passwd"}, 404),
        ("/api/map.png", {**MAP, "g": "../" + STORE}, 404),
        ("/api/map.png", {**MAP, "g": "/etc"}, 404),
        ("/api/map.png", {**MAP, "more": 1}, 400),
        ("/api/map.png", {}, 400),
        ("/api/map.f32", {"g": STORE, "key": "Saliency", "image": 99}, 404),
        ("/api/image.png", {"g": STORE, "image": 10}, 404),
        ("/api/image.png", {"g": STORE, "image": "1e3"}, 400),
        ("/api/group", {"g": "\0"}, 404),
        ("/api/group", {}, 400),
        ("/api/samples", {"g": STORE, "order": "random"}, 400),
        ("/api/samples", {"g": STORE, "from": "x"}, 400),
        ("/api/panels", {"ask": "{"}, 400),
        ("/api/panels", {"ask": "[" * 5000}, 400),
        ("/api/panels", panels(images=[0] * 401), 400),
        ("/api/panels", panels(outliers="0"), 400),
        ("/api/panels", panels(scale="sideways"), 400),
        ("/api/panels", panels(more=1), 400),
        ("/api/figure.svg", {"ask": "{"}, 400),
        ("/api/figure.svg", panels(columns=[]), 400),
        ("/api/figure.png", panels(images=[]), 400),
        ("/api/figure.svg", panels(columns=[["/etc", "passwd"]]), 404),
        ("/api/figure.svg", panels(columns=[[STORE, "../images"]]), 404),
        ("/api/figure.svg", {**panels(), "size": 1_000_000}, 400),
        ("/api/figure.png", {**panels(), "size": -1}, 400),
        ("/api/figure.png", {**panels(), "overlay": "NaN"}, 400),
        ("/api/figure.png", {**panels(images=[0] * 200), "size": 1024}, 400),
        ("/api/figure.png", {**panels(), "signed": "jet"}, 400),
        ("/api/figure.csv", {**panels(), "more": 1}, 400),
        ("/api/figure.csv", panels(columns=[["nobody", "Saliency"]]), 404),
        ("/api/figure.csv", panels(images=[0] * 401), 400),
        ("/api/colours.png", {"name": "../page.js"}, 404),
        ("/../Cargo.toml", {}, 404),
        ("/%2e%2e/%2e%2e/etc/passwd", {}, 404),
        ("/api/nothing", {}, 404),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_reason(page, path, parameters, status):
    got, headers, body = page.get(path, **parameters)
    assert got == status, body
    assert headers["x-content-type-options"] == "nosniff" and b"root:" not in body


def test_panels_of_what_is_not_there_say_so_and_the_others_are_told(page):
    told = page.json("/api/panels", **panels(images=[0, 10], columns=[[STORE, "Saliency"], [STORE, "Nothing"], ["nobody", "Saliency"]]))
    errors = [["error" in panel for panel in row] for row in told["panels"]]
    assert errors == [[False, True, True], [True, True, True]]


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "10.1.2.3:80", ""])
def test_a_page_of_somebody_else_that_was_made_to_lead_here_gets_nothing(page, host):
    for path in ("/", "/api/grid", "/api/events"):
        status, _, body = page.get(path, headers={"Host": host})
        assert status == 403 and STORE.encode() not in body
    for name in ("localhost", f"127.0.0.1:{page.port}", "[::1]:1"):
        assert page.get("/api/grid", headers={"Host": name})[0] == 200


def test_no_answer_lets_other_pages_read_or_frame_it(page):
    _, headers, _ = page.get("/", headers={"Origin": "http://evil.example"})
    assert "access-control-allow-origin" not in headers
    assert "default-src 'self'" in headers["content-security-policy"] and "frame-ancestors 'self'" in headers["content-security-policy"]


def test_a_form_of_somebody_else_cannot_ask_for_anything(page):
    assert page.get("/api/retry", method="POST", body=b"unit=a")[0] == 403
    assert page.get("/api/retry", method="POST", headers={"x-attrisweep": "1"})[0] == 404
    assert page.get("/api/grid", method="POST")[0] == 405


def test_a_token_is_wanted_of_everybody_and_shown_once(finished):
    page = Page(finished.output, arguments=("--port", "0", "--host", "0.0.0.0", "--token", "Token-1"))
    try:
        assert page.address.endswith("/?token=Token-1")
        for headers in ({}, {"Authorization": "Bearer token-1"}, {"Cookie": f"attrisweep-{page.port}=Token-"}, {"Cookie": "token=Token-1"}):
            assert page.get("/api/grid", headers=headers)[0] == 401
        assert page.get("/api/grid", token="Token-12")[0] == 401
        status, headers, _ = page.get("/", token="Token-1")
        cookie = headers["set-cookie"]
        assert status == 200 and "HttpOnly" in cookie and "SameSite=Strict" in cookie
        assert page.get("/api/grid", headers={"Cookie": cookie.split(";")[0], "Host": "node7.cluster"})[0] == 200
        assert page.get("/api/grid", headers={"Authorization": "Bearer Token-1"})[0] == 200
        assert page.get("/healthz")[0] == 200
    finally:
        page.close()


def test_where_everybody_may_call_a_token_is_made_that_nobody_guesses(finished):
    page = Page(finished.output, arguments=("--port", "0", "--host", "0.0.0.0"))
    try:
        assert len(page.address.split("?token=")[1]) == 64
        assert page.get("/api/grid")[0] == 401
    finally:
        page.close()


def test_a_huge_body_is_not_read(page):
    with socket.create_connection(("127.0.0.1", page.port), timeout=30) as line:
        line.sendall(b"POST /api/retry HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000000\r\n\r\n")
        assert line.recv(64).startswith(b"HTTP/1.1 403")
    with socket.create_connection(("127.0.0.1", page.port), timeout=30) as line:
        try:
            line.sendall(b"GET /" + b"a" * (1 << 20))
            assert b" 4" in line.recv(16)
        except (BrokenPipeError, ConnectionResetError):
            pass
    assert page.get("/healthz")[0] == 200


def memory(pid):
    """Bytes that a process holds."""
    with open(f"/proc/{pid}/statm") as numbers:
        return int(numbers.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def open_still(line):
    """Whether the other side has not ended a connection from which nothing has been read."""
    try:
        return line.recv(1, socket.MSG_DONTWAIT | socket.MSG_PEEK) != b""
    except BlockingIOError:
        return True
    except ConnectionResetError:
        return False


def test_callers_who_say_nothing_or_take_nothing_keep_nobody_else_waiting(page):
    began = time.monotonic()
    lines = [socket.create_connection(("127.0.0.1", page.port)) for _ in range(200)]
    try:
        for number, line in enumerate(lines):
            head = b"GET /api/grid HTTP/1.1\r\nHost: localhost\r\n"
            line.sendall(head + b"\r\n" if number % 2 else head)
        assert page.get("/api/grid")[0] == 200
        # Whoever had to wait for the others would have been answered when they are given up, ten seconds later.
        if time.monotonic() - began < 9:
            assert open_still(lines[198]), "the last one whose head does not end"
        # A head that does not end is given up.
        for line in lines[::2]:
            line.settimeout(120)
            while line.recv(1024):
                pass
    finally:
        for line in lines:
            line.close()


def test_a_hundred_clients_at_once_all_get_their_maps_in_bounded_memory(page):
    before, told = memory(page.process.pid), []

    def answered(number, image):
        """An answer other than 503, which says that the page has too much to do and that one may come again."""
        status, _, body = get(page.port, "/api/map.png", g=STORE, key="Saliency", image=(number + image) % 10, full=1 + number)
        return status != 503 and (status, body[:4])

    def client(number):
        for image in range(5):
            told.append(wait_for(lambda: answered(number, image)))

    clients = [threading.Thread(target=client, args=(number,)) for number in range(100)]
    for each in clients:
        each.start()
    for each in clients:
        each.join()
    assert told == [(200, b"\x89PNG")] * 500
    assert memory(page.process.pid) - before < 100 << 20
