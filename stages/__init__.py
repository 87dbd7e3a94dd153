"""One module a kind of stage that trains nothing; its file's name is the key that names it under `stages:`.

    stages:
      - name: pairs
        generate_pairs: {answers: 4, metric: toolformer}      # stages/generate_pairs.py and its Options
        from: sft

A module has

    Options      a frozen pydantic model that refuses unknown keys; imported by `make check`, so without torch
    run(job: recipebook.pipeline.job.StageJob, options: Options) -> None

`run` leaves its files in `job.folder`: rows or records that a later stage's data names as `source: stage:pairs` in
`rows.jsonl`, written last and at once (recipebook.files.replacing). It may keep partial work in the folder, and goes
on from it when it was killed. It may write `account.json`, a flat object of counts, which the runner shows and keeps
in the manifest; and it tells how far it is by recipebook.progress. It says what a user did wrong by a UserError.
torch and what needs it are imported within `run`. A module may also have

    MAKES_ROWS = False     it leaves no rows.jsonl for others to read (`merge`, `evaluate`)
"""
