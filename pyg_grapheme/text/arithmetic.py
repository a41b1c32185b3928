"""Maths problems in Polish notation, levels 1 to 4, in the format that ``read_examples`` takes.

====== =============================== =============================== =======
level  task                            input                           answer
====== =============================== =============================== =======
1      one sum or difference           ``(+ 16 9)``                    25
2      nested sums and products        ``(- (* 3 4) 5)``               7
3      a symbol that stands for a      ``(let x 3 (+ x 9))``           12
       number
4      functions; the answer may be    ``(+ (sqrt 49) 2)``             9
       symbolic                        ``(sqrt 12)``                   (* 2 (sqrt 3))
====== =============================== =============================== =======

Run as a program, it writes a file: ``python -m pyg_grapheme.text.arithmetic --help``.
"""

import argparse
import json
import math
import random
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from pyg_grapheme.atomic_write import atomic_write
from pyg_grapheme.text.readers.examples import Example
from pyg_grapheme.text.readers.json_lines import format_number

LEVELS = (1, 2, 3, 4)


class Problem(NamedTuple):
    """One problem; exactly one of the two answers is there."""

    id: str
    input_polish: str
    expected_result: float | None
    expected_symbolic: str | None
    level: int


def generate_problems(level: int, count: int, seed: int = 0) -> list[Problem]:
    """Draw ``count`` different problems of a level; the same arguments give the same problems.

    Raises:
        ValueError: if the level is unknown, or has fewer different problems than asked for.

    >>> [p.input_polish for p in generate_problems(level=1, count=2)]
    ['(- 20 13)', '(- 1 12)']
    """
    if level not in LEVELS:
        raise ValueError(f"Expected 'level' to be one of {LEVELS} (got {level})")
    rng = random.Random(f"{seed}/{level}")
    problems: dict[str, Problem] = {}
    tries = 0
    while len(problems) < count:
        text, answer = _DRAW[level](rng)
        if text not in problems:
            name = f"L{level}-{len(problems) + 1:05d}"
            exact = isinstance(answer, int)
            result = float(answer) if exact else None
            problems[text] = Problem(name, text, result, None if exact else str(answer), level)
        tries += 1
        if tries > 100 * count + 1000:
            raise ValueError(
                f"Expected 'count' to be at most about {len(problems)}, the number of different "
                f"problems of level {level} (got {count})"
            )
    return list(problems.values())


def as_example(problem: Problem) -> Example:
    """Return the problem as a text and the text it is to become."""
    if problem.expected_symbolic is not None:
        return Example(problem.input_polish, problem.expected_symbolic)
    assert problem.expected_result is not None
    return Example(problem.input_polish, format_number(problem.expected_result))


def write_problems(problems: Sequence[Problem], path: Path) -> None:
    """Write problems as JSON lines; the file appears whole or not at all."""
    with atomic_write(path) as file:
        for problem in problems:
            file.write(json.dumps(problem._asdict(), ensure_ascii=False) + "\n")


_Drawn = tuple[str, int | str]


def _apply(operator: str, left: int, right: int) -> int:
    return {"+": left + right, "-": left - right, "*": left * right}[operator]


def _draw_arithmetic(rng: random.Random) -> _Drawn:
    operator, left, right = rng.choice("+-"), rng.randint(1, 20), rng.randint(1, 20)
    return f"({operator} {left} {right})", _apply(operator, left, right)


def _draw_nested(rng: random.Random) -> _Drawn:
    inner, outer = rng.choice("+-*"), rng.choice("+-")
    a, b, c = (rng.randint(1, 9) for _ in range(3))
    value = _apply(inner, a, b)
    if rng.random() < 0.5:
        return f"({outer} ({inner} {a} {b}) {c})", _apply(outer, value, c)
    return f"({outer} {c} ({inner} {a} {b}))", _apply(outer, c, value)


def _draw_substitution(rng: random.Random) -> _Drawn:
    symbol, value, other = rng.choice("xyz"), rng.randint(1, 20), rng.randint(1, 20)
    operator = rng.choice("+-")
    if rng.random() < 0.5:
        return f"(let {symbol} {value} ({operator} {symbol} {other}))", _apply(
            operator, value, other
        )
    return f"(let {symbol} {value} ({operator} {other} {symbol}))", _apply(operator, other, value)


def _draw_function(rng: random.Random) -> _Drawn:
    kind, root, other = (
        rng.choice(("square", "sqrt", "root")),
        rng.randint(1, 9),
        rng.randint(1, 20),
    )
    if kind == "root":
        return _draw_root(rng)
    operator = rng.choice("+-")
    if kind == "square":
        return f"({operator} (square {root}) {other})", _apply(operator, root * root, other)
    return f"({operator} (sqrt {root * root}) {other})", _apply(operator, root, other)


def _draw_root(rng: random.Random) -> _Drawn:
    """A root simplified: sqrt(a * a * b) = a * sqrt(b), b free of squares."""
    number = rng.randint(2, 400)
    outside = max(a for a in range(1, math.isqrt(number) + 1) if number % (a * a) == 0)
    inside = number // (outside * outside)
    if inside == 1:
        return f"(sqrt {number})", outside
    return (
        f"(sqrt {number})",
        f"(sqrt {inside})" if outside == 1 else f"(* {outside} (sqrt {inside}))",
    )


_DRAW = {1: _draw_arithmetic, 2: _draw_nested, 3: _draw_substitution, 4: _draw_function}


def main(arguments: Sequence[str] | None = None) -> None:
    """Write problems to a file."""
    parser = argparse.ArgumentParser(description="Write maths problems as JSON lines.")
    parser.add_argument("output", type=Path, help="the file to write; an existing one is kept")
    parser.add_argument("--levels", type=int, nargs="+", choices=LEVELS, default=list(LEVELS))
    parser.add_argument("--count", type=int, default=500, help="problems per level")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    if options.output.exists():
        parser.error(f"Expected 'output' to be a new file (got {options.output}, which exists)")
    try:
        problems = [
            problem
            for level in options.levels
            for problem in generate_problems(level, options.count, options.seed)
        ]
    except ValueError as error:
        parser.error(str(error))
    write_problems(problems, options.output)


if __name__ == "__main__":
    main()
