"""Layout of the page, and which function runs on which event."""

import functools
import pathlib
from collections.abc import Callable
from typing import Any

import gradio as gr
from gradio.components.api_component import Api
from gradio_client.utils import python_type_to_json_schema

from audw2s.demo import api
from audw2s.demo.answers import explanation
from audw2s.demo.answers import shown
from audw2s.demo.batch import analyse_all
from audw2s.demo.batch import batch_results
from audw2s.demo.comparison import HOP_DUR
from audw2s.demo.comparison import WIN_DUR
from audw2s.demo.comparison import compare
from audw2s.demo.figure import pictures
from audw2s.demo.limits import MAX_DUR
from audw2s.demo.limits import MAX_FILES
from audw2s.demo.limits import MAX_SIZE
from audw2s.demo.live import MAX_SESSIONS
from audw2s.demo.live import Live
from audw2s.demo.meters import meters
from audw2s.demo.models import Models
from audw2s.demo.page import INTRODUCTION
from audw2s.demo.page import results

LIMITS = f"{MAX_DUR:.0f} s, {MAX_SIZE / 2**20:.0f} MB at most"

POLITE = "element.setAttribute('aria-live', 'polite');"
"""Makes screen readers announce new results."""

STEPS = pathlib.Path(__file__).with_name("live.js").read_text()

NOTHING = '<p class="adv-quiet">Results appear here.</p>'

PLAIN: dict[str, Any] = {"apply_default_css": False}
PRIVATE: dict[str, Any] = {"api_visibility": "private"}
SHARED: dict[str, Any] = {"concurrency_id": "analyse", "concurrency_limit": 2}
"""Two requests at a time: one can be drawn while the other is processed."""


def build(models: Models, clips: dict[str, str]) -> gr.Blocks:
    """Lay out the page.

    Args:
        models: models that can be chosen
        clips: paths of the example clips by label

    """
    with gr.Blocks(
        title="audw2s: teacher and student",
        analytics_enabled=False,
        delete_cache=(60, 600),
    ) as blocks:
        gr.Markdown(INTRODUCTION)
        with gr.Row():
            named = (("Teacher", models.teacher), ("Student", models.student))
            roles = [
                gr.Dropdown(models.names, value=name, label=label, min_width=240)
                for label, name in named
            ]
        terms = gr.Markdown(models.terms(models.teacher, models.student))
        gr.on([role.change for role in roles], models.terms, roles, terms, **PRIVATE)
        with gr.Tab("Compare"):
            compare_tab(models, clips, roles)
        with gr.Tab("Live"):
            live_tab(blocks, models, roles)
        with gr.Tab("Batch"):
            batch_tab(models, roles)
    return blocks.queue(max_size=24, default_concurrency_limit=2)


def compare_tab(
    models: Models, clips: dict[str, str], roles: list[gr.Dropdown]
) -> None:
    """Tab that compares teacher and student on one recording."""
    audio = gr.Audio(
        sources=["upload", "microphone"],
        type="filepath",
        label=f"Speech: {LIMITS}",
        buttons=[],
        elem_id="speech",
    )
    gr.Examples(
        [[path] for path in clips.values()],
        inputs=[audio],
        example_labels=list(clips),
        label="Examples (emotions are acted)",
    )
    with gr.Accordion("Window and hop", open=False), gr.Row():
        win_dur = gr.Number(WIN_DUR, label="Window: seconds around each value")
        hop_dur = gr.Number(HOP_DUR, label="Hop: seconds from value to value")
    button = gr.Button("Compare", variant="primary")
    output = gr.HTML(NOTHING, elem_id="results", js_on_load=POLITE, **PLAIN)
    inputs = [audio, *roles, win_dur, hop_dur]

    @shown
    def show(path: str | None, *chosen: Any) -> str:
        if path is None:
            return NOTHING
        comparison = compare(models, path, *chosen)
        return results(comparison, pictures(comparison))

    gr.on([audio.change, button.click], show, inputs, output, **PRIVATE, **SHARED)
    publish_functions(models, inputs)


def publish_functions(models: Models, inputs: list[gr.Component]) -> None:
    """Add ``compare`` and ``predict`` to the API of the page."""

    def run_compare(
        audio: str, teacher: str, student: str, win_dur: float, hop_dur: float
    ) -> api.Compared:
        return api.compared(compare(models, audio, teacher, student, win_dur, hop_dur))

    def run_predict(audio: str, model: str) -> api.Prediction:
        return api.predict(models, audio, model)

    publish("compare", run_compare, inputs, api.Compared)
    publish("predict", run_predict, [inputs[0], inputs[2]], api.Prediction)


def publish(name: str, run: Callable, inputs: list[gr.Component], kind: type) -> None:
    """Add a function to the API of the page, with the type of its result."""

    @functools.wraps(run)
    def answer(*args: object) -> object:
        try:
            return run(*args)
        except Exception as error:
            raise gr.Error(explanation(error), print_exception=False) from None

    gr.Button(visible=False).click(
        answer,
        inputs,
        Api(None, python_type_to_json_schema(kind), kind.__name__),
        api_name=name,
        api_description=f"{getattr(api, kind.__name__).__doc__} {LIMITS}.",
        **SHARED,
    )


def live_tab(page: gr.Blocks, models: Models, roles: list[gr.Dropdown]) -> None:
    """Tab that shows values of live speech."""
    live = Live(models)
    microphone = gr.Audio(
        sources=["microphone"],
        type="filepath",
        streaming=True,
        label=f"Microphone: {MAX_DUR:.0f} s at most",
        elem_id="microphone",
    )
    output = gr.HTML(meters(None), elem_id="live", js_on_load=STEPS, **PLAIN)

    @shown
    def push(
        path: str | None, teacher: str, student: str, request: gr.Request
    ) -> str | dict:
        view = live.push(request.session_hash, path, teacher, student) if path else None
        return meters(view) if view else gr.skip()

    def forget(request: gr.Request) -> None:
        live.drop(request.session_hash)

    microphone.stream(
        push,
        [microphone, *roles],
        output,
        concurrency_limit=MAX_SESSIONS,
        show_progress="hidden",
        **PRIVATE,
    )
    microphone.start_recording(forget, **PRIVATE)
    page.unload(forget)


def batch_tab(models: Models, roles: list[gr.Dropdown]) -> None:
    """Tab that compares teacher and student on several recordings."""
    files = gr.File(
        file_count="multiple",
        file_types=["audio"],
        label=f"{MAX_FILES} files, each {LIMITS}",
        elem_id="files",
    )
    button = gr.Button("Compare all", variant="primary")
    output = gr.HTML(NOTHING, elem_id="batch", js_on_load=POLITE, **PLAIN)

    @shown
    def show(paths: list[str] | None, teacher: str, student: str) -> str:
        return batch_results(analyse_all(models, paths or [], teacher, student))

    button.click(show, [files, *roles], output, **PRIVATE, **SHARED)
