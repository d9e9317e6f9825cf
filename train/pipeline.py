"""The whole run: checks, cold start, evaluation, training, evaluation, report.

Every stage leaves its result in the run folder before the next begins, so that `--resume` goes on
from where a run was killed and ends with the same student.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from train.config import RunConfig
from train.data import Problem
from train.demonstrations import encode_all
from train.display import Display
from train.errors import TrainingError
from train.lockfile import claim_folder
from train.prepare import Data, Tools, load_data, lock, open_tools
from train.rollout.sandbox import TrainingSandbox
from train.run_folder import RunFolder

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from train.evaluate import Evaluation, Outcome
    from train.watch import Watch


def run(config: RunConfig, resume: bool, goal: str = "student") -> int:
    """Run everything `config` asks for; returns the exit code.

    `goal` "cold start" ends after the cold start. 0: done; 1: the guard stopped the run. Raises
    SodError, in one line, for whatever prevents it.
    """
    import torch
    from accelerate import Accelerator

    _quiet_libraries()
    torch.manual_seed(config.seed)
    # Made before the trainers, whose own Accelerator shares its state.
    accelerator = Accelerator(
        cpu=not torch.accelerator.is_available(),
        mixed_precision="bf16" if config.dtype == "bfloat16" else "no",
    )
    folder = RunFolder(Path(config.output), writes=accelerator.is_main_process)
    claim: AbstractContextManager[None] = (
        claim_folder(folder.path, resume) if folder.writes else nullcontext()
    )
    with claim, Display(folder.writes, config.progress) as display:
        accelerator.wait_for_everyone()
        stages = _Stages(config, resume, folder, accelerator, display)
        try:
            return stages.run(goal)
        finally:
            stages.close()


class _Stages:
    """The stages of one run and what they share."""

    tools: Tools

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
        self.gathered: dict[str, Any] | None = None  # the weights, if training sharded them

    def close(self) -> None:
        if hasattr(self, "tools"):
            self.tools.close()
        self.sandbox.close()

    def run(self, goal: str) -> int:
        config = self.config
        data, teacher = self._prepare(goal)
        if config.cold_start:
            self._imitate(data, config.sft_epochs, "cold_start")
        if goal == "cold start":
            return self._finish(data, None, None)
        before = self._evaluate(data.evaluation, "before")
        self._check_pass_mark(before[0])
        watch = None
        if config.method == "sft":
            # As many trajectories as the other methods would roll out.
            seen = config.steps * config.mini_batch_problems * config.group_size
            self._imitate(data, seen / len(data.solved), "imitation")
        else:
            watch = self._train(data, teacher)
        return self._finish(data, before, watch)

    def _prepare(self, goal: str) -> tuple[Data, PreTrainedModel | None]:
        """Models, data and tools, checked and locked; the teacher, if the method has one."""
        from train.estimate import demonstrated
        from train.models import load_policy, load_teacher
        from train.preflight import preflight

        config = self.config
        self.sandbox.canary()
        data = load_data(config)
        self.model, self.tokenizer, eos_ids = load_policy(config.student, config, config.seed)
        teacher = load_teacher(config.teacher, config) if config.needs_teacher else None
        self.tools = open_tools(
            config, self.model, self.tokenizer, eos_ids, self.sandbox, self.accelerator
        )
        shared = self.tools.collector.shared
        report = preflight(
            config,
            self.model,
            self.tokenizer,
            teacher,
            self.tools.collector,
            data.train,
            data.evaluation,
            self.accelerator.num_processes,
            demonstrated(config, len(data.solved), only_cold_start=goal == "cold start"),
        )
        for line in report.lines:
            self.display.say(line)
        data = replace(data, train=report.train, evaluation=report.evaluation)
        lock(config, self.resume, self.folder, self.display, data, shared.chat_template)
        self.folder.write_eval_problems(data.evaluation)
        return data, None if teacher is None else teacher[0]

    # Imitation -----------------------------------------------------------------------------------

    def _imitate(self, data: Data, epochs: float, stage: str) -> None:
        """Train on solved problems, or take the result of before the kill."""
        from train.models import save_student
        from train.sft_trainer import train_on_demonstrations

        home = self.folder.path / stage
        if not home.is_dir():
            collector = self.tools.collector
            encoded, longer = encode_all(collector.opener, data.solved, collector.shared.n_ctx)
            if longer:
                self.display.say(f"{longer} demonstrations are longer than the window: left out")
            train_on_demonstrations(
                self.model,
                self.tokenizer,
                encoded,
                self.config,
                epochs,
                self.folder.path / f"{stage}-checkpoints",
                self.folder,
                self.display,
                stage.replace("_", " "),
                self.accelerator.num_processes,
            )
            if self.folder.writes:
                save_student(self.accelerator.unwrap_model(self.model), self.tokenizer, home)
            self.accelerator.wait_for_everyone()
        # Also where the weights are in memory: one path, one result.
        self._load_weights(home)

    def _load_weights(self, home: Path) -> None:
        from safetensors.torch import load_model

        for file in sorted(home.glob("model*.safetensors")):
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

    # Measuring -----------------------------------------------------------------------------------

    def _evaluate(
        self, problems: Sequence[Problem], split: str
    ) -> tuple[Evaluation, list[Outcome]]:
        self.display.stage(f"evaluation {split}", len(problems))
        result, outcomes = self.tools.evaluator.evaluate(
            self.model, problems, split, lambda done, _: self.display.step(done)
        )
        self.display.end_stage()
        self.display.say(
            f"{split} training: {result.accuracy:.1%} of {result.problems} held-out problems "
            f"right ({result.low:.1%} to {result.high:.1%}), {result.tool_calls:.2f} tool calls "
            f"each, {result.valid_calls:.1%} of them ran"
        )
        known = any(row.get("split") == "before" for row in self.folder.rows())
        if split == "before" and not known:
            self.folder.append("eval", {"step": 0, **result.to_row()})
        return result, outcomes

    # On-policy training --------------------------------------------------------------------------

    def _train(self, data: Data, teacher: PreTrainedModel | None) -> Watch:
        from datasets import Dataset
        from transformers import PrinterCallback

        from train.lora import lora_config, start_adapter
        from train.models import load_policy
        from train.rollout.lockstep import is_sharded
        from train.sod_trainer import SODTrainer
        from train.trl_config import grpo_config
        from train.watch import Watch

        config, folder, tools = self.config, self.folder, self.tools
        # The same problems each time, so that a fall of the score is the student's.
        validation = data.evaluation[: config.validation_problems]
        watch = Watch(config, folder, tools.evaluator, validation, self.display)
        folder.clear_incomplete()
        self.accelerator.wait_for_everyone()
        last = folder.last_checkpoint()
        folder.forget_after(-1 if last is None else last[0])
        rows = [
            {"prompt": [{"role": "user", "content": problem.prompt()}], "index": index}
            for index, problem in enumerate(data.train)
        ]
        student, start = self.model, None
        if config.lora_base:
            student = load_policy(config.lora_base, config, config.seed)[0]
            start, self.model = self.model.state_dict(), student
        trainer = SODTrainer(
            model=student,
            args=grpo_config(config, folder.checkpoints, self.accelerator.num_processes),
            train_dataset=Dataset.from_list(rows),
            processing_class=self.tokenizer,
            peft_config=lora_config(config.lora_rank, config.lora_alpha),
            callbacks=[watch],
            config=config,
            collector=tools.collector,
            grader=tools.grader,
            problems=data.train,
            teacher=teacher,
        )
        trainer.remove_callback(PrinterCallback)
        if start is not None:
            if last is None:  # otherwise the checkpoint has the adapter
                start_adapter(
                    trainer.accelerator.unwrap_model(trainer.model), start, config.student
                )
            start = None
        watch.trainer = trainer
        trainer.rollout_progress = lambda done, total: self.display.detail("rollouts", done, total)
        if last is not None:
            watch.load(last[1])
            self.display.say(f"going on after step {last[0]}")
        self.display.stage(f"training ({config.method})", config.steps, last[0] if last else 0)
        trainer.train(resume_from_checkpoint=str(last[1]) if last else None)
        self.display.end_stage()
        self.model = trainer.accelerator.unwrap_model(trainer.model)
        if is_sharded(trainer.accelerator):
            self.gathered = trainer.accelerator.get_state_dict(trainer.model_wrapped)
        return watch

    # The end -------------------------------------------------------------------------------------

    def _finish(
        self,
        data: Data,
        before: tuple[Evaluation, list[Outcome]] | None,
        watch: Watch | None,
    ) -> int:
        """Save the student, measure it again, write the report."""
        from train.evaluate import paired
        from train.models import save_student
        from train.report import build_report

        student = self.folder.path / "student"
        if self.folder.writes:
            save_student(self.model, self.tokenizer, student, self.gathered)
        after, outcomes = self._evaluate(data.evaluation, "after")
        if before is not None:
            after.paired = paired(before[1], outcomes)
            self.display.say(
                f"before {before[0].accuracy:.1%}, after {after.accuracy:.1%}: "
                f"{after.paired['gained']:.0f} problems gained, {after.paired['lost']:.0f} lost "
                f"(exact McNemar p = {after.paired['p']:.2g})"
            )
        self.folder.append("eval", {"step": self.config.steps, **after.to_row()})
        if self.folder.writes:
            print(f"student: {student}\nreport: {build_report(self.folder.path)}")
        if watch is None or watch.stopped is None:
            return 0
        self.display.say(f"the guard stopped this run: {watch.stopped.message}", style="bold red")
        return 1


def _quiet_libraries() -> None:
    """Their progress bars and hints would tear our own apart."""
    import logging
    import os
    import warnings

    os.environ.setdefault("TRL_EXPERIMENTAL_SILENCE", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    from datasets.utils.logging import disable_progress_bar
    from transformers.utils import logging as transformers_logging

    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    disable_progress_bar()
    logging.getLogger("trl").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module="torch|trl|transformers|accelerate|peft")
