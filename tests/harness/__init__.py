"""Real servers for the tests in Python: imgsrv, its databases and object stores, and clients. Standard library only.

    with Server() as server:                      # an empty server on a free port of loopback
        writer = server.writer()                  # a client with the role content-writer
        check.equal(writer.get("/v1/images").status, 200, "the catalogue is readable")
    sys.exit(check.summary())                     # prints "N passed, N failed"

This folder's parent must be on PYTHONPATH. IMGSRV_BUILD names the build folder with the program, by default build/dev.
IMGSRV_TEST_PAIR chooses the database and the object store: see pair.py.
"""
