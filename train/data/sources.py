"""Where rows come from: JSON lines, a folder or Hugging Face dataset; each knows its place.

Whatever is wrong with them is a DataError of one line: the file, the line, what to do.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

from train.errors import DataError

Split = Literal["train", "eval"]
# Splits of a Hugging Face dataset to take, best first.
SPLITS: dict[Split, tuple[str, ...]] = {
    "train": ("train",),
    "eval": ("test", "validation", "eval", "train"),
}
_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+(:[\w.-]+)?")
_Item = TypeVar("_Item")


@dataclass(frozen=True)
class Row:
    """One row. `source` and `number` (from 1) make an id for rows that have none."""

    source: str
    number: int
    place: str  # "train.jsonl, line 3"
    fields: Mapping[str, Any]

    def error(self, text: str) -> DataError:
        """A DataError that says where."""
        return DataError(f"{self.place}: {text}")

    def first(self, *names: str) -> Any:
        """The value of the first of these fields that is there and not null, or None."""
        values = (self.fields.get(name) for name in names)
        return next((value for value in values if value is not None), None)


def read_rows(source: str, split: Split, generated: Sequence[str]) -> Iterator[Row]:
    """The rows of `source`: a file, a folder, or `org/name` or `org/name:config` on the hub.

    Raises DataError for a source that is none of these; `generated` names are only for its text.
    """
    path = Path(source).expanduser()
    if path.is_dir():
        return _dataset_rows(source, split)
    if path.is_file() or path.suffix in (".jsonl", ".json", ".ndjson"):
        return _file_rows(path)
    if _HUB_ID.fullmatch(source):
        return _dataset_rows(source, split)
    names = ", ".join(generated) or "none"
    raise DataError(
        f"no data {source!r}: give a JSON-lines file, a folder, a Hugging Face dataset id "
        f"(org/name), or generated problems ({names})"
    )


def select(items: list[_Item], source: str, limit: int, seed: int, split: Split) -> list[_Item]:
    """At most `limit` items: the first for "eval", a seeded draw in a seeded order for "train".

    Raises DataError if there are none.
    """
    if not items:
        raise DataError(f"{source} is empty: it needs at least one row")
    if split == "train":
        random.Random(seed).shuffle(items)
    return items[:limit]


def _file_rows(path: Path) -> Iterator[Row]:
    try:
        # Not splitlines(): the characters that it cuts at may stand inside a JSON string.
        lines = path.read_bytes().removeprefix(b"\xef\xbb\xbf").split(b"\n")
    except OSError as error:
        reason = "no such file" if isinstance(error, FileNotFoundError) else error.strerror
        raise DataError(f"cannot read {path}: {reason}. Check the path.") from None
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        place = f"{path}, line {number}"
        try:
            fields = json.loads(line.decode())
        except UnicodeDecodeError as error:
            message = f"{place}: not UTF-8 at byte {error.start + 1}. Save the file as UTF-8."
            raise DataError(message) from None
        except (ValueError, RecursionError) as error:
            why = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
            raise DataError(
                f"{place}: not JSON ({why}). Each line must be one JSON object."
            ) from None
        if not isinstance(fields, dict):
            raise DataError(f"{place}: not a JSON object. Each line must be one.")
        yield Row(path.stem, number, place, fields)


def _dataset_rows(source: str, split: Split) -> Iterator[Row]:
    data = _load_dataset(source)
    name = next((name for name in SPLITS[split] if name in data), None)
    if name is None:
        raise DataError(
            f"{source} has no split {' or '.join(SPLITS[split])}, only {', '.join(data)}"
        )
    for number, fields in enumerate(data[name], 1):
        yield Row(Path(source).name, number, f"{source}, {name} row {number}", fields)


def _load_dataset(source: str) -> Mapping[str, Any]:
    """A `datasets.DatasetDict`."""
    try:
        import datasets
    except ImportError:
        raise DataError(f"{source} needs the datasets library: pip install 'datasets'") from None
    folder = Path(source).expanduser()
    try:
        if (folder / "state.json").is_file() or (folder / "dataset_dict.json").is_file():
            data: Any = datasets.load_from_disk(str(folder))
        elif folder.is_dir():
            data = datasets.load_dataset(str(folder))
        else:
            name, _, config = source.partition(":")
            data = datasets.load_dataset(name, config or None)
    # Builders, file systems and HTTP clients each have exceptions of their own.
    except Exception as error:
        why = " ".join(str(error).split())[:300] or type(error).__name__
        advice = (
            "It must hold JSON lines or Parquet files."
            if folder.is_dir()
            else "Check the id and the network, or give a local file."
        )
        raise DataError(f"cannot load the dataset {source}: {why}. {advice}") from error
    split_names: Mapping[str, Any] = data if isinstance(data, dict) else {"train": data}
    return split_names
