"""The command ``evaluate`` for the text model."""

from argparse import ArgumentParser, Namespace
from itertools import chain
from typing import TYPE_CHECKING, get_args

from lightning_modules.datamodules.data_files import find_file
from lightning_modules.errors import exit_on_input_error
from lightning_modules.modules.task_module import Scores
from lightning_modules.modules.text.answers import expect_answerable, expect_beam
from lightning_modules.modules.text.scores import predict_examples
from pyg_grapheme.options import expect_count
from pyg_grapheme.text import PairDataset
from pyg_grapheme.text.readers.read_examples import locate_examples
from pyg_grapheme.text.readers.text_input import STANDARD_INPUT
from pyg_grapheme.text.typing import PreprocessName

if TYPE_CHECKING:
    from lightning_modules.modules.transform_module import TransformModule


def add_evaluate_arguments(parser: ArgumentParser) -> None:
    """Add the files of examples and how to read them."""
    parser.add_argument("--batch_size", type=int, default=64)
    parser.add_argument("--beam", type=int, default=1, help="width of the beam search")
    parser.add_argument(
        "--preprocess",
        choices=get_args(PreprocessName),
        help="preprocessing of the examples (default: that of the run)",
    )
    parser.add_argument(
        "examples",
        nargs="+",
        help="files of examples, such as bundled:english_unseen.tsv; - for standard input",
    )


def evaluate_files(module: "TransformModule", options: Namespace) -> dict[str, Scores]:
    """Return the scores of the predictions for each file of examples."""
    net = module.net
    module.preprocess = options.preprocess or module.preprocess
    with exit_on_input_error():
        module.beam = expect_beam(options.beam)
        batch_size = expect_count("--batch_size", options.batch_size)
        if options.examples.count(STANDARD_INPUT) > 1:
            raise ValueError(f"Expected '{STANDARD_INPUT}', standard input, once (got it twice)")
        files = {
            name: list(locate_examples(find_file(name, "examples"), module.preprocess))
            for name in options.examples
        }
        for where, example in chain.from_iterable(files.values()):
            expect_answerable(module.nets, example.source, where, module.is_searching)
    datasets = {
        name: PairDataset([e for _, e in located], net.vocabulary, net.source, net.target)
        for name, located in files.items()
    }
    return {
        name: predict_examples(module, dataset, batch_size)[1]._asdict()
        for name, dataset in datasets.items()
    }
