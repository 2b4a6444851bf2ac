"""How deep a document is nested is known before it is decoded, whatever its strings hold."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from steelyard.task_types._shared.nesting import MAX_NESTING, too_deep

VALUES = st.recursive(
    st.text(alphabet='[]{}"\\ax', max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text('[{"', max_size=3), inner, max_size=3)
    ),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None)
@given(value=VALUES, depth=st.integers(MAX_NESTING - 12, MAX_NESTING + 12), many=st.integers(0, 200))
def test_the_depth_of_a_document_is_that_of_its_structure(value, depth: int, many: int):
    for _ in range(depth):
        value = [value, *["]"] * (many % 3)]
    document = [value, [[]] * many]

    def deepest(item, level=0) -> int:
        if isinstance(item, dict):
            return max((deepest(v, level + 1) for v in item.values()), default=level + 1)
        if isinstance(item, list):
            return max((deepest(v, level + 1) for v in item), default=level + 1)
        return level

    assert too_deep(json.dumps(document).encode()) == (deepest(document) > MAX_NESTING)


def test_brackets_in_strings_do_not_hide_the_structure():
    assert too_deep(b'["]",' * 1000 + b"1" + b"]" * 1000)
    assert not too_deep(b'["' + b"[" * 1000 + b'"]')
    assert not too_deep(b"[" + b'{"a":[1]},' * 1000 + b"1]")
