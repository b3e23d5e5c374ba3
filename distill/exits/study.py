"""Many trainings from one file of settings: corpora, seeds, methods, blocks, losses."""

import dataclasses
import fnmatch
import itertools
import os
import sys
from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from typing import Annotated
from typing import Any

from tqdm import tqdm

from audw2s.distill.exits.blocks import BLOCKS
from audw2s.distill.exits.config import METHODS
from audw2s.distill.exits.config import Config
from audw2s.distill.exits.data import read_data
from audw2s.distill.exits.networks import load_front_end
from audw2s.distill.exits.scratch import SCRATCH
from audw2s.distill.exits.similarities import SIMILARITIES
from audw2s.distill.exits.train import train
from audw2s.distill.paths import beside
from audw2s.distill.settings import Layers
from audw2s.distill.settings import Names
from audw2s.distill.settings import Number
from audw2s.distill.settings import checked
from audw2s.distill.settings import each_of
from audw2s.distill.settings import listed
from audw2s.distill.settings import read_toml
from audw2s.distill.settings import settings
from audw2s.distill.settings import unknown

PER_JOB = (
    *("method", "block", "similarity", "compared", "detach_teacher"),
    *("seed", "fold", "corpus"),
)
"""Settings of a training that a study chooses."""


@dataclasses.dataclass(frozen=True)
class Job:
    """One training of a study."""

    corpus: str
    """Name of the corpus."""

    method: str
    """Name of the method and its variant."""

    config: Config

    @property
    def name(self) -> str:
        """Name of the training, which is that of its folder."""
        return f"{self.method}-seed{self.config.seed}"

    def folder(self, root: str) -> str:
        """Folder of the training, in that of the study."""
        return os.path.join(root, self.corpus, self.name)


@settings
class Study:
    """Settings of a study: trainings to compare."""

    corpora: dict[str, dict[str, Any]]
    """``corpus``, which is its path, and further settings of each corpus."""

    base: dict[str, Any]
    """Settings of all trainings, see :class:`audw2s.distill.exits.config.Config`."""

    seeds: Annotated[
        tuple[Number, ...], listed("a list of whole numbers", min_length=1)
    ] = (0,)
    """Seeds; each has another group of test speakers, unless the corpus has a column
    ``split``."""

    methods: Annotated[Names, each_of(METHODS)] = ("distilled", "plain", "layerwise")
    """Some of :data:`audw2s.distill.exits.config.METHODS`."""

    depths: Layers = ()
    """Depths of plain fine-tuning, the exits and the deepest if none is given."""

    blocks: Annotated[Names, each_of(BLOCKS)] = ("lstm",)
    similarities: Annotated[Names, each_of(SIMILARITIES)] = ("l1",)
    levels: Annotated[Names, each_of(("embedding", "linear"))] = ("embedding",)
    """Values whose similarity is learnt."""

    detached: Annotated[
        tuple[bool, ...], listed("a list of true and false", min_length=1)
    ] = (False,)
    """Whether the teacher learns nothing from its students: one, or both."""

    exit_sets: Annotated[tuple[Layers, ...], listed("a list of lists of layers")] = ()
    """Exits of each self-distilled network, ``exits`` if none are given. One exit after
    each layer is the paper's Figure 2."""

    @classmethod
    def from_toml(
        cls,
        path: str,
        *,
        backbone: str | None = None,
        corpora: dict[str, str] | None = None,
    ) -> "Study":
        """Read settings; paths in them are relative to the file.

        Args:
            path: path of the file
            backbone: encoder that replaces the one in the file
            corpora: paths of corpora, by their names in the file; the others are
                left out, if any is given

        Raises:
            FileNotFoundError: if there is no such file
            ValueError: if it is no TOML, or a key or a choice is unknown

        """
        values = read_toml(path)
        if not isinstance(values.get("corpora"), dict) or not values["corpora"]:
            raise ValueError(f"{path}: a table [corpora.NAME] for each is needed.")
        if wrong := set(corpora or ()) - set(values["corpora"]):
            known = ", ".join(values["corpora"])
            raise ValueError(f"{path} has the corpora {known}, and no {sorted(wrong)}.")
        of_study = {field.name for field in dataclasses.fields(cls)} - {"base"}
        for_study = {key: values.pop(key) for key in of_study if key in values}
        for_study["corpora"] = {
            name: _entry(path, name, entry, (corpora or {}).get(name), backbone)
            for name, entry in for_study["corpora"].items()
            if not corpora or name in corpora
        }
        _refuse_unknown(path, values, of_study)
        if backbone or "backbone" in values:
            values["backbone"] = backbone or beside(path, values["backbone"])
        study = checked(cls, path, {**for_study, "base": values})
        # A job's settings are validated as it is made
        checked(lambda: list(study.jobs()), path, {})
        return study

    def jobs(self) -> Iterator[Job]:
        """All trainings: by corpus, by what networks read, and by seed."""
        for corpus, own in self.corpora.items():
            values = {**self.base, **own}
            exits = values.get("exits", Config.exits)
            jobs = [
                Job(corpus, method, Config(**(values | variant), seed=seed, fold=seed))
                for seed in self.seeds
                for method, variant in self._variants(exits)
            ]
            # What networks read is computed once for all of them
            yield from sorted(jobs, key=lambda job: job.config.from_scratch)

    def _variants(self, exits: Sequence[int]) -> Iterator[tuple[str, dict]]:
        """Name and settings of each method, for a corpus with some exits."""
        if "distilled" in self.methods:
            yield from self._distilled()
        if "plain" in self.methods:
            depths: Sequence[int | None] = self.depths or (*exits, None)
            for depth in depths:
                cut = {"depth": depth} if depth else {}
                yield f"plain-{depth or 'deepest'}", {"method": "plain", **cut}
        if "layerwise" in self.methods:
            for block in self.blocks:
                yield f"layerwise-{block}", {"method": "layerwise", "block": block}
        for method in self.methods:
            if method in SCRATCH:
                yield method, {"method": method}

    def _distilled(self) -> Iterator[tuple[str, dict]]:
        """Variants of self-distillation; a name tells what differs from the paper's."""
        for block, similarity, level, detach, exits in itertools.product(
            self.blocks,
            self.similarities,
            self.levels,
            self.detached,
            self.exit_sets or (None,),
        ):
            variant: dict[str, Any] = {
                "block": block,
                "similarity": similarity,
                "compared": level,
                "detach_teacher": detach,
            }
            name = f"distilled-{block}-{similarity}"
            name += "-linear" * (level == "linear") + "-detached" * detach
            if exits:
                variant["exits"] = exits
                name += f"-exits{'+'.join(map(str, exits))}"
            yield name, variant


def _entry(
    path: str, name: str, entry: object, place: str | None, backbone: str | None
) -> dict:
    """Settings of a corpus, with paths from the file, or others."""
    if not isinstance(entry, dict):
        raise ValueError(f"{path}: 'corpora.{name}' is a table, got {entry!r}.")
    _refuse_unknown(path, entry, ("path",))
    if place is None:
        place = entry.get("path")
        if not place or not isinstance(place, str):
            raise ValueError(
                f"{path}: 'corpora.{name}.path' is a path in quotes, got {place!r}."
            )
        place = beside(path, place)
    others = {key: value for key, value in entry.items() if key != "path"}
    if "backbone" in others:
        others["backbone"] = backbone or beside(path, others["backbone"])
    return {**others, "corpus": place}


def _refuse_unknown(path: str, values: Iterable[str], others: Collection[str]) -> None:
    fields = {field.name for field in dataclasses.fields(Config)} - set(PER_JOB)
    known = sorted(fields.union(others))
    if wrong := [key for key in values if key not in known]:
        raise ValueError(f"{path}: {unknown(wrong[0], known)}.")


def run(
    study: Study, folder: str, *, only: Sequence[str] = (), verbose: bool = True
) -> None:
    """Run the trainings of a study; called again, resume.

    Args:
        study: settings of the study
        folder: folder of the study, with a folder per corpus and training
        only: patterns of the trainings to run, such as ``"distilled-cnn-*-seed0"``,
            in their order; all by default
        verbose: show progress bars

    Raises:
        ValueError: if no training has such a name

    """
    read: dict[tuple, tuple] = {}
    jobs = list(study.jobs())
    if only:
        matching = (job for pattern in only for job in _matching(jobs, pattern))
        jobs = list({job.folder(""): job for job in matching}.values())
    for number, job in enumerate(jobs, 1):
        if verbose:
            text = f"{number} of {len(jobs)}: {job.corpus}, {job.name}"
            tqdm.write(text, file=sys.stderr)
        config, key = job.config, (job.corpus, job.config.from_scratch)
        if key not in read:
            front = load_front_end(config)
            # One corpus is in memory at a time
            read = {key: (front, read_data(config, front, verbose=verbose))}
        front, data = read[key]
        train(config, data, front, job.folder(folder), verbose=verbose)


def _matching(jobs: list[Job], pattern: str) -> list[Job]:
    names = [job.name for job in jobs]
    if not (chosen := set(fnmatch.filter(names, pattern))):
        raise ValueError(
            f"No training is called '{pattern}'; the first is '{names[0]}'."
        )
    return [job for job in jobs if job.name in chosen]
