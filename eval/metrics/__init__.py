"""One metric family a module; its file's name is its name in recipes, `eval.scoring.score.Metric` describes it."""
