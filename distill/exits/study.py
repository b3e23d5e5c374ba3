"""Many trainings from one file of settings: corpora, seeds, methods, blocks, losses."""

import dataclasses
import itertools
import os
import sys
import tomllib
from collections.abc import Iterator

from tqdm import tqdm

from audw2s.distill.exits.config import METHODS
from audw2s.distill.exits.config import Config
from audw2s.distill.exits.data import read_data
from audw2s.distill.exits.published import load
from audw2s.distill.exits.train import train

OF_STUDY = ("corpora", "seeds", "methods", "depths", "blocks", "similarities")
"""Keys of settings that aren't those of one training."""

PER_JOB = ("method", "depth", "block", "similarity", "seed", "fold", "corpus")
"""Settings of a training that a study chooses."""


@dataclasses.dataclass(frozen=True)
class Job:
    """One training of a study."""

    corpus: str
    """Name of the corpus."""

    method: str
    """What sets it apart from others on the corpus, but for the seed."""

    config: Config

    def folder(self, root: str) -> str:
        """Folder of the training, in that of the study."""
        return os.path.join(root, self.corpus, f"{self.method}-seed{self.config.seed}")


@dataclasses.dataclass(frozen=True)
class Study:
    """What is trained, and compared."""

    corpora: dict[str, dict]
    """For each corpus its ``path`` and settings of its own."""

    base: dict[str, object]
    """Settings of all trainings, see :class:`audw2s.distill.exits.config.Config`."""

    seeds: tuple[int, ...] = (0,)
    """Each with another group of speakers as the test, where the corpus has no split
    of its own."""

    methods: tuple[str, ...] = METHODS
    """Some of :data:`audw2s.distill.exits.config.METHODS`."""

    depths: tuple[int, ...] = ()
    """Depths of plain fine-tuning, the exits and the deepest if none is given."""

    blocks: tuple[str, ...] = ("lstm",)
    similarities: tuple[str, ...] = ("l2",)

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
            path: of the file
            backbone: used in place of the one in the file
            corpora: paths of corpora, by their names in the file; the others are
                left out, if any is given

        Raises:
            FileNotFoundError: if there is no such file
            ValueError: if it is no TOML, or a key or a choice is unknown

        """
        with open(path, "rb") as file:
            values = tomllib.load(file)
        folder = os.path.dirname(os.path.abspath(path))
        known = values.pop("corpora", None)
        if not isinstance(known, dict) or not known:
            raise ValueError(f"{path}: a table [corpora.NAME] for each is needed.")
        if unknown := set(corpora or ()) - set(known):
            raise ValueError(
                f"{path} has the corpora {', '.join(known)}, and no {sorted(unknown)}."
            )
        chosen = {
            name: {**entry, "path": os.path.join(folder, entry.get("path", ""))}
            for name, entry in known.items()
            if not corpora or name in corpora
        }
        for name, place in (corpora or {}).items():
            chosen[name]["path"] = place
        values = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
        own = {key: values.pop(key) for key in OF_STUDY if key in values}
        if "backbone" in values:
            values["backbone"] = os.path.join(folder, values["backbone"])
        if backbone:
            values["backbone"] = backbone
        fields = {field.name for field in dataclasses.fields(Config)} - set(PER_JOB)
        for entry in (values, *chosen.values()):
            if wrong := set(entry) - fields - {"path"}:
                raise ValueError(f"{path}: unknown keys {sorted(wrong)}.")
        return cls(chosen, values, **own)

    def jobs(self) -> Iterator[Job]:
        """All trainings, corpus by corpus and seed by seed."""
        for corpus, seed in itertools.product(self.corpora, self.seeds):
            for method, settings in self._variants():
                entry = {
                    k: tuple(v) if isinstance(v, list) else v
                    for k, v in self.corpora[corpus].items()
                }
                path = entry.pop("path")
                values = {**self.base, **entry, **settings}
                config = Config(**values, corpus=path, seed=seed, fold=seed)
                yield Job(corpus, method, config)

    def _variants(self) -> Iterator[tuple[str, dict]]:
        if "distilled" in self.methods:
            for block, similarity in itertools.product(self.blocks, self.similarities):
                settings = {"block": block, "similarity": similarity}
                yield f"distilled-{block}-{similarity}", settings
        if "plain" in self.methods:
            for depth in self.depths or (*self.base.get("exits", Config.exits), None):
                name = f"plain-{depth or 'deepest'}"
                yield name, {"method": "plain", "depth": depth}
        if "layerwise" in self.methods:
            for block in self.blocks:
                settings = {"method": "layerwise", "block": block}
                yield f"layerwise-{block}", settings


def run(study: Study, folder: str, *, verbose: bool = True) -> None:
    """Run all trainings of a study; called again, go on where it stopped.

    Args:
        study: what to train
        folder: a folder for each corpus, and in it for each training
        verbose: show progress bars

    """
    read: dict[tuple, tuple] = {}
    jobs = list(study.jobs())
    for number, job in enumerate(jobs, 1):
        if verbose:
            name = f"{job.corpus}, {job.method}, seed {job.config.seed}"
            tqdm.write(f"{number} of {len(jobs)}: {name}", file=sys.stderr)
        config = job.config
        heard = (config.backbone, config.samples)
        key = (*heard, config.corpus, config.target, config.classes)
        if key not in read:
            backbone = load(config.backbone, config.samples)
            # One corpus is held at a time
            read = {key: (backbone, read_data(config, backbone, verbose=verbose))}
        backbone, data = read[key]
        train(config, data, backbone, job.folder(folder), verbose=verbose)
