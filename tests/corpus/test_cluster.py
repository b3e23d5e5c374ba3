"""A Ray cluster gives what one machine gives, whatever is lost on the way."""

import io
import os
import pathlib
import pickle
import signal
import threading

import numpy as np
import pandas as pd
import pytest
import s3
from commands import MonitoredPredictor
from commands import annotate
from full import full
from waiting import MAX_DUR
from waiting import wait_until

import audw2s
from audw2s.corpus.storage import Folder

ray = pytest.importorskip("ray", reason='needs Ray: pip install "audw2s[ray]"')

from audw2s.corpus.options import Options  # noqa: E402
from audw2s.corpus.ray_actor import ShardActor  # noqa: E402
from audw2s.corpus.ray_actor import Work  # noqa: E402
from audw2s.corpus.task import OPEN  # noqa: E402
from audw2s.corpus.task import Task  # noqa: E402

FEW_DAEMONS = {
    "object_store_memory": 100_000_000,
    "include_dashboard": False,
    "include_log_monitor": False,
    # Of the autoscaler
    "no_monitor": True,
}
"""Settings of a machine, without what runs don't need, and takes seconds to start."""


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """What all processes of the cluster see: a decoder that is watched, a store."""
    watched = MonitoredPredictor(tmp_path_factory.mktemp("cluster") / "watched")
    with pytest.MonkeyPatch.context() as patch, s3.running() as server:
        for name in list(os.environ):
            if name.lower().endswith("_proxy"):
                patch.delenv(name)
        for name, value in server.environment.items():
            patch.setenv(name, value)
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        # The machine may be busy, and Ray's workers would wait for all others
        patch.setenv("RAY_worker_niceness", "0")
        for name in ("PYTHONPATH", "OPENED"):
            patch.setenv(name, watched.env[name])
        yield watched, server


@pytest.fixture(scope="module")
def cluster(environment):
    """Two machines of a core each, and one that only keeps books."""
    from ray.cluster_utils import Cluster

    quick = {"health_check_period_ms": 500, "health_check_failure_threshold": 4}
    head = {"num_cpus": 0, "_system_config": quick, **FEW_DAEMONS}
    found = Cluster(initialize_head=True, head_node_args=head)
    try:
        found.machines = [found.add_node(num_cpus=1, **FEW_DAEMONS) for _ in range(2)]
        found.wait_for_nodes()
        # Runs in this process take this connection
        ray.init(found.address, log_to_driver=False)
        yield found
    finally:
        ray.shutdown()
        found.shutdown()


@pytest.fixture
def watched(environment):
    """Give the decoder's log, empty, and files that take no longer than usual."""
    watched, _ = environment
    watched.log.unlink(missing_ok=True)
    yield watched
    slow(watched, False)


def slow(watched: MonitoredPredictor, wanted: bool) -> None:
    watched.slow.touch() if wanted else watched.slow.unlink(missing_ok=True)


def table(out) -> pd.DataFrame:
    return pd.read_parquet(out / "table.parquet")


def test_windows_of_segments_of_usable_and_unusable_files(cluster, damaged, tmp_path):
    crash = tmp_path / "crash.wav"
    crash.write_bytes(b"RIFF\0\0\0\0WAVE")
    rows = [f"{file},0," for file, _ in damaged.values()]
    good = damaged["24bit.wav"][0]
    rows += [f"{good},0.5,2.25", f"{crash},0,", f"{good},3,9", "s3://b/a.wav,0,1"]
    listed = tmp_path / "list.csv"
    listed.write_text("\n".join(["file,start,end", *rows]))
    models = ["wav2small", "whisper-tiny-adv"]
    options = {"model": models, "win_dur": 1.0, "hop_dur": 0.5}
    whole = audw2s.annotate(str(listed), **options)
    assert set(whole["status"]) >= {status for _, status in damaged.values()}
    out = tmp_path / "out"
    frame = audw2s.annotate(
        str(listed), str(out), engine="ray", num_workers=2, shard_size=5, **options
    )
    pd.testing.assert_frame_equal(frame, whole)
    assert frame.attrs == whole.attrs
    crashed = frame[frame["file"] == str(crash)].iloc[0]
    assert crashed["message"] == "the decoder crashed (SIGSEGV)"
    pd.testing.assert_frame_equal(table(out), whole)


def test_lost_machines_and_workers_are_replaced(cluster, corpus, tmp_path, watched):
    whole, out = audw2s.annotate(str(corpus)), tmp_path / "out"
    watched.log.unlink()
    slow(watched, True)
    found = []
    thread = threading.Thread(
        target=lambda: found.append(
            audw2s.annotate(str(corpus), str(out), engine="ray", shard_size=5)
        )
    )
    thread.start()
    wait_for(watched, 12, thread)
    cluster.remove_node(cluster.machines.pop(), allow_graceful=False)
    wait_for(watched, 30, thread)
    (worker,) = {parent(process) for process in watched.processes} - {None}
    os.kill(worker, signal.SIGKILL)
    slow(watched, False)
    thread.join()
    cluster.machines.append(cluster.add_node(num_cpus=1, **FEW_DAEMONS))
    cluster.wait_for_nodes()
    pd.testing.assert_frame_equal(found[0], whole)
    pd.testing.assert_frame_equal(table(out), whole)
    # Some were processed again
    assert len(watched.opened) > 60


@pytest.mark.parametrize(
    "signum", [pytest.param(signal.SIGINT, marks=full), signal.SIGKILL]
)
def test_a_killed_driver_can_resume(cluster, corpus, tmp_path, watched, signum):
    whole, out = audw2s.annotate(str(corpus)), tmp_path / "out"
    watched.log.unlink()
    slow(watched, True)
    ray_options = ("--engine", "ray", "--address", cluster.address)
    process = watched.start(corpus, "--out", out, *ray_options, "--shard-size", 4)
    wait_until(
        lambda: len(parts(out)) >= 3 or process.poll() is not None,
        "3 parts are written",
    )
    process.send_signal(signum)
    told = process.communicate(timeout=MAX_DUR)[1]
    assert not (out / "table.parquet").exists()
    if signum == signal.SIGINT:
        assert process.returncode == 130, told
        assert "run the same command to go on" in told
        assert "Traceback" not in told
    watched.wait_for_end()
    slow(watched, False)
    kept, opened = pd.concat(parts(out))["file"].nunique(), len(watched.opened)
    # The other engine goes on, with what isn't there
    done = watched.run(corpus, "--out", out)
    assert done.returncode == 0, done.stderr
    assert len(watched.opened) == opened + 60 - kept
    pd.testing.assert_frame_equal(table(out), whole)


@full
def test_results_in_a_store(cluster, corpus, environment, watched):
    _, server = environment
    out, first = server.url("results"), sorted(corpus.rglob("*.wav"))[0]
    whole = audw2s.annotate(str(corpus))
    content = first.read_bytes()
    first.write_bytes(b"no audio")
    options = {"engine": "ray", "num_workers": 2}
    frame = audw2s.annotate(str(corpus), out, **options)
    assert frame["status"].value_counts().to_dict() == {"ok": 59, "unreadable": 1}
    first.write_bytes(content)
    watched.log.unlink()
    again = audw2s.annotate(str(corpus), out, **options)
    assert watched.opened == [first.name]
    pd.testing.assert_frame_equal(again, whole)
    with pytest.raises(ValueError, match="models wav2small .*, now wav2small-int8"):
        audw2s.annotate(str(corpus), out, model="wav2small-int8", **options)
    written = server.folder("results")["table.parquet"]
    pd.testing.assert_frame_equal(pd.read_parquet(io.BytesIO(written)), whole)


def test_workers_that_differ_are_refused(clips, tmp_path):
    out, options = tmp_path / "out", Options()
    out.mkdir()
    task = Task(clips[0], clips[0], [(0, OPEN)])
    batch = {"task": np.array([pickle.dumps(task)], object)}

    def reply(**changes):
        identity = options.identity | changes
        actor = ShardActor(Work(str(out), options, identity, "part-00000000-0"))
        (found,) = actor(batch)["reply"]
        actor.pool.close()
        return pickle.loads(found)

    other = reply(version="0.0.1")
    assert isinstance(other, ValueError)
    assert f"version {audw2s.__version__}, now 0.0.1. Install the same" in str(other)
    # As on a machine that has another folder there
    away = reply()
    assert isinstance(away, ValueError)
    assert "isn't here what it is where the run was started" in str(away)
    assert os.listdir(out) == []
    with Folder(str(out)).locked():
        done = reply()
    assert len(done) == 1
    assert [part["file"].tolist() for part in parts(out)] == [[clips[0]]]
    assert set(os.listdir(out)) - {".lock"} == {"parts"}


@pytest.mark.parametrize(
    "options, said",
    [
        ({"engine": "spark"}, "engine is local or ray, not 'spark'"),
        ({"address": "auto"}, "'address', .* need the engine ray"),
        ({"cpus_per_worker": 2}, "'cpus_per_worker' .* need the engine ray"),
        ({"gpus_per_worker": -1.0}, "'gpus_per_worker' is -1.0"),
        ({"engine": "ray", "address": "ray://here:10001"}, "don't go through ray://"),
        ({"cpus_per_worker": 0}, "'cpus_per_worker' has to be at least 1"),
    ],
)
def test_wrong_options(clips, options, said):
    with pytest.raises(ValueError, match=said):
        audw2s.annotate(os.path.dirname(clips[0]), **options)


def test_cluster_that_is_too_small(cluster, clips, tmp_path):
    root = os.path.dirname(clips[0])
    with pytest.raises(ValueError, match="2 CPUs and 0 GPUs, a worker needs 1 and 0.5"):
        audw2s.annotate(root, str(tmp_path), engine="ray", gpus_per_worker=0.5)


def test_cluster_that_is_not_there(clips, tmp_path):
    options = ("--engine", "ray", "--address", "127.0.0.1:1")
    root = os.path.dirname(clips[0])
    done = annotate(root, "--out", tmp_path / "out", *options)
    assert done.returncode == 2
    assert "There is no Ray at 127.0.0.1:1" in done.stderr


# Ray notices a lost head after a minute
@full
@pytest.mark.parametrize("lost", ["raylet", "gcs_server"])
def test_cluster_that_is_lost(environment, corpus, tmp_path, monkeypatch, lost):
    """Ray ends processes that lose its daemons, with 1: some inputs had no values."""
    from ray.cluster_utils import Cluster

    watched, _ = environment
    watched.log.unlink(missing_ok=True)
    slow(watched, True)
    # By default Ray waits for a minute
    monkeypatch.setenv("RAY_gcs_rpc_server_reconnect_timeout_s", "2")
    head = {"num_cpus": 1, **FEW_DAEMONS}
    lonely = Cluster(initialize_head=True, head_node_args=head)
    out, address = tmp_path / "out", lonely.address
    options = ("--engine", "ray", "--address", address, "--shard-size", 2)
    process = watched.start(corpus, "--out", out, *options)
    try:
        wait_until(
            lambda: parts(out) or process.poll() is not None, "a shard is written"
        )
        lonely.head_node._kill_process_type(lost)
        stderr = process.communicate(timeout=MAX_DUR)[1]
        watched.wait_for_end()
    finally:
        process.kill()
        lonely.shutdown()
        slow(watched, False)
    assert process.returncode == 75, stderr
    assert f"The Ray at {address} was lost" in stderr
    assert "Traceback" not in stderr
    assert not (out / "table.parquet").exists()


def wait_for(
    watched: MonitoredPredictor, opened: int, thread: threading.Thread
) -> None:
    wait_until(
        lambda: len(watched.opened) >= opened or not thread.is_alive(),
        f"{opened} files are opened",
    )


def parent(process: int) -> int | None:
    """Process that has started one which still runs."""
    try:
        status = pathlib.Path(f"/proc/{process}/status").read_text()
    except OSError:
        return None
    found = int(status.partition("PPid:")[2].split()[0])
    return found if "State:\tZ" not in status and found > 1 else None


def parts(out: pathlib.Path) -> list[pd.DataFrame]:
    """Shards that are there."""
    found = sorted((out / "parts").glob("part-*")) if out.exists() else []
    return [pd.read_parquet(path) for path in found]
