"""Process files on several machines: a Ray dataset of partitions, and actors."""

import contextlib
import dataclasses
import logging
import math
import os
import pickle
import signal
import socket
import threading
import time
from collections.abc import Iterator
from collections.abc import Sequence

from audw2s.corpus.inputs import Unit
from audw2s.corpus.progress import Progress
from audw2s.corpus.ray_actor import Failed
from audw2s.corpus.ray_actor import Partition
from audw2s.corpus.ray_actor import ShardActor
from audw2s.corpus.ray_actor import Work
from audw2s.corpus.shards import Shards
from audw2s.corpus.workers import num_cores

SHARES = 4
"""Smallest number of partitions per worker, so that all end at about the same time."""

PATIENCE = 10.0
"""Time limit in seconds to connect to a cluster."""

LOST_AFTER = 45.0
"""Seconds after which a cluster that doesn't answer is lost. After 60 s Ray ends the
process, with an exit code that has another meaning here."""

OWN_MEMORY = 100_000_000
"""Size in bytes of the object store of a local Ray, which is hardly used."""


@dataclasses.dataclass(frozen=True)
class Cluster:
    """Ray cluster and its resources.

    Files need the same paths on all machines, and all machines need the same version of
    audw2s and the same models.

    Args:
        address: ``"auto"`` or ``"HOST:PORT"``; ``None`` for the cluster that this
            process is connected to, or else a local one
        num_workers: number of actors, ``None`` for as many as fit
        cpus_per_worker: number of cores of an actor, which processes as many files at
            once
        gpus_per_worker: number of GPUs of an actor, also a fraction

    """

    address: str | None = None
    num_workers: int | None = None
    cpus_per_worker: int = 1
    gpus_per_worker: float = 0.0

    @contextlib.contextmanager
    def connected(self) -> Iterator[None]:
        """Connect to the cluster, or start a local one.

        Raises:
            ConnectionError: if it can't be reached
            ValueError: if the address is that of a Ray client

        """
        if self.address is not None and self.address.startswith("ray://"):
            raise ValueError(
                "Datasets of Ray don't go through ray://: run the command on a machine "
                "of the cluster with the address auto, or by 'ray job submit'."
            )
        # No usage statistics, few messages on stderr
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
        import ray

        if ray.is_initialized():
            with _watched(self.address):
                yield
            return
        quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
        try:
            _knock(self.address)
            if self.address is None:
                ray.init("local", **quiet, **self._own())
            else:
                ray.init(self.address, **quiet)
        except Exception as error:
            reason = " ".join(str(error).split())
            where = self.address or "this machine"
            raise ConnectionError(f"There is no Ray at {where}: {reason}") from error
        try:
            with _watched(self.address):
                yield
        finally:
            ray.shutdown()

    def _own(self) -> dict[str, object]:
        """Resources of a local Ray."""
        workers = self.num_workers or max(1, num_cores() // self.cpus_per_worker)
        return {
            "num_cpus": workers * self.cpus_per_worker,
            "object_store_memory": OWN_MEMORY,
            "include_dashboard": False,
            # By default workers of Ray have a lower priority than other processes
            "_system_config": {"worker_niceness": 0},
        }

    def size(self) -> int:
        """Return the number of workers.

        Raises:
            ValueError: if the cluster has too few resources for one

        """
        import ray

        if self.num_workers is not None:
            return self.num_workers
        there = ray.cluster_resources()
        cpus, gpus = there.get("CPU", 0), there.get("GPU", 0)
        room = cpus // self.cpus_per_worker
        if self.gpus_per_worker:
            room = min(room, gpus // self.gpus_per_worker)
        if not room:
            raise ValueError(
                f"The cluster has {cpus:g} CPUs and {gpus:g} GPUs, a worker needs "
                f"{self.cpus_per_worker} and {self.gpus_per_worker:g}."
            )
        return int(room)

    def run(self, work: Work, partitions: Sequence[Partition]) -> Iterator[object]:
        """Process partitions, and repeat those that are lost with a machine.

        Args:
            work: settings of the workers
            partitions: partitions to distribute to the workers

        Yields:
            :class:`audw2s.corpus.ray_actor.Done` or
            :class:`audw2s.corpus.ray_actor.Failed` of each partition, in the order in
            which they are finished

        Raises:
            ChildProcessError: if workers can't be started

        """
        import ray

        with _quietly():
            rows = [{"partition": pickle.dumps(partition)} for partition in partitions]
            dataset = ray.data.from_items(rows, override_num_blocks=len(rows))
            found = dataset.map_batches(
                ShardActor,
                fn_constructor_args=(work,),
                batch_size=None,
                compute=ray.data.ActorPoolStrategy(size=min(self.size(), len(rows))),
                num_cpus=self.cpus_per_worker,
                num_gpus=self.gpus_per_worker,
            )
            # Unless told otherwise Ray Data starts lost actors again, elsewhere, with
            # what they were at, as often as it takes
            batches = found.iter_batches(batch_size=None, prefetch_batches=0)
            try:
                for batch in batches:
                    yield from map(pickle.loads, batch["reply"])
            except Exception as error:
                reason = str(error).strip().splitlines() or [type(error).__name__]
                raise ChildProcessError(
                    f"Ray gave up: {reason[-1]} Finished results are kept: correct "
                    "this, and run the same command to resume."
                ) from error


def _knock(address: str | None) -> None:
    """Raise an error if nothing answers, as Ray would try for minutes."""
    host, _, port = (address or "").rpartition("://")[2].rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host, int(port)), timeout=PATIENCE).close()


@contextlib.contextmanager
def _watched(address: str | None) -> Iterator[None]:
    """Raise an error if the head of a cluster is lost, before Ray ends the process.

    Args:
        address: address of the cluster, for the message

    Raises:
        ConnectionError: if it is lost

    """
    import ray

    lost, stopped = threading.Event(), threading.Event()
    # Only the main thread can be interrupted
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    head = ray.get_runtime_context().gcs_address
    thread = threading.Thread(target=_watch, args=(head, lost, stopped), daemon=True)
    thread.start()
    try:
        yield
    except (Exception, KeyboardInterrupt) as error:
        if not lost.is_set():
            raise
        where = address or head
        raise ConnectionError(
            f"The Ray at {where} doesn't answer any more. Finished results are kept: "
            "run the same command when it is there again."
        ) from error
    finally:
        stopped.set()


def _watch(head: str, lost: threading.Event, stopped: threading.Event) -> None:
    """Check the connection; interrupt the main thread if the cluster is lost."""
    last = time.monotonic()
    while not stopped.wait(LOST_AFTER / 10):
        with contextlib.suppress(OSError):
            _knock(head)
            last = time.monotonic()
        if time.monotonic() - last > LOST_AFTER:
            lost.set()
            os.kill(os.getpid(), signal.SIGINT)
            return


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Hide progress bars and messages of Ray Data."""
    import ray

    context = ray.data.DataContext.get_current()
    names = ("enable_progress_bars", "print_on_execution_start")
    before = {name: getattr(context, name) for name in names}
    logger = logging.getLogger("ray.data")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    for name in names:
        setattr(context, name, False)
    try:
        yield
    finally:
        logger.setLevel(level)
        for name, value in before.items():
            setattr(context, name, value)


def predict(
    cluster: Cluster,
    work: Work,
    shards: Shards,
    units: Sequence[Unit],
    progress: Progress,
) -> None:
    """Process files by the workers of a cluster.

    Args:
        cluster: cluster of the workers
        work: settings of the workers
        shards: shards of the run, to which new ones are added
        units: files to process
        progress: progress that is updated

    Raises:
        ConnectionError: if the cluster can't be reached
        ValueError: if the settings don't fit, or its machines differ
        OSError: if a worker can't write

    """
    with cluster.connected():
        partitions = divide(shards, units, work.shard_size, cluster.size())
        replies = cluster.run(work, partitions)
        with contextlib.closing(replies):
            for reply in replies:
                if isinstance(reply, Failed):
                    raise _error(reply)
                for written in reply.shards:
                    shards.add(written)
                progress.update(reply.found)
    shards.remove_unknown()


def divide(
    shards: Shards,
    units: Sequence[Unit],
    shard_size: int,
    num_workers: int,
) -> list[Partition]:
    """Divide files into partitions, in their order.

    Args:
        shards: shards of the run, with its inputs and the number of the next shard
        units: files to process; all segments of a file are in one partition
        shard_size: largest number of inputs of a partition
        num_workers: number of workers, each of which gets some, if there are enough

    """
    total = sum(len(unit.numbers) for unit in units)
    size = min(shard_size, math.ceil(total / (SHARES * num_workers)))
    chunks: list[list[Unit]] = []
    count = size
    for unit in units:
        if count + len(unit.numbers) > size:
            chunks.append([])
            count = 0
        chunks[-1].append(unit)
        count += len(unit.numbers)
    return [
        Partition(shards.next + number, [shards.inputs.piece(unit) for unit in chunk])
        for number, chunk in enumerate(chunks)
    ]


def _error(failed: Failed) -> Exception:
    if failed.is_wrong:
        return ValueError(failed.reason)
    return OSError(failed.reason)
