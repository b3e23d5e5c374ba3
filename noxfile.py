"""Tests, checks and benchmarks, each in an environment of its own.

``nox`` runs the first two sessions, ``nox -s NAME`` another one, ``nox -l`` lists them.
What follows ``--`` is handed over; ``--no-venv`` takes the current environment.
"""

import os

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
def docs(session: nox.Session) -> None:
    """Build the documentation."""
    if session.virtualenv.is_sandboxed:
        session.install("-U", "pip")
        package = ["-e", ".[distill]", "--group", "docs"]
        session.install("-c", "constraints.txt", *package)
    session.run("sphinx-build", "-W", "docs", "build/docs", *session.posargs)
