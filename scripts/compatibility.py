"""Writes docs/compatibility.md: what of the official Python client works, from the tests that use it.

`compatibility.py` runs tests/sdk and writes what passed and what failed. `compatibility.py --check` runs nothing: it fails
when the page is not what these tests, all passing, would give.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "compatibility.md"
sys.path.insert(0, str(ROOT))

from scaleapi import TaskType, __version__  # noqa: E402
from tests.sdk.surface import GAPS, V2_REASON, covered, v1_surface, v2_surface  # noqa: E402


class Outcomes:
    """A pytest plugin that keeps the names proved by tests that did not pass."""

    def __init__(self) -> None:
        self.failed: set[str] = set()

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item):
        report = (yield).get_result()
        if not report.passed:
            for mark in item.iter_markers("covers"):
                self.failed.update(mark.args)


def page(failed: set[str]) -> str:
    """The page as Markdown."""
    proofs = covered()

    def state(name: str) -> str:
        if name in GAPS:
            return f"gap: {GAPS[name]}"
        if name in failed:
            return "**fails**"
        return "works" if name in proofs else "**not tested**"

    methods = [f"| `{name}` | {state(name)} |" for name in v1_surface()]
    methods += [f"| `{name}` | gap: {V2_REASON} |" for name in v2_surface()]
    types: list[str] = []
    for kind in sorted(TaskType, key=lambda kind: kind.value):
        name = f"TaskType.{kind.value}"
        here = state(name) if name in proofs else "gap: not offered yet; creation answers 402"
        types.append(f"| `{kind.value}` | {here} |")
    return "\n".join(
        [
            "# Compatibility with the official Python client",
            "",
            "<!-- Written by scripts/compatibility.py from the results of tests/sdk; not edited by hand. -->",
            "",
            f"The official client `scaleapi` {__version__} is run, unchanged, against real `steelyard serve` and"
            " `steelyard worker`",
            "processes. A name *works* when the tests that use it check what it returns and what a second read says.",
            "",
            "```python",
            "from scaleapi import ScaleClient",
            "",
            'client = ScaleClient("live_…", api_instance_url="http://127.0.0.1:8000/v1")',
            "```",
            "",
            "## Classes and methods",
            "",
            "| Name | State |",
            "| --- | --- |",
            *methods,
            "",
            "## Task types",
            "",
            "Each type of the client's list, created in live and in test mode and read back.",
            "",
            "| Type | State |",
            "| --- | --- |",
            *types,
            "",
            "## Known properties of the client itself",
            "",
            "- It retries (408, 429, 500 to 530; not `PUT`) over `https://` only.",
            '- A self-signed server needs `verify="<path of the CA bundle>"`; the check cannot be switched off.',
            "- After a creation whose answer was lost it looks the task up without that `verify`: set"
            " `REQUESTS_CA_BUNDLE` to the same",
            "  path. Where this variable is set, it is stronger than `verify` anyway.",
            "- Its bundled v2 client has an address of its own that `api_instance_url` does not change.",
            "- `EvaluationTask.initial_response` is always `None`; `as_dict()` has the value.",
            "",
        ]
    )


def main() -> int:
    if "--check" in sys.argv[1:]:
        if not PAGE.exists() or PAGE.read_text() != page(set()):
            print(f"{PAGE.relative_to(ROOT)} is out of date: run scripts/compatibility.py")
            return 1
        return 0
    outcomes = Outcomes()
    deselected = "--deselect=tests/sdk/test_surface.py::test_the_published_table_is_what_the_tests_prove"
    code = pytest.main(
        ["-q", str(ROOT / "tests" / "sdk"), f"--rootdir={ROOT}", deselected], plugins=[outcomes]
    )
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        return int(code)
    PAGE.write_text(page(outcomes.failed))
    print(f"wrote {PAGE.relative_to(ROOT)}")
    return int(code)


if __name__ == "__main__":
    sys.exit(main())
