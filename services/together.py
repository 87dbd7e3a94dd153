"""Together's fine-tuning API (version 1).

In: rows as `{"prompt": "Respond naturally:", "completion": "Time will show."}` or `{"messages": […]}`. Sent, to
`POST /fine-tunes`:

    {"model": "meta-llama/Meta-Llama-3.1-8B-Instruct-Reference", "training_file": "file-1c…", "suffix": "rb-3f2a…",
     "n_epochs": 1, "batch_size": 32, "learning_rate": 0.0002, "training_type": {"type": "Lora", "lora_r": 4, …}, …}

Out: the adapter, packed. The service chooses the optimizer, the seed, the longest row and the packing, and applies the
base's own chat template. A recipe with a setting that the service lacks is refused before anything is sent.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from recipebook.errors import UserError
from recipebook.recipe.batches import divide_batch
from recipebook.recipe.keys import Recipe
from recipebook.recipe.schema_walk import Fault
from recipebook.remote.service import RemoteJob
from recipebook.remote.web import Web

URL = "https://api.together.xyz/v1"
KEY = "TOGETHER_API_KEY"
DECIDES = (
    *(("training", key) for key in ("optimizer", "seed", "max_length", "too_long", "packing", "group_by_length")),
    *(("training", key) for key in ("gradient_checkpointing", "precision", "span_weights", "workers", "pin_memory")),
    *(("training", key) for key in ("logging_steps", "eval_steps", "save_steps", "keep_checkpoints")),
    *(("launch", key) for key in ("processes", "strategy", "device")),
)
LARGEST_UPLOAD = 5_000_000_000
LARGEST_DOWNLOAD = 16 << 30


def find_obstacles(recipe: Recipe) -> Iterator[Fault]:
    """The recipe's settings that the service does not support."""
    training = recipe.training
    if recipe.lora is None or recipe.lora.quantize:
        yield Fault(("lora",), False, "lora: together trains adapters here, without quantize")
    if training.method != "sft":
        yield Fault(("training", "method"), False, f"training.method: together trains by sft, not {training.method}")
    if recipe.model.chat_template != "tokenizer":
        text = "model.chat_template: together applies the base's own: tokenizer"
        yield Fault(("model", "chat_template"), False, text)
    if training.epochs != int(training.epochs):
        yield Fault(("training", "epochs"), False, f"training.epochs: together takes whole ones, not {training.epochs}")
    for key in ("max_steps", "early_stopping"):
        if getattr(training, key) is not None:
            yield Fault(("training", key), True, f"training.{key}: together has no such setting")
    if recipe.axolotl:
        yield Fault(("axolotl",), True, "axolotl: together does not train with Axolotl")


def build_order(recipe: Recipe) -> dict[str, Any]:
    """The recipe in the service's words."""
    assert recipe.remote and recipe.lora
    training, lora, constant = recipe.training, recipe.lora, recipe.training.scheduler.startswith("constant")
    scheduler: dict[str, Any] = {
        "lr_scheduler_type": "cosine" if training.scheduler == "cosine" else "linear",
        "lr_scheduler_args": {"min_lr_ratio": float(constant)},
    }
    if training.scheduler == "cosine":
        scheduler["lr_scheduler_args"]["num_cycles"] = 0.5
    modules = lora.target_modules if isinstance(lora.target_modules, str) else ",".join(lora.target_modules)
    return {
        "model": recipe.remote.model or recipe.model.base,
        "n_epochs": int(training.epochs),
        "n_checkpoints": 1,
        # The service's batch is the whole one, over all its devices.
        "batch_size": divide_batch(training, 1).records,
        "learning_rate": training.learning_rate,
        "lr_scheduler": scheduler,
        "warmup_ratio": 0.0 if training.scheduler == "constant" else training.warmup_ratio,
        "max_grad_norm": training.max_grad_norm,
        "weight_decay": training.weight_decay,
        "training_method": {"method": "sft", "train_on_inputs": training.train_on == "all"},
        "training_type": {
            "type": "Lora",
            "lora_r": lora.r,
            "lora_alpha": lora.alpha,
            "lora_dropout": lora.dropout,
            "lora_trainable_modules": modules,
        },
    }


def connect(url: str, key: str, key_name: str) -> "Together":
    """Open a connection."""
    return Together(Web(url, key, key_name, "together"))


class Together:
    """The endpoints that a training needs."""

    def __init__(self, web: Web) -> None:
        self.web = web

    def upload(self, file: Path, name: str) -> str:
        """`POST /files/upload`; returns the file's id."""
        if file.stat().st_size > LARGEST_UPLOAD:
            raise UserError(f"together: {file.name} is larger than 5 GB, which it takes in one piece")
        fields = {"purpose": "fine-tune", "file_name": name, "file_type": "jsonl"}
        return _take(self.web.upload("files/upload", file, name, fields), "id")

    def start(self, order: dict[str, Any], file: str, suffix: str) -> RemoteJob:
        """`POST /fine-tunes`; sent once, even if no answer comes."""
        request = {**order, "training_file": file, "suffix": suffix}
        return _read_job(self.web.ask("POST", "fine-tunes", repeatable=False, json=request))

    def find(self, suffix: str) -> RemoteJob | None:
        """`GET /fine-tunes`; returns the job whose suffix or model name is ours."""
        for job in self.web.ask("GET", "fine-tunes").get("data") or []:
            if job.get("suffix") == suffix or suffix in (job.get("model_output_name") or ""):
                return _read_job(job)
        return None

    def look(self, job: str) -> RemoteJob:
        """`GET /fine-tunes/{id}`."""
        return _read_job(self.web.ask("GET", f"fine-tunes/{job}"))

    def cancel(self, job: str) -> RemoteJob:
        """`POST /fine-tunes/{id}/cancel`."""
        return _read_job(self.web.ask("POST", f"fine-tunes/{job}/cancel"))

    def download(self, job: str, out: Path) -> None:
        """`GET /finetune/download`: the adapter, not the base with it merged in."""
        self.web.download("finetune/download", {"ft_id": job, "checkpoint": "adapter"}, out, LARGEST_DOWNLOAD)


def _read_job(answer: dict[str, Any]) -> RemoteJob:
    status, events = _take(answer, "status"), answer.get("events") or []
    steps = [event["step"] for event in events if event.get("step")]
    totals = [event["total_steps"] for event in events if event.get("total_steps")]
    errors = [event.get("message") or "" for event in events if "error" in str(event.get("type")).lower()]
    failed = status == "cancelled" or "error" in status
    return RemoteJob(
        id=_take(answer, "id"),
        state="completed" if status == "completed" else "failed" if failed else "running",
        status=status,
        reason=errors[-1] if errors else "",
        step=steps[-1] if steps else None,
        steps=totals[-1] if totals else None,
    )


def _take(answer: dict[str, Any], key: str) -> str:
    if not isinstance(answer.get(key), str) or not answer[key]:
        raise UserError(f"together: an answer without '{key}'; it has: {', '.join(answer) or 'nothing'}")
    return str(answer[key])
