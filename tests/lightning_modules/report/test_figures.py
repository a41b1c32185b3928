"""Pictures of a run."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lightning_modules.report.figures import Chart, draw_chart, write_picture


@contextmanager
def limited_size(size: int) -> Iterator[None]:
    """Refuse to write more bytes than this into a file, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_picture_is_complete_or_absent(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    path = tmp_path / "loss.png"
    figure = draw_chart(Chart("loss", "loss", {"loss": [3.0, 2.0, 1.0]}))
    with limited_size(1000), pytest.raises(OSError, match=r"'.*loss\.png'"):
        write_picture(figure, path)
    assert list(tmp_path.iterdir()) == []
    write_picture(figure, path)
    assert path.read_bytes().startswith(b"\x89PNG")
    assert path.read_bytes().endswith(b"IEND\xaeB`\x82")
