#!/usr/bin/env python3
"""Many requests with requests-futures and its 8 workers; tells how many bytes came. `--bench http -- many` runs it.

    pip install requests-futures
    benches/with_requests_futures.py URL COUNT
"""
import sys

from requests_futures.sessions import FuturesSession

session = FuturesSession()
session.trust_env = False
futures = [session.get(sys.argv[1]) for _ in range(int(sys.argv[2]))]
print(sum(len(future.result().content) for future in futures))
