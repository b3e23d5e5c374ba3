"""Tests, checks and benchmarks, each in an environment of its own.

``nox`` runs the first two sessions, ``nox -s NAME`` another one, ``nox -l`` lists them.
What follows ``--`` is handed over; ``--no-venv`` takes the current environment.
"""

import os
import pathlib

import nox

nox.options.sessions = ["lint", "tests"]
nox.options.default_venv_backend = "venv"

EXTRAS = "demo,distill,ray,s3"

FULL = {
    "AUDW2S_FULL": "1",
    "AUDW2S_MUTATIONS": "2000",
    "AUDW2S_TABLES": "tests/benchmark/formats.md",
}
"""All that the suite samples, 2,000 damaged recordings of each format, and tables."""


LICENCES = """# Licences of dependencies

What `pip install audw2s` installs, without extras; written by `nox -s release`.
"""
"""Head of the page of licences."""


def install(session: nox.Session) -> None:
    """Install the package with all that its tests need."""
    if session.virtualenv.is_sandboxed:
        session.install("-U", "pip")
        package = ["-e", f".[{EXTRAS}]", "--group", "dev"]
        session.install("-c", "constraints.txt", *package)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and format."""
    if session.virtualenv.is_sandboxed:
        session.install("-c", "constraints.txt", "ruff")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Check types of the installed package, where the mapped folders are in place."""
    settings = os.path.abspath("pyproject.toml")
    if session.virtualenv.is_sandboxed:
        package = [f".[{EXTRAS},live]", "--group", "dev"]
        session.install("-c", "constraints.txt", *package)
    with session.chdir(session.create_tmp()):
        session.run("mypy", "--config-file", settings, "-p", "audw2s")


@nox.session
def tests(session: nox.Session) -> None:
    """Run the test suite."""
    install(session)
    session.run("pytest", "-n", "2", "--dist", "loadfile", *session.posargs)


@nox.session
def full(session: nox.Session) -> None:
    """Run the test suite with all of what it samples; one process writes its tables."""
    install(session)
    session.run("pytest", *session.posargs, env=FULL)


@nox.session
def benchmarks(session: nox.Session) -> None:
    """Measure reading and speed, or the benchmarks that are named."""
    install(session)
    for name in session.posargs or ["reading", "process_index", "speed"]:
        session.run("python", f"tests/benchmark/{name}.py")


@nox.session
def mutants(session: nox.Session) -> None:
    """Put faults into the code, one by one, each of which tests have to find."""
    install(session)
    session.run("python", "tests/mutants.py", *session.posargs)


@nox.session
def release(session: nox.Session) -> None:
    """Build the wheel twice, and list licences, parts and vulnerabilities."""
    session.install("build", "cyclonedx-bom", "pip-audit", "pip-licenses")
    commit = session.run("git", "log", "-1", "--format=%ct", silent=True, external=True)
    env = {"SOURCE_DATE_EPOCH": commit.strip()}
    folder = pathlib.Path(session.create_tmp())
    for name in ("first", "second"):
        out = str(folder / name)
        session.run("python", "-m", "build", "--wheel", "--outdir", out, env=env)
    wheel, other = sorted(folder.glob("*/*.whl"))
    if wheel.read_bytes() != other.read_bytes():
        session.error(f"{wheel} and {other} differ, though made from the same commit")
    session.run("python", "-m", "venv", "--clear", str(folder / "clean"))
    python = str(next(folder.glob("clean/[bS]*/python*")))
    pip = [python, "-m", "pip", "install", "-c", "constraints.txt", str(wheel)]
    session.run(*pip, external=True)
    session.run("cyclonedx-py", "environment", python, "-o", str(folder / "sbom.json"))
    licences = ["pip-licenses", "--python", python, "--format", "markdown"]
    page = session.run(*licences, "--with-urls", silent=True)
    pathlib.Path("docs/licences.md").write_text(f"{LICENCES}\n{page}", "utf-8")
    # 1: it has found some, or had no data
    audit = ["pip-audit", "--path", *map(str, folder.glob("clean/**/site-packages"))]
    session.run(*audit, success_codes=[0, 1])


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation."""
    if session.virtualenv.is_sandboxed:
        session.install("-U", "pip")
        package = ["-e", ".[distill]", "--group", "docs"]
        session.install("-c", "constraints.txt", *package)
    session.run("sphinx-build", "-W", "docs", "build/docs", *session.posargs)
