"""One question asked of a run here and of W&B's server: the answers must be the same."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlops.curves.filters import Labels, as_mongo, passes, setting
from rlops.curves.references import parse_reference
from tests.integration.wandb_standin.server import StoredRun, matches

CONFIG = {"env_id": "Hopper-v4", "seed": 2, "lr": 3e-4, "anneal": True, "algo": "4", "deep": {"er": {"k": 1}}, "a.b": 5}
LABELS = Labels(CONFIG, tags=("v1", "pr-12"), group="g", user="me")


@pytest.mark.parametrize(
    ("query", "holds"),
    [
        ("", True),
        ("tag=v1", True),
        ("tag=v2,pr-12", True),
        ("tag=v2", False),
        ("all_tags=v1,pr-12", True),
        ("all_tags=v1,v2", False),
        ("group=g&user=me,you&state=finished", True),
        ("group=h", False),
        ("user=you", False),
        ("state=failed,crashed", False),
        ("lr=3e-4", True),
        ("lr=0.0003", True),
        ("lr=0.003", False),
        ("seed=0-3", True),
        ("seed=3", False),
        ("anneal=True", True),
        ("anneal=1", False),
        ("algo=4", True),
        ("algo=4.0", False),
        ("env_id=Hopper-v4,Ant-v4", True),
        ("deep.er.k=1", True),
        ("deep.er.j=1", False),
        ("a.b=5", True),
        ("nothing=1", False),
        ("metric=m&step=s&label=l", True),
        ("env_id_key=algo&env_id=4", True),
        ("seed_key=a.b&seed=5", True),
    ],
)
def test_what_passes(query, holds):
    reference = parse_reference(f"wandb:e/p?{query}" if query else "wandb:e/p")
    assert passes(LABELS, "finished", reference.run_filters()) is holds


def test_settings_in_groups():
    assert setting(CONFIG, "deep.er") == {"k": 1}
    assert setting({"a": {"b": 1}, "a.b": 2}, "a.b") == 2
    assert setting({"a": 1}, "a.b") is None


VALUES = st.one_of(
    st.booleans(), st.integers(-5, 5), st.sampled_from([0.5, 1e-3, 2.0]), st.sampled_from(["1", "a", "x"])
)
TEXTS = st.sampled_from(["1", "2", "0.5", "1e-3", "0.001", "a", "true", "False", "2.0", "-3", "x"])


@given(
    config=st.dictionaries(st.sampled_from("kmn"), VALUES),
    key=st.sampled_from("kmn"),
    texts=st.lists(TEXTS, min_size=1),
)
def test_the_server_says_the_same_of_settings(config, key, texts):
    filters = {key: tuple(texts)}
    run = StoredRun("e", "p", "r", config={name: {"value": value} for name, value in config.items()})
    assert passes(Labels(config), "finished", filters) == matches(run, json.loads(json.dumps(as_mongo(filters))))


@given(tags=st.lists(st.sampled_from("abc")), asked=st.lists(st.sampled_from("abcd"), min_size=1), all_of=st.booleans())
def test_the_server_says_the_same_of_tags(tags, asked, all_of):
    filters = {"all_tags" if all_of else "tag": tuple(asked)}
    run = StoredRun("e", "p", "r", tags=tags)
    assert passes(Labels(tags=tuple(tags)), "finished", filters) == matches(run, as_mongo(filters))
