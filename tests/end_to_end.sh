#!/usr/bin/env bash
# From a table to a served model, as a new user goes: every step is a command of README.md.
# Needs the command tinynet with `pip install -e '.[all]'`, and curl.
#
#     tests/end_to_end.sh
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -rf "$work"' EXIT
cp models/data/penguins.csv "$work"
cd "$work"

say() { printf '\n-- %s\n' "$*"; }

say "a spec for the table"
tinynet init penguins.csv --target species

say "train it, with its figures as a table for spreadsheets"
tinynet train penguins.json --epochs 20 --logger csv --quiet
head -n 2 runs/penguins-001/metrics.csv

say "a report, and a picture of the curves"
tinynet report runs/penguins-001 -o report.html
tinynet plot runs/penguins-001 -o curves.png
python - <<'END'
from pathlib import Path

page = Path("report.html").read_text()
assert len(page) < 1_000_000
assert "Adelie" in page
assert "http://" not in page.replace("http://www.w3.org/", "")
END

say "search better values"
tinynet tune penguins.json --param training.optimizer.learning_rate=log:1e-3:1e-1 \
  --param training.batch_size=choice:16,64 --set training.epochs=5 --trials 4 --jobs 2 --quiet
tinynet train penguins-tuned.json --run runs/best --quiet

say "the runs side by side"
tinynet runs
tinynet compare runs/penguins-001 runs/best --csv differences.csv

say "a model for other runtimes"
tinynet export runs/best -o model.onnx

say "a server"
tinynet serve runs/best --port 0 --json >address.json &
server=$!
for _ in $(seq 300); do
  [ -s address.json ] && break
  sleep 0.1
done
url=$(python -c 'import json; print(json.load(open("address.json"))["address"])')
curl --silent --fail "$url/health"
curl --silent --fail --header "Content-Type: text/csv" --data-binary @penguins.csv \
  "$url/predict?form=records" >served.json
kill -TERM "$server"
wait "$server"
server=

say "the same predictions from the command line"
tinynet predict runs/best penguins.csv -o predictions.csv --quiet
python - <<'END'
import csv
import json

served = json.load(open("served.json"))["records"]
with open("predictions.csv") as file:
    predicted = list(csv.DictReader(file))
assert len(served) == len(predicted) > 300
assert [row["label"] for row in served] == [row["label"] for row in predicted]
print(f"{len(served)} predictions are the same")
END
