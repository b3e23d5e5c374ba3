"""The page where others find it: behind nginx, as a Space, in a container."""

import contextlib
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest
import soundfile
import yaml
from commands import COMMAND
from commands import invoke
from pages import SPEECH
from pages import free_port
from pages import started
from pages import watched
from waiting import wait_until

httpx = pytest.importorskip("httpx")
client = pytest.importorskip("gradio_client")

DEPLOY = SPEECH.parent / "deploy"

ANGRY = SPEECH / "emodb-03a05Wa-anger.flac"

LOGIN = {"username": "anna", "password": "correct horse"}

NGINX = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")


@contextlib.contextmanager
def proxied(folder: pathlib.Path, port: int):
    """Address of nginx, with the settings of the example."""
    front = free_port()
    settings = (DEPLOY / "nginx.conf").read_text()
    settings = settings.replace("//demo:7860/", f"//127.0.0.1:{port}/")
    settings = settings.replace("listen 8080", f"listen 127.0.0.1:{front}")
    settings = settings.replace(" /tmp/", f" {folder}/")
    file = folder / "nginx.conf"
    file.write_text(settings)
    options = ["-g", "daemon off;", "-e", folder / "errors", "-p", folder, "-c", file]
    process = subprocess.Popen([NGINX, *options])
    address = f"http://127.0.0.1:{front}/speech/"

    def answers() -> bool:
        with contextlib.suppress(httpx.TransportError):
            return bool(httpx.get(address, timeout=120))
        return False

    try:
        wait_until(answers, "nginx answers", pause=0.1)
        yield address
    finally:
        process.terminate()
        process.wait()


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """Address of a page behind nginx, with a login and lower limits."""
    if NGINX is None:
        pytest.skip("needs nginx")
    folder = tmp_path_factory.mktemp("hosting")
    (folder / "password").write_text(f"{LOGIN['password']}\n")
    port = free_port()
    command = [COMMAND, "demo", "--port", str(port), "--root-path", "/speech"]
    command += ["--auth", f"anna:{folder / 'password'}", "--max-dur", "10"]
    command += ["--max-size", "1", "--allowed-host", "speech.example"]
    command += ["--allow-embedding-from", "https://lab.example"]
    # Nothing is asked of others, so that proxies don't matter
    closed = dict.fromkeys(["http_proxy", "https_proxy"], "http://127.0.0.1:9")
    env = os.environ | closed | {"ALL_PROXY": "socks5://127.0.0.1:9"}
    with started(folder, port, *command, env=env), proxied(folder, port) as address:
        yield address


@pytest.fixture(scope="module")
def ask(address):
    with httpx.Client(auth=(*LOGIN.values(),), timeout=120) as ask:
        yield ask


def test_a_login_is_needed_behind_nginx(address, ask):
    for path in ("", "live/facts.json", "browser/", "gradio_api/info"):
        assert httpx.get(address + path, timeout=120).status_code == 401
        assert ask.get(address + path).is_success
    answer = ask.get(address, headers={"host": "speech.example"})
    assert '"root":"http://speech.example/speech"' in answer.text
    assert ask.get(address, headers={"host": "evil.example"}).status_code == 421
    policy = answer.headers["content-security-policy"]
    assert policy.endswith(" https://lab.example")


def test_programs_reach_the_page_behind_nginx(address, ask, tmp_path):
    login = httpx.BasicAuth(*LOGIN.values()).auth_flow(httpx.Request("GET", address))
    headers = {"authorization": next(login).headers["authorization"]}
    asked = client.Client(address, verbose=False, headers=headers)
    example = f"{address}example.flac"
    assert example in ask.get(address).text
    for clip in (example, ANGRY):
        answer = asked.predict(client.handle_file(clip), api_name="/compare")
        assert 0.3 < answer["student"]["arousal"] < 1.3
    speech, rate = soundfile.read(ANGRY)
    long, large = tmp_path / "long.flac", tmp_path / "large.wav"
    soundfile.write(long, [*speech, *speech, *speech], rate)
    with pytest.raises(client.exceptions.AppError, match="takes 10 s at most"):
        asked.predict(client.handle_file(long), api_name="/predict")
    large.write_bytes(bytes(2**20 + 1))
    upload = ask.post(f"{address}gradio_api/upload", files={"files": large.open("rb")})
    assert upload.status_code == 413


def test_people_reach_the_page_behind_nginx(browser, address):
    site = address.removesuffix("speech/")
    with watched(browser, address, "Record", "data:", site, login=LOGIN) as (page, _):
        page.locator("#speech input[type=file]").set_input_files(ANGRY)
        headline = page.locator("#results .adv-sentence")
        headline.wait_for()
        assert "arousal" in headline.inner_text()
        page.get_by_role("tab", name="Live").click()
        page.get_by_role("button", name="Start", exact=True).click()
        arousal = page.locator("[data-value=student-arousal]")
        page.wait_for_function(
            "/^[0-9.]+$/.test(document.querySelector('[data-value=student-arousal]')"
            ".innerText)"
        )
        assert float(arousal.inner_text()) > 0


def test_the_server_stops_while_models_run(address, ask):
    """Its exit code and log are read at the end."""
    clip = {"path": f"{address}example.flac", "meta": {"_type": "gradio.FileData"}}
    data = [clip, "whisper-tiny-adv", "wav2small", 10, 0.1]
    url = f"{address}gradio_api/call/compare"
    assert all(ask.post(url, json={"data": data}).is_success for _ in range(3))


def contents(folder: pathlib.Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_a_folder_is_a_space(tmp_path):
    folder = tmp_path / "space"
    arguments = ["demo", "--space", folder, "--max-dur", "30"]
    assert invoke(*arguments).exit_code == 0
    head, _, _ = (folder / "README.md").read_text().removeprefix("---").partition("---")
    settings = yaml.safe_load(head)
    assert settings["sdk"] == "gradio"
    required = (folder / "requirements.txt").read_text().split()
    assert f"gradio=={settings['sdk_version']}" in required
    assert not any(line.startswith("torch") for line in required)
    # An installed package has the same layout, and writes the same
    again = tmp_path / "again"
    arguments[2] = again
    command = [sys.executable, "-m", "audw2s", *arguments]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=folder)
    assert contents(again) == contents(folder)
    port = free_port()
    env = os.environ | {"GRADIO_SERVER_PORT": str(port), "SPACE_HOST": "me-a.hf.space"}
    app = folder / settings["app_file"]
    with started(tmp_path, port, sys.executable, app, cwd=folder, env=env) as address:
        headers = {"host": "me-a.hf.space", "x-forwarded-proto": "https,http"}
        page = httpx.get(address, headers=headers, timeout=120)
        assert '"root":"https://me-a.hf.space"' in page.text
        assert "each 30 s, 200 MB at most" in page.text
        policy = page.headers["content-security-policy"]
        assert policy.endswith(" https://huggingface.co")


def test_a_space_has_models_of_the_package_only(tmp_path):
    folder = tmp_path / "space"
    for name in (str(tmp_path), "dawn", "mean(wav2small, dawn)"):
        done = invoke("demo", "--space", folder, "--teacher", name)
        assert done.exit_code == 2
        assert "isn't one of them" in " ".join(done.stderr.split())
        assert not folder.exists()


@pytest.mark.parametrize("kind", ["--space", "--static"])
def test_a_login_that_nobody_would_ask_for_is_refused(tmp_path, kind):
    done = invoke("demo", kind, tmp_path / "page", "--auth", "anna:password")
    assert done.exit_code == 2
    assert "'--auth' needs the server" in " ".join(done.stderr.split())
    assert not (tmp_path / "page").exists()


def test_files_for_containers_agree_with_the_command():
    docker = (DEPLOY / "Dockerfile").read_text()
    health, entry = (
        yaml.safe_load(line)
        for line in re.findall(r"^(?:HEALTHCHECK.*CMD|ENTRYPOINT) (.*)$", docker, re.M)
    )
    compile(health[2], "health check", "exec")
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    options = invoke("demo", "--help").stdout
    for word in entry[1:] + services["demo"]["command"]:
        assert not word.startswith("--") or word in options
    for service in services.values():
        assert service["read_only"]
        assert service["cap_drop"] == ["ALL"]
    nginx = (DEPLOY / "nginx.conf").read_text()
    assert f"location {services['demo']['command'][1]}/ " in nginx
    assert f"proxy_pass http://demo:{entry[-1]}/;" in nginx
