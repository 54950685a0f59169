from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from engine.assemble import PROJECT
from engine.versions import Pin, Version


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("v3.259.0\n", Version(3, 259, 0)),
        ("3.260.1", Version(3, 260, 1)),
        ("v3.260.0-alpha.1728", Version(3, 260, 0, final=False)),
        ("v3.259.0+dirty", Version(3, 259, 0)),
        ("go1.26.8", Version(1, 26, 8)),
        ("go1.26rc1", Version(1, 26, 0, final=False)),
        ("devel go1.27-cf1b2a0", Version(1, 27, 0, final=False)),
    ],
)
def test_a_version_is_read_as_the_tools_print_it(text: str, expected: Version) -> None:
    assert Version.parse(text) == expected


def test_a_text_without_a_version_is_refused() -> None:
    with pytest.raises(ValueError, match="no version in 'devel'"):
        Version.parse("devel")


def test_versions_are_ordered_by_number_and_a_pre_release_comes_before_its_release() -> None:
    texts = ["3.99.0", "3.259.0-alpha.1", "3.259.0", "3.259.1", "3.260.0-dev", "3.260.0", "4.0.0"]
    versions = [Version.parse(text) for text in texts]
    assert all(earlier < later for earlier, later in pairwise(versions))


def test_the_pin_is_what_go_mod_names() -> None:
    pin = Pin.read(PROJECT / "engine" / "go.mod")
    assert pin.pulumi >= Version(3, 259)
    assert pin.go >= Version(1, 25)


def test_a_go_mod_without_pulumi_is_refused(tmp_path: Path) -> None:
    (tmp_path / "go.mod").write_text("module test\ngo 1.25\n")
    with pytest.raises(ValueError, match=r"must name github\.com/pulumi/pulumi/pkg/v3"):
        Pin.read(tmp_path / "go.mod")
