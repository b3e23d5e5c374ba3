"""Pictures of the page, made from the running app.

Desktop and phone, light and dark, all states, into a folder; the README's picture to
``demo/screenshot.png``, an animation to ``docs/demo.webp``.
"""

import argparse
import io
import pathlib
import shutil

import numpy as np
import soundfile
from PIL import Image
from playwright.sync_api import Browser
from playwright.sync_api import Page
from playwright.sync_api import sync_playwright

BROWSERS = ("chromium", "chromium-browser", "google-chrome")

SIZES = {"desktop": (1280, 800), "phone": (390, 844)}

ROOT = pathlib.Path(__file__).parents[2]
README = ROOT / "demo" / "screenshot.png"
ANIMATION = ROOT / "docs" / "demo.webp"


def answered(page: Page, example: str) -> None:
    page.get_by_text(example, exact=True).click()
    page.locator("#results .adv-sentence").wait_for()


def point(page: Page, share: float) -> tuple[float, float]:
    """Place in the curves."""
    picture = page.locator("#results svg.curves")
    picture.scroll_into_view_if_needed()
    box = picture.bounding_box()
    return box["x"] + 62 + share * (box["width"] - 74), box["y"] + 120


def select(page: Page) -> None:
    page.mouse.move(*point(page, 0.2))
    page.mouse.down()
    page.mouse.move(*point(page, 0.55), steps=8)
    page.mouse.up()
    page.locator("#selection .adv-part").wait_for()


def research(page: Page) -> None:
    for panel in ("For researchers: both models", "Models, for researchers"):
        page.get_by_role("button", name=panel).click()
    page.locator("#comparison table").first.wait_for()


def replace(page: Page, path: pathlib.Path, text: str) -> None:
    page.locator("#speech").get_by_role("button", name="Clear").click()
    page.locator("#speech input[type=file]").set_input_files(path)
    # In the answer, not in what is said of progress
    page.locator("#results .adv", has_text=text).wait_for()


def speak(page: Page) -> None:
    page.get_by_role("tab", name="Live").click()
    page.get_by_role("button", name="Start", exact=True).click()
    page.wait_for_function(
        "document.querySelector('[data-value=teacher-valence]').innerText != '–'"
    )
    page.wait_for_timeout(5000)


def lose(page: Page, is_lost: bool) -> None:
    page.context.set_offline(is_lost)
    sentence = "Connection lost." if is_lost else "Listening."
    page.locator("#live .adv-sentence", has_text=sentence).wait_for()


def stop(page: Page) -> None:
    page.get_by_role("button", name="Stop", exact=True).click()
    page.locator("#live audio").wait_for()


def batch(page: Page, clips: list[pathlib.Path]) -> None:
    page.get_by_role("tab", name="Batch").click()
    page.locator("#files input[type=file]").set_input_files(clips)
    page.locator("#files .file").nth(len(clips) - 1).wait_for()
    page.get_by_role("button", name="Compare all").click()
    page.locator("#batch .adv-sentence").wait_for()
    page.get_by_role("button", name="For researchers: agreement").click()


def recordings(folder: pathlib.Path, clips: list[pathlib.Path]) -> dict:
    """Files of the states that no example shows."""
    paths = {name: folder / f"{name}.wav" for name in ("junk", "silent", "call")}
    paths["junk"].write_bytes(b"junk" * 1000)
    soundfile.write(paths["silent"], np.zeros(32000), 16000)
    turns = [np.pad(soundfile.read(path)[0], (0, 16000)) for path in clips[:4]]
    channels = [np.concatenate(turns[:2]), np.concatenate(turns[2:])]
    call = np.stack([np.resize(channel, 90 * 16000) for channel in channels], axis=1)
    soundfile.write(paths["call"], call, 16000)
    return paths


def take(browser: Browser, address: str, folder: pathlib.Path, clips: list) -> None:
    files = recordings(folder, clips)
    for device, (width, height) in SIZES.items():
        for theme in ("light", "dark"):
            context = browser.new_context(
                viewport={"width": width, "height": height},
                device_scale_factor=2 if device == "phone" else 1,
            )
            context.set_default_timeout(120_000)
            page = context.new_page()
            page.goto(f"{address}?__theme={theme}")
            page.get_by_role("button", name="Record").first.wait_for()

            def save(
                name: str, full: bool = True, end: str = f"{device}-{theme}", page=page
            ) -> None:
                page.wait_for_timeout(800)
                page.screenshot(path=folder / f"{name}-{end}.png", full_page=full)

            save("start")
            answered(page, "happy")
            save("answer", full=False)
            select(page)
            save("part")
            research(page)
            save("researchers")
            replace(page, files["junk"], "can't be read")
            save("refused")
            replace(page, files["silent"], "is silent")
            save("silent")
            replace(page, files["call"], "Channel 2")
            save("call")
            batch(page, [*clips, files["junk"]])
            save("batch")
            speak(page)
            save("live")
            lose(page, True)
            page.wait_for_timeout(1000)
            save("live-lost")
            lose(page, False)
            stop(page)
            save("live-stopped")
            context.close()


def animate(browser: Browser, address: str, path: pathlib.Path) -> None:
    """Animation of an example: its answer, values under the pointer, a part."""
    page = browser.new_page(viewport={"width": 1100, "height": 800})
    page.set_default_timeout(120_000)
    page.goto(address)
    page.get_by_text("happy", exact=True).wait_for()
    frames, durations = [], []

    def add(duration: int) -> None:
        picture = Image.open(io.BytesIO(page.screenshot()))
        frames.append(picture.convert("RGB").resize((825, 600)))
        durations.append(duration)

    add(1200)
    answered(page, "happy")
    page.wait_for_timeout(800)
    add(2500)
    for share in np.linspace(0.1, 0.9, 9):
        page.mouse.move(*point(page, share))
        add(250)
    select(page)
    page.mouse.wheel(0, 400)
    page.wait_for_timeout(500)
    add(3500)
    options = {"quality": 60, "method": 6, "loop": 0}
    frames[0].save(
        path, save_all=True, append_images=frames[1:], duration=durations, **options
    )
    assert path.stat().st_size < 2e6


def shrink(source: pathlib.Path, target: pathlib.Path) -> None:
    """With 128 colours, as the page has few."""
    with Image.open(source) as picture:
        picture.convert("RGB").quantize(128).save(target, optimize=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address", help="of a page that runs")
    parser.add_argument("spoken", help="WAV that the microphone hears")
    parser.add_argument("folder", type=pathlib.Path)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    clips = sorted((ROOT / "examples" / "speech").iterdir())
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=next(filter(None, map(shutil.which, BROWSERS))),
            args=[
                "--no-sandbox",
                "--use-fake-ui-for-media-stream",
                "--use-fake-device-for-media-stream",
                f"--use-file-for-fake-audio-capture={arguments.spoken}",
            ],
        )
        animate(browser, arguments.address, ANIMATION)
        take(browser, arguments.address, arguments.folder, clips)
        browser.close()
    shrink(arguments.folder / "answer-desktop-light.png", README)


if __name__ == "__main__":
    main()
