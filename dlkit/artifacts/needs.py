"""Which artifacts of the store need another one: an index, the vectors that encode its texts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlkit.artifacts.load import digest_of, open_artifact, read_document
from dlkit.artifacts.store import list_artifacts
from dlkit.errors import DlkitError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dlkit.artifacts.store import ArtifactInfo


def needed_by(info: ArtifactInfo) -> list[ArtifactInfo]:
    """The finished artifacts that record ``info`` as what encodes their inputs.

    One that was made with another artifact of the same name, as the digest shows, does not count.
    """
    if info.state != "finished":
        return []
    found = []
    digest = ""
    for other in list_artifacts():
        if other.state != "finished":
            continue
        try:
            features = read_document(other.path).get("features")
            if not isinstance(features, dict):
                continue
            if features.get("artifact") not in (info.reference, str(info.path)):
                continue
            if not digest:
                files = [path.name for path in info.path.iterdir()]
                digest = digest_of(open_artifact(info.path, lazy=files))
        except (DlkitError, OSError):
            continue
        if features.get("digest") == digest:
            found.append(other)
    return found


def warnings(doomed: Sequence[ArtifactInfo]) -> Iterator[str]:
    """What to tell before ``doomed`` are removed: who of the others is of no use without them."""
    for info in doomed:
        others = [each.reference for each in needed_by(info) if each not in doomed]
        if others:
            yield f"{', '.join(others)}: made with {info.reference}, and of no use without"
