"""Installed plugins are listed from metadata, whatever state they are in."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from tinynet import registry
from tinynet.commands.plugins.listing import Listed, listed
from tinynet.registry import GROUPS, Entry

Install: TypeAlias = Callable[..., Path]


def everything() -> list[Entry]:
    return [entry for group in GROUPS for entry in registry.default().entries(group)]


def of(distribution: str) -> list[Listed]:
    known = everything()
    return listed([entry for entry in known if entry.distribution == distribution], known)


def test_a_plugin_is_told_with_its_folder_and_without_importing_it(install: Install) -> None:
    site = install("broken-one", {"layers": {"odd": "broken_one:Odd"}}, "raise SystemExit(3)")
    (found,) = of("broken-one")
    assert found.to_json() == {
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


def test_an_editable_plugin_is_told_with_the_folder_that_is_edited(install: Install) -> None:
    """Somebody who looks for the source must not be sent to a folder of metadata."""
    url = {"url": "file:///home/me/my%20layers", "dir_info": {"editable": True}}
    install("edited", {"layers": {"odd": "edited:Odd"}}, files={"direct_url.json": json.dumps(url)})
    (found,) = of("edited")
    assert (found.where, found.editable) == ("/home/me/my layers", True)


def test_a_name_that_two_distributions_have_is_marked_with_what_to_say(install: Install) -> None:
    install("one", {"layers": {"odd": "one:Odd"}, "losses": {"odd": "one:Odd"}})
    install("two", {"layers": {"odd": "two:Odd"}})
    layer, loss = of("one")
    assert layer.ambiguous == "2 distributions have the layer 'odd'; write 'one:odd' or 'two:odd'"
    assert loss.ambiguous == ""
    (other,) = of("two")
    assert other.ambiguous == layer.ambiguous


def test_a_name_that_one_distribution_has_twice_is_told_as_its_mistake(install: Install) -> None:
    install("twice", {"layers": {"odd": "twice:Odd\nodd = twice:Other"}})
    message = "twice registers the layer 'odd' more than once: twice:Odd and twice:Other"
    assert {found.ambiguous for found in of("twice")} == {message}


def test_nothing_of_tinynets_own_is_ambiguous() -> None:
    known = everything()
    found = [one for one in listed(known, known) if one.entry.distribution == "tinynet-core"]
    assert found
    assert not any(one.ambiguous for one in found)
