"""The package as others get it: its types, its metadata, its notebooks, and the page about it."""

import json
import re
import subprocess
import sys
import tomllib
import zipfile

import attrisweep
import nbclient
import nbformat
import pytest
from support import ROOT, make_model

pytestmark = pytest.mark.xdist_group("python")

PACKAGE = ROOT / "python"
NOTEBOOKS = sorted((PACKAGE / "examples").glob("*.ipynb"))
PYPROJECT = tomllib.loads((PACKAGE / "pyproject.toml").read_text())


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_from_top_to_bottom_and_shows_its_figures(path, finished, tmp_path, monkeypatch):
    for name, value in {"PYTHONPATH": PACKAGE, "IPYTHONDIR": tmp_path, "JUPYTER_RUNTIME_DIR": tmp_path, "OMP_NUM_THREADS": 1}.items():
        monkeypatch.setenv(name, str(value))
    notebook = nbformat.read(path, as_version=4)
    (folder,) = [cell for cell in notebook.cells if cell.source.startswith("FOLDER = ")]
    folder.source = f"FOLDER = {str(finished)!r}"
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert not [output for output in shown if output.output_type in ("error", "stream")]
    figures = [cell for cell in notebook.cells if cell.source.splitlines()[-1].startswith("plot_maps(")]
    assert figures and all("image/png" in cell.outputs[-1].data for cell in figures)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_kept_without_its_outputs(path):
    cells = [cell for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == "code"]
    assert len(cells) > 4 and all(cell["outputs"] == [] and cell["execution_count"] is None for cell in cells)


def test_the_package_is_typed():
    done = subprocess.run([sys.executable, "-m", "mypy", "--cache-dir", ROOT / "target" / "mypy"], cwd=PACKAGE, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_it_needs_zarr_and_xarray_alone():
    names = {re.match(r"[\w-]+", need)[0] for need in PYPROJECT["tool"]["attrisweep"]["dependencies"]}
    assert names == {"zarr", "xarray"}
    # matplotlib, Quantus and torch are there, and are not asked for.
    code = "import sys; import attrisweep; sys.exit(bool({'matplotlib', 'quantus', 'torch', 'scipy', 'dask'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], cwd=PACKAGE).returncode == 0


def test_a_wheel_has_every_module_and_says_that_it_is_typed(tmp_path):
    # Built as pip builds it, and without network: the builder is in the environment.
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", tmp_path, PACKAGE]
    subprocess.run(command, check=True, capture_output=True, text=True)
    (wheel,) = tmp_path.glob("attrisweep-*-py3-none-any.whl")
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
        (metadata,) = [archive.read(name).decode() for name in archive.namelist() if name.endswith("/METADATA")]
    needs = re.findall(r"^Requires-Dist: ([\w-]+)[^;\n]*$", metadata, flags=re.M)
    assert sorted(needs) == ["xarray", "zarr"] and f"\nVersion: {attrisweep.__version__}\n" in metadata
    files = [path for path in (PACKAGE / "attrisweep").rglob("*") if path.suffix in (".py", ".npz") or path.name == "py.typed"]
    assert packed == {str(path.relative_to(PACKAGE)) for path in files} and "attrisweep/py.typed" in packed


def test_its_version_and_licence_are_those_of_the_project():
    workspace = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]
    assert (attrisweep.__version__, PYPROJECT["project"]["license"]) == (workspace["version"], workspace["license"])


@pytest.mark.filterwarnings("ignore::UserWarning:quantus")
def test_python_of_the_guide_runs(finished, tmp_path, monkeypatch):
    page = (ROOT / "docs" / "guide" / "results" / "python.md").read_text()
    blocks = re.findall(r"^```python\n(.*?)^```$", page, flags=re.M | re.S)
    assert len(blocks) >= 5
    pytest.importorskip("quantus", exc_type=ImportError)
    monkeypatch.chdir(tmp_path)
    names = {"model": make_model("resnet18", 28)}
    for block in blocks:
        exec(block.replace("outputs/demo", str(finished)).replace("IntegratedGradients_baselines_zero_n_steps_50", "IG_n_steps_5"), names)  # noqa: S102
    assert (tmp_path / "maps.pdf").stat().st_size > 1000 and len(names["wrong"]) > 0 and names["scores"]
