"""Routes of live speech: samples that browsers send, and scripts of the page."""

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

from audw2s.demo.calls import client_of
from audw2s.demo.limits import MAX_DUR
from audw2s.demo.live import MAX_CHUNK_DUR
from audw2s.demo.live import UPDATE_DUR
from audw2s.demo.live import Chunk
from audw2s.demo.live import Live
from audw2s.demo.models import Models
from audw2s.demo.page import rendered
from audw2s.demo.words import RefusedError


def live_routes(models: Models) -> BaseRoute:
    """Routes below ``/live``.

    Args:
        models: models of the page

    """
    live = Live(models)

    async def push(request: Request) -> Response:
        body = await request.body()
        chunk = read_chunk(client_of(request), request.query_params, body)
        return JSONResponse(await run_in_threadpool(live.push, chunk))

    durations = {"chunk_dur": MAX_CHUNK_DUR, "update_dur": UPDATE_DUR}
    facts = rendered("facts.json", duration=MAX_DUR, **durations)
    # Both pages share those of the static one
    scripts = [("audw2s.demo", folder) for folder in ("scripts", "static")]
    routes = [
        Route("/push", push, methods=["POST"]),
        Route("/facts.json", Response(facts, media_type="application/json")),
        Mount("/", StaticFiles(packages=[*scripts])),
    ]
    return Mount("/live", routes=routes)


def read_chunk(client: str, query: Mapping[str, str], body: bytes) -> Chunk:
    """Read a request: JSON would be three times as large.

    Raises:
        RefusedError: if something is missing, or out of range

    """
    try:
        samples = np.frombuffer(body, "<i2")
        return Chunk.model_validate({**query, "client": client, "samples": samples})
    except ValueError as error:
        reason = str(error).replace("\n", " ")
        raise RefusedError("no_chunk", reason=reason) from None
