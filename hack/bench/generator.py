"""generator.c as a process: it sends a script for each object that it is told of."""
import contextlib
import os
import subprocess

PROGRAM = "build/bench-generator"
IN_FLIGHT = 64  # objects: twice TURNS_MAX of controller/operator/reconcile.c, so that the API server alone sets the pace


@contextlib.contextmanager
def generator(scene, script):
    """Gives the function that tells it of an object; in the end all is sent."""
    process = subprocess.Popen([PROGRAM, scene.api.server, scene.api.ca_file, script, str(IN_FLIGHT)],
                               stdin=subprocess.PIPE, env=os.environ | {"TOKEN": scene.api.token})

    def tell(item):
        meta = item["metadata"]
        line = f"{meta['namespace']} {meta['name']} {meta['uid']} {meta['resourceVersion']}\n"
        os.write(process.stdin.fileno(), line.encode())  # whole, from whichever thread
    try:
        yield tell
    except BaseException:
        process.kill()
        raise
    process.stdin.close()
    if process.wait(120):
        raise SystemExit("bench: the generator has failed")
