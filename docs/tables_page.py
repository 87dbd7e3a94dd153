"""The schemas of recipebook/frames/ in; the page of tables as Markdown out.

| `step` | Int64 | | the optimizer's step; one that was trained again after a resume counts once |
"""

from collections.abc import Iterator

from recipebook.frames import SCHEMAS
from recipebook.frames.columns import FurtherColumns, TableColumn, TableSchema

INTRODUCTION = """\
# Tables

Runs, losses, predictions, scores and the leaderboard as pandas DataFrames, and as files for other programs.

- [In a notebook](#in-a-notebook)
- [As a file](#as-a-file)
- [Formulas](#formulas)
- [Earlier scripts](#earlier-scripts)
- [Columns](#columns)

## In a notebook

```python
from recipebook import frames

frames.runs()                                # every run, whatever its state
frames.losses("robot-lora")                  # what its trainer logged, by step
frames.predictions("robot-lora@validation")  # an evaluation, answer by answer
frames.scores("robot-lora")                  # the score of each answer, by system and figure
frames.leaderboard("robot-lora")             # ranks with intervals and tests
```

A run is named as for `make eval` and `make compare`: by its own name, by its recipe's for the newest trained run, or
by its fleet's for the trained runs of all members. [tables.ipynb](tables.ipynb) is an example. It needs Jupyter, which
is not in `.venv`: `.venv/bin/pip install jupyterlab`.

## As a file

```sh
make export-table RUN=robot-lora
make export-table RUN=traits TABLE=scores FORMAT=parquet
make export-table TABLE=leaderboard RECIPE=robot-lora FORMAT=xlsx
make export-table TABLE=runs OUT=runs.csv
```

Files go to `runs/tables/` where `OUT=` names none. A file is complete or not there, as is every file of Recipebook's.

| `FORMAT=` | missing values | times | otherwise |
| --- | --- | --- | --- |
| `csv` | empty, as empty texts are | `2026-11-20 12:30:00+00:00` | UTF-8; [formulas](#formulas) cannot run |
| `parquet` | missing | UTC | the same frame again, dtypes included, by `pandas.read_parquet` |
| `xlsx` | empty cells | UTC, without a mark | needs no import; refuses what a sheet would cut off |

## Formulas

A spreadsheet runs a cell of a CSV file that begins with `=`, `+`, `-` or `@`. Answers of models begin so, too, if only
as lists. Such a cell gets an apostrophe in front, and the command prints how many there are. `arm` in
[formulas.py](../recipebook/frames/formulas.py) takes it away again. In `xlsx` every such cell says that it is text.

For programs, use `parquet`: it holds each text as it is.

## Earlier scripts

`make eval` also writes the tuned model's figures as one flat object beside `summary.json`: `test_metrics.json` of the
test rows, or `val_metrics.json` where `SET="eval.part=validation"` evaluates the validation rows. Scripts that compared
smart-home adapters read these names, and the names `avg_pred_length` and `avg_ref_length` in them.

```json
{"param_f1": 0.7771, "device_precision": 0.8123, "avg_pred_length": 18.23, "length_ratio": 1.25}
```

An undefined figure is null there, not 0. There are no intervals and no base model in it: those are in `summary.json`.

## Columns

Each function returns these columns in this order, with these dtypes, even where it finds no rows. Values that a file
does not have are `pd.NA`, `NaT` or no category; a loss that is not a number stays NaN. Times are UTC."""


def render_tables() -> str:
    """The whole page."""
    return "\n".join([INTRODUCTION, *(line for schema in SCHEMAS.values() for line in _render(schema)), ""])


def _render(schema: TableSchema) -> Iterator[str]:
    yield f"\n### {schema.name}\n"
    yield "| column | dtype | missing | holds |"
    yield "| --- | --- | --- | --- |"
    yield from map(_render_column, schema.columns)
    yield from map(_render_further, schema.further)


def _render_column(column: TableColumn) -> str:
    values = f": {', '.join(column.values)}" if column.values else ""
    return f"| `{column.name}` | {column.dtype} | {'yes' if column.missing else ''} | {column.meaning}{values} |"


def _render_further(further: FurtherColumns) -> str:
    name = f"`{further.prefix}…`" if further.prefix else "others"
    return f"| {name} | {' or '.join(further.dtypes)} | yes | {further.meaning} |"
