"""One metric family a module; the file's name is the name in recipes. `eval.score.Metric` says what a module has."""
