"""Finds the program in a response: in fences of all kinds, among prose, or as a continuation.

Used by the `code` verifier. Takes the text of a response, gives Python source; runs nothing.
"""

from __future__ import annotations

import ast
import builtins
import re
import textwrap
import warnings
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

# Signs that end a text, or begin one; not where a program holds them in quotes.
END_OF_TEXT = re.compile(
    r"(?<![\"'])(?:<\|(?:endoftext|end_of_text|eot_id|eom_id|im_end|im_start|end|return|eos"
    r"|begin_of_text|EOT|END_OF_TURN_TOKEN|endofturn|fim_pad|file_separator)\|>"
    r"|<\uff5c(?:end|begin)\u2581of\u2581sentence\uff5c>|</?s>|<eos>|<bos>|<end_of_turn>|\[EOS\])(?![\"'])"
    # Around the program in the prompts of MBPP and of Code Llama.
    r"|^[ \t]*\[(?:BEGIN|DONE|/?PYTHON)\][ \t]*$",
    re.M,
)
# A fence, perhaps behind the marks of lists and quotations.
FENCE = re.compile(
    r"(?P<before>[ \t]*(?:(?:>|[-*+]|\d{1,3}[.)])[ \t]+)*)"
    r"(?P<fence>`{3,}|~{3,})[ \t]*(?P<info>[^`\n]*)"
)
QUOTED = re.compile(r"[ \t]*>[ \t]?")
GOES_ON = re.compile(r"(?:[ \t]*\n)*(?: {2,}|\t)[ \t]*[^\s`~>*+-]")
# Where a base model that was asked for one function begins something else.
STOP = re.compile(r"^(?:(?:async def|def|class|if|print|assert|import|from)\b|[@#]|```|</)", re.M)
# How a statement at the margin may begin in a text that is prose and program.
STATEMENT = re.compile(
    r"(?:async|class|def|for|from|if|import|try|while|with)\b|@"
    r"|[A-Za-z_][\w.\[\], ]*[^\w\s]?=|\w+[.(]"
)
# What goes on with the statement above: a closing bracket, or another branch of it.
SAME_STATEMENT = re.compile(r"[)\]}]|(?:else|elif|except|finally)\b|[\"']{3}")
# Characters of a program that is read, and of prose that is looked through for one.
LONGEST_PROGRAM = 200_000
LONGEST_PROSE = 50_000
MARKDOWN = ("markdown", "md")


class Block(NamedTuple):
    """The content of a fence, without the indentation of the fence.

    Attributes:
        language: The first word after the fence, in lower case.
        text: What stands between.
    """

    language: str
    text: str


def find_program(text: str, prompt: str, name: str) -> str | None:
    """The program that a response means.

    The last fenced block that defines the entry point and is more than a stub, with what it needs
    from the other blocks and from the prompt; else the prompt with the response as its
    continuation, up to where something else begins; else the function among prose.

    Args:
        text: The response.
        prompt: The beginning of a program, words, or empty.
        name: The entry point, a function or a method of a class `Solution`. Empty if the whole
            program is asked for, which reads its input and writes its output.

    Returns:
        Python source, which need not be correct; None if the response is blank.
    """
    text = _without_tokens(re.sub(r"\r\n?", "\n", text), name)
    if not text.strip():
        return None
    begun = bool(definitions(prompt))
    if begun and GOES_ON.match(text):
        continued = prompt + _cut(text)
        if parsed(continued) or not FENCE.search(text):
            return continued
    blocks = _python_blocks(text)
    if not name:
        return _whole_program(text, blocks)
    defining = [block.text for block in blocks if _defines(block.text, name)]
    if defining:
        full = [block for block in defining if not _is_stub(block, name)] or defining
        return _after(prompt, _called_by_name(_with_helpers(full[-1], blocks, prompt), name))
    if blocks:
        return _continued(prompt, blocks[-1].text) if begun else blocks[-1].text
    if _defines(text, name):
        source = text if _is_program(text) else _among_prose(text, name)
        return _after(prompt, _called_by_name(source, name))
    return _continued(prompt, text) if begun else text


@lru_cache(maxsize=1024)
def definitions(prompt: str) -> str:
    """The prompt as Python that stands alone; empty where it is words."""
    for whole in (prompt, f"{prompt}\n    pass\n"):
        if prompt.strip() and parsed(whole):
            return whole
    return ""


@lru_cache(maxsize=64)
def parsed(source: str) -> ast.Module | None:
    """The syntax tree of a source, or None if it is not Python or too long for a program."""
    if len(source) > LONGEST_PROGRAM:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def fenced_blocks(text: str) -> list[Block]:
    """The fenced blocks of a text, as CommonMark has them and as models write them.

    A fence ends at one of the same sign that is no shorter, at a new one that names a language, or
    with the text. A block of Markdown gives the blocks in it.
    """
    blocks: list[Block] = []
    lines: list[str] = []
    opening: re.Match[str] | None = None
    source = text.splitlines(keepends=True)
    inside = 0  # the line up to which fences stand in a docstring

    def close() -> None:
        assert opening is not None
        word = re.match(r"[\s{.]*([\w+#-]*)", opening["info"])
        language = word[1].lower() if word else ""
        content = "".join(lines)
        inner = fenced_blocks(content) if language in MARKDOWN else []
        blocks.extend(inner or [Block(language, content)])

    for number, line in enumerate(source):
        found = FENCE.match(line)
        if opening is None:
            if found:
                opening, lines = found, []
            continue
        same = (
            found is not None
            and found["fence"][0] == opening["fence"][0]
            and len(found["fence"]) >= len(opening["fence"])
        )
        if same and number >= inside and _in_docstring("".join(lines)):
            inside = _end_of_program(source, number, lines, opening)
        if found is None or not same or number < inside:
            lines.append(_unindented(line, opening["before"]))
            continue
        close()
        begins = bool(re.fullmatch(r"(?:python|py)[\w.]*(?:[\s{].*)?", found["info"].strip(), re.I))
        opening, lines = (found, []) if begins else (None, [])
    if opening is not None:
        # Its fence may stand at the end of the last line.
        lines = [re.sub(r"(?:`{3,}|~{3,})\s*\Z", "", "".join(lines))]
        close()
    return blocks


def _in_docstring(source: str) -> bool:
    """Whether a source ends within a text in three quotes."""
    return any(source.count(quotes) % 2 for quotes in ('"""', "'''"))


def _end_of_program(
    source: Sequence[str], start: int, lines: Sequence[str], opening: re.Match[str]
) -> int:
    """The line of the fence that ends a program with fences in its docstring; 0 if none makes one.

    Args:
        source: All lines.
        start: The line of the first fence in the docstring.
        lines: The program up to there.
        opening: The fence before it.
    """
    fences = [n for n in range(start + 1, len(source)) if FENCE.match(source[n])]
    for end in fences[:6]:
        rest = (_unindented(line, opening["before"]) for line in source[start:end])
        if parsed("".join([*lines, *rest])):
            return end
    return 0


def _unindented(line: str, before: str) -> str:
    """A line without as much white space as stands before its fence."""
    if ">" in before:
        line = QUOTED.sub("", line, count=1)
        before = before.rpartition(">")[2][1:]
    width = len(before.expandtabs(4))
    spaces = len(line) - len(line.lstrip(" \t"))
    head = line[:spaces].expandtabs(4)
    return head[min(width, len(head)) :] + line[spaces:]


def _without_tokens(text: str, name: str) -> str:
    """The first part between signs of a text's end that holds a program, or else any text."""
    parts = [part for part in END_OF_TEXT.split(text) if part.strip()]
    if len(parts) < 2:
        return parts[0] if parts else ""
    if FENCE.search(parts[0]) or GOES_ON.match(parts[0]) or (name and _defines(parts[0], name)):
        return parts[0]
    return next((p for p in parts if FENCE.search(p) or (name and _defines(p, name))), parts[0])


def _python_blocks(text: str) -> list[Block]:
    """The blocks that may be Python: those that say so and those that say nothing."""
    blocks = []
    for language, content in fenced_blocks(text):
        if content.strip() and (not language or language.startswith("py")):
            tree = None if parsed(content) else parsed(textwrap.dedent(content))
            blocks.append(Block(language, textwrap.dedent(content) if tree else content))
    return blocks


def _bound(statement: ast.stmt) -> set[str]:
    """The names that a statement at the margin binds."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {statement.name}
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return {(alias.asname or alias.name).partition(".")[0] for alias in statement.names}
    return {
        node.id
        for node in ast.walk(statement)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }


def _definition(tree: ast.Module, name: str) -> ast.stmt | None:
    """The last statement that defines a name, as itself or as a method of a class Solution."""
    for statement in reversed(tree.body):
        if not isinstance(statement, ast.Import | ast.ImportFrom) and name in _bound(statement):
            return statement
        if isinstance(statement, ast.ClassDef) and statement.name == "Solution":
            for inner in statement.body:
                if isinstance(inner, ast.FunctionDef) and inner.name == name:
                    return inner
    return None


def _defines(source: str, name: str) -> bool:
    tree = parsed(source)
    if tree is not None:
        return _definition(tree, name) is not None
    escaped = re.escape(name)
    indented = r"[ \t]*" if "class Solution" in source else ""
    pattern = rf"^(?:{indented}(?:async[ \t]+)?def|class)[ \t]+{escaped}\b|^{escaped}[ \t]*="
    return bool(re.search(pattern, source, re.M))


def _is_stub(source: str, name: str) -> bool:
    """Whether a function has nothing in it but a docstring, `pass` or dots."""
    tree = parsed(source)
    found = _definition(tree, name) if tree else None
    return isinstance(found, ast.FunctionDef | ast.AsyncFunctionDef) and all(
        isinstance(s, ast.Pass) or (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))
        for s in found.body
    )


def _with_helpers(source: str, blocks: Sequence[Block], prompt: str) -> str:
    """A block after the definitions and imports of other blocks that it needs."""
    tree = parsed(source)
    if tree is None:
        return source
    before = parsed(definitions(prompt))
    bound = set(dir(builtins)).union(
        *map(_bound, tree.body), *map(_bound, before.body if before else [])
    )
    helpers: dict[str, tuple[int, str]] = {}
    for number, block in enumerate(blocks):
        other = parsed(block.text) if block.text != source else None
        for statement in other.body if other else []:
            if isinstance(
                statement,
                ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Import | ast.ImportFrom
                | ast.Assign | ast.AnnAssign,
            ):  # fmt: skip
                place = (number << 32) + statement.lineno
                for helper in _bound(statement):
                    helpers[helper] = (place, ast.unparse(statement))
    needed: set[tuple[int, str]] = set()
    open_names = _loaded(tree) - bound
    while open_names:
        helper = open_names.pop()
        bound.add(helper)
        if helper in helpers:
            needed.add(helpers[helper])
            more = parsed(helpers[helper][1])
            open_names |= _loaded(more) - bound if more else set()
    return "\n".join([*(text for _, text in sorted(needed)), source])


def _loaded(tree: ast.AST) -> set[str]:
    return {
        node.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    }


def _whole_program(text: str, blocks: Sequence[Block]) -> str:
    """The program that reads its input and writes its output."""
    named = [block for block in blocks if block.language] or blocks
    programs = [block.text for block in named if _does_something(parsed(block.text))]
    if programs:
        printing = [source for source in programs if _writes(source)]
        return _with_helpers((printing or programs)[-1], blocks, "")
    if named:
        return named[-1].text
    return text if _is_program(text) else _among_prose(text, "")


def _does_something(tree: ast.Module | None) -> bool:
    """Whether a source has a statement that is more than a number, a name or a text."""
    return tree is not None and any(
        not isinstance(s, ast.Expr) or isinstance(s.value, ast.Call | ast.ListComp)
        for s in tree.body
    )


def _writes(source: str) -> bool:
    return bool(re.search(r"\bprint\b|\bstdout\b|\bos\.write\b|\bopen\(1\b", source))


def _is_program(text: str) -> bool:
    """Whether all of a text is Python; a word alone on its line is a name to Python."""
    tree = parsed(text)
    return tree is not None and not any(
        isinstance(s, ast.Expr) and isinstance(s.value, ast.Name) for s in tree.body
    )


def _among_prose(text: str, name: str) -> str:
    """The statements at the margin of a text that is prose and program.

    A sentence is not Python, or is a name alone. Where a function is asked for, what only uses it
    is left out, as an example's output would fail.
    """
    text = _before_fence(text)[:LONGEST_PROSE]
    starts = [
        found.start()
        for found in re.finditer(r"^\S", text, re.M)
        if not SAME_STATEMENT.match(text, found.start())
    ]
    pieces = [text[a:b] for a, b in zip(starts, [*starts[1:], len(text)], strict=False)]
    chosen: list[str] = []
    decorators = ""
    for piece in pieces:
        if not STATEMENT.match(piece):
            continue
        if piece.startswith("@"):
            decorators += piece
            continue
        tree = parsed(decorators + piece)
        if tree is None and piece.startswith(("def ", "async ", "class ")):
            # Kept, so that what does not compile is wrong, and not found missing.
            tree = ast.Module([ast.Pass()], [])
        if tree is not None and (not name or not _only_uses(tree, name)):
            chosen.append(decorators + piece)
        decorators = ""
    return "".join(part if part.endswith("\n") else part + "\n" for part in chosen)


def _only_uses(tree: ast.Module, name: str) -> bool:
    for statement in tree.body:
        if isinstance(statement, ast.Assert):
            continue
        if not isinstance(statement, ast.Expr):
            return False
        if isinstance(statement.value, ast.Call) and not {name, "print"} & _loaded(statement):
            return False
    return True


def _before_fence(text: str) -> str:
    """A text up to a fence that closes what was never opened."""
    return "".join(line for line in text.splitlines(keepends=True) if not FENCE.match(line))


def _continued(prompt: str, body: str) -> str:
    """The prompt with a body, whatever its indentation is."""
    plain = prompt + _cut(body)
    if re.match(r"\n*[ \t]", body) and parsed(plain):
        return plain
    indent = _indentation(prompt)
    first, newline, rest = body.lstrip("\n").partition("\n")
    # Dedented whole; or its first line alone, as servers strip what they give back.
    for candidate in (textwrap.dedent(body), first.strip() + newline + textwrap.dedent(rest)):
        indented = prompt + textwrap.indent(candidate, indent)
        if parsed(indented):
            return indented
    return plain


def _called_by_name(source: str, name: str) -> str:
    """A source where the entry point, if it is a method of a class Solution, is a function too."""
    tree = parsed(source)
    found = _definition(tree, name) if tree else None
    if tree is None or found is None or found in tree.body:
        return source
    return f"{source}\n\n{name} = Solution().{name}\n"


def _indentation(prompt: str) -> str:
    lines: Iterable[str] = reversed(prompt.splitlines())
    return next((found[0] for line in lines if (found := re.match(r"[ \t]+(?=\S)", line))), "    ")


def _cut(text: str) -> str:
    stop = STOP.search(text)
    return text[: stop.start()] if stop else text


def _after(prompt: str, source: str) -> str:
    """The source, with what the prompt imports and defines before it."""
    before = definitions(prompt)
    return source if not before or "from __future__" in source else f"{before}\n\n{source}"
