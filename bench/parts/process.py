"""A program that answers a line of JSON with a line of JSON."""

import json
import os
import subprocess
import tempfile

# The environment of workers, as the scheduler starts them.
OF_WORKERS = {"GOMP_SPINCOUNT": "2000", **os.environ}


class Failed(Exception):
    """A program that did not end well, in its own words."""


class Process:
    """Such a program, started for each question, or once for all of them, if its memory can be told apart."""

    def __init__(self, command, each, environment=None):
        self.command, self.each, self.environment, self.running = command, each, environment, None

    def ask(self, question):
        if self.running is None:
            self.words = tempfile.TemporaryFile("w+")
            self.running = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.words, text=True, env=self.environment)
        try:
            self.running.stdin.write(json.dumps(question) + "\n")
            self.running.stdin.flush()
        except BrokenPipeError:
            pass
        if self.each:
            self.running.stdin.close()
        answer = self.running.stdout.readline()
        if answer and not self.each:
            return json.loads(answer)
        process, self.running = self.running, None
        process.stdout.close()
        if process.wait() == 0 and answer:
            return json.loads(answer)
        self.words.seek(0)
        raise Failed(self.words.read().strip() or f"exit code {process.returncode}")
