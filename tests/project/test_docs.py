"""The pages of the documentation: their links lead somewhere, and what they say to type is what programs take."""

import re
import subprocess

import pytest
import xarray
import zarr
from support import METHODS, ROOT

FOLDERS = ("docs", "configs", "means", "outputs")
PAGES = sorted([*ROOT.glob("*.md"), *(page for folder in FOLDERS for page in (ROOT / folder).rglob("*.md"))])
PROGRAMS = ("scheduler", "preflight", "means", "worker")
LONGEST = {"ARCHITECTURE.md": 150, "README.md": 110}


def without_code(text):
    return re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)


def blocks(page, *languages):
    found = re.findall(r"^```(\w*)\n(.*?)^```$", page.read_text(), flags=re.M | re.S)
    return [block for language, block in found if language in languages]


def anchor(heading):
    """The anchor that GitHub gives to a heading."""
    text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").strip().lower()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def anchors(page):
    return {anchor(heading) for heading in re.findall(r"^#+ (.*)$", without_code(page.read_text()), flags=re.M)}


def links(page):
    """Relative links of a page, without those to other hosts."""
    found = re.findall(r"\[[^]]*\]\(([^)\s]+)\)", without_code(page.read_text()))
    return [link for link in found if not re.match(r"[a-z]+:", link)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_to_a_file_and_every_anchor_to_a_heading(page):
    for link in links(page):
        path, _, wanted = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{link}: there is no {target}"
        assert not wanted or wanted in anchors(target), f"{link}: {target.name} has no heading for #{wanted}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_file_and_folder_of_the_code_that_a_page_names_is_there(page):
    for name in re.findall(r"`((?:bench|configs|crates|preflight|python|scheduler|scripts|tests|worker)/[\w./-]*)`", page.read_text()):
        assert (ROOT / name).exists(), f"there is no {name}"


def test_every_page_of_docs_is_reached_from_the_front_page():
    reached, queue = set(), [ROOT / "README.md"]
    while queue:
        page = queue.pop()
        if page in reached or page.suffix != ".md":
            continue
        reached.add(page)
        queue += [(page.parent / link.partition("#")[0]).resolve() for link in links(page) if not link.startswith("#")]
    missed = [str(page.relative_to(ROOT)) for page in PAGES if page not in reached]
    assert not missed


def test_each_decision_has_its_own_number_and_a_line_in_the_list():
    folder = ROOT / "docs" / "decisions"
    pages = sorted(folder.glob("*/[0-9]*.md"), key=lambda page: page.name)
    assert not list(folder.glob("[0-9]*.md")), "a decision lies in the folder of its subject"
    assert [page.name[:3] for page in pages] == [f"{number:03}" for number in range(1, len(pages) + 1)]
    listed = (folder / "README.md").read_text()
    for page in pages:
        title = page.read_text().splitlines()[0].removeprefix(f"# {page.name[:3]}. ")
        assert f"[{page.name[:3]}]({page.parent.name}/{page.name}) {title}" in listed
        assert re.search(r"^Status: (accepted|replaced by)\b.* Date: \d{4}-\d\d-\d\d", page.read_text(), flags=re.M), page.name


def rust_files():
    folders = ("crates", "scheduler", "preflight", "worker")
    return [path for folder in folders for path in (ROOT / folder).rglob("*.rs")]


def test_code_in_the_guide_for_contributors_is_code_of_a_file():
    texts = [path.read_text() for path in rust_files()]
    examples = blocks(ROOT / "CONTRIBUTING.md", "rust")
    assert len(examples) >= 2
    for example in examples:
        assert any(example in text for text in texts), f"no file has\n{example}"


def test_lists_that_contributors_add_a_line_to_are_in_the_folders_that_are_named():
    rows = re.findall(r"^\| [^|]* \| `([^`]*)` \| `([A-Z]+)` \|", (ROOT / "CONTRIBUTING.md").read_text(), flags=re.M)
    assert len(rows) >= 10
    for folder, name in rows:
        files = [path.read_text() for end in ("rs", "py") for path in (ROOT / folder).rglob(f"*.{end}")]
        assert any(re.search(rf"(\bconst |^){name}\b", text, flags=re.M) for text in files), f"no `{name}` in {folder}"


def test_files_and_folders_that_contributors_are_sent_to_are_there():
    named = re.findall(r"`([\w.-]+(?:/[\w.-]+)+)`", (ROOT / "CONTRIBUTING.md").read_text())
    inside = [name for name in named if name.partition("/")[0] in {path.name for path in ROOT.iterdir()}]
    assert len(inside) >= 30
    assert [name for name in inside if not (ROOT / name).exists()] == []
    toys = re.findall(r"^\| [^|]* \| (`[^|]*\.rs`) \|$", (ROOT / "CONTRIBUTING.md").read_text(), flags=re.M)
    files = [file for row in toys for file in re.findall(r"`([^`]*)`", row)]
    assert len(files) >= 8 and [file for file in files if "toy" not in (ROOT / file).read_text().lower()] == []


@pytest.mark.parametrize("name", LONGEST)
def test_pages_to_begin_with_stay_short(name):
    assert len((ROOT / name).read_text().splitlines()) <= LONGEST[name]


def told(*command):
    return subprocess.run([ROOT / "target" / "debug" / command[0], *command[1:], "--help"], capture_output=True, text=True, check=True).stdout


def commands():
    """Every command line of our programs in a block of the pages: program, command if there is one, options."""
    for page in PAGES:
        for block in blocks(page, "", "sh"):
            for line in block.splitlines():
                words = line.partition("#")[0].split()
                for at, word in enumerate(words):
                    if word.startswith("target/release/"):
                        yield page.name, word.removeprefix("target/release/"), words[at + 1 :]


def test_options_of_every_command_in_the_pages_are_options_of_that_program():
    seen = 0
    for page, program, words in commands():
        assert program in PROGRAMS, f"{page}: {program}"
        command = [word for word in words[:1] if not word.startswith("-")]
        known = set(re.findall(r"--[a-z-]+", told(program, *command)))
        unknown = {word for word in words if word.startswith("--")} - known
        assert not unknown, f"{page}: {program} {' '.join(words)}"
        seen += 1
    assert seen > 10


def test_every_target_of_make_in_the_pages_is_one_of_the_makefile():
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), flags=re.M))
    for page in PAGES:
        asked = set(re.findall(r"(?:^|`)make ([a-z0-9-]+)", page.read_text(), flags=re.M))
        assert asked <= targets, f"{page.name}: {asked - targets}"


@pytest.mark.parametrize("command", [("scheduler",), ("scheduler", "submit"), ("scheduler", "verify"), ("scheduler", "adopt"), ("scheduler", "export"), ("scheduler", "scores"), ("scheduler", "report"), ("scheduler", "view"), ("preflight",), ("means",), ("worker",)], ids=" ".join)
def test_exit_codes_in_the_guide_are_those_of_the_help(command):
    page = (ROOT / "docs" / "exit-codes.md").read_text()
    section = page.split(f"\n## {' '.join(command)}\n")[1].split("\n## ")[0]
    assert f"```\n{told(*command).split('Exit codes:')[1].strip(chr(10))}\n```" in section


def test_variables_of_the_environment_in_the_guide_are_read_somewhere():
    page = (ROOT / "docs" / "guide" / "running" / "clusters.md").read_text()
    sources = [path for folder in ("crates", "scheduler", "worker", "scripts") for path in (ROOT / folder).rglob("*") if path.suffix in (".rs", ".sh", ".cpp")]
    text = "".join(path.read_text() for path in sources)
    for name in re.findall(r"ATTRISWEEP_[A-Z_]+", page):
        assert name in text, name


def test_python_of_the_guide_reads_a_store(sweep, tmp_path):
    run = sweep(limit=3)
    run.config["search_space"]["attribution_methods"] = METHODS[:1]
    run.run()
    (store,) = run.stores()
    page = "\n".join(blocks(ROOT / "docs" / "guide" / "results" / "reading-results.md", "python"))
    names = {}
    exec(page.replace("outputs/dataset-...zarr", str(store)).replace("maps.nc", str(tmp_path / "maps.nc")), names)  # noqa: S102
    assert names["maps"].shape == (3, 3, 28, 28) and 0 <= float(names["right"]) <= 1
    assert names["facts"]["seed"] == 0 and names["how"]["class"] == "Saliency"
    assert xarray.open_dataset(tmp_path / "maps.nc")["Saliency"].shape == (3, 3, 28, 28)
    front = "\n".join(blocks(ROOT / "README.md", "python"))
    front = front.replace("outputs/dataset-bloodmnist_model-resnet18_noise-clean_split-test.zarr", str(store)).replace('"outputs"', repr(str(run.output)))
    exec(front, names)  # noqa: S102
    assert isinstance(names["store"], zarr.Group) and len(names["logits"]) == 3 and names["wrong"].dims[0] == "image"
