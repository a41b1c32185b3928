"""How a cell of the text model becomes options of ``lightning_modules.fit``.

All names of options that the benchmark knows stand here.
"""

import json
from pathlib import Path

from benchmarks.transduction.cells import Cell
from benchmarks.transduction.data import Files

CONFIGS = {
    "inflection": Path("conf/inflection.yaml"),
    "g2p": Path("conf/g2p.yaml"),
    "normalisation": Path("conf/normalisation.yaml"),
    "maths": Path("conf/maths.yaml"),
}

VARIANTS: dict[str, list[str]] = {
    "ours": [],
    # Nothing is as alike as this, and the noise is too little to say otherwise: nothing merges.
    "without_pool": [
        "--model.pool.threshold=0.999999",
        "--model.pool.temperature=1e-6",
        "--model.threshold_lr=0",
    ],
    "fixed_threshold": ["--model.threshold_lr=0"],
}
"""Options of each row of the text model."""

LANGUAGES: dict[str, list[str]] = {}
"""Options that a language needs beyond its config."""

RESUME: str | None = None
"""The option of fit that takes a checkpoint to go on from; None while it has none."""


def fit_options(cell: Cell, files: Files | None, folder: Path) -> list[str]:
    """Say what to call fit with.

    Args:
        cell: Of the text model.
        files: To train on, choose by and report; None where the config makes its own data.
        folder: Where the run goes.
    """
    where = [] if files is None else _file_options(files)
    return [
        f"--config={CONFIGS[cell.table]}",
        *where,
        f"--seed_everything={cell.seed}",
        f"--output={folder}",
        f"--name={RUN}",
        "--checkpoint.save_last=true",
        "--trainer.enable_progress_bar=false",
        *LANGUAGES.get(cell.language, []),
        *VARIANTS[cell.row],
        *_resume_options(folder),
    ]


RUN = "run"
"""Name of the run, and of the folder that fit makes for its versions."""


def _file_options(files: Files) -> list[str]:
    return [
        f"--data.init_args.train={files.train}",
        f"--data.init_args.val={files.dev}",
        f"--data.init_args.test={json.dumps({'test': str(files.test)})}",
    ]


def _resume_options(folder: Path) -> list[str]:
    """Go on from the last checkpoint of a run that was cut short."""
    if RESUME is None:
        return []
    found = sorted(folder.glob("*/version_*/checkpoints/last.ckpt"), key=_age)
    return [f"{RESUME}={found[-1]}"] if found else []


def _age(path: Path) -> float:
    return path.stat().st_mtime
