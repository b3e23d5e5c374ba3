"""Process files on several machines, by actors of a Ray cluster."""

import contextlib
import dataclasses
import importlib
import sys
from collections.abc import Sequence

from audw2s.corpus.job import Job
from audw2s.corpus.options import Options
from audw2s.corpus.progress import Progress
from audw2s.corpus.ray_actor import Done
from audw2s.corpus.ray_actor import Work
from audw2s.corpus.shards import Shards
from audw2s.corpus.workers import ChildProcess
from audw2s.corpus.workers import WorkerDiedError
from audw2s.errors import ClusterLostError


def run(
    job: Job,
    options: Options,
    shards: Shards,
    unfinished: Sequence[list[int]],
    progress: Progress,
) -> None:
    """Process files by the actors of a cluster.

    Args:
        job: folder of the run
        options: options of the run, those of the cluster among them
        shards: shards of the run, to which new ones are added
        unfinished: positions of the inputs of each file
        progress: progress that is updated

    Raises:
        ConnectionError: if the cluster can't be reached
        ClusterLostError: if it is lost while it works
        ValueError: if the options don't fit, or its machines differ
        OSError: if a worker can't write
        ModuleNotFoundError: if there is no Ray

    """
    if (options.address or "").startswith("ray://"):
        raise ValueError(
            "Datasets of Ray don't go through ray://: run the command on a machine "
            "of the cluster with the address auto, or by 'ray job submit'."
        )
    importlib.import_module("ray")
    address, runtime_env = options.address, None
    if address is None:
        address, runtime_env = _connection()
    work = Work(
        job.storage.url,
        dataclasses.replace(options, address=address),
        job.identity,
        shards.prefix,
        runtime_env,
    )
    driver = ChildProcess("audw2s.corpus.ray_driver")
    with contextlib.closing(driver):
        driver.send((work, [shards.inputs.task(numbers) for numbers in unfinished]))
        try:
            while (reply := driver.receive()) is not None:
                if not isinstance(reply, Done):
                    raise reply
                shards.add(reply.shards)
                progress.update(reply.counts)
        except WorkerDiedError:
            raise ClusterLostError(
                f"The Ray at {address or 'this machine'} was lost ({driver.end()}). "
                "Finished results are kept: run the same command when it is there "
                "again."
            ) from None
    shards.remove_lost()


def _connection() -> tuple[str | None, dict[str, object] | None]:
    """Address and environment of the cluster that this process is connected to."""
    ray = sys.modules["ray"]
    if not ray.is_initialized():
        return None, None
    context = ray.get_runtime_context()
    return context.gcs_address, dict(context.runtime_env)
