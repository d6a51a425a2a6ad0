from hypothesis import given
from hypothesis import strategies as st

from cbir.blocks import blocks


@given(rows=st.integers(0, 300), size=st.integers(1, 50))
def test_blocks_cover_all_rows_once_and_in_order(rows, size):
    parts = [list(range(rows)[block]) for block in blocks(rows, size)]
    assert [row for part in parts for row in part] == list(range(rows))
    assert all(0 < len(part) <= size for part in parts)
