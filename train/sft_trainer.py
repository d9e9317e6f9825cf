"""Supervised training on demonstrations: TRL's SFTTrainer on our token ids."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from transformers import PrinterCallback, TrainerCallback

from train.config import RunConfig
from train.demonstrations import Encoded
from train.display import Display
from train.run_folder import RunFolder
from train.shared_prefix import (
    LikeLengths,
    PrefixCollator,
    prefix_loss,
    shared_prefix,
    shares_prefix,
)
from train.trl_config import on_cpu, scheduler_name

if TYPE_CHECKING:
    from transformers import (
        PreTrainedModel,
        PreTrainedTokenizerBase,
        TrainerControl,
        TrainerState,
        TrainingArguments,
    )

_LOG_EVERY = 10  # steps


def train_on_demonstrations(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    encoded: Sequence[Encoded],
    config: RunConfig,
    epochs: float,
    work: Path,
    folder: RunFolder,
    display: Display,
    name: str,
    processes: int,
) -> None:
    """Train `model` in place for `epochs` passes over `encoded`.

    Checkpoints go into `work`; where there are some already, training goes on from the last.
    """
    from datasets import Dataset
    from trl import SFTConfig

    from train.lora import lora_config, start_adapter, train_layers_only

    if config.sft_layers_only:
        train_layers_only(model)

    local = max(1, config.sft_batch // processes)
    micro = min(config.micro_batch, local)
    arguments: dict[str, Any] = {
        "output_dir": str(work),
        "num_train_epochs": epochs,
        "per_device_train_batch_size": micro,
        "gradient_accumulation_steps": max(1, local // micro),
        "learning_rate": config.sft_lr,
        "lr_scheduler_type": scheduler_name(config.sft_schedule),
        "warmup_steps": 0.05,  # a share of all steps
        "weight_decay": config.weight_decay,
        "max_grad_norm": config.max_grad_norm,
        "bf16": config.dtype == "bfloat16",
        "gradient_checkpointing": config.gradient_checkpointing,
        "max_length": None,
        "packing": False,
        "dataset_kwargs": {"skip_prepare_dataset": True},
        "remove_unused_columns": False,
        "seed": config.seed,
        "logging_steps": _LOG_EVERY,
        "save_strategy": "steps",
        "save_steps": config.sft_save_every,
        "save_total_limit": 2,
        "report_to": "none",
        "disable_tqdm": True,
        "dataloader_pin_memory": False,
        "use_cpu": on_cpu(),
    }
    collator, sampler = None, None
    if shares_prefix(config, processes, model):
        collator = PrefixCollator(shared_prefix(encoded), int(tokenizer.pad_token_id))
        lengths = [len(each["input_ids"]) for each in encoded]
        sampler = LikeLengths(lengths, config.sft_batch, config.seed)  # padding is lost time
    trainer = _trainer_class(sampler)(
        model=model,
        args=SFTConfig(**arguments),
        train_dataset=Dataset.from_list([dict(each) for each in encoded]),
        processing_class=tokenizer,
        data_collator=collator,
        peft_config=lora_config(config.sft_lora_rank, config.lora_alpha),
        callbacks=[_Report(folder, display, name)],
    )
    trainer.remove_callback(PrinterCallback)
    stage = RunFolder(folder.path, folder.writes, checkpoints=work)
    stage.clear_incomplete()
    trainer.accelerator.wait_for_everyone()
    last = stage.last_checkpoint()
    trainer.add_callback(_Complete(stage))
    if config.sft_lora_start and last is None:
        from train.models import load_policy

        # Without a name of its own the trained model is freed before the training.
        start_adapter(
            trainer.accelerator.unwrap_model(trainer.model),
            load_policy(config.sft_lora_start, config, config.seed)[0].state_dict(),
            config.sft_lora_start,
        )
    trainer.train(resume_from_checkpoint=None if last is None else str(last[1]))
    display.end_stage()
    if config.sft_lora_rank:
        trainer.accelerator.unwrap_model(trainer.model).merge_and_unload()  # in place
    model.requires_grad_(True)  # what was frozen for this stage


def _trainer_class(sampler: LikeLengths | None) -> Any:
    """SFTTrainer, but for the order of rows and for batches whose prefix is shared.

    A class made here, since TRL is imported only when it is needed.
    """
    from trl import SFTTrainer

    class Trainer(SFTTrainer):  # type: ignore[misc]
        def _get_train_sampler(self, train_dataset: Any = None) -> Any:
            return sampler or super()._get_train_sampler(train_dataset)

        def compute_loss(
            self,
            model: Any,
            inputs: dict[str, Any],
            return_outputs: bool = False,
            num_items_in_batch: Any = None,
        ) -> Any:
            if "prefix" not in inputs:
                return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
            with self.compute_loss_context_manager():
                return prefix_loss(model, inputs, num_items_in_batch)

    return Trainer


class _Report(TrainerCallback):  # type: ignore[misc]
    """Progress and metrics of imitation."""

    def __init__(self, folder: RunFolder, display: Display, name: str) -> None:
        self._folder, self._display, self._name = folder, display, name

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        self._folder.forget_after(state.global_step, kind="cold_start")
        self._display.stage(self._name, state.max_steps, state.global_step)

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        self._display.step(state.global_step)

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, Any] | None = None,
        **_: Any,
    ) -> None:
        if logs and "loss" in logs:
            row = {"step": state.global_step, "loss": float(logs["loss"])}
            row["lr"] = float(logs.get("learning_rate", 0.0))
            self._folder.append("cold_start", row)
            if state.global_step % (5 * _LOG_EVERY) == 0:
                self._display.say(
                    f"{self._name}: step {state.global_step} of {state.max_steps}, "
                    f"loss {row['loss']:.3f}"
                )


class _Complete(TrainerCallback):  # type: ignore[misc]
    """Marks checkpoints that were written whole."""

    def __init__(self, stage: RunFolder) -> None:
        self._stage = stage

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        self._stage.mark_complete(state.global_step)
