"""Tables and plots of exits, from results as they are collected."""

import numpy as np
import pytest

from audw2s.distill.exits.tables import exits_by_layer
from audw2s.distill.exits.tables import plot_exits
from audw2s.distill.exits.tables import printed
from audw2s.distill.exits.tables import table1


def result(layers, score=0.5, **settings):
    """A method with an exit after some layers, and the deepest."""
    exits = [*map(str, layers), "12"]
    scores = {part: {"mean": score} for part in ("devel", "test")}
    settings = {"block": "cnn", "similarity": "l2", "compared": "embedding"} | settings
    return {
        "measure": "UAR",
        "parameters": dict.fromkeys(exits, 1000),
        "exits": dict.fromkeys(exits, scores),
        **settings,
    }


def test_exits_after_each_layer_are_one_curve_for_each_level():
    methods = {
        f"distilled-cnn-l2{level}-exits{layer}": result([layer], layer / 20)
        for level in ("", "-linear")
        for layer in (11, 1, 2, 3, 10)
    }
    methods["plain-3"] = result([])
    curves = exits_by_layer(methods)
    assert list(curves) == ["distilled-cnn-l2", "distilled-cnn-l2-linear"]
    layers = [1, 2, 3, 10, 11]
    assert [list(curve) for curve in curves.values()] == [layers, layers]
    figure = plot_exits(curves, methods)
    titles = [axes.get_title() for axes in figure.axes]
    assert titles == ["devel", "test"]
    for axes in figure.axes:
        for line in axes.lines:
            np.testing.assert_allclose(line.get_ydata(), np.array(layers) / 20)


def test_three_exits_of_one_network_are_no_curve():
    assert exits_by_layer({"distilled-cnn-l2": result([3, 8, 10])}) == {}
    # Many exits of one network are
    assert exits_by_layer({"distilled-cnn-l2": result(range(1, 12))})


@pytest.mark.parametrize("row", table1().index, ids="-".join)
def test_a_row_of_table_1_stands_beside_a_method_with_its_exits(row):
    names = ["3", "8", "10", "12", "fusion"]
    settings = {"block": row[0], "similarity": row[1]}
    cells = printed(result([3, 8, 10], **settings), names)
    values = [float(value) for cell in cells for value in cell.split(" / ")]
    expected = [value for name in names for value in table1().loc[row, name].to_list()]
    assert values == expected
    assert printed(result([3, 8, 10], **settings), ["3", "8", "12", "fusion"]) is None
    linear = result([3, 8, 10], **settings | {"compared": "linear"})
    assert printed(linear, names) is None
