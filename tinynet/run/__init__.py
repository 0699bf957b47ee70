"""A run: the loop wired to a folder with its lock, its log and its checkpoints."""

from tinynet.run.run import Run as Run
from tinynet.run.run import evaluate as evaluate
from tinynet.run.run import load as load
from tinynet.run.run import resume as resume
from tinynet.run.run import train as train
