"""Who may ask the server for what, and what it keeps."""

import base64
import concurrent.futures
import contextlib
import os
import re
import socket
import threading
import time
import urllib.parse

import anyio
import pytest
from pages import SPEECH

httpx = pytest.importorskip("httpx")
pytest.importorskip("gradio")

from starlette.applications import Starlette  # noqa: E402
from starlette.responses import PlainTextResponse  # noqa: E402
from starlette.routing import Route  # noqa: E402
from starlette.testclient import TestClient  # noqa: E402
from uvicorn import Config  # noqa: E402
from uvicorn import Server  # noqa: E402

from audw2s.demo import calls  # noqa: E402
from audw2s.demo import server  # noqa: E402
from audw2s.demo import uploads  # noqa: E402
from audw2s.demo.guard import MAX_READ  # noqa: E402
from audw2s.demo.guard import Guard  # noqa: E402
from audw2s.demo.guard import refused  # noqa: E402
from audw2s.demo.job import Job  # noqa: E402
from audw2s.demo.models import Models  # noqa: E402
from audw2s.demo.server import MAX_SESSIONS  # noqa: E402
from audw2s.demo.server import application  # noqa: E402
from audw2s.demo.server import bound  # noqa: E402
from audw2s.demo.settings import Settings  # noqa: E402
from audw2s.demo.words import RefusedError  # noqa: E402

ANGRY = SPEECH / "emodb-03a05Wa-anger.flac"

ask = httpx.Client(timeout=120)

HEADERS = ("content-security-policy", "referrer-policy", "x-content-type-options")


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:80", "[", ""])
def test_names_that_are_not_listed_are_refused(address, host):
    """A foreign name may resolve to this server (DNS rebinding)."""
    for path in ("", "config", "browser/"):
        answer = ask.get(address + path, headers={"host": host})
        assert answer.status_code == 421
        assert "--allowed-host" in answer.json()["detail"]
        assert set(HEADERS) <= set(answer.headers)


def test_addresses_and_listed_names_are_served(address):
    for host in ("localhost", "192.168.1.5:80", "[::1]:7860"):
        assert ask.get(f"{address}config", headers={"host": host}).is_success
    settings = Settings(allowed_host=["Speech.example"])
    guarded = TestClient(Guard(PlainTextResponse("page"), settings))
    assert guarded.get("http://speech.example/").text == "page"
    assert guarded.get("http://other.example/").status_code == 421


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://[", "a b"])
def test_pages_of_other_origins_are_refused(address, origin):
    headers = {"origin": origin}
    for answer in (
        ask.get(f"{address}config", headers=headers),
        ask.options(f"{address}gradio_api/upload", headers=headers),
        ask.post(
            f"{address}gradio_api/upload",
            headers=headers,
            files={"files": ANGRY.read_bytes()},
        ),
    ):
        assert answer.status_code == 403
        assert "access-control-allow-origin" not in answer.headers
        assert set(HEADERS) <= set(answer.headers)
    headers = {"origin": address.rstrip("/")}
    assert ask.get(f"{address}config", headers=headers).is_success


@pytest.mark.parametrize(
    "route",
    [
        "gradio_api/run/predict",
        "gradio_api/api/predict",
        "gradio_api/process_recording",
        "gradio_api/component_server",
        "gradio_api/vibe-code",
        "gradio_api/call/show",
        "gradio_api/call/v2/predict",
        "gradio_api/proxy=http://127.0.0.1/",
        "gradio_api/runs",
        "gradio_api/openapi.json",
        "gradio_api/deep_link",
        "monitoring",
        "openapi.json",
        "docs",
    ],
)
def test_routes_that_the_page_does_not_need_are_not_served(address, route):
    assert ask.post(address + route, json={"data": []}).status_code in (404, 405)
    assert ask.get(address + route).status_code in (404, 405)


def test_browsers_ask_for_changes_but_of_what_never_changes(address):
    page = ask.get(address)
    asset = re.search(r"assets/[\w.-]+\.js", page.text)[0]
    assert "immutable" in ask.get(address + asset).headers["cache-control"]
    for path in ("", "live/live.js", "live/facts.json", "browser/page.js"):
        answer = ask.get(address + path)
        assert answer.headers["cache-control"] == "no-cache"
        assert answer.is_success
    assert ask.get(f"{address}assets/none.js").headers["cache-control"] == "no-cache"


def test_a_login_is_asked_for(tmp_path):
    path = tmp_path / "password"
    path.write_text("pass word ü\n", encoding="utf-8")
    app = Guard(PlainTextResponse("page"), Settings(auth=f"anna:{path}"))
    client = TestClient(app, base_url="http://localhost")
    assert client.get("/").status_code == 401
    assert client.get("/").headers["www-authenticate"].startswith("Basic")
    for login, status in (("anna:pass word ü", 200), ("anna:wrong", 401)):
        code = base64.b64encode(login.encode()).decode()
        answer = client.get("/", headers={"authorization": f"Basic {code}"})
        assert answer.status_code == status


def test_pages_of_listed_origins_may_embed_the_page():
    settings = Settings(allow_embedding_from=["https://lab.example"])
    app = Guard(PlainTextResponse("page"), settings)
    answer = TestClient(app, base_url="http://localhost").get("/")
    policy = answer.headers["content-security-policy"]
    assert policy.endswith("frame-ancestors 'self' https://lab.example")


def test_links_are_previewed_with_our_name(address):
    page = ask.get(address).text
    assert page.count('property="og:title"') == 1
    assert "audw2s: arousal, dominance and valence" in page
    for theirs in ("twitter:", "Click to try", "test_files", "github.com/gradio-app"):
        assert theirs not in page


def test_the_example_under_use_via_api_works(address):
    client = pytest.importorskip("gradio_client")
    info = ask.get(f"{address}gradio_api/info").json()
    for endpoint in info["named_endpoints"].values():
        example = endpoint["parameters"][0]["example_input"]
        assert example["path"] == f"{address}example.flac"
    asked = client.Client(address, verbose=False)
    clip = client.handle_file(f"{address}example.flac")
    answer = asked.predict(clip, "wav2small", api_name="/predict")
    assert answer["duration"] == pytest.approx(3.168, abs=0.001)


def test_cut_uploads_leave_no_traceback(address):
    """The log of the server is read at the end."""
    parts = urllib.parse.urlsplit(address)
    with socket.create_connection((parts.hostname, parts.port)) as connection:
        body = (
            b"--x\r\n"
            b'content-disposition: form-data; name="files"; filename="a.wav"\r\n\r\n'
        )
        head = (
            f"POST /gradio_api/upload HTTP/1.1\r\nhost: {parts.netloc}\r\n"
            "content-type: multipart/form-data; boundary=x\r\ncontent-length: 9999\r\n"
        )
        connection.sendall(f"{head}\r\n".encode() + body + b"abc")
        time.sleep(0.2)
    assert ask.get(f"{address}config").is_success


def test_uploads_say_how_large_they_are(address):
    answer = ask.post(f"{address}gradio_api/upload", content=iter([b"a", b"b"]))
    assert answer.status_code == 411


@pytest.mark.parametrize("num_parts, status", [(1000, 411), (3, None)])
def test_refused_requests_are_read_in_part(num_parts, status):
    """A million bytes a part, then the client is gone."""
    part = {"type": "http.request", "body": bytes(1_000_000), "more_body": True}
    waiting = [{"type": "http.disconnect"}, *[part] * num_parts]
    sent = []

    async def receive():
        return waiting.pop()

    async def send(message):
        sent.append(message)

    headers = [(b"host", b"localhost"), (b"transfer-encoding", b"chunked")]
    scope = {"type": "http", "method": "POST", "path": "/", "headers": headers}
    guard = Guard(PlainTextResponse("page"), Settings())
    # A browser's loop may run in this thread
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        pool.submit(anyio.run, guard, scope, receive, send).result()
    assert [one["status"] for one in sent if "status" in one] == [status] * bool(status)
    assert not status or len(waiting) > num_parts - MAX_READ / 1e6


def test_old_uploads_and_folders_of_killed_servers_are_deleted(tmp_path):
    mine, killed, other = (
        tmp_path / name for name in ("audw2s-demo-1", "audw2s-demo-2", "other")
    )
    for folder in (mine / "examples", mine / "old", mine / "new", killed, other):
        folder.mkdir(parents=True)
        (folder / "a.wav").write_bytes(b"a")
    (mine / "tmpcut").write_bytes(b"cut upload")
    before = time.time() - uploads.MAX_AGE - 1
    for path in (mine / "examples", mine / "old", mine / "tmpcut", killed, other):
        os.utime(path, (before, before))
    uploads.delete_old(str(mine))
    uploads.delete_old(str(tmp_path), uploads.PREFIX)
    assert sorted(path.name for path in mine.iterdir()) == ["examples", "new"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [mine.name, "other"]


def test_uploads_have_a_limit_in_all(monkeypatch, tmp_path):
    (tmp_path / "a.wav").write_bytes(bytes(90))
    monkeypatch.setattr(uploads, "MAX_TOTAL", 100)
    upload = uploads.limited(PlainTextResponse("uploaded"), str(tmp_path))
    routes = [Route("/", upload, methods=["POST"])]
    app = Starlette(False, routes, exception_handlers={RefusedError: refused})
    client = TestClient(app)
    assert client.post("/", content=bytes(10)).text == "uploaded"
    answer = client.post("/", content=bytes(11))
    assert answer.status_code == 507
    assert "deleted after 10 minutes" in answer.json()["detail"]


def test_what_the_server_relies_on_in_gradio_is_there():
    """It has no settings for these."""
    from gradio import component_meta
    from gradio import processing_utils

    stubs = component_meta.create_or_modify_pyi.__code__.co_names
    assert {"inspect", "getfile", "OSError"} <= set(stubs)
    allowed = processing_utils._check_allowed.__code__.co_names
    assert "has_launched" in allowed


@contextlib.contextmanager
def running(app):
    """Address of an application that is served by a thread."""
    with bound("127.0.0.1", [0]) as listening:
        server = Server(Config(app, log_level="error", timeout_graceful_shutdown=0))
        thread = threading.Thread(target=server.run, args=[[listening]])
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture(scope="module")
def models():
    return Models()


@pytest.fixture(scope="module")
def served(models, tmp_path_factory):
    """Address of a page, and its example as an upload."""
    folder = tmp_path_factory.mktemp("uploads")
    with running(Guard(application(models, str(folder)), Settings())) as address:
        yield address


def test_an_example_that_is_too_long_leaves_no_traceback(monkeypatch):
    refusals = []

    def drawings(*inputs):
        try:
            return draw(*inputs)
        except RefusedError as error:
            refusals.append(error)
            raise

    draw = server.drawings
    monkeypatch.setattr(server, "drawings", drawings)
    monkeypatch.setattr(server, "WARM_DELAY", 0)
    server.warm(Models(Settings(max_dur=1)))
    assert len(refusals) == 1


def called(address, **headers):
    clip = {"path": f"{address}example.flac", "meta": {"_type": "gradio.FileData"}}
    url = f"{address}gradio_api/call/predict"
    return ask.post(url, json={"data": [clip, "wav2small"]}, headers=headers)


def answered(address, call) -> str:
    event = call.json()["event_id"]
    return ask.get(f"{address}gradio_api/call/predict/{event}").text


def test_calls_that_nobody_waits_for_are_cancelled(served, models, monkeypatch):
    monkeypatch.setattr(calls, "GRACE_DUR", 0.3)
    with Job(models).held("wav2small"):
        abandoned = [called(served) for _ in range(6)]
        time.sleep(0.4)
    assert "event: complete" in answered(served, called(served))
    for call in abandoned:
        assert "Nobody waited" in answered(served, call)


def test_a_client_has_a_share_of_the_places(served, models, monkeypatch):
    monkeypatch.setattr(calls, "MAX_CALLS", 4)
    monkeypatch.setattr(calls, "GRACE_DUR", 60)
    with Job(models).held("wav2small"):
        first, second, refused = (called(served) for _ in range(3))
        assert refused.status_code == 429
        assert "2 requests wait. Please try again in " in refused.json()["detail"]
        assert int(refused.headers["retry-after"]) >= 1
        # Proxies on this machine name their client
        other = called(served, **{"x-forwarded-for": "192.0.2.1"})
        assert other.is_success
    for call in (first, second, other):
        assert "event: complete" in answered(served, call)
    assert called(served).is_success


def test_few_sessions_are_remembered(models, tmp_path):
    """Each call of a program has one, with a copy of the page's layout."""
    app = application(models, str(tmp_path))
    (page,) = (route.app for route in app.routes if route.path == "/config")
    (mounted,) = (r.app for r in page.routes if hasattr(r.app, "state_holder"))
    holder = mounted.state_holder
    sessions = [holder[str(number)] for number in range(MAX_SESSIONS + 5)]
    assert list(holder.session_data.values()) == sessions[5:]
