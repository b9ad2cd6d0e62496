"""A real browser, driven by its DevTools protocol over a pipe: JSON messages that end with a zero byte."""

import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
KEYS = {"ArrowRight": 39, "ArrowLeft": 37, "ArrowDown": 40, "ArrowUp": 38, "Enter": 13, "Tab": 9}


class Browser:
    """A Chromium with one tab. Pages have a minute for whatever they are waited for."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="chromium-")
        (read, self.out), (self.back, write) = os.pipe(), os.pipe()
        # The protocol takes the descriptors 3 and 4.
        command = f'exec "$0" "$@" 3<&{read} 4>&{write}'
        options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--remote-debugging-pipe", f"--user-data-dir={self.folder}", "--no-first-run", "--disable-background-networking", "--disable-component-update", "about:blank"]
        self.process = subprocess.Popen(["bash", "-c", command, CHROMIUM, *options], pass_fds=(read, write), stderr=subprocess.DEVNULL)
        os.close(read)
        os.close(write)
        self.count, self.rest, self.session, self.told = 0, b"", None, []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method, **parameters):
        self.count += 1
        message = {"id": self.count, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._message()
            if answer.get("id") == self.count:
                assert "error" not in answer, f"{method}: {answer['error']}"
                return answer["result"]
            self.told.append(answer)

    def _message(self, seconds=120):
        deadline = time.monotonic() + seconds
        while b"\0" not in self.rest:
            assert select.select([self.back], [], [], max(0, deadline - time.monotonic()))[0], "the browser does not answer"
            part = os.read(self.back, 1 << 20)
            assert part, "the browser has ended"
            self.rest += part
        message, _, self.rest = self.rest.partition(b"\0")
        return json.loads(message)

    def open(self, address, width=1280, height=900, dark=False):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        # Another part behind the # alone would load nothing anew.
        self.call("Page.navigate", url="about:blank")
        # What the page before told is none of this one's complaints: one whose server has ended goes on asking until it is gone.
        self.run("new Promise((resolve) => setTimeout(resolve, 50))")
        self.told.clear()
        self.call("Page.navigate", url=address)

    def run(self, script):
        """The value of an expression in the page; promises are awaited."""
        answer = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait(self, script, seconds=60):
        """The value of an expression as soon as it is true."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if found := self.run(f"(() => {{ try {{ return {script} }} catch {{ return null }} }})()"):
                return found
            time.sleep(0.1)
        raise AssertionError(f"{seconds} s are over: {script}\n{self.run('document.body.innerText')[:2000]}")

    def press(self, key):
        given = {"key": key, "code": key, "windowsVirtualKeyCode": KEYS.get(key, ord(key[0].upper()))}
        if len(key) == 1 or key == "Enter":
            given["text"] = "\r" if key == "Enter" else key
        self.call("Input.dispatchKeyEvent", type="keyDown", **given)
        self.call("Input.dispatchKeyEvent", type="keyUp", **{name: value for name, value in given.items() if name != "text"})

    def point(self, x, y):
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def screenshot(self, file, whole=False):
        taken = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(base64.b64decode(taken["data"]))

    def complaints(self):
        """Errors that the page has caused: in the console, by exceptions, and addresses elsewhere that were asked for."""
        found = [told for told in self.told if told.get("method") == "Runtime.exceptionThrown"]
        return found + [told for told in self.told if told.get("method") == "Log.entryAdded" and told["params"]["entry"]["level"] == "error"]

    def requests(self):
        """Addresses that were asked for."""
        return [told["params"]["request"]["url"] for told in self.told if told.get("method") == "Network.requestWillBeSent"]

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.out)
        os.close(self.back)
        shutil.rmtree(self.folder, ignore_errors=True)
