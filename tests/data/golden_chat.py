"""Makes golden_chat.json: what transformers' apply_chat_template writes for our conversations.

Run it where transformers is installed, which the project itself never needs:

    python -m venv /tmp/hf && /tmp/hf/bin/pip install transformers jinja2
    /tmp/hf/bin/python tests/data/golden_chat.py > tests/data/golden_chat.json
"""

from __future__ import annotations

import json
from pathlib import Path

import transformers
from transformers.utils.chat_template_utils import render_jinja_template

TEMPLATES = Path(__file__).parent / "templates"
SPECIAL = {"qwen3": {"eos_token": "<|im_end|>"}}
SPECIAL |= {"qwen2.5": SPECIAL["qwen3"]}
SPECIAL |= {"smollm2": {"bos_token": "<|im_start|>", "eos_token": "<|im_end|>"}}
SPECIAL |= {"gemma3-style": {"bos_token": "<bos>", "eos_token": "<eos>"}}

TOOL = {
    "type": "function",
    "function": {
        "name": "search",
        "description": "Find “notes” <fast> & well.",
        "parameters": {
            "type": "object",
            "properties": {
                "query": {"description": "What to look for.", "type": "string"},
                "limit": {"type": "integer", "default": 3},
            },
            "required": ["query"],
            "additionalProperties": False,
        },
    },
}
CALL = '<tool_call>\n{"name": "search", "arguments": {"query": "é"}}\n</tool_call>'
TALKS = {
    "question": [("user", "What is 2 + 2?")],
    "system": [("system", "Be brief."), ("user", "  Ça va? <b>naïve</b> 日本語\n")],
    "multi turn": [
        ("system", "Be brief."),
        ("user", "One?"),
        ("assistant", "1"),
        ("user", "Two?"),
        ("assistant", "<think>\nhm\n</think>\n\n2"),
        ("user", "Three?"),
    ],
    "tool turns": [
        ("system", "Be brief."),
        ("user", "Find é"),
        ("assistant", "Looking.\n" + CALL),
        ("tool", "nothing\nat all"),
        ("assistant", CALL),
        ("tool", "found"),
    ],
    "two results": [("user", "Go"), ("assistant", CALL), ("tool", "a"), ("tool", "b")],
    "answered": [
        ("user", "Go"),
        ("assistant", "done"),
        ("user", "<tool_response>x</tool_response>"),
    ],
}


def main() -> None:
    cases = []
    for name, special in SPECIAL.items():
        source = (TEMPLATES / f"{name}.jinja").read_text()
        for title, talk in TALKS.items():
            if name in ("smollm2", "gemma3-style") and any(role == "tool" for role, _ in talk):
                continue  # no tool turns there: the runtime writes them as user turns
            for tools in ([], [TOOL]) if name.startswith("qwen") else ([],):
                for thinking in (False, True):
                    for prompt in (True, False):
                        rendered, _ = render_jinja_template(
                            conversations=[[{"role": r, "content": c} for r, c in talk]],
                            tools=tools or None,
                            chat_template=source,
                            add_generation_prompt=prompt,
                            enable_thinking=thinking,
                            **special,
                        )
                        cases.append(
                            {
                                "template": name,
                                "title": title,
                                "messages": talk,
                                "tools": bool(tools),
                                "thinking": thinking,
                                "add_generation_prompt": prompt,
                                "rendered": rendered[0],
                            }
                        )
    made = f"tests/data/golden_chat.py with transformers {transformers.__version__}"
    golden = {"made_by": made, "special": SPECIAL, "tool": TOOL, "cases": cases}
    print(json.dumps(golden, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
