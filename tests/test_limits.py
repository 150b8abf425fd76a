"""Limits as a value: what may be given, how they are put together, how they read."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import pytest

from hardtack import Limits


def test_sizes_and_times_are_parsed():
    limits = Limits(heap="1 MiB", memory=4096, output="64k", disk="2MB", cpu=1, wall=0.5)
    assert (limits.heap, limits.memory, limits.output, limits.disk) == (1 << 20, 4096, 65536, 2_000_000)
    assert (limits.cpu, limits.wall) == (1.0, 0.5)


def test_a_time_without_end_is_no_limit():
    assert Limits(cpu=math.inf, wall=math.inf) == Limits()


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"heap": "much"}, ValueError),
        ({"memory": 1.5}, TypeError),
        ({"cpu": -1}, ValueError),
        ({"wall": "soon"}, TypeError),
        ({"descriptors": -1}, ValueError),
        ({"processes": 2.0}, TypeError),
        ({"table_elements": True}, TypeError),
    ],
)
def test_what_is_no_limit_is_refused_by_name(given: dict[str, Any], error: type[Exception]):
    with pytest.raises(error, match=f"limit {next(iter(given))}"):
        Limits(**given)


def test_limits_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Limits().cpu = 1  # type: ignore[misc]


def test_an_own_limit_of_nothing_goes_before_the_default():
    assert Limits(descriptors=0).with_defaults(Limits(descriptors=9, cpu=1)) == Limits(descriptors=0, cpu=1)


def test_limits_say_what_they_are():
    assert str(Limits()) == "no limits"
    assert str(Limits(heap="2 MiB", cpu=1.5, processes=3)) == "heap 2.0 MiB, cpu 1.5 s, processes 3"
