"""The page in a real browser."""

import io
import re

import numpy as np
import pandas as pd
import pytest
import soundfile
from conftest import SPEECH

import audw2s

NAMES = ["arousal", "dominance", "valence"]

ANGRY = SPEECH / "emodb-03a05Wa-anger.flac"

SENTENCE = re.compile(r"^Teacher and student agree within \.05 on .*\.$")


def results(page):
    """The sentence, once it is there."""
    found = page.locator("#results .adv-sentence")
    found.wait_for()
    return found.inner_text()


def upload(page, path):
    page.locator("#speech input[type=file]").set_input_files(path)


def clear(page):
    page.locator("#speech").get_by_role("button", name="Clear").click()
    page.get_by_text("Results appear here.").first.wait_for()


def rows(table) -> list[list[str]]:
    return [
        row.locator("th, td").all_inner_texts() for row in table.locator("tr").all()
    ]


def downloaded(page, label: str) -> bytes:
    with page.expect_download() as download:
        page.get_by_role("link", name=label).click()
    return download.value.path().read_bytes()


def test_upload_gives_results(page):
    upload(page, ANGRY)
    assert SENTENCE.match(results(page))
    head, *found = rows(page.locator("#results table").first)
    assert head[1:] == ["teacher", "student", "difference"]
    expected = [
        audw2s.Feature(name).process_file(str(ANGRY)).to_numpy()[0]
        for name in ("whisper-tiny-adv", "wav2small")
    ]
    for name, teacher, student, row in zip(NAMES, *expected, found, strict=True):
        assert row[0] == name
        shown = [float(text.replace("−", "-")) for text in row[1:]]
        assert shown == pytest.approx([teacher, student, student - teacher], abs=0.006)
    costs = page.locator("#results table").nth(1).inner_text()
    for fact in ("6,617,331", "72,659", "13.6 MB", "CC BY 4.0", " ms"):
        assert fact in costs
    assert page.locator("#results svg[role=img]").count() == 2
    table = pd.read_csv(io.BytesIO(downloaded(page, "Windows (CSV)")))
    curve = audw2s.curve(str(ANGRY), rate=4)
    student = table[[f"student_{name}" for name in NAMES]]
    np.testing.assert_allclose(student, curve[NAMES], atol=1e-3)
    # The curves' data is on the page as well
    page.get_by_text("The curves as a table").click()
    assert len(rows(page.locator("#results details table"))) == len(table) + 1
    assert downloaded(page, "Curves (PNG)").startswith(b"\x89PNG")
    assert b"teacher (whisper-tiny-adv)" in downloaded(page, "Plane (SVG)")


def test_ids_and_names(page):
    """What screen readers need."""
    upload(page, ANGRY)
    results(page)
    ids = page.eval_on_selector_all("#results [id]", "all => all.map(e => e.id)")
    assert len(ids) == len(set(ids)) > 10
    for role in ("button", "textbox", "spinbutton", "tab", "link", "combobox"):
        for element in page.get_by_role(role).all():
            shown = element.aria_snapshot()
            assert re.search(rf'{role} "[^"]+"', shown), shown
    assert page.get_by_role("img", name="Waveform, and arousal").count() == 1
    for label in ("Teacher", "Student"):
        assert page.get_by_label(label).first.is_visible()


def test_the_page_links_to_the_static_one(page, address):
    link = page.get_by_role("link", name="Another page")
    other = page.context.new_page()
    other.goto(f"{address}{link.get_attribute('href')}")
    other.get_by_role("button", name="happy").click()
    other.get_by_text("Arousal is high").wait_for()
    assert other.get_by_text("Arousal is high").is_visible()


def test_every_mistake_has_a_message(page, ten_hours, tmp_path):
    speech, rate = soundfile.read(ANGRY)
    signals = {
        "empty": speech[:0],
        "short": speech[16000:24000],
        "silent": 0 * speech,
        "clipped": np.clip(50 * speech, -1, 1),
        "tiny": speech[:30],
        "long": np.resize(speech, 61 * rate),
    }
    paths = {name: tmp_path / f"{name}.wav" for name in [*signals, "junk", "nan"]}
    for name, signal in signals.items():
        soundfile.write(paths[name], signal, rate)
    speech[500] = np.nan
    soundfile.write(paths["nan"], speech, rate, subtype="FLOAT")
    paths["junk"].write_bytes(b"<!doctype html>" * 100)
    refused = {
        "empty": "This file has no samples.",
        "tiny": "Record a second of speech or more.",
        "junk": "Save it as WAV, FLAC, MP3 or M4A.",
        "nan": "Export it again",
        "long": "This recording lasts 61 s, this page takes 60 s at most.",
    }
    for name, says in refused.items():
        upload(page, paths[name])
        page.locator("#results .adv-message", has_text=says).wait_for()
        clear(page)
    upload(page, ten_hours)
    page.locator("#results .adv-message", has_text="lasts 10.0 hours").wait_for()
    clear(page)
    noted = {
        "short": "values below 2 s are unsure",
        "silent": "The recording is silent",
        "clipped": "The recording is clipped",
    }
    for name, says in noted.items():
        upload(page, paths[name])
        page.locator("#results .adv-notes", has_text=says).wait_for()
        clear(page)
    # All the same, the page goes on
    upload(page, ANGRY)
    assert SENTENCE.match(results(page))


def test_files_that_are_too_large(page, tmp_path):
    path = tmp_path / "large.wav"
    soundfile.write(path, np.zeros((1_800_000, 7)), 96_000)
    assert path.stat().st_size > 20 * 2**20
    upload(page, path)
    page.get_by_text("exceed the maximum allowed size of 20").first.wait_for()


def test_recording_is_compared(page):
    page.locator("#speech").get_by_label("Record audio").click()
    page.locator("#speech").get_by_role("button", name="Record", exact=True).click()
    page.wait_for_timeout(3000)
    page.locator("#speech").get_by_role("button", name="Stop").click()
    assert SENTENCE.match(results(page))


def test_the_page_works_by_keyboard(page):
    def go_to(text: str) -> None:
        for _ in range(80):
            page.keyboard.press("Tab")
            focused = "document.activeElement.innerText || document.activeElement.value"
            if (page.evaluate(focused) or "").strip() == text:
                return
        raise AssertionError(f"'{text}' can't be reached")

    go_to("happy")
    page.keyboard.press("Enter")
    assert SENTENCE.match(results(page))
    go_to("Compare")
    page.keyboard.press("Space")
    go_to("The curves as a table, 13 rows")
    page.keyboard.press("Enter")
    assert page.locator("#results details[open]").count() == 1
    go_to("Windows (CSV)")
    with page.expect_download():
        page.keyboard.press("Enter")


WATCH = """() => {
  window.seen = new Map();
  setInterval(() => {
    const panel = document.querySelector("#live [data-updates]");
    const value = panel.querySelector("[data-value=student-arousal]").innerText;
    if (!window.seen.has(panel.dataset.updates))
      window.seen.set(panel.dataset.updates, [performance.now(), value]);
  }, 10);
}"""


def test_live_values_move(page):
    page.get_by_role("tab", name="Live").click()
    page.locator("#microphone").get_by_role("button", name="Record").wait_for()
    page.evaluate(WATCH)
    page.locator("#microphone").get_by_role("button", name="Record").click()
    page.get_by_text("Listening.", exact=True).wait_for()
    teacher = page.locator("#live [data-value=teacher-arousal]")
    page.wait_for_function(
        "document.querySelector('[data-value=teacher-arousal]').innerText != '–'"
    )
    first = teacher.inner_text()
    page.wait_for_function(f"window.seen.size > {page.evaluate('seen.size')} + 40")
    page.locator("#microphone").get_by_role("button", name="Stop").click()
    seen = [value for _, value in page.evaluate("[...seen.values()]")][-40:]
    assert len(set(seen)) >= 10
    assert teacher.inner_text() != first
    times = [time for time, _ in page.evaluate("[...seen.values()]")][-40:]
    per_second = 39_000 / (times[-1] - times[0])
    print(f"{per_second:.1f} updates a second")


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
    head, *found = rows(page.locator("#batch table").first)
    assert head[0] == "file"
    assert [row[0] for row in found] == [path.name for path in [*clips, broken]]
    assert "can't be read" in found[-1][-1]
    table = pd.read_csv(io.BytesIO(downloaded(page, "Table (CSV)")))
    expected = audw2s.Feature().process_files([str(path) for path in clips])
    values = table[[f"student_{name}" for name in NAMES]]
    np.testing.assert_allclose(values[:4], expected, atol=1e-3)
    assert values[4:].isna().all(axis=None)
    assert page.get_by_role("img", name="Student against teacher").count() == 1


COLOURS = """css => {
  const element = document.querySelector(css[0]);
  let behind = element;
  const see = e => getComputedStyle(e).backgroundColor;
  while (see(behind) === "rgba(0, 0, 0, 0)") behind = behind.parentElement;
  return [getComputedStyle(element)[css[1]], see(behind)];
}"""


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2 defines it."""
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    r, g, b = (
        p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts
    )
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(page, css: str, kind: str) -> float:
    low, high = sorted(map(luminance, page.evaluate(COLOURS, [css, kind])))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_phone_and_contrast(page, address, theme):
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{address}?__theme={theme}")
    page.get_by_text("angry", exact=True).click()
    results(page)
    texts = ["sentence", "notes li", "caption", "scroll td", "downloads a"]
    for css in [f"#results .adv-{text}" for text in texts]:
        assert contrast(page, css, "color") >= 4.5, css
    for name, kind in (("curves-line2d", "stroke"), ("plane-line2d", "stroke")):
        lines = page.locator(f"#results [id^={name}] path[style*=--adv-]").all()
        assert len({line.get_attribute("style") for line in lines}) >= 2
        for role in ("teacher", "student"):
            css = f"#results [id^={name}] path[style*=--adv-{role}]"
            assert contrast(page, css, kind) >= 3, css
    for tab in ("Compare", "Live", "Batch"):
        page.get_by_role("tab", name=tab).click()
        assert page.evaluate("document.scrollingElement.scrollWidth") <= 390
