"""Layout of the page, and which function runs on which event."""

import contextlib
import json
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from functools import partial
from typing import Any

import gradio as gr
from gradio.components.api_component import Api
from gradio_client.utils import python_type_to_json_schema

from audw2s.demo import api
from audw2s.demo import page
from audw2s.demo.batch import batch_answer
from audw2s.demo.calls import IS_AWAITED
from audw2s.demo.job import Job
from audw2s.demo.limits import HOP_DUR
from audw2s.demo.limits import MAX_FILES
from audw2s.demo.limits import WIN_DUR
from audw2s.demo.models import Models
from audw2s.demo.words import WORDS
from audw2s.demo.words import explanation

TEXTS = WORDS["page"]

POLITE = "element.setAttribute('aria-live', 'polite');"
"""Makes screen readers announce new results."""

NOTHING = f'<p class="adv-quiet">{TEXTS["nothing"]}</p>'
WAITING = f'<p class="adv-quiet">{TEXTS["waiting"]}</p>'

SCRIPT = "import(new URL('live/%s.js', document.baseURI)).then((script) => script.%s)"
"""Calls a function of a script of the page."""

html = partial(gr.HTML, apply_default_css=False, js_on_load=None)
"""Piece of HTML that only has a style of ours."""

PRIVATE: dict[str, Any] = {"api_visibility": "private"}
LATEST: dict[str, Any] = PRIVATE | {"trigger_mode": "always_last"}
SHARED: dict[str, Any] = {"concurrency_id": "analyse", "concurrency_limit": 2}
"""Two requests at a time: one can be drawn while the other is processed."""


def job(models: Models, request: gr.Request) -> Job:
    """Job of a request."""
    assert request.request is not None
    return Job(models, gr.Progress(), request.request.scope[IS_AWAITED])


class Answers:
    """Outputs of a tab, which never stand under other inputs.

    ``scripts/answers.js`` counts changes of the inputs. What was asked for before the
    last one isn't shown.

    Args:
        models: models of the page
        tab: name of the tab
        inputs: components
        outputs: pieces of HTML

    """

    def __init__(self, models: Models, tab: str, inputs: list, outputs: list[gr.HTML]):
        self.models = models
        self.tab = tab
        self.inputs = inputs
        self.outputs = outputs

    def empty(self, events: Sequence[Callable], is_asked: bool) -> Any:
        """Empty the outputs at each event; the first one says what will come.

        Args:
            events: listeners of Gradio
            is_asked: whether an answer is asked for; if not, nothing is emptied at
                changes that are told late, after it was asked for the same inputs

        """
        details = {"tab": self.tab, "numInputs": len(self.inputs), "isAsked": is_asked}
        given = json.dumps(details | {"text": WAITING if is_asked else NOTHING})
        js = f"(...values) => answers.emptied({given}, values)"
        # At once, also while an answer is on its way
        options = PRIVATE | {"trigger_mode": "multiple", "js": js}
        values = [*self.inputs, *self.outputs]
        return gr.on(events, None, values, self.outputs, **options)

    def fill(
        self, event: Callable, run: Callable, inputs: list, outputs: list, *details: str
    ) -> None:
        """Fill outputs at an event with what a function returns, or with its error.

        Args:
            event: listener of Gradio
            run: function that takes a job, the inputs and details of the event, and
                returns a tuple of HTML
            inputs: components
            outputs: pieces of HTML
            details: attributes of the event

        """
        answer = gr.JSON(visible=False)

        def answered(request: gr.Request, given: gr.EventData, *values: Any) -> dict:
            *args, count = values
            args += [getattr(given, name) for name in details]
            try:
                texts = run(job(self.models, request), *args)
            except Exception as error:
                texts = (page.rendered("message.html", text=explanation(error)),)
            return {"count": count, "texts": texts}

        counted = f"(...values) => answers.counted('{self.tab}', values)"
        filled = f"(answer, ...old) => answers.filled('{self.tab}', answer, old)"
        options = LATEST | SHARED | {"js": counted, "show_progress_on": outputs[0]}
        done = event(answered, [*inputs, answer], answer, **options)
        done.then(None, [answer, *outputs], outputs, js=filled, **PRIVATE)


def build(models: Models, clips: dict[str, str]) -> gr.Blocks:
    """Lay out the page.

    Args:
        models: models that can be chosen
        clips: paths of the example clips by label

    """
    with gr.Blocks(title="audw2s: how does this voice sound?") as blocks:
        gr.Markdown(TEXTS["question"])
        teacher, student = models.settings.teacher, models.settings.student
        roles = [
            gr.Dropdown(models.names, value=name, label=label, render=False)
            for name, label in ((teacher, "Teacher"), (student, "Student"))
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
            terms = gr.Markdown(page.terms(teacher, student))
        gr.on([role.change for role in roles], page.terms, roles, terms, **PRIVATE)
        gr.Markdown(TEXTS["privacy"])
    return blocks.queue(default_concurrency_limit=2)


def recording_tab(
    models: Models, clips: dict[str, str], roles: list[gr.Dropdown]
) -> None:
    """Tab that says how the voice of one recording sounds."""
    with gr.Row():
        with gr.Column(scale=2, min_width=300):
            audio = recording_input(models, clips)
        with gr.Column(scale=5, min_width=320):
            explorer = SCRIPT % ("explorer", "open(element, watch, trigger)")
            output = html(NOTHING, elem_id="results", js_on_load=explorer)
            selection = html(elem_id="selection", js_on_load=POLITE)
            segments = html(elem_id="segments")
    with gr.Accordion("For researchers: both models", open=False):
        with gr.Row():
            win_dur = gr.Number(WIN_DUR, label="Window: seconds around each value")
            hop_dur = gr.Number(HOP_DUR, label="Hop: seconds from value to value")
            button = gr.Button("Compare", variant="primary")
        panel = html(elem_id="comparison")
        draw = gr.Button("Draw pictures for download")
        links = html(elem_id="drawings", js_on_load=POLITE)
    inputs: list[Any] = [audio, *roles, win_dur, hop_dur]
    outputs = [output, selection, segments, panel, links]
    answers = Answers(models, "recording", inputs, outputs)
    changes = [*(component.change for component in inputs), button.click]
    asked = answers.empty(changes, is_asked=True)
    answers.fill(asked.then, page.answer, inputs, outputs)
    answers.fill(draw.click, page.drawings, inputs, [links])
    answers.fill(output.select, page.part, inputs[:3], [selection], "start", "end")
    publish_functions(models, inputs)


def recording_input(models: Models, clips: dict[str, str]) -> gr.File:
    """Recording to upload, to make, or to take from the examples."""
    with gr.Row():
        audio = gr.File(label="Recording", elem_id="speech", height=96, min_width=190)
        record = SCRIPT % ("record", f"open(element, {models.settings.max_dur})")
        html(elem_id="record", js_on_load=record, min_width=100)
    examples = gr.Dataset(
        components=[audio],
        samples=[[path] for path in clips.values()],
        sample_labels=list(clips),
        label="Examples (emotions are acted, noise is synthetic)",
    )
    examples.click(lambda sample: sample[0], examples, audio, **PRIVATE)
    return audio


def publish_functions(models: Models, inputs: list[Any]) -> None:
    """Add ``compare`` and ``predict`` to the API of the page, with types of results."""

    @explained()
    def compare(audio, teacher, student, win_dur, hop_dur, request: gr.Request):
        chosen = teacher, student, win_dur, hop_dur
        return api.compared(job(models, request), audio, *chosen)

    @explained()
    def predict(audio, model, request: gr.Request):
        return api.predict(job(models, request), audio, model)

    for run, kind, given in (
        (compare, api.Compared, inputs),
        (predict, api.Prediction, [inputs[0], inputs[2]]),
    ):
        result = Api(None, python_type_to_json_schema(kind), kind.__name__)
        description = f"{kind.__doc__} {models.limits}."
        asked = gr.Button(visible=False).click
        asked(run, given, result, api_description=description, **SHARED)


@contextlib.contextmanager
def explained() -> Iterator[None]:
    """Turn errors into sentences for programs."""
    try:
        yield
    except Exception as error:
        raise gr.Error(explanation(error), print_exception=False) from None


def live_tab(models: Models, roles: list[gr.Dropdown]) -> None:
    """Tab that shows values of live speech, by scripts of its own."""
    chosen = models.settings
    names = json.dumps({"teacher": chosen.teacher, "student": chosen.student})
    html(elem_id="live", js_on_load=SCRIPT % ("live", f"open(element, {names})"))
    js = "(teacher, student) => " + SCRIPT % ("live", "choose({ teacher, student })")
    gr.on([role.change for role in roles], None, roles, js=js, **PRIVATE)


def batch_tab(models: Models, roles: list[gr.Dropdown]) -> None:
    """Tab that compares teacher and student on several recordings."""
    label = f"{MAX_FILES} files, each {models.limits}"
    files = gr.File(file_count="multiple", label=label, elem_id="files")
    button = gr.Button("Compare all", variant="primary")
    sort = SCRIPT % ("sort", "open(element, watch)")
    output = html(NOTHING, elem_id="batch", js_on_load=POLITE + sort)
    with gr.Accordion("For researchers: agreement of the models", open=False):
        panel = html(elem_id="agreement")
    inputs: list[Any] = [files, *roles]
    answers = Answers(models, "batch", inputs, [output, panel])
    answers.empty([component.change for component in inputs], is_asked=False)
    asked = answers.empty([button.click], is_asked=True)
    answers.fill(asked.then, batch_answer, inputs, [output, panel])
