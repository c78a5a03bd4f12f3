"""Invalid request bodies, derived from a documented example and its schema."""

import copy
import json
from collections.abc import Iterator

from . import document

WRONG = [None, True, 7, -1, 0, 1.5, 2, 1e300, 10**30, "", "x", "\u0000", "a" * 1001, [], ["x"], {}, {"unknown": 1}]
# Malformed JSON, and extreme JSON that a reader must handle.
MALFORMED = {
    "empty": b"",
    "blank": b" \n",
    "open object": b"{",
    "open string": b'{"name": "x',
    "trailing text": b"{} x",
    "two values": b"{}{}",
    "trailing comma": b'{"a": 1,}',
    "single quotes": b"{'name': 'x'}",
    "comment": b"{/* */}",
    "NaN": b'{"labels": NaN, "name": NaN, "features": NaN}',
    "Infinity": b'{"label": Infinity}',
    "-Infinity": b'{"label": -Infinity}',
    "leading zero": b'{"label": 01}',
    "plus": b'{"label": +1}',
    "bare word": b"nonsense",
    "invalid UTF-8": b'{"name": "\xff\xfe"}',
    "overlong UTF-8": b'{"name": "\xc0\xaf"}',
    "UTF-16": '{"name": "x"}'.encode("utf-16"),
    "raw control character": b'{"name": "a\nb"}',
    "bad escape": b'{"name": "\\x41"}',
    "NUL bytes": b"\x00" * 64,
    "deep arrays": b"[" * 100_000,
    "deep objects": b'{"a":' * 100_000,
    "closed deep arrays": b"[" * 100_000 + b"]" * 100_000,
    "deep below a member": b'{"features":' + b"[" * 50_000 + b"]" * 50_000 + b"}",
    "two megabytes of brackets": b"[" * 2_000_000,
    "two megabytes of spaces": b" " * 2_000_000,
    "gzip under another name": bytes.fromhex("1f8b08000000000000ff"),
}


def invalid(operation: document.Operation, example) -> Iterator[tuple[str, object]]:
    """Yields `(pointer, body)`: bodies that the document forbids, each invalid at one location of `example`."""
    schema = operation.body("application/json")
    judge = document.validator(schema)
    assert judge.is_valid(example), f"{operation.id}: its example does not fit"
    for pointer, body in _mutations(example, schema):
        if not judge.is_valid(body):
            yield pointer, body


def _mutations(example, schema: dict) -> Iterator[tuple[str, object]]:
    for wrong in WRONG:
        yield "", wrong
    grown = _with_optional_members(example, schema)
    for path in _paths(grown):
        pointer = "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)
        for wrong in WRONG:
            yield pointer, _replaced(grown, path, wrong)
        yield pointer, _removed(grown, path)
        if isinstance(_at(grown, path), dict):
            yield pointer + "/unknown", _replaced(grown, [*path, "unknown"], {})
    yield "/unknown", _replaced(grown, ["unknown"], 1)


def _with_optional_members(example, schema):
    """The example, completed with the optional members that it omits, from their own examples or defaults."""
    grown = copy.deepcopy(example)
    if isinstance(grown, dict):
        for name, member in schema.get("properties", {}).items():
            for key in ("example", "default"):
                if name not in grown and key in member:
                    grown[name] = copy.deepcopy(member[key])
    return grown


def _paths(value, path=()) -> Iterator[list]:
    if path:
        yield list(path)
    if isinstance(value, dict):
        for name, member in value.items():
            yield from _paths(member, (*path, name))
    elif isinstance(value, list):
        for index, item in enumerate(value[:2]):  # the third item is wrong in no other way than the second
            yield from _paths(item, (*path, index))


def _at(value, path):
    for step in path:
        value = value[step]
    return value


def _replaced(value, path, new):
    result = copy.deepcopy(value)
    if not isinstance(result, dict | list):
        return result
    _at(result, path[:-1])[path[-1]] = new
    return result


def _removed(value, path):
    result = copy.deepcopy(value)
    del _at(result, path[:-1])[path[-1]]
    return result


def related(pointer: str, reported: list[str]) -> bool:
    """Whether one of the reported pointers is at, above or below the location."""
    return any(_below(one, pointer) or _below(pointer, one) for one in reported)


def _below(pointer: str, other: str) -> bool:
    return pointer == other or pointer.startswith(other + "/") or other == ""


def text(body) -> bytes:
    return json.dumps(body).encode()
