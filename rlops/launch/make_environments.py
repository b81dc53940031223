"""Makes environments with gymnasium, and says how it went: `python make_environments.py ENV_ID...`.

A program of its own, the standard library and gymnasium only: an environment runs a stranger's code, which may print,
hang or crash. A line of JSON for each: [environment, null], or why not.
"""

import json
import os
import sys


def main() -> None:
    """The program."""
    answers = os.dup(1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # environments print
    import gymnasium

    for env_id in sys.argv[1:]:
        try:
            gymnasium.make(env_id).close()
            why = None
        except Exception as error:  # noqa: BLE001  (a stranger's environment: whatever it raises is the answer)
            why = f"{type(error).__name__}: {error}"
        os.write(answers, (json.dumps([env_id, why]) + "\n").encode())


if __name__ == "__main__":
    main()
