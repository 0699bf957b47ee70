"""The list of installed plugins, which is read from their metadata."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from tinynet.commands.plugins.listing import Listed, listed

from .conftest import all_entries

Install: TypeAlias = Callable[..., Path]


def of(distribution: str) -> list[Listed]:
    entries = all_entries()
    return listed([entry for entry in entries if entry.distribution == distribution], entries)


def test_plugin_is_listed_with_its_folder_without_importing_it(install: Install) -> None:
    site = install("broken-one", {"layers": {"odd": "broken_one:Odd"}}, "raise SystemExit(3)")
    (plugin,) = of("broken-one")
    assert plugin.to_json() == {
        "group": "layers",
        "name": "odd",
        "distribution": "broken-one",
        "version": "1.2",
        "target": "broken_one:Odd",
        "qualified": "broken-one:odd",
        "where": str(site),
        "editable": False,
        "ambiguous": "",
    }


def test_editable_plugin_is_listed_with_its_source_folder(install: Install) -> None:
    """The source is there, not in the folder of the metadata."""
    url = {"url": "file:///home/me/my%20layers", "dir_info": {"editable": True}}
    install("edited", {"layers": {"odd": "edited:Odd"}}, files={"direct_url.json": json.dumps(url)})
    (plugin,) = of("edited")
    assert (plugin.where, plugin.editable) == ("/home/me/my layers", True)


def test_name_of_two_distributions_is_ambiguous(install: Install) -> None:
    install("one", {"layers": {"odd": "one:Odd"}, "losses": {"odd": "one:Odd"}})
    install("two", {"layers": {"odd": "two:Odd"}})
    layer, loss = of("one")
    assert layer.ambiguous == "2 distributions have the layer 'odd'; write 'one:odd' or 'two:odd'"
    assert loss.ambiguous == ""
    (other,) = of("two")
    assert other.ambiguous == layer.ambiguous


def test_name_registered_twice_by_one_distribution_is_ambiguous(install: Install) -> None:
    install("twice", {"layers": {"odd": "twice:Odd\nodd = twice:Other"}})
    message = "twice registers the layer 'odd' more than once: twice:Odd and twice:Other"
    assert {plugin.ambiguous for plugin in of("twice")} == {message}


def test_built_in_names_are_not_ambiguous() -> None:
    entries = all_entries()
    built_in = [one for one in listed(entries, entries) if one.entry.distribution == "tinynet-core"]
    assert built_in
    assert not any(one.ambiguous for one in built_in)
