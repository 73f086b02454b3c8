"""What the process may use of the machine."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dlkit.machine import cores, free_memory

MEMINFO = """MemTotal:        4030464 kB
MemFree:          123456 kB
MemAvailable:    2000001 kB
HugePages_Total:       0
"""


def all_memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def test_free_memory_is_what_linux_calls_available(tmp_path: Path):
    facts = tmp_path / "meminfo"
    facts.write_text(MEMINFO, encoding="utf-8")
    assert free_memory(facts) == 2000001 * 1024


@pytest.mark.parametrize(
    "text", [None, "", "MemTotal: 5 kB\n", "MemAvailable:\n", "MemAvailable: many kB\n", "no colon"]
)
def test_all_memory_is_taken_for_free_where_nothing_tells(tmp_path: Path, text: str | None):
    facts = tmp_path / "meminfo"
    if text is not None:
        facts.write_text(text, encoding="utf-8")
    assert free_memory(facts) == all_memory()


def test_this_machine_has_some_free_memory():
    assert 1 << 20 < free_memory() <= all_memory()


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="a system without affinities")
def test_cores_are_those_that_the_process_may_use():
    before = os.sched_getaffinity(0)
    assert cores() == len(before)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert cores() == 1
    finally:
        os.sched_setaffinity(0, before)


def test_without_affinities_all_cores_count(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 7)
    assert cores() == 7
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert cores() == 1
