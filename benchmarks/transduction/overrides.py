"""The options of ``lightning_modules.fit`` for each cell of the text model."""

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

SIZES = {
    "low": ["--data.init_args.min_epoch=500", "--trainer.check_val_every_n_epoch=4"],
    "high": ["--data.init_args.batch_size=32"],
}
"""Options of inflection by size: fewer steps on 100 pairs, larger batches of 10,000."""

ROWS: dict[str, list[str]] = {
    "ours": [],
    "graphemes": [
        "--data.init_args.source_units=graphemes",
        "--data.init_args.target_units=graphemes",
    ],
    "composed": ["--data.init_args.source_form=NFC", "--data.init_args.target_form=NFC"],
    "without_case": ["--model.map_case=false"],
    "without_pool": ["--model.use_pool=false"],
    "one_merge": ["--model.max_cuts=1"],
}
"""Options of each row of the text model."""

RESUME = "--ckpt_path=last"
"""Resume an interrupted training, if there is one."""

RUN = "run"
"""Name of the run, and of the folder that fit makes for its versions."""


def fit_options(cell: Cell, files: Files | None, folder: Path) -> list[str]:
    """Return the command line of fit.

    Args:
        cell: A cell of the text model.
        files: Files to train on, choose by and report; None if the config makes its own data.
        folder: Folder of the run.
    """
    options = [
        f"--config={CONFIGS[cell.table]}",
        f"--seed_everything={cell.seed}",
        f"--output={folder}",
        f"--name={RUN}",
        "--trainer.enable_progress_bar=false",
    ]
    if files is not None:
        options[1:1] = [
            f"--data.init_args.train={files.train}",
            f"--data.init_args.val={files.dev}",
            f"--data.init_args.test={json.dumps({'test': str(files.test)})}",
        ]
    limit = NORMALISATION_SIZES.get(cell.size) if cell.table == "normalisation" else None
    if limit is not None:
        options.append(f"--data.init_args.train_limit={limit}")
    if cell.table == "speed":
        options.append("--trainer.max_epochs=1")
    if cell.table in ("inflection", "speed"):
        options += SIZES.get(cell.size, [])
    return options + ROWS[cell.row]
