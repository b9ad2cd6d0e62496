#!/bin/sh
# Installs what tests/clusters needs, if it may: Slurm for a cluster of two nodes on this machine, and an ssh daemon. Nothing of them is
# started here, and nothing else of the project needs them. Called by scripts/setup.sh.
set -eu
missing=
for program in slurmctld slurmd munged sshd; do
    [ -x "/usr/sbin/$program" ] || missing="$missing $program"
done
[ -n "$missing" ] || exit 0
packages="slurm-wlm munge openssh-server"
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    # RUNLEVEL=1: no daemon is started by its package.
    RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $packages >/dev/null 2>&1 && exit 0
fi
echo "setup:$missing not found, so the tests of clusters are left out: apt-get install $packages brings them back"
