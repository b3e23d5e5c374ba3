"""Figures that Ren et al. print: UAR in percent, wav2vec 2.0 base on DEMoS."""

import os

import pandas as pd

FOLDER = os.path.dirname(os.path.abspath(__file__))


def table1() -> pd.DataFrame:
    """Self-distillation by block and similarity, exits 3, 8 and 10, embedding level.

    Fusion is that of the three exits, without the deepest. Devel of exit 10 with LSTM,
    L2 and cosine is pieced together from a damaged cell.

    Returns:
        a row for each ``block`` and ``similarity``; columns are pairs of an exit (
        ``"12"`` is the deepest, then there is ``"fusion"``) and a part (``"devel"``
        or ``"test"``)

    Examples:
        >>> float(table1().loc[("lstm", "l2"), ("3", "test")])
        86.7

    """
    path = os.path.join(FOLDER, "table1.csv")
    table = pd.read_csv(path, header=[0, 1], index_col=[0, 1])
    return table.rename_axis(["block", "similarity"])


def table2() -> pd.DataFrame:
    """Comparison with other networks.

    Its rows of self-distillation are two runs: exits 3, 8 and 10 of LSTM with L1, and
    the deepest exit of LSTM with L2 and cosine.

    Returns:
        a row for each ``method`` (named as in
        :class:`audw2s.distill.exits.study.Study`) and ``exit`` with ``devel``, ``test``
        and millions of ``parameters``

    Examples:
        >>> table2()["method"].iloc[-1], float(table2()["test"].iloc[-1])
        ('distilled-lstm-l2+cosine', 91.4)

    """
    path = os.path.join(FOLDER, "table2.csv")
    return pd.read_csv(path, dtype={"exit": str}, keep_default_na=False)
