"""Finds words in the texts of responses, in the background, so that no page waits for long.

Used by `app`. A search reads the shards one after another in a thread of its own and remembers
which responses hold the words; a page shows what is found so far, and says how far it is.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict

import numpy as np
import polars as pl

from liftmap.errors import LiftmapError
from liftmap.view.question_list import search_pattern
from liftmap.view.response_index import TEXT_COLUMNS, ResponseIndex

# Seconds that a page waits for a search, and searches whose results are kept.
WAIT_SECONDS = 0.25
MOST_SEARCHES = 12


class TextSearch:
    """One search, on its way or done."""

    def __init__(self, index: ResponseIndex, words: str) -> None:
        # Held, so that no other index takes its place in the memory and its id.
        self.index = index
        self.holding = np.zeros(len(index.frame), dtype=bool)
        self.total = len(index.shards)
        self.finished = 0
        self.error: LiftmapError | None = None
        self.stopped = threading.Event()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(index, words), daemon=True)
        self._thread.start()

    def _run(self, index: ResponseIndex, words: str) -> None:
        pattern = search_pattern(words)
        holds = pl.any_horizontal(
            pl.col(name).str.contains(pattern).fill_null(False) for name in TEXT_COLUMNS
        )
        try:
            for shard, start in enumerate(index.shard_starts):
                if self.stopped.is_set():
                    return
                found = index.texts_of(shard).select(holds).to_series().to_numpy()
                self.holding[start : start + len(found)] = found
                self.finished = shard + 1
        except LiftmapError as error:
            self.error = error
        finally:
            self._done.set()

    def wait(self, seconds: float) -> bool:
        """Waits for the end of the search; gives whether it has come.

        Raises:
            StoreError: A shard can't be read.
        """
        done = self._done.wait(seconds)
        if self.error is not None:
            raise self.error
        return done

    @property
    def share(self) -> float:
        """The share of the shards that are read, in [0, 1]."""
        return self.finished / self.total if self.total else 1.0


class TextSearches:
    """The latest searches, by index and words; one that is no longer looked at is stopped."""

    def __init__(self) -> None:
        self._searches: OrderedDict[tuple[int, str], TextSearch] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, index: ResponseIndex, words: str) -> TextSearch:
        """The search for these words in the texts of an index, begun if it is not there yet."""
        key = id(index), words.casefold()
        with self._lock:
            if key not in self._searches:
                self._searches[key] = TextSearch(index, words)
                while len(self._searches) > MOST_SEARCHES:
                    self._searches.popitem(last=False)[1].stopped.set()
            self._searches.move_to_end(key)
            return self._searches[key]

    def results(
        self, indexes: list[ResponseIndex], words: str, seconds: float = WAIT_SECONDS
    ) -> tuple[list[pl.Series], float]:
        """Which responses of each index hold the words, and the share of the texts searched so far.

        Args:
            indexes: The responses.
            words: What is searched for; not empty.
            seconds: How long to wait for the end.

        Raises:
            StoreError: A shard can't be read.
        """
        searches = [self.of(index, words) for index in indexes]
        end = time.monotonic() + seconds
        done = [search.wait(max(0.0, end - time.monotonic())) for search in searches]
        read, total = (sum(getattr(s, name) for s in searches) for name in ("finished", "total"))
        share = 1.0 if all(done) else min(read / max(1, total), 0.99)
        return [pl.Series(search.holding, dtype=pl.Boolean) for search in searches], share
