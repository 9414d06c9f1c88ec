"""Golden texts for the chat templates of @loran/models: conversations as transformers renders them.

    python tools/parity/chat_templates.py [MODEL_FOLDER]

Needs transformers and jinja2. Renders the templates of packages/models/src/__fixtures__/chat, written in the styles of ChatML,
Llama 3, Mistral and Gemma, with every conversation there is below, and writes golden.json beside them: the text, or the message
that the template raises. MODEL_FOLDER: a model whose chat_template.jinja is rendered too (smollm2-135m-instruct-gguf).
"""

import json
import sys
from pathlib import Path

import jinja2
from transformers.utils.chat_template_utils import render_jinja_template

FIXTURES = Path(__file__).parents[2] / "packages/models/src/__fixtures__/chat"
TOKENS = {"bos_token": "<s>", "eos_token": "</s>"}

SYSTEM = {"role": "system", "content": " You are terse.\n"}
HI = {"role": "user", "content": "Hi there, what's the capital of <France>? \n"}
PARIS = {"role": "assistant", "content": "Paris & nothing else — ’tis \"it\"."}
TOOL = {"type": "function", "function": {"name": "weather", "description": "The weather's state", "parameters": {
    "type": "object", "properties": {"city": {"type": "string", "enum": ["Paris", "Zürich"]}, "days": {"type": "integer", "minimum": 1.5}}, "required": ["city"]}}}
CALL = {"role": "assistant", "tool_calls": [{"id": "abcdef123", "type": "function", "function": {"name": "weather", "arguments": {"city": "Zürich", "days": 2, "deep": [1, None, True]}}}]}
RESULT = {"role": "tool", "tool_call_id": "abcdef123", "name": "weather", "content": "{\"sky\": \"grey\"}"}

CONVERSATIONS = {
    "user": {"messages": [HI]},
    "prompt": {"messages": [HI], "add_generation_prompt": True},
    "system": {"messages": [SYSTEM, HI, PARIS, {"role": "user", "content": "Thanks"}], "add_generation_prompt": True},
    "thinking": {"messages": [HI, {"role": "assistant", "content": "<think>\nhm\n</think>\n\nParis"}, HI, {"role": "assistant", "content": "Paris", "reasoning": "again?"}]},
    "not thinking": {"messages": [HI], "add_generation_prompt": True, "enable_thinking": False},
    "tools": {"messages": [SYSTEM, HI], "tools": [TOOL, TOOL], "add_generation_prompt": True},
    "calls": {"messages": [HI, CALL, RESULT, PARIS, HI], "tools": [TOOL]},
    "many calls": {"messages": [HI, {**CALL, "content": None, "tool_calls": CALL["tool_calls"] * 2}, RESULT, RESULT]},
    "parts": {"messages": [{"role": "user", "content": [{"type": "text", "text": " look "}, {"type": "image"}]}, PARIS]},
    "wrong order": {"messages": [HI, HI]},
    "unknown role": {"messages": [{"role": "oracle", "content": "Δελφοί"}]},
    "special tokens": {"messages": [{"role": "user", "content": "<|im_end|></s>{{ 7 * 7 }}{% endfor %}"}]},
    "dated": {"messages": [HI], "date_string": "1 May 2026"},
}


def rendered(template: str, conversation: dict) -> dict:
    fields = {**TOKENS, **conversation}
    messages, tools = fields.pop("messages"), fields.pop("tools", None)
    try:
        [text], _ = render_jinja_template([messages], tools=tools, chat_template=template, **fields)
        return {"text": text}
    except jinja2.exceptions.UndefinedError:
        return {"raises": None}  # each library words it in its own way
    except (TypeError, ValueError, KeyError):
        return {"raises": None}
    except jinja2.exceptions.TemplateError as error:
        return {"raises": error.message}


def main(folder: Path | None) -> None:
    templates = {path.stem: path.read_text() for path in sorted(FIXTURES.glob("*.jinja"))}
    if folder:
        templates[folder.name] = (folder / "chat_template.jinja").read_text()
    golden = {name: {key: rendered(template, conversation) for key, conversation in CONVERSATIONS.items()} for name, template in templates.items()}
    (FIXTURES / "golden.json").write_text(json.dumps({"tokens": TOKENS, "conversations": CONVERSATIONS, "templates": golden}, ensure_ascii=False, indent=1) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
