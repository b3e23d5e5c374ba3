"""The page in a real browser."""

import io
import re

import numpy as np
import pandas as pd
import pytest
import soundfile
from pages import SPEECH
from pages import watched

import audw2s
from audw2s.demo.settings import Settings
from audw2s.demo.words import WORDS
from audw2s.demo.words import short

NAMES = ["arousal", "dominance", "valence"]

ANGRY = SPEECH / "emodb-03a05Wa-anger.flac"

HEADLINE = re.compile(
    r"^(Rather )?\w+: (low|medium|high) arousal, (low|medium|high) valence"
    r"(; [\w, ]+ (is|are) uncertain)?\.$",
    re.I,
)

ADJECTIVES = [word for row in WORDS["adjectives"].values() for word in row.values()]


def results(page):
    """The headline, once it is there."""
    sentence = page.locator("#results .adv-sentence")
    sentence.wait_for()
    return sentence.inner_text()


def upload(page, path):
    page.locator("#speech input[type=file]").set_input_files(path)


def clear(page):
    page.locator("#speech").get_by_role("button", name="Clear").click()
    page.locator("#speech input[type=file]").wait_for(state="attached")


def rows(table) -> list[list[str]]:
    return [
        row.locator("th, td").all_inner_texts() for row in table.locator("tr").all()
    ]


def downloaded(page, label: str) -> bytes:
    with page.expect_download() as download:
        page.get_by_role("link", name=label).click()
    return download.value.path().read_bytes()


def number(text: str) -> float:
    return float(text.replace("−", "-"))


def show_panel(page):
    page.get_by_role("button", name="For researchers: both models").click()


@pytest.mark.parametrize("width, height", [(1280, 800), (390, 844)])
def test_the_answer_is_in_sight_without_scrolling(page, width, height):
    page.set_viewport_size({"width": width, "height": height})
    page.get_by_text("angry", exact=True).click()
    assert HEADLINE.match(results(page))
    assert page.get_by_role("heading", level=1).inner_text().endswith("sound?")
    for css in (".adv-sentence", ".adv-plane"):
        box = page.locator(f"#results {css}").bounding_box()
        assert 0 <= box["y"]
        assert box["y"] + box["height"] <= height, css
    assert page.locator("#record button").bounding_box()["y"] < height / 3
    # Words of researchers stay in their panel
    page.get_by_role("button", name="For researchers: both models").wait_for()
    text = page.inner_text("body").lower()
    for word in (
        "teacher",
        "distilled",
        "window:",
        "hop",
        "ccc",
        "licence",
        "real-time",
    ):
        assert word not in text, word


def test_upload_gives_results(page):
    upload(page, ANGRY)
    headline = results(page)
    expected = [
        audw2s.Feature(name).process_file(str(ANGRY)).to_numpy()[0]
        for name in ("whisper-tiny-adv", "wav2small")
    ]
    values = dict(zip(NAMES, expected[0].tolist(), strict=True))
    assert headline.startswith("Tense: high arousal, low valence")
    for name, line in zip(NAMES, page.locator(".adv-name").all(), strict=True):
        assert line.inner_text().startswith(f"{name.capitalize()}: ")
        assert short(values[name]) in line.inner_text()
    words = page.locator("#results .word").all_text_contents()
    assert sorted(words) == sorted(ADJECTIVES)
    assert page.get_by_text("They are no categories of emotion").is_visible()
    # Screen readers get one sentence
    assert page.locator(".adv-spoken").all_inner_texts() == [headline]


def test_researchers_see_both_models(page):
    upload(page, ANGRY)
    results(page)
    show_panel(page)
    page.locator("#comparison table").first.wait_for()
    head, *table = rows(page.locator("#comparison table").first)
    assert head[1:] == ["teacher", "student", "difference"]
    expected = [
        audw2s.Feature(name).process_file(str(ANGRY)).to_numpy()[0]
        for name in ("whisper-tiny-adv", "wav2small")
    ]
    for name, teacher, student, row in zip(NAMES, *expected, table, strict=True):
        assert row[0] == name
        assert list(map(number, row[1:])) == pytest.approx(
            [teacher, student, student - teacher], abs=0.006
        )
    costs = page.locator("#comparison table").nth(1).inner_text()
    for fact in ("6,617,331", "72,659", "13.6 MB", "CC BY 4.0", " ms"):
        assert fact in costs
    windows = pd.read_csv(io.BytesIO(downloaded(page, "Windows (CSV)")))
    curve = audw2s.curve(str(ANGRY), rate=4)
    student = windows[[f"student_{name}" for name in NAMES]]
    np.testing.assert_allclose(student, curve[NAMES], atol=1e-3)
    page.get_by_text("The curves as a table").click()
    assert len(rows(page.locator("#comparison details table"))) == len(windows) + 1
    page.get_by_role("button", name="Draw pictures").click()
    assert downloaded(page, "Curves (PNG)").startswith(b"\x89PNG")
    assert b"teacher (whisper-tiny-adv)" in downloaded(page, "Plane (SVG)")
    page.get_by_role("button", name="Models, for researchers").click()
    page.get_by_text("wav2small: CC BY 4.0.").wait_for()
    for label in ("Teacher", "Student"):
        assert page.get_by_label(label).first.is_visible()


def test_curves_can_be_explored(page):
    upload(page, ANGRY)
    results(page)
    picture = page.locator("#results svg.curves")
    box = picture.bounding_box()
    curve = audw2s.curve(str(ANGRY), rate=4)
    student = curve[NAMES].iloc[5]

    def place(share: float) -> tuple[float, float]:
        # The time axis begins and ends with the picture's margins
        left, right = 62, 12
        width = box["width"] - left - right
        return box["x"] + left + share * width, box["y"] + 100

    duration = 3.4407
    page.mouse.move(*place(1.25 / duration))
    shown = page.locator(".adv-readout").inner_text()
    assert shown.startswith(("1.2 s", "1.3 s"))
    end = ", ".join(f"{name} {short(student[name])}" for name in NAMES)
    assert shown.endswith(f"small model: {end}.")
    # A click plays from there, and the playhead moves
    page.mouse.click(*place(0.5))
    audio = "document.querySelector('#results audio')"
    page.wait_for_function(f"!{audio}.paused && {audio}.currentTime > 1.9")
    playhead = "document.querySelector('.playhead').getAttribute('transform')"
    before = page.evaluate(playhead)
    page.wait_for_function(f"{playhead} != '{before}'")
    assert page.evaluate(f"{audio}.currentTime") < 3
    # What is dragged over has values of its own
    page.mouse.move(*place(0.2))
    page.mouse.down()
    page.mouse.move(*place(0.6), steps=4)
    page.mouse.up()
    part = page.locator("#selection .adv-part")
    part.wait_for()
    span = [share * duration for share in (0.2, 0.6)]
    own = audw2s.Feature("whisper-tiny-adv").process_file(
        str(ANGRY), start=span[0], end=span[1]
    )
    for name, value in zip(NAMES, own.to_numpy()[0], strict=True):
        found = re.search(rf"(?i:{name}) ([−.\d]+\d)", part.inner_text())[1]
        assert number(found) == pytest.approx(value, abs=0.03)


def test_the_page_links_to_the_static_one(page, address):
    link = page.get_by_role("link", name="Another page")
    other = page.context.new_page()
    other.goto(f"{address}{link.get_attribute('href')}")
    other.get_by_role("button", name="happy").click()
    other.get_by_text("Arousal is high").wait_for()
    assert other.get_by_text("Arousal is high").is_visible()


def test_every_mistake_has_a_message(page, ten_hours, tmp_path):
    speech, rate = soundfile.read(ANGRY)
    noise = 0.05 * np.random.default_rng(0).standard_normal(3 * rate)
    signals = {
        "empty": speech[:0],
        "short": speech[16000:24000],
        "silent": 0 * speech,
        "noise": noise,
        "clipped": np.clip(50 * speech, -1, 1),
        "tiny": speech[:30],
    }
    paths = {name: tmp_path / f"{name}.wav" for name in [*signals, "junk", "nan"]}
    for name, signal in signals.items():
        soundfile.write(paths[name], signal, rate)
    speech[500] = np.nan
    soundfile.write(paths["nan"], speech, rate, subtype="FLOAT")
    paths["junk"].write_bytes(b"<!doctype html>" * 100)
    page.get_by_role("button", name="For researchers: both models").click()
    page.get_by_role("button", name="Compare", exact=True).click()
    message = page.locator("#results .adv-message")
    message.get_by_text("Choose a recording, record yourself").wait_for()
    refused = {
        "empty": "This file has no samples.",
        "tiny": "Record a second of speech or more.",
        "junk": "Save it as WAV, FLAC, MP3 or M4A.",
        "nan": "Export it again",
        "silent": "The recording is silent",
        "noise": "There is no speech in this recording",
    }
    for name, says in refused.items():
        upload(page, paths[name])
        page.locator("#results .adv-message", has_text=says).wait_for()
        if name in ("silent", "noise"):
            # Researchers aren't shown values of nothing, either
            page.locator("#comparison .adv-message", has_text=says).wait_for()
            page.get_by_role("button", name="Draw pictures").click()
            page.locator("#drawings", has_text="nothing to say of a voice").wait_for()
        clear(page)
    upload(page, ten_hours)
    page.locator("#results .adv-message", has_text="lasts 10.0 hours").wait_for()
    clear(page)
    noted = {
        "short": "values below 2 s are unsure",
        "clipped": "The recording is clipped",
    }
    for name, says in noted.items():
        upload(page, paths[name])
        page.locator("#results .adv-notes", has_text=says).wait_for()
        clear(page)
    # All the same, the page goes on
    upload(page, ANGRY)
    assert HEADLINE.match(results(page))


def choose(page, label: str, model: str) -> None:
    page.get_by_label(label, exact=True).first.click()
    page.get_by_role("option", name=model, exact=True).click()


CHANGE_AFTER_CALLS = """() => {
  const { fetch } = window;
  window.calls = 0;
  window.asBefore = () => (window.fetch = fetch);
  window.fetch = (...request) => {
    const answer = fetch(...request);
    if (String(request[0]).includes("queue/join")) {
      answers.tabs.recording.numChanges += 1;
      calls += 1;
    }
    return answer;
  };
}"""
"""Inputs change as soon as an answer is asked for."""


def test_results_never_stand_under_other_inputs(browser, address):
    with watched(browser, address, "Record", "data:") as (page, _):
        upload(page, ANGRY)
        results(page)
        page.get_by_role("button", name="Models, for researchers").click()
        show_panel(page)
        choose(page, "Teacher", "wav2small")
        models = page.locator("#comparison tr", has_text="model").first
        models.get_by_text("wav2small").nth(1).wait_for()
        # Nor if they change while an answer is on its way
        page.evaluate(CHANGE_AFTER_CALLS)
        choose(page, "Student", "whisper-tiny-adv")
        page.wait_for_function("calls")
        page.wait_for_timeout(4000)
        page.evaluate("asBefore()")
        assert page.locator("#results .adv-sentence, #comparison table").count() == 0
        choose(page, "Teacher", "whisper-tiny-adv")
        models.get_by_text("whisper-tiny-adv").nth(1).wait_for()
        # Nor if the server is lost, once answers that are on their way have come
        page.wait_for_timeout(4000)
        page.route("**/gradio_api/**", lambda route: route.abort())
        choose(page, "Teacher", "wav2small")
        page.locator("#results", has_text="If none comes").wait_for(timeout=15000)
        assert page.locator("#results .adv-sentence, #comparison table").count() == 0


COMPARE_AT_ONCE = """new MutationObserver((_, observer) => {
  if (!document.querySelector("#files .file")) return;
  observer.disconnect();
  const buttons = [...document.querySelectorAll("button")];
  buttons.find((button) => button.innerText === "Compare all").click();
}).observe(document, { subtree: true, childList: true })"""


def test_files_may_be_compared_before_the_page_is_told_of_them(page):
    page.get_by_role("tab", name="Batch").click()
    page.evaluate(COMPARE_AT_ONCE)
    page.locator("#files input[type=file]").set_input_files([ANGRY, ANGRY])
    page.locator("#batch .adv-sentence").wait_for(timeout=30_000)
    assert page.locator("#batch tbody tr").count() == 2


def test_files_that_are_too_large(page, tmp_path):
    path = tmp_path / "large.wav"
    with open(path, "wb") as file:
        file.truncate(Settings.max_size * 2**20 + 1)
    upload(page, path)
    refusal = page.get_by_text("exceed the maximum allowed size of 200").first
    refusal.wait_for()
    assert refusal.is_visible()


def test_recording_is_analysed(page):
    page.locator("#record button").click()
    page.wait_for_timeout(3000)
    page.locator("#record").get_by_role("button", name="Stop").click()
    assert HEADLINE.match(results(page))
    # Another one takes its place
    page.locator("#record").get_by_role("button", name="Record").click()
    page.wait_for_timeout(1500)
    page.locator("#record").get_by_role("button", name="Stop").click()
    page.locator("#results .adv-sentence").wait_for(state="detached")
    assert HEADLINE.match(results(page))


def test_batch(page, tmp_path):
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"broken")
    page.get_by_role("tab", name="Batch").click()
    page.get_by_role("button", name="Compare all").click()
    page.get_by_text("Choose some audio files first.").wait_for()
    clips = sorted(SPEECH.glob("*.flac"))
    page.locator("#files input[type=file]").set_input_files([*clips, broken])
    page.locator("#files").get_by_text("broken").wait_for()
    page.get_by_role("button", name="Compare all").click()
    page.get_by_text("4 of 5 files have values.").wait_for()
    table = page.locator("#batch table")
    head, *shown = rows(table)
    assert head[:3] == ["file", "seconds", "sounds"]
    # Names are isolated from the direction of writing around them
    files = [row[0].strip("\u2068\u2069") for row in shown]
    assert files == [path.name for path in [*clips, broken]]
    assert "can't be read" in shown[-1][-1]
    assert shown[-1][1:6] == ["–"] * 5
    # What is missing stays last, in both directions
    for order in ("ascending", "descending"):
        page.locator("#batch th").get_by_role("button", name="valence").click()
        assert page.locator(f"#batch th[aria-sort={order}]").count() == 1
        values = [row[5] for row in rows(table)[1:]]
        assert values[-1] == "–"
        numbers = [number(text) for text in values[:-1]]
        assert numbers == sorted(numbers, reverse=order == "descending")
    table = pd.read_csv(io.BytesIO(downloaded(page, "Batch (CSV)")))
    expected = audw2s.Feature().process_files([str(path) for path in clips])
    values = table[[f"student_{name}" for name in NAMES]]
    np.testing.assert_allclose(values[:4], expected, atol=1e-3)
    assert values[4:].isna().all(axis=None)
    plane = page.get_by_role("img", name="Arousal and valence, a point per file")
    assert "emodb-03a05Wa-anger.flac" in plane.locator("i").last.get_attribute("title")
    page.get_by_role("button", name="For researchers: agreement").click()
    planes = page.get_by_role("img", name="on the diagonal the models agree")
    planes.nth(2).wait_for()
    # Old results don't stand under a new model
    page.get_by_role("button", name="Models, for researchers").click()
    choose(page, "Student", "whisper-tiny-adv")
    page.locator("#batch .adv-sentence").wait_for(state="detached")
