"""Blocks of MobileNets, against their formulas and published sizes."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from audw2s.distill.students import STUDENTS
from audw2s.distill.students.mobilenet import inverted_residual
from audw2s.distill.students.mobilenet import universal_inverted_bottleneck

# Of the classifiers of images: side of an image; parameters and GMAC, as published,
# with what rounding leaves open; channels of the head
CLASSIFIERS = {
    "mobilenetv4-small": (224, 3.77e6, 5e3, 0.2, 0.05, 1280),
    "mobilenetv4-medium": (256, 9.72e6, 5e3, 1.1, 0.05, 1280),
    "mobilenetv4-large": (384, 32.59e6, 5e3, 6.4, 0.05, 1280),
    "mobilenetv3-small": (224, 2_542_856, 0, 0.056, 0.003, 1024),
    "mobilenetv3-large": (224, 5_483_032, 0, 0.219, 0.003, 1280),
}


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_convolutions_are_those_of_a_published_classifier(name):
    """With three channels of input and the head, they have its size and compute."""
    pixels, parameters, open_parameters, gmac, open_gmac, head = CLASSIFIERS[name]
    body = STUDENTS[name]().body.to("meta").eval()
    compute = []

    def count(module, inputs, output):
        compute.append(module.weight[0].numel() * output.numel())

    convs = [m for m in body.modules() if isinstance(m, nn.Conv2d)]
    for conv in convs:
        conv.register_forward_hook(count)
    _, size, *sides = body(torch.zeros(1, 1, pixels, pixels, device="meta")).shape
    assert sides == [pixels // 32] * 2
    actual = sum(p.numel() for p in body.parameters()) + 2 * convs[0].weight.numel()
    # MobileNetV4 normalises after its head, MobileNetV3 has a bias
    actual += size * head + (2 * head if "v4" in name else head) + 1000 * (head + 1)
    assert actual == pytest.approx(parameters, rel=0, abs=open_parameters)
    actual = (sum(compute) + 2 * compute[0] + (size + 1000) * head) / 1e9
    assert actual == pytest.approx(gmac, rel=0, abs=open_gmac)


def randomise(block):
    """Weights and statistics at which no step of a block is the identity."""
    torch.manual_seed(0)
    for norm in block.modules():
        if isinstance(norm, nn.BatchNorm2d):
            nn.init.normal_(norm.running_mean)
            nn.init.uniform_(norm.running_var, 0.5, 2)
            nn.init.uniform_(norm.weight, 0.5, 2)
            nn.init.normal_(norm.bias)
    return block.eval()


def literal_conv(weights, maps, stride=1):
    """Take the next convolution and normalisation off the list of weights."""
    kernel, gain, bias, mean, variance, _ = (weights.pop(0) for _ in range(6))
    groups = maps.shape[1] // kernel.shape[1]
    maps = functional.pad(maps, [kernel.shape[-1] // 2] * 4)
    maps = functional.conv2d(maps, kernel, stride=stride, groups=groups)
    maps = (maps - mean[:, None, None]) / torch.sqrt(variance + 1e-5)[:, None, None]
    return gain[:, None, None] * maps + bias[:, None, None]


@pytest.mark.parametrize("first", [0, 3, 5])
@pytest.mark.parametrize("middle", [0, 3, 5])
@pytest.mark.parametrize("stride, num_out", [(1, 8), (1, 16), (2, 8)])
def test_blocks_of_mobilenet_v4_follow_the_paper(first, middle, stride, num_out):
    settings = {"first": first, "middle": middle, "stride": stride}
    block = universal_inverted_bottleneck(8, num_out, expansion=3, **settings)
    weights = list(randomise(block).state_dict().values())
    given = maps = torch.randn(2, 8, 9, 5)
    if first:
        maps = literal_conv(weights, maps, stride=1 if middle else stride)
    maps = literal_conv(weights, maps).clamp(min=0)
    if middle:
        maps = literal_conv(weights, maps, stride=stride).clamp(min=0)
    expected = literal_conv(weights, maps)
    if stride == 1 and num_out == 8:
        expected = expected + given
    with torch.inference_mode():
        torch.testing.assert_close(block(given), expected, atol=1e-4, rtol=0)
    assert not weights


def hard_sigmoid(x):
    return (x + 3).clamp(0, 6) / 6


def hard_swish(x):
    return x * hard_sigmoid(x)


def literal_gate(weights, maps):
    """Squeeze and excite: take its two layers off the list of weights."""
    down, down_bias, up, up_bias = (weights.pop(0) for _ in range(4))
    means = maps.mean(dim=(2, 3))
    hidden = (means @ down[:, :, 0, 0].T + down_bias).clamp(min=0)
    return hard_sigmoid(hidden @ up[:, :, 0, 0].T + up_bias)[:, :, None, None]


@pytest.mark.parametrize("width", [16, 48])
@pytest.mark.parametrize("squeeze", [True, False])
@pytest.mark.parametrize("swish", [True, False])
@pytest.mark.parametrize("stride, num_out", [(1, 16), (1, 24), (2, 16)])
def test_blocks_of_mobilenet_v3_follow_the_paper(
    width, squeeze, swish, stride, num_out
):
    settings = {"activation": nn.Hardswish if swish else nn.ReLU, "squeeze": squeeze}
    settings |= {"kernel": 5, "width": width, "stride": stride}
    block = inverted_residual(16, num_out, **settings)
    weights = list(randomise(block).state_dict().values())
    activation = hard_swish if swish else functional.relu
    given = maps = torch.randn(2, 16, 7, 4)
    if width != 16:
        maps = activation(literal_conv(weights, maps))
    maps = activation(literal_conv(weights, maps, stride=stride))
    if squeeze:
        maps = maps * literal_gate(weights, maps)
    expected = literal_conv(weights, maps)
    if stride == 1 and num_out == 16:
        expected = expected + given
    with torch.inference_mode():
        torch.testing.assert_close(block(given), expected, atol=1e-4, rtol=0)
    assert not weights
