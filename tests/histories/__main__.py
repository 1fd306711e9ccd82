"""Live many histories: ``python -m tests.histories [HISTORIES] [FIRST]``; what went wrong is told with its seed."""

import os
import sys
import time
from multiprocessing import get_context

from tests.histories.many import many

if __name__ == "__main__":
    count, first = (int(one) for one in (*sys.argv[1:], *("100000", "0")[len(sys.argv) - 1 :]))
    began, done, wrong = time.monotonic(), 0, 0
    size = 50
    parts = [(start, min(size, first + count - start)) for start in range(first, first + count, size)]
    with get_context("spawn").Pool(int(os.environ.get("PROCESSES", os.cpu_count() or 1))) as pool:
        for lived, found in pool.imap_unordered(many, parts):
            done, wrong = done + lived, wrong + len(found)
            for seed, what, log in found:
                print(f"seed {seed}: {what}", *log, sep="\n  ", flush=True)
            if done % 500 < size or done == count:
                print(f"{done:,} histories, {wrong} wrong, {time.monotonic() - began:,.0f} s", flush=True)
    sys.exit(wrong > 0)
