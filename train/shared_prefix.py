"""Training on conversations that begin alike: what they share is computed once a batch.

Every conversation of a batch opens with the same system prompt and tool description, some 225
tokens against 100 of a short problem. Here that prefix runs through the model once, its keys and
values are repeated for each row, and gradients flow back through them: the same loss and the same
gradients as with whole rows (tests/train/test_shared_prefix.py), at less than half the arithmetic.

The cold start has a collator and a loss for it; on-policy training calls its models through
`SharedPrefixModel`, and rollouts start from `repeated_cache`.
"""

from __future__ import annotations

import inspect
import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import takewhile
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.utils.data import Sampler

from train.demonstrations import IGNORED, Encoded
from train.hidden_states import hidden_states_of

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from train.config import RunConfig

_SORTED = 20  # batches that are sorted together: more would draw each less at random


def shared_prefix(encoded: Sequence[Encoded]) -> list[int]:
    """The longest run of ids that all conversations begin with and of which none is learned.

    The last id before the first learned one is left out: the logits that predict it must be a
    row's own.
    """
    common = common_prefix([row["input_ids"] for row in encoded])
    learned = min(
        next((i for i, label in enumerate(row["labels"]) if label != IGNORED), len(row["labels"]))
        for row in encoded
    )
    return common[: max(0, learned - 1)]


def common_prefix(rows: Sequence[list[int]]) -> list[int]:
    """The longest run of ids that all `rows` begin with."""
    first, last = min(rows), max(rows)  # in the order of lists: all others lie between
    return [
        one for one, _ in takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False))
    ]


def shares_prefix(
    config: RunConfig, processes: int, *models: PreTrainedModel, learns: bool = True
) -> bool:
    """Whether `config` asks for a shared prefix and all `models` can have one.

    That takes full attention, one process and, where something `learns`, activations kept.
    """
    kinds = {
        kind
        for model in models
        for kind in getattr(model.config, "layer_types", None) or ["full_attention"]
    }
    recomputed = learns and config.gradient_checkpointing
    return config.share_prefix and kinds == {"full_attention"} and not recomputed and processes == 1


class LikeLengths(Sampler[int]):
    """Rows in an order that makes batches of like length, and puts the batches in random order.

    transformers' group_by_length goes from long to short rows every 50 batches; a student taught so
    had forgotten its longer programs at the end of every round.
    """

    def __init__(self, lengths: Sequence[int], batch: int, seed: int) -> None:
        self._lengths, self._batch, self._seed = list(lengths), batch, seed
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Another order for each pass; transformers calls this, on a resume too."""
        self._epoch = epoch

    def __len__(self) -> int:
        return len(self._lengths)

    def __iter__(self) -> Iterator[int]:
        dice = random.Random(f"{self._seed}-{self._epoch}")
        rows = list(range(len(self._lengths)))
        dice.shuffle(rows)
        batches: list[list[int]] = []
        for start in range(0, len(rows), _SORTED * self._batch):
            some = sorted(
                rows[start : start + _SORTED * self._batch], key=lambda row: self._lengths[row]
            )
            batches += [some[at : at + self._batch] for at in range(0, len(some), self._batch)]
        # A batch that is not full must come last, or all after it would be cut elsewhere.
        rest = [batch for batch in batches if len(batch) < self._batch]
        full = [batch for batch in batches if len(batch) == self._batch]
        dice.shuffle(full)
        return iter([row for batch in [*full, *rest] for row in batch])


class PrefixCollator:
    """Makes a batch of what follows the prefix, padded on the right."""

    def __init__(self, prefix: Sequence[int], pad_id: int) -> None:
        self.prefix = torch.tensor([list(prefix)])
        self._pad_id = pad_id

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, Tensor]:
        """`prefix` (1, P); `input_ids` and `labels` (B, T); `attention_mask` (B, P + T)."""
        start = self.prefix.shape[1]
        longest = max(len(row["input_ids"]) for row in rows) - start
        ids = torch.full((len(rows), longest), self._pad_id)
        labels = torch.full((len(rows), longest), IGNORED)
        mask = torch.zeros((len(rows), start + longest), dtype=torch.long)
        mask[:, :start] = 1
        for place, row in enumerate(rows):
            length = len(row["input_ids"]) - start
            ids[place, :length] = torch.tensor(row["input_ids"][start:])
            labels[place, :length] = torch.tensor(row["labels"][start:])
            mask[place, start : start + length] = 1
        return {
            "prefix": self.prefix,
            "input_ids": ids,
            "labels": labels,
            "attention_mask": mask,
        }


def prefix_loss(model: Any, batch: Mapping[str, Tensor], items: Tensor | int | None) -> Tensor:
    """Cross-entropy of the learned tokens: their sum over `items`, or their mean without.

    `batch` is a PrefixCollator's. Logits are computed for the learned positions only.
    """
    with plain_inputs(model), hidden_states_of(model) as hidden:
        cache = repeated_cache(model, batch["prefix"], len(batch["input_ids"]))
        model(
            input_ids=batch["input_ids"],
            attention_mask=batch["attention_mask"],
            **{cache_argument(model): cache},
            use_cache=True,
            logits_to_keep=1,
        )
    labels = batch["labels"][:, 1:]
    learned = labels != IGNORED
    logits = model.get_output_embeddings()(hidden[-1][:, :-1][learned])
    total = torch.nn.functional.cross_entropy(logits.float(), labels[learned], reduction="sum")
    return total / (learned.sum() if items is None else items)


def repeated_cache(model: Any, prefix: Tensor, rows: int) -> Any:
    """The keys and values of (1, P) `prefix`, repeated for each of `rows` rows."""
    from transformers import DynamicCache

    cache: Any = DynamicCache(config=model.config)
    model(input_ids=prefix, **{cache_argument(model): cache}, use_cache=True, logits_to_keep=1)
    cache.batch_repeat_interleave(rows)
    return cache


def cache_argument(model: Any) -> str:
    """What `model` calls the keys and values that it goes on from: older transformers, newer."""
    base = model.get_base_model() if hasattr(model, "peft_config") else model
    new = "cache" in inspect.signature(type(base).forward).parameters
    return "cache" if new else "past_key_values"


class SharedPrefixModel:
    """Stands for `model` where TRL asks it for the log-probabilities of a padded batch.

    `input_ids` and `attention_mask` are (B, P + T): prompts padded on the left, completions on the
    right. `labels` are -100 but for the completions; the last column before them stays.
    """

    def __init__(self, model: Any) -> None:
        self._model = model

    def __call__(
        self, input_ids: Tensor, attention_mask: Tensor, labels: Tensor, **more: Any
    ) -> Any:
        """What the model returns, without the columns of the prefix on the left."""
        with plain_inputs(self._model):
            return self._call(input_ids, attention_mask, labels, **more)

    def _call(self, input_ids: Tensor, attention_mask: Tensor, labels: Tensor, **more: Any) -> Any:
        padding = attention_mask.argmax(1)  # (B,)
        shared = self._shared(input_ids, attention_mask, labels, padding)
        if not shared:
            return self._model(
                input_ids=input_ids, attention_mask=attention_mask, labels=labels, **more
            )
        first = int(padding[0])
        cache = repeated_cache(self._model, input_ids[:1, first : first + shared], len(input_ids))
        # A row with n columns of padding has its rest n columns later: there lies, in what is
        # left of the others' prefix, the end of its own, which is masked.
        rest = attention_mask[:, shared:].clone()
        columns = torch.arange(rest.size(1), device=rest.device)
        rest[columns < padding[:, None]] = 0
        return self._model(
            input_ids=input_ids[:, shared:],
            attention_mask=torch.cat([rest.new_ones(len(rest), shared), rest], dim=1),
            position_ids=(shared + rest.cumsum(1) - 1).clamp(min=0),
            labels=labels[:, shared:],
            **{cache_argument(self._model): cache},
            **more,
        )

    @staticmethod
    def _shared(ids: Tensor, mask: Tensor, labels: Tensor, padding: Tensor) -> int:
        """How many tokens all rows begin with, short of the last token of any prompt."""
        learned = (labels != IGNORED).any(0).nonzero()
        if len(ids) == 1 or not len(learned) or not bool(mask.any(1).all()):
            return 0
        end = int(learned[0]) - 1
        starts = padding.tolist()
        prompts = [row[start:end] for row, start in zip(ids.tolist(), starts, strict=True)]
        return len(common_prefix(prompts))


def plain_inputs(model: Any) -> AbstractContextManager[None]:
    """Without peft's casts of every adapter's input to float32: autocast would undo them."""
    if not hasattr(model, "peft_config") or not torch.is_autocast_enabled(model.device.type):
        return nullcontext()
    from peft.helpers import disable_input_dtype_casting

    context: AbstractContextManager[None] = disable_input_dtype_casting(model)
    return context
