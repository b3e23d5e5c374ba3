"""Process that speaks to Ray, as Ray ends the processes that lose its daemons.

It reads a pickle from stdin: :class:`audw2s.corpus.ray_actor.Work`, and the tasks. It
writes pickles to stdout: lists of the counts of tasks,
then ``None``, or the error that ends the run.
"""

import logging
import math
import os
import pickle
import queue
import socket
import threading
from collections.abc import Iterator
from typing import Any

from audw2s.corpus.child_process import num_cores
from audw2s.corpus.options import Options
from audw2s.corpus.progress import Counts
from audw2s.corpus.ray_actor import ShardActor
from audw2s.corpus.ray_actor import Work
from audw2s.corpus.task import Task
from audw2s.corpus.worker import pipes
from audw2s.corpus.worker import read

SHARES = 4
"""Smallest number of blocks per actor, so that all end at about the same time."""

PATIENCE = 10.0
"""Time limit in seconds to connect to a cluster."""

OBJECT_MEMORY = 100_000_000
"""Size in bytes of the object store of a local Ray, which is hardly used."""


def connect(work: Work) -> None:
    """Connect to the cluster, or start a local one.

    Raises:
        ConnectionError: if it can't be reached

    """
    import ray

    options = work.options
    local: dict[str, Any] = {}
    if options.address is None:
        actors = options.num_workers or max(1, num_cores() // options.cpus_per_worker)
        local = {
            "num_cpus": actors * options.cpus_per_worker,
            "object_store_memory": OBJECT_MEMORY,
            "include_dashboard": False,
            # By default workers of Ray have a lower priority than other processes
            "_system_config": {"worker_niceness": 0},
        }
    try:
        host, _, port = (options.address or "").rpartition(":")
        if port.isdigit():
            # Ray would try for minutes
            socket.create_connection((host, int(port)), timeout=PATIENCE).close()
        ray.init(
            options.address or "local",
            runtime_env=work.runtime_env,
            log_to_driver=False,
            logging_level=logging.CRITICAL,
            **local,
        )
    except Exception as error:
        reason = " ".join(str(error).split())
        where = options.address or "this machine"
        raise ConnectionError(f"There is no Ray at {where}: {reason}") from error


def num_actors(options: Options) -> int:
    """Number of actors: as many as are wanted, or fit into the cluster.

    Raises:
        ValueError: if the cluster has too few resources for one

    """
    import ray

    if options.num_workers is not None:
        return options.num_workers
    resources = ray.cluster_resources()
    cpus, gpus = resources.get("CPU", 0), resources.get("GPU", 0)
    needs = (cpus, options.cpus_per_worker), (gpus, options.gpus_per_worker)
    room = min(there // needed for there, needed in needs if needed)
    if not room:
        raise ValueError(
            f"The cluster has {cpus:g} CPUs and {gpus:g} GPUs, a worker needs "
            f"{options.cpus_per_worker} and {options.gpus_per_worker:g}."
        )
    return int(room)


def run(work: Work, tasks: list[Task]) -> Iterator[list[Counts] | Exception]:
    """Process files by the actors of a cluster; Ray repeats what machines lose.

    Raises:
        ConnectionError: if the cluster can't be reached
        ValueError: if it has too few resources
        ChildProcessError: if actors can't be started

    """
    import ray

    connect(work)
    options, actors = work.options, num_actors(work.options)
    # A block is what an actor gets, and what is processed again if it is lost
    blocks = max(SHARES * actors, math.ceil(len(tasks) / options.shard_size))
    blocks = min(blocks, len(tasks))
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = context.print_on_execution_start = False
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)
    rows = [{"task": pickle.dumps(task)} for task in tasks]
    dataset = ray.data.from_items(rows, override_num_blocks=blocks).map_batches(
        ShardActor,
        fn_constructor_args=(work,),
        batch_size=None,
        compute=ray.data.ActorPoolStrategy(size=min(actors, blocks)),
        num_cpus=options.cpus_per_worker,
        num_gpus=options.gpus_per_worker,
    )
    try:
        for batch in dataset.iter_batches(batch_size=None, prefetch_batches=0):
            yield from map(pickle.loads, batch["reply"])
    except Exception as error:
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise ChildProcessError(
            f"Ray gave up: {reason[-1]} Finished results are kept: correct this, and "
            "run the same command to resume."
        ) from error


def main() -> None:
    """Process the files that are named on stdin; end with the process that asks."""
    source, write = pipes()
    work, tasks = pickle.load(source)
    threading.Thread(
        target=read, args=(source, queue.SimpleQueue()), daemon=True
    ).start()
    # No usage statistics, few messages on stderr
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    try:
        for reply in run(work, tasks):
            write(reply)
        write(None)
    except (OSError, ValueError, ModuleNotFoundError) as error:
        write(error)


if __name__ == "__main__":
    main()
