"""The measurements of the programs `fleet_*.py`: tinynet in several processes.

These programs run as modules, and those of `versus` are imported as its own program does it.
"""

import sys
from pathlib import Path

if (_FOLDER := str(Path(__file__).parents[1])) not in sys.path:
    sys.path.append(_FOLDER)
