"""Reads files while the system lets a call fail, and prints what came of each: for a process of its own.

The cases come as JSON lines: name of the reader, path, call, errno, byte from which reads fail.
"""

import json
import logging
import os
import sys
from pathlib import Path

from artefact_readers import READERS

from bevatron.errors import SystemFault, UserError

logging.disable(logging.CRITICAL)
for line in sys.stdin:
    reader, path, call, number, after = json.loads(line)
    os.environ |= {"FAULT_CALL": call, "FAULT_ERRNO": str(number), "FAULT_AFTER": str(after)}
    os.environ["FAULT_NAME"] = Path(path).name
    try:
        result = READERS[reader](Path(path))
        said = "; ".join(result) if reader == "verified-0000.h5" else ""
        kind = "problem" if said else "read"
    except UserError as error:
        kind, said = ("system" if isinstance(error, SystemFault) else "user"), str(error)
    except BaseException as error:
        kind, said = type(error).__name__, str(error)
    os.environ["FAULT_NAME"] = ""
    print(json.dumps([kind, said]), flush=True)
