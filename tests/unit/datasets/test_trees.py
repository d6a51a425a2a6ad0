from cbir.datasets.trees import list_tree
from cbir.images.file_states import file_state


def test_a_tree_is_listed_with_links_that_lead_back_followed_once(tmp_path):
    for name in ("a/1.png", "b/2.png"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(name)
    (tmp_path / "a/back").symlink_to(tmp_path)
    states = list_tree(tmp_path)
    assert list(states) == ["a/1.png", "b/2.png"]
    assert states["a/1.png"] == file_state(tmp_path / "a/1.png")
