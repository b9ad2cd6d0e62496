"""A network that is cut between a scheduler and one of its workers: nothing is said, nothing is heard, and both live."""

import re
import subprocess

from support.processes import alive, wait_for
from support.stand_ins.slurm import workers_of
from support.sweep import log

# The first worker lives behind the cable. The shell between passes no signal on: of the worker behind it nobody but itself can make an end.
START = "sh -c 'if [ {slot} = 0 ]; then ip netns exec NAMESPACE \"$0\" \"$@\"; else \"$0\" \"$@\"; fi; exit $?' {worker}"


def test_a_worker_that_is_cut_off_ends_itself_and_its_units_are_done_elsewhere_with_the_same_bytes(big, cable, expected, hold):
    run = big
    release = hold(run)
    start = START.replace("NAMESPACE", cable.namespace)
    run.config["launcher"] = {"command": {"start": start, "workers": 2, "network": cable.here}}
    run.config["devices"] = {"cpu": 2}
    process = run.start("--lease", "3", stderr=subprocess.PIPE, text=True)
    try:
        wait_for(lambda: log(run).count("worker connected") >= 2 and run.maps())
        pid = int(re.search(r"worker connected.* slot=0 .*process (\d+) of", log(run)).group(1))
        # The sweep cannot end before both sides have missed each other: its last units wait.
        cable.pull_out()
        wait_for(lambda: "was silent for longer than the lease" in log(run))
        wait_for(lambda: not alive(pid))
        release()
        assert process.wait(timeout=240) == 0, process.stderr.read()
        wait_for(lambda: not workers_of(run.output))
    finally:
        process.kill()
    assert run.digests() == expected
    said = "".join(file.read_text() for file in (run.folder / "logs").glob("worker-*0.log"))
    assert "the scheduler was silent for longer than the lease" in said, said
    # Silence is the only sign of it: no end of a process was seen, and nobody blames a unit.
    assert "was silent for longer than the lease" in log(run)
    assert "given up" not in log(run)
