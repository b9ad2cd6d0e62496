"""What a person sees of a running sweep, on terminals of every kind."""

import os
import pty
import subprocess

import pytest
from support import METHODS


def seen(run, term):
    """What a terminal shows of a run whose TERM is `term`."""
    main, end = pty.openpty()
    environment = {name: value for name, value in os.environ.items() if name != "TERM"}
    if term is not None:
        environment["TERM"] = term
    process = subprocess.Popen(run.command(), stdout=subprocess.DEVNULL, stderr=end, env=environment)
    os.close(end)
    shown = b""
    while True:
        try:
            part = os.read(main, 1 << 16)
        except OSError:  # Linux says so at the end of a terminal whose other side is closed.
            break
        if not part:
            break
        shown += part
    os.close(main)
    assert process.wait() == 0
    return shown.decode()


@pytest.mark.parametrize("term", [None, "dumb", "xterm"])
def test_every_terminal_shows_progress_and_no_forecast_before_there_is_one(sweep, term):
    run = sweep(limit=4)
    run.config["search_space"]["attribution_methods"] = METHODS[:1]
    shown = seen(run, term)
    first = shown[shown.index("0/4 maps") :].splitlines()[0]
    assert "left" not in first and "/s" not in first, shown
    # Only a bar moves the cursor.
    assert ("\x1b[" in shown) == (term == "xterm"), shown
