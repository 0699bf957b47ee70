"""Write what new specs of the corpus mean, for all time.

    python tests/spec/corpus/write_resolved.py

Beside every spec that has none yet it writes ``NAME.resolved.json``. What is there stays as it is.
"""

import json
from pathlib import Path

from tinynet.spec.reading import load_spec

for path in sorted(Path(__file__).parent.glob("*/*.json")):
    golden = path.with_suffix(".resolved.json")
    if not path.name.endswith(".resolved.json") and not golden.exists():
        text = json.dumps(load_spec(path).resolved(), indent=1, ensure_ascii=False)
        golden.write_text(text + "\n", encoding="utf-8")
        print(f"wrote {golden}; read it, and commit it with its spec")
