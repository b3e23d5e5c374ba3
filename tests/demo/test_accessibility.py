"""The page for everybody: keyboard, screen readers, contrast, phones."""

import re

import pytest
from full import sample
from test_page import ANGRY
from test_page import HEADLINE
from test_page import results
from test_page import show_panel
from test_page import upload


def test_ids_and_names(page):
    """What screen readers need."""
    upload(page, ANGRY)
    results(page)
    for role in (
        "button",
        "textbox",
        "spinbutton",
        "tab",
        "link",
        "combobox",
        "slider",
    ):
        for element in page.get_by_role(role).all():
            shown = element.aria_snapshot()
            assert re.search(rf'{role} "[^"]+"', shown), shown
    assert page.get_by_role("img", name="Arousal and valence").count() == 1
    assert page.get_by_role("slider", name="Waveform, and arousal").count() == 1


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
    assert HEADLINE.match(results(page))
    curves = "document.activeElement.classList.contains('curves')"
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate(curves):
            break
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    for _ in range(20):
        page.keyboard.press("Shift+ArrowRight")
    picture = page.locator("#results svg.curves")
    assert float(picture.get_attribute("aria-valuenow")) > 1
    assert "arousal" in picture.get_attribute("aria-valuetext")
    page.keyboard.press("Enter")
    page.locator("#selection .adv-part").wait_for()
    go_to("1 segment of speech")
    page.keyboard.press("Enter")
    assert page.locator("#segments details[open]").count() == 1
    page.get_by_role("button", name="Models, for researchers").focus()
    page.keyboard.press("Enter")
    page.get_by_label("Teacher").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.locator("#results .adv-sentence").wait_for(state="detached")
    assert HEADLINE.match(results(page))


@pytest.mark.parametrize("theme", sample(["light", "dark"], 2))
def test_axe_has_no_serious_findings(page, address, theme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page.goto(f"{address}?__theme={theme}")

    def serious() -> list[str]:
        return [
            f"{violation['id']}: {node['html']}"
            for violation in axe.run(page).response["violations"]
            if violation["impact"] in ("serious", "critical")
            for node in violation["nodes"]
        ]

    page.get_by_text("angry", exact=True).wait_for()
    assert serious() == []
    page.get_by_text("happy", exact=True).click()
    results(page)
    show_panel(page)
    page.get_by_role("button", name="Models, for researchers").click()
    page.locator("#segments summary").click()
    page.locator("#comparison table").first.wait_for()
    assert serious() == []
    page.get_by_role("tab", name="Batch").click()
    page.locator("#files input[type=file]").set_input_files([ANGRY, ANGRY])
    page.locator("#files .file").first.wait_for()
    page.get_by_role("button", name="Compare all").click()
    page.locator("#batch .adv-sentence").wait_for()
    page.get_by_role("button", name="For researchers: agreement").click()
    assert serious() == []


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
    page.get_by_text("happy", exact=True).click()
    results(page)
    for css in (".adv-sentence", ".adv-name", ".adv-quiet", ".adv-readout"):
        assert contrast(page, f"#results {css}", "color") >= 4.5, css
    for role in ("teacher", "student"):
        assert contrast(page, f"#results .curve.{role}", "stroke") >= 3, role
    for text in page.locator("#results svg text").all():
        size = text.evaluate("e => parseFloat(getComputedStyle(e).fontSize)")
        scale = text.evaluate("e => e.ownerSVGElement.getScreenCTM().a")
        assert size * scale >= 11
    small = """() => [...document.querySelectorAll("button, a, input, summary")]
        .filter((e) => e.checkVisibility() && e.closest("#results, #record, #batch"))
        .map((e) => [e.textContent, e.getBoundingClientRect()])
        .filter(([, { width, height }]) => width < 24 || height < 24)
        .map(([text]) => text)"""
    assert page.evaluate(small) == []
    for tab in ("Recording", "Live", "Batch"):
        page.get_by_role("tab", name=tab).click()
        assert page.evaluate("document.scrollingElement.scrollWidth") <= 390


def test_reduced_motion(page):
    page.emulate_media(reduced_motion="reduce")
    duration = "getComputedStyle(document.querySelector('button')).transitionDuration"
    assert page.evaluate(duration) in ("0s", "")
