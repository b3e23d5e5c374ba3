"""Recordings of phones, long ones and many ones, in a real browser."""

import pytest
import soundfile
from full import full
from test_logic import ANGRY
from test_logic import long_recording
from test_logic import phone_file
from test_page import HEADLINE
from test_page import clear
from test_page import results
from test_page import upload


def test_what_phones_and_browsers_record_is_taken_and_played(page, tmp_path):
    for name, codec, rate in (
        ("a.m4a", "aac", 44100),
        ("a.webm", "libopus", 48000),
        ("a.amr", "libopencore_amrnb", 8000),
    ):
        path = tmp_path / name
        phone_file(str(path), codec, rate)
        upload(page, path)
        assert HEADLINE.match(results(page))
        audio = "document.querySelector('#results audio')"
        page.wait_for_function(f"{audio}.duration > 3 || {audio}.hidden")
        clear(page)
        page.locator("#results .adv-sentence").wait_for(state="detached")


@pytest.mark.parametrize("seconds", [75, pytest.param(3600, marks=full)])
def test_long_recordings_have_segments_and_channels(page, tmp_path, seconds):
    path = tmp_path / "call.flac"
    long_recording(str(path), seconds)
    page.set_default_timeout(10 * 60_000)
    upload(page, path)
    assert HEADLINE.match(results(page))
    assert page.locator("#results .adv-voices li").count() == 2
    page.get_by_text("the small model processed it alone").wait_for()
    segments = page.locator("#segments tbody tr")
    assert segments.count() > seconds / 5
    # A segment is played from its start
    button = segments.nth(5).get_by_role("button")
    start = float(button.get_attribute("data-time"))
    button.click()
    audio = "document.querySelector('#results audio')"
    page.wait_for_function(f"!{audio}.paused && {audio}.currentTime > {start}")


@full
def test_a_batch_of_a_hundred_files_with_bad_ones(page, tmp_path):
    speech, rate = soundfile.read(ANGRY)
    paths = [tmp_path / f"speaker{k % 5}-{k:03}.wav" for k in range(100)]
    for number, path in enumerate(paths):
        soundfile.write(path, speech[160 * number :], rate)
    for path in paths[::10]:
        path.write_bytes(b"broken")
    page.set_default_timeout(10 * 60_000)
    page.get_by_role("tab", name="Batch").click()
    page.locator("#files input[type=file]").set_input_files(paths)
    page.locator("#files .file").nth(99).wait_for()
    page.get_by_role("button", name="Compare all").click()
    page.get_by_text("of 100: ").first.wait_for()
    page.get_by_text("90 of 100 files have values.").wait_for()
    assert page.locator("#batch tbody tr").count() == 100
    assert page.locator("#batch .adv-group").count() == 1 + 5
