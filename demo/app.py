"""Layout of the page, and which function runs on which event."""

import functools
import json
import pathlib
from collections.abc import Callable
from typing import Any

import gradio as gr
from gradio.components.api_component import Api
from gradio.context import LocalContext
from gradio_client.utils import python_type_to_json_schema

from audw2s.demo import api
from audw2s.demo.answers import explanation
from audw2s.demo.answers import shown
from audw2s.demo.batch import batch_answer
from audw2s.demo.calls import IS_AWAITED
from audw2s.demo.comparison import HOP_DUR
from audw2s.demo.comparison import WIN_DUR
from audw2s.demo.comparison import compare
from audw2s.demo.limits import AWAITED
from audw2s.demo.limits import MAX_FILES
from audw2s.demo.models import Models
from audw2s.demo.page import PRIVACY
from audw2s.demo.page import QUESTION
from audw2s.demo.page import answer
from audw2s.demo.page import drawings
from audw2s.demo.page import part
from audw2s.demo.page import rendered

POLITE = "element.setAttribute('aria-live', 'polite');"
"""Makes screen readers announce new results."""

NOTHING = '<p class="adv-quiet">How the voice sounds will stand here.</p>'

LIVE = "import(new URL('live/live.js', document.baseURI)).then((live) => live.%s)"
"""Calls a function of the script of live speech."""

WAITING = (
    '<p class="adv-quiet">Waiting for the answer. If none comes, the connection is '
    "lost: load the page again.</p>"
)

PLAIN: dict[str, Any] = {"apply_default_css": False}
PRIVATE: dict[str, Any] = {"api_visibility": "private"}
PROGRESS = gr.Progress()
LATEST: dict[str, Any] = PRIVATE | {"trigger_mode": "always_last"}
SHARED: dict[str, Any] = {"concurrency_id": "analyse", "concurrency_limit": 2}
"""Two requests at a time: one can be drawn while the other is processed."""


def stoppable(run: Callable) -> Callable:
    """Wrap a function that stops when its client doesn't wait any more."""

    @functools.wraps(run)
    def watched(*args: object, **kwargs: object) -> object:
        request = LocalContext.request.get(None)
        if request is not None and request.request is not None:
            AWAITED.set(request.request.scope[IS_AWAITED])
        return run(*args, **kwargs)

    return watched


def script(name: str) -> str:
    """Script of this folder."""
    return pathlib.Path(__file__).with_name(f"{name}.js").read_text()


def giving(*values: str) -> str:
    """JavaScript that gives values to outputs without the server."""
    return f"() => {json.dumps(values)}"


def build(models: Models, clips: dict[str, str]) -> gr.Blocks:
    """Lay out the page.

    Args:
        models: models that can be chosen
        clips: paths of the example clips by label

    """
    with gr.Blocks(
        title="audw2s: how does this voice sound?",
        analytics_enabled=False,
    ) as blocks:
        gr.Markdown(QUESTION)
        named = (("Teacher", models.teacher), ("Student", models.student))
        roles = [
            gr.Dropdown(models.names, value=name, label=label, render=False)
            for label, name in named
        ]
        with gr.Tab("Recording"):
            recording_tab(models, clips, roles)
        with gr.Tab("Live"):
            live_tab(models, roles)
        with gr.Tab("Batch"):
            batch_tab(models, roles)
        with gr.Accordion("Models, for researchers", open=False):
            with gr.Row():
                for role in roles:
                    role.render()
            terms = gr.Markdown(models.terms(models.teacher, models.student))
        gr.on([role.change for role in roles], models.terms, roles, terms, **PRIVATE)
        gr.Markdown(PRIVACY)
    return blocks.queue(default_concurrency_limit=2)


def recording_tab(
    models: Models, clips: dict[str, str], roles: list[gr.Dropdown]
) -> None:
    """Tab that says how the voice of one recording sounds."""
    with gr.Row():
        with gr.Column(scale=2, min_width=300):
            audio = recording_input(models, clips)
        with gr.Column(scale=5, min_width=320):
            output = gr.HTML(
                NOTHING, elem_id="results", js_on_load=script("explorer"), **PLAIN
            )
            selection = gr.HTML("", elem_id="selection", js_on_load=POLITE, **PLAIN)
            segments = gr.HTML("", elem_id="segments", **PLAIN)
    with gr.Accordion("For researchers: both models", open=False):
        with gr.Row():
            win_dur = gr.Number(WIN_DUR, label="Window: seconds around each value")
            hop_dur = gr.Number(HOP_DUR, label="Hop: seconds from value to value")
            button = gr.Button("Compare", variant="primary")
        panel = gr.HTML("", elem_id="comparison", **PLAIN)
        draw = gr.Button("Draw pictures for download")
        links = gr.HTML("", elem_id="drawings", js_on_load=POLITE, **PLAIN)
    inputs: list[Any] = [audio, *roles, win_dur, hop_dur]
    answer_recording(
        models, inputs, button, [output, selection, segments, panel, links]
    )

    @shown
    def show_drawings(*args: Any) -> str:
        return drawings(models, *args)

    draw.click(stoppable(show_drawings), inputs, links, **PRIVATE, **SHARED)

    @shown
    def show_part(path: str, teacher: str, student: str, event: gr.EventData) -> str:
        return part(models, path, teacher, student, event.start, event.end)

    output.select(stoppable(show_part), inputs[:3], selection, **LATEST, **SHARED)
    publish_functions(models, inputs)


def recording_input(models: Models, clips: dict[str, str]) -> gr.File:
    """Recording to upload, to make, or to take from the examples."""
    with gr.Row():
        audio = gr.File(label="Recording", elem_id="speech", height=96, min_width=190)
        gr.HTML(
            rendered("recorder", longest=models.max_dur),
            elem_id="record",
            js_on_load=script("record"),
            min_width=100,
            **PLAIN,
        )
    examples = gr.Dataset(
        components=[audio],
        samples=[[path] for path in clips.values()],
        sample_labels=list(clips),
        label="Examples (emotions are acted, noise is synthetic)",
    )
    examples.click(lambda sample: sample[0], examples, audio, **PRIVATE)
    return audio


def answer_recording(
    models: Models, inputs: list[Any], button: gr.Button, outputs: list[gr.HTML]
) -> None:
    """Empty the outputs at each change of the inputs, and fill them with the answer."""

    def show(*args: Any, progress: gr.Progress = PROGRESS) -> tuple[str, ...]:
        return answer(models, *args, progress=progress)

    fresh = gr.on(
        [*(one.change for one in inputs), button.click],
        None,
        None,
        outputs,
        js=giving(WAITING, *[""] * 4),
        # At once, also while the answer before is on its way
        trigger_mode="multiple",
        **PRIVATE,
    )
    run = stoppable(shown(show, 5))
    fresh.then(run, inputs, outputs, show_progress_on=outputs[0], **LATEST, **SHARED)


def publish_functions(models: Models, inputs: list[gr.Component]) -> None:
    """Add ``compare`` and ``predict`` to the API of the page."""

    def run_compare(
        audio: str, teacher: str, student: str, win_dur: float, hop_dur: float
    ) -> api.Compared:
        return api.compared(compare(models, audio, teacher, student, win_dur, hop_dur))

    def run_predict(audio: str, model: str) -> api.Prediction:
        return api.predict(models, audio, model)

    limits = models.limits
    publish("compare", run_compare, inputs, api.Compared, limits)
    publish("predict", run_predict, [inputs[0], inputs[2]], api.Prediction, limits)


def publish(
    name: str, run: Callable, inputs: list[gr.Component], kind: type, limits: str
) -> None:
    """Add a function to the API of the page, with the type of its result."""

    @functools.wraps(run)
    def answer(*args: object) -> object:
        try:
            return run(*args)
        except Exception as error:
            raise gr.Error(explanation(error), print_exception=False) from None

    gr.Button(visible=False).click(
        stoppable(answer),
        inputs,
        Api(None, python_type_to_json_schema(kind), kind.__name__),
        api_name=name,
        api_description=f"{getattr(api, kind.__name__).__doc__} {limits}.",
        **SHARED,
    )


def live_tab(models: Models, roles: list[gr.Dropdown]) -> None:
    """Tab that shows values of live speech, by scripts of its own."""
    names = json.dumps({"teacher": models.teacher, "student": models.student})
    gr.HTML(elem_id="live", js_on_load=LIVE % f"open(element, {names})", **PLAIN)
    choose = f"(teacher, student) => {LIVE % 'choose({ teacher, student })'}"
    gr.on([role.change for role in roles], None, roles, js=choose, **PRIVATE)


def batch_tab(models: Models, roles: list[gr.Dropdown]) -> None:
    """Tab that compares teacher and student on several recordings."""
    files = gr.File(
        file_count="multiple",
        label=f"{MAX_FILES} files, each {models.limits}",
        elem_id="files",
    )
    button = gr.Button("Compare all", variant="primary")
    output = gr.HTML(
        NOTHING, elem_id="batch", js_on_load=POLITE + script("batch"), **PLAIN
    )
    with gr.Accordion("For researchers: agreement of the models", open=False):
        panel = gr.HTML("", elem_id="agreement", **PLAIN)
    inputs: list[Any] = [files, *roles]
    outputs = [output, panel]

    def show(
        paths: list[str] | None,
        teacher: str,
        student: str,
        progress: gr.Progress = PROGRESS,
    ) -> tuple[str, str]:
        return batch_answer(models, paths, teacher, student, progress)

    for events, text in (
        ([one.change for one in inputs], NOTHING),
        ([button.click], WAITING),
    ):
        gr.on(events, None, None, outputs, js=giving(text, ""), **PRIVATE)
    run = stoppable(shown(show, 2))
    button.click(run, inputs, outputs, show_progress_on=output, **PRIVATE, **SHARED)
