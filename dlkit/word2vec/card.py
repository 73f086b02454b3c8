"""The model card: what a person reads who finds the folder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dlkit.word2vec.config import Word2vecConfig

_WHAT = {
    "skipgram": "skip-gram: each word's vector is trained to tell the words around it from noise",
    "cbow": "continuous bag of words: the words around, together, are trained to tell the word",
}
_HOW = {
    "ns": "negative sampling (Mikolov et al. 2013, arXiv 1310.4546)",
    "hs": "hierarchical softmax (Mikolov et al. 2013, arXiv 1310.4546)",
    "softmax": "the softmax over all words (Mikolov et al. 2013, arXiv 1301.3781)",
}


def render(config: Word2vecConfig, document: Mapping[str, Any]) -> str:
    """The card of a word2vec artifact as Markdown; ``document`` is its artifact.json."""
    data, scores = document["data"], document["scores"]
    began = document.get("began_with")
    kept = ", which were kept as they are" if document.get("frozen") else ""
    held_out = scores.get("held_out_loss")
    loss = f"{scores['loss']:.4f} in the last epoch"
    if held_out is not None:
        loss += f", {held_out:.4f} on text that was held out"
    noise = {"negative": config.negative, "noise exponent": config.noise_exponent}
    settings = {
        "window": f"{config.window}, fixed" if config.fixed_window else config.window,
        **(noise if config.loss == "ns" else {}),
        **({"context": config.context} if config.model == "cbow" else {}),
        **({"n-grams": f"{config.minn} to {config.maxn} letters"} if config.maxn else {}),
        "sample": config.sample,
        "min-count": config.text.min_count,
        "epochs": config.epochs,
        "learning rate": f"{config.first_lr} to {config.min_lr}",
        "seed": config.seed,
        "threads": document["threads"] or "any number: the same bits",
    }
    return "\n".join(
        [
            "# Word vectors",
            "",
            f"{document['words']:,} words, {document['dim']} numbers each, trained with dlkit "
            f"by {_HOW[config.loss]}.",
            "",
            f"- Model: {_WHAT[config.model]}.",
            f"- Text: {data['words']:,} words in {data['lines']:,} lines; "
            f"tokens: {document['text']['tokens']}.",
            f"- Loss: {loss}.",
            *([f"- Began with the vectors of {began}{kept}."] if began else []),
            *(f"- {key}: {value}" for key, value in settings.items()),
            "",
            "## Use",
            "",
            "    dlkit similar WORD --from PATH_OF_THIS_FOLDER",
            "",
            "## Limits",
            "",
            "The vectors repeat what stands in their text, its prejudices included. A word has one "
            "vector for all its meanings. Similar means used alike: opposites come out near.",
            "",
        ]
    )
