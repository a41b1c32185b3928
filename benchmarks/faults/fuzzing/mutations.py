"""Random damage to the content of files."""

import re
from collections.abc import Callable
from random import Random

Mutation = Callable[[bytes, Random], bytes]
"""Returns damaged content."""

LONG = 1_000_000
"""Bytes of a long line."""

LETTERS = (
    "\u0301", "\u0323", "e\u0301", "ß", "İ", "ǆ", "한", "ñ", "👩\u200d👧", "ש", "ﷺ", "\u202e",
    "\u2028", "\u2029", "\u0085", "\u00a0", "\ufeff", "\ufffd", "\U0010ffff", "\ue000", "\u0378",
)  # fmt: skip
"""Characters that are rare in files of ASCII, or that some functions split lines at."""

TOKENS = (
    *(letter.encode() for letter in LETTERS),
    *(
        b"\0",
        b"\r",
        b"\n",
        b"\r\n",
        b"\n\n",
        b"\n \n",
        b"\x0b",
        b"\x0c",
        b"\x1a",
        b"\x1b[2J",
        b"\x1c",
    ),
    *(b"\xff", b"\x80", b"\xc3", b"\xed\xa0\x80", b"\xf0\x9f", b"\xff\xfe"),
    *(b"\t", b"\t\t", b",", b";", b"|", b'"', b'""', b"'", b"\\", b" ", b"#"),
    *(b"NaN", b"Infinity", b"-Infinity", b"null", b"true", b"{}", b"[]", b"[null]", b'""', b"N/A"),
    *(b"1e999", b"-1e308", b"1" * 400, b"9" * 5000, b"-0.0", b"1e-400", b"0x10", b"1_000", b"-1"),
    *(rb"\ud800", rb"\udc00\ud800", rb"\u0000", rb"\n", rb"\u2028", rb"\x", rb"\ud83d\ude00"),
    *(b"[" * 400 + b"]" * 400, b'{"a":' * 990 + b"1" + b"}" * 990),
    *(b"2024-05-17", b"0001-01-01", b"9999-12-31T23:59:59+14:00", b"2024-02-30"),
)
"""What is put into a file somewhere."""

JSON_TOKENS = (
    *(b'"', b'"a"', b'""', b'"\\ud800"', b'"a\\udc00"', b'"\\u0000"', b'"\\n"', b'"a\\tb"'),
    *(b"NaN", b"-Infinity", b"1e999", b"-0.0", b"1e22", b"1" * 400, b"9" * 5000),
    *(b"null", b"true", b"{}", b"[]", b'["a", null]', b'["\\ud800"]', b"[[1]]"),
    *(b"[" * 400 + b"]" * 400, b"[" * 3000),
)
"""What takes the place of a value in JSON."""


def _place(data: bytes, rng: Random) -> int:
    """Return a place: mostly any, else the start or the end of a line or of the file."""
    kind = rng.randrange(6)
    if kind < 3:
        return rng.randint(0, len(data))
    starts = [0, *(match.end() for match in re.finditer(b"\n", data))]
    ends = [match.start() for match in re.finditer(b"\n", data)] or [len(data)]
    return {3: rng.choice(starts), 4: rng.choice(ends), 5: rng.choice([0, len(data)])}[kind]


def flip_bits(data: bytes, rng: Random) -> bytes:
    """Flip one to three bits."""
    changed = bytearray(data)
    for _ in range(rng.randint(1, 3) if data else 0):
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def change_bytes(data: bytes, rng: Random) -> bytes:
    """Replace a few bytes by random ones."""
    start = rng.randint(0, len(data))
    return data[:start] + rng.randbytes(rng.randint(1, 4)) + data[start + rng.randint(0, 4) :]


def delete_bytes(data: bytes, rng: Random) -> bytes:
    """Leave out a stretch."""
    start = _place(data, rng)
    return data[:start] + data[start + rng.choice([1, 1, 2, 5, 40]) :]


def repeat_bytes(data: bytes, rng: Random) -> bytes:
    """Repeat a stretch."""
    start = _place(data, rng)
    stop = start + rng.choice([1, 2, 5, 40])
    return data[:stop] + data[start:]


def insert_token(data: bytes, rng: Random) -> bytes:
    """Put in a token."""
    start = _place(data, rng)
    return data[:start] + rng.choice(TOKENS) + data[start:]


def replace_value(data: bytes, rng: Random) -> bytes:
    """Replace a word, a number, or a text in quotes by a token."""
    found = list(re.finditer(rb'"[^"\n]*"|[\w.-]+', data))
    if not found:
        return data
    start, stop = rng.choice(found).span()
    is_json = data[:1] == b"{" and rng.random() < 0.7
    return data[:start] + rng.choice(JSON_TOKENS if is_json else TOKENS) + data[stop:]


def copy_value(data: bytes, rng: Random) -> bytes:
    """Replace a word, a number, or a text in quotes by another one of the file."""
    found = list(re.finditer(rb'"[^"\n]*"|[\w.-]+', data))
    if not found:
        return data
    start, stop = rng.choice(found).span()
    return data[:start] + rng.choice(found)[0] + data[stop:]


def truncate(data: bytes, rng: Random) -> bytes:
    """Cut off the end."""
    return data[: _place(data, rng)]


def cut_start(data: bytes, rng: Random) -> bytes:
    """Cut off the start."""
    return data[_place(data, rng) :]


def change_lines(data: bytes, rng: Random) -> bytes:
    """Leave out, repeat, move or join lines, or put in blank ones."""
    lines = data.splitlines(keepends=True) or [b""]
    # The first line is often a header.
    index = rng.choice([0, rng.randrange(len(lines))])
    kind = rng.randrange(6)
    if kind == 0:
        del lines[index]
    elif kind == 1:
        lines.insert(rng.randint(0, len(lines)), lines[index])
    elif kind == 2:
        rng.shuffle(lines)
    elif kind == 3:
        lines[index] = lines[index].rstrip(b"\r\n")
    else:
        lines.insert(index + rng.randint(0, 1), rng.choice([b"\n", b"\r\n", b" \n", b"\t\n"]))
    return b"".join(lines)


def change_columns(data: bytes, rng: Random) -> bytes:
    """Leave out, repeat or empty a column of a line, or of all lines."""
    delimiter = rng.choice([mark for mark in (b"\t", b",", b";") if mark in data] or [b" "])
    lines = data.split(b"\n")
    chosen = range(len(lines)) if rng.random() < 0.2 else [rng.randrange(len(lines))]
    kind, place = rng.randrange(4), rng.randrange(6)
    for index in chosen:
        cells = lines[index].split(delimiter)
        column = place % len(cells)
        if kind == 0:
            del cells[column]
        elif kind == 1:
            cells.insert(column, cells[column])
        elif kind == 2:
            cells[column] = b""
        else:
            cells.append(b"")
        lines[index] = delimiter.join(cells)
    return b"\n".join(lines)


def change_line_ends(data: bytes, rng: Random) -> bytes:
    """Give all lines another end."""
    return data.replace(b"\n", rng.choice([b"\r\n", b"\r", b"\n\r", b"\r\r\n"]))


def change_encoding(data: bytes, rng: Random) -> bytes:
    """Write a text in another encoding, or with a byte order mark."""
    text = data.decode("utf-8", "replace")
    kind = rng.randrange(4)
    if kind == 0:
        return text.encode(rng.choice(["utf-16", "utf-16-le", "utf-32"]))
    if kind == 1:
        return text.encode("latin-1", "replace")
    return b"\xef\xbb\xbf" * rng.randint(1, 2) + data


def replace_all(data: bytes, rng: Random) -> bytes:
    """Replace the content by none, by blank lines, or by that of a foreign file."""
    foreign = (b"\x89PNG\r\n\x1a\n", b"PK\3\4", b"PK\5\6" + bytes(18), b"\x1f\x8b\x08", b"PAR1")
    blank = (b"", b"\n", b"\n\n\r\n", b" \n\t\n", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n", b"\r")
    return rng.choice([rng.choice(blank), rng.choice(foreign), rng.randbytes(rng.randrange(200))])


def lengthen(data: bytes, rng: Random) -> bytes:
    """Put in a long stretch without line ends."""
    start = _place(data, rng)
    return data[:start] + rng.choice([b"a", b"1", b"ab ", b"a\t", b'"', b"["]) * LONG + data[start:]


COMMON: tuple[Mutation, ...] = (
    *(flip_bits, change_bytes, delete_bytes, repeat_bytes, insert_token, insert_token),
    *(replace_value, replace_value, copy_value, copy_value, copy_value),
    *(truncate, cut_start, change_lines, change_columns),
)
RARE: tuple[Mutation, ...] = (change_line_ends, change_encoding, replace_all)


def mutate(data: bytes, rng: Random, longest: float = 0.002) -> tuple[bytes, list[str]]:
    """Damage content once to three times.

    Args:
        data: The content.
        rng: Decides all.
        longest: Probability of a long line.

    Returns:
        The damaged content, which differs, and the names of what was done to it.
    """
    changed, done = data, list[str]()
    while changed == data:
        changed, done = data, []
        for _ in range(rng.choice([1, 1, 1, 1, 1, 1, 2, 2, 3])):
            mutation = rng.choice(RARE if rng.random() < 0.12 else COMMON)
            changed = mutation(changed, rng)
            done.append(mutation.__name__)
    if rng.random() < longest:
        changed = lengthen(changed, rng)
        done.append("lengthen")
    return changed, done
