"""Evaluate a model on corpora, given by their paths."""

from audw2s.corpus.evaluate import evaluate as run
from audw2s.corpus.evaluate import read_corpora
from audw2s.corpus.evaluate import values_of
from audw2s.distill.disjoint import check_disjoint
from audw2s.evaluation.agreement import HUMANS


def evaluate(model, corpora, *, against=HUMANS, trained_on=None, **options):
    tables = read_corpora(corpora)
    if trained_on is not None:
        check_disjoint(tables, trained_on)
    judge = None if against == HUMANS else values_of(against, verbose=False)
    return run(values_of(model, verbose=False), tables, judge=judge, **options)
