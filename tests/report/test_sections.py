"""What the report of a supervised run says is what was scored."""

from __future__ import annotations

import numpy as np

from dlkit.report.canvas import to_svg
from dlkit.report.html import render
from dlkit.report.sections import (
    classes_table,
    configuration_section,
    curves_figure,
    curves_section,
    data_section,
    environment_section,
    samples_section,
    scores_figures,
    scores_sections,
    scores_table,
)
from dlkit.report.sheet import Cell
from dlkit.report.tables import confused_pairs, confusion_table, most_confused
from dlkit.training.metrics import scores

HISTORY = [
    {"epoch": 1, "loss": 2.0, "accuracy": 0.3, "validation_loss": 2.1, "validation_accuracy": 0.2},
    {"epoch": 2, "loss": 1.0, "accuracy": 0.6, "validation_loss": 1.5, "validation_accuracy": 0.5},
]


def made(classes=3, *, probabilistic=True):
    random = np.random.default_rng(1)
    labels = random.integers(0, classes, 80)
    values = random.normal(size=(80, classes)) + 2 * np.eye(classes)[labels]
    if probabilistic:
        values = np.exp(values) / np.exp(values).sum(axis=1, keepdims=True)
    names = [f"类{i}" for i in range(classes)]
    return scores(values, labels, names, top_k=(2,), probabilistic=probabilistic, resamples=20)


def test_the_table_of_scores_has_every_score_with_its_interval():
    found = made()
    rows = {row[0]: row[1:] for row in scores_table(found).rows}
    assert rows["accuracy"] == [found.accuracy, *found.intervals["accuracy"]]
    assert rows["top-2"][0] == found.top_k[2]
    assert rows["log-loss"] == [found.log_loss, *found.intervals["log_loss"]]
    assert rows["ROC-AUC"] == [found.roc_auc, *found.intervals["roc_auc"]]
    assert rows["calibration error (ECE)"] == [found.ece, None, None]


def test_the_table_of_classes_has_every_class():
    found = made()
    rows = classes_table(found).rows
    for row, each, area in zip(rows, found.per_class, found.class_auc, strict=True):
        assert row == [each.name, each.precision, each.recall, each.f1, area, each.samples]


def test_a_page_of_all_sections_can_be_made():
    found = made()
    sections = [
        *scores_sections(found, name="digits"),
        curves_section(HISTORY, name="digits", best=2),
        data_section({"name": "digits", "samples": {"train": 10, "test": 80}}),
        samples_section("Worst", [Cell(None, "坏", ("bad",))], of=80, why="highest loss"),
        configuration_section("seed: 1\n"),
        environment_section({"host": {"cpus": 2}}),
    ]
    page = render("run", sections).decode()
    for text in ("类0", "1 of 80: highest loss.", "seed: 1", "host cpus", "samples train", "坏"):
        assert text in page
    assert page.count("<svg ") == 4


def test_scores_without_probabilities_have_no_calibration_picture():
    assert set(scores_figures(made(), name="d")) == {"confusion", "classes", "calibration"}
    assert set(scores_figures(made(probabilistic=False), name="d")) == {"confusion", "classes"}


def test_curves_need_no_validation():
    alone = [{"epoch": 1, "loss": 2.0}, {"epoch": 2, "loss": 1.0}]
    assert b"validation" not in to_svg(curves_figure(alone, name="d"))
    both = to_svg(curves_figure(HISTORY, name="d", best=2))
    assert both.count(b"validation") == 2
    assert b"dashed: epoch 2, whose weights were kept" in both


def test_confused_pairs_are_all_counts_above_zero():
    matrix = np.array([[5, 0], [2, 1]])
    assert list(confused_pairs(matrix, "ab")) == [("a", "a", 5), ("b", "a", 2), ("b", "b", 1)]
    assert most_confused(matrix, "ab") == [("b", "a", 2)]
    assert matrix.trace() == 6


def test_few_classes_are_a_matrix_and_many_are_their_confusions():
    few = confusion_table(np.array([[5, 0], [2, 1]]), "ab", caption="c")
    assert (few.columns, few.rows, few.caption) == (
        ("class", "a", "b"),
        [["a", 5, 0], ["b", 2, 1]],
        "c",
    )
    matrix = 9 * np.eye(21, dtype=np.int64)
    matrix[3, 4], matrix[4, 3] = 1, 2
    many = confusion_table(matrix, [str(i) for i in range(21)], caption="c")
    assert many.rows == [("4", "3", 2), ("3", "4", 1)]
    assert many.caption == "c, the most frequent first"
