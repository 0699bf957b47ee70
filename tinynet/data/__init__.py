"""The data of a spec: opened, split, shuffled and preprocessed."""

from tinynet.data.data import Data as Data
