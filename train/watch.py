"""Watches a run while it trains: canary, validation, metrics, and the guard against collapse.

One callback, called by the Trainer in this order for a step: the canary before it, validation at
its end, then its log row, which the guard sees, then the checkpoint, which carries the guard.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors.torch import load_file, save_file
from transformers import TrainerCallback

from train.guard import Alarm, CollapseGuard
from train.rollout.lockstep import is_sharded
from train.run_folder import RunFolder, replaced

if TYPE_CHECKING:
    from transformers import TrainerControl, TrainerState, TrainingArguments

    from train.config import RunConfig
    from train.data import Problem
    from train.display import Display
    from train.evaluate import Evaluator
    from train.sod_trainer import SODTrainer

_GUARD = "guard.json"
_TELL_EVERY = 10  # steps
# Figures of a log line: their key in metrics.jsonl, their name and their format.
_TOLD = (
    ("accuracy", "right", ".1%"),
    ("tool_calls", "tool calls", ".1f"),
    ("tool_error_rate", "tool errors", ".1%"),
    ("kl", "KL", ".3f"),
)


class Watch(TrainerCallback):  # type: ignore[misc]
    """See the module. `validation` are the held-out problems of a validation.

    After training `stopped` holds the alarm that ended the run early, if one did.
    """

    trainer: SODTrainer

    def __init__(
        self,
        config: RunConfig,
        folder: RunFolder,
        evaluator: Evaluator,
        validation: Sequence[Problem],
        display: Display,
    ) -> None:
        self._config, self._folder, self._display = config, folder, display
        self._evaluator, self._validation = evaluator, validation
        self.guard = CollapseGuard(config)
        self.stopped: Alarm | None = None
        self._told_at = 0

    def load(self, checkpoint: Path) -> None:
        """Go on with the guard as it was at `checkpoint`."""
        self.guard.load_state_dict(json.loads((checkpoint / _GUARD).read_text("utf-8")))

    # The Trainer's events -------------------------------------------------------------------------

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        if state.global_step == 0:
            self._validate(0, control)

    def on_step_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        self._began = time.perf_counter()
        self.trainer.collector.shared.sandbox.canary()

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        self._spent = time.perf_counter() - self._began
        self._display.step(state.global_step)
        if state.global_step % self._config.eval_every == 0:
            self._validate(state.global_step, control)

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, Any] | None = None,
        **_: Any,
    ) -> None:
        trainer, logs = self.trainer, logs or {}
        seen = trainer.statistics
        if "loss" not in logs or seen is None:
            return
        # A round of rollouts may serve several optimiser steps: its figures belong to the first.
        fresh, trainer.fresh_round = trainer.fresh_round, False
        loss, norm = float(logs["loss"]), float(logs.get("grad_norm", 0.0))
        seconds = dict(seen.seconds) if fresh else {}
        seconds["update"] = max(0.0, self._spent - sum(seconds.values()))
        row = {
            "step": state.global_step,
            "loss": loss,
            "grad_norm": norm,
            "lr": float(logs.get("learning_rate", 0.0)),
            "entropy": logs.get("entropy"),
            **(seen.to_row() if fresh else {}),
            "seconds": seconds,
        }
        self._folder.append("step", row)
        if fresh:
            self._folder.append_trajectories(state.global_step, trainer.trajectories)
            self._tell(row)
        alarm = self.guard.observe_step(
            state.global_step,
            seen.tool_calls if fresh else None,
            seen.kl if fresh else None,
            seen.infra_rate,
            loss,
            norm,
        )
        self._act(alarm, control)

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        step = state.global_step
        if self._folder.writes:
            checkpoint = self._folder.checkpoints / f"checkpoint-{step}"
            (checkpoint / _GUARD).write_text(json.dumps(self.guard.state_dict()), "utf-8")
            self._folder.mark_complete(step)
            for old in self._folder.path.glob("best-*"):
                if old != self._best():
                    shutil.rmtree(old, ignore_errors=True)

    # Validation -----------------------------------------------------------------------------------

    def _validate(self, step: int, control: TrainerControl) -> None:
        trainer = self.trainer
        model = trainer.accelerator.unwrap_model(trainer.model)
        result, _ = self._evaluator.evaluate(
            model,
            self._validation,
            "validation",
            lambda done, total: self._display.detail("validation", done, total),
        )
        self._folder.append("eval", {"step": step, **result.to_row()})
        self._display.say(
            f"step {step}: validation {result.accuracy:.1%} of {result.problems} "
            f"({result.low:.1%} to {result.high:.1%}), {result.tool_calls:.1f} tool calls each"
        )
        alarm = self.guard.observe_validation(step, result.accuracy, result.problems)
        if self.guard.best_step == step:
            self._keep_best()
        self._act(alarm, control)

    def _tell(self, row: dict[str, Any]) -> None:
        # Rounds of several steps skip numbers, and might never meet a multiple.
        if row["step"] != 1 and row["step"] // _TELL_EVERY == self._told_at // _TELL_EVERY:
            return
        self._told_at = row["step"]
        parts = [f"step {row['step']}: sandbox failures {row['infra_rate']:.1%}"]
        for key, name, form in _TOLD:
            if row[key] is not None:
                parts.append(f"{name} {row[key]:{form}}")
        if row["w_by_step"]:
            weights = " ".join(f"{weight:.2f}" for weight in row["w_by_step"])
            parts.append(f"median w by step {weights}")
        parts.append(f"{sum(row['seconds'].values()):.1f} s")
        self._display.say(", ".join(parts))

    # The guard's hands ----------------------------------------------------------------------------

    def _act(self, alarm: Alarm | None, control: TrainerControl) -> None:
        if alarm is None:
            return
        if alarm.action == "rollback" and not self._can_roll_back():
            alarm = Alarm(
                alarm.step,
                alarm.cause,
                f"{alarm.message}; sharded models are not rolled back here: continue from an "
                "earlier checkpoint with a lower --lr",
                "stop",
            )
        self._folder.append(
            "guard", {"step": alarm.step, "action": alarm.action, "message": alarm.message}
        )
        self._display.say(f"guard, step {alarm.step}: {alarm.message}", style="bold red")
        if alarm.action == "stop":
            self.stopped = alarm
            control.should_training_stop = True
        elif alarm.action == "rollback":
            self._roll_back()

    def _can_roll_back(self) -> bool:
        return not is_sharded(self.trainer.accelerator)

    def _best(self) -> Path:
        return self._folder.path / f"best-{self.guard.best_step}"

    def _keep_best(self) -> None:
        """The trained weights and the optimiser at the best validation so far."""
        trainer = self.trainer
        if not self._folder.writes or not self._can_roll_back():
            return
        with replaced(self._best()) as part:
            save_file(
                {name: weight.detach().cpu().contiguous() for name, weight in self._trained()},
                part / "weights.safetensors",
            )
            optimizer = trainer.optimizer
            torch.save(None if optimizer is None else optimizer.state_dict(), part / "optimizer.pt")

    def _roll_back(self) -> None:
        """Restore the best weights and optimiser, with the guard's lower learning rate."""
        trainer, best = self.trainer, self._best()
        trainer.accelerator.wait_for_everyone()
        weights = load_file(best / "weights.safetensors")
        with torch.no_grad():
            for name, weight in self._trained():
                weight.copy_(weights[name])
        # Our own file: an optimiser's state is tensors and plain Python values.
        state = torch.load(best / "optimizer.pt", weights_only=True)
        if state is not None:
            trainer.optimizer.load_state_dict(state)
        scheduler: Any = getattr(trainer.lr_scheduler, "scheduler", trainer.lr_scheduler)
        scheduler.base_lrs = [self.guard.learning_rate] * len(scheduler.base_lrs)
        for group in trainer.optimizer.param_groups:
            group["initial_lr"] = self.guard.learning_rate
            group["lr"] = min(group["lr"], self.guard.learning_rate)
        # What the next log row will tell, until the scheduler steps again.
        scheduler._last_lr = [group["lr"] for group in trainer.optimizer.param_groups]
        # What is left of the round was written, and scored, by the weights just undone.
        trainer._buffered_inputs = None

    def _trained(self) -> list[tuple[str, torch.Tensor]]:
        model = self.trainer.accelerator.unwrap_model(self.trainer.model)
        return [(name, weight) for name, weight in model.named_parameters() if weight.requires_grad]
