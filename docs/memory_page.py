"""The estimates of recipebook/train/memory.py and the figures of `make bench-gpu` in; docs/gpu.md out."""

import json
from collections.abc import Iterator

from recipebook.project import PROJECT
from recipebook.train.memory import GIB, Setup, estimate
from recipebook.train.shapes import KNOWN

INTRODUCTION = """\
# GPUs

How a recipe is placed on GPUs, how it is made fast there, and the memory that it takes. The estimates are held against
peaks that others have published; what was measured here stands under [Measured](#measured).

- [Is the machine ready?](#is-the-machine-ready)
- [One GPU, several, a fleet](#one-gpu-several-a-fleet)
- [Fast by default](#fast-by-default)
- [Evaluation](#evaluation)
- [The files of a launch](#the-files-of-a-launch)
- [Several machines](#several-machines)
- [SLURM](#slurm)
- [A cloud, by SkyPilot](#a-cloud-by-skypilot)
- [The records of a step](#the-records-of-a-step)
- [A rehearsal](#a-rehearsal)
- [Another number of GPUs](#another-number-of-gpus)
- [Interruptions](#interruptions)
- [Memory](#memory)
- [Time and cost](#time-and-cost)
- [Measured](#measured)
- [When memory is short](#when-memory-is-short)

## Is the machine ready?

```sh
make doctor
make doctor RECIPE=robot-lora PROFILE=cpu
```

It prints a line for each thing that a training needs, `ok` or `missing` with what to do, and ends with status 1 if
anything is missing. It looks at Python, the packages against the lock, GPUs, driver and the build of torch, NCCL, write
access, free disk, the port, the hub and the recipe's base there, telemetry and the sandbox. Nothing is changed, and no
key or token is printed.

## One GPU, several, a fleet

| command | trains |
| --- | --- |
| `make train RECIPE=robot-lora` | on one GPU, under the profile `gpu` |
| `make train RECIPE=robot-lora PROFILE=multi-gpu` | on eight GPUs of one machine, by DeepSpeed's ZeRO-2 |
| `make train RECIPE=robot-lora PROFILE=multi-gpu GPUS=4` | on four of them |
| `make train RECIPE=traits` | as many members at a time as there are GPUs |

Members of a fleet that train at the same time have GPUs of their own. A member of four processes has four: on eight
GPUs two such members train at a time. `CUDA_VISIBLE_DEVICES` limits all of this to some of the machine's GPUs.

`precision: auto` computes in bf16 on a GPU that has it. On one that does not, such as a T4, adapters and DeepSpeed
compute in fp16, and whole weights without DeepSpeed in fp32. `precision: bf16` is refused there. Recipebook asks the
driver: torch would say that a T4 has bf16, since it emulates it.

## Fast by default

On a GPU these settings are chosen by the recipe, its base and the card. `make plan` prints each with its reason, also
for a card that is not here (`CARD=T4`). A value in the recipe or in `SET=` is kept. On a processor all are off.

| setting | on a GPU, if nothing is said |
| --- | --- |
| `training.packing` | `records` for chats: no padding is computed |
| `training.pack_length` | 2,048: as many rows of a step at a time as surely fit |
| `training.chunked_loss` | on for chats, for a vocabulary of 64,000 words or more: smaller logits |
| `training.gradient_checkpointing` | on where the estimate does not fit without it |
| `training.precision` | bf16; fp16 on a card without it |
| `training.tf32` | on where the card has bf16, for what stays in float32 |
| `training.optimizer` | `adamw_torch_fused`, by the profiles for GPUs: one kernel for all weights |
| `lora.kernels` | Axolotl's fused ones for chats, but for a base in 8 bits or with code of its own |
| `training.workers`, `training.pin_memory` | 2 for each GPU, and on: rows are there before they are wanted |
| `launch.timeout` | 7,200 seconds, for several ranks: a slow checkpoint is no lost rank |

Rows are not packed with `span_weights` or `group_by_length`, where a GPU takes one row at a time, and on a card without
bf16, which has no kernel for it.

Packing leaves the records of a step alone. The rows that would be padded to a batch stand one behind another, with
positions that begin anew, and torch's varlen attention keeps them apart. So `training.global_batch` counts records, and
the loss of a step is that of a padded batch of as many rows. Tests train both and compare every step.

`training.packing: true` is Axolotl's own: as many rows as fit into `max_length`, so that a step has more records than
before; `training.global_batch` is refused beside it.

With several GPUs, 20,000 rows or more are tokenised by one process before the ranks start. Axolotl itself lets torch's
allocator grow its segments (`PYTORCH_ALLOC_CONF=expandable_segments:True`), unless the variable is set.

## Evaluation

`make eval` lays the model out by the same estimate. One that fits a GPU is loaded on each, if there are several and
enough prompts for a batch each: they share the prompts out, and the answers come back in order. One that does not fit
lies over all GPUs. A base that was trained in 4 or 8 bits answers in them. vLLM, where it is installed, is told the
same; tests play its interface, and it has not been run here.

## The files of a launch

Each run's folder has `launch.sh`. For several processes it has `accelerate.yaml` too, and `deepspeed.json` where
DeepSpeed trains: these files are what `make train` itself runs. `bash launch.sh` in the folder trains the same again.
`make plan` prints the script.

| `launch.strategy` | each GPU holds | by |
| --- | --- | --- |
| `data-parallel` | everything | PyTorch |
| `zero1` | a part of the optimizer's state | DeepSpeed |
| `zero2` | a part of that and of the gradients | DeepSpeed |
| `zero3` | a part of that and of the weights | DeepSpeed |
| `fsdp2` | as much as with `zero3` | PyTorch, by Axolotl's `fsdp_version: 2` |

`fsdp2` shards each layer, and on GPUs loads a base once for all of them. It does not go with the optimizers adamw_8bit
and adamw_bnb_8bit, nor with a quantised base under dpo, ipo, kto and orpo; under grpo the weights stay whole, so
neither `fsdp2` nor `zero3` can be named. With one process, `fsdp2` is data-parallel.

torchrun starts the same ranks where DeepSpeed is not used, after the variables that
`launch.sh` exports:

```sh
torchrun --nproc-per-node 8 -m trainer axolotl.yaml
```

## Several machines

They share the project's folder and its environment, under the same path. Each runs the same command, with its number:

```sh
make train RECIPE=robot-lora PROFILE=multi-gpu MACHINES=2 RANK=0 MAIN=10.0.0.1:29500
make train RECIPE=robot-lora PROFILE=multi-gpu MACHINES=2 RANK=1 MAIN=10.0.0.1:29500
```

Machine 0 prepares, checks and records the run; `MAIN` is its address and a free port. The others wait for it, add their
processes, and end as the run ends. Their launcher's output is `machine-1.log` in the run's folder. `GPUS=` counts the
processes of each machine. Without a network card's name, gloo would use the address of the machine's own name, which is
often 127.0.0.1; Recipebook gives it the card that reaches `MAIN`. Stages and members train on one machine each.

## SLURM

```sh
make slurm RECIPE=robot-lora NODES=2 GPUS=4 TIME=4:00:00
make slurm RECIPE=traits PROFILE=gpu WORKERS=4
```

writes `runs/slurm/<recipe>.sh`, which `sbatch` starts; `ACCOUNT=` and `PARTITION=` are SLURM's own. Nodes train
together; a fleet is an array with a member a task, `WORKERS=` of them at a time. Without `PROFILE=` the profile is
`multi-gpu`, since the machine on which one writes a job often has no GPU. Three minutes before its time is over SLURM
sends SIGTERM; a training that it interrupts is queued again and resumes. The nodes share the project's folder.

Tests start a real SLURM of two nodes, each in a network of its own. Two nodes train the adapter of two local ranks, to
the bit. A job that is signalled saves that step, is queued again, and ends with the weights of an uninterrupted one. Of
an array, only the task that was interrupted is queued again. The tests need root and Debian's packages slurmctld,
slurmd, slurm-client, munge and iproute2.

## A cloud, by SkyPilot

```sh
make sky RECIPE=robot-lora CARD=H100 GPUS=4
```

writes `runs/sky/<recipe>.yaml`, which `sky launch` starts on a machine of the cloud that SkyPilot finds cheapest. The
project is copied there, without what git ignores; what it prints next fetches the runs. Ten minutes after its work the
machine stops. SkyPilot itself has not been run here: a test holds the file against its documented keys. It is one
machine, since those that SkyPilot starts share no folder.

## The records of a step

`training.global_batch` says how many records a step learns from, over all GPUs. How many rows a GPU takes at a time,
and how often before a step, follows: at most `training.batch_size` rows, as many as divide evenly. A number that does
not divide among the GPUs is refused, with the nearest that do. So `GPUS=` changes how long a training takes, and not
what it learns. Rows are grouped by length in the same order on any number of GPUs.

Without `training.global_batch` each GPU takes `batch_size` x `gradient_accumulation` rows a step, and eight GPUs learn
from eight times as many at the same learning rate. The profile `multi-gpu` therefore names it for every recipe.
`make plan` prints the records of a step. Rows that do not divide among the GPUs are filled up at the end of an epoch:
none is left out, and `make plan` says how many come twice.

## A rehearsal

```sh
make rehearse RECIPE=robot-lora GPUS=8
make rehearse RECIPE=robot-lora GPUS=2 STRATEGIES="data-parallel zero1 zero2 zero3 fsdp2"
make rehearse RECIPE=os-interaction-rl GPUS=2 STAGE=rl
```

A launch of eight GPUs is tried on a laptop before a GPU is paid for. `make rehearse` renders the recipe under the
profile `multi-gpu` with the embedded tiny model, and trains a few steps with the records of a step that were asked for:
once in one process, and once on as many CPU ranks as there are cores. It prints a line for each comparison, and ends
with status 1 if one is wrong:

- no row is missing, and as many come twice as `make plan` says; for ranks that do not run here, by the sums of the
  engine's own samplers;
- the loss of every step is that of one process within 0.5 %, and the norm of the gradients within 2 %; several
  strategies have the same losses to six digits;
- from a checkpoint, the same ranks resume to the same losses and weights, and under data-parallel and fsdp2 one process
  at the same learning rates;
- the weights are finite and changed, and the adapter loads.

All strategies are compared with the same training of one process. Of a recipe with stages each stage is rehearsed, or
the one that `STAGE=` names, but for those whose rows another stage makes. Under grpo each rank plays episodes of its
own, which one process would not play: a rehearsal counts the episodes of all ranks in two small collections, and
resumes. It needs the sandbox of [shell tasks](reinforcement.md). A recipe with a matrix is refused.

It cannot show what needs a GPU: NCCL, kernels, bf16, memory and speed.

## Another number of GPUs

A run that was interrupted resumes on another number of GPUs: `make train` with the same recipe and another `GPUS=`. It
is the same run as long as `training.global_batch` is the same, and its next step has the learning rate that it would
have had without the interruption.

That holds for the strategies data-parallel and fsdp2, and between them: their checkpoints are whole, and alike. A
DeepSpeed checkpoint is divided among the processes that wrote it; another number of them, or another strategy, would
start with a new optimizer at the first step's learning rate. It is therefore refused, with the command that resumes it.

How many processes trained, on how many machines and by which strategy, is no part of a run's identity: it changes how
fast a training is, and not what it learns but for rounding. `make train` under another `GPUS=` or strategy therefore
finds the run that is trained already; `FORCE=1` trains again. The manifest says with which launch each attempt trained.

## Interruptions

SIGTERM or Ctrl-C saves a checkpoint: at the end of the step in which the signal came, all ranks agree on it and write
it together. The run is `interrupted`, and the same command resumes it. A second signal does not wait for the
checkpoint. Of a fleet, every member in training saves a checkpoint.

Where a rank is killed, the others are ended and all are started again from the last whole checkpoint, up to three times
by one command. Where ranks wait for one that no longer answers, the run fails after three times the longest step, and
after a minute at least; the failure names the rank and the line of code that it is at. A first checkpoint or
evaluation may take half an hour. The stacks of all ranks are in the run's folder, in `ranks/`.

A run counts as trained only after its last step, or where it may end early. The learning rate of a resumed run's first
step is compared with the schedule. A training whose logged loss is no number (NaN) ends there, with the step; weights
that are no numbers are never saved as a checkpoint. In fp16 a step with such a loss is left out instead.

## Memory

`make plan` prints what each GPU will hold, on a machine with GPUs or for a named one (`CARD=H100`). It counts weights,
gradients, the optimizer's state and what is kept for the backward pass, at the longest rows that the recipe allows.

Three numbers cannot be counted; they are fitted to 69 published peaks (Qwen's README, LitGPT's config_hub). 66 of the
estimates are within 15 % of the peak, and 64 where all peaks of the same model are left out of the fit;
`python -m benchmarks.memory` shows it.

GiB a GPU, with rank 32 on all projections, four rows of 512 tokens and gradient checkpointing:

"""
FIGURES = PROJECT / "benchmarks" / "gpu_figures.json"
HEADING = (
    "| base | QLoRA, 1 GPU | LoRA, 1 GPU | LoRA, zero3: 2 GPUs | 4 | 8 | full, 1 GPU | full, zero2: 8 GPUs | "
    "full, zero3: 2 GPUs | 4 | 8 |"
)
CLOSING = """
Each number is of one GPU. ZeRO-2 shares the optimizer's state and gradients out, which are small with LoRA; only ZeRO-3
shares the weights.

## Time and cost

`make plan` says how long a training will take. After one run of the same base with the same method and batch on the
same machine, it goes by that run: the time of a record, scaled by the records' size. For a GPU without such a run it
assumes a third of the card's 16-bit peak, and 0.1 s for each batch at least; neither has been measured here.

| command | adds |
| --- | --- |
| `make plan RECIPE=robot-lora PRICE=2.5` | the cost, where an hour of the machine costs 2.5 |
| `make plan RECIPE=robot-lora CARD=H100` | memory and time on a GPU that is not in this machine |
| `make plan RECIPE=robot-lora PROFILE=multi-gpu GPUS=4 CARD=A100 PRICE=8` | all of it for four of them |

`CARD=` needs the base's tokenizer, from a folder or the hub. Axolotl's YAML is shown as it would be on this machine.

## Measured

`make bench-gpu` trains some steps of each setting on a card, in the shapes of Qwen2.5-0.5B, Llama-2-7B and Llama-3.1-8B
with random weights, and `axolotl train` by two of Axolotl's own examples on the same rows. It takes about ten minutes,
and `make docs` puts its figures here. Without a GPU it trains a tiny shape, which shows no more than that it works.

MEASURED

## When memory is short

In this order; `make plan` names those that would fit.

1. `SET=training.gradient_checkpointing=true`: activations are computed again; a step takes about a third longer.
2. `SET=training.batch_size=1` with `training.global_batch`, which keeps the records of a step.
3. `SET=lora.quantize=4bit`: the base's weights take a quarter.
4. `SET=launch.strategy=zero3` with several GPUs: each holds a part of the weights, and sends it to the others.
5. A smaller `training.max_length`, where `make plan` shows that few rows are that long.
"""


def render_gpu() -> str:
    """The page."""
    return INTRODUCTION + "\n".join(_list_rows()) + "\n" + CLOSING.replace("MEASURED", "\n".join(_list_measured()))


def _list_measured() -> Iterator[str]:
    if not FIGURES.is_file():
        yield "Not measured yet: no GPU was at hand."
        return
    found = json.loads(FIGURES.read_bytes())
    yield f"On {found['machine']}; medians of the steps but the first:\n"
    yield "| shape | case | tokens a second | s a step | GiB | estimate | loss |"
    yield "| --- | --- | ---: | ---: | ---: | ---: | ---: |"
    for line in found["figures"]:
        if "error" in line:
            yield f"| {line['shape']} | {line['case']} | failed: {line['error']} | | | | |"
            continue
        cells = (line["tokens_a_second"], line["seconds_a_step"], line["memory_gib"], line.get("estimate_gib", ""))
        numbers = " | ".join(f"{cell:,}" if cell != "" else "" for cell in cells)
        yield f"| {line['shape']} | {line['case']} | {numbers} | {line['loss']} |"


def _list_rows() -> Iterator[str]:
    yield HEADING
    yield "| --- |" + " ---: |" * (HEADING.count("|") - 2)
    for base, shape in KNOWN.items():
        lora = Setup("lora", tokens=2048, rank=32, targets=tuple(shape.modules), checkpointing=True)
        full = lora._replace(method="full", rank=0, targets=())
        setups = (
            lora._replace(method="qlora"),
            lora,
            *(lora._replace(processes=count, stage=3) for count in (2, 4, 8)),
            full,
            full._replace(processes=8, stage=2),
            *(full._replace(processes=count, stage=3) for count in (2, 4, 8)),
        )
        cells = " | ".join(f"{estimate(shape, setup) / GIB:.0f}" for setup in setups)
        yield f"| `{base}` | {cells} |"
