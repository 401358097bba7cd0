"""What other users of the machine can see of a broker's passwords: nothing."""

import urllib.request
from pathlib import Path

from .test_serve import served

SECRET = "c4n4ry"


def test_a_password_is_not_among_the_words_of_the_process(tmp_path):
    config = tmp_path / "leveret.toml"
    config.write_text(f'tls_key_password = "{SECRET}-key"\nlog_level = "debug"\n')
    arguments = ("--data", str(tmp_path / "data"), "--config", str(config))
    with served(tmp_path, *arguments, RABBITMQ_DEFAULT_PASS=f"{SECRET}-default") as broker:
        process = Path("/proc") / str(broker.process.pid)
        seen = (process / "cmdline").read_text() + (process / "comm").read_text()
        page = urllib.request.urlopen(broker.ready["http"].replace(f"guest:{SECRET}-default@", ""))
        with page:
            seen += page.read().decode()
        broker.connect().close()
        seen += broker.stop()
    assert "Server startup complete" in seen
    assert SECRET not in seen
