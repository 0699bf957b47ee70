"""The progress that commands show on stderr."""

from tinynet.progress.display import Display as Display
