"""How much of one text another holds in its order: what ROUGE-L counts (Lin 2004, W04-1013).

Reads two sequences of words, gives a share.
"""

from __future__ import annotations

from collections.abc import Sequence


def ordered_overlap(wanted: Sequence[str], given: Sequence[str]) -> float:
    """The longest common subsequence of words, as a share of the words that were wanted.

    By whole numbers as rows of bits (Hyyro 2004), so that a long question costs little.

    Args:
        wanted: One word or more.
        given: The other text's words.

    Returns:
        In [0, 1]; 1 where all that is wanted stands in the other text in its order.
    """
    places: dict[str, int] = {}
    for place, word in enumerate(wanted):
        places[word] = places.get(word, 0) | 1 << place
    everything = (1 << len(wanted)) - 1
    open_places = everything
    for word in given:
        met = open_places & places.get(word, 0)
        open_places = ((open_places + met) | (open_places - met)) & everything
    return (len(wanted) - open_places.bit_count()) / len(wanted)
