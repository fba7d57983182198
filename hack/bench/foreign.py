"""Large Secrets that are none of the operator's business."""
import base64

from .process import memory

SIZE = 1_000_000
LABEL = "bench=foreign"


def foreign_secrets(scene, operator, namespace):
    """How much more memory the operator has with them."""
    data = base64.b64encode(bytes(SIZE)).decode()
    secrets = [{"metadata": {"name": f"foreign-{i}", "labels": dict([LABEL.split("=")])}, "data": {"blob": data}}
               for i in range(scene.scale.secrets)]
    path = f"/api/v1/namespaces/{namespace}/secrets"
    before = memory(operator.pid)
    scene.api.create(path, secrets)
    scene.wait_quiet()
    after = memory(operator.pid)
    scene.api.call("DELETE", f"{path}?labelSelector={LABEL}")
    return {"foreign_secrets": len(secrets), "foreign_rss_mib": after[0] - before[0],
            "foreign_anon_mib": after[1] - before[1]}
