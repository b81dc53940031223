"""The breaks of `make details` still fit: what they replace stands in the trainer, once."""

import pytest

from benchmarks.break_details import BREAKS, ROOT


@pytest.mark.parametrize("wrong", BREAKS, ids=lambda wrong: f"{wrong.detail}: {wrong.what}")
def test_what_is_broken_is_there(wrong):
    assert (ROOT / "ppo_impl" / wrong.file).read_text().count(wrong.old) == 1
    assert (ROOT / "tests" / "ppo_impl" / wrong.test.partition("::")[0]).is_file()
