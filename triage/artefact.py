"""The file format of compiled knowledge and trained models: a JSON header and raw arrays, nothing that can run.

Layout: the magic bytes, the header's length (8 bytes, little endian), the header (UTF-8 JSON), padding to 64 bytes, then the body: the
manifest (UTF-8 JSON) and the arrays one after the other, each padded to 64 bytes. The header names each part's place, the arrays' types
and shapes, the protocol number, and the SHA-256 of header and body; `read` refuses a file whose bytes do not match. Arrays are views on the file's
bytes.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from triage.errors import ArtefactError, MissingError

MAGIC = b"TRIAGE\r\n"
PROTOCOL = 1
ALIGN = 64
DTYPES = ("float32", "float64", "int8", "int16", "int32", "uint8", "uint16", "bool")

Array = NDArray[Any]


def _padded(size: int) -> int:
    return -(-size // ALIGN) * ALIGN


def digest(arrays: Mapping[str, Array]) -> str:
    """The SHA-256 of named arrays: their names, types, shapes and bytes."""
    sha = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        sha.update(f"{name} {array.dtype} {array.shape}\n".encode())
        sha.update(array.tobytes())
    return sha.hexdigest()


def _sha256(header: Mapping[str, Any], body: bytes | memoryview) -> str:
    """The hash of a header (without its hash) and a body."""
    sha = hashlib.sha256(json.dumps(dict(header), sort_keys=True).encode())
    sha.update(body)
    return sha.hexdigest()


def write(path: Path, kind: str, manifest: Mapping[str, Any], arrays: Mapping[str, Array]) -> None:
    """Writes an artefact; the file appears whole or not at all."""
    text = json.dumps(dict(manifest), ensure_ascii=False, sort_keys=True).encode()
    blobs = [text.ljust(_padded(len(text)), b"\0")]
    table: dict[str, Any] = {}
    offset = len(blobs[0])
    for name, array in arrays.items():
        if str(array.dtype) not in DTYPES:
            raise ArtefactError(f"{path.name}: array {name} has type {array.dtype}. Expected one of {', '.join(DTYPES)}.")
        data = np.ascontiguousarray(array).tobytes()
        table[name] = {"dtype": str(array.dtype), "shape": list(array.shape), "offset": offset}
        blobs.append(data.ljust(_padded(len(data)), b"\0"))
        offset += len(blobs[-1])
    body = b"".join(blobs)
    header: dict[str, Any] = {"protocol": PROTOCOL, "kind": kind, "manifest": len(text), "arrays": table}
    head = json.dumps({**header, "sha256": _sha256(header, body)}, sort_keys=True).encode()
    start = _padded(len(MAGIC) + 8 + len(head))
    content = (MAGIC + len(head).to_bytes(8, "little") + head).ljust(start, b"\0") + body
    path.parent.mkdir(parents=True, exist_ok=True)
    import tempfile  # only who writes pays for it

    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name + ".")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def read(path: Path, kind: str) -> tuple[dict[str, Any], dict[str, Array]]:
    """The manifest and the arrays (read-only) of an artefact of this kind.

    Raises MissingError when there is no such file and ArtefactError when it is not what it says it is.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise MissingError(
            f"{kind} file {path}: {error.strerror or error}. Expected the file that 'triage train' writes; reinstall, or rebuild it."
        ) from error

    def bad(what: str) -> ArtefactError:
        return ArtefactError(f"{kind} file {path}: {what}. Rebuild it with 'triage train', or reinstall.")

    if content[: len(MAGIC)] != MAGIC:
        raise bad("not an artefact of this program (the first bytes differ)")
    length = int.from_bytes(content[len(MAGIC) : len(MAGIC) + 8], "little")
    start = _padded(len(MAGIC) + 8 + length)
    if start > len(content):
        raise bad("cut short (the header is incomplete)")
    try:
        header = json.loads(content[len(MAGIC) + 8 : len(MAGIC) + 8 + length])
        size, table = int(header["manifest"]), dict(header["arrays"])
    except (ValueError, KeyError, TypeError) as error:
        raise bad("its header cannot be read") from error
    if header.get("protocol") != PROTOCOL:
        raise bad(f"written with protocol {header.get('protocol')!r}. Expected {PROTOCOL}")
    if header.get("kind") != kind:
        raise bad(f"holds {header.get('kind')!r}. Expected {kind!r}")
    body = memoryview(content)[start:]
    if header.pop("sha256", None) != _sha256(header, body):
        raise bad("its contents do not match their hash: it was damaged or edited")
    arrays: dict[str, Array] = {}
    for name, entry in table.items():
        dtype, shape = entry["dtype"], tuple(entry["shape"])
        if dtype not in DTYPES:
            raise bad(f"array {name} has type {dtype!r}, which is not allowed")
        count = int(np.prod(shape, dtype=np.int64))
        if entry["offset"] < size or entry["offset"] + count * np.dtype(dtype).itemsize > len(body):
            raise bad(f"array {name} lies outside the file")
        arrays[name] = np.frombuffer(body, dtype=dtype, count=count, offset=entry["offset"]).reshape(shape)
    return json.loads(bytes(body[:size])), arrays


def default_directory() -> Path:
    """The directory of the shipped artefacts: inside the installed package, or `models/` beside it in a checkout."""
    override = os.environ.get("TRIAGE_MODELS")
    if override:
        return Path(override)
    package = Path(__file__).resolve().parent
    installed = package / "models"
    return installed if installed.is_dir() else package.parent / "models"
