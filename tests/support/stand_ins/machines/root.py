"""A root of its own, for commands that install: this machine's root with a layer above, in a namespace of mounts. Nothing of it stays."""

import os
import subprocess

from ...programs import ROOT
from .missing import missing

# Arguments: a folder for the layer, a script, `PATH`, folders that are seen as they are, `--`, folders that are hidden.
SCRIPT = r"""
set -e
layer=$1 script=$2 path=$3
shift 3
mount -t tmpfs tmpfs "$layer"
mkdir "$layer/upper" "$layer/work" "$layer/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$layer/upper,workdir=$layer/work" "$layer/root"
mount --rbind /proc "$layer/root/proc"
mount --rbind /dev "$layer/root/dev"
while [ "$1" != -- ]; do
    mkdir -p "$layer/root$1"
    mount --bind "$1" "$layer/root$1"
    shift
done
shift
for hidden; do
    [ ! -d "$layer/root$hidden" ] || mount -t tmpfs tmpfs "$layer/root$hidden"
done
echo entered
exec chroot "$layer/root" /usr/bin/env -i HOME=/root PATH="$path" PIP_NO_INDEX=1 /bin/sh -e "$script"
"""


def run_in_root(folder, script, path, seen):
    """Runs the text of a shell script in such a root, with nothing set but `PATH`, and with pip kept from the network. What was built in the
    checkout is hidden; folders of `seen` that lie on other file systems than the root are there, too. What the script printed."""
    layer, file = folder / "layer", folder / "script.sh"
    layer.mkdir()
    file.write_text(script)
    there = os.stat("/").st_dev
    elsewhere = [str(place) for place in (folder, *seen) if os.stat(place).st_dev != there]
    namespace = ["unshare", "--mount"] if os.getuid() == 0 else ["unshare", "--user", "--map-root-user", "--mount"]
    words = [*namespace, "/bin/sh", "-c", SCRIPT, "root", layer, file, path, *elsewhere, "--", ROOT / "target"]
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=300)
    except FileNotFoundError:
        missing("root", "there is no `unshare` here (util-linux)")
    if not done.stdout.startswith("entered\n"):
        missing("root", f"no root can be made here: {done.stderr.strip()}")
    assert done.returncode == 0, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout.removeprefix("entered\n")
