"""Maths problems: every answer is checked by an evaluator written here."""

from fractions import Fraction
from pathlib import Path

import pytest

from pyg_grapheme.text import Example, generate_problems, read_examples, write_problems
from pyg_grapheme.text.arithmetic import LEVELS, Problem, as_example, main


def parse(text: str) -> list[object] | str:
    tokens = text.replace("(", " ( ").replace(")", " ) ").split()
    stack: list[list[object]] = [[]]
    for token in tokens:
        if token == "(":
            stack.append([])
        elif token == ")":
            done = stack.pop()
            stack[-1].append(done)
        else:
            stack[-1].append(token)
    ((tree,),) = stack
    return tree  # type: ignore[return-value]


def evaluate(tree: object, names: dict[str, tuple[int, int]]) -> tuple[int, int]:
    """Value as (a, b) for sign(a) * a^2 * b under the root: exact, for single roots."""
    if isinstance(tree, str):
        return names[tree] if tree in names else (int(tree), 1)
    operator, *rest = tree  # type: ignore[misc]
    if operator == "let":
        name, value, body = rest
        return evaluate(body, names | {name: evaluate(value, names)})
    values = [evaluate(part, names) for part in rest]
    if operator == "sqrt":
        ((value, _),) = values
        roots = [r for r in range(value + 1) if r * r == value]
        return (roots[0], 1) if roots else (1, value)
    if operator == "square":
        ((a, b),) = values
        return a * a * b, 1
    (a, b), (c, d) = values
    if operator == "*":
        assert 1 in (b, d)
        return a * c, b * d
    assert b == d == 1
    return (a + c, 1) if operator == "+" else (a - c, 1)


def signed_square(value: tuple[int, int]) -> Fraction:
    a, b = value
    return Fraction(a * abs(a) * b)


def answer(problem: Problem) -> tuple[int, int]:
    assert (problem.expected_result is None) != (problem.expected_symbolic is None)
    if problem.expected_symbolic is not None:
        return evaluate(parse(problem.expected_symbolic), {})
    assert problem.expected_result == int(problem.expected_result)
    return int(problem.expected_result), 1


@pytest.mark.parametrize("level", LEVELS)
def test_answers_are_right(level: int) -> None:
    for seed in range(2):
        for problem in generate_problems(level, 300, seed):
            asked = evaluate(parse(problem.input_polish), {})
            assert signed_square(asked) == signed_square(answer(problem)), problem


def test_problems_are_distinct_and_numbered() -> None:
    for level in LEVELS:
        problems = generate_problems(level, 300)
        assert len({p.input_polish for p in problems}) == len({p.id for p in problems}) == 300, (
            level
        )
        assert {p.level for p in problems} == {level}, level


def test_symbolic_answers_are_simplified_as_far_as_they_go() -> None:
    symbolic = [p for p in generate_problems(4, 300) if p.expected_symbolic is not None]
    assert symbolic
    for problem in symbolic:
        _, inside = answer(problem)
        assert inside > 1
        assert all(inside % (d * d) for d in range(2, inside + 1))


def test_the_same_arguments_give_the_same_problems() -> None:
    for level in LEVELS:
        assert generate_problems(level, 50, 7) == generate_problems(level, 50, 7), level
        assert generate_problems(level, 50, 7) != generate_problems(level, 50, 8), level


def test_all_eight_hundred_problems_of_level_one_can_be_had() -> None:
    assert len(generate_problems(1, 800)) == 800


def test_more_problems_than_there_are_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"'count' to be at most about 800, .*level 1 \(got 801\)"):
        generate_problems(1, 801)


def test_an_unknown_level_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"'level' to be one of \(1, 2, 3, 4\) \(got 5\)"):
        generate_problems(5, 1)


def expected_example(problem: Problem) -> Example:
    text = problem.expected_symbolic
    if text is None:
        text = str(int(problem.expected_result or 0))
    return Example(problem.input_polish, text)


def test_written_problems_read_back(tmp_path: Path) -> None:
    problems = [p for level in LEVELS for p in generate_problems(level, 40)]
    write_problems(problems, tmp_path / "maths.jsonl")
    assert read_examples(tmp_path / "maths.jsonl") == list(map(expected_example, problems))
    assert [p.name for p in tmp_path.iterdir()] == ["maths.jsonl"]


def test_what_can_not_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    problems = [*generate_problems(1, 2), None]
    with pytest.raises(AttributeError):
        write_problems(problems, tmp_path / "maths.jsonl")  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


def test_problems_become_the_examples_that_would_be_read() -> None:
    problems = [p for level in LEVELS for p in generate_problems(level, 40)]
    assert list(map(as_example, problems)) == list(map(expected_example, problems))


def test_the_program_writes_the_levels_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "maths.jsonl"
    main([str(path), "--levels", "1", "3", "--count", "5", "--seed", "2"])
    expected = [p.input_polish for level in (1, 3) for p in generate_problems(level, 5, 2)]
    assert [e.source for e in read_examples(path)] == expected


def test_the_program_keeps_an_existing_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "precious.jsonl"
    path.write_text("precious")
    with pytest.raises(SystemExit, match="2"):
        main([str(path)])
    assert "Expected 'output' to be a new file" in capsys.readouterr().err
    assert path.read_text() == "precious"


def test_the_program_says_when_there_are_too_few_problems(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main([str(tmp_path / "maths.jsonl"), "--levels", "1", "--count", "801"])
    assert "Expected 'count' to be at most about 800" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
