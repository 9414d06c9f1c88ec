"""Golden ids for the tokenizers of @loran/models: a corpus of awkward texts through the Python tokenizers library.

    python tools/parity/tokenizers_golden.py [MODELS_FOLDER] [--train]

Needs tokenizers. Writes packages/models/src/__fixtures__/tokenizers: corpus.json and KIND/golden.json for the tiny tokenizers of
the common kinds there; --train trains those anew, which comes out otherwise each time (the trainers hash at random). With MODELS_FOLDER it also encodes the corpus with the tokenizer.json of the real models
there (smollm2-135m-instruct-gguf, all-minilm-l6-v2) and keeps the ids alone.

Of each text golden.json has the ids with special tokens read (`special`) and as text (`plain`), without what is put around, and
the texts of both without special tokens.
"""

import base64
import json
import struct
import sys
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

FIXTURES = Path(__file__).parents[2] / "packages/models/src/__fixtures__/tokenizers"

CORPUS = [
    "", " ", "  ", "\n", "Hello, world!", " leading", "trailing ", "a  b   c    d     e", "tabs\tand\nnew\n\nlines\r\nand\r",
    "      sixteen spaces                then", "don't we'll I'VE it's THEY'RE", "ÀÉÎÕÜ àéîõü naïve café", "e\u0301a\u0300 combining \u0301\u0302",
    "ΣΑΣ ΟΔΟΣ ςσ İstanbul ǅ ß ẞ", "中文字符和日本語カタカナ한국어", "𠀀𠮷野家 \U0002B740", "ﬁ ﬂ ① ½ ² ³ ٣ Ⅷ 𝟘 ㎏ ｆｕｌｌ ｗｉｄｔｈ ～",
    "1234567890 3.14159 1,000,000 0x1F 2024-05-06", "😀 👨‍👩‍👧‍👦 🏳️‍🌈 👍🏽 🇩🇪 ❤️", "zero\u200bwidth \u200dand\ufeffbom \u00adsoft", "\u00a0nbsp\u2003em\u3000ideo\u2028line\u0085next",
    "\u0000nul \u0007bell \u001besc \u007fdel \ufffd", "x" * 130, "supercalifragilisticexpialidocious" * 4, "<s>hi</s> <unk> <pad>", "<|im_start|>user\nhi<|im_end|>\n",
    "[CLS] a [SEP] [MASK][PAD] [UNK]", "<s><s></s>x</s>", "<|endoftext|>", "text<|endoftext|>more <|endoftext|>", "▁ real ▁▁ marks▁", "Ġ byte Ċ letters",
    "$1 ${2} $& \\n \\ / ^ [a-z] {n} (x|y) 'q' \"r\"", "snake_case camelCase kebab-case __init__ a.b.c", "if (x < 3) {\n    return x;\n}\n", "مرحبا بالعالم", "नमस्ते दुनिया क्षत्रिय",
    "สวัสดีชาวโลก", "Привет, мир! ёжик", "a\u0300\u0301\u0302\u0303\u0304\u0305 zalgo", "!!! ??? ... --- ;;; ::", "http://example.com/a?b=c&d=%20e#f", "\U000e0001\ue000 private \ud7ff",
    "aaa aaaa aaaaa aaaaaa", "the the the  the", "one<extra>two <extra> three", "¿Qué? ¡Sí! «quoted» „low“ — dash… • ± × ÷ € £",
]

TRAINING = CORPUS * 2 + [
    "the quick brown fox jumps over the lazy dog", "she sells sea shells by the sea shore", "how much wood would a woodchuck chuck",
    "in the beginning was the word", "it was the best of times, it was the worst of times", "hello world hello there general",
    "return the value of the function", "for i in range(10): print(i)", "the cat sat on the mat and the dog sat on the log",
] * 6

BYTES = [f"<0x{byte:02X}>" for byte in range(256)]


def special(*tokens: str) -> list:
    return [AddedToken(token, special=True, normalized=False) for token in tokens]


def bpe(tokenizer: Tokenizer, size: int, tokens: list, **more) -> Tokenizer:
    tokenizer.train_from_iterator(TRAINING, trainers.BpeTrainer(vocab_size=size, special_tokens=tokens, show_progress=False, **more))
    return tokenizer


def llama() -> Tokenizer:
    """SentencePiece's BPE with bytes for what is unknown, as transformers converts Llama 2: normalised, not cut into words."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    bpe(tokenizer, 560, special("<unk>", "<s>", "</s>") + [AddedToken(b, special=False, normalized=False) for b in BYTES], limit_alphabet=80)
    description = json.loads(tokenizer.to_str())
    description["added_tokens"] = description["added_tokens"][:3]  # bytes stand in the vocabulary alone
    description["pre_tokenizer"] = None
    tokenizer = Tokenizer.from_str(json.dumps(description))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", pair="<s> $A <s>:1 $B:1", special_tokens=[("<s>", 1)])
    return tokenizer


def llama_metaspace() -> Tokenizer:
    """The same in the newer form: a Metaspace that marks the first section alone, and does not split."""
    tokenizer = llama()
    tokenizer.normalizer = None
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    return tokenizer


def charsmap() -> str:
    """A small SentencePiece character map: a double array by hand, for full-width letters, ligatures, a two-character sequence and spaces."""
    entries = {"\t": " ", "\n": " ", "\r": " ", "\u00a0": " ", "\u3000": " ", "ﬁ": "fi", "ﬂ": "fl", "①": "1", "½": "1⁄2", "～": "~", "\u200b": "", "e\u0301": "é", "ｆ": "f", "ｕ": "u"}
    blob, places = b"", {}
    for key, value in entries.items():
        places[key.encode()] = len(blob)
        blob += value.encode() + b"\0"
    tree: dict = {}
    for key, place in places.items():
        node = tree
        for byte in key:
            node = node.setdefault(byte, {})
        node[None] = place
    units, used = {0: 0}, {0}

    def insert(node: dict, at: int) -> None:
        labels = [0 if label is None else label for label in node]
        offset = next(o for o in range(1, 1 << 16) if all((at ^ o ^ label) not in used for label in labels))
        base = at ^ offset
        units[at] |= offset << 10
        for label in labels:
            used.add(base ^ label)
        for label, child in node.items():
            if label is None:
                units[at] |= 1 << 8
                units[base] = (1 << 31) | child
            else:
                units[base ^ label] = label
        for label, child in node.items():
            if label is not None:
                insert(child, base ^ label)

    insert(tree, 0)
    array = [units.get(i, 0) for i in range((max(units) | 255) + 1)]
    return base64.b64encode(struct.pack("<I", 4 * len(array)) + struct.pack(f"<{len(array)}I", *array) + blob).decode()


def unigram(byte_fallback: bool = False) -> Tokenizer:
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokens = special("<pad>", "</s>", "<unk>") + ([AddedToken(b, special=False) for b in BYTES] if byte_fallback else [])
    trainer = trainers.UnigramTrainer(vocab_size=420 if byte_fallback else 260, special_tokens=tokens, unk_token="<unk>", show_progress=False)
    tokenizer.train_from_iterator([t for t in TRAINING if t.isascii()], trainer)
    if not byte_fallback:
        return tokenizer
    description = json.loads(tokenizer.to_str())
    description["added_tokens"] = description["added_tokens"][:3]
    description["model"]["byte_fallback"] = True
    return Tokenizer.from_str(json.dumps(description))


def t5() -> Tokenizer:
    """Unigram behind a character map, as T5: words by white space, each marked."""
    tokenizer = unigram()
    description = json.loads(tokenizer.to_str())
    description["normalizer"] = {"type": "Precompiled", "precompiled_charsmap": charsmap()}
    tokenizer = Tokenizer.from_str(json.dumps(description))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", pair="$A </s> $B </s>", special_tokens=[("</s>", 1)])
    return tokenizer


def unigram_bytes() -> Tokenizer:
    """Unigram with bytes for what is unknown, spaces kept, in runs too."""
    tokenizer = unigram(byte_fallback=True)
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")])
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    return tokenizer


def byte_level(split=None, normalizer=None, prefix: bool = False, tokens=("<|endoftext|>",), size: int = 420, ignore_merges: bool = False) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE(ignore_merges=ignore_merges))
    if normalizer is not None:
        tokenizer.normalizer = normalizer
    level = pre_tokenizers.ByteLevel(add_prefix_space=prefix, use_regex=split is None)
    tokenizer.pre_tokenizer = level if split is None else pre_tokenizers.Sequence([*split, level])
    tokenizer.decoder = decoders.ByteLevel()
    return bpe(tokenizer, size, special(*tokens), initial_alphabet=pre_tokenizers.ByteLevel.alphabet())


def gpt2() -> Tokenizer:
    return byte_level()


def roberta() -> Tokenizer:
    """GPT-2's with a space before the first word, single_word and lstrip among its added tokens' marks, and <s> … </s> around."""
    tokenizer = byte_level(prefix=True, tokens=("<s>", "<pad>", "</s>", "<unk>"))
    tokenizer.add_special_tokens([AddedToken("<mask>", special=True, lstrip=True, normalized=False)])
    tokenizer.add_tokens([AddedToken("<extra>", normalized=False)])
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), trim_offsets=True, add_prefix_space=True)
    return tokenizer


QWEN = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"


def qwen() -> Tokenizer:
    return byte_level([pre_tokenizers.Split(Regex(QWEN), "isolated")], normalizers.NFC(), tokens=("<|endoftext|>", "<|im_start|>", "<|im_end|>"))


def llama3() -> Tokenizer:
    tokenizer = byte_level([pre_tokenizers.Split(Regex(LLAMA3), "isolated")], tokens=("<|begin_of_text|>", "<|eot_id|>"), ignore_merges=True)
    template = processors.TemplateProcessing(single="<|begin_of_text|> $A", pair="<|begin_of_text|> $A $B", special_tokens=[("<|begin_of_text|>", 0)])
    tokenizer.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=True), template])
    return tokenizer


def smollm() -> Tokenizer:
    tokenizer = byte_level(tokens=("<|endoftext|>", "<|im_start|>", "<|im_end|>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)])
    return tokenizer


def falcon() -> Tokenizer:
    tokenizer = byte_level(tokens=(">>TITLE<<", "<|endoftext|>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Punctuation("contiguous"), pre_tokenizers.ByteLevel(add_prefix_space=False), pre_tokenizers.Digits(individual_digits=False),
        pre_tokenizers.Split(Regex("[0-9][0-9][0-9]"), "isolated")])
    return tokenizer


def gemma() -> Tokenizer:
    """BPE over marks, cut behind each space, with unnormalised runs of spaces as tokens of their own."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_next")
    bpe(tokenizer, 600, special("<pad>", "<eos>", "<bos>", "<unk>") + [AddedToken(b, special=False, normalized=False) for b in BYTES], limit_alphabet=90)
    description = json.loads(tokenizer.to_str())
    description["added_tokens"] = description["added_tokens"][:4]
    description["pre_tokenizer"] = {"type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithPrevious", "invert": False}
    tokenizer = Tokenizer.from_str(json.dumps(description))
    tokenizer.add_tokens([AddedToken("▁▁", normalized=False), AddedToken("\n\n", normalized=False)])
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    return tokenizer


def bert(cased: bool = False) -> Tokenizer:
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=not cased)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    trainer = trainers.WordPieceTrainer(vocab_size=420, special_tokens=special("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"), show_progress=False)
    tokenizer.train_from_iterator(TRAINING, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    return tokenizer


def bert_cased() -> Tokenizer:
    return bert(cased=True)


def words() -> Tokenizer:
    """A list of words, with most of the other pre-tokenizers and normalizers in front of it."""
    tokenizer = Tokenizer(models.WordLevel(unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFD(), normalizers.StripAccents(), normalizers.Lowercase(), normalizers.Strip(), normalizers.Replace("q", "$&")])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Whitespace(), pre_tokenizers.Punctuation("merged_with_previous"), pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.CharDelimiterSplit("c")])
    tokenizer.train_from_iterator(TRAINING, trainers.WordLevelTrainer(vocab_size=300, special_tokens=special("<unk>"), show_progress=False))
    return tokenizer


KINDS = [llama, llama_metaspace, t5, unigram_bytes, gpt2, roberta, qwen, llama3, smollm, falcon, gemma, bert, bert_cased, words]


def encoded(tokenizer: Tokenizer) -> list:
    def ids(text: str, as_text: bool) -> list:
        tokenizer.encode_special_tokens = as_text
        return tokenizer.encode(text, add_special_tokens=False).ids

    rows = []
    for text in CORPUS:
        plain, read = ids(text, True), ids(text, False)
        rows.append({"plain": plain, **({"special": read} if read != plain else {}), "text": tokenizer.decode(plain)})
    return rows


def without_texts(rows: list) -> list:
    return [{key: value for key, value in row.items() if key != "text"} for row in rows]


def dump(path: Path, value) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n")


def main(models_folder: Path | None, train: bool) -> None:
    dump(FIXTURES / "corpus.json", CORPUS)
    for kind in KINDS:
        name = kind.__name__.replace("_", "-")
        file = FIXTURES / name / "tokenizer.json"
        if train or not file.exists():
            dump(file, json.loads(kind().to_str()))
        tokenizer = Tokenizer.from_file(str(file))
        dump(FIXTURES / name / "golden.json", encoded(tokenizer))
    for real in ["smollm2-135m-instruct-gguf", "all-minilm-l6-v2"] if models_folder else []:
        tokenizer = Tokenizer.from_file(str(models_folder / real / "tokenizer.json"))
        tokenizer.no_truncation()
        tokenizer.no_padding()
        dump(FIXTURES / f"{real}.json", without_texts(encoded(tokenizer)))
        if real.startswith("smollm2"):  # as published: transformers' conversion of the GGUF file, which lies there, leaves the digits together
            tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), tokenizer.pre_tokenizer])
            dump(FIXTURES / "smollm2-published.json", without_texts(encoded(tokenizer)))


if __name__ == "__main__":
    folders = [Path(argument) for argument in sys.argv[1:] if argument != "--train"]
    main(folders[0] if folders else None, "--train" in sys.argv)
