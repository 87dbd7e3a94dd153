"""An evaluation's settings and prompts in; hashes of all that must be equal before two results are compared, out.

{"test set": "5d0c…", "chat template": "9a41…", "metric settings": "77c0…", "generation settings": "b41e…"}
"""

import json

from eval.asking.prompts import Prompt, digest_prompts
from eval.scoring.score import load_metric
from recipebook.files import digest
from recipebook.recipe.evaluation_keys import Evaluation
from recipebook.recipe.prompt_variants import read_variants
from recipebook.run.manifest import Manifest


def digest_conditions(manifest: Manifest, settings: Evaluation, prompts: list[Prompt]) -> dict[str, str]:
    """Hashes of the conditions that must be equal before two results may be compared."""
    metrics = settings.model_dump_json(include={"metrics", "turns", "unit"})
    return {
        "test set": digest_prompts(prompts),
        "chat template": manifest.hashes["chat_template"],
        "metric settings": digest(metrics, *_list_versions(settings)),
        "generation settings": digest(settings.generation.describe("batch_size", "engine", "adapter")),
        **_digest_variants(settings),
    }


def _digest_variants(settings: Evaluation) -> dict[str, str]:
    """The texts of the prompt's variants, where there are some."""
    variants = read_variants(settings.variants)
    texts = {name: variant.model_dump() for name, variant in variants.items()}
    return {"prompt variants": digest(json.dumps(texts))} if variants else {}


def _list_versions(settings: Evaluation) -> list[str]:
    """The metrics whose figures came to mean something else under the same settings."""
    versions = {name: getattr(load_metric(name), "VERSION", None) for name in settings.metrics}
    return [f"{name} {version}" for name, version in versions.items() if version]
