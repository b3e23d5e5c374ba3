"""Configuration of Sphinx: ``sphinx-build -W docs build/docs``."""

import os
import pathlib
import re
import sys

import audw2s

ROOT = pathlib.Path(__file__).parents[1]
ASSETS = ROOT / "audw2s" / "assets"

sys.path.insert(0, str(ROOT / "docs"))

project = "audw2s"
author = "audw2s developers"
copyright = "2026, audw2s developers"
version = release = audw2s.__version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinxcontrib.mermaid",
]
# Inventories of other packages are on the web; without it, their names aren't linked
if os.environ.get("AUDW2S_DOCS_ONLINE"):
    extensions.append("sphinx.ext.intersphinx")
intersphinx_mapping = {
    "python": ("https://docs.python.org/3", None),
    "audformat": ("https://audeering.github.io/audformat", None),
    "audinterface": ("https://audeering.github.io/audinterface", None),
    "audonnx": ("https://audeering.github.io/audonnx", None),
    "numpy": ("https://numpy.org/doc/stable", None),
    "pandas": ("https://pandas.pydata.org/docs", None),
}
myst_enable_extensions = ["attrs_block", "colon_fence"]
myst_fence_as_directive = ["mermaid"]
myst_heading_anchors = 3
nb_execution_mode = "cache"
nb_execution_timeout = 600
nb_execution_raise_on_error = True
nb_execution_excludepatterns = ["notebooks/gpu*"]
nb_merge_streams = True
nb_output_stderr = "remove"
nb_render_markdown_format = "myst"
autodoc_member_order = "bysource"
autodoc_typehints = "description"
napoleon_use_ivar = True
html_theme = "furo"
html_title = f"audw2s {version}"


def deviations() -> str:
    """List what the code marks as a deviation from a paper, with the reason."""
    mark = re.compile(r"# Deviation: (.*\n(?:\s*# .*\n)*)")
    lines = []
    for path in sorted(ROOT.glob("distill/**/*.py")):
        for reason in mark.findall(path.read_text(encoding="utf-8")):
            text = " ".join(line.strip(" #") for line in reason.splitlines())
            lines.append(f"- `{path.relative_to(ROOT)}`: {text}.")
    return "\n".join(lines)


def link_pages(app: object, name: str, source: list[str]) -> None:
    """Read model cards, and link to pages instead of files of the repository."""
    if name.startswith("cards/"):
        card = ASSETS / name.removeprefix("cards/") / "card.md"
        source[0] = re.sub(
            r"\]\(\.\./([\w-]+)/card\.md\)",
            r"](\1.md)",
            card.read_text(encoding="utf-8"),
        )
    source[0] = re.sub(
        r"\]\(\.\./audw2s/assets/([\w-]+)/card\.md\)", r"](cards/\1.md)", source[0]
    ).replace("](../CHANGELOG.md)", "](changelog.md)")
    source[0] = source[0].replace("<!-- deviations -->", deviations())
    if name == "options":
        import options

        source[0] = source[0].replace("<!-- options -->", options.sections())
        source[0] = source[0].replace("<!-- settings -->", options.settings())


def setup(app: object) -> None:
    """Connect the function above; Sphinx calls it."""
    app.connect("source-read", link_pages)
