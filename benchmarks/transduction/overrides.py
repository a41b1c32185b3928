"""How a cell of the text model becomes options of ``lightning_modules.fit``.

All names of options that the benchmark knows stand here.
"""

import json
from pathlib import Path

from benchmarks.transduction.cells import Cell
from benchmarks.transduction.data import NORMALISATION_SIZES, Files

CONFIGS = {
    "inflection": Path("conf/inflection.yaml"),
    "g2p": Path("conf/g2p.yaml"),
    "normalisation": Path("conf/normalisation.yaml"),
    "maths": Path("conf/maths.yaml"),
    "speed": Path("conf/inflection.yaml"),
    "questions": Path("conf/kindergarten.yaml"),
}

ROWS: dict[str, list[str]] = {
    "ours": [],
    "without_pool": ["--model.merges=false"],
    "fixed_threshold": ["--model.threshold_lr=0"],
    "one_merge": ["--model.max_cuts=1"],
}
"""Options of each row of the text model."""


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
        "--trainer.enable_progress_bar=false",
        *_limit(cell),
        *(["--trainer.max_epochs=1"] if cell.table == "speed" else []),
        *ROWS[cell.row],
    ]


GO_ON = "--ckpt_path=last"
"""Go on with what was cut short, if anything was."""

RUN = "run"
"""Name of the run, and of the folder that fit makes for its versions."""


def _file_options(files: Files) -> list[str]:
    return [
        f"--data.init_args.train={files.train}",
        f"--data.init_args.val={files.dev}",
        f"--data.init_args.test={json.dumps({'test': str(files.test)})}",
    ]


def _limit(cell: Cell) -> list[str]:
    """Train on the first tokens alone, where a table does."""
    limit = NORMALISATION_SIZES.get(cell.size) if cell.table == "normalisation" else None
    return [] if limit is None else [f"--data.init_args.train_limit={limit}"]
