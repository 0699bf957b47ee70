"""The expansion of a spec: variables, blocks and repeats become one flat list of nodes.

The steps, in order:

1. ``section_names``: misspelt ``vars`` and ``blocks`` are corrected and reported.
2. ``variables``: ``"$width"`` is replaced by its value.
3. ``blocks``: the declared blocks are read, and the arguments of each use.
4. ``declared_nodes``: the fields and the name of each declared node.
5. ``flattening``: uses of blocks and repeats become nodes, collected in ``node_lists``.
6. ``pruning``: nodes of blocks that no output needs are removed.

``expand`` runs them. ``state`` holds what they record; ``sources`` the place in the file that each
part of the result came from.
"""
