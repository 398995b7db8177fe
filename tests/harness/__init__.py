"""Real servers, for every test in Python: imgsrv itself, what it keeps its data in, and clients. Standard library only.

    with Server() as server:                      # an empty server on a free port of loopback
        writer = server.writer()                  # a client with the role content-writer
        check.equal(writer.get("/v1/images").status, 200, "the catalogue is readable")
    sys.exit(check.summary())                     # prints "N passed, N failed"

Needs this folder's parent on PYTHONPATH. The program is that of the build folder IMGSRV_BUILD, by default build/dev.
What it runs on is chosen by IMGSRV_TEST_PAIR, see pair.py.
"""
