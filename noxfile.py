"""Tests, checks and benchmarks, each in an environment of its own.

``nox`` runs the first two sessions, ``nox -s NAME`` another one, ``nox -l`` lists them.
What follows ``--`` is handed over; for ``sets``, it is what is tested instead of all.
``--no-venv`` takes the current environment.
What came of them is written to ``docs/sets.csv``, a table of the documentation.
"""

import csv
import json
import os
import pathlib
import shutil
import tempfile
import xml.etree.ElementTree

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

OTHERS = ["demo", "distill", "export/test_c.py", "test_package.py"]
"""Tests of extras, and those that take long: compilers, environments of their own."""

STORE = ["audw2s/corpus/lease.py", "audw2s/corpus/storage.py"]
"""Their examples need a store."""

CORE = ["audw2s", "tests", *(f"--ignore=tests/{path}" for path in OTHERS)]
CORE += [f"--ignore={path}" for path in STORE]

SETS = {
    "none": CORE,
    "demo": ["demo", "tests/demo", "tests/audio/test_entry_points.py"],
    "distill": ["distill", "tests/distill", "tests/test_examples.py"],
    "live": ["tests/test_cli.py", "tests/test_curve.py", "tests/test_stream.py"],
    "ray": ["tests/corpus/test_cluster.py", "tests/audio/test_entry_points.py"],
    "s3": [*STORE, "tests/corpus/test_storage.py", "tests/corpus/test_resume.py"],
}
"""Extras, and what is tested with each of them."""

RESULTS = pathlib.Path("docs/sets.csv")

LICENCES = """# Licences of dependencies

What `pip install audw2s` installs, without extras; written by `nox -s release`.
"""
"""Head of the page of licences."""

VULNERABILITIES = "## Known vulnerabilities\n"


def install(session: nox.Session) -> None:
    """Install the package with all that its tests need."""
    if session.virtualenv.is_sandboxed:
        session.install("-U", "pip")
        package = ["-e", f".[{EXTRAS}]", "--group", "dev"]
        session.install("-c", "constraints.txt", *package)


def record(
    session: nox.Session, result: str = "all", skipped: str = "", tests: str = ""
) -> None:
    """Write what came of a session to the table, instead of what was there."""
    rows = {}
    if RESULTS.exists():
        with RESULTS.open(encoding="utf-8", newline="") as file:
            rows = {row["session"]: row for row in csv.DictReader(file)}
    date = ["git", "log", "-1", "--format=%cs"]
    committed = session.run(*date, silent=True, external=True).strip()
    python = session.run("python", "-V", silent=True).split()[-1]
    rows[session.name] = {
        "session": session.name,
        "Python": python,
        "commit": committed,
        "tests": tests,
        "passed": result,
        "skipped": skipped,
    }
    with RESULTS.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[session.name], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows[name] for name in sorted(rows))


def test(session: nox.Session, *arguments: str, **env: str) -> None:
    """Run tests, and write to the table how many passed."""
    path = os.path.join(session.create_tmp(), "tests.xml")
    command = ["pytest", f"--junitxml={path}", *arguments]
    # Ray takes no folder that lies in an environment, as that of nox does
    env = {"TMPDIR": tempfile.gettempdir(), **env}
    session.run(*command, env=env, success_codes=[0, 1])
    (suite,) = xml.etree.ElementTree.parse(path).getroot()
    tests, skipped = int(suite.get("tests")), int(suite.get("skipped"))
    failed = int(suite.get("failures")) + int(suite.get("errors"))
    passed = str(tests - skipped - failed)
    result = f"{passed}, {failed} failed" if failed else passed
    tested = [name for name in arguments if not name.startswith("-")]
    record(session, result, str(skipped), " ".join(tested))
    if failed:
        session.error(f"{failed} tests failed")


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and format."""
    if session.virtualenv.is_sandboxed:
        session.install("-c", "constraints.txt", "ruff")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    record(session)


@nox.session
def types(session: nox.Session) -> None:
    """Check types of the installed package, where the mapped folders are in place."""
    settings = os.path.abspath("pyproject.toml")
    if session.virtualenv.is_sandboxed:
        package = [f".[{EXTRAS},live]", "--group", "dev"]
        session.install("-c", "constraints.txt", *package)
    with session.chdir(session.create_tmp()):
        session.run("mypy", "--config-file", settings, "-p", "audw2s")
    record(session)


@nox.session
def tests(session: nox.Session) -> None:
    """Run the test suite."""
    install(session)
    test(session, "--numprocesses=2", "--dist=loadfile", *session.posargs)


@nox.session(python=["3.11", "3.12", "3.13"])
@nox.parametrize("extra", list(SETS), ids=list(SETS))
@nox.parametrize("versions", ["lowest", "highest"], ids=["lowest", "newest"])
def sets(session: nox.Session, versions: str, extra: str) -> None:
    """Test an extra, or none, with the lowest or newest versions of what it needs."""
    folder = session.create_tmp()
    torch, pins = os.path.join(folder, "torch.txt"), os.path.join(folder, "pins.txt")
    # Each version of torch has to be downloaded with gigabytes of CUDA
    pathlib.Path(torch).write_text("torch==2.13.0\n", "utf-8")
    extras = [] if extra == "none" else [extra]
    session.install("-U", "pip", "uv")
    compiled = ["uv", "pip", "compile", "pyproject.toml", "--only-binary", ":all:"]
    chosen = [f"--extra={name}" for name in extras]
    if versions == "lowest":
        chosen += ["--resolution=lowest-direct"]
    session.run(*compiled, *chosen, "-c", torch, "-o", pins, silent=True)
    package = f".[{extra}]" if extras else "."
    if extra == "distill":
        # pip also finds builds without CUDA, where they are on this machine
        session.install("-r", torch)
    packages = ["-e", package, "--group", "test"]
    session.run_install("uv", "pip", "install", "-c", pins, *packages)
    test(session, *(session.posargs or SETS[extra]))


@nox.session
def full(session: nox.Session) -> None:
    """Run the test suite with all of what it samples; one process writes its tables."""
    install(session)
    test(session, *session.posargs, **FULL)


@nox.session
def benchmarks(session: nox.Session) -> None:
    """Measure reading and speed, or the benchmarks that are named."""
    install(session)
    for name in session.posargs or ["reading", "process_index", "speed"]:
        session.run("python", f"tests/benchmark/{name}.py")
    record(session)


@nox.session
def mutants(session: nox.Session) -> None:
    """Put faults into the code, one by one, each of which tests have to find."""
    install(session)
    session.run("python", "tests/mutants.py", *session.posargs)


@nox.session
def release(session: nox.Session) -> None:
    """Build the wheel twice, and list parts, licences and vulnerabilities."""
    session.install("-U", "pip", "build", "cyclonedx-bom", "pip-audit", "pip-licenses")
    folder, dist = pathlib.Path(session.create_tmp()), pathlib.Path("dist")
    wheels = [built(session, folder / name) for name in ("first", "second")]
    if wheels[0].read_bytes() != wheels[1].read_bytes():
        session.error(f"{wheels} differ, though made from the same commit")
    dist.mkdir(exist_ok=True)
    shutil.copy(wheels[0], dist)
    session.run("python", "-m", "venv", "--clear", str(folder / "clean"))
    python = str(next(folder.glob("clean/[bS]*/python*")))
    pip = [python, "-m", "pip", "install", "-c", "constraints.txt", str(wheels[0])]
    session.run(*pip, external=True)
    sbom = ["environment", python, "--output-reproducible", "-o", "dist/sbom.json"]
    session.run("cyclonedx-py", *sbom)
    licences = ["pip-licenses", "--python", python, "--format", "markdown"]
    table = session.run(*licences, "--with-urls", "--ignore", "audw2s", silent=True)
    page = f"{LICENCES}\n{table}\n{VULNERABILITIES}\n{audited(session, folder)}\n"
    pathlib.Path("docs/licences.md").write_text(page, "utf-8")
    record(session)


def built(session: nox.Session, folder: pathlib.Path) -> pathlib.Path:
    """Build the wheel of the commit, without what else is in the checkout."""
    shutil.rmtree(folder, ignore_errors=True)
    source, out = str(folder / "source"), str(folder / "dist")
    session.run("git", "clone", "--quiet", ".", source, external=True)
    time = session.run("git", "log", "-1", "--format=%ct", silent=True, external=True)
    command = ["python", "-m", "build", "--wheel", "--outdir", out, source]
    session.run(*command, env={"SOURCE_DATE_EPOCH": time.strip()})
    return next(folder.glob("dist/*.whl"))


def audited(session: nox.Session, folder: pathlib.Path) -> str:
    """Sentence on the known vulnerabilities of what is installed in ``clean``."""
    found = folder / "audit.json"
    found.unlink(missing_ok=True)
    paths = [f"--path={path}" for path in folder.glob("clean/**/site-packages")]
    options = ["--format", "json", "--progress-spinner", "off", "-o", str(found)]
    # 1: it has found some, or had no data
    session.run("pip-audit", *options, *paths, success_codes=[0, 1])
    packages = []
    if found.exists():
        packages = json.loads(found.read_text("utf-8"))["dependencies"]
    known = [package for package in packages if "skip_reason" not in package]
    if not known:
        return "`pip-audit` had no data: whether there are any is unknown."
    faults = [f"{p['name']}: {v['id']}" for p in known for v in p["vulns"]]
    return (
        f"`pip-audit` had data on {len(known)} of {len(packages)} packages. "
        f"Vulnerabilities that it found: {', '.join(faults) or 'none'}."
    )


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation."""
    if session.virtualenv.is_sandboxed:
        session.install("-U", "pip")
        package = ["-e", ".[distill]", "--group", "docs"]
        session.install("-c", "constraints.txt", *package)
    session.run("sphinx-build", "-W", "docs", "build/docs", *session.posargs)
    record(session)
