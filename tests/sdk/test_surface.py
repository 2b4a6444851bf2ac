"""The official client's public surface is proved or listed as a gap, name by name, and the published table says so."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import scaleapi
from scaleapi import TaskType

from tests.sdk.builders import BODIES
from tests.sdk.surface import GAPS, covered, v1_surface, v2_surface

ROOT = Path(__file__).parents[2]


def test_the_client_is_the_version_that_the_promise_names() -> None:
    assert scaleapi.__version__ == "2.18.4"


def test_every_public_name_of_the_client_is_proved_by_a_test_or_listed_as_a_gap() -> None:
    proved = set(covered())
    assert set(v1_surface()) - proved - set(GAPS) == set()


def test_no_gap_is_proved_and_no_proof_names_what_the_client_lacks() -> None:
    proved = set(covered())
    known = set(v1_surface()) | set(v2_surface()) | {f"TaskType.{kind.value}" for kind in TaskType}
    assert proved & set(GAPS) == set()
    assert proved | set(GAPS) <= known
    assert {f"TaskType.{kind.value}" for kind in BODIES} <= proved


def test_the_published_table_is_what_the_tests_prove() -> None:
    check = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "compatibility.py"), "--check"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert check.returncode == 0, check.stdout + check.stderr
