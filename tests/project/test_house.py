"""Rooms of the house stay small: folders of at most twelve entries, files of sources of at most 250 lines."""

import collections
import re
import subprocess

import pytest
from support import ROOT

FOLDERS = ("bench", "crates", "docs", "preflight", "python", "scheduler", "scripts", "tests", "worker")
SOURCES = {".rs", ".py", ".js", ".cpp", ".cu", ".sh"}
MOST_ENTRIES, MOST_LINES = 12, 250
# A list of members, and no room: each crate is a house of its own, and ARCHITECTURE.md says which may name which.
WIDE = {"crates"}


def files():
    """Files that git knows or would take, without those that were removed."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", *FOLDERS]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return [name for name in told if (ROOT / name).is_file()]


def test_no_folder_has_more_than_twelve_entries():
    entries = collections.defaultdict(set)
    for name in files():
        parts = name.split("/")
        for depth in range(1, len(parts)):
            entries["/".join(parts[:depth])].add(parts[depth])
    wide = {folder: len(inside) for folder, inside in entries.items() if len(inside) > MOST_ENTRIES}
    assert {folder: count for folder, count in wide.items() if folder not in WIDE} == {}
    assert WIDE <= set(wide), "an exception that is needed no more"


def test_no_file_of_sources_is_longer_than_two_hundred_and_fifty_lines():
    sources = [name for name in files() if "." + name.rpartition(".")[2] in SOURCES]
    assert len(sources) > 500
    lengths = {name: len((ROOT / name).read_text().splitlines()) for name in sources}
    long = {name: lines for name, lines in lengths.items() if lines > MOST_LINES}
    assert long == {}


def trees(text):
    """Paths of the tree of a `use`."""
    before, brace, inside = text.strip().partition("{")
    if not brace:
        return [before.partition(" as ")[0].strip()]
    parts, depth = [""], 0
    for letter in inside.rpartition("}")[0]:
        depth += (letter == "{") - (letter == "}")
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return [before + path for part in parts if part.strip() for path in trees(part)]


class Crate:
    """Files of a crate by the paths of their modules, and what each imports of the others."""

    def __init__(self, sources):
        self.modules = {self.path(inside): text for inside, text in sources.items()}
        sound = {path: text for path, text in self.modules.items() if "tests" not in path}
        found = {path: re.findall(r"^(pub(?:\([^)]*\))? )?use ([^;]+);", text, flags=re.M) for path, text in sound.items()}
        self.uses = {path: [(bool(public), one) for public, text in texts for one in trees(text)] for path, texts in found.items()}

    @staticmethod
    def path(inside):
        parts = inside.removesuffix(".rs").split("/")
        return tuple(parts[:-1] if parts[-1] in ("mod", "lib", "main") else parts)

    def located(self, module, path):
        """The module that `path` begins with, as `module` writes it, and the rest of the path."""
        words, start = path.split("::"), list(module)
        if words[0] == "crate":
            words, start = words[1:], []
        elif words[0] == "self":
            words = words[1:]
        elif words[0] == "super":
            while words[:1] == ["super"]:
                words, start = words[1:], start[:-1]
        elif (*start, words[0]) not in self.modules:
            return None, []
        count = max((count for count in range(len(words) + 1) if (*start, *words[:count]) in self.modules), default=None)
        return (None, []) if count is None else ((*start, *words[:count]), [word for word in words[count:] if word != "self"])

    def defined(self, module, path, depth=0):
        """The module that defines what `path` names: a name that a module imports itself is followed."""
        found, rest = self.located(module, path)
        if found is not None and rest and depth < 8:
            for _, other in self.uses.get(found, []):
                if other != path and other.rpartition("::")[2] == rest[0]:
                    return self.defined(found, "::".join([other, *rest[1:]]), depth + 1) or found
        return found

    def arrows(self):
        for module, paths in self.uses.items():
            for public, path in paths:
                target = self.defined(module, path)
                # A name that is handed on is an arrow of the file that imports it from here.
                if not public and target is not None and target != module and target in self.uses:
                    yield module, target


def circles(arrows):
    """Pairs of modules each of which leads to the other."""
    reached = collections.defaultdict(set)
    for start, target in arrows:
        reached[start].add(target)
    changed = True
    while changed:
        changed = False
        for targets in list(reached.values()):
            more = set().union(*(reached.get(target, ()) for target in targets)) - targets
            targets |= more
            changed |= bool(more)
    return sorted("::".join(module) for module, targets in reached.items() if module in targets)


def crates():
    found = collections.defaultdict(dict)
    for name in files():
        root, inside, rest = name.partition("/src/")
        if inside and name.endswith(".rs") and not rest.startswith("bin/"):
            found[root][rest] = (ROOT / name).read_text()
    return dict(found)


CRATES = crates()


@pytest.mark.parametrize("crate", CRATES)
def test_no_files_of_a_crate_import_each_other_in_a_circle(crate):
    assert circles(set(Crate(CRATES[crate]).arrows())) == []


def test_a_circle_is_found_through_names_that_are_handed_on():
    sources = {
        "lib.rs": "mod a;\nmod b;\nmod c;\npub use c::Deep;\n",
        "a.rs": "use crate::b::{self, Thing as Other};\nfn a() { b::run(Other) }\n",
        "b.rs": "use super::Deep;\nstruct Thing(Deep);\n",
        "c.rs": "use std::fmt;\nstruct Deep;\n",
    }
    assert circles(Crate(sources).arrows()) == []
    closed = {**sources, "c.rs": "use crate::a;\nstruct Deep(a::A);\n"}
    assert circles(Crate(closed).arrows()) == ["a", "b", "c"]
