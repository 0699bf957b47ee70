"""Spec -> layers wired into a graph; batches forward and backward through it."""

from tinynet.network.network import Network as Network
