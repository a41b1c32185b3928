"""Score a checkpoint: ``python -m lightning_modules.evaluate --ckpt_path FILE [EXAMPLES ...]``."""

import argparse
from typing import get_args

from lightning_modules.errors import reported
from lightning_modules.run.checkpoint import load_module
from lightning_modules.scoring import predict_examples, print_scores
from pyg_grapheme.text import PairDataset, read_examples
from pyg_grapheme.text.bundled import resolve_path
from pyg_grapheme.text.readers.text_input import STANDARD_INPUT
from pyg_grapheme.typing import PreprocessName


def main(arguments: list[str] | None = None) -> None:
    """Print exact match, error rates, edit distance and C/N on files of examples."""
    options = _parse(arguments)
    with reported():
        module = load_module(options.ckpt_path)
        preprocess = options.preprocess or module.preprocess
        files = {name: read_examples(resolve_path(name), preprocess) for name in options.examples}
    net = module.net
    datasets = {
        name: PairDataset(e, net.vocabulary, net.form, net.source_units, net.target_units)
        for name, e in files.items()
    }
    print_scores(
        {
            name: predict_examples(module, dataset, options.batch_size)[1]
            for name, dataset in datasets.items()
        }
    )


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m lightning_modules.evaluate", allow_abbrev=False
    )
    parser.add_argument("--ckpt_path", required=True, help="checkpoint of a run")
    parser.add_argument("--batch_size", type=int, default=64)
    parser.add_argument(
        "--preprocess",
        choices=get_args(PreprocessName),
        help="what is done to the examples first (default: what the run did)",
    )
    parser.add_argument(
        "examples",
        nargs="*",
        default=["bundled:kindergarten.jsonl", "bundled:kindergarten_unseen.jsonl"],
        help="files of examples, - for standard input (default: the bundled questions)",
    )
    options = parser.parse_args(arguments)
    if options.batch_size < 1:
        parser.error(f"Expected '--batch_size' to be at least 1 (got {options.batch_size})")
    if options.examples.count(STANDARD_INPUT) > 1:
        parser.error(f"Expected '{STANDARD_INPUT}', standard input, once (got it twice)")
    return options


if __name__ == "__main__":
    main()
