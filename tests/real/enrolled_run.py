"""An enrolled agent that measures and delivers for a while beside its own service: run inside the network sink.

    python -m tests.real.enrolled_run FOLDER SECONDS

Ends with one JSON object: the service's port, the agent's states and what the service received.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from agent.keys import FileKeyStore, store_key
from agent.samples import sample_clip
from agent.store import Store
from agent.wire.summary import Window
from tests.e2e.killing import Service, set_up


def main() -> int:
    folder, seconds = Path(sys.argv[1]), float(sys.argv[2])
    service = Service(folder / "service")
    service.start()
    ((code, _),) = set_up(service.data, service.url, people=1)
    home = folder / "home"
    environment = {**os.environ, "FRAMEKEEP_HOME": str(home), "FRAMEKEEP_LOG_LEVEL": "debug"}
    framekeep = [sys.executable, "-m", "agent.cli"]
    subprocess.run([*framekeep, "enroll", code, "--server", service.url], env=environment, check=True)
    keys = FileKeyStore(home / "data" / "keys.json")
    store = Store(home / "data" / "store.sqlite", store_key(keys))
    start = int(time.time()) // 300 * 300 - 3600  # as if closed an hour ago, so that something is delivered
    store.commit([Window(start, at_screen=300, frames=30)], b"{}", policy="p-1", models="abcd")
    clip = str(sample_clip())
    agent = subprocess.Popen([*framekeep, "run", "--headless", "--camera", clip, "--every", "1"], env=environment)
    time.sleep(seconds)
    agent.send_signal(signal.SIGINT)
    code = agent.wait(15)
    summary = store.envelopes.summary()
    store.close()
    service.stop()
    print(json.dumps({"exit": code, "port": service.port, "delivered": summary.accepted + summary.opened}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
