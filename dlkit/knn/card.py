"""The model card: what a person reads who finds the folder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_METRICS: Final = {
    "l2": "Euclidean (L2)",
    "l1": "sum of absolute differences (L1)",
    "cosine": "1 - cosine",
    "linf": "largest absolute difference (Chebyshev, L-infinity)",
}
_FITTED: Final = {
    True: "anew for each part, on the others",
    False: "once, on the judged samples, too, which flatters: there were too many parts",
}
_VOTES: Final = {
    "uniform": "every neighbour has one vote",
    "distance": "a neighbour's vote weighs 1/distance; those at distance 0 vote alone",
}


def render(document: Mapping[str, Any]) -> str:
    """The card of a knn artifact as Markdown; ``document`` is its artifact.json."""
    model, data, scores = document["model"], document["data"], document["scores"]
    rows = [document["features"]["artifact"]] if document["features"] else []
    rows += [document["preprocess"]["text"]] if document["preprocess"]["text"] else []
    metric = _METRICS.get(model["metric"], f"Minkowski, p = {model['metric'].partition(':')[2]}")
    lines = [
        f"# Nearest neighbours of {data['name']}",
        "",
        f"{document['points']:,} points of {document['dim']:,} numbers ({document['dtype']}) in "
        f"{document['classes']:,} classes, searched exactly with dlkit (Cover and Hart 1967, "
        "https://doi.org/10.1109/TIT.1967.1053964).",
        "",
        f"- k: {model['k']}; the class with most votes, of equal ones the first in labels.txt.",
        f"- Distance: {metric}; of equal ones the earlier point is nearer.",
        f"- Votes: {_VOTES[model['weights']]}.",
        f"- Rows: {', then '.join(rows) or 'the inputs as they are'}.",
    ]
    if scores:
        spread = scores["deviation"]
        more = "" if spread is None else f" ± {spread:.4f} (standard deviation)"
        lines.append(
            f"- Accuracy in cross-validation of the training data, {scores['folds']:,} parts: "
            f"{scores['accuracy']:.4f}{more}. The choice was made by it, which flatters."
        )
        if scores["refit"] is not None:
            lines.append(f"- There the preprocessing was fitted {_FITTED[scores['refit']]}.")
        if data["kind"] == "table":
            lines.append(
                "- There, as everywhere, empty cells were filled by what all training rows tell."
            )
    if not data["samples"].get("test"):
        lines.append("- Nothing was held out: there is nothing to judge it on.")
    if not document["bit_reproducible"]:
        lines.append(f"- Another run may differ in last digits: {document['why_not']}.")
    lines += [
        f"- Seed: {document['seed']}.",
        "",
        "## Use",
        "",
        "    dlkit knn predict FILE --from PATH_OF_THIS_FOLDER",
        "    dlkit knn eval --from PATH_OF_THIS_FOLDER",
        "",
        "## Limits",
        "",
        "The points are the training data: who has this folder has them. Near means alike in the "
        "numbers compared; of pixels that is mostly the background.",
        "",
    ]
    return "\n".join(lines)
