"""Which numerical kernels a network computes with."""

from tinynet import registry
from tinynet.errors import PluginError
from tinynet.kernels import Kernels
from tinynet.registry import AmbiguousTypeError


def chosen_kernels(name: str | None = None) -> Kernels:
    """The kernels of that name; by default those that an installed distribution brings.

    Args:
        name: As a spec would say it, ``"numpy"`` or ``"distribution:name"``. None means those that
            come with another distribution than tinynet's own, and NumPy's if there are none.

    Raises:
        PluginError: if they are unknown or broken, or more than one distribution brings some and
            nobody says which.
    """
    known = registry.default()
    if name is None:
        own = known.find("kernels", "tinynet-core:numpy")
        brought = [entry for entry in known.entries("kernels") if entry != own]
        if len(brought) > 1:
            forms = " or ".join(f"--kernels {entry.qualified}" for entry in brought)
            raise AmbiguousTypeError(f"more than one set of kernels is installed; say {forms}")
        name = brought[0].qualified if brought else own.qualified
    try:
        made: Kernels = known.load("kernels", name)()
    except PluginError as error:
        raise PluginError(f"{error} (--kernels numpy computes without)") from error
    return made
