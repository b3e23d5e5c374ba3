"""The C form of Wav2Small gives what Python gives, however the signal is cut."""

import itertools
import pathlib
import re
import shutil
import subprocess

import cortex
import numpy as np
import onnx
import pytest
import soundfile
import soxr
from compilers import COMPILERS
from compilers import MODELS
from compilers import STRICT
from compilers import driver
from compilers import missing
from compilers import narrow
from compilers import source
from compilers import unusable
from full import FULL
from full import examples
from full import sample
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

import audw2s
from audw2s.commands.app import app
from audw2s.export.c.source import write
from audw2s.inference.network import Network
from audw2s.model.store import properties
from audw2s.model.store import save

SPEECH = pathlib.Path(__file__).parents[2] / "examples" / "speech"
TOLERANCE = {"float": 1e-4, "int8": 0.01}
PIECE = 25
"""Tokens by which a window moves."""

with_gcc = pytest.mark.skipif(bool(unusable("gcc")), reason=str(unusable("gcc")))


@pytest.fixture(scope="module")
def talk():
    return np.concatenate(
        [soundfile.read(path, dtype="float32")[0] for path in sorted(SPEECH.iterdir())]
    )


BUILDS = sample(itertools.product(COMPILERS, MODELS), 3)
"""Compilers and precisions; the suite has each of them once."""


@pytest.fixture
def compiler(request):
    if reason := unusable(request.param):
        pytest.skip(reason)
    return request.param


def signals():
    """Names and signals of many kinds and odd lengths."""
    rng = np.random.default_rng(0)
    for path in sorted(SPEECH.iterdir()):
        yield path.stem, soundfile.read(path, dtype="float32")[0]
    for length in (64, 65, 95, 96, 97, 127, 128, 333, 1001, 7999, 8001, 24681, 80000):
        yield f"noise {length}", 0.1 * rng.standard_normal(length)
    time = np.arange(33333) / 16000
    sweep = np.sin(2 * np.pi * (50 * time + 1800 * time**2))
    yield "silence", 0 * time
    # A mean that float32 holds: the graph subtracts it rounded, and scales the rest
    yield "constant", 0 * time + 0.25
    yield "tone", 0.5 * np.sin(2 * np.pi * 440 * time)
    yield "loud", 3e4 * sweep
    yield "quiet", 1e-4 * sweep
    yield "offset", 0.1 + 0.1 * sweep


def in_chunks(signal, sizes):
    edges = np.cumsum(sizes)
    return np.split(signal, edges[edges < len(signal)])


def normalised(signal, size, epsilon):
    """Normalise hops by the last ``size`` samples, or by the first 0.5 s."""
    done = []
    for first in range(0, len(signal), 64):
        stop = min(max(first + 64, 8000), len(signal))
        hops = -(-stop // 64)
        low = max(0, hops - size // 64) * 64
        past = signal[low:stop].astype(np.float64)
        variance = max(past.var() + epsilon, 1e-14)
        done.append((signal[first : first + 64] - past.mean()) / np.sqrt(variance))
    return np.concatenate(done).astype(np.float32)


def pooled(tokens, made):
    """A/D/V of tokens, literally."""
    lin, sof = np.split(made.astype(np.float64), 2, axis=1)
    weights = np.exp(sof - sof.max(axis=0))
    return tokens.outputs((weights * lin).sum(axis=0) / weights.sum(axis=0))


@pytest.mark.parametrize("compiler, precision", BUILDS, indirect=["compiler"])
def test_clips_have_the_values_of_the_onnx_file(compiler, precision):
    model = MODELS[precision]
    build, network = driver(compiler, model), Network(model)
    for name, signal in sample(signals(), 3):
        signal = signal.astype(np.float32)
        difference = np.abs(build.clip(signal) - network(signal)[:3]).max()
        assert difference < TOLERANCE[precision], name


@pytest.mark.parametrize("compiler, precision", BUILDS, indirect=["compiler"])
def test_a_stream_has_the_values_of_python(compiler, precision, talk):
    """Live, after each tenth of a second, and at the end."""
    model = MODELS[precision]
    # Tokens are six hops behind
    chunks = in_chunks(talk[:112345], [384] + [1600] * 99)
    window, total = driver(compiler, model).stream(chunks)
    stream = audw2s.Stream(model)
    for number, chunk in enumerate(chunks):
        moment = stream.push(chunk)
        if number < 5 or len(chunk) < 1600:
            continue
        for found, expected in ((window, moment.window), (total, moment.total)):
            np.testing.assert_allclose(
                found[number], list(expected.values()), atol=TOLERANCE[precision]
            )
    end = list(stream.finish().total.values())
    np.testing.assert_allclose(total[-1], end, atol=TOLERANCE[precision])
    assert np.isnan(window[:5]).all()
    assert np.isnan(total[:5]).all()


@with_gcc
@examples(25)
@given(
    sizes=st.lists(st.integers(1, 20_000), max_size=8),
    length=st.integers(64, 90_000),
    # The default, 4, is that of other tests; each is another program
    half_seconds=st.sampled_from(sample([1, 4, 5], 2)),
)
def test_any_chunks_give_what_one_pass_gives(talk, sizes, length, half_seconds):
    signal = np.resize(talk, length)
    flags = ("-O2", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
    build = driver("gcc", flags=(*flags, f"-DWAV2SMALL_WINDOW={half_seconds}"))
    chunks = in_chunks(signal, sizes)
    window, total = build.stream(chunks)
    tokens = Network("wav2small").tokens
    size = 125 * half_seconds
    made = tokens.make(normalised(signal, size * 64, tokens.epsilon))
    ends = np.cumsum([len(chunk) for chunk in chunks])
    for number, end in enumerate(ends):
        count = max(0, end // 64 - 6) // PIECE * PIECE if end // 64 >= 125 else 0
        if not count:
            assert np.isnan([window[number], total[number]]).all()
            continue
        expected = pooled(tokens, made[max(0, count - size) : count])
        np.testing.assert_allclose(window[number], expected, atol=1e-4)
        expected = pooled(tokens, made[:count])
        np.testing.assert_allclose(total[number], expected, atol=1e-4)
    first = max(0, -(-len(made) // PIECE) * PIECE - size)
    np.testing.assert_allclose(window[-1], pooled(tokens, made[first:]), atol=1e-4)
    np.testing.assert_allclose(total[-1], pooled(tokens, made), atol=1e-4)


@with_gcc
def test_share_of_speech_is_that_of_the_graph(talk):
    """Decided a quarter of a second later."""
    tokens = Network("wav2small").tokens
    noise = 0.01 * np.random.default_rng(0).standard_normal(40000).astype(np.float32)
    signal = np.concatenate([talk[:24000], noise, talk[24000:40000]])
    lin = tokens.make(normalised(signal, 32000, tokens.epsilon))
    values = lin[:, : len(tokens.speech_weight)]
    logits = values @ tokens.speech_weight + tokens.speech_bias
    means = [logits[max(0, t - 62) : t + 63].mean() for t in range(len(logits) - 62)]
    weights = {w.name: w for w in onnx.load(tokens.path).graph.initializer}
    threshold = onnx.numpy_helper.to_array(weights["speech.threshold"])
    share = (np.array(means) > threshold)[-500:].mean()
    assert 0.1 < share < 0.9
    assert driver().speech(signal) == pytest.approx(share, abs=0.003)


@with_gcc
def test_less_than_a_frame_has_no_values(talk):
    build = driver()
    for length in (0, 1, 31, 32, 63):
        assert np.isnan(build.clip(talk[:length])).all()
        assert np.isnan(build.stream([talk[:length]])).all()


@with_gcc
def test_bad_samples_count_as_zero(talk):
    build, signal = driver(), talk[:30000].copy()
    signal[[0, 5000, 7000, 9000, 9001, 29999]] = [
        *(np.nan, np.inf, -np.inf, 1e9, np.nan, -1e9)
    ]
    replaced = np.where(np.isfinite(signal) & (np.abs(signal) < 1e9), signal, 0)
    np.testing.assert_array_equal(build.clip(signal), build.clip(replaced))
    for found, expected in zip(
        build.stream([signal]), build.stream([replaced]), strict=True
    ):
        np.testing.assert_array_equal(found, expected)


@with_gcc
def test_other_sizes_and_weights(tmp_path, talk):
    folder = narrow(tmp_path)
    build, network = driver(model=folder), Network(folder)
    for signal in (talk[:30001], 1e-2 * talk[:30001]):
        np.testing.assert_allclose(build.clip(signal), network(signal)[:3], atol=1e-4)
    end = list(stream_end(folder, talk[:30001]).total.values())
    np.testing.assert_allclose(build.stream([talk[:30001]])[1][-1], end, atol=1e-4)


def stream_end(model, signal):
    stream = audw2s.Stream(model)
    stream.push(signal)
    return stream.finish()


@with_gcc
@pytest.mark.parametrize("precision", MODELS)
def test_nothing_but_mathematics_is_linked(tmp_path, precision):
    """memcpy and memset are what compilers call by themselves."""
    folder = source(MODELS[precision])
    for name in ("wav2small", "wav2small_resampler"):
        command = ["gcc", *STRICT, "-O2", "-c", folder / f"{name}.c"]
        subprocess.run([*command, "-o", tmp_path / "a.o"], check=True)
        listed = subprocess.run(
            ["nm", "-u", tmp_path / "a.o"], check=True, capture_output=True, text=True
        )
        used = set(re.findall(r"U (\w+)", listed.stdout)) - {"_GLOBAL_OFFSET_TABLE_"}
        assert used <= {"expf", "logf", "sqrt", "sin", "memcpy", "memset"}


@with_gcc
@pytest.mark.parametrize("precision, largest", [("float", 128_000), ("int8", 64_000)])
def test_state_is_small(tmp_path, precision, largest):
    (tmp_path / "a.c").write_text(
        '#include "wav2small.h"\n#include <stdio.h>\n'
        'int main(void) { printf("%zu", sizeof(struct wav2small)); }\n'
    )
    folder = source(MODELS[precision])
    command = ["gcc", f"-I{folder}", tmp_path / "a.c", "-o", tmp_path / "a"]
    subprocess.run(command, check=True)
    assert int(subprocess.check_output([tmp_path / "a"])) <= largest


@with_gcc
@pytest.mark.parametrize("rate", [8000, 11025, 22050, 24000, 44100, 48000, 192000])
def test_resampling_is_that_of_soxr(talk, rate):
    signal = soxr.resample(talk[:30000], 16000, rate).astype(np.float32)
    rng = np.random.default_rng(rate)
    chunks = in_chunks(signal, rng.integers(1, 9000, 99))
    found = driver().resample(chunks, rate)
    expected = soxr.resample(signal, rate, 16000)
    assert abs(len(found) - len(expected)) <= 1
    size = min(len(found), len(expected))
    np.testing.assert_allclose(found[:size], expected[:size], atol=2e-3)
    network = Network("wav2small")
    values = [network(x.astype(np.float32))[:3] for x in (found, expected)]
    np.testing.assert_allclose(*values, atol=2e-3)


@pytest.fixture(scope="module")
def adv(tmp_path_factory):
    """Path of the program of the written Makefile."""
    if reason := missing("gcc", "make"):
        pytest.skip(reason)
    folder = shutil.copytree(
        source(), tmp_path_factory.mktemp("adv"), dirs_exist_ok=True
    )
    flags = "-O2 -Wall -Wextra -Werror -pedantic -fsanitize=address,undefined"
    subprocess.run(["make", "CC=gcc", f"CFLAGS={flags}"], cwd=folder, check=True)
    return folder / "adv"


SUBTYPES = ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT"]
FORMS = [*itertools.product(SUBTYPES, [(16000, 1), (16000, 3), (44100, 2)])]


@pytest.mark.parametrize("subtype, form", sample(FORMS, 2))
def test_program_prints_three_numbers(adv, tmp_path, talk, subtype, form):
    rate, channels = form
    signal = soxr.resample(0.9 * talk[:40000], 16000, rate)
    wide = np.stack([signal * (c + 1) / channels for c in range(channels)], axis=1)
    path = tmp_path / "clip.wav"
    soundfile.write(path, wide, rate, subtype=subtype)
    done = subprocess.run([adv, path], capture_output=True, text=True, check=True)
    assert re.fullmatch(r"-?\d+\.\d+ -?\d+\.\d+ -?\d+\.\d+\n", done.stdout)
    expected = audw2s.Feature().process_file(str(path)).to_numpy()[0]
    np.testing.assert_allclose(
        np.array(done.stdout.split(), float), expected, atol=2e-3
    )


def test_program_explains_what_it_cant_read(adv, tmp_path, talk):
    path = tmp_path / "clip.wav"
    soundfile.write(path, talk[:2000], 16000)
    whole, rng = path.read_bytes(), np.random.default_rng(0)
    for number in range(200 if FULL else 40):
        broken = bytearray(whole[: rng.integers(0, 120)] if number % 2 else whole)
        for at in rng.integers(0, 48, 3):
            if at < len(broken):
                broken[at] = rng.integers(0, 256)
        path.write_bytes(broken)
        done = subprocess.run([adv, path], capture_output=True, text=True)
        assert done.returncode in (0, 1), done.stderr
        assert bool(done.stdout) == (done.returncode == 0)
    for arguments in ([], [tmp_path / "none.wav"]):
        done = subprocess.run([adv, *arguments], capture_output=True, text=True)
        assert done.returncode == 1
        assert done.stderr.count("\n") == 1


def test_values_on_a_cortex_m7(request):
    if reason := missing(*cortex.PROGRAMS):
        pytest.skip(reason)
    for precision, model in MODELS.items():
        run = cortex.run(source(model))
        moment = audw2s.Stream(model).push(cortex.noise())
        for found, expected in ((run.window, moment.window), (run.total, moment.total)):
            np.testing.assert_allclose(
                found, list(expected.values()), atol=TOLERANCE[precision]
            )
        # Real time at 400 MHz, if an instruction takes a cycle
        assert run.instructions < 400e6
        if precision == "int8":
            assert run.flash < 120_000


def test_command_writes_all_files(tmp_path):
    out = tmp_path / "c"
    options = ["--to", "c", "--precision", "int8"]
    done = CliRunner().invoke(app, ["export", "wav2small", str(out), *options])
    assert done.exit_code == 0, done.output
    names = {path.name for path in out.iterdir()}
    assert names == {
        line.split()[0].split("/")[-1] for line in done.output.splitlines()
    }
    for path in out.iterdir():
        text = path.read_text()
        assert "wav2small" in text
        assert not re.search(r"\{\w+\}", text.replace("{0}", "")), path.name


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["whisper-tiny-adv"], "has no tokens to pool"),
        (["whisper-tiny-adv", "--precision", "int8"], "whisper-tiny-adv-int8"),
        (["wav2small-int8", "--precision", "float"], "is int8, not float"),
        (["nothing"], "nothing"),
    ],
)
def test_command_explains_what_it_cant_write(tmp_path, arguments, message):
    model, *options = arguments
    command = ["export", model, str(tmp_path / "c"), "--to", "c", *options]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 2
    assert message in " ".join(done.stderr.split())
    assert not (tmp_path / "c").exists()


def test_students_of_other_families_are_refused(tmp_path):
    torch = pytest.importorskip("torch")
    from audw2s.distill.export import student_to_onnx
    from audw2s.distill.students.student import Student
    from audw2s.distill.students.wav2small2 import Wav2Small2

    other = Student([torch.nn.Conv2d(1, 2, 1)], 2 * 26)
    for name, student in (("second", Wav2Small2()), ("other", other)):
        model = student_to_onnx(student.eval())
        save(model, str(tmp_path / name), properties(model))
        with pytest.raises(ValueError, match="isn't of the Wav2Small family"):
            write(str(tmp_path / name), str(tmp_path / "c"))
