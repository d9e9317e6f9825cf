"""What a run needs before its first stage: data, agents, grader, and the lock on all of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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
from train.display import Display
from train.lockfile import (
    DataFacts,
    ModelFacts,
    RunFacts,
    check_lock,
    hash_model,
    hash_text,
    write_lock,
)
from train.rollout.sandbox import TrainingSandbox
from train.run_folder import RunFolder

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from train.evaluate import Evaluator
    from train.grade import Grader
    from train.rollout.collect import Collector

_NO_LIMIT = 1 << 30  # tokens, for a model that does not say how long its window is
_THREADS = 8  # loops that advance at once; the sandbox has its own limit


@dataclass
class Data:
    """What the run learns from and is measured on."""

    train: list[Problem]
    evaluation: list[Problem]
    solved: list[Demonstration]


@dataclass
class Tools:
    """What acts for the student: its agents, and who judges them."""

    collector: Collector
    grader: Grader
    evaluator: Evaluator

    def close(self) -> None:
        self.collector.close()
        self.grader.close()


def load_data(config: RunConfig) -> Data:
    """All data of the run. Raises DataError."""
    import train.nano.data  # noqa: F401  registers the generated problems

    needs_solved = config.cold_start or config.method == "sft"
    return Data(
        load_problems(config.train_data, config.train_problems, config.seed, "train"),
        load_problems(config.eval_data, config.eval_problems, config.seed, "eval"),
        load_demonstrations(config.sft_data, config.sft_examples, config.seed)
        if needs_solved
        else [],
    )


def open_tools(
    config: RunConfig,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    eos_ids: Sequence[int],
    sandbox: TrainingSandbox,
    accelerator: Any,
) -> Tools:
    """Agents with the run's settings, and the grader and evaluator that go with them."""
    from train.evaluate import Evaluator
    from train.grade import Grader
    from train.models import chat_template_of
    from train.rollout.collect import Collector, RolloutSettings
    from train.rollout.tokenizer import HFTokenizer
    from train.shared_prefix import shares_prefix

    longest = getattr(model.config, "max_position_embeddings", None) or _NO_LIMIT
    collector = Collector(
        RolloutSettings(
            tokenizer=HFTokenizer(tokenizer, tuple(eos_ids)),
            chat_template=chat_template_of(tokenizer),
            sandbox=sandbox,
            agent=Settings(
                max_turns=config.max_turns,
                max_tokens=config.max_tokens,
                temperature=config.temperature,
                top_p=config.top_p,
                thinking=config.thinking,
            ),
            n_ctx=min(longest, config.max_prompt_tokens + config.max_tokens),
            threads=max(_THREADS, config.sandbox_workers),
            model_name=config.student,
        )
    )
    grader = Grader(sandbox, config.sandbox_workers)
    evaluator = Evaluator(
        collector,
        grader,
        accelerator,
        int(tokenizer.pad_token_id),
        config.rollout_batch,
        shares_prefix(config, accelerator.num_processes, model, learns=False),
    )
    return Tools(collector, grader, evaluator)


def lock(
    config: RunConfig,
    resume: bool,
    folder: RunFolder,
    display: Display,
    data: Data,
    template: str | None,
) -> None:
    """Write lock.json, or refuse to resume a run that was made from something else.

    Raises ConfigError.
    """
    from train.models import find_model

    if not folder.writes:
        return
    named = {"student": config.student}
    if config.lora_base:
        named["lora_base"] = config.lora_base
    if config.needs_teacher:
        named["teacher"] = config.teacher
    sources: dict[str, tuple[str, Sequence[Any]]] = {
        "train": (config.train_data, data.train),
        "eval": (config.eval_data, data.evaluation),
        "sft": (config.sft_data, data.solved),
    }
    facts = RunFacts(
        models={
            role: ModelFacts(source, hash_model(find_model(source)))
            for role, source in named.items()
        },
        data={
            name: DataFacts(source, data_hash(items), len(items))
            for name, (source, items) in sources.items()
            if items
        },
        template_hash=hash_text(template or ""),
    )
    if not resume:
        write_lock(folder.path, config, facts)
        return
    for warning in check_lock(folder.path, config, facts):
        display.say(f"since this run began: {warning}", style="yellow")
