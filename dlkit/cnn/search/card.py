"""The model card of an index: what a person reads who finds the folder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dlkit.report.card import marked


def card(document: Mapping[str, Any]) -> bytes:
    """README.md of an index; ``document`` is its artifact.json."""
    model, data = document["model"], document["data"]
    lines = [
        f"# Index of {marked(str(data['name']))}",
        "",
        f"{document['points']:,} images as rows of {document['dim']:,} numbers of length 1, made "
        f"with dlkit by {marked(document['features']['artifact'])}; compared by their products, "
        "exactly.",
        "",
    ]
    lines += [
        f"- Segment {number}: {each['images']:,} images of {marked(str(each['data']))}."
        for number, each in enumerate(document["segments"], 1)
    ]
    if model["mirror"]:
        lines.append("- Each row is of the image and of its mirror image together.")
    if model["whiten"]:
        lines.append(
            f"- PCA whitening learnt on segment 1, {model['components']:,} components, covariance "
            f"shrunk by {model['shrinkage']:.4g} (Jégou and Chum 2012; Ledoit and Wolf 2004)."
        )
    elif "components" in model:
        lines.append(f"- {model['components']:,} principal components, learnt on segment 1.")
    lines += [
        f"- Classes: {document['classes']:,}." if document["classes"] else "- No classes.",
        "",
        "## Use",
        "",
        "    dlkit cnn search query FILE --from PATH_OF_THIS_FOLDER",
        "    dlkit cnn search duplicates --from PATH_OF_THIS_FOLDER",
        "",
        "## Limits",
        "",
        "Alike is what the network takes for alike: it was trained for other classes than yours, "
        "perhaps. New images need the same network, which lies in its own artifact. Who has this "
        "folder has small pictures of the images and their paths.",
        "",
    ]
    return "\n".join(lines).encode()
