"""The training kit: real sandbox, tiny tokenizer and models, and a factory of real trainers.

The student learns a few dozen problems by heart first, so that its rollouts hold real tool calls,
some right and some wrong.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from accelerate import Accelerator
from datasets import Dataset
from peft import LoraConfig
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from runtime.settings import Settings
from train.config import RunConfig
from train.data import Problem
from train.demonstrations import IGNORED, encode_all
from train.display import Display
from train.evaluate import Evaluator
from train.grade import Grader
from train.nano.data import demonstrations, problems
from train.nano.model import random_model, train_tokenizer
from train.rollout.collect import Collector, RolloutSettings
from train.rollout.sandbox import TrainingSandbox
from train.rollout.tokenizer import HFTokenizer
from train.run_folder import RunFolder
from train.sod_trainer import SODTrainer
from train.trl_config import grpo_config, on_cpu
from train.watch import Watch

WINDOW = 640
AGENT = Settings(max_turns=4, max_tokens=220, temperature=1.0)  # 64 are kept for a forced answer
FAMILY = "remainder"  # two calls each, so that a trajectory has three steps
DRAWN = 400  # problems, of which those of the family are used


@dataclass
class Kit:
    """A trainer and what was made around it."""

    trainer: SODTrainer
    watch: Watch
    folder: RunFolder
    config: RunConfig

    def train(self) -> SODTrainer:
        self.trainer.train()
        return self.trainer

    def rows(self, kind: str) -> list[dict[str, Any]]:
        return [row for row in self.folder.rows() if row["kind"] == kind]

    def inputs(self) -> list[dict[str, Any]]:
        """A round's rows as TRL hands them over: every problem once for each rollout of it."""
        config = self.config
        rows = [self.trainer.train_dataset[n] for n in range(config.batch_problems)]
        return [dict(row) for row in rows for _ in range(config.group_size)]


MakeTrainer = Callable[..., Kit]


@pytest.fixture(scope="session", autouse=True)
def _calm() -> Iterator[None]:
    """One thread, as more only wait for each other here; no warning of TRL's `rollout_func`."""
    os.environ["TRL_EXPERIMENTAL_SILENCE"] = "1"
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def sandbox() -> Iterator[TrainingSandbox]:
    sandbox = TrainingSandbox(2, 5.0)
    yield sandbox
    sandbox.close()


@pytest.fixture(scope="session")
def nano_tokenizer(sandbox: TrainingSandbox) -> PreTrainedTokenizerFast:
    return train_tokenizer(sandbox.tool, problems=500)


@pytest.fixture(scope="session")
def tokenizer(nano_tokenizer: PreTrainedTokenizerFast) -> HFTokenizer:
    return HFTokenizer(nano_tokenizer)


@pytest.fixture(scope="session")
def collector(tokenizer: HFTokenizer, sandbox: TrainingSandbox) -> Iterator[Collector]:
    template = tokenizer.hf.chat_template
    collector = Collector(RolloutSettings(tokenizer, template, sandbox, AGENT, WINDOW))
    yield collector
    collector.close()


@pytest.fixture(scope="session")
def known_problems() -> list[Problem]:
    """The problems that the student has learned by heart."""
    return [each for each in problems(DRAWN, 0, "train") if each.family == FAMILY][:16]


@pytest.fixture(scope="session")
def random_student() -> PreTrainedModel:
    return random_model("student", 0).eval()


@pytest.fixture(scope="session")
def teacher() -> PreTrainedModel:
    return random_model("teacher", 1).eval().requires_grad_(False)


@pytest.fixture(scope="session")
def student(collector: Collector, known_problems: list[Problem]) -> PreTrainedModel:
    """A student that has learned to call the tool; do not train it, copy it."""
    questions = {problem.prompt() for problem in known_problems}
    shown = [each for each in demonstrations(DRAWN, 0) if each.messages[0].content in questions]
    encoded, _ = encode_all(collector.opener, shown, WINDOW)
    model = random_model("student", 0)
    _imitate(model, [(each["input_ids"], each["labels"]) for each in encoded], 80, 6e-3)
    return model.eval()


def _imitate(
    model: PreTrainedModel, rows: list[tuple[list[int], list[int]]], steps: int, lr: float
) -> None:
    width = max(len(ids) for ids, _ in rows)
    ids = torch.tensor([row + [0] * (width - len(row)) for row, _ in rows])
    labels = torch.tensor([row + [IGNORED] * (width - len(row)) for _, row in rows])
    mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row, _ in rows])
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, steps, pct_start=0.1)
    generator = torch.Generator().manual_seed(0)
    for _ in range(steps):
        pick = torch.randint(len(rows), (12,), generator=generator)
        model(input_ids=ids[pick], attention_mask=mask[pick], labels=labels[pick]).loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()


@pytest.fixture
def make_trainer(
    tmp_path: Path,
    nano_tokenizer: PreTrainedTokenizerFast,
    tokenizer: HFTokenizer,
    sandbox: TrainingSandbox,
    known_problems: list[Problem],
    student: PreTrainedModel,
    teacher: PreTrainedModel,
) -> Iterator[MakeTrainer]:
    """`make_trainer(student=, teacher=, sandbox=, **settings)`: a trainer as the pipeline's.

    The student defaults to a copy of the one that calls tools, the teacher to a random one.
    """
    opened: list[Collector] = []
    shared = {"student": student, "teacher": teacher, "sandbox": sandbox}

    def make(**given: Any) -> Kit:
        parts = {name: given.pop(name, default) for name, default in shared.items()}
        config = replace(TINY, **given)
        agent = replace(AGENT, max_turns=config.max_turns, max_tokens=config.max_tokens)
        collector = Collector(
            RolloutSettings(
                tokenizer, nano_tokenizer.chat_template, parts["sandbox"], agent, WINDOW
            )
        )
        opened.append(collector)
        grader = Grader(parts["sandbox"], 2)
        accelerator = Accelerator(cpu=on_cpu())
        evaluator = Evaluator(collector, grader, accelerator, nano_tokenizer.pad_token_id, 0)
        folder = RunFolder(tmp_path / f"run{len(opened)}")
        folder.path.mkdir()
        validation = known_problems[: config.validation_problems]
        watch = Watch(config, folder, evaluator, validation, Display(False, False))
        rows = [
            {"prompt": [{"role": "user", "content": problem.prompt()}], "index": index}
            for index, problem in enumerate(known_problems)
        ]
        trainer = SODTrainer(
            model=copy.deepcopy(parts["student"]),
            args=grpo_config(config, folder.checkpoints, 1),
            train_dataset=Dataset.from_list(rows),
            processing_class=nano_tokenizer,
            callbacks=[watch],
            config=config,
            collector=collector,
            grader=grader,
            problems=known_problems,
            teacher=copy.deepcopy(parts["teacher"]),
            peft_config=_lora(config),
        )
        watch.trainer = trainer
        trainer.current_gradient_accumulation_steps = trainer.args.gradient_accumulation_steps
        return Kit(trainer, watch, folder, config)

    yield make
    for collector in opened:
        collector.close()


def _lora(config: RunConfig) -> LoraConfig | None:
    """An adapter whose weights are random, where the pipeline's begins as nothing."""
    if config.lora_rank == 0:
        return None
    return LoraConfig(
        r=config.lora_rank,
        lora_alpha=1,
        target_modules="all-linear",
        init_lora_weights=False,
        task_type="CAUSAL_LM",
    )


TINY = RunConfig(
    max_turns=AGENT.max_turns,
    max_tokens=AGENT.max_tokens,
    batch_problems=2,
    mini_batch_problems=2,
    group_size=4,
    micro_batch=8,
    steps=2,
    lr=1e-4,
    eval_every=100,
    validation_problems=2,
    weight_baseline="mean",
)
