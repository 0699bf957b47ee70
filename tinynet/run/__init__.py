"""A run: the loop wired to a folder with its lock, its log and its checkpoints."""

from tinynet.run.run import Run as Run
from tinynet.run.run import resume as resume
from tinynet.run.run import train as train
from tinynet.run.trained import evaluate as evaluate
from tinynet.run.trained import load as load
