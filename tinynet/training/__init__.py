"""The training loop and what it needs; it touches no file."""

from tinynet.training.trainer import Trainer as Trainer
