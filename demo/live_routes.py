"""Routes of live speech: samples that browsers send, and scripts of the page."""

import pathlib
from collections.abc import Mapping

import numpy as np
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.routing import Mount
from starlette.routing import Route
from starlette.staticfiles import StaticFiles

from audw2s.audio import statuses
from audw2s.demo.answers import explanation
from audw2s.demo.calls import client_of
from audw2s.demo.guard import refusal
from audw2s.demo.limits import MAX_DUR
from audw2s.demo.limits import RefusedError
from audw2s.demo.live import MAX_CHUNK_DUR
from audw2s.demo.live import STATUSES
from audw2s.demo.live import UPDATE_DUR
from audw2s.demo.live import Chunk
from audw2s.demo.live import Live
from audw2s.demo.models import Models
from audw2s.model.registry import DIMENSIONS

RATES = range(8000, 192_001)
"""Sampling rates of microphones in Hz."""

SCRIPTS = pathlib.Path(__file__).with_name("live_page")

FACTS = {
    "dimensions": DIMENSIONS,
    "limits": {
        "duration": MAX_DUR,
        "chunkDur": MAX_CHUNK_DUR,
        "updateDur": UPDATE_DUR,
        "loud": statuses.LOUD,
        "fullScale": statuses.FULL_SCALE,
        "clippedShare": statuses.CLIPPED_SHARE,
    },
    "statuses": STATUSES,
}
"""Limits and words that the scripts read, as those of the static page do."""


def live_routes(models: Models) -> BaseRoute:
    """Routes below ``/live``.

    Args:
        models: models of the page

    """
    live = Live(models)

    async def push(request: Request) -> Response:
        body = await request.body()
        try:
            chunk = read_chunk(client_of(request), request.query_params, body)
            return JSONResponse(await run_in_threadpool(live.push, chunk))
        except Exception as error:
            status = 400 if isinstance(error, RefusedError) else 500
            return refusal(status, explanation(error))

    async def facts(request: Request) -> Response:
        return JSONResponse(FACTS)

    # Both pages share scripts
    scripts = StaticFiles(directory=SCRIPTS, packages=[("audw2s.demo", "static")])
    return Mount(
        "/live",
        routes=[
            Route("/push", push, methods=["POST"]),
            Route("/facts.json", facts),
            Mount("/", scripts),
        ],
    )


def read_chunk(client: str, query: Mapping[str, str], body: bytes) -> Chunk:
    """Read a request: JSON would be three times as large.

    Raises:
        RefusedError: if something is missing, or out of range

    """
    try:
        chunk = Chunk(
            client=client,
            session=query["session"],
            teacher=query["teacher"],
            student=query["student"],
            sampling_rate=int(query["rate"]),
            first=int(query["first"]),
            samples=np.frombuffer(body, "<i2"),
            is_last=query["last"] == "1",
            num_student=int(query["student_points"]),
            num_teacher=int(query["teacher_points"]),
        )
    except (KeyError, ValueError) as error:
        raise RefusedError(f"This isn't a chunk of live speech: {error}.") from None
    counts = chunk.first, chunk.num_student, chunk.num_teacher
    if chunk.sampling_rate not in RATES or min(counts) < 0:
        raise RefusedError("This isn't a chunk of live speech: a number is wrong.")
    return chunk
