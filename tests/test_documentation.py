"""Python blocks and commands of README and of the guide run as they are written."""

import base64
import json
import pathlib
import re
import shlex

import numpy as np
import pytest
import soundfile
import typer.main
from commands import audw2s_command
from commands import invoke

from audw2s.commands.app import app

ROOT = pathlib.Path(__file__).parent.parent
SPEECH = ROOT / "examples" / "speech"
PAGES = {
    "README.md": (),
    "docs/install.md": (),
    "docs/first_steps.md": (),
    "docs/interfaces.md": (),
    "docs/speech.md": (),
    "docs/commands.md": (),
    "docs/corpora.md": (),
    "docs/evaluating.md": (),
    "docs/howto.md": ("sklearn",),
    "docs/howto_software.md": ("torch",),
    "docs/howto_deployment.md": ("fastapi", "python_multipart"),
}
"""Pages whose code runs, and what it needs beside the package."""

ELSEWHERE = ("demo", "distill", "get", "listen")
"""Commands that other tests run."""


def blocks(page: str) -> list[tuple[str, str]]:
    """Languages and code of the blocks of a page that are shown, in their order."""
    text = (ROOT / page).read_text(encoding="utf-8")
    pattern = r"^```(?:{code-cell} )?(python|bash)3?\n(?!:tags)(.*?)^```"
    return re.findall(pattern, text, re.DOTALL | re.MULTILINE)


def commands_here(code: str) -> list[list[str]]:
    """Arguments of ``audw2s`` in a block, without what other tests run."""
    lines = [line.split("  #")[0] for line in code.replace("\\\n", " ").splitlines()]
    parts = [part for line in lines for part in line.split("&&")]
    commands = [shlex.split(p)[1:] for p in parts if p.split()[:1] == ["audw2s"]]
    # Not every machine has a GPU
    commands = [["cpu" if word == "cuda" else word for word in c] for c in commands]
    return [c for c in commands if c[0] not in ELSEWHERE]


def failed_commands(code: str) -> list[str]:
    """Commands that fail, with the reason."""
    failed = []
    for arguments in commands_here(code):
        result = invoke(*arguments)
        if result.exit_code:
            failed.append(f"{shlex.join(arguments)}\n{result.output}")
    return failed


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.filterwarnings("ignore:.*:audw2s.errors.DataWarning")
def test_code_of_pages_runs(page, project):
    for package in PAGES[page]:
        pytest.importorskip(package)
    signal, _ = soundfile.read("interview.wav", dtype="float32")
    names = {"block": np.repeat(signal[:1600], 3), "__name__": "page"}
    assert blocks(page)
    for language, code in blocks(page):
        if language == "bash":
            assert failed_commands(code) == []
        else:
            exec(compile(code, page, "exec"), names)
            assert len(names.get("frame", [0])), "a table without rows"


def test_the_service_answers_with_null_where_there_is_no_value(project):
    for package in PAGES["docs/howto_deployment.md"]:
        pytest.importorskip(package)
    from fastapi.testclient import TestClient

    names = {"__name__": "service"}
    for _, code in blocks("docs/howto_deployment.md"):
        exec(compile(code, "service", "exec"), names)
    client = TestClient(names["app"])
    speech = pathlib.Path("interview.wav").read_bytes()
    answers = [
        client.post("/adv", files={"file": audio}).json() for audio in (speech, b"?")
    ]
    assert 0 < answers[0]["arousal"] < 1.5
    assert answers[1] == dict.fromkeys(["arousal", "dominance", "valence"])
    event = {"body": base64.b64encode(speech).decode()}
    assert names["handler"](event, None) == pytest.approx(answers[0])


def test_options_of_all_commands_in_documents_exist():
    """Also of those that are run elsewhere, or nowhere."""
    found = [command for path in sources() for command in written_commands(path)]
    assert len(found) > 100
    assert [text for text in found if unknown_words(text)] == []


def sources() -> list[pathlib.Path]:
    """Documents, notebooks and settings, whose comments hold commands."""
    # The changelog names what is gone
    pages = [path for path in documents() if path.name != "CHANGELOG.md"]
    return [
        *pages,
        *ROOT.glob("docs/notebooks/*.ipynb"),
        *ROOT.glob("examples/*.toml"),
        *ROOT.glob("audw2s/assets/*/card.md"),
    ]


def written_commands(path: pathlib.Path) -> list[str]:
    """Commands in code, in indented comments of settings, and in backticks."""
    text = code = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        cells = json.loads(text)["cells"]
        text = "\n".join("".join(cell["source"]) for cell in cells)
        codes = ["".join(c["source"]) for c in cells if c["cell_type"] == "code"]
        code = "\n".join(codes)
    elif path.suffix == ".md":
        code = "".join(re.findall(r"^```(?:bash|shell)\n(.*?)^```", text, re.S | re.M))
    code = re.sub(r" \\\n[# ]*", " ", code)
    lines = re.findall(r"^(?:#   |!|.*&& |.*\| )?(audw2s [a-z].*)", code, re.M)
    return [*lines, *re.findall(r"`(audw2s [a-z][^`]*)`", text)]


def unknown_words(text: str) -> list[str]:
    """Options that a command doesn't have, and a command that doesn't exist."""
    command = typer.main.get_command(app)
    for word in text.split()[1:]:
        members = getattr(command, "commands", {word: command})
        if word not in members:
            # A placeholder stands for any command
            return [word] if word.islower() else []
        command = members[word]
    known = {"--help", *(name for option in command.params for name in option.opts)}
    words = re.findall(r"(?<= )--[a-z][\w-]*", re.split(r" #| > ", text)[0])
    return [word for word in words if word not in known]


def test_listen_reads_a_pipe_to_its_end(project):
    samples, _ = soundfile.read("interview.wav", dtype="int16")
    done = audw2s_command("listen", "-", input=samples.tobytes(), text=False)
    assert done.returncode == 0, done.stderr
    head, *rows = done.stdout.decode().split()
    assert head.split(",")[:4] == ["time", "arousal", "dominance", "valence"]
    assert len(rows) >= len(samples) / 16000


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 150


def test_links_lead_to_pages_and_sections():
    pages = {path: path.read_text(encoding="utf-8") for path in documents()}
    for path, text in pages.items():
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            if not target.startswith(("http", "mailto")):
                file, _, section = target.partition("#")
                linked = (path.parent / file).resolve() if file else path
                assert linked.exists(), f"{path.name}: {target}"
                if section:
                    assert section in sections(linked), f"{path.name}: {target}"


def test_files_of_the_source_that_documents_name_exist():
    folders = "tests|examples|docs|distill|demo|audw2s"
    named = rf"\b(?:{folders})/[\w/.-]+\.(?:py|toml|csv|json)"
    # Notebooks name files in a copy of the source
    for path in (path for path in sources() if path.suffix != ".ipynb"):
        for file in re.findall(named, path.read_text(encoding="utf-8")):
            assert (ROOT / file).is_file(), f"{path.name}: {file}"


def documents() -> list[pathlib.Path]:
    return [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("examples/*.md")]


def sections(path: pathlib.Path) -> set[str]:
    """Names of the sections of a page, as GitHub and MyST make them."""
    titles = re.findall(r"^#+ (.*)", path.read_text(encoding="utf-8"), re.M)
    named = [re.sub(r"[^\w\s-]", "", t.split(" {#")[0].lower()) for t in titles]
    marked = re.findall(r"\{#([\w-]+)\}", path.read_text(encoding="utf-8"))
    return {name.strip().replace(" ", "-") for name in named} | set(marked)


SECTIONS = ["Data", "Terms", "Metrics", "Ranking of emotions", "Robustness", "Limits"]
"""Sections of a model card, in their order; a quantised form has its model's data."""


@pytest.mark.parametrize(
    "path", sorted(ROOT.glob("docs/cards/*.md")), ids=lambda p: p.stem
)
def test_model_cards_follow_one_template(path):
    card = (ROOT / "audw2s" / "assets" / path.stem / "card.md").read_text("utf-8")
    titles = re.findall(r"^## (.*)", card, re.M)
    assert titles == [title for title in SECTIONS if title in titles]
    assert {"Terms", "Metrics", "Limits"} <= set(titles)
    assert "Data" in titles or path.stem.endswith("-int8")
    assert {"Input", "Output"} <= set(re.findall(r"^- \*\*(\w+)", card, re.M))


def test_every_page_is_in_the_table_of_contents():
    index = (ROOT / "docs/index.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^([\w/-]+)$", index, re.M))
    folders = [ROOT / "docs", ROOT / "docs" / "notebooks"]
    pages = {
        path.relative_to(ROOT / "docs").with_suffix("").as_posix()
        for folder in folders
        for path in folder.iterdir()
        if path.suffix in (".md", ".rst", ".ipynb")
    }
    assert pages - {"index"} <= listed


def test_notebooks_hold_no_outputs():
    for path in ROOT.glob("docs/notebooks/*.ipynb"):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        assert not [cell for cell in cells if cell.get("outputs")]
