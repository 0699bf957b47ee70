"""The JSON file that declares a network and its training."""

from tinynet.spec.models import Spec as Spec
from tinynet.spec.network_spec import NetworkSpec as NetworkSpec
from tinynet.spec.reading import load_spec as load_spec
