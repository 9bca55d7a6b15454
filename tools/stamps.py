"""Stamp files: whether a generated thing was made from the inputs of today."""

import hashlib
import json
from pathlib import Path


def fingerprint(*inputs: object) -> str:
    """A hash of JSON-able inputs."""
    return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()


def is_current(stamp: Path, key: str) -> bool:
    return stamp.is_file() and stamp.read_text(encoding="utf-8") == key


def write(stamp: Path, key: str) -> None:
    staged = stamp.with_name(f"{stamp.name}.new")
    staged.write_text(key, encoding="utf-8")
    staged.replace(stamp)
