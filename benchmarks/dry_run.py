"""An `axolotl.yaml` in; all that Axolotl would train with, out. It sets up everything, and trains nothing.

    python -m benchmarks.dry_run cases.json facts.json

In: `{"as it is": {"base_model": …}, "lora_r": {"base_model": …, "lora_r": 8}}`, run in a folder that has the rows. Out:

    {"as it is": {"facts": {"arguments.learning_rate": "0.003", "trainer": "AxolotlTrainer", "rows.train": "5d0c…", …},
                  "reads": {"lora_r": ["loaders/adapter"], …}},
     "flash_attn": {"error": "Value error, …"}}

Each case is a child of its own, since Axolotl patches libraries and keeps its plugins; `reads` are the modules of
Axolotl, schemas aside, that read a key of the configuration. Nothing here is imported by the product.
"""

import collections
import contextlib
import hashlib
import json
import os
import re
import shutil
import signal
import sys
import tempfile
import traceback
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from recipebook.files import digest
from trainer.__main__ import load_engine
from trainer.resident import import_quietly

ENVIRONMENT = {
    "ACCELERATE_USE_CPU": "true",
    "AXOLOTL_DATASET_NUM_PROC": "0",
    "AXOLOTL_DO_NOT_TRACK": "1",
    "HF_HUB_OFFLINE": "1",
    "OMP_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
}
# What differs between two builds of the same configuration, or only names its folder.
NOISE = re.compile(r"0x[0-9a-f]+|/tmp/[^\s'\"]+|[A-Z][a-z]{2}\d\d_\d\d-\d\d-\d\d_[^\s'\"]+")
SECONDS = 120
UNUSED = ("sklearn", "deepspeed")
SCHEMAS = ("axolotl/utils/schemas", "axolotl/utils/dict.py", "axolotl/telemetry", "axolotl/cli/config.py")

Case = dict[str, Any]


def build_all(cases: Mapping[str, Mapping[str, Any]], processes: int, *, whole: bool = True) -> dict[str, Case]:
    """The facts of each case, or what Axolotl says against it; unless `whole`, those of its configuration alone."""
    os.environ.update(ENVIRONMENT)
    # What a trainer goes without where nothing calls for it.
    sys.modules.update(dict.fromkeys(UNUSED))  # type: ignore[arg-type]
    load_engine()
    import axolotl.cli.config
    import axolotl.common.datasets  # noqa: F401

    # What one child had to import all others have already; it sets variables of the environment, too.
    import_quietly(_build_in_child(next(iter(cases.values())), whole).get("modules", []))
    with ThreadPoolExecutor(processes) as pool:
        built = list(pool.map(lambda config: _build_in_child(config, whole), cases.values()))
    for case in built:
        case.pop("modules", None)
    return dict(zip(cases, built, strict=True))


def _build_in_child(config: Mapping[str, Any], whole: bool) -> Case:
    """Fork, set up in a folder of its own, and take what the child writes."""
    rows = Path.cwd()
    with tempfile.TemporaryDirectory(prefix="dry-run-") as folder:
        child = os.fork()
        if child == 0:
            _be_child(config, rows, Path(folder), whole)
        _, status = os.waitpid(child, 0)
        # A compiler, for one, outlives a child that took too long.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)
        found = Path(folder) / "case.json"
        if not found.is_file():
            code = os.waitstatus_to_exitcode(status)
            return {"error": f"not set up in {SECONDS} seconds" if code == -signal.SIGALRM else f"ended with {code}"}
        return dict(json.loads(found.read_text()))


def _be_child(config: Mapping[str, Any], rows: Path, folder: Path, whole: bool) -> None:
    """Be the trainer up to its first step, and never return."""
    os.setpgid(0, 0)
    if config.get("deepspeed"):
        del sys.modules["deepspeed"]
    # What waits for ever, for a download or another rank, is killed, and told as such.
    signal.alarm(SECONDS)
    with (folder / "log").open("wb") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    for file in rows.glob("*.json*"):
        shutil.copyfile(file, folder / file.name)
    os.chdir(folder)
    try:
        case = _set_up(config) if whole else _read(config)
    except BaseException as error:
        case = {"error": _format_error(error), "at": _find_place(error)}
    try:
        Path("case.json").write_text(json.dumps(case))
    finally:
        os._exit(0)


def _format_error(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    # pydantic's message has its subject on the lines after the first.
    told = " ".join(lines[1:3]) if "validation error" in (lines or [""])[0] else " ".join(lines[:1])
    return NOISE.sub("…", f"{type(error).__name__}: {told}")[:300]


def _find_place(error: BaseException) -> str:
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "/axolotl/" in frame.filename]
    return _name_module(frames[-1].filename) if frames else ""


def _read(config: Mapping[str, Any]) -> Case:
    import yaml
    from axolotl.cli.config import load_cfg

    Path("axolotl.yaml").write_text(yaml.safe_dump(dict(config)))
    before = dict(os.environ)
    cfg = load_cfg("axolotl.yaml")
    changed = {key: value for key, value in os.environ.items() if before.get(key) != value}
    return {"facts": _flatten({**cfg.to_dict(), "environment": changed}), "reads": {}}


def _set_up(config: Mapping[str, Any]) -> Case:
    import yaml
    from axolotl.cli.config import load_cfg
    from axolotl.common.datasets import load_datasets, load_preference_datasets
    from axolotl.integrations.base import PluginManager
    from axolotl.train import setup_model_and_trainer

    Path("axolotl.yaml").write_text(yaml.safe_dump(dict(config)))
    before, modules = dict(os.environ), set(sys.modules)
    with _recording() as reads:
        cfg = load_cfg("axolotl.yaml")
        PluginManager.get_instance().load_datasets(cfg)
        meta = (load_preference_datasets if cfg.rl else load_datasets)(cfg=cfg)
        trainer, model, tokenizer, _, _ = setup_model_and_trainer(cfg, meta)
        trainer.create_optimizer_and_scheduler(num_training_steps=meta.total_num_steps or 1)
    facts = {
        "trainer": f"{type(trainer).__name__}",
        "callbacks": [type(one).__name__ for one in trainer.callback_handler.callbacks],
        "steps": meta.total_num_steps,
        "environment": {key: value for key, value in os.environ.items() if before.get(key) != value},
        "arguments": {key: value for key, value in vars(trainer.args).items() if not key.startswith("_")},
        "scheduler": _describe_scheduler(trainer.lr_scheduler),
        "optimizer": _describe_optimizer(trainer.optimizer),
        "collator": {"class": type(trainer.data_collator).__name__, **_list_plain(trainer.data_collator)},
        "sampler": _describe_sampler(trainer),
        "model": _describe_model(model, trainer),
        "tokenizer": _describe_tokenizer(tokenizer),
        "rows": {"train": _digest_rows(meta.train_dataset), "validation": _digest_rows(meta.eval_dataset)},
        "trained rows": _digest_rows(trainer.train_dataset),
        "own": {**_list_plain(trainer), "loss": repr(getattr(trainer, "compute_loss_func", None))},
    }
    named = {key: sorted(places) for key, places in sorted(reads.items())}
    return {"facts": _flatten(facts), "reads": named, "modules": sorted(set(sys.modules) - modules)}


@contextlib.contextmanager
def _recording() -> Iterator[dict[str, set[str]]]:
    """Which keys of the configuration are read meanwhile, and by which modules."""
    from axolotl.utils.dict import DictDefault

    reads: dict[str, set[str]] = collections.defaultdict(set)
    kept = {name: getattr(DictDefault, name) for name in ("__getattr__", "__getitem__", "get", "__contains__")}

    def note(holder: Any, key: Any) -> None:
        frame: Any = sys._getframe(2)
        # addict's own methods call each other.
        while frame and frame.f_code.co_filename.endswith(("addict/addict.py", "axolotl/utils/dict.py")):
            frame = frame.f_back
        place = frame.f_code.co_filename if frame else ""
        if (
            "axolotl/" in place
            and not any(part in place for part in SCHEMAS)
            and dict.__contains__(holder, "base_model")
        ):
            reads[str(key)].add(_name_module(place))

    def watch(name: str) -> Any:
        def read(self: Any, key: Any, *rest: Any) -> Any:
            note(self, key)
            return kept[name](self, key, *rest)

        return read

    for name in kept:
        setattr(DictDefault, name, watch(name))
    try:
        yield reads
    finally:
        for name, method in kept.items():
            setattr(DictDefault, name, method)


def _name_module(path: str) -> str:
    return path.rpartition("/axolotl/")[2].removesuffix(".py").removesuffix("/__init__")


def _describe_scheduler(scheduler: Any) -> Any:
    """Its kind, and the rates that it would give at the first steps."""
    if scheduler is None or not hasattr(scheduler, "lr_lambdas"):
        return type(scheduler).__name__
    return [round(scheduler.lr_lambdas[0](step), 6) for step in range(8)]


def _describe_optimizer(optimizer: Any) -> Any:
    inner = getattr(optimizer, "optimizer", optimizer)
    groups = [
        {key: value for key, value in group.items() if key != "params"} | {"count": len(group["params"])}
        for group in getattr(inner, "param_groups", [])
    ]
    return {"class": type(inner).__name__, "groups": groups}


def _describe_sampler(trainer: Any) -> Any:
    sampler = trainer._get_train_sampler(trainer.train_dataset)
    return {"class": type(sampler).__name__, **_list_plain(sampler)}


def _describe_model(model: Any, trainer: Any) -> Any:
    trained = trainer.model
    adapters = getattr(trained, "peft_config", {}) or {}
    parameters = {
        name: [str(one.dtype), list(one.shape), one.requires_grad, str(one.device)]
        for name, one in trained.named_parameters()
    }
    return {
        "class": type(trained).__name__,
        "config": trained.config.to_dict(),
        "attention": getattr(trained.config, "_attn_implementation", None),
        "adapters": {name: adapter.to_dict() for name, adapter in adapters.items()},
        "parameters": digest(json.dumps(parameters)),
        "weights": _digest_weights(trained),
        "training": bool(getattr(model, "training", None)),
        "checkpointing": bool(getattr(model, "is_gradient_checkpointing", None)),
        "forward": getattr(type(trained).forward, "__qualname__", ""),
        "modules": digest(*sorted({f"{type(one).__module__}.{type(one).__name__}" for one in trained.modules()})),
        "reference": type(getattr(trainer, "ref_model", None)).__name__,
    }


def _digest_weights(model: Any) -> str:
    # bfloat16 is no dtype of numpy's.
    whole = hashlib.blake2b(digest_size=16)
    for _, one in sorted(model.named_parameters()):
        if one.device.type != "meta":
            whole.update(one.detach().float().cpu().numpy().tobytes())
    return whole.hexdigest()


def _describe_tokenizer(tokenizer: Any) -> Any:
    return {
        "class": type(tokenizer).__name__,
        "size": len(tokenizer),
        "special": {key: str(value) for key, value in tokenizer.special_tokens_map.items()},
        "side": tokenizer.padding_side,
        "template": digest(str(tokenizer.chat_template)),
    }


def _digest_rows(rows: Any) -> str:
    if rows is None:
        return "none"
    return digest(json.dumps([dict(row) for row in rows], default=str))


def _list_plain(thing: Any) -> dict[str, Any]:
    """An object's own attributes that are plain values."""
    found = {}
    for key, value in vars(thing).items():
        if isinstance(value, str | int | float | bool | None.__class__):
            found[key] = value
    return found


def _flatten(value: Any, path: str = "") -> dict[str, str]:
    if isinstance(value, Mapping) and value:
        inner = [_flatten(item, f"{path}.{key}" if path else str(key)) for key, item in value.items()]
        return {key: item for part in inner for key, item in part.items()}
    # A set has another order in each process.
    return {path: NOISE.sub("…", repr(sorted(value, key=repr) if isinstance(value, set) else value))}


if __name__ == "__main__":
    told = json.loads(Path(sys.argv[1]).read_text())
    found = build_all(told, os.cpu_count() or 1, whole="--config" not in sys.argv)
    Path(sys.argv[2]).write_text(json.dumps(found))
    os._exit(0)
