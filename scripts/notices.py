"""Notices of the crates that are linked into the programs: names, licences, and the texts that their authors ask for."""

import collections
import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).parents[1]
HEAD = """\
attrisweep is licensed under MIT OR Apache-2.0. Its programs contain the following crates. Each text below stands for all
crates that are named above it. The worker is based in part on the work of the Independent JPEG Group.
"""


def linked(packages: list[str]) -> list[dict]:
    """The crates that `packages` of this workspace are linked with: of normal dependencies, on this kind of machine."""
    host = subprocess.run(["rustc", "-vV"], capture_output=True, text=True, check=True).stdout
    host = next(line.split()[1] for line in host.splitlines() if line.startswith("host:"))
    command = ["cargo", "metadata", "--format-version", "1", "--locked", "--filter-platform", host]
    metadata = json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout)
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    by_id = {package["id"]: package for package in metadata["packages"]}
    open_ids = [identity for identity in metadata["workspace_members"] if by_id[identity]["name"] in packages]
    seen = set()
    while open_ids:
        identity = open_ids.pop()
        if identity not in seen:
            seen.add(identity)
            normal = (one for one in nodes[identity]["deps"] if any(kind["kind"] is None for kind in one["dep_kinds"]))
            open_ids += [one["pkg"] for one in normal]
    foreign = (by_id[identity] for identity in seen if by_id[identity]["source"])
    return sorted(foreign, key=lambda package: (package["name"], package["version"]))


def texts(package: dict) -> list[str]:
    """The texts of licences and notices that lie in the folder of a crate."""
    folder = pathlib.Path(package["manifest_path"]).parent
    wanted = ("license", "licence", "copying", "notice", "copyright")
    files = sorted(file for file in folder.iterdir() if file.is_file() and file.name.lower().startswith(wanted))
    return [file.read_text(encoding="utf-8", errors="replace").strip() for file in files]


def text(packages: list[str]) -> str:
    """All notices as one text. A licence that many crates share is in it once."""
    shared = collections.defaultdict(list)
    lines = [HEAD]
    for package in linked(packages):
        name = f"{package['name']} {package['version']}"
        lines.append(f"{name}  {package['license'] or 'see below'}  {package['repository'] or ''}".rstrip())
        for licence in texts(package):
            shared[licence].append(name)
    for licence, names in sorted(shared.items(), key=lambda item: item[1]):
        lines += ["", "-" * 79, ", ".join(names), "-" * 79, licence]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(text(sys.argv[1:]))
