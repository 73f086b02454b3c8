"""A disk that is full or broken: a clean error that names the file, and nothing half written."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from dlkit.errors import FAILED

SAVE = {"seed": 4, "size": 20_000}


def number_of_calls(saver, home: Path, work: str, options: dict) -> int:
    answer = saver.one(home, work, options=options, fault={})
    shutil.rmtree(home)
    return answer["end"]["calls"]


@pytest.mark.parametrize("stays", [False, True], ids=["once", "from then on"])
@pytest.mark.parametrize(
    ("how", "reason"),
    [("ENOSPC", "No space left on device"), ("EIO", "Input/output error"), ("EROFS", "Read-only")],
)
def test_a_failing_system_call_is_a_clean_error_or_does_no_harm(
    saver, check, home: Path, how: str, reason: str, stays: bool
) -> None:
    failed = 0
    for at in range(number_of_calls(saver, home, "save", SAVE)):
        fault = {"at": at, "how": how, "stays": stays}
        end = saver.one(home, "save", options=SAVE, fault=fault, log=True)["end"]
        call = end["log"][at]
        found = check.artifacts() if home.exists() else []
        if "error" in end:
            failed += 1
            assert end["error"]["code"] == FAILED
            assert reason in end["error"]["message"], end
            assert str(home.parent) in end["error"]["message"]
            assert "\n" not in end["error"]["message"]
        else:
            assert len(found) == 1, f"{call}: no error and no artifact"
        if home.exists():
            half = [path for path in check.strays() if path.parent == home / "t"]
            assert not half or call.startswith(("unlink", "rmdir", "open")), (call, half)
            check.goes_on()
            shutil.rmtree(home)
    assert failed > 15


@pytest.mark.parametrize("how", ["ENOSPC", "EIO"])
def test_a_checkpoint_that_cannot_be_saved_leaves_the_old_one(saver, home: Path, how: str) -> None:
    options = {"size": 1000, "steps": 2}
    for at in range(number_of_calls(saver, home, "train", options)):
        fault = {"at": at, "how": how, "stays": True}
        answer = saver.one(home, "train", options=options, fault=fault)
        reported = [told["step"] for told in answer["told"] if "step" in told]
        assert "error" in answer["end"] or reported == [1, 2]
        again = saver.one(home, "train", options={"size": 1000, "steps": 1})
        assert again["told"][0]["step"] > max(reported, default=0)
        shutil.rmtree(home)


def test_short_writes_are_completed(saver, check, home: Path) -> None:
    for at in range(number_of_calls(saver, home, "save", SAVE)):
        end = saver.one(home, "save", options=SAVE, fault={"at": at, "how": "short"})["end"]
        assert "result" in end
        assert len(check.artifacts()) == 1
        shutil.rmtree(home)


@pytest.mark.parametrize("limit", [1, 100, 10_000, 19_999, 20_000])
def test_a_file_that_the_kernel_lets_not_grow_is_a_clean_error(
    saver, check, home: Path, limit: int
) -> None:
    end = saver.one(home, "limited", options={**SAVE, "limit": limit})["end"]
    if limit < 20_000:
        assert "File too large" in end["error"]["message"]
        assert end["error"]["code"] == FAILED
        assert check.artifacts() == []
        assert check.strays() == []
    else:
        assert len(check.artifacts()) == 1
    check.goes_on()
