"""SHA-256 of files, remembered: of a file that did not change it is computed once."""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from pathlib import Path

from runtime.models.cache import cache_dir

_SETTLED = 10**9  # ns; a file changed a moment ago may change again without a new time


def file_sha256(path: Path) -> str:
    """The hash of the file's bytes in hexadecimal. Raises OSError."""
    status = path.stat()
    # The time of the last change of any kind: unlike that of the contents, it cannot be set.
    mark = [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]
    store = cache_dir() / "models" / "sha256.json"
    known = _load(store)
    entry = known.get(str(path.resolve()))
    if isinstance(entry, dict) and entry.get("mark") == mark and isinstance(entry["sha256"], str):
        return entry["sha256"]
    digest = _compute(path)
    if time.time_ns() - status.st_ctime_ns > _SETTLED:
        known = {name: entry for name, entry in known.items() if Path(name).exists()}
        known[str(path.resolve())] = {"mark": mark, "sha256": digest}
        part = store.with_name(f".{store.name}.{os.getpid()}.part")
        with suppress(OSError):  # then it is computed again
            store.parent.mkdir(parents=True, exist_ok=True)
            try:
                part.write_text(json.dumps(known, indent=1))
                part.replace(store)
            finally:
                part.unlink(missing_ok=True)
    return digest


def _load(store: Path) -> dict[str, object]:
    try:
        known = json.loads(store.read_text())
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _compute(path: Path) -> str:
    import hashlib

    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()
