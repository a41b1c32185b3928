"""One of the processes of a test: TEST_FILE RANK WORLD FOLDER."""

import runpy
import sys
import time
from pathlib import Path

import torch


def main(test_file: str, rank: int, world: int, folder: Path) -> None:
    """Save what ``work(rank)`` of the file returns, under gloo."""
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{folder / 'meet'}", rank=rank, world_size=world
    )
    found = runpy.run_path(test_file)["work"](rank)
    torch.save(found, folder / f"{rank}.part")
    (folder / f"{rank}.part").rename(folder / f"{rank}.pt")
    while not all((folder / f"{other}.pt").exists() for other in range(world)):
        time.sleep(0.05)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
