"""The real trainer on tiny models: what is learned from, what is not, and what ends a run."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor
from transformers import PreTrainedModel, TrainerCallback
from trl import GRPOTrainer

from runtime.sandbox import Sandbox
from train.errors import TrainingError
from train.rollout.collect import Collector
from train.rollout.sandbox import TrainingSandbox
from train.step_weights import step_table
from train.watch import Watch

from .conftest import Kit, MakeTrainer

REWARD_ONLY = {"method": "grpo"}


def weights(kit: Kit) -> dict[str, Tensor]:
    model = kit.trainer.accelerator.unwrap_model(kit.trainer.model)
    return {name: weight.detach().clone() for name, weight in model.named_parameters()}


def is_finite(kit: Kit) -> bool:
    return all(bool(weight.isfinite().all()) for weight in weights(kit).values())


def gradients(kit: Kit, loss: Tensor) -> dict[str, Tensor]:
    trained = {n: w for n, w in kit.trainer.model.named_parameters() if w.requires_grad}
    found = torch.autograd.grad(loss, list(trained.values()), allow_unused=True)
    return {n: g for n, g in zip(trained, found, strict=True) if g is not None}


def assert_close(ours: dict[str, Tensor], theirs: dict[str, Tensor], least: float) -> None:
    assert ours.keys() == theirs.keys()
    for name, gradient in theirs.items():
        torch.testing.assert_close(ours[name], gradient, rtol=1e-3, atol=2e-6)
    assert max(float(gradient.abs().max()) for gradient in theirs.values()) > least


class Round:
    """One round of rollouts, up to where the teacher comes in."""

    def __init__(self, kit: Kit) -> None:
        trainer, inputs = kit.trainer, kit.inputs()
        self.trainer, self.inputs = trainer, inputs
        self.output = GRPOTrainer._generate_and_score_completions(trainer, inputs)
        self.mask = self.output["completion_mask"] * self.output["tool_mask"]
        rollouts = trainer._rollouts
        width = self.mask.size(1)
        self.steps = torch.tensor(
            [each.step_ids + [0] * (width - len(each.step_ids)) for each in rollouts]
        )
        self.student = trainer._logps(
            trainer.model, self.output["prompt_ids"], self.output["prompt_mask"], self.output
        )
        self.teacher = trainer._teacher_logps(self.output, inputs)

    def advantages(self, student: Tensor, teacher: Tensor) -> Tensor:
        return self.trainer._advantages(dict(self.output), student, teacher, self.mask, self.steps)


# What is learned from ---------------------------------------------------------------------------


def test_only_the_students_tokens_count(make_trainer: MakeTrainer):
    kit = make_trainer()
    output = kit.trainer._generate_and_score_completions(kit.inputs())
    rollouts = kit.trainer._rollouts
    mask = output["completion_mask"] * output["tool_mask"]
    assert sum(rollout.tool_calls for rollout in rollouts) >= 8
    for row, rollout in enumerate(rollouts):
        size = len(rollout.completion_ids)
        assert mask[row, :size].tolist() == [int(sampled) for sampled in rollout.sampled]
        assert not mask[row, size:].any()
        assert (output["completion_ids"][row, :size]).tolist() == rollout.completion_ids
    assert not output["advantages"][mask == 0].any()
    assert output["num_items_in_batch"] == sum(rollout.written for rollout in rollouts)


@pytest.mark.parametrize("method", ["sod", "opd"])
def test_what_stands_at_other_tokens_changes_no_bit(make_trainer: MakeTrainer, method: str):
    kit = make_trainer(method=method)
    seen = Round(kit)
    assert (seen.mask == 0).any() and seen.teacher is not None
    for noise in (math.nan, math.inf, -1e30, 3.0):
        check_that_noise_is_not_seen(kit, seen, noise)
    # Where the student wrote, the teacher's word does count, and must be a number.
    place = tuple(seen.mask.nonzero()[3])
    seen.teacher[place] += 1.0
    raised = seen.advantages(seen.student, seen.teacher)[place]
    seen.teacher[place] -= 1.0
    assert raised > seen.advantages(seen.student, seen.teacher)[place]
    seen.teacher[place] = math.nan
    with pytest.raises(TrainingError, match="not finite for 1 of"):
        seen.advantages(seen.student, seen.teacher)


def check_that_noise_is_not_seen(kit: Kit, seen: Round, noise: float) -> None:
    other = seen.mask == 0
    student, teacher = (t.masked_fill(other, noise) for t in (seen.student, seen.teacher))
    before, after = seen.advantages(seen.student, seen.teacher), seen.advantages(student, teacher)
    assert torch.equal(before, after) and before.any()
    options = {"step_ids": seen.steps, **kit.trainer._weighting()}
    for ours, theirs in zip(
        step_table(seen.student, seen.teacher, seen.mask, **options),
        step_table(student, teacher, seen.mask, **options),
        strict=True,
    ):
        assert torch.equal(ours, theirs)
    losses = []
    for advantages in (before, after):
        inputs = {**seen.output, "advantages": advantages, "old_per_token_logps": seen.student}
        if advantages is after:  # TRL multiplies by the mask: what stands there must be finite
            inputs["old_per_token_logps"] = seen.student.masked_fill(other, -3.0)
        losses.append(kit.trainer._compute_loss(kit.trainer.model, inputs))
    assert torch.equal(*losses)


def test_coef_zero_is_the_loss_and_gradient_of_grpo(make_trainer: MakeTrainer):
    kit = make_trainer(coef=0.0)
    trainer, inputs = kit.trainer, kit.inputs()
    ours = trainer._generate_and_score_completions(kit.inputs())
    theirs = GRPOTrainer._generate_and_score_completions(trainer, inputs)
    assert torch.equal(ours["completion_ids"], theirs["completion_ids"])
    assert theirs["advantages"].any(), "all rollouts were paid the same: nothing is compared"
    loss = trainer._compute_loss(trainer.model, ours)
    parent = GRPOTrainer._compute_loss(trainer, trainer.model, theirs)
    torch.testing.assert_close(loss, parent, rtol=1e-4, atol=1e-7)
    assert_close(gradients(kit, loss), gradients(kit, parent), least=1e-3)


@pytest.mark.parametrize(("method", "lora_rank"), [("sod", 0), ("sod", 4), ("opsd-gt", 0)])
def test_a_shared_prefix_saves_arithmetic_and_changes_nothing_else(
    make_trainer: MakeTrainer, method: str, lora_rank: int
):
    rounds = []
    for share_prefix in (False, True):
        torch.manual_seed(0)  # of the adapter's random weights
        kit = make_trainer(method=method, lora_rank=lora_rank, share_prefix=share_prefix)
        tokens: list[int] = []
        model = kit.trainer.accelerator.unwrap_model(kit.trainer.model)
        backbone = (model.get_base_model() if lora_rank else model).base_model
        handle = backbone.register_forward_hook(
            lambda _, __, out, tokens=tokens: tokens.append(out[0].shape[:2].numel())
        )
        output = kit.trainer._generate_and_score_completions(kit.inputs())
        loss = kit.trainer._compute_loss(kit.trainer.model, output)
        handle.remove()
        rounds.append((output, loss, gradients(kit, loss), sum(tokens)))
    (whole, loss, expected, most), (shared, ours, found, fewer) = rounds
    assert torch.equal(shared["completion_ids"], whole["completion_ids"])
    for name in ("old_per_token_logps", "advantages"):
        torch.testing.assert_close(shared[name], whole[name], rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(ours, loss, rtol=1e-3, atol=1e-5)
    assert_close(found, expected, least=1e-3)
    assert fewer < 0.9 * most


def test_a_missing_teacher_is_an_error(make_trainer: MakeTrainer):
    for settings in ({}, {"method": "opd"}, {"divergence": "full"}):
        with pytest.raises(TrainingError, match="needs a teacher"):
            make_trainer(teacher=None, **settings)
    make_trainer(teacher=None, method="grpo")


# The divergence over the vocabulary -------------------------------------------------------------


@pytest.mark.parametrize(("method", "lora_rank"), [("sod", 4), ("opd", 0), ("opsd-gt", 0)])
def test_full_divergence_is_the_dense_one(make_trainer: MakeTrainer, method: str, lora_rank: int):
    kit = make_trainer(
        method=method,
        divergence="full",
        lora_rank=lora_rank,
        grpo_coef=0.5,
        coef=0.7,
        micro_batch=4,
    )
    trainer = kit.trainer
    output = trainer._generate_and_score_completions(kit.inputs())
    mask = output["completion_mask"] * output["tool_mask"]
    assert ((output["distillation_weights"] != 0) == (mask != 0)).all()

    loss = trainer._compute_loss(trainer.model, output)
    reward = {k: v for k, v in output.items() if k != "distillation_weights"}
    parent = GRPOTrainer._compute_loss(trainer, trainer.model, reward)
    own = "teacher_prompt_ids" in output
    student = log_probabilities(trainer.model, output, "prompt")
    with torch.no_grad():
        teacher = log_probabilities(
            trainer.model if own else trainer.teacher, output, "teacher_prompt" if own else "prompt"
        )
    divergence = (student.exp() * (student - teacher)).sum(-1)
    dense = (output["distillation_weights"] * divergence).sum()
    # A round is two micro-batches of one optimiser step here, and all of it is in `output`.
    dense = dense / output["num_items_in_batch"]
    torch.testing.assert_close(loss, parent + dense, rtol=1e-4, atol=1e-6)
    found = gradients(kit, loss)
    assert all(gradient.isfinite().all() for gradient in found.values())
    assert_close(found, gradients(kit, parent + dense), least=1e-4)
    assert (lora_rank > 0) == all("lora" in name for name in found)


def log_probabilities(model: Any, output: dict[str, Tensor], prompt: str) -> Tensor:
    """(B, T, V) of the completions, from the model's plain logits."""
    ids = torch.cat([output[f"{prompt}_ids"], output["completion_ids"]], 1)
    mask = torch.cat([output[f"{prompt}_mask"], output["completion_mask"]], 1)
    logits = model(input_ids=ids, attention_mask=mask).logits
    size = output["completion_ids"].size(1)
    return torch.log_softmax(logits[:, -size - 1 : -1].float(), -1)


# Methods ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "settings"),
    [
        ("sod", {"divergence": "full", "micro_batch": 2}),
        ("sod", {"batch_problems": 4, "teacher_load": "offload", "rollout_batch": 3}),
        ("opd", {"grpo_coef": 0.0}),
        ("grpo", {"group_size": 4}),
        ("opsd-gt", {}),
        ("opsd-hint", {"lora_rank": 4}),
    ],
)
def test_two_steps_of_every_method(
    make_trainer: MakeTrainer, method: str, settings: dict[str, Any]
):
    kit = make_trainer(
        **{
            "method": method,
            "overlong_buffer": 40,
            "group_size": 2,
            "validation_problems": 1,
            **settings,
        }
    )
    before = weights(kit)
    kit.train()
    steps = kit.rows("step")
    assert [row["step"] for row in steps] == [1, 2]
    assert is_finite(kit) and any(
        not torch.equal(weight, before[name]) for name, weight in weights(kit).items()
    )
    assert all(math.isfinite(row["loss"]) and row["grad_norm"] > 0 for row in steps)
    rounds = [row for row in steps if "rollouts" in row]
    assert len(rounds) == (1 if kit.config.batch_problems == 4 else 2)
    for row in rounds:
        assert row["infra_rate"] == 0 and row["tool_calls"] > 0.5
        assert (row["kl"] is None) == (method == "grpo")
        assert len(row["w_by_step"]) == len(row["d_by_step"]) > 0 or method == "grpo"
        assert method != "opd" or set(row["w_by_step"]) == {1.0}
    assert [row["step"] for row in kit.rows("eval")] == [0]


def test_the_privileged_teacher_reads_another_prompt(
    make_trainer: MakeTrainer, collector: Collector
):
    for method in ("opsd-gt", "opsd-hint"):
        kit = make_trainer(method=method)
        seen = Round(kit)
        ids, mask = seen.output["teacher_prompt_ids"], seen.output["teacher_prompt_mask"]
        for row, each in enumerate(seen.inputs):
            problem = kit.trainer.problems[each["index"]]
            text = kit.trainer._tokenizer.decode(ids[row][mask[row] == 1])
            secret = problem.answer if method == "opsd-gt" else problem.solution
            assert problem.question in text and secret in text
            own = collector.prompt_ids(problem.prompt())
            assert ids[row][mask[row] == 1].tolist() != own
        counted = seen.mask != 0
        assert not torch.equal(seen.student[counted], seen.teacher[counted])


def test_the_same_seed_is_the_same_run(make_trainer: MakeTrainer):
    runs = [make_trainer(group_size=2), make_trainer(group_size=2)]
    for kit in runs:
        kit.train()
    exact = ("rollouts", "accuracy", "reward", "tool_calls", "length", "truncated")
    close = ("loss", "grad_norm", "kl", "d_by_step", "w_by_step")
    for ours, theirs in zip(*(kit.rows("step") for kit in runs), strict=True):
        assert [ours[name] for name in exact] == [theirs[name] for name in exact]
        # A matrix product may round differently with the place of its operands in memory.
        for name in close:
            assert ours[name] == pytest.approx(theirs[name], rel=1e-3)
    for name, weight in weights(runs[0]).items():
        torch.testing.assert_close(weight, weights(runs[1])[name], rtol=0, atol=1e-5)


# Our failures -----------------------------------------------------------------------------------


class Flaky(TrainingSandbox):
    """Has lost its inner sandbox whenever a student's program, not a grader's, holds a nine."""

    def _try(self, code: str, timeout: float) -> Any:
        if "9" not in code or len(code) > 60:
            return super()._try(code, timeout)
        with closing(Sandbox()) as closed:
            closed.close()
            alive, self._sandbox = self._sandbox, closed
            try:
                return super()._try(code, timeout)
            finally:
                self._sandbox = alive


def test_lost_rollouts_teach_nothing_and_are_counted(make_trainer: MakeTrainer):
    flaky = Flaky(2, 5.0, retries=0)
    kit = make_trainer(sandbox=flaky)
    trainer = kit.trainer
    output = trainer._generate_and_score_completions(kit.inputs())
    rollouts, verdicts = trainer._rollouts, trainer._verdicts
    gone = [r.infra or v.infra for r, v in zip(rollouts, verdicts, strict=True)]
    assert 0 < sum(gone) < len(gone)
    mask = output["completion_mask"] * output["tool_mask"]
    rewards = trainer.correctness(rollouts, [each["index"] for each in kit.inputs()])
    flaky.close()
    for row, lost in enumerate(gone):
        assert lost == (not bool(mask[row].any())) == (rewards[row] is None)
        assert not (lost and output["advantages"][row].any())
    assert output["num_items_in_batch"] == mask.sum()
    seen = trainer.statistics
    assert seen.infra_rate == sum(gone) / len(gone)
    sound = [r for r, lost in zip(rollouts, gone, strict=True) if not lost]
    assert seen.tool_calls == pytest.approx(sum(r.tool_calls for r in sound) / len(sound))


def test_a_lost_rollout_does_not_move_its_groups_baseline(make_trainer: MakeTrainer):
    """GRPO's advantages are those of the sound rollouts alone."""
    kit = make_trainer(coef=0.0, batch_problems=5, mini_batch_problems=5)
    trainer, inputs, collect = kit.trainer, kit.inputs(), kit.trainer.collector.collect

    def lose_one_of_each_group(*args: Any) -> Any:
        rollouts = collect(*args)
        for rollout in rollouts[1::4]:
            rollout.infra = True
        return rollouts

    trainer.collector.collect = lose_one_of_each_group
    output = trainer._generate_and_score_completions(inputs)
    mask, advantages = output["tool_mask"] * output["completion_mask"], output["advantages"]
    rewards = trainer.correctness(trainer._rollouts, [each["index"] for each in inputs])
    compared = 0
    for first in range(0, 20, 4):
        assert rewards[first + 1] is None and not advantages[first + 1].any()
        places = (first, first + 2, first + 3)
        group = torch.tensor([rewards[place] for place in places])
        expected = (group - group.mean()) / (group.std() + 1e-4)
        compared += bool(group.std() > 0)
        for place, value in zip(places, expected, strict=True):
            row = advantages[place][mask[place] != 0]
            torch.testing.assert_close(row, value.expand_as(row), rtol=1e-4, atol=1e-4)
    assert compared, "all rollouts of every group were paid the same"


class At(TrainerCallback):
    """Does something after a step."""

    def __init__(self, step: int, action: Any) -> None:
        self.step, self.action = step, action

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if state.global_step == self.step:
            self.action()


@pytest.fixture
def mortal(monkeypatch: pytest.MonkeyPatch) -> Iterator[TrainingSandbox]:
    """A sandbox with a method `die`, after which no worker can be started any more."""
    sandbox = TrainingSandbox(2, 5.0, retries=0)

    def die() -> None:
        sandbox._sandbox.close()
        monkeypatch.setattr(tempfile, "tempdir", "/nowhere")

    sandbox.die = die
    yield sandbox
    sandbox.close()


def test_a_sandbox_that_dies_between_steps_stops_the_run(
    make_trainer: MakeTrainer, mortal: TrainingSandbox
):
    kit = make_trainer(sandbox=mortal, steps=6, group_size=2)
    kit.trainer.add_callback(At(1, mortal.die))
    with pytest.raises(TrainingError, match=r"the sandbox is dead.*Nothing was learned from it"):
        kit.train()
    assert [row["step"] for row in kit.rows("step")] == [1]
    assert is_finite(kit)


def test_a_sandbox_that_dies_inside_a_step_stops_the_run(
    make_trainer: MakeTrainer, mortal: TrainingSandbox
):
    kit = make_trainer(sandbox=mortal, steps=6)
    collector = kit.trainer.collector
    collect = collector.collect

    def die_at_step_two(*args: Any) -> Any:
        if kit.trainer.state.global_step == 1:
            mortal.die()
        return collect(*args)

    collector.collect = die_at_step_two
    try:
        kit.train()
        message = kit.watch.stopped.message  # every rollout of the step was lost: the guard
    except TrainingError as error:
        message = str(error)  # some wrote no call and were not lost: the next canary
    assert "sandbox" in message and "\n" not in message
    first, second = kit.rows("step")
    assert first["infra_rate"] == 0 and second["infra_rate"] > 0.5
    assert is_finite(kit)


# The guard --------------------------------------------------------------------------------------


class Undone(TrainerCallback):
    """Compares the weights with the best ones right after every rollback."""

    def __init__(self, kit: Kit) -> None:
        self.kit, self.rollbacks, self.rates = kit, 0, []

    def on_log(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._check()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._check()

    def _check(self) -> None:
        watch: Watch = self.kit.watch
        told = [row for row in self.kit.rows("guard") if row["action"] == "rollback"]
        if len(told) == self.rollbacks:
            return
        self.rollbacks = len(told)
        best = load_file(self.kit.folder.path / f"best-{watch.guard.best_step}/weights.safetensors")
        trained = weights(self.kit)
        assert best.keys() == trained.keys()
        assert all(torch.equal(best[name], trained[name]) for name in best)
        self.rates.append(self.kit.trainer.optimizer.param_groups[0]["lr"])


def test_a_learning_rate_far_too_high_is_undone_then_stopped(
    make_trainer: MakeTrainer, student: PreTrainedModel
):
    kit = make_trainer(
        teacher=student,
        lr=1.0,
        steps=20,
        eval_every=1,
        validation_problems=16,
        max_rollbacks=2,
        group_size=2,
    )
    undone = Undone(kit)
    kit.trainer.add_callback(undone)
    kit.train()
    told = kit.rows("guard")
    assert [row["action"] for row in told] == ["rollback", "rollback", "stop"]
    assert all("validation score fell" in row["message"] for row in told)
    assert kit.watch.stopped is not None and "already rolled back 2 times" in told[-1]["message"]
    assert undone.rollbacks == 2 and undone.rates == [0.5, 0.25]
    rates = dict.fromkeys(row["lr"] for row in kit.rows("step"))  # an alarm may take some steps
    assert list(rates) == [1.0, 0.5, 0.25]


def test_weights_that_are_not_finite_are_undone_with_the_rest_of_their_round(
    make_trainer: MakeTrainer,
):
    """Steps 3 and 4 share a round that the broken weights wrote and scored; 4 gets a new one."""
    kit = make_trainer(steps=4, batch_problems=4, mini_batch_problems=2, group_size=2)
    undone = Undone(kit)

    def spoil() -> None:
        with torch.no_grad():
            next(kit.trainer.model.parameters()).fill_(math.nan)

    kit.trainer.add_callback(undone)
    kit.trainer.add_callback(At(2, spoil))
    kit.train()
    assert [row["action"] for row in kit.rows("guard")] == ["rollback"]
    assert "nan" in kit.rows("guard")[0]["message"]
    assert undone.rollbacks == 1 and kit.watch.stopped is None and is_finite(kit)
    assert [row["step"] for row in kit.rows("step")] == [1, 2, 3, 4]
