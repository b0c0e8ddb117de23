"""An AWS on loopback: moto, for tests.

Owns: one server on 127.0.0.1, whose address it prints as its first line: on a free port, or on the one given as argument. It lives as long as its standard input is
open, so that nothing is left behind however its parent ends. It keeps everything in memory and talks to nobody.
"""

import logging
import os
import sys
import threading

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, os.path.join(HERE, "python"))


def end_with_input():
    while os.read(0, 4096):
        pass
    os._exit(0)


def main():
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    threading.Thread(target=end_with_input, daemon=True).start()
    # moto asks botocore for credentials in places; without these it would go and look for an instance's. The policies that AWS
    # itself keeps, which roles are given, are there only on request.
    os.environ.update(AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test", AWS_EC2_METADATA_DISABLED="true",
                      MOTO_IAM_LOAD_MANAGED_POLICIES="true")
    from moto.server import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import make_server

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", port, DomainDispatcherApplication(create_backend_app), threaded=True)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


main()
