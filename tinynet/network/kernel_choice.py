"""The choice of the numerical kernels."""

from tinynet import registry
from tinynet.errors import PluginError
from tinynet.kernels import Kernels
from tinynet.registry import AmbiguousTypeError
from tinynet.text.options import option
from tinynet.text.plugin_errors import PluginErrors


def choose_kernels(name: str | None = None) -> Kernels:
    """Return kernels by name; by default those of an installed plugin, or else NumPy's.

    Args:
        name: ``"numpy"``, ``"native"``, or ``"distribution:name"``.

    Raises:
        PluginError: if they are missing or broken, or if several plugins provide kernels and no
            name is given.
    """
    plugins = registry.default()
    if name is None:
        own = plugins.find("kernels", "tinynet-core:numpy")
        provided = [entry for entry in plugins.entries("kernels") if entry != own]
        if len(provided) > 1:
            names = [entry.qualified for entry in provided]
            forms = " or ".join(option(f"--kernels {n}", f"kernels={n!r}") for n in names)
            raise AmbiguousTypeError(f"more than one set of kernels is installed; add {forms}")
        name = provided[0].qualified if provided else own.qualified
    try:
        cls = plugins.load("kernels", name)
        with PluginErrors(cls, "it could not be constructed:"):
            kernels: Kernels = cls()
    except PluginError as error:
        without = option("--kernels numpy", "kernels='numpy'")
        remedy = f"reinstall it, or compute without it: {without}"
        raise PluginError(f"{error} ({remedy})") from error
    return kernels
