"""A page of the scheduler, and requests to it."""

import contextlib
import http.client
import json
import os
import re
import socket
import subprocess
import urllib.parse

from ..programs import SCHEDULER


class Page:
    """`scheduler view` of some folders."""

    def __init__(self, *folders, arguments=("--port", "0"), environment=None):
        command = [str(SCHEDULER), "view", *map(str, folders), *arguments]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        self.said = self.process.stdout.readline()
        self.address = re.search(r"http://\S+", self.said)[0]
        self.port = int(re.search(r":(\d+)/", self.address)[1])

    def get(self, path, method="GET", headers=None, body=None, **parameters):
        return get(self.port, path, method, headers, body, **parameters)

    def json(self, path, **parameters):
        return asked(self.port, path, **parameters)

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


def free_port():
    """A port that nobody has: below those that the kernel gives to callers meanwhile."""
    for port in range(10_000 + os.getpid() % 1000 * 10, 21_000):
        with socket.socket() as line, contextlib.suppress(OSError):
            line.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port is free")


def get(port, path, method="GET", headers=None, body=None, **parameters):
    """Status, headers and bytes of an answer."""
    query = f"?{urllib.parse.urlencode(parameters)}" if parameters else ""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request(method, path + query, body=body, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        connection.close()


def asked(port, path, **parameters):
    status, _, body = get(port, path, **parameters)
    assert status == 200, (path, status, body)
    return json.loads(body)
