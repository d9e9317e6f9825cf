"""The whole run: models, data, checks, cold start, evaluation, training, evaluation, report.

Every stage leaves its result in the run folder before the next begins, so that `--resume` goes on
from where a run was killed and ends with the same student.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runtime.settings import Settings
from train.config import RunConfig
from train.data import (
    Demonstration,
    Problem,
    data_hash,
    load_demonstrations,
    load_problems,
)
from train.demonstrations import encode_all
from train.display import Display
from train.errors import TrainingError
from train.lockfile import (
    DataFacts,
    ModelFacts,
    RunFacts,
    check_lock,
    claim_folder,
    hash_text,
    write_lock,
)
from train.rollout.sandbox import TrainingSandbox
from train.run_folder import RunFolder

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from train.evaluate import Evaluation, Evaluator, Outcome
    from train.grade import Grader
    from train.rollout.collect import Collector
    from train.watch import Watch


@dataclass
class Data:
    """What the run learns from and is measured on."""

    train: list[Problem]
    evaluation: list[Problem]
    solved: list[Demonstration]


def run(config: RunConfig, resume: bool, goal: str = "student") -> int:
    """Run everything `config` asks for; returns the exit code.

    `goal` "cold start" ends after the cold start. Raises SodError, in one line, for whatever
    prevents the run.
    """
    import torch
    from accelerate import Accelerator
    from transformers.utils import logging as transformers_logging

    _quiet(transformers_logging)
    torch.manual_seed(config.seed)
    # Made before the trainers, whose own Accelerator shares its state.
    accelerator = Accelerator(cpu=not torch.accelerator.is_available())
    folder = RunFolder(Path(config.output), writes=accelerator.is_main_process)
    claim: AbstractContextManager[None] = (
        claim_folder(folder.path, resume) if folder.writes else nullcontext()
    )
    with claim, Display(folder.writes, config.progress) as display:
        accelerator.wait_for_everyone()
        stages = Stages(config, resume, folder, accelerator, display)
        try:
            return stages.run(goal)
        finally:
            stages.close()


class Stages:
    """The stages of one run and what they share."""

    def __init__(
        self,
        config: RunConfig,
        resume: bool,
        folder: RunFolder,
        accelerator: Any,
        display: Display,
    ) -> None:
        self.config, self.resume = config, resume
        self.folder, self.accelerator, self.display = folder, accelerator, display
        self.sandbox = TrainingSandbox(config.sandbox_workers, config.tool_timeout)
        self.collector: Collector | None = None
        self.grader: Grader | None = None

    def close(self) -> None:
        for each in (self.collector, self.grader, self.sandbox):
            if each is not None:
                each.close()

    def run(self, goal: str) -> int:
        from train.models import load_policy, load_teacher

        config = self.config
        self.sandbox.canary()
        data = self._load_data()
        policy = load_policy(config.student, config)
        self.model, self.tokenizer, eos_ids = policy.model, policy.tokenizer, policy.eos_ids
        teacher = load_teacher(config.teacher, config) if config.needs_teacher else None
        self._open_tools(eos_ids)
        data = self._check(data, teacher)
        self._lock(data, policy.hash, None if teacher is None else teacher.hash)
        if config.cold_start:
            self._cold_start(data)
        if goal == "cold start":
            return self._finish(data, None)
        before = self._evaluate(data.evaluation, "before", 0)
        self._check_pass_mark(before[0])
        if config.method == "sft":
            self._imitate(data)
            stopped = None
        else:
            stopped = self._train(data, None if teacher is None else teacher.model)
        return self._finish(data, before, stopped)

    # Preparation ----------------------------------------------------------------------------------

    def _load_data(self) -> Data:
        import train.nano.data  # noqa: F401  registers the generated problems

        config = self.config
        needs_solved = config.cold_start or config.method == "sft"
        return Data(
            load_problems(config.train_data, config.train_problems, config.seed, "train"),
            load_problems(config.eval_data, config.eval_problems, config.seed, "eval"),
            load_demonstrations(config.sft_data, config.sft_examples, config.seed)
            if needs_solved
            else [],
        )

    def _open_tools(self, eos_ids: Sequence[int]) -> None:
        from train.evaluate import Evaluator
        from train.grade import Grader
        from train.models import chat_template_of
        from train.rollout.collect import Collector, RolloutSettings
        from train.rollout.tokenizer import HFTokenizer

        config = self.config
        longest = getattr(self.model.config, "max_position_embeddings", None) or 1 << 30
        shared = RolloutSettings(
            tokenizer=HFTokenizer(self.tokenizer, tuple(eos_ids)),
            chat_template=chat_template_of(self.tokenizer),
            sandbox=self.sandbox,
            agent=Settings(
                max_turns=config.max_turns,
                max_tokens=config.max_tokens,
                temperature=config.temperature,
                top_p=config.top_p,
                thinking=config.thinking,
            ),
            n_ctx=min(longest, config.max_prompt_tokens + config.max_tokens),
            threads=max(8, config.sandbox_workers),
            model_name=config.student,
        )
        self.collector = Collector(shared)
        self.grader = Grader(self.sandbox, config.sandbox_workers)
        self.evaluator: Evaluator = Evaluator(
            self.collector,
            self.grader,
            self.accelerator,
            int(self.tokenizer.pad_token_id),
            config.rollout_batch,
        )

    def _check(self, data: Data, teacher: Any) -> Data:
        from train.preflight import preflight

        assert self.collector is not None
        report = preflight(
            self.config,
            self.model,
            self.tokenizer,
            teacher,
            self.collector,
            data.train,
            data.evaluation,
            self.accelerator.num_processes,
        )
        for line in report.lines:
            self.display.say(line)
        return replace(data, train=report.train, evaluation=report.evaluation)

    def _lock(self, data: Data, student_hash: str, teacher_hash: str | None) -> None:
        if not self.folder.writes:
            return
        config = self.config
        assert self.collector is not None
        models = {"student": ModelFacts(config.student, student_hash)}
        if teacher_hash is not None:
            models["teacher"] = ModelFacts(config.teacher, teacher_hash)
        sources = {
            "train": (config.train_data, data.train),
            "eval": (config.eval_data, data.evaluation),
            "sft": (config.sft_data, data.solved),
        }
        facts = RunFacts(
            models=models,
            data={
                name: DataFacts(source, data_hash(items), len(items))
                for name, (source, items) in sources.items()
                if items
            },
            template_hash=hash_text(self.collector.shared.chat_template or ""),
        )
        if self.resume:
            for warning in check_lock(self.folder.path, config, facts):
                self.display.say(f"since this run began: {warning}", style="yellow")
        else:
            write_lock(self.folder.path, config, facts)

    # Imitation ------------------------------------------------------------------------------------

    def _cold_start(self, data: Data) -> None:
        """Train on solved problems, or take the result of before the kill."""
        home = self.folder.path / "cold_start"
        if not home.is_dir():
            self._imitate_for(data, self.config.sft_epochs, "cold start", home)
        self._load_weights(home)

    def _imitate(self, data: Data) -> None:
        """--method sft: as many trajectories as the other methods would roll out."""
        config = self.config
        trajectories = config.steps * config.mini_batch_problems * config.group_size
        home = self.folder.path / "imitation"
        if not home.is_dir():
            self._imitate_for(data, trajectories / len(data.solved), "imitation", home)
        self._load_weights(home)

    def _imitate_for(self, data: Data, epochs: float, name: str, home: Path) -> None:
        from train.models import save_student
        from train.sft_trainer import train_on_demonstrations

        config = self.config
        assert self.collector is not None
        encoded, longer = encode_all(
            self.collector.opener, data.solved, self.collector.shared.n_ctx
        )
        if longer:
            self.display.say(f"{longer} demonstrations are longer than the window: left out")
        train_on_demonstrations(
            self.model,
            self.tokenizer,
            encoded,
            config,
            epochs,
            self.folder.path / f"{home.name}-checkpoints",
            self.folder,
            self.display,
            name,
            self.accelerator.num_processes,
        )
        if self.folder.writes:
            save_student(self.accelerator.unwrap_model(self.model), self.tokenizer, home)
        self.accelerator.wait_for_everyone()

    def _load_weights(self, home: Path) -> None:
        """Continue from saved weights, also where they are in memory: one path, one result."""
        from safetensors.torch import load_model

        files = sorted(home.glob("model*.safetensors"))
        for file in files:
            load_model(self.model, file, strict=False)
        self.model.tie_weights()

    def _check_pass_mark(self, before: Evaluation) -> None:
        mark = self.config.pass_mark
        if before.first_call < mark:
            raise TrainingError(
                f"the first tool call runs on {before.first_call:.0%} of held-out problems, below "
                f"--pass-mark {mark:g}: train the cold start longer (--sft-epochs, --sft-lr), or "
                "lower the mark"
            )

    # Measuring ------------------------------------------------------------------------------------

    def _evaluate(
        self, problems: Sequence[Problem], split: str, step: int
    ) -> tuple[Evaluation, list[Outcome]]:
        self.display.stage(f"evaluation {split}", len(problems))
        result, outcomes = self.evaluator.evaluate(
            self.model, problems, split, lambda done, _: self.display.step(done)
        )
        self.display.end_stage()
        self.display.say(
            f"{split} training: {result.accuracy:.1%} of {result.problems} held-out problems "
            f"right ({result.low:.1%} to {result.high:.1%}), {result.tool_calls:.2f} tool calls "
            f"each, {result.valid_calls:.1%} of them ran"
        )
        if split == "before" and not any(row.get("split") == split for row in self.folder.rows()):
            self.folder.append("eval", {"step": step, **result.to_row()})
        return result, outcomes

    # On-policy training -------------------------------------------------------------------------

    def _train(self, data: Data, teacher: PreTrainedModel | None) -> Watch:
        from datasets import Dataset

        from train.sod_trainer import SODTrainer
        from train.trl_config import grpo_config
        from train.watch import Watch

        config, folder = self.config, self.folder
        assert self.collector is not None and self.grader is not None
        # The same problems each time, so that a fall of the score is the student's.
        watch = Watch(
            config,
            folder,
            self.evaluator,
            data.evaluation[: config.validation_problems],
            self.display,
        )
        rows = [
            {"prompt": [{"role": "user", "content": problem.prompt()}], "index": index}
            for index, problem in enumerate(data.train)
        ]
        folder.clear_incomplete()
        self.accelerator.wait_for_everyone()
        last = folder.last_checkpoint() if self.resume else None
        folder.forget_after(0 if last is None else last[0])
        trainer = SODTrainer(
            model=self.model,
            args=grpo_config(config, folder.checkpoints, self.accelerator.num_processes),
            train_dataset=Dataset.from_list(rows),
            processing_class=self.tokenizer,
            peft_config=_lora(config),
            callbacks=[watch],
            config=config,
            collector=self.collector,
            grader=self.grader,
            problems=data.train,
            teacher=teacher,
        )
        watch.trainer = trainer
        trainer.rollout_progress = lambda done, total: self.display.detail("rollouts", done, total)
        if last is not None:
            watch.load(last[1])
            self.display.say(f"going on after step {last[0]}")
        self.display.stage(f"training ({config.method})", config.steps, last[0] if last else 0)
        trainer.train(resume_from_checkpoint=str(last[1]) if last else None)
        self.display.end_stage()
        self.model = trainer.accelerator.unwrap_model(trainer.model)
        return watch

    # The end --------------------------------------------------------------------------------------

    def _finish(
        self,
        data: Data,
        before: tuple[Evaluation, list[Outcome]] | None,
        stopped: Watch | None = None,
    ) -> int:
        from train.evaluate import paired
        from train.models import save_student

        student = self.folder.path / "student"
        if self.folder.writes:
            save_student(self.model, self.tokenizer, student)
        after, outcomes = self._evaluate(data.evaluation, "after", self.config.steps)
        if before is not None:
            after.paired = paired(before[1], outcomes)
            gained, lost = after.paired["gained"], after.paired["lost"]
            self.display.say(
                f"before {before[0].accuracy:.1%}, after {after.accuracy:.1%}: {gained:.0f} "
                f"problems gained, {lost:.0f} lost (exact McNemar p = {after.paired['p']:.2g})"
            )
        self.folder.append("eval", {"step": self.config.steps, **after.to_row()})
        if self.folder.writes:
            from train.report import build_report

            print(f"student: {student}\nreport: {build_report(self.folder.path)}")
        if stopped is not None and stopped.stopped is not None:
            self.display.say(
                f"the guard stopped this run: {stopped.stopped.message}", style="bold red"
            )
            return 1
        return 0


def _lora(config: RunConfig) -> Any:
    if config.lora_rank == 0:
        return None
    from peft import LoraConfig

    return LoraConfig(
        r=config.lora_rank,
        lora_alpha=config.lora_alpha,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )


def _quiet(transformers_logging: Any) -> None:
    """Libraries' progress bars and hints would tear our own apart."""
    import logging
    import os
    import warnings

    os.environ.setdefault("TRL_EXPERIMENTAL_SILENCE", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    logging.getLogger("trl").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module="torch|trl|transformers|accelerate")
    from datasets.utils.logging import disable_progress_bar

    disable_progress_bar()
