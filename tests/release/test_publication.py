"""What is published of a run: the files, the card, the upload, and the statistics again from what was published."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from commands import main
from eval.opening import fill_options
from eval.scoring.baselines import add_baselines
from eval.scoring.score import evaluate_predictions
from recipebook.errors import UserError
from recipebook.project import PROJECT
from recipebook.recipe.resolve import resolve
from recipebook.run.rundir import Run
from recipebook.run.weights import check_weights
from recipebook.train.opening import dump_recipe
from release.publication import Publication, find_published, publish_folder
from release.push import push
from release.signing import SIGNATURE, find_signature_fault
from release.verify import find_differences, find_publication
from tests.recipebook.run.test_begun import write_adapter
from tests.release.asking import refuse_damaged
from tests.release.hub_server import TOKEN, serving

FILES = [
    "README.md", "adapter_config.json", "adapter_model.safetensors", "constraints.txt", "croissant.json",
    "evaluation/figures.json", "evaluation/rows.jsonl", "evaluation/summary.json", "publication.json", "recipe.yaml",
    "tokenizer.json",
]  # fmt: skip
REJECTED = {"reason": "missing 'output'", "count": 1, "places": [f"{PROJECT}/a"]}
ACCOUNT = {"records": 12, "rows": 11, "rejected": [REJECTED]}


@pytest.fixture
def run(start_run: Callable[..., Run]) -> Run:
    """A run of robot-lora with an adapter and an evaluation of forty rows, of which nothing was trained."""
    run = start_run(recipe="robot-lora")
    hashes = {"sources": {"samples/robot.json": "5d0c"}, "rows": "77c0", "base": "b0"}
    rows = {"train": 9, "validation": 1, "test": 1}
    known = {"account": ACCOUNT, "hashes": hashes, "rows": rows, "diagnosis": "good"}
    recipe = resolve("robot-lora", "tiny", ["eval.slices=[category]"]).recipe
    (run.folder / "resolved.yaml").write_text(dump_recipe(recipe))
    model = write_adapter(run.folder / "model", base_model_name_or_path=str(PROJECT / "models" / "tiny-base"))
    known["weights"] = {"digest": check_weights(model, None)["digest"]}
    run.write(run.read().model_copy(update={**known, "profile": "tiny", "base": "models/tiny-base"}))
    (run.folder / "model" / "tokenizer.json").write_text("{}")
    folder = run.folder / "eval"
    folder.mkdir()
    (folder / "predictions.jsonl").write_text("".join(f"{json.dumps(answer(at))}\n" for at in range(40)))
    options = fill_options(recipe)
    summary = evaluate_predictions(folder / "predictions.jsonl", options, ("category",), "exact", 42, folder)
    add_baselines(folder, summary, options, {"before": ["robot.stop()"] * 40}, None)
    return run


def answer(at: int) -> dict[str, Any]:
    right = f"robot.lift(height={at})"
    meta = {"category": "ab"[at % 2], "origin": f"person {at // 2}"}
    tuned = right if at % 3 else "robot.stop()"
    return {"id": f"{PROJECT}/rows#{at}", "prompt": "a secret of mine", "reference": right, "prediction": tuned,
            "baseline": "robot.stop()", "meta": meta, "truncated": False, "baseline_truncated": True}  # fmt: skip


@pytest.fixture
def published(run: Run) -> Publication:
    return publish_folder(run, "me/robot", licence="apache-2.0")


def test_the_files_are_these_and_none_has_a_path_of_this_machine_or_a_text(published: Publication) -> None:
    assert sorted(published.files) == FILES
    for name in FILES:
        content = (published.folder / name).read_bytes()
        assert str(PROJECT).encode() not in content and b"secret of mine" not in content and b"person" not in content
    assert published.rows == "40 rows with scores, group number, category; no prompt, answer or name of a record"
    assert json.loads((published.folder / "adapter_config.json").read_bytes())["base_model_name_or_path"] == (
        "models/tiny-base"
    )


def test_the_card_has_figures_data_and_limits(published: Publication) -> None:
    assert "license: apache-2.0" in published.card
    assert "| exact (the calls, their order and every argument are right) | 0.000 [" in published.card
    assert "| exact, category a (20 rows) |" in published.card
    assert "- 1 were rejected: missing 'output'\n" in published.card
    assert "12 records gave 9 train, 1 validation and 1 test rows." in published.card
    data = json.loads((published.folder / "croissant.json").read_bytes())
    assert [one["name"] for one in data["distribution"]] == ["robot.json"]


def test_the_statistics_come_out_the_same_from_the_published_rows(published: Publication) -> None:
    assert find_differences(published.folder) == []
    assert find_differences(find_publication(published.folder / "README.md")) == []


def test_whatever_is_changed_is_named(published: Publication) -> None:
    path = published.folder / "evaluation" / "summary.json"
    summary = json.loads(path.read_bytes())
    was = summary["results"][0]["tuned"]["mean"]
    summary["results"][0]["tuned"]["mean"] = 0.99
    path.write_text(json.dumps(summary))
    assert find_differences(published.folder) == [
        f"evaluation/summary.json: results: exact: tuned.mean: 0.99 is published, and its rows give {was}",
        "evaluation/summary.json: is not the file that was published (SHA-256)",
    ]
    card = published.folder / "README.md"
    card.write_text(card.read_text().replace("| 0.000 [", "| 0.100 ["))
    assert "README.md: its table of figures is not that of its rows" in find_differences(published.folder)


def test_prompts_and_answers_go_with_it_only_if_asked_for(run: Run) -> None:
    made = publish_folder(run, "me/robot", texts=True)
    assert made.rows == "40 rows with prompts and answers"
    assert b"secret of mine" in (made.folder / "evaluation" / "predictions.jsonl").read_bytes()


def test_a_secret_in_any_file_stops_it(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_API_KEY", "correct horse battery")
    (run.folder / "model" / "tokenizer.json").write_text('{"note": "correct horse battery"}')
    with pytest.raises(
        UserError, match=r"^publish/tokenizer\.json: it holds the value of \$MY_API_KEY, and nothing is published"
    ):
        publish_folder(run, "me/robot")
    (run.folder / "model" / "tokenizer.json").write_text(f'{{"note": "hf_{"a" * 34}"}}')
    with pytest.raises(UserError, match=r"it holds what looks like a secret \(hf_a…\), and nothing is published"):
        publish_folder(run, "me/robot")


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        ("eval/summary.json", '{"rows": ', "summary.json: Invalid JSON"),
        ("model/adapter_config.json", "{", "adapter_config.json: cannot be read: "),
    ],
)
def test_a_damaged_file_of_the_run_is_one_line_and_nothing_is_published(
    run: Run, name: str, content: str, line: str
) -> None:
    (run.folder / name).write_text(content)
    with pytest.raises(UserError, match=line):
        publish_folder(run, "me/robot")
    assert not (run.folder / "publish").exists()


def test_weights_that_are_not_the_runs_are_refused(run: Run) -> None:
    path = run.folder / "model" / "adapter_model.safetensors"
    whole = path.read_bytes()
    write_adapter(run.folder / "model", value=2.0)
    with pytest.raises(UserError, match=r"/model: these are not the weights that the run saved \(digest "):
        publish_folder(run, "me/robot")
    path.write_bytes(whole[:-20])
    with pytest.raises(UserError, match=r"adapter_model\.safetensors: cannot be read: "):
        publish_folder(run, "me/robot")
    assert not (run.folder / "publish").exists()


def test_every_file_must_be_one_that_was_published_and_lie_in_the_folder(published: Publication) -> None:
    (published.folder / "more.py").write_text("")
    (published.folder / ".gitattributes").write_text("*.safetensors filter=lfs\n")
    index = published.folder / "publication.json"
    known = json.loads(index.read_bytes())
    del known["files"]["recipe.yaml"]
    known["files"] |= {"../robot.pem": "0", "/etc/passwd": "0", "a\nsame": "0"}
    index.write_text(json.dumps(known))
    assert find_differences(published.folder) == [
        "more.py: publication.json does not have it, so nothing says that it was published",
        "recipe.yaml: publication.json does not have it, so nothing says that it was published",
        "../robot.pem: lies outside of the publication",
        "/etc/passwd: lies outside of the publication",
        "a\\nsame: is missing",
    ]


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"tuned": {}}, ":2: no 'exact' of tuned"),
        ({"base": None}, ":2: some rows have scores of the base, and others none"),
        ({"baselines": {"nearest": {}}}, ":2: its baselines are not those of the first row"),
    ],
)
def test_rows_of_which_some_lack_scores_are_one_line(
    published: Publication, changes: dict[str, Any], fault: str
) -> None:
    path = published.folder / "evaluation" / "rows.jsonl"
    lines = path.read_text().splitlines()
    lines[1] = json.dumps(json.loads(lines[1]) | changes)
    path.write_text("\n".join(lines))
    with pytest.raises(UserError) as error:
        find_differences(published.folder)
    assert str(error.value) == f"{path}{fault}"


def test_a_card_that_is_no_text_is_one_line(published: Publication) -> None:
    (published.folder / "README.md").write_bytes(b"\xff")
    with pytest.raises(UserError, match=r"README\.md: not UTF-8 at byte 1$"):
        find_differences(published.folder)


@pytest.mark.parametrize("content", ["[]", "5", "{", '{"weights": "w0", "files": ["README.md"]}'])
def test_an_index_that_is_none_is_one_line(published: Publication, content: str) -> None:
    (published.folder / "publication.json").write_text(content)
    with pytest.raises(UserError, match=r"publication\.json: "):
        find_differences(published.folder)


def test_figures_of_another_version_are_refused_before_anybody_finds_them_to_differ(run: Run) -> None:
    path = run.folder / "eval" / "summary.json"
    summary = json.loads(path.read_bytes())
    summary["results"][0]["tuned"]["low"] = 0.123
    path.write_text(json.dumps(summary))
    with pytest.raises(UserError, match=f"its answers give others today: make eval RUN={run.name}"):
        publish_folder(run, "me/robot")
    assert not (run.folder / "publish").exists()


def test_a_run_that_is_not_evaluated_is_refused(run: Run) -> None:
    shutil.rmtree(run.folder / "eval")
    with pytest.raises(UserError, match=f"a card without figures says nothing: make eval RUN={run.name}"):
        publish_folder(run, "me/robot")


def test_the_hub_gets_the_files_as_they_are_in_a_private_repository(
    published: Publication, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    with serving() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        push(published, "me/robot", public=False)
        assert hub.repositories == {"me/robot": "private"}
        assert hub.files == {name: (published.folder / name).read_bytes() for name in FILES}


def test_a_hub_that_refuses_is_one_line(published: Publication, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    with serving() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        with pytest.raises(UserError) as error:
            push(published, "me/robot", public=False)
    assert str(error.value) == "the hub refused me/robot with status 401; `hf auth login`, or a token that may write"


@pytest.mark.parametrize("content", [b"<html>", b"{}", b"[1]"])
def test_a_page_in_place_of_the_hub_is_one_line(
    published: Publication, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    with serving() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        hub.page = content
        with pytest.raises(UserError, match=f"^{hub.url} does not answer as a hub does: "):
            push(published, "me/robot", public=False)


def test_the_commands_print_the_files_the_card_and_what_differs(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(find_published, "__defaults__", (run.folder.parent,))
    assert main(["push", run.name, "--dry"]) == 0
    said = capsys.readouterr().out
    assert "          adapter_model.safetensors  " in said and "# robot-lora\n" in said
    assert main(["verify", str(run.folder / "publish")]) == 0
    assert capsys.readouterr().out.startswith("same      every figure, interval and p-value is what the rows give")
    (run.folder / "publish" / "recipe.yaml").unlink()
    assert main(["verify", str(run.folder / "publish")]) == 1
    assert capsys.readouterr().out == "differs   recipe.yaml: is missing\n"
    assert main(["push", run.name]) == 2


@pytest.mark.parametrize("name", ["a b/c", "a/b/c", "robot", "../x", "me/", "me/x..y", "me/$(id)"])
def test_a_name_that_the_hub_does_not_take_is_refused_before_anything_is_written(
    run: Run, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(find_published, "__defaults__", (run.folder.parent,))
    for more in ([], ["--dry"]):
        assert main(["push", run.name, "--to", name, *more]) == 2
        assert capsys.readouterr().err == f"TO: '{name}' is no name on the hub, such as owner/name\n"
    assert not (run.folder / "publish").exists()


def test_a_card_of_another_versions_intervals_is_told_from_one_that_is_wrong(
    published: Publication, capsys: pytest.CaptureFixture[str]
) -> None:
    path = published.folder / "evaluation" / "summary.json"
    summary = json.loads(path.read_bytes())
    summary["results"][0]["tuned"]["low"] = 0.123
    summary["results"][0]["difference"]["p"] = 0.5
    index = json.loads((published.folder / "publication.json").read_bytes())

    def verify() -> str:
        path.write_text(json.dumps(summary))
        index["files"]["evaluation/summary.json"] = hashlib.sha256(path.read_bytes()).hexdigest()
        (published.folder / "publication.json").write_text(json.dumps(index))
        assert main(["verify", str(published.folder)]) == 1
        return capsys.readouterr().out

    assert "note      numbers of rows, means and files are as published; only intervals" in verify()
    summary["results"][0]["tuned"]["mean"] = 0.99
    assert "only intervals" not in verify()


def make_key(folder: Path, name: str) -> tuple[Path, Path]:
    """A private and a public key of an elliptic curve, as openssl writes them."""
    key = ec.generate_private_key(ec.SECP256R1())
    private, public = folder / f"{name}.pem", folder / f"{name}.pub"
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
    )
    public.write_bytes(
        key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    return private, public


def test_a_signature_holds_for_the_files_as_they_were_wherever_they_lie(run: Run, tmp_path: Path) -> None:
    private, public = make_key(tmp_path, "mine")
    made = publish_folder(run, "me/robot", key=private)
    assert sorted(made.files) == sorted([*FILES, SIGNATURE])
    assert find_differences(made.folder) == []
    downloaded = tmp_path / "downloads" / "robot"
    shutil.copytree(made.folder, downloaded)
    (downloaded / ".gitattributes").write_text("*.safetensors filter=lfs\n")
    assert find_signature_fault(downloaded, public) is None
    _, stranger = make_key(tmp_path, "stranger")
    assert str(find_signature_fault(downloaded, stranger)).startswith("model.sig: ")
    (downloaded / "evaluation" / "rows.jsonl").write_text("{}\n")
    assert "rows.jsonl" in str(find_signature_fault(downloaded, public))
    (downloaded / SIGNATURE).unlink()
    assert find_signature_fault(downloaded, public) == "model.sig: is missing, so nothing is signed"


def test_a_file_that_is_no_key_is_one_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "no.pem").write_text("nothing")
    with pytest.raises(UserError, match=r"^KEY: .*no\.pem signs nothing: ") as error:
        publish_folder(run, "me/robot", key=tmp_path / "no.pem")
    assert "\n" not in str(error.value)
    with pytest.raises(UserError, match=r"^KEY: no file .*gone\.pem$"):
        publish_folder(run, "me/robot", key=tmp_path / "gone.pem")


def test_verify_says_who_signed(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    private, public = make_key(tmp_path, "mine")
    folder = publish_folder(run, "me/robot", key=private).folder
    assert main(["verify", str(folder)]) == 0
    assert "KEY=, the signer's public key, has the signature checked" in capsys.readouterr().out
    assert main(["verify", str(folder), "--key", str(public)]) == 0
    assert f"signed    all files, by the owner of {public}" in capsys.readouterr().out
    (folder / "recipe.yaml").write_text("description: another\n")
    assert main(["verify", str(folder), "--key", str(public)]) == 1
    assert "differs   model.sig: " in capsys.readouterr().out


def test_a_damaged_adapter_is_refused_without_a_word_of_the_libraries(make_trained: Callable[..., Run]) -> None:
    trained = make_trained()
    refuse_damaged(trained, "push", trained.name, "--dry")
