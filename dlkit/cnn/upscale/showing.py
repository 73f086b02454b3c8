"""What of an upscaler a person looks at: tables, figures, the report, the model card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from dlkit.artifacts.record import describe
from dlkit.cnn.upscale import pictures
from dlkit.cnn.upscale.metrics import METHODS, Mean, Scores
from dlkit.report import sections
from dlkit.report.canvas import Figure, to_files, to_svg
from dlkit.report.card import render_card
from dlkit.report.html import Section, render
from dlkit.report.tables import Table

if TYPE_CHECKING:
    from dlkit.artifacts.writing import Content
    from dlkit.cnn.upscale.config import UpscaleConfig
    from dlkit.cnn.upscale.evaluate import Judged
    from dlkit.cnn.upscale.metrics import Row
    from dlkit.cnn.upscale.saved import SavedUpscaler

COLUMNS: Final = ("method", "psnr", "low", "high", "ssim", "low", "high")
PER_IMAGE: Final = ("file", "network", "bicubic", "nearest", "gain",
                    "ssim network", "bicubic", "nearest")  # fmt: skip
_TOLD: Final = 200  # images of the table per image in a report


def scores_table(scores: Scores) -> Table:
    """PSNR and SSIM of each way, and the network's gain, with intervals of 95 %."""
    rows = [[name, *_ends(scores.psnr[name]), *_ends(scores.ssim[name])] for name in METHODS]
    rows.append(["network - bicubic", *_ends(scores.gain), *_ends(scores.ssim_gain)])
    told = [f"{scores.images:,} images"]
    if scores.exact:
        told.append(f"{scores.exact:,} of which one way is exact, in no mean of PSNR")
    if scores.small:
        told.append(f"{scores.small:,} too small for SSIM")
    return Table(COLUMNS, rows, "; ".join(told))


def _ends(each: Mean) -> list[float | None]:
    return [each.value, each.low, each.high]


def images_table(rows: Sequence[Row]) -> Table:
    """PSNR and SSIM of each image."""
    found = []
    for row in rows:
        psnrs = [row.scores[name].psnr for name in METHODS]
        ssims = [row.scores[name].ssim for name in METHODS]
        found.append([row.file, *psnrs, row.gain, *ssims])
    return Table(PER_IMAGE, found, "PSNR (dB) and SSIM of each image")


def judged_figures(judged: Judged, *, name: str, scale: int) -> dict[str, Figure]:
    """Images side by side, where they are wrong, and which frequencies come back."""
    if not judged.shown:
        return {}
    figures = {
        "images": pictures.sides_figure(judged.shown, name=name, scale=scale),
        "errors": pictures.errors_figure(judged.shown, name=name),
    }
    spectrum = pictures.spectrum_of(judged.shown)
    if len(spectrum.frequencies) > 1:
        figures["spectrum"] = pictures.spectrum_figure(spectrum, name=name, scale=scale)
    return figures


def judged_sections(judged: Judged, figures: Mapping[str, Figure]) -> list[Section]:
    """The scores with what is drawn."""
    text = [
        "PSNR in dB and SSIM as the papers measure them: bytes, without the scale's pixels of the "
        "border. The small images were made by PIL's antialiased bicubic interpolation. Intervals "
        "are of 95 % (Student's t) over the images."
    ]
    drawn = [to_svg(each) for each in figures.values()]
    return [Section("Scores", text=text, tables=[scores_table(judged.scores)], figures=drawn)]


def files(
    config: UpscaleConfig,
    document: dict[str, Any],
    history: list[dict[str, Any]],
    settings: str,
    judged: Judged | None,
) -> dict[str, Content]:
    """figures/*.svg, report.html and README.md of a training.

    Args:
        config: the settled settings.
        document: artifact.json.
        history: of each epoch its metrics.
        settings: config.yaml.
        judged: what the network is worth on validation images; None: there are none.

    """
    name = document["data"]["name"]
    best = document["scores"].get("best_epoch") if judged is not None else None
    figures = {"curves": pictures.curves_figure(history, name=name, best=best)}
    parts = [
        Section("Result", facts={key.replace("_", " "): each
                                 for key, each in document["scores"].items()}),
        Section("Learning", figures=[to_svg(figures["curves"])]),
    ]  # fmt: skip
    if judged is not None:
        drawn = {}
        if config.keep:
            drawn = judged_figures(judged, name=f"{name}, validation", scale=config.scale)
        parts += judged_sections(judged, drawn)
        figures |= drawn
    parts += [
        sections.data_section(document["data"]),
        sections.configuration_section(settings),
        sections.environment_section(describe()),
    ]
    told: dict[str, Content] = {
        f"figures/{title}.svg": to_svg(each) for title, each in figures.items()
    }
    what = f"{config.model}, x{config.scale}"
    told["report.html"] = render(f"dlkit cnn upscale: {name}", parts, subtitle=what)
    told["README.md"] = card(config, document, judged)
    return told


def card(config: UpscaleConfig, document: Mapping[str, Any], judged: Judged | None) -> bytes:
    """README.md of a trained upscaler."""
    data, training = document["data"], config.training
    sees = "the brightness; colours are interpolated" if config.channels == "y" else "colours"
    table = None if judged is None else scores_table(judged.scores)
    return render_card(
        f"Upscaler x{config.scale} of {data['name']}",
        summary=f"A network ({config.model}) that makes images {config.scale} times as large, "
        "trained with dlkit: what it gives is added to bicubic interpolation.",
        facts={
            "parameters": document["parameters"],
            "sees": sees,
            "loss": config.loss,
            "trained on": "images made smaller by PIL's antialiased bicubic interpolation",
            "training images": data["samples"]["learnt"],
            "training patches": data["patches"]["learnt"],
            "validation images": data["samples"]["validated"],
            "optimizer": f"{training.optimizer}, {training.schedule}, lr {training.first_lr:g}",
            "epochs": training.epochs,
            "seed": document["seed"],
        },
        scores=table,
        judged=f"validation images of {data['name']}, by which the best epoch was chosen "
        "(PSNR in dB)",
        commands=[
            "dlkit cnn upscale SMALL.png -o LARGE.png --from PATH_OF_THIS_FOLDER",
            "dlkit cnn upscale eval --from PATH_OF_THIS_FOLDER",
        ],
        limits=[
            "It has learnt to undo one way of making images smaller. Images that are blurred, "
            "noisy or compressed otherwise do not become sharp.",
            "What it adds is likely, not known: it is no evidence of what was there.",
        ],
    )


def evaluation_files(
    upscaler: SavedUpscaler, judged: Judged, *, png: bool
) -> tuple[dict[str, Content], int]:
    """report.html and the figures of an evaluation, and how many texts a PNG shows with gaps."""
    figures = judged_figures(judged, name=judged.name, scale=upscaler.scale)
    parts = judged_sections(judged, figures)
    table = images_table(judged.rows[:_TOLD])
    if len(judged.rows) > _TOLD:
        table = table._replace(caption=f"{table.caption}: the first {_TOLD}")
    parts += [Section("Images", tables=[table]), sections.environment_section(describe())]
    page = render(f"{upscaler.reference} on {judged.name}", parts)
    drawn, lacking = to_files(figures, png=png)
    return {"report.html": page, **drawn}, lacking
