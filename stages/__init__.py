"""One module a kind of stage that trains nothing; its file's name is the key that names it under `stages:`.

    stages:
      - name: pairs
        generate_pairs: {answers: 4, metric: toolformer}      # stages/generate_pairs.py and its Options
        from: sft

A module has

    Options      a frozen pydantic model that refuses unknown keys; imported by `make check`, so without torch
    run(job: recipebook.pipeline.job.StageJob, options: Options) -> None

`run` writes its files into `job.folder`. Rows or records go to `rows.jsonl`, which a later stage's data names as
`source: stage:pairs`; it is written last and at once (recipebook.files.replacing). `run` may keep partial work in the
folder and resume from it after a crash. It may write `account.json`, a flat object of counts, which the runner prints
and keeps in the manifest. It shows its progress by recipebook.progress and reports a user's mistake as a UserError.
torch, and whatever imports torch, is imported within `run`. A module may also have

    MAKES_ROWS = False     it leaves no rows.jsonl for others to read (`merge`, `evaluate`)
"""
