"""What users install: the wheel, in a clean environment without torch."""

import importlib.metadata
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator
from importlib.metadata import Distribution

import pytest
from full import FULL
from full import full
from packaging.requirements import Requirement
from test_documentation import blocks
from test_documentation import commands_here

ROOT = pathlib.Path(__file__).parent.parent
SPEECH = ROOT / "examples" / "speech"
FIRST_PAGES = ["README.md", "docs/install.md", "docs/first_steps.md"]


def run(*command: str, **kwargs) -> str:
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, **kwargs
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    source, out = folder / "source", folder / "dist"
    # A copy: what earlier builds left in the checkout must not get into the wheel
    left_out = shutil.ignore_patterns(".*", "build", "dist", "*.egg-info", "runs")
    shutil.copytree(ROOT, source, ignore=left_out)
    run(sys.executable, "-m", "build", "--wheel", "--outdir", out, source)
    (path,) = out.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """Programs of an environment that has the wheel, what it needs, and nothing else.

    The full run installs what it needs, which takes 20 s; the suite links it from here.
    """
    folder = tmp_path_factory.mktemp("clean") / "venv"
    venv.create(folder)
    # Compiled when they are imported, as most modules never are
    pip = [sys.executable, "-m", "pip", "--python", folder / "bin" / "python"]
    pip += ["install", "-q", "--no-compile"]
    if FULL:
        run(*pip, "-c", ROOT / "constraints.txt", wheel)
        return folder / "bin"
    run(*pip, "--no-deps", wheel)
    (site,) = folder.glob("lib/python*/site-packages")
    (package,) = importlib.metadata.distributions(path=[str(site)], name="audw2s")
    for needed in needed_by(package):
        for name in {path.parts[0] for path in needed.files} - {"..", "__pycache__"}:
            if not (site / name).exists():
                (site / name).symlink_to(needed.locate_file(name))
    return folder / "bin"


def needed_by(package: Distribution) -> Iterator[Distribution]:
    """Distributions that one needs, and those that these need."""
    waiting, seen = [(package, frozenset({""}))], set()
    while waiting:
        package, extras = waiting.pop()
        for text in package.requires or []:
            wanted = Requirement(text)
            marker = wanted.marker
            if marker and not any(marker.evaluate({"extra": e}) for e in extras):
                continue
            found = importlib.metadata.distribution(wanted.name)
            assert wanted.specifier.contains(found.version, prereleases=True), text
            need = found.name, frozenset({"", *wanted.extras})
            if need not in seen:
                seen.add(need)
                waiting.append((found, need[1]))
                yield found


def test_wheel_predicts_without_torch(installed, clips, tmp_path):
    out = tmp_path / "out.csv"
    run(installed / "audw2s", "predict", *clips, "--out", out, cwd=tmp_path)
    assert out.read_text().count(",ok,") == len(clips)
    code = (
        "import importlib.util, json, audw2s; "
        "frame = audw2s.Feature('whisper-tiny-adv').process_files([CLIP]); "
        "print(json.dumps([audw2s.__file__, frame.shape, "
        "importlib.util.find_spec('torch') is None, "
        "importlib.util.find_spec('audw2s.distill') is not None]))"
    ).replace("CLIP", repr(clips[0]))
    file, shape, no_torch, has_distill = json.loads(
        run(installed / "python", "-c", code, cwd=tmp_path)
    )
    assert not file.startswith(str(ROOT))
    assert shape == [1, 3]
    assert no_torch
    assert has_distill


def test_nothing_is_written_to_the_home_folder(tmp_path):
    code = "import audw2s; audw2s.load()(numpy.zeros((1, 16000), 'float32'), 16000)"
    home = {**os.environ, "HOME": str(tmp_path), "USERPROFILE": str(tmp_path)}
    home.pop("ORT_DISABLE_TELEMETRY", None)
    command = [sys.executable, "-c", f"import numpy; {code}"]
    subprocess.run(command, check=True, env=home)
    assert not os.listdir(tmp_path)


@full
@pytest.mark.parametrize("page", FIRST_PAGES)
def test_code_of_first_pages_runs_where_only_the_package_is(installed, project, page):
    python = [code for language, code in blocks(page) if language == "python"]
    commands = [
        arguments
        for language, code in blocks(page)
        if language == "bash"
        for arguments in commands_here(code)
    ]
    assert python or commands
    environment = {**os.environ, "MPLBACKEND": "agg"}
    run(installed / "python", "-c", "\n".join(python), env=environment)
    for arguments in commands:
        # Each ends with 0, see run
        run(installed / "audw2s", *arguments)


def test_distill_says_what_is_missing(installed, tmp_path):
    (tmp_path / "a.toml").write_text("[corpora]\n'.' = 1\n")
    done = subprocess.run(
        [installed / "audw2s", "distill", "train", "a.toml", "--out", "run"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert done.returncode == 2
    assert 'pip install "audw2s[distill]"' in done.stderr
    assert "Traceback" not in done.stderr


def test_demo_says_what_is_missing(installed, tmp_path):
    done = subprocess.run(
        [installed / "audw2s", "demo"], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 2
    assert 'pip install "audw2s[demo]"' in done.stderr
    assert "Traceback" not in done.stderr


def test_wheel_holds_models_and_cards(wheel):
    import zipfile

    names = set(zipfile.ZipFile(wheel).namelist())
    for model in ("wav2small", "whisper-tiny-adv"):
        for file in ("model.onnx", "model.yaml", "card.md", "evaluation.json"):
            assert f"audw2s/assets/{model}/{file}" in names
    for file in ("model.onnx", "card.md", "LICENSE"):
        assert f"audw2s/assets/silero-vad/{file}" in names
    clips = {f"audw2s/demo/clips/{path.name}" for path in SPEECH.iterdir()}
    assert clips | {"audw2s/demo/style.css", "audw2s/demo/scripts/live.js"} <= names
    assert {"audw2s/py.typed", "audw2s/corpus/report/page.html"} <= names
    assert "audw2s/export/c/template/wav2small.c" in names
    assert "audw2s/export/npm/code/wav2small.wasm" in names
    assert {f"audw2s/demo/static/{name}" for name in ("index.html", "page.js")} <= names
    assert "audw2s/export/npm/template/index.js" in names
    assert "audw2s/export/hub.md.jinja" in names
    assert "audw2s/model/hub/published.yaml" in names
    for source, target in (("audw2s", ""), ("distill", "distill/"), ("demo", "demo/")):
        made = (ROOT / source).rglob("*.jinja")
        paths = [path.relative_to(ROOT / source).as_posix() for path in made]
        assert paths
        assert {f"audw2s/{target}{path}" for path in paths} <= names
    assert os.path.getsize(wheel) < 20e6
    assert not [name for name in names if name.startswith(("tests", "examples"))]


def test_readme_shows_what_its_first_command_prints():
    lines = (ROOT / "README.md").read_text().splitlines()
    number = next(i for i, line in enumerate(lines) if "audw2s predict" in line)
    assert number < 12
    command = lines[number].split("&& ")[-1]
    first = lines.index("```text") + 1
    shown = lines[first : lines.index("```", first)]
    assert first + len(shown) <= 25
    folder = os.path.dirname(sys.executable)
    program, *arguments = shlex.split(command)
    environment = {**os.environ, "COLUMNS": "300"}
    printed = run(
        os.path.join(folder, program), *arguments, cwd=ROOT, env=environment
    ).splitlines()
    numbers = re.compile(r"\d\.\d{3}")
    assert [numbers.sub("#", line) for line in printed] == [
        numbers.sub("#", line) for line in shown
    ]
    for mine, theirs in zip(printed, shown, strict=True):
        found = [float(n) for n in numbers.findall(mine)]
        assert found == pytest.approx(
            [float(n) for n in numbers.findall(theirs)], abs=0.0011
        )


def test_ci_runs_the_command_of_the_readme():
    commands = [
        line
        for line in (ROOT / "README.md").read_text().splitlines()
        if "--group dev" in line
    ]
    assert len(commands) == 1
    assert commands[0].endswith("&& pytest -n 2 --dist loadfile")
    assert "grep -m 1 -- '--group dev' README.md" in (ROOT / ".ci/run").read_text()


def test_sizes_of_models_are_documented():
    text = (ROOT / "docs/models.md").read_text()
    models = ROOT / "audw2s" / "assets"
    small = os.path.getsize(models / "wav2small" / "model.onnx")
    large = os.path.getsize(models / "whisper-tiny-adv" / "model.onnx")
    assert f"| 72,659 | {small / 1e3:.0f} KB | CC BY 4.0 |" in text
    assert f"| 6.6M | {large / 1e6:.1f} MB | MIT |" in text
    assert large < 20e6
