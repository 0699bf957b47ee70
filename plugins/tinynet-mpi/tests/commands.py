"""Runs the commands of tinynet that a file lists: ``commands.py FILE``, under a launcher or not.

Many commands in one process: starting Python in each of several processes takes longer.
"""

import json
import sys
from pathlib import Path

from tinynet_cli.main import main

from tinynet.engine import sharding

# Batches of 24 samples are cut into several shards, where the spec does not.
sharding.SHARD_FLOPS, sharding.MIN_FLOPS_PER_PARAM, sharding.MIN_SHARD = 1, 0, 4

for words in json.loads(Path(sys.argv[1]).read_text()):
    main(words)
