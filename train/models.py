"""Models in, student out: folders, GGUF files, Hugging Face ids and the nano pair.

Every source first becomes files on this machine (`find_model`); one loader then reads them. It
takes safetensors and GGUF only and runs no code that a repository brings. transformers fills in
random numbers for weights that a file lacks and makes up an empty tokenizer where there is none:
here both are errors. Whatever goes wrong is a TrainingError of one line.
"""

from __future__ import annotations

import copy
import errno
import importlib.util
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import train.nano
from runtime.errors import ModelError
from runtime.models import inspect_gguf, resolve_short_name
from runtime.models.cache import offline
from train.config import RunConfig
from train.errors import TrainingError

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    Loaded = tuple[PreTrainedModel, PreTrainedTokenizerBase, tuple[int, ...]]

NANO = "nano"
NANO_TEACHER = Path(train.nano.__file__).parent / "teacher"

_HUB_ID = re.compile(r"(?P<repo>[\w.-]+/[\w.-]+?)(@(?P<revision>[\w./-]+))?")
_HUB_FILES = ("*.safetensors", "*.json", "*.jinja", "*.txt", "tokenizer.model")
_TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model", "vocab.json")
_SOURCES = "give a folder, a .gguf file or a Hugging Face id"


def find_model(source: str) -> Path:
    """The folder or .gguf file of `source`; an id `org/name[@revision]` is fetched if need be.

    "nano" is the shipped teacher, whose tokenizer the nano student shares; a short name of the
    runtime's registry is the file that the device runs. Raises TrainingError.
    """
    if source == NANO:
        if not NANO_TEACHER.is_dir():
            raise TrainingError(
                f"there is no nano teacher at {NANO_TEACHER}: make it with "
                "`python -m train.nano.make_teacher`"
            )
        return NANO_TEACHER
    path = Path(source).expanduser()
    if path.is_dir():
        return path
    if path.is_file():
        if path.suffix != ".gguf":
            raise TrainingError(f"{source} is neither a folder nor a .gguf file: {_SOURCES}")
        return path
    try:
        if (short := resolve_short_name(source)) is not None:
            return short
    except ModelError as error:
        raise TrainingError(str(error)) from error
    match = _HUB_ID.fullmatch(source)
    if match is None or path.suffix == ".gguf":
        raise TrainingError(f"no model at {source}: {_SOURCES}")
    return _fetch(source, match["repo"], match["revision"])


def load_policy(source: str, config: RunConfig, seed: int) -> Loaded:
    """The student, its tokenizer and the ids that end its turns, in CPU memory.

    "nano" is a tiny model of random weights, drawn from `seed`. Raises TrainingError.
    """
    # A step of 1e-6 is below the resolution of a bfloat16 weight: nothing would ever change.
    dtype = config.dtype if config.lora_rank else "float32"
    if source != NANO:
        return _load(source, dtype, {})
    import torch

    from train.nano.model import random_model

    tokenizer = _load_tokenizer(find_model(NANO), NANO)
    model = random_model("student", seed).to(getattr(torch, dtype))
    return model, tokenizer, _eos_ids(model)


def load_teacher(source: str, config: RunConfig) -> Loaded:
    """The frozen teacher, its tokenizer and its end ids; `teacher_load` says how it is kept.

    In CPU memory, or with 8bit on this process's GPU. Raises TrainingError.
    """
    options = _eight_bit(source) if config.teacher_load == "8bit" else {}
    model, tokenizer, eos_ids = _load(source, config.dtype, options)
    return model.eval().requires_grad_(False), tokenizer, eos_ids


def chat_template_of(tokenizer: PreTrainedTokenizerBase) -> str | None:
    """The template that a GGUF made of this tokenizer has; None if there is none."""
    template: str | dict[str, str] | None = tokenizer.chat_template
    return template.get("default") if isinstance(template, dict) else template


def save_student(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    folder: Path,
    weights: dict[str, Any] | None = None,
) -> None:
    """Write `model` as a Hugging Face folder, whole or not at all; `folder` is replaced.

    A LoRA adapter is merged into a copy, so that training may go on with the adapter. The
    generation config ends turns where rollouts ended. `weights` are those of a sharded `model`,
    gathered. Raises TrainingError if the disk does not take it.
    """
    from train.rollout.tokenizer import HFTokenizer

    part, old = (folder.with_name(f"{folder.name}.{end}") for end in ("part", "old"))
    whole: Any = model
    if hasattr(model, "peft_config"):
        whole = copy.deepcopy(model).merge_and_unload()
    generation = copy.deepcopy(whole.generation_config)
    generation.eos_token_id = list(HFTokenizer(tokenizer, _eos_ids(whole)).eog_ids)
    generation.pad_token_id = tokenizer.pad_token_id
    try:
        for left_over in (part, old):
            shutil.rmtree(left_over, ignore_errors=True)
        part.mkdir(parents=True)
        with _quiet():
            whole.save_pretrained(part, state_dict=weights)
        generation.save_pretrained(part)
        tokenizer.save_pretrained(part)
        # A folder that is not empty cannot be replaced in one step.
        if folder.exists():
            folder.rename(old)
        part.rename(folder)
        shutil.rmtree(old, ignore_errors=True)
    except Exception as error:
        shutil.rmtree(part, ignore_errors=True)
        if old.exists() and not folder.exists():
            old.rename(folder)
        # safetensors has its own exception for the operating system's.
        full = os.strerror(errno.ENOSPC) in str(error)
        reason = "no space left on the disk" if full else _one_line(error)
        raise TrainingError(f"cannot save the student in {folder}: {reason}") from error


def _fetch(source: str, repo: str, revision: str | None) -> Path:
    from huggingface_hub import errors, snapshot_download

    try:
        folder = snapshot_download(
            repo,
            revision=revision,
            allow_patterns=list(_HUB_FILES),
            ignore_patterns=["*/*"],
            local_files_only=offline(),
        )
    except errors.GatedRepoError:
        reason = "it is gated: accept its terms on its page, then set HF_TOKEN"
    except errors.RevisionNotFoundError:
        reason = f"it has no revision {revision}"
    except errors.RepositoryNotFoundError:
        reason = "Hugging Face has no such repository, or it is private"
    except errors.LocalEntryNotFoundError:
        why = "downloads are off" if offline() else "Hugging Face cannot be reached"
        reason = f"it is not in the cache and {why}; with network, `hf download {repo}` gets it"
    except Exception as error:  # the library lets its HTTP client's exceptions through
        reason = _one_line(error)
    else:
        return Path(folder)
    raise TrainingError(f"no folder {source} here, and not from Hugging Face either: {reason}")


def _load(source: str, dtype: str, options: dict[str, Any]) -> Loaded:
    import torch
    from transformers import AutoModelForCausalLM

    path = find_model(source)
    if path.suffix == ".gguf":
        where = _check_gguf(path)
    else:
        _check_folder(path, source)
        where = {"pretrained_model_name_or_path": path}
    tokenizer = _load_tokenizer(path, source)
    with _loading(source), _quiet():
        model, info = AutoModelForCausalLM.from_pretrained(
            **where,
            **options,
            dtype=getattr(torch, dtype),
            use_safetensors=True,
            trust_remote_code=False,
            local_files_only=True,
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # told below, in one line
        )
    if wrong := sorted(info["mismatched_keys"]):
        name, held, asked = wrong[0]
        raise TrainingError(
            f"{source} has {len(wrong)} weights of other shapes than its config.json says, such "
            f"as {name}: {tuple(held)}, not {tuple(asked)}"
        )
    if missing := sorted(info["missing_keys"]):
        raise TrainingError(
            f"{source} lacks {len(missing)} weights of a {model.config.model_type} model, "
            f"such as {missing[0]}"
        )
    return model, tokenizer, _eos_ids(model)


def _check_folder(folder: Path, source: str) -> None:
    """Refuse what transformers would turn into something that was not meant."""
    from transformers import AutoConfig
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES as CAUSAL

    if not (folder / "config.json").is_file():
        if (folder / "adapter_config.json").is_file():
            raise TrainingError(f"{source} is a LoRA adapter: merge it into its model first")
        raise TrainingError(f"{source} is not a model: it has no config.json")
    weights = sorted(folder.glob("*.safetensors"))
    if not weights:
        raise TrainingError(
            f"{source} has no .safetensors weights (pickled ones are not loaded: they can run code)"
        )
    for file in weights:
        _check_header(file)
    with _loading(source), _quiet():
        config = AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    kinds = config.architectures or [CAUSAL.get(config.model_type)]
    if config.model_type not in CAUSAL or not set(kinds) & set(CAUSAL.values()):
        kind = kinds[0] or config.model_type
        raise TrainingError(f"{source} is no causal language model but a {kind}")


def _check_header(file: Path) -> None:
    """That the header can be read and the file is as long as it says."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, framework="pt"):
            pass
    except (SafetensorError, OSError) as error:
        raise TrainingError(f"{file} is damaged ({_one_line(error)}): fetch it again") from error


def _check_gguf(path: Path) -> dict[str, Any]:
    """The arguments that make transformers read `path`."""
    if importlib.util.find_spec("gguf") is None:
        raise TrainingError(f"reading {path} needs the gguf package: pip install gguf")
    try:
        info = inspect_gguf(path)
    except ModelError as error:
        raise TrainingError(str(error)) from None
    if info.kind != "model" or info.tensors == 0:
        raise TrainingError(f"{path} is not a language model but of type '{info.kind}'")
    where: dict[str, Any] = {"pretrained_model_name_or_path": path.parent, "gguf_file": path.name}
    with suppress(ImportError):  # transformers before 5.24 knows no other way than unpacking
        from transformers import GgufConfig

        # Weights left in their blocks can be neither trained nor saved.
        where["quantization_config"] = GgufConfig(dequantize=True)
    return where


def _load_tokenizer(path: Path, source: str) -> PreTrainedTokenizerBase:
    from transformers import AutoTokenizer

    where: dict[str, Any] = {"pretrained_model_name_or_path": path}
    if path.suffix == ".gguf":
        where = {"pretrained_model_name_or_path": path.parent, "gguf_file": path.name}
    elif not any((path / name).is_file() for name in _TOKENIZER_FILES):
        raise TrainingError(f"{source} has no tokenizer: put its tokenizer.json there")
    with _loading(f"the tokenizer of {source}"), _quiet():
        tokenizer = AutoTokenizer.from_pretrained(
            **where, trust_remote_code=False, local_files_only=True
        )
    if tokenizer.eos_token_id is None:
        raise TrainingError(f"the tokenizer of {source} has no token that ends a turn (eos_token)")
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token  # padding is always masked
    return tokenizer


def _eight_bit(source: str) -> dict[str, Any]:
    import torch
    from transformers import BitsAndBytesConfig

    instead = "use --teacher-load offload or full"
    if not torch.cuda.is_available():
        raise TrainingError(f"--teacher-load 8bit needs a CUDA GPU: {instead}")
    if importlib.util.find_spec("bitsandbytes") is None:
        raise TrainingError(
            f"--teacher-load 8bit needs bitsandbytes: pip install bitsandbytes, or {instead}"
        )
    if source.endswith(".gguf"):
        raise TrainingError(f"--teacher-load 8bit does not take a GGUF file: {instead}")
    return {
        "quantization_config": BitsAndBytesConfig(load_in_8bit=True),
        "device_map": {"": int(os.environ.get("LOCAL_RANK", "0"))},
    }


def _eos_ids(model: PreTrainedModel) -> tuple[int, ...]:
    ids = model.generation_config.eos_token_id
    if ids is None:
        return ()
    return tuple(ids) if isinstance(ids, list) else (ids,)


@contextmanager
def _loading(what: str) -> Iterator[None]:
    """One line for whatever transformers, the disk or the memory did."""
    import torch

    try:
        yield
    except Exception as error:
        if "trust_remote_code" in str(error):
            raise TrainingError(
                f"{what} needs code that comes with it, and such code is not run: use a model "
                "that transformers knows"
            ) from error
        full = isinstance(error, (MemoryError, torch.OutOfMemoryError))
        # torch's CPU allocator raises a plain RuntimeError.
        if full or "DefaultCPUAllocator" in str(error):
            raise TrainingError(
                f"{what} does not fit into memory: use a smaller model or --dtype bfloat16"
            ) from error
        raise TrainingError(f"cannot load {what}: {_one_line(error)}") from error


@contextmanager
def _quiet() -> Iterator[None]:
    """No reports and bars of transformers: what matters in them is in our one line."""
    from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity(logging.CRITICAL)
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200].rstrip(". ") or type(error).__name__
