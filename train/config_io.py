"""From preset, YAML file and flags to a checked `RunConfig`, and to the command line of a trainer.

`load_config` merges the layers; every mistake is a ConfigError of one line that names the setting,
where it was given, its value and what is allowed. `config_command` makes a typer command whose
options are the fields of the dataclass, and `main` runs it. Nothing here imports torch, so that
--help answers at once.
"""

from __future__ import annotations

import difflib
import errno
import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import (
    Annotated,
    Any,
    Literal,
    NamedTuple,
    NoReturn,
    get_args,
    get_origin,
    get_type_hints,
)

import typer
import yaml

from runtime import entry
from runtime.errors import SodError
from train.config import RunConfig
from train.errors import ConfigError, TrainingError

PRESETS = Path(__file__).parent / "presets"
MAY_BE_EMPTY = frozenset({"output", "lora_base", "sft_lora_start", "vllm_url"})
LEARNS_FROM_REWARD = frozenset({"sod", "opd", "grpo", "opsd-gt", "opsd-hint"})
_KINDS: dict[str, Any] = get_type_hints(RunConfig)
_NAMES = [each.name for each in fields(RunConfig)]


class Range(NamedTuple):
    """The numbers a setting may have; `above` and `below` leave out the end itself."""

    low: float
    high: float = math.inf
    above: bool = False
    below: bool = False

    def __contains__(self, value: object) -> bool:
        if not isinstance(value, (int, float)) or not math.isfinite(value):
            return False
        over = value > self.low if self.above else value >= self.low
        under = value < self.high if self.below else value <= self.high
        return over and under

    def __str__(self) -> str:
        low = f"{'above' if self.above else 'at least'} {self.low:g}"
        if self.high == math.inf:
            return low
        return f"{low} and {'below' if self.below else 'at most'} {self.high:g}"


_COUNT = Range(1)
_NOT_NEGATIVE = Range(0)
_POSITIVE = Range(0, above=True)
_SHARE = Range(0, 1)
RANGES: dict[str, Range] = {
    "seed": Range(0, 2**32 - 1),
    "lora_rank": _NOT_NEGATIVE,
    "sft_lora_rank": _NOT_NEGATIVE,
    "lora_alpha": _COUNT,
    "train_problems": _COUNT,
    "sft_examples": _COUNT,
    "eval_problems": _COUNT,
    "max_turns": _COUNT,
    "max_tokens": _COUNT,
    "max_prompt_tokens": _COUNT,
    "temperature": _POSITIVE,
    "top_p": Range(0, 1, above=True),
    "tool_timeout": _POSITIVE,
    "sandbox_workers": _COUNT,
    "coef": _NOT_NEGATIVE,
    "grpo_coef": _NOT_NEGATIVE,
    "epsilon": _POSITIVE,
    "delta": _NOT_NEGATIVE,
    "weight_floor": _SHARE,
    "weight_ema": Range(0, 1, below=True),
    "clip_low": Range(0, 1, above=True, below=True),
    "clip_high": _POSITIVE,
    "overlong_buffer": _NOT_NEGATIVE,
    "steps": _COUNT,
    "batch_problems": _COUNT,
    "group_size": _COUNT,
    "mini_batch_problems": _COUNT,
    "micro_batch": _COUNT,
    "lr": _POSITIVE,
    "warmup_steps": _NOT_NEGATIVE,
    "weight_decay": _NOT_NEGATIVE,
    "max_grad_norm": _POSITIVE,
    "sft_epochs": _POSITIVE,
    "sft_lr": _POSITIVE,
    "sft_batch": _COUNT,
    "sft_save_every": _COUNT,
    "pass_mark": _SHARE,
    "eval_every": _COUNT,
    "validation_problems": _COUNT,
    "keep_trajectories": _NOT_NEGATIVE,
    "guard_tool_rate": _SHARE,
    "guard_score": _SHARE,
    "guard_kl": Range(1),
    "guard_infra": _SHARE,
    "max_rollbacks": _NOT_NEGATIVE,
    "rollout_batch": _NOT_NEGATIVE,
    "vllm_memory": Range(0, 1, above=True),
}


class Given(NamedTuple):
    """A value and how to name it to the person who wrote it: "--top-p", "a.yaml, line 3: top_p"."""

    value: Any
    where: str


def preset_names() -> list[str]:
    """The presets that come with the package."""
    return sorted(file.stem for file in PRESETS.glob("*.yaml"))


def load_config(preset: str | None, file: Path | None, flags: Mapping[str, Any]) -> RunConfig:
    """The settings of a run: defaults, then the preset, then `file` (YAML), then `flags`.

    `preset` None is the one that `file` names, or the default. The keys of `flags` are field names.
    An empty `output` becomes runs/PRESET-METHOD. Raises ConfigError.
    """
    from_flags = {
        name: _checked(name, Given(value, _flag(name))) for name, value in flags.items()
    } | ({} if preset is None else {"preset": preset})
    from_file = _read(file, str(file)) if file is not None else {}
    name = from_flags.get("preset", from_file.get("preset", RunConfig.preset))
    if name not in preset_names():
        raise ConfigError(f"preset {name!r} does not exist: one of {', '.join(preset_names())}")
    from_preset = _read(PRESETS / f"{name}.yaml", f"preset {name}")
    settings = {**from_preset, **from_file, **from_flags, "preset": name}
    if not settings.get("output"):
        settings["output"] = f"runs/{name}-{settings.get('method', RunConfig.method)}"
    config = RunConfig(**settings)
    _check_together(config)
    return config


def _read(file: Path, shown: str) -> dict[str, Any]:
    """The checked settings of a YAML file. `shown` is what a person calls it."""
    try:
        loader = yaml.SafeLoader(file.read_text("utf-8-sig"))
        document = loader.get_single_node()
        if document is None:  # an empty file sets nothing
            return {}
        if not isinstance(document, yaml.MappingNode):
            line = document.start_mark.line + 1
            raise ConfigError(f"{shown}, line {line}: settings are written as 'name: value'")
        settings: dict[str, Any] = {}
        for key, node in document.value:
            where = f"{shown}, line {key.start_mark.line + 1}"
            if not isinstance(key, yaml.ScalarNode):
                raise ConfigError(f"{where}: settings are written as 'name: value'")
            name = key.value
            if name in settings:
                raise ConfigError(f"{where}: {name} is set twice")
            value = loader.construct_object(node, deep=True)
            settings[name] = _checked(name, Given(value, f"{where}: {name}"))
        return settings
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or str(error)
        raise ConfigError(f"{shown}{line}: not valid YAML: {problem}") from None
    except OSError as error:
        raise ConfigError(f"cannot read {shown}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:  # not UTF-8, a date that is none, a deep nest
        raise ConfigError(f"{shown}: not valid YAML: {error}") from None


def _checked(name: str, given: Given) -> Any:
    """The value of the setting `name` in its own type."""
    if name not in _KINDS:
        near = difflib.get_close_matches(str(name).replace("-", "_"), _NAMES, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]}?" if near else "--help lists them"
        raise ConfigError(f"{given.where}: there is no such setting; {hint}")
    kind = _KINDS[name]
    value, wanted = given.value, ""
    if get_origin(kind) is Literal:
        if value is False and "off" in get_args(kind):  # YAML 1.1 reads a bare off as false
            value = "off"
        wanted = "" if value in get_args(kind) else f"one of {', '.join(get_args(kind))}"
    elif kind is bool:
        wanted = "" if isinstance(value, bool) else "true or false"
    elif kind is str:
        if not isinstance(value, str):
            wanted = "text (put it in quotes)"
        elif not value.strip() and name not in MAY_BE_EMPTY:
            wanted = "not empty"
    else:
        value, wanted = _number(value, kind, RANGES[name])
    if wanted:
        shown = repr(given.value)
        shown = shown if len(shown) <= 60 else f"{shown[:57]}..."
        raise ConfigError(f"{given.where} is {shown}: it must be {wanted}")
    return value


def _number(value: Any, kind: type, allowed: Range) -> tuple[Any, str]:
    if kind is int and type(value) is not int:
        return value, f"a whole number, {allowed}"
    if kind is float:
        try:
            if isinstance(value, bool):
                raise TypeError
            value = float(value)  # YAML 1.1 reads 1e-6, which has no dot, as text
        except (TypeError, ValueError, OverflowError):
            return value, f"a number, {allowed}"
    return value, "" if value in allowed else str(allowed)


def _check_together(config: RunConfig) -> None:
    """What settings demand of one another."""
    method, batch, mini = config.method, config.batch_problems, config.mini_batch_problems
    if batch % mini:
        raise ConfigError(f"mini_batch_problems is {mini}: it must divide batch_problems, {batch}")
    reward = method in LEARNS_FROM_REWARD and config.grpo_coef != 0
    if reward and config.group_size < 2:
        raise ConfigError(
            f"group_size is {config.group_size}: it must be at least 2, since rewards are compared "
            "within a group (or set grpo_coef to 0)"
        )
    if method == "grpo" and not reward:
        raise ConfigError("grpo_coef is 0: it must be above 0 with method grpo")
    if method != "sft" and not reward and config.coef == 0:
        raise ConfigError("coef and grpo_coef are both 0: nothing would be learned")
    if config.overlong_buffer > config.max_tokens:
        raise ConfigError(
            f"overlong_buffer is {config.overlong_buffer}: it must be at most max_tokens, "
            f"{config.max_tokens}"
        )
    if config.vllm == "server" and not config.vllm_url:
        raise ConfigError("vllm_url is empty: vllm server needs the URL of trl vllm-serve")
    if config.lora_base and not config.lora_rank:
        raise ConfigError("lora_rank is 0: lora_base needs an adapter to begin")
    if config.sft_lora_start and not config.sft_lora_rank:
        raise ConfigError("sft_lora_rank is 0: sft_lora_start needs an adapter to begin")


# The command line --------------------------------------------------------------------------------


def config_command(
    run: Callable[[RunConfig, bool], int],
    help: str,
    fixed: Mapping[str, Any] | None = None,
) -> typer.Typer:
    """A typer app that calls `run(config, resume)` and returns its exit code.

    Every field of RunConfig is an option, but those in `fixed`, which the command decides itself
    (train.sft: {"method": "sft"}) whatever preset and file say. Run it with `main`.
    """
    fixed = fixed or {}

    def command(config: Path | None, resume: bool, **options: Any) -> int:
        flags = {name: value for name, value in options.items() if value is not None}
        settings = load_config(flags.pop("preset", None), config, {**flags, **fixed})
        try:
            return run(settings, resume)
        except SodError:
            raise
        except Exception as error:
            if _disk_is_full(error):
                raise TrainingError(
                    f"no space left on the disk of {settings.output}; "
                    "free some and continue with --resume"
                ) from error
            raise

    options = typer_options(leave_out=fixed)
    command.__signature__ = inspect.Signature(options, return_annotation=int)  # type: ignore[attr-defined]
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command(help=help)(command)
    return app


def typer_options(leave_out: Mapping[str, Any]) -> list[inspect.Parameter]:
    """--config, --resume and one option for each field of RunConfig, as parameters of a command.

    Their defaults are None, so that only what was typed counts; the help shows the dataclass's.
    """
    own = [
        _parameter("config", Path | None, None, "YAML file of settings.", "run", metavar="FILE"),
        _parameter("resume", bool, False, "Continue the run in --output.", "run"),
    ]
    for each in fields(RunConfig):
        if each.name in leave_out:
            continue
        flag = _flag(each.name)
        names = (f"{flag}/--no-{flag[2:]}",) if _KINDS[each.name] is bool else (flag,)
        default = str(each.default).lower() if isinstance(each.default, bool) else each.default
        metavar = "|".join(preset_names()) if each.name == "preset" else None
        own.append(
            _parameter(
                each.name,
                _KINDS[each.name] | None,
                None,
                each.metadata["help"],
                each.metadata["group"],
                *names,
                show_default=str(default) or False,
                metavar=metavar,
            )
        )
    return own


def _parameter(
    name: str, kind: Any, default: Any, help: str, group: str, *flags: str, **more: Any
) -> inspect.Parameter:
    panel = group[0].upper() + group[1:]
    option = typer.Option(*(flags or (_flag(name),)), help=help, rich_help_panel=panel, **more)
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[kind, option]
    )


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def main(name: str, app: typer.Typer, args: list[str] | None = None) -> NoReturn:
    """Run a trainer's `app` as the command `name`; its errors and exit codes are `sod-agent`'s."""
    entry.main(name, app, args, after_interrupt="continue with --resume")


def _disk_is_full(error: BaseException | None) -> bool:
    """Whether `error`, or what it was raised from, is a write that found no space."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        # safetensors has its own class for it; torch.save only says that the file is too short.
        text = str(error)
        if "No space left on device" in text or (
            "inline_container" in text and "unexpected pos" in text
        ):
            return True
        error = error.__cause__ or error.__context__
    return False
