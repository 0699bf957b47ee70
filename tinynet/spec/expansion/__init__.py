"""The expansion of a spec: variables, blocks and repeats become one flat list of nodes.

The steps, in order:

1. ``misspelled_vars_and_blocks``: these two keys are corrected and reported.
2. ``variables``: ``"$width"`` is replaced by its value.
3. ``blocks``: the declared blocks are read, and the parameters of each instance.
4. ``declared_nodes``: the fields and the names of each declared node.
5. ``flattening``: instances of blocks and repeats become nodes, collected in ``node_lists``.
6. ``pruning``: nodes that feed only an unconnected output of a block are removed.

``expand`` runs them. ``state`` holds what they record; ``sources`` the place in the file that each
part of the result came from. A node ``{"block": "residual"}`` is an instance of the block, as is
each of its repeats.
"""
