"""A spec's data: opened, split, put in order and preprocessed."""

from tinynet.data.data import Data as Data
