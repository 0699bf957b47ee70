"""What nodes are called: parameters are addressed by it, in checkpoints too."""

from tinynet.spec.expansion.node_names import DeclaredName, names
from tinynet.text.document import MAX_LENGTH


def test_names_are_the_type_and_its_ordinal():
    nodes = [("relu", None), ("acme:relu", None), ("dense", "relu_9"), ("", None), ("relu", None)]
    expected = [("relu_1",), ("relu_2",), ("relu_9",), ("shared_1",), ("relu_3",)]
    assert names(DeclaredName(kind, given) for kind, given in nodes) == expected


def test_a_named_node_still_counts():
    """Naming one node must not rename the parameters of another."""
    assert names([DeclaredName("relu", "a"), DeclaredName("relu")]) == [("a",), ("relu_2",)]


def test_a_repeated_node_has_a_name_for_each_time():
    nodes = [
        DeclaredName("relu"),
        DeclaredName("relu", None, 2),
        DeclaredName("relu", "last", 2),
        DeclaredName("relu"),
    ]
    assert names(nodes) == [("relu_1",), ("relu_2", "relu_3"), ("last_1", "last_2"), ("relu_6",)]


def test_how_often_a_node_is_repeated_changes_no_form_of_a_given_name():
    """`repeat` may be a variable: with 1 the name is as it is with 2."""
    assert names([DeclaredName("block", "stage", 1)]) == [("stage_1",)]


def test_no_more_names_are_made_than_a_network_has_room_for():
    """A stranger's spec may ask for ten thousand times a billion nodes, each with a long name."""
    long = DeclaredName("relu", "x" * 1_000_000, 10**9)
    found = names([long] * 10_000)
    assert sum(map(len, found)) == MAX_LENGTH + 1
    assert max(map(len, found[0])) < 1_000
