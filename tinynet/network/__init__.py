"""Networks: construction of layers from a spec, forward and backward passes, predictions."""

from tinynet.network.network import Network as Network
