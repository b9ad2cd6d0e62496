"""A Slurm cluster of two nodes on this machine, with four GPUs each that are none: devices that Slurm counts and nobody computes on."""

import os
import pathlib
import shlex
import shutil
import signal
import socket
import subprocess

import pytest

from ..processes import alive, wait_for
from .machines.missing import missing

PROGRAMS = ["slurmctld", "slurmd", "munged", "sbatch", "squeue", "scancel", "scontrol", "sinfo"]
# Slurm wants a file for each GPU, and takes any device; that of a GPU would have to exist.
DEVICES = ["/dev/null", "/dev/zero", "/dev/full", "/dev/random"]
PATH = os.pathsep.join([os.environ["PATH"], "/usr/sbin", "/sbin"])

CONF = """
ClusterName=attrisweep
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool.%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=sched_interval=1,bf_interval=1,sched_min_interval=200000
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
JobCompType=jobcomp/none
SlurmdTimeout=10
SlurmctldTimeout=10
InactiveLimit=0
KillWait=3
ReturnToService=2
GresTypes=gpu
SlurmdParameters=config_overrides
NodeName=n[1-2] NodeHostname={host} NodeAddr=127.0.0.1 Port=[{first}-{second}] CPUs=4 RealMemory=8000 Gres=gpu:fake:4 State=UNKNOWN
PartitionName=main Nodes=n[1-2] Default=YES MaxTime=INFINITE State=UP PriorityTier=1
PartitionName=urgent Nodes=n[1-2] MaxTime=INFINITE State=UP PriorityTier=10 PreemptMode=OFF
"""


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


class Slurm:
    """The cluster, and what a test does to it."""

    def __init__(self, folder):
        self.folder = folder
        self.daemons = {}
        self.munge = None
        self.text = ""
        self.begun = 0
        self.environment = {**os.environ, "SLURM_CONF": str(folder / "slurm.conf"), "PATH": PATH}

    def up(self):
        self.configure()
        self.munge_up()
        self.begin()

    def begin(self):
        self.start("slurmctld")
        wait_for(lambda: self.ask("scontrol", "ping").find("UP") > 0)
        self.start("n1")
        self.start("n2")
        self.wait_idle()

    def configure(self):
        host = socket.gethostname().split(".")[0]
        # slurmd's ports follow each other.
        (port, _), first = free_ports(2), 21000 + os.getpid() % 5000 * 2
        for name in ["state", "spool.n1", "spool.n2"]:
            (self.folder / name).mkdir()
        self.text = CONF.format(host=host, port=port, folder=self.folder, first=first, second=first + 1)
        (self.folder / "gres.conf").write_text("".join(f"NodeName=n[1-2] Name=gpu Type=fake File={device}\n" for device in DEVICES))

    def munge_up(self):
        if subprocess.run(["munge", "-n"], capture_output=True).returncode == 0:
            return
        for name in ["/run/munge", "/var/log/munge", "/var/lib/munge"]:
            os.makedirs(name, exist_ok=True)
            shutil.chown(name, "munge", "munge")
        self.munge = subprocess.Popen(["munged", "--foreground"], env=self.environment, user="munge", group="munge", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(lambda: subprocess.run(["munge", "-n"], capture_output=True).returncode == 0)

    def start(self, name):
        if name == "slurmctld":
            # What was not saved when it was killed it does not know: ids of jobs that still run must not be given again, or Slurm
            # drains their nodes.
            self.begun += 1
            (self.folder / "slurm.conf").write_text(f"{self.text}FirstJobId={1000 * self.begun}\n")
        command = ["slurmctld", "-D"] if name == "slurmctld" else ["slurmd", "-D", "-N", name]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.daemons[name] = subprocess.Popen(command, env=self.environment, start_new_session=True, **quiet)

    def kill(self, name):
        daemon = self.daemons.pop(name)
        daemon.kill()
        daemon.wait()

    def renew(self):
        """Begins anew, as a test has left a cluster that does not become idle: what it found is told by that test."""
        self.end()
        shutil.rmtree(self.folder / "state")
        (self.folder / "state").mkdir()
        self.begin()

    def end(self):
        self.ask("scancel", "--me")
        for name in list(self.daemons):
            self.daemons[name].send_signal(signal.SIGCONT)
            self.kill(name)

    def down(self):
        self.end()
        if self.munge:
            self.munge.kill()
            self.munge.wait()

    def ask(self, *command):
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=60).stdout

    def jobs(self):
        """Jobs that wait or run: id, name, state and node of each."""
        lines = self.ask("squeue", "--noheader", "--array", "--format=%A|%j|%T|%N|%K|%F").splitlines()
        return [dict(zip(["id", "name", "state", "node", "index", "array"], line.split("|"))) for line in lines]

    def running(self):
        return [job for job in self.jobs() if job["state"] == "RUNNING"]

    def wait_idle(self, seconds=120):
        """Waits until nobody has a job and both nodes can be used."""
        wait_for(lambda: not self.jobs() and self.ask("sinfo", "--noheader", "--format=%t").split() == ["idle"], seconds)


@pytest.fixture(scope="module")
def slurm(tmp_path_factory):
    """The cluster, once for a file of tests."""
    programs = [program for program in PROGRAMS if shutil.which(program, path=PATH) is None]
    if programs or os.getuid() != 0:
        missing("slurm", f"no cluster can be started here ({', '.join(programs) or 'that takes root'}): scripts/clusters.sh says what is missing")
    os.environ["PATH"] = PATH
    cluster = Slurm(tmp_path_factory.mktemp("slurm"))
    try:
        try:
            cluster.up()
        except AssertionError as error:
            log = cluster.folder / "slurmctld.log"
            missing("slurm", f"Slurm does not start on this machine ({error}): {log.read_text()[-500:] if log.exists() else 'no log'}")
        yield cluster
    finally:
        cluster.down()


def workers_of(folder):
    """Processes of workers whose access file lies in `folder`."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            # Shells and ssh have the whole line in one word.
            if any(os.fsencode(str(folder)) in word for word in words) and b"run" in words and alive(int(entry.name)):
                found.append(int(entry.name))
    return found


def nobody_left(slurm, run, seconds=120):
    """Waits until the sweep has neither a job nor a worker."""
    wait_for(lambda: not slurm.jobs() and not workers_of(run.output), seconds)


def held(hold, run):
    """What lets workers go on that the fixture `hold` keeps in the last group of `run`, and lines for the shell of a job by which its
    worker is held: the scheduler and Slurm are not."""
    release = hold(run)
    names = ("LD_PRELOAD", "FAKE_DISK_HOLD", "FAKE_DISK_HELD")
    return release, "; ".join(f"export {name}={shlex.quote(os.environ[name])}" for name in names)
