"""Programs that ask, also those that shouldn't."""

import concurrent.futures
import json
import os
import re
import shutil
import urllib.error
import urllib.request

import numpy as np
import pytest
from pages import SPEECH

import audw2s

client = pytest.importorskip("gradio_client")

NAMES = ["arousal", "dominance", "valence"]

ANGRY = str(SPEECH / "emodb-03a05Wa-anger.flac")


@pytest.fixture(scope="module")
def asked(address):
    return client.Client(address, verbose=False)


def post(address: str, route: str, body: object) -> tuple[int, bytes]:
    request = urllib.request.Request(
        f"{address}gradio_api/{route}",
        json.dumps(body).encode(),
        {"Content-Type": "application/json"},
    )
    return answer(request)


def answer(request) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(request, timeout=60) as found:
            return found.status, found.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def test_the_code_of_the_page_of_the_demo_runs(address, tmp_path, monkeypatch):
    page = (SPEECH.parents[1] / "docs" / "demo.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"^```python\n(.*?)^```", page, re.M | re.S)
    assert code.count("http://127.0.0.1:7860") == 1
    shutil.copy(ANGRY, tmp_path / "a.wav")
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(code.replace("http://127.0.0.1:7860", address), names)
    assert names["comparison"]["student"]["arousal"] > 0.7


def test_only_two_functions_are_public_and_they_say_what_they_give(asked):
    found = asked.view_api(return_format="dict")
    assert sorted(found["named_endpoints"]) == ["/compare", "/predict"]
    assert found["unnamed_endpoints"] == {}
    for name, endpoint in found["named_endpoints"].items():
        assert "60 s, 200 MB at most" in endpoint["description"]
        (result,) = endpoint["returns"]
        for key in ("arousal", "notes", "real_time_factor"):
            assert f"{key}:" in result["python_type"]["type"], name
        first = endpoint["parameters"][0]
        assert first["parameter_name"] == "audio"
        assert first["python_type"]["type"] == "filepath"
    wanted = [p["parameter_name"] for p in endpoint["parameters"]]
    assert wanted == ["audio", "model"]


@pytest.mark.parametrize("model", ["wav2small", "whisper-tiny-adv"])
def test_predict_gives_what_the_interface_gives(asked, model):
    found = asked.predict(client.handle_file(ANGRY), model, api_name="/predict")
    expected = audw2s.Feature(model).process_file(ANGRY)
    np.testing.assert_allclose(
        [found[name] for name in NAMES], expected.to_numpy()[0], atol=1e-4
    )
    assert found["sha256"] == audw2s.models().sha256[model]
    assert found["status"] == "ok"
    assert found["duration"] == pytest.approx(3.44, abs=0.01)
    assert 0 < found["latency"] < 30


def test_compare_gives_curves(asked):
    found = asked.predict(
        client.handle_file(ANGRY), win_dur=1, hop_dur=0.5, api_name="/compare"
    )
    assert found["sentence"].startswith("Teacher and student agree within .05 on")
    teacher, student = found["teacher"], found["student"]
    assert (teacher["model"], student["model"]) == ("whisper-tiny-adv", "wav2small")
    for name in NAMES:
        assert found["difference"][name] == student[name] - teacher[name]
    for role, model in (("teacher", teacher), ("student", student)):
        curve = audw2s.curve(ANGRY, model["model"], win_dur=1, rate=2)
        values = [[row[role][name] for name in NAMES] for row in found["windows"]]
        np.testing.assert_allclose(values, curve[NAMES].to_numpy(), atol=1e-3)
    assert [row["time"] for row in found["windows"]] == [k / 2 for k in range(7)]
    assert found["windows"][-1]["end"] == pytest.approx(3.44, abs=0.01)


@pytest.mark.parametrize(
    "win_dur, hop_dur, says",
    [
        (0, 1, "The window has to last 0.5 to 30 s."),
        (2, 0, "The hop has to last 0.05 to 30 s."),
        (2, None, "The hop has to be a number of seconds."),
        (30, 0.1, "Take a hop of 0.18 s or longer, or shorter windows."),
    ],
)
def test_invalid_windows_are_refused(asked, win_dur, hop_dur, says):
    with pytest.raises(client.exceptions.AppError, match=says):
        asked.predict(
            client.handle_file(ANGRY),
            win_dur=win_dur,
            hop_dur=hop_dur,
            api_name="/compare",
        )


def test_ten_hours_are_refused(asked, ten_hours):
    assert os.path.getsize(ten_hours) < 2e6
    with pytest.raises(client.exceptions.AppError, match=r"lasts 10\.0 hours") as error:
        asked.predict(client.handle_file(ten_hours), api_name="/predict")
    assert "60 s at most" in str(error.value)


def test_ten_requests_at_once_are_answered_or_refused(address):
    def ask(_: int) -> str:
        own = client.Client(address, verbose=False)
        try:
            found = own.predict(client.handle_file(ANGRY), api_name="/compare")
        except (client.exceptions.AppError, ValueError) as error:
            return str(error)
        return found["sentence"]

    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        said = list(pool.map(ask, range(10)))
    fine = [text for text in said if text.startswith("Teacher and student")]
    assert fine
    others = [text for text in said if text not in fine]
    assert all("try again" in text or "full" in text for text in others), others
    # And the page is alive
    assert ask(0).startswith("Teacher and student")


def file_data(path: str) -> dict:
    return {"path": path, "meta": {"_type": "gradio.FileData"}}


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "../../../../etc/passwd", "file:///etc/passwd", ANGRY]
)
def test_files_of_the_server_stay_there(address, path):
    body = {"data": [file_data(path), "wav2small"], "fn_index": 0}
    for route in ("call/predict", "queue/join"):
        status, found = post(address, route, body)
        assert status == 403
        assert "Upload the file itself" in json.loads(found)["detail"]
    status, found = answer(f"{address}gradio_api/file={path}")
    assert status in (403, 404)
    assert b"root:" not in found


@pytest.mark.parametrize("where", ["127.0.0.1:{port}", "localhost:1", "example.com"])
def test_addresses_are_not_fetched(address, where):
    port = address.rstrip("/").rsplit(":", 1)[1]
    url = f"http://{where.format(port=port)}/static/img/logo.svg"
    for route in ("call/predict", "queue/join"):
        body = {"data": [file_data(url), "wav2small"], "fn_index": 0}
        status, found = post(address, route, body)
        assert status == 403
        assert "Upload the file itself" in json.loads(found)["detail"]
    for route in ("file=", "proxy="):
        assert answer(f"{address}gradio_api/{route}{url}")[0] == 404


def test_large_requests_are_refused(address):
    status, found = post(address, "queue/join", {"data": ["a" * 1_100_000]})
    assert status == 413
    assert "too large" in json.loads(found)["detail"]
