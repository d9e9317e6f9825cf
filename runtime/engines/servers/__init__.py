"""What each kind of model server offers, in one form (`base.Server`). The engine over them is
`runtime.engines.openai`.

| server | ids | tool calls held to their schema | cached tokens told |
|---|---|---|---|
| llama-server | its own | yes (GBNF) | yes |
| vLLM with a tokenizer file | the file's | yes (GBNF) | if it was started to tell them |
| vLLM, llama_cpp.server | stand-ins | yes (GBNF) | vLLM, as above |
| Ollama | stand-ins | only a call that must come first (JSON schema) | no |
| another /v1/completions | stand-ins | no | if it tells them |

Stand-ins are ids that carry their own text (`text_tokenizer.TextTokenizer`): for servers that only
take and give text.
"""
