"""`SODTrainer`: TRL's GRPOTrainer with step-wise on-policy distillation (arXiv 2605.07725).

What is ours, and where it hooks in:

- rollouts: `rollout_func` runs the runtime's own agent loop (train/rollout), so that the student
  meets prompts, tool results and budgets as on the device, and each token's step is known.
- advantages: after `_generate_and_score_completions` the (B,) GRPO advantage becomes the (B, T)
  `grpo_coef * A + coef * w_k * (log p_teacher - log p_student)` (objective.py, step_weights.py).
- `_compute_loss` drops columns of padding first (padding.py). With `--divergence full` it adds
  `coef * w_k * KL(student || teacher)`, exact over the vocabulary (reverse_kl.py), and the
  advantage keeps only the reward's part.

Loss, clipping, optimiser, distribution and vLLM stay TRL's. Differences from the published code:
a missing teacher raises; rollouts that our sandbox failed are left out of loss, weights and reward.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from trl import GRPOTrainer
from trl.models import unwrap_model_for_generation
from trl.trainer.utils import add_fused_lm_head, pad

from train.config import RunConfig
from train.errors import TrainingError
from train.hidden_states import hidden_states_of
from train.metrics import StepStatistics
from train.objective import token_advantages
from train.padding import chunks_by_length, used_columns, without_padding
from train.reverse_kl import reverse_kl
from train.rewards import answer_reward, count_messages, overlong_penalty
from train.rollout.collect import Collector, Rollout, Sampler, lost
from train.rollout.lockstep import collect_in_lockstep, is_sharded, vllm_sampler
from train.rollout.sampling import rollout_seed, sample_batch
from train.self_teacher import privileged_question
from train.shared_prefix import SharedPrefixModel, shares_prefix
from train.step_weights import step_table, step_weights

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from train.data import Problem
    from train.grade import Grader
    from train.rollout.engine import BatchGeneration

_FORCED_ANSWER = 1  # steps beyond `max_turns`: the loop may ask once more for the answer


class SODTrainer(GRPOTrainer):  # type: ignore[misc]
    """See the module. `problems` are looked up by the dataset's `index` column.

    `teacher` scores the student's tokens for the methods sod and opd; for opsd the student itself
    does, with more in its prompt. After each round `statistics` holds what it looked like.
    """

    def __init__(
        self,
        *args: Any,
        config: RunConfig,
        collector: Collector,
        grader: Grader,
        problems: Sequence[Problem],
        teacher: PreTrainedModel | None = None,
        **kwargs: Any,
    ) -> None:
        if config.needs_teacher and teacher is None:
            raise TrainingError(f"method {config.method} needs a teacher, and there is none")
        self.config, self.problems = config, problems
        self.collector, self.grader = collector, grader
        self.statistics: StepStatistics | None = None
        self.trajectories: list[dict[str, Any]] = []
        self.rollout_progress: Any = None
        self.fresh_round = False  # whether `statistics` are of rollouts not yet reported
        super().__init__(
            *args,
            reward_funcs=[self.correctness, self.overlong],
            rollout_func=SODTrainer._roll_out,
            **kwargs,
        )
        self._share_prefix = shares_prefix(
            config, self.accelerator.num_processes, self.model, teacher or self.model
        )
        self.teacher = None if teacher is None else self._prepare_teacher(teacher)

    # Rewards, by name in the logs -----------------------------------------------------------------

    def correctness(
        self, rollout: Sequence[Rollout], index: Sequence[int], **_: Any
    ) -> list[float | None]:
        """`train.rewards.answer_reward`; None for a rollout that our side lost."""
        started = time.perf_counter()
        verdicts = self.grader.grade(rollout, [self.problems[each] for each in index])
        self._seconds["grading"] = time.perf_counter() - started
        self._verdicts = verdicts
        return [
            None if lost(each, verdict.infra) else answer_reward(verdict.correct, messages)
            for each, verdict in zip(rollout, verdicts, strict=True)
            for messages in (count_messages(each.record),)
        ]

    def overlong(self, rollout: Sequence[Rollout], **_: Any) -> list[float | None]:
        """`train.rewards.overlong_penalty`."""
        return [
            None
            if lost(each, verdict.infra)
            else overlong_penalty(each.written, self.config.max_tokens, self.config.overlong_buffer)
            for each, verdict in zip(rollout, self._verdicts, strict=True)
        ]

    # Rollouts -------------------------------------------------------------------------------------

    @staticmethod
    def _roll_out(prompts: Sequence[Any], trainer: SODTrainer) -> dict[str, Any]:
        """TRL's `rollout_func`: prompts (each a conversation of one question) to token ids."""
        return trainer.roll_out([prompt[-1]["content"] for prompt in prompts])

    def roll_out(self, questions: Sequence[str]) -> dict[str, Any]:
        """Roll out `questions` with the present policy, seeded by step and place in the batch."""
        first = self.accelerator.process_index * len(questions)
        seeds = [
            rollout_seed(self.config.seed, self.state.global_step, first + place)
            for place in range(len(questions))
        ]
        started = time.perf_counter()
        if self.use_vllm:
            rollouts = self._collect(vllm_sampler(self), questions, seeds, lockstep=True)
        else:
            with (
                unwrap_model_for_generation(
                    self.model_wrapped,
                    self.accelerator,
                    gather_deepspeed3_params=self.args.ds3_gather_for_generation,
                    gradient_checkpointing_kwargs=self.args.gradient_checkpointing_kwargs,
                ) as model,
                self._dist.summon_full_params(self.model_wrapped, recurse=False),
                self.accelerator.autocast(),
            ):
                sample = self._sampler(model)
                rollouts = self._collect(
                    sample, questions, seeds, lockstep=is_sharded(self.accelerator)
                )
        self._seconds = {"rollout": time.perf_counter() - started}
        self._rollouts = rollouts
        for rollout in rollouts:
            if not rollout.completion_ids:  # the prompt filled the window: nothing to learn from
                rollout.completion_ids.append(self._tokenizer.eos_token_id)
                rollout.sampled.append(False)
                rollout.step_ids.append(0)
        return {
            "prompt_ids": [rollout.prompt_ids for rollout in rollouts],
            "completion_ids": [rollout.completion_ids for rollout in rollouts],
            "logprobs": None,
            "env_mask": [
                [int(sampled and not rollout.infra) for sampled in rollout.sampled]
                for rollout in rollouts
            ],
            "rollout": rollouts,
        }

    def _sampler(self, model: PreTrainedModel) -> Sampler:
        tokenizer = self.collector.shared.tokenizer

        def sample(batch: Sequence[BatchGeneration]) -> None:
            at_once, pad_id = self.config.rollout_batch, self._tokenizer.pad_token_id
            sample_batch(model, batch, tokenizer, pad_id, at_once, self._share_prefix)

        return sample

    def _collect(
        self, sample: Sampler, questions: Sequence[str], seeds: Sequence[int], *, lockstep: bool
    ) -> list[Rollout]:
        def collect(sample: Sampler) -> list[Rollout]:
            return self.collector.collect(questions, seeds, sample, self.rollout_progress)

        if not lockstep:
            return collect(sample)
        tokenizer = self.collector.shared.tokenizer
        return collect_in_lockstep(collect, sample, tokenizer, self.accelerator)

    # Advantages -----------------------------------------------------------------------------------

    def _generate_and_score_completions(self, inputs: list[dict[str, Any]]) -> dict[str, Any]:
        output: dict[str, Any] = super()._generate_and_score_completions(inputs)
        rollouts = self._rollouts
        mask = output["completion_mask"] * output["tool_mask"]  # (B, T)
        lost_rows = torch.tensor(
            [lost(r, v.infra) for r, v in zip(rollouts, self._verdicts, strict=True)],
            device=mask.device,
        )
        # The grader's failures are only known after TRL built the mask.
        mask = mask * (~lost_rows).unsqueeze(1)
        output["tool_mask"] = output["tool_mask"] * (~lost_rows).unsqueeze(1)
        output["num_items_in_batch"] = self.accelerator.gather(mask.sum()).sum()
        steps = pad(
            [torch.tensor(rollout.step_ids) for rollout in rollouts],
            padding_value=0,
            padding_side="right",
            pad_to_multiple_of=self.pad_to_multiple_of,
        ).to(mask.device)  # (B, T)
        student = output.get("old_per_token_logps")
        if student is None:
            student = output["old_per_token_logps"] = self._logps(
                self.model, output["prompt_ids"], output["prompt_mask"], output
            )
        started = time.perf_counter()
        teacher = self._teacher_logps(output, inputs)
        self._seconds["teacher"] = time.perf_counter() - started
        started = time.perf_counter()
        output["advantages"] = self._advantages(output, student, teacher, mask, steps)
        self._seconds["weights"] = time.perf_counter() - started
        self._remember(inputs, student, teacher, mask, steps)
        return output

    def _advantages(
        self,
        output: dict[str, Any],
        student: Tensor,
        teacher: Tensor | None,
        mask: Tensor,
        steps: Tensor,
    ) -> Tensor:
        config = self.config
        coef = config.coef if config.method != "grpo" else 0.0
        weights = None
        if coef and config.method != "opd" and teacher is not None:
            weights = step_weights(student, teacher, mask, step_ids=steps, **self._weighting())
        if coef and config.divergence == "full":
            # The distillation term goes into the loss itself; the advantage is the reward's.
            output["distillation_weights"] = coef * (mask if weights is None else weights)
            coef = 0.0
        advantages: Tensor = token_advantages(
            output["advantages"],
            student,
            teacher,
            weights,
            mask,
            coef=coef,
            grpo_coef=config.grpo_coef,
        )
        return advantages

    def _weighting(self) -> dict[str, Any]:
        config = self.config
        return {
            "epsilon": config.epsilon,
            "delta": config.delta,
            "baseline": config.weight_baseline,
            "floor": config.weight_floor,
            "memory": config.weight_ema,
            "max_steps": config.max_turns + _FORCED_ANSWER,
        }

    def _teacher_logps(self, output: dict[str, Any], inputs: list[dict[str, Any]]) -> Tensor | None:
        """(B, T) log-probabilities of the student's tokens under the teacher; None for GRPO."""
        if self.config.method == "grpo" or self.config.coef == 0:
            return None
        if self.config.method in ("sod", "opd"):
            if self.teacher is None:
                return None  # token_advantages says what is wrong
            with self._teacher_at_hand():
                return self._logps(
                    self.teacher, output["prompt_ids"], output["prompt_mask"], output
                )
        ids, mask = self._privileged_prompts(inputs)
        output["teacher_prompt_ids"], output["teacher_prompt_mask"] = ids, mask
        return self._logps(self.model, ids, mask, output)

    @torch.no_grad()
    def _logps(
        self,
        model: Any,
        prompt_ids: Tensor,
        prompt_mask: Tensor,
        output: dict[str, Any],
        at_once: int | None = None,
    ) -> Tensor:
        """(B, T) log-probabilities of the completions after the given (B, P) prompts.

        `at_once` rows go into a forward pass, as many as a micro batch has if it is None.
        """
        at_once = at_once or self.args.per_device_train_batch_size
        ids, mask = output["completion_ids"], output["completion_mask"]
        logps = torch.zeros(ids.shape, device=ids.device)
        for rows in chunks_by_length(mask, at_once):
            before, after = used_columns(prompt_mask[rows]), used_columns(mask[rows])
            logps[rows, after] = self._get_per_token_logps_and_entropies(
                model,
                torch.cat([prompt_ids[rows, before], ids[rows, after]], dim=1),
                torch.cat([prompt_mask[rows, before], mask[rows, after]], dim=1),
                after.stop - after.start,
            )[0].float()
        return logps

    def _get_per_token_logps_and_entropies(self, model: Any, *args: Any, **more: Any) -> Any:
        # With the full divergence the hidden states of whole rows are looked at.
        if self._share_prefix and self.config.divergence == "sampled":
            model = SharedPrefixModel(model)
        with self.accelerator.autocast():  # once around the prefix and what follows it
            return super()._get_per_token_logps_and_entropies(model, *args, **more)

    def _privileged_prompts(self, inputs: list[dict[str, Any]]) -> tuple[Tensor, Tensor]:
        problems = [self.problems[each["index"]] for each in inputs]
        questions = [privileged_question(each, self.config.method) for each in problems]
        rows = [torch.tensor(self.collector.prompt_ids(question)) for question in questions]
        device = self.accelerator.device
        ids = pad(rows, padding_value=self._tokenizer.pad_token_id, padding_side="left")
        mask = pad([torch.ones_like(row) for row in rows], padding_value=0, padding_side="left")
        return ids.to(device), mask.to(device)

    # The teacher ----------------------------------------------------------------------------------

    def _prepare_teacher(self, teacher: PreTrainedModel) -> Any:
        from trl.models import prepare_deepspeed, prepare_fsdp

        teacher.eval().requires_grad_(False)
        add_fused_lm_head(teacher, temperature=self.temperature)
        if self.is_deepspeed_enabled:
            return prepare_deepspeed(teacher, self.accelerator)
        if self.is_fsdp_enabled:
            return prepare_fsdp(teacher, self.accelerator)
        if self.config.teacher_load == "offload":
            return teacher
        return self.accelerator.prepare_model(teacher, evaluation_mode=True)

    @contextmanager
    def _teacher_at_hand(self) -> Iterator[None]:
        """The teacher on the student's device, for as long as it is needed if it is offloaded."""
        if self.config.teacher_load != "offload" or self.teacher is None:
            yield
            return
        home = self.teacher.device
        self.teacher.to(self.accelerator.device)
        try:
            yield
        finally:
            self.teacher.to(home)

    # The loss ------------------------------------------------------------------------------------

    def _compute_loss(self, model: Any, inputs: dict[str, Any]) -> Tensor:
        inputs = without_padding(inputs)
        if "distillation_weights" not in inputs:
            loss: Tensor = super()._compute_loss(model, inputs)
            return loss
        with hidden_states_of(self.accelerator.unwrap_model(self.model)) as student:
            loss = super()._compute_loss(model, inputs)
        return loss + self._full_divergence(student[-1], inputs)

    def _full_divergence(self, student_hidden: Tensor, inputs: dict[str, Any]) -> Tensor:
        """Token mean of weight * KL over the vocabulary, on the scale of TRL's `dapo` loss."""
        policy = self.accelerator.unwrap_model(self.model)
        own = "teacher_prompt_ids" in inputs
        teacher = policy if own else self.accelerator.unwrap_model(self.teacher)
        prefix = "teacher_prompt" if own else "prompt"
        with torch.no_grad(), self._teacher_at_hand(), hidden_states_of(teacher) as hidden:
            self._logps(
                self.model if own else self.teacher,
                inputs[f"{prefix}_ids"],
                inputs[f"{prefix}_mask"],
                inputs,
                at_once=len(student_hidden),
            )
            teacher_hidden = torch.cat(hidden)
        counts = inputs["distillation_weights"] != 0  # (B, T)
        size = inputs["completion_ids"].size(1)
        # The state before a token predicts it.
        at = counts.nonzero(as_tuple=True)
        divergence = reverse_kl(
            student_hidden[:, -size - 1 : -1][at],
            policy.get_output_embeddings().weight,
            teacher_hidden[:, -size - 1 : -1][at],
            teacher.get_output_embeddings().weight,
            temperature=self.temperature,
        )
        normalizer = inputs["num_items_in_batch"].clamp(min=1.0) / self.accelerator.num_processes
        if self.model.training:
            normalizer = (
                normalizer
                * self.current_gradient_accumulation_steps
                / self.args.steps_per_generation
            )
        total: Tensor = (inputs["distillation_weights"][at] * divergence).sum() / normalizer
        return total

    # What the round looked like -------------------------------------------------------------------

    def _remember(
        self,
        inputs: list[dict[str, Any]],
        student: Tensor,
        teacher: Tensor | None,
        mask: Tensor,
        steps: Tensor,
    ) -> None:
        self.fresh_round = True
        table = None
        if teacher is not None:
            table = step_table(student, teacher, mask, step_ids=steps, **self._weighting())
        self.statistics, self.trajectories = StepStatistics.of_round(
            self._rollouts,
            self._verdicts,
            [self.problems[each["index"]] for each in inputs],
            table,
            uniform=self.config.method == "opd",
            kl=None if teacher is None else (student - teacher, mask),
            keep=self.config.keep_trajectories,
            tokenizer=self.collector.shared.tokenizer,
            accelerator=self.accelerator,
            seconds=dict(self._seconds),
            config=self.config,
        )
