"""Names of nodes, by which checkpoints address parameters."""

from tinynet.spec.expansion.declared_nodes import DeclaredName, names
from tinynet.text.places import MAX_LENGTH


def test_names_are_the_type_and_its_ordinal():
    nodes = [("relu", None), ("acme:relu", None), ("dense", "relu_9"), ("", None), ("relu", None)]
    expected = [("relu_1",), ("relu_2",), ("relu_9",), ("shared_1",), ("relu_3",)]
    assert names(DeclaredName(kind, name) for kind, name in nodes) == expected


def test_a_named_node_still_counts():
    """Naming one node must not rename the parameters of another."""
    assert names([DeclaredName("relu", "a"), DeclaredName("relu")]) == [("a",), ("relu_2",)]


def test_each_repeat_of_a_node_has_a_name():
    nodes = [
        DeclaredName("relu"),
        DeclaredName("relu", None, 2),
        DeclaredName("relu", "last", 2),
        DeclaredName("relu"),
    ]
    assert names(nodes) == [("relu_1",), ("relu_2", "relu_3"), ("last_1", "last_2"), ("relu_6",)]


def test_the_form_of_a_name_does_not_depend_on_the_number_of_repeats():
    """`repeat` may be a variable."""
    assert names([DeclaredName("block", "stage", 1)]) == [("stage_1",)]


def test_the_number_of_names_is_limited():
    """A stranger's spec may ask for ten thousand times a billion nodes, each with a long name."""
    long = DeclaredName("relu", "x" * 1_000_000, 10**9)
    expanded = names([long] * 10_000)
    assert sum(map(len, expanded)) == MAX_LENGTH + 1
    assert max(map(len, expanded[0])) < 1_000
