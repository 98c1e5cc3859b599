"""The word-level tokenizer of the kin world: one token a word, 82 in all.

Reads the vocabulary of `language`; `pretrain` saves the tokenizer beside the model. Needs
transformers, imported only when a tokenizer is built.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from liftmap.testbed.language import VOCABULARY

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

PAD = "<pad>"
EOS = "<eos>"
PAD_ID = 0
EOS_ID = 1
MAX_TOKENS = 64
TOKENS: tuple[str, ...] = (PAD, EOS, *VOCABULARY)
TOKEN_IDS: dict[str, int] = {token: index for index, token in enumerate(TOKENS)}


def build_tokenizer() -> PreTrainedTokenizerFast:
    """Builds the tokenizer as an ordinary Hugging Face fast tokenizer.

    Text is split at white space; decoding joins the tokens with one space. Nothing is added when
    encoding, padding is on the left, and a word that the world does not have is an error rather
    than an unknown token.
    """
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import WhitespaceSplit
    from transformers import PreTrainedTokenizerFast

    words = Tokenizer(WordLevel(TOKEN_IDS))
    words.pre_tokenizer = WhitespaceSplit()
    return PreTrainedTokenizerFast(
        tokenizer_object=words,
        pad_token=PAD,
        eos_token=EOS,
        padding_side="left",
        model_max_length=MAX_TOKENS,
        clean_up_tokenization_spaces=False,
    )
