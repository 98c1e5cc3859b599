"""Reads a text that was packed by pickle, zlib and base64, as LiveCodeBench packs its tests.

Used by `code_tests`. A pickle can run any program when it is loaded, so none is: its instructions
are looked at one by one, and only those that hold one text and nothing else are admitted.
"""

from __future__ import annotations

import base64
import binascii
import pickletools
import zlib

# The most bytes that may come out: a few bytes can be packed that unpack to more than any memory.
LARGEST = 256 << 20
HOLDS_TEXT = ("SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8", "UNICODE")
# What stands around the text: the version, and notes of what has been read.
AROUND_TEXT = ("PROTO", "FRAME", "MEMOIZE", "BINPUT", "LONG_BINPUT", "PUT", "STOP")


class PackedError(ValueError):
    """A packed text can't be read, or is refused."""


def unpack_text(packed: str, largest: int = LARGEST) -> str:
    """The one text in base64 of zlib of a pickle.

    Args:
        packed: Base64.
        largest: The most bytes that may come out.

    Returns:
        The text.

    Raises:
        PackedError: It is not packed so, holds anything but one text, or is larger.
    """
    try:
        data = base64.b64decode("".join(packed.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise PackedError(f"they are not base64: {error}") from None
    unpacker = zlib.decompressobj()
    try:
        content = unpacker.decompress(data, largest + 1)
    except zlib.error as error:
        raise PackedError(f"they are not packed by zlib: {error}") from None
    if len(content) > largest:
        raise PackedError(f"they unpack to more than {largest:,} bytes")
    if not unpacker.eof or unpacker.unused_data:
        raise PackedError("they end too early, or too late")
    del data
    return _text_of(content)


def _text_of(content: bytes) -> str:
    """The text in a pickle of a text."""
    texts: list[str] = []
    end = -1
    try:
        for instruction, argument, position in pickletools.genops(content):
            if instruction.name in HOLDS_TEXT and not texts:
                texts.append(str(argument))
            elif instruction.name not in AROUND_TEXT:
                raise PackedError(f"their pickle holds more than a text ({instruction.name})")
            end = position or 0
    except PackedError:
        raise
    except Exception as error:
        # genops raises whatever an odd instruction makes it raise.
        raise PackedError(f"their pickle can't be read: {error}"[:200]) from None
    if not texts:
        raise PackedError("their pickle holds no text")
    if end + 1 != len(content):
        raise PackedError("something follows their pickle")
    return texts[0]
