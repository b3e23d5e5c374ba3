"""What exits cost: a step of training against plain fine-tuning, and time by exit.

Encoders have random weights: that changes no time. Both networks are trained in one
process, in interleaved rounds, on one thread; exits are timed as ONNX files, on one
thread, for a clip of the length that they process. Times are those of the processor,
which other programs on the machine disturb less.

    python tests/benchmark/exits.py [--encoder whisper-tiny wav2vec2-base]
        [--block lstm cnn] [--rounds 5] [--batch-size 16] [--precision fp32]
"""

import argparse
import statistics
import tempfile
import time

import numpy as np
import onnxruntime
import torch

from audw2s.distill.exits.backbones import SAMPLES
from audw2s.distill.exits.backbones import make_backbone
from audw2s.distill.exits.blocks import BLOCKS
from audw2s.distill.exits.config import Config
from audw2s.distill.exits.epochs import make_optimiser
from audw2s.distill.exits.model import SingleExit
from audw2s.distill.exits.networks import make_network
from audw2s.distill.exits.train import exit_loss
from audw2s.distill.export import num_parameters
from audw2s.distill.export import to_onnx
from audw2s.distill.loop import descend
from audw2s.distill.state import State
from audw2s.evaluation.processor import processor

ENCODERS = {
    "whisper-tiny": (
        {
            "model_type": "whisper",
            "d_model": 384,
            "encoder_layers": 4,
            "encoder_attention_heads": 6,
            "encoder_ffn_dim": 1536,
            "num_mel_bins": 80,
        },
        (1, 2, 3),
    ),
    "wav2vec2-base": ({"model_type": "wav2vec2"}, (3, 8, 10)),
}
"""Settings and exits by name; wav2vec 2.0 base is what transformers makes of none."""


def step_seconds(
    settings: dict,
    exits: tuple[int, ...],
    block: str,
    arguments: argparse.Namespace,
) -> dict[str, float]:
    """Median seconds of a step of each method."""
    torch.manual_seed(0)
    backbone = make_backbone(settings)
    signals = 0.1 * torch.randn(arguments.batch_size, SAMPLES)
    inputs = backbone.front(signals).detach()
    truth = torch.arange(arguments.batch_size) % 7
    states = {}
    for method in ("plain", "distilled"):
        config = Config(
            "",
            "",
            method=method,
            exits=exits,
            block=block,
            precision=arguments.precision,
        )
        network = make_network(config, backbone, 7).train()
        optimiser = make_optimiser(network, config)
        state = State(tempfile.mkdtemp(), {}, {"network": network}, [optimiser])
        states[method] = state, network, exit_loss(config)
    times: dict[str, list[float]] = {method: [] for method in states}
    for _ in range(arguments.rounds + 1):
        for method, (state, network, loss) in states.items():
            start = time.process_time()
            descend(state, loss(network, inputs, truth), 1.0)
            times[method].append(time.process_time() - start)
    # The first step makes what the optimiser keeps
    return {method: statistics.median(taken[1:]) for method, taken in times.items()}


def exit_seconds(
    settings: dict,
    exits: tuple[int, ...],
    block: str,
    arguments: argparse.Namespace,
) -> dict[int, tuple[int, float]]:
    """Parameters and median seconds of each exit."""
    config = Config("", "", exits=exits, block=block)
    network = make_network(config, make_backbone(settings), 7).eval()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    sessions, counts = {}, {}
    for depth in network.depths:
        single = SingleExit(network, depth).eval()
        counts[depth] = num_parameters(single)
        content = to_onnx(single).SerializeToString()
        sessions[depth] = onnxruntime.InferenceSession(content, options)
    rng = np.random.default_rng(0)
    signal = (0.1 * rng.standard_normal((1, SAMPLES))).astype(np.float32)
    times: dict[int, list[float]] = {depth: [] for depth in sessions}
    for _ in range(arguments.rounds + 1):
        for depth, session in sessions.items():
            start = time.process_time()
            session.run(["logits"], {"signal": signal})
            times[depth].append(time.process_time() - start)
    return {
        depth: (counts[depth], statistics.median(taken[1:]))
        for depth, taken in times.items()
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--encoder", nargs="+", choices=ENCODERS, default=[*ENCODERS])
    parser.add_argument("--block", nargs="+", choices=BLOCKS, default=["lstm", "cnn"])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--precision", choices=("fp32", "bf16"), default="fp32")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{processor()}, one thread, torch {torch.__version__}")
    for name in arguments.encoder:
        for block in arguments.block:
            report(name, block, arguments)


def report(name: str, block: str, arguments: argparse.Namespace) -> None:
    """Measure one encoder with one kind of blocks, and print."""
    encoder = ENCODERS[name]
    seconds = step_seconds(*encoder, block, arguments)
    ratio = seconds["distilled"] / seconds["plain"]
    size = f"{arguments.batch_size} clips of 5.984 s, {arguments.precision}"
    print(f"\n{name}, {block}; a step of {size}")
    print(f"plain      {seconds['plain']:8.3f} s")
    print(f"all exits  {seconds['distilled']:8.3f} s, {ratio:.2f} of plain")
    by_exit = exit_seconds(*encoder, block, arguments)
    _, deepest = list(by_exit.values())[-1]
    for depth, (count, single) in by_exit.items():
        taken = f"{1000 * single:9.1f} ms, {single / deepest:.2f} of the deepest"
        print(f"exit {depth:2}  {count / 1e6:6.1f}M {taken}", flush=True)


if __name__ == "__main__":
    main()
