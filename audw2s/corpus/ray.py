"""Process files on several machines, by actors of a Ray cluster."""

import contextlib
import dataclasses
import importlib
import sys

from audw2s.corpus.child_process import ChildProcess
from audw2s.corpus.child_process import WorkerDiedError
from audw2s.corpus.options import Options
from audw2s.corpus.progress import Progress
from audw2s.corpus.ray_actor import Work
from audw2s.corpus.shards import Shards
from audw2s.corpus.task import Task
from audw2s.errors import ClusterLostError


def run(
    options: Options,
    shards: Shards,
    tasks: list[Task],
    progress: Progress,
) -> None:
    """Process files by the actors of a cluster.

    Args:
        options: options of the run, those of the cluster among them
        shards: shards of the run
        tasks: files
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
        shards.storage.root,
        dataclasses.replace(options, address=address),
        shards.identity,
        shards.prefix,
        runtime_env,
    )
    driver = ChildProcess("audw2s.corpus.ray_driver")
    with contextlib.closing(driver):
        driver.send((work, tasks))
        try:
            while (reply := driver.receive()) is not None:
                if isinstance(reply, Exception):
                    raise reply
                for finished in reply:
                    progress.update(finished)
        except WorkerDiedError as error:
            raise ClusterLostError(
                f"The Ray at {address or 'this machine'} was lost ({error}). "
                "Finished results are kept: run the same command when it is there "
                "again."
            ) from None


def _connection() -> tuple[str | None, dict[str, object] | None]:
    """Address and environment of the cluster that this process is connected to."""
    ray = sys.modules["ray"]
    if not ray.is_initialized():
        return None, None
    context = ray.get_runtime_context()
    return context.gcs_address, dict(context.runtime_env)
