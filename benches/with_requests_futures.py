#!/usr/bin/env python3
"""The same 10,000 requests with requests-futures and its 8 workers, to compare with `--bench http -- many`.

    pip install requests-futures
    cargo bench -p asynckit-bench --features http --bench http -- serve      (tells its address)
    benches/requests_futures.py ADDRESS/later
"""
import sys
import time

from requests_futures.sessions import FuturesSession

session = FuturesSession()
session.trust_env = False
start = time.monotonic()
futures = [session.get(sys.argv[1]) for _ in range(10_000)]
assert sum(len(future.result().content) for future in futures) == 40_000
print(f"{(time.monotonic() - start) * 1000:.0f} ms")
