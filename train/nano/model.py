"""The nano tokenizer and the shapes of the two nano models.

The tokenizer is byte-level BPE, trained on the problems and on the prompt of the protocol, so that
a prompt is some seventy tokens and not six hundred. It splits text as Llama 3's does, up to three
digits together, which llama.cpp knows under the name `llama-bpe`; all numbers below 100 are one
token, so that copying one is one decision. The chat template is ChatML with one line per tool.
"""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Literal

from runtime.protocol import Tool, render_call, system_prompt
from train.nano.problems import draw

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

VOCABULARY = 768
_LLAMA3_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_CONTROL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
_TAGS = ("<tool_call>", "</tool_call>")

TEMPLATE = """\
{%- for message in messages %}
    {{- '<|im_start|>' + message.role + '\\n' + message.content }}
    {%- if loop.first and tools %}
        {%- for tool in tools %}
            {{- '\\n' + tool.function.name }}
            {{- '(' + tool.function.parameters.properties | join(', ') + ')' }}
        {%- endfor %}
        {{- ' in <tool_call>' }}
    {%- endif %}
    {{- '<|im_end|>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
{%- endif %}
"""


def train_tokenizer(tool: Tool, problems: int = 4000, seed: int = 0) -> PreTrainedTokenizerFast:
    """The tokenizer, trained on generated problems and their solutions."""
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_LLAMA3_SPLIT), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY - len(_TAGS),
        special_tokens=list(_CONTROL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    rng = random.Random(seed)
    texts = []
    for _ in range(problems):
        problem = draw(rng)
        calls = [render_call(tool.name, {"code": program}) for program in problem.programs]
        texts += [system_prompt([tool]), problem.question, *calls, *problem.thoughts]
        texts += _words_of_the_protocol(tool)
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.add_tokens([AddedToken(tag, special=False, normalized=False) for tag in _TAGS])
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="<|im_end|>", pad_token="<|endoftext|>"
    )
    fast.chat_template = TEMPLATE
    return fast


def _words_of_the_protocol(tool: Tool) -> list[str]:
    names = ", ".join(tool.parameters["properties"])
    return [
        "system\n",
        "user\n",
        "assistant\n",
        "tool\n",
        f"\n{tool.name}({names}) in <tool_call>",
        "The final answer is \\boxed{",
        "Traceback NameError SyntaxError Error: ",
        " ".join(str(number) for number in range(100)),
        json.dumps({"name": tool.name, "arguments": {"code": "print("}}),
    ]


def random_model(size: Literal["student", "teacher"], seed: int) -> PreTrainedModel:
    """A Qwen3-shaped model of random weights: student 0.23 M of them, teacher 1.1 M."""
    import torch
    from transformers import Qwen3Config, Qwen3ForCausalLM

    width = {"student": 64, "teacher": 128}[size]
    config = Qwen3Config(
        vocab_size=VOCABULARY,
        hidden_size=width,
        intermediate_size=3 * width,
        num_hidden_layers={"student": 3, "teacher": 4}[size],
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=width // 2,
        max_position_embeddings=1024,
        initializer_range=0.05,  # small models learn faster from larger weights than the default
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=2,
        pad_token_id=0,
    )
    torch.manual_seed(seed)
    return Qwen3ForCausalLM(config)
