"""A process that no signal ends, as one that waits for a driver: until its child is gone that traces it, it can be killed, but is never over.

It becomes the command that it is given, or waits. $STUCK is the file in which it leaves the id of the child.
"""

import ctypes
import os
import signal
import sys
import time

PR_SET_PTRACER, ANY, SEIZE = 0x59616D61, -1, 0x4206
libc = ctypes.CDLL(None, use_errno=True)
ready, write = os.pipe()
libc.prctl(PR_SET_PTRACER, ctypes.c_ulong(ANY), 0, 0, 0)
tracer = os.fork()
if tracer == 0:
    os.setsid()
    libc.ptrace(SEIZE, os.getppid(), 0, 0)
    os.write(write, b".")
    # Long enough for the test, which ends it before.
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    time.sleep(3600)
    os._exit(0)
with open(os.environ["STUCK"], "w") as file:
    file.write(f"{tracer}\n")
os.read(ready, 1)
if len(sys.argv) > 1:
    os.execv(sys.argv[1], sys.argv[1:])
time.sleep(3600)
