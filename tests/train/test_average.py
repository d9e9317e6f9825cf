"""The mean of two students."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import PreTrainedTokenizerFast

from train.average import average
from train.config import RunConfig
from train.errors import TrainingError
from train.models import load_policy, save_student
from train.nano.model import random_model


@pytest.fixture
def pair(tmp_path: Path, nano_tokenizer: PreTrainedTokenizerFast) -> list[str]:
    folders = [tmp_path / "one", tmp_path / "two"]
    for seed, folder in enumerate(folders):
        save_student(random_model("student", seed), nano_tokenizer, folder)
    return [str(folder) for folder in folders]


@pytest.mark.parametrize("weight", [0.0, 0.25, 1.0])
def test_every_weight_is_the_mean_also_where_two_are_tied(
    pair: list[str], tmp_path: Path, weight: float
):
    average(*pair, tmp_path / "mean", weight)
    one, two, mean = (
        load_policy(str(each), RunConfig(), 0)[0].state_dict()
        for each in (*pair, tmp_path / "mean")
    )
    assert one.keys() == mean.keys()
    for name, value in mean.items():
        torch.testing.assert_close(value, (1 - weight) * one[name] + weight * two[name])
    tied = [name for name in mean if mean[name].data_ptr() == mean["lm_head.weight"].data_ptr()]
    assert len(tied) == 2


def test_students_of_two_bases_are_refused(
    pair: list[str], tmp_path: Path, nano_tokenizer: PreTrainedTokenizerFast
):
    save_student(random_model("teacher", 0), nano_tokenizer, tmp_path / "other")
    with pytest.raises(TrainingError, match="different weights: give two students of the same"):
        average(pair[0], str(tmp_path / "other"), tmp_path / "mean", 0.5)
    with pytest.raises(TrainingError, match="nothing-here"):
        average(pair[0], str(tmp_path / "nothing-here"), tmp_path / "mean", 0.5)
    assert not (tmp_path / "mean").exists()
