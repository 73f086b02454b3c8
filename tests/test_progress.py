"""Records become a bar, lines or JSON; a log never gets a carriage return or a colour."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dlkit.errors import DlkitError
from dlkit.progress import follow, short
from dlkit.records import Epoch, Noted, Saved, Started, Step, Warned


def work(steps: int = 1000):
    yield Started("training x", {"dim": 10})
    yield Noted("said [bold]literally[/bold]")
    yield Warned("careful")
    for done in range(steps + 1):
        yield Step("training", done, steps, "words", 10.0, {"loss": float("nan"), "lr": 0.1})
    yield Epoch(1, 2, 0.5, {"loss": 1.25})
    yield Saved("word2vec/x", Path("x"), {"words": 1234}, "dlkit similar 饭")
    return "result"


@pytest.mark.parametrize("mode", ["auto", "bar", "plain", "json", "off"])
def test_following_returns_what_the_work_returns(mode: str):
    assert follow(work(), mode=mode) == "result"


def test_a_switch_is_told_as_it_is_typed(capsys):
    def training():
        yield Started("training x", {"dim": 10, "fixed_window": True})

    follow(training(), mode="plain")
    assert capsys.readouterr().err == "training x: dim 10  --fixed-window\n"
    follow(training(), mode="json")
    assert json.loads(capsys.readouterr().err)["facts"] == {"dim": 10, "fixed_window": True}


def test_a_log_has_few_lines_and_no_control_characters(capsys):
    follow(work(100_000), mode="plain")
    told = capsys.readouterr().err
    assert "\r" not in told
    assert "\x1b" not in told
    steps = [line for line in told.splitlines() if line.startswith("training  ")]
    assert [line.split("%")[0].split()[-1] for line in steps] == [
        *["1", "2", "5", "10", "20", "30", "40", "50", "60", "70", "80", "90", "100"]
    ]
    assert "[bold]literally[/bold]" in told
    assert "warning: careful" in told
    assert told.endswith("saved word2vec/x in x\n")


def test_quiet_keeps_warnings_only(capsys):
    follow(work(), quiet=True)
    assert capsys.readouterr().err == "warning: careful\n"


def test_quiet_keeps_the_running_work_that_was_asked_for(capsys):
    follow(work(3), mode="json", quiet=True)
    events = [json.loads(line)["event"] for line in capsys.readouterr().err.splitlines()]
    assert events == ["warned", *["step"] * 4, "epoch"]
    follow(work(3), mode="plain", quiet=True)
    told = capsys.readouterr().err
    assert told.count("training  ") == 3
    assert "epoch 1/2" in told
    assert "careful" in told
    for said in ("literally", "training x", "saved"):
        assert said not in told
    follow(work(3), mode="off", quiet=True)
    assert capsys.readouterr().err == "warning: careful\n"


def test_json_events_are_objects_without_nan(capsys):
    follow(work(3), mode="json")
    events = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [each["event"] for each in events] == [
        "started",
        "noted",
        "warned",
        *["step"] * 4,
        "epoch",
        "saved",
    ]
    assert events[3]["facts"]["loss"] is None
    assert events[4]["eta_s"] == pytest.approx(0.2)


def test_an_unknown_mode_is_a_usage_error():
    with pytest.raises(DlkitError, match="--progress"):
        follow(work(), mode="fancy")


def test_the_work_is_closed_when_showing_it_fails(monkeypatch):
    closed = []

    def stubborn():
        try:
            yield Noted("x")
            yield Noted("y")
        finally:
            closed.append(True)

    running = stubborn()
    monkeypatch.setattr("dlkit.console.note", lambda text: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        follow(running, mode="plain")
    assert closed


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (999, "999"), (1234, "1.23k"), (4_560_000, "4.56M"), (7e9, "7G")]
)
def test_counts_are_short(value, text: str):
    assert short(value) == text
