"""Examines one topic and prints what was found, for tests in a namespace of their own or as another user.

python -m test.doctor.told TOPIC '{"data": "/path"}'
"""

from __future__ import annotations

import json
import sys

from twim.config import read_config
from twim.doctor import examine


def main(topic: str, options: str) -> None:
    """See above."""
    found = examine(read_config(json.loads(options), {}), environ={}, write=True)
    print(json.dumps([[one.topic, one.level, one.text, one.fix] for one in found if one.topic == topic]))


if __name__ == "__main__":
    main(*sys.argv[1:])
