"""Pictures of the page, made from the running app.

Desktop and phone, light and dark, all tabs, into a folder; the README's picture to
``demo/screenshot.png``.
"""

import argparse
import pathlib
import shutil

from PIL import Image
from playwright.sync_api import Browser
from playwright.sync_api import Page
from playwright.sync_api import sync_playwright

BROWSERS = ("chromium", "chromium-browser", "google-chrome")

SIZES = {"desktop": (1280, 900), "phone": (390, 844)}

README = pathlib.Path(__file__).parents[2] / "demo" / "screenshot.png"


def compare(page: Page) -> None:
    page.get_by_text("happy", exact=True).click()
    page.locator("#results .adv-sentence").wait_for()


def refuse(page: Page, folder: pathlib.Path) -> None:
    junk = folder / "junk.wav"
    junk.write_bytes(b"junk" * 1000)
    page.locator("#speech").get_by_role("button", name="Clear").click()
    page.locator("#speech input[type=file]").set_input_files(junk)
    page.locator("#results .adv-message").wait_for()


def speak(page: Page) -> None:
    page.get_by_role("tab", name="Live").click()
    page.locator("#microphone").get_by_role("button", name="Record").click()
    page.wait_for_function(
        "document.querySelector('[data-value=teacher-valence]').innerText != '–'"
    )
    page.wait_for_timeout(5000)


def batch(page: Page, clips: list[pathlib.Path]) -> None:
    page.get_by_role("tab", name="Batch").click()
    page.locator("#files input[type=file]").set_input_files(clips)
    page.locator("#files").get_by_text(clips[-1].stem[:10]).first.wait_for()
    page.get_by_role("button", name="Compare all").click()
    page.locator("#batch .adv-sentence").wait_for()


def take(browser: Browser, address: str, folder: pathlib.Path, clips: list) -> None:
    for device, (width, height) in SIZES.items():
        for theme in ("light", "dark"):
            context = browser.new_context(
                viewport={"width": width, "height": height},
                device_scale_factor=2 if device == "phone" else 1,
            )
            page = context.new_page()
            page.goto(f"{address}?__theme={theme}")
            page.get_by_role("button", name="Compare", exact=True).wait_for()

            def save(name: str, page: Page = page, end: str = f"{device}-{theme}"):
                page.wait_for_timeout(800)
                page.screenshot(path=folder / f"{name}-{end}.png", full_page=True)

            save("start")
            compare(page)
            save("compare")
            refuse(page, folder)
            save("refused")
            batch(page, clips)
            save("batch")
            speak(page)
            save("live")
            context.close()


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
    clips = sorted((README.parents[1] / "examples" / "speech").iterdir())
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
        take(browser, arguments.address, arguments.folder, clips)
        browser.close()
    shrink(arguments.folder / "compare-desktop-light.png", README)


if __name__ == "__main__":
    main()
