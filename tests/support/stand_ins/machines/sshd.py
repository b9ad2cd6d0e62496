"""An ssh daemon on this machine, with keys of its own."""

import os
import shutil
import socket
import subprocess

import pytest

from ...processes import wait_for
from .missing import missing

CONF = """
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host
PidFile {folder}/pid
AuthorizedKeysFile {folder}/user.pub
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
PermitRootLogin prohibit-password
LogLevel QUIET
"""


@pytest.fixture(scope="module")
def sshd(tmp_path_factory):
    """Options of ssh for the daemon, which runs on this machine."""
    program = shutil.which("sshd", path=os.environ["PATH"] + ":/usr/sbin")
    if program is None or shutil.which("ssh") is None or os.getuid() != 0:
        missing("sshd", "no ssh daemon can be started here: scripts/clusters.sh says what is missing")
    folder = tmp_path_factory.mktemp("sshd")
    for name in ["host", "user"]:
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    (folder / "conf").write_text(CONF.format(port=port, folder=folder))
    os.makedirs("/run/sshd", exist_ok=True)
    daemon = subprocess.Popen([program, "-D", "-f", folder / "conf"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    options = ["-p", str(port), "-i", str(folder / "user"), "-oStrictHostKeyChecking=no", "-oUserKnownHostsFile=/dev/null", "-oIdentitiesOnly=yes"]
    try:
        wait_for(lambda: subprocess.run(["ssh", *options, "127.0.0.1", "true"], capture_output=True).returncode == 0)
        yield options
    finally:
        daemon.kill()
        daemon.wait()
