"""Sweeps: the trials that are asked for, what they measure, and going on where one stopped."""

from __future__ import annotations

import csv
import itertools
import json
import multiprocessing
import os
import signal
import time

import numpy as np
import pytest
from scipy.special import log_softmax

from dlkit.classify.config import ClassifyConfig
from dlkit.classify.sweep import start
from dlkit.classify.sweep_axes import label, parse, trials
from dlkit.classify.sweep_trial import SIDE, Bench, How, area_of, run, unpacked
from dlkit.classify.sweep_workers import _answer
from dlkit.classify.trial import dry_sweep
from dlkit.config.resolve import resolve
from dlkit.errors import USAGE, DlkitError

QUICK = ("--epochs", "3", "--threads", "1", "--seed", "3")
SPIRALS = ("builtin:spirals", "--limit", "60", "--validation", "0.3", *QUICK)


def knobs(*over, **options):
    return [trial.knobs for trial in trials(parse(over), **options)]


def test_a_grid_has_every_combination_the_last_knob_fastest():
    found = knobs("l2=0,0.1", "hidden=none,8,64+32", "activation=relu,tanh")
    wanted = itertools.product((0, 0.1), ([], [8], [64, 32]), ("relu", "tanh"))
    assert [tuple(each.values()) for each in found] == [(a, b, c) for a, b, c in wanted]
    assert list(found[0]) == ["l2", "hidden", "activation"]


def test_values_reach_the_settings():
    (trial,) = trials(
        parse(("λ=0.5", "width=4+5", "lr=0.01", "preprocess=scale+pca:2", "patience=none")),
        options={"loss": "hinge"},
    )
    config = trial.config
    assert (config.training.l2, config.hidden, config.training.lr) == (0.5, (4, 5), 0.01)
    assert (config.preprocess, config.training.patience, config.loss) == (
        "scale,pca:2", None, "hinge",
    )  # fmt: skip
    assert [label(value) for value in trial.knobs.values()] == [
        "0.5", "4+5", "0.01", "scale+pca:2", "none",
    ]  # fmt: skip


def test_drawn_trials_lie_in_their_ranges_and_follow_the_seed():
    over = ("lr=1e-4..1e-1", "batch_size=8..64", "dropout=0..0.5", "activation=relu,tanh")
    found = knobs(*over, random=200)
    assert found == knobs(*over, random=200)
    assert found != knobs(*over, random=200, options={"training.seed": 2})
    assert len({tuple(each.values()) for each in found}) == 200
    rates = np.array([each["lr"] for each in found])
    assert rates.min() >= 1e-4
    assert rates.max() <= 1e-1
    assert 0.4 < (rates < 10**-2.5).mean() < 0.6  # half of the decades
    sizes = [each["batch_size"] for each in found]
    assert set(map(type, sizes)) == {int}
    assert 8 <= min(sizes) < max(sizes) <= 64
    assert 0.15 < np.mean([each["dropout"] for each in found]) < 0.35
    few = knobs("l2=0,1", "hidden=4,8,16", random=4)
    assert len({(each["l2"], *each["hidden"]) for each in few}) == 4


@pytest.mark.parametrize(
    ("over", "said"),
    [
        ((), "nothing to go over"),
        (("l2",), "KEY=VALUE"),
        (("l3=1",), "no setting"),
        (("data=a,b",), "the same for all"),
        (("l2=0,,1",), "empty"),
        (("l2=0", "training.l2=1"), "twice"),
        (("l2=0,0.0",), "twice"),
        (("l2=-1",), "--over l2: must be at least 0"),
        (("hidden=8,x",), "--over hidden"),
        (("l2=0..1",), "range"),
        (("l2=1..0",), "not below"),
        (("batch_size=" + ",".join(map(str, range(1, 202))), "epochs=" + ",".join(
            map(str, range(1, 202)))), "at most 10,000"),
    ],
)  # fmt: skip
def test_axes_that_mean_nothing_are_refused(over, said):
    with pytest.raises(DlkitError) as problem:
        knobs(*over)
    assert said in problem.value.message
    assert problem.value.code == USAGE


def test_what_is_gone_over_cannot_be_given():
    for given in ({"options": {"training.l2": 1}}, {"sets": ["training.l2=1"]}):
        with pytest.raises(DlkitError, match="l2 is given and gone over"):
            knobs("l2=0,1", **given)


@pytest.mark.parametrize("loss", ["softmax", "hinge"])
def test_the_scores_are_those_of_the_network_on_both_parts(drive, trained, loss):
    options = {
        "input.limit": 60, "hidden": "8", "loss": loss, "training.l2": 0.1, "training.epochs": 3,
    }  # fmt: skip
    found = trained("builtin:spirals", **options)
    config = resolve(ClassifyConfig, options={"data": "builtin:spirals", **options})
    _, result = drive(run(Bench(), config, None, How(maps=True)))
    model = found.model.eval()
    for name, part in (("train", found.ready.train), ("validation", found.ready.validation)):
        import torch

        with torch.no_grad():
            scores = model(torch.from_numpy(part.numbers)).numpy().astype(float)
        rows = np.arange(len(scores))
        own = scores[rows, part.labels][:, None]
        each = -log_softmax(scores, axis=1)[rows, part.labels]
        if loss == "hinge":
            each = np.maximum(0, scores - own + 1).sum(axis=1) - 1
        assert result[f"{name}_accuracy"] == (scores.argmax(axis=1) == part.labels).mean()
        assert result[f"{name}_loss"] == pytest.approx(each.mean(), rel=1e-5)
    assert result["gap"] == result["train_accuracy"] - result["validation_accuracy"]
    assert result["parameters"] == 2 * 8 + 8 + 8 * 3 + 3


def test_a_map_shows_what_the_network_says_of_the_plane(drive, trained):
    options = {"input.limit": 60, "hidden": "8", "training.epochs": 3}
    found = trained("builtin:spirals", **options)
    config = resolve(ClassifyConfig, options={"data": "builtin:spirals", **options})
    _, result = drive(run(Bench(), config, None, How(maps=True)))
    classes, certainty = unpacked(result["map"])
    area = area_of(found.ready)
    inputs = found.ready.train.samples.inputs
    assert area.left < inputs[:, 0].min() < inputs[:, 0].max() < area.right
    import torch

    for row, column in ((0, 0), (0, SIDE - 1), (SIDE // 3, SIDE // 2), (SIDE - 1, 7)):
        x = area.left + (area.right - area.left) * column / (SIDE - 1)
        y = area.top - (area.top - area.bottom) * row / (SIDE - 1)
        _, rows = drive(found.ready.reader.apply(np.array([[x, y]], inputs.dtype), what="x"))
        with torch.no_grad():
            chances = torch.softmax(found.model.eval()(torch.from_numpy(rows)), 1)[0].numpy()
        assert classes[row, column] == chances.argmax()
        assert certainty[row, column] == pytest.approx((chances.max() - 1 / 3) * 1.5, abs=1 / 15)


def test_the_last_epoch_is_judged_on_request(drive, trained, table):
    options = {"hidden": "64", "training.epochs": 30, "training.lr": 0.05}
    config = resolve(ClassifyConfig, options={"data": str(table), **options})
    history = [each["validation_loss"] for each in trained(table, **options).history]
    _, best = drive(run(Bench(), config, None, How()))
    _, last = drive(run(Bench(), config, None, How(last_epoch=True)))
    assert best["validation_loss"] == pytest.approx(min(history), rel=1e-5)
    assert last["validation_loss"] == pytest.approx(history[-1], rel=1e-5)
    assert history[-1] > 1.01 * min(history)
    assert "map" not in best


def rows_of(done):
    lines = csv.DictReader(done.stdout.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE)
    return list(lines)


def test_a_sweep_is_a_table_pictures_and_a_recipe_of_the_best(dlkit):
    done = dlkit("classify", "sweep", *SPIRALS, "--over", "l2=0,1", "-o", "hidden=none,8",
                 "--optimizer", "adam", "--header")  # fmt: skip
    rows = rows_of(done)
    assert [(each["l2"], each["hidden"]) for each in rows] == [
        ("0", "none"), ("0", "8"), ("1", "none"), ("1", "8"),
    ]  # fmt: skip
    best = max(rows, key=lambda each: (
        float(each["validation_accuracy"]), -float(each["validation_loss"])))  # fmt: skip
    assert [each["note"] for each in rows].count("best") == 1
    assert best["note"] == "best"
    folder = dlkit.home / "sweep" / "spirals"
    assert (folder / "trials.tsv").read_text(encoding="utf-8") == done.stdout
    names = {path.name for path in (folder / "figures").iterdir()}
    assert names == {"grid.svg", "over-l2.svg", "over-hidden.svg", "boundary.svg"}
    picture = (folder / "figures" / "boundary.svg").read_text(encoding="utf-8")
    assert picture.count("<image") == 4
    assert (
        f"{float(best['train_accuracy']):.0%} / {float(best['validation_accuracy']):.0%}" in picture
    )
    assert "<svg" in (folder / "report.html").read_text(encoding="utf-8")
    (told,) = dlkit(
        "classify", "train", "-r", folder / "best.yaml", "-n", "x", "--json"
    ).stdout.splitlines()
    told = json.loads(told)
    for name in ("train_accuracy", "validation_accuracy"):
        assert told[name] == float(best[name])


@pytest.fixture
def swept(drive, tmp_path, monkeypatch):
    """Makes a sweep within this process: what it is at the end, and what was saved."""
    monkeypatch.setenv("DLKIT_HOME", str(tmp_path / "artifacts"))

    def sweep(*over, data="builtin:spirals", sweep=None, **options):
        given = {"data": data, "training.seed": 3, "training.threads": 1} | options
        _, (found, saved) = drive(start(trials(parse(over), options=given), **(sweep or {})))
        return found, saved

    return sweep


SMALL = {"input.limit": 60, "training.epochs": 3, "training.validation": 0.3}


def test_processes_change_nothing(dlkit, lines, swept):
    rows = lines(dlkit("classify", "sweep", *SPIRALS, "--over", "hidden=4,8", "-j", "2", "--json"))
    found, _ = swept("hidden=4,8", **SMALL)
    for row, each in zip(rows, found.results(), strict=True):
        assert row["best"] == (each["trial"] == found.best()["trial"])
        for name in ("train_loss", "validation_loss", "gap", "knobs", "parameters"):
            assert row[name] == each[name]


def test_the_best_is_trained_on_request(dlkit, lines):
    rows = lines(dlkit("classify", "sweep", *SPIRALS, "--over", "hidden=4,8", "--by", "loss",
                       "--train-best", "-n", "x", "--json"))  # fmt: skip
    (best,) = [each for each in rows if each["best"]]
    assert best["validation_loss"] == min(each["validation_loss"] for each in rows)
    document = json.loads(
        (dlkit.home / "classify" / "x" / "artifact.json").read_text(encoding="utf-8")
    )
    assert document["scores"]["validation_accuracy"] == best["validation_accuracy"]
    assert document["model"]["hidden"] == best["knobs"]["hidden"]


@pytest.mark.slow
@pytest.mark.parametrize(("how", "jobs"), [(signal.SIGINT, 1), (signal.SIGKILL, 2)])
def test_a_stopped_sweep_goes_on_without_repeating_trials(dlkit, lines, how, jobs):
    command = ("classify", "sweep", "builtin:spirals", "--limit", "60", "--threads", "1",
               "--over", "hidden=4,5,6,7,8,9", "--epochs", "60")  # fmt: skip
    process = dlkit.start(*command, "--jobs", str(jobs), "--progress", "json")
    for line in process.stderr:
        event = json.loads(line)
        if event["event"] == "step" and event["done"] >= 2:
            break
    process.send_signal(how)
    told = process.stderr.read().decode()
    assert process.stdout.read() == b""
    assert process.wait(timeout=60) == (130 if how == signal.SIGINT else -9)
    assert "Traceback" not in told
    assert how == signal.SIGKILL or "--resume --name spirals" in told
    process.stderr.close()
    process.stdout.close()
    done = dlkit("classify", "sweep", "--resume", "--json")
    told = done.stderr
    first = int(told.split("finished ")[1].split()[0])
    assert first >= 2
    assert [f"trial {number}:" in told for number in range(1, 7)].count(True) == 6 - first
    rows = lines(done)
    assert [each["trial"] for each in rows] == [1, 2, 3, 4, 5, 6]
    assert [each["knobs"]["hidden"] for each in rows] == [[width] for width in range(4, 10)]


def test_processes_end_with_a_parent_that_is_killed(dlkit):
    process = dlkit.start("classify", "sweep", "builtin:spirals", "--threads", "1", "--over",
                          "hidden=64,65", "--epochs", "100000", "--jobs", "2")  # fmt: skip
    children = f"/proc/{process.pid}/task/{process.pid}/children"
    until, found = time.monotonic() + 30, []
    while len(found) < 3 and time.monotonic() < until:  # one of them tracks resources
        time.sleep(0.1)
        with open(children, encoding="utf-8") as file:
            found = file.read().split()
    time.sleep(2)
    process.kill()
    process.stdout.close()  # not to wait for those who may still hold it
    process.stderr.close()
    process.wait()
    until = time.monotonic() + 20
    while time.monotonic() < until and any(map(is_alive, found)):
        time.sleep(0.1)
    assert not list(filter(is_alive, found))


def test_a_process_that_dies_is_told_with_its_trial_and_code():
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=os._exit, args=(9,))
    process.start()
    theirs.close()
    with pytest.raises(DlkitError, match="process of trial 7 ended with exit code 9") as problem:
        _answer(ours, process, 7)
    assert "--resume" in problem.value.hint


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_trial_that_diverges_is_told_and_the_others_count(dlkit, lines):
    done = dlkit("classify", "sweep", *SPIRALS, "--over", "lr=0.1,1000", "--hidden", "8,8,8",
                 "--optimizer", "sgd", "--epochs", "30", "--json")  # fmt: skip
    good, bad = lines(done)
    assert good["best"]
    assert not good["problem"]
    assert bad["problem"]
    assert bad["problem"] in done.stderr
    assert "train_accuracy" not in bad


@pytest.mark.parametrize(
    ("over", "options", "more", "said"),
    [
        ("l2=0,1", {"training.validation": 0}, {}, "validation"),
        ("l2=0,1", {"training.patience": 3}, {"last_epoch": True}, "--patience"),
        ("hidden=none,8", {"training.optimizer": "lbfgs"}, {}, "hidden layers"),
        ("l2=0,1", {"data": ["-"]}, {}, "stdin"),
    ],
)
def test_what_cannot_be_is_told(swept, over, options, more, said):
    with pytest.raises(DlkitError, match=said) as problem:
        swept(over, sweep=more, **SMALL | options)
    assert problem.value.code == USAGE


def test_a_sweep_is_tried_without_leaving_anything(drive, swept, tmp_path):
    options = {"data": "builtin:spirals", **SMALL, "training.threads": 1}
    many = trials(
        parse(("hidden=4,8", "l2=0,0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8,0.9")), options=options
    )
    records, facts = drive(dry_sweep(many, jobs=2))
    assert (facts["trials"], facts["over"], facts["jobs"]) == (20, "hidden, l2", 2)
    assert facts["fewest parameters"] == 2 * 4 + 4 + 4 * 3 + 3
    assert facts["most parameters"] == 2 * 8 + 8 + 8 * 3 + 3
    assert facts["training samples"] > facts["validation samples"] > 0
    assert facts["seconds"] >= 0
    assert any("8 of the 20 trials" in getattr(record, "text", "") for record in records)
    assert not (tmp_path / "artifacts").exists()


def test_options_that_mean_nothing_are_refused(dlkit):
    done = dlkit("classify", "sweep", "--resume", "--over", "l2=0,1", "--l1", "1", check=2)
    assert "--over, --l1" in done.stderr
    done = dlkit("classify", "sweep", "x.csv", "--over", "l2=0,1", "--jobs", "0", check=2)
    assert "--jobs" in done.stderr
    done = dlkit("classify", "sweep", "x.csv", "--over", "l2=0,1", "--by", "f1", check=2)
    assert "--by" in done.stderr


def test_the_test_split_is_not_looked_at(swept, table, tmp_path):
    rows = table.read_text(encoding="utf-8").splitlines()
    (tmp_path / "train.csv").write_text("\n".join(rows[:121]) + "\n", encoding="utf-8")
    answers = []
    poison = [f"1e30,-1e30,9,red,{kind}" for kind in ("ant", "bee", "cat")]
    for held in (rows[121:], poison):
        text = "\n".join([rows[0], *held]) + "\n"
        (tmp_path / "test.csv").write_text(text, encoding="utf-8")
        data = [str(tmp_path / "train.csv"), str(tmp_path / "test.csv")]
        found, _ = swept("l2=0,0.1", data=data, **{"training.epochs": 3})
        answers.append([each | {"seconds": 0} for each in found.results()])
    assert answers[0] == answers[1]


def test_pictures_of_drawn_trials_and_of_many_knobs(swept):
    options = {key: value for key, value in SMALL.items() if key != "training.epochs"}
    more = {"last_epoch": True, "png": True}
    _, saved = swept("hidden=4,8", "activation=relu,tanh", "epochs=1,2", sweep=more, **options)
    for path in (saved.path / "figures").iterdir():
        assert path.with_suffix(".svg").exists()
        assert path.with_suffix(".png").read_bytes().startswith(b"\x89PNG")
    page = (saved.path / "report.html").read_text(encoding="utf-8")
    assert "those after the last epoch" in page
    assert all(f">{title}</h2>" in page for title in ("Scores", "Trials", "Data", "Environment"))
    names = {path.stem for path in (saved.path / "figures").iterdir()}
    assert names == {"over-hidden", "over-activation", "over-epochs", "boundary"}
    picture = (saved.path / "figures" / "boundary.svg").read_text(encoding="utf-8")
    assert picture.count("<image") == 8
    assert "hidden=4 activation=relu" in picture
