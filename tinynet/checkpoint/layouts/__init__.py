"""Weights in the layouts of other frameworks, converted to that of a network.

`modules` groups the arrays of a file by layer, `slots` has the parameters of the network's layers,
`torch_layers` and `keras_layers` have the changes of axes between the two, `matching` pairs modules
with slots, and `plan` returns the transfer.
"""
