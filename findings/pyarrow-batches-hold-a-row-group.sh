#!/usr/bin/env bash
# pyarrow's iter_batches holds a whole row group in memory, however small the batches are.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check numpy==2.4.6 pyarrow==26.0.1
cd "$folder"
"$folder/venv/bin/python" - <<'PY'
import os

import pyarrow as pa
import pyarrow.parquet as pq

ROWS, EACH = 2000, 20_000
table = pa.table({"image": pa.array([os.urandom(EACH) for _ in range(ROWS)])})
pq.write_table(table, "pictures.parquet", row_group_size=ROWS)
del table
print(f"pyarrow {pa.__version__}")
print(f"expected: batches of 32 of {ROWS} pictures of {EACH} bytes take about {32 * EACH / 1e6:.1f} MB")
file = pq.ParquetFile("pictures.parquet", buffer_size=1 << 20, pre_buffer=False)
before = pa.total_allocated_bytes()
batches = file.iter_batches(batch_size=32, use_threads=False)
rows = next(batches).num_rows
held = pa.total_allocated_bytes() - before
print(f"after the first batch, of {rows} rows, {held / 1e6:.1f} MB are allocated; the row group has {ROWS * EACH / 1e6:.1f} MB")
assert rows == 32
assert held > 0.5 * ROWS * EACH, "pyarrow reads a part of a row group now"
PY
