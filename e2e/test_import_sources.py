"""What another manager runs by, imported: the runner at GitLab stays, and its jobs run."""
from __future__ import annotations

import subprocess

import requests

from cluster import kubectl, wait_for
from gitlab_admin import GitLabAdmin
from places import GITLAB_IP, HOST, URL, Place, Runner
from program import PROGRAM, run
from test_import import JOB, registered
from test_jobs import finished

TOML = f"""\
[[runners]]
  environment = ["GREETING=good day"]
  [runners.kubernetes]
    image = "busybox:1.36"
    pull_policy = "if-not-present"
    [[runners.kubernetes.host_aliases]]
      ip = "{GITLAB_IP}"
      hostnames = ["{HOST}"]
"""


def indented(text: str, by: int) -> str:
    return "".join(" " * by + line for line in text.splitlines(keepends=True))


def helm(ci: Place, token: str) -> str:
    namespace = '    namespace = "{{ .Release.Namespace }}"\n'
    toml = TOML.replace("    image", namespace + "    image")
    return (f"gitlabUrl: {URL}/\nrunnerToken: {token}\ncheckInterval: 1\nrunners:\n  name: Helm\n  tags: a, b\n"
            f"  config: |\n{indented(toml, 4)}")


def operator(ci: Place, token: str) -> str:
    ci.secret("of-operator", runner_token=token, runner_registration_token="")
    ci.put("ConfigMap", "template", {"data": {"config.toml": TOML}})
    spec = "{gitlabUrl: %s, token: of-operator, config: template, interval: 1, tags: 'a, b'}" % URL
    runner = f"apiVersion: apps.gitlab.com/v1beta2\nkind: Runner\nmetadata: {{name: operator, namespace: {ci.name}}}\nspec: {spec}\n"
    return "---\n".join([runner, kubectl("-n", ci.name, "get", "configmap/template", "secret/of-operator", "-o", "yaml")])


def alekc(ci: Place, token: str) -> str:
    ci.secret("of-alekc", token=token)
    aliases = f"host_aliases: [{{ip: {GITLAB_IP}, hostnames: [{HOST}]}}]"
    return (f"apiVersion: gitlab.k8s.alekc.dev/v1beta2\nkind: Runner\nmetadata: {{name: alekc, namespace: {ci.name}}}\n"
            f"spec:\n  gitlab_instance_url: {URL}\n  authentication: {{token: {{secret_key_ref: {{name: of-alekc}}}}}}\n"
            f"  environment: [\"GREETING=good day\"]\n"
            f"  executor_config: {{image: 'busybox:1.36', pull_policy: [if-not-present], {aliases}}}\n")


def test_import_keeps_runners_and_their_jobs_run(ci: Place, gitlab: GitLabAdmin) -> None:
    """One of each source, all at once."""
    runners = {source.__name__: registered(gitlab, source.__name__) for source in (helm, operator, alekc)}
    for source in (helm, operator, alekc):
        words = ("import", source.__name__, "-f", "-", "-n", ci.name, "--adopt", "--with-secrets")
        done = run(*words, stdin=source(ci, runners[source.__name__]["token"]))
        assert runners[source.__name__]["token"] not in done.stderr
        kubectl("apply", "-f", "-", stdin=done.stdout)
    for name, runner in runners.items():
        imported = Runner(ci.kube, ci.name, name)
        imported.wait()
        assert imported.status()["runnerId"] == runner["id"] and imported.token() == runner["token"]
    pipelines = [gitlab.start_pipeline(runner["project"]) for runner in runners.values()]
    for pipeline in pipelines:
        assert "greeting good day" in gitlab.trace(finished(gitlab, pipeline)["jobs"][0]["id"])
    assert {known["id"] for known in gitlab.runners()} == {runner["id"] for runner in runners.values()}, "nothing was registered"


def test_what_an_operator_has_made_is_adopted_and_then_managed(ci: Place, gitlab: GitLabAdmin) -> None:
    """First by its own token, as long as its old operator could delete it; then by the access token that made it."""
    token = ci.access_token()["token"]
    made = requests.post(gitlab.url + "/api/v4/user/runners", headers={"PRIVATE-TOKEN": token}, timeout=10,
                         json={"runner_type": "instance_type", "description": "made"}).json()
    ci.put("Secret", "gitlab-runner-made", {"stringData": {"authentication-token-made": made["token"]}})
    secret = kubectl("-n", ci.name, "get", "secret/gitlab-runner-made", "-o", "yaml")
    text = (f"apiVersion: gitlab.k8s.alekc.dev/v1beta2\nkind: Runner\nmetadata: {{name: made, namespace: {ci.name}}}\n"
            f"spec:\n  gitlab_instance_url: {URL}\n  executor_config: {{image: 'busybox:1.36', "
            f"host_aliases: [{{ip: {GITLAB_IP}, hostnames: [{HOST}]}}]}}\n"
            "  authentication:\n    access_token: {secret_key_ref: {name: gitlab, key: access-token}}\n"
            "    create_options: {runner_type: instance_type, tag_list: [made], description: after}\n---\n")
    assert "give that Secret, too" in run("import", "alekc", "--adopt", "-f", "-", stdin=text, code=1).stderr

    for more in (("--adopt", "--with-secrets"), ()):
        kubectl("apply", "--server-side", "-f", "-", stdin=run("import", "alekc", *more, "-f", "-", stdin=text + secret).stdout)
        kubectl("-n", ci.name, "scale", "glr/made", "--replicas=0")
        runner = Runner(ci.kube, ci.name, "made")
        runner.wait("Registered")
        assert runner.status()["runnerId"] == made["id"] and runner.token() == made["token"]
    known = wait_for("GitLab has the tags", lambda: next((r for r in gitlab.runners() if r["tag_list"] == ["made"]), None))
    assert known["id"] == made["id"] and known["description"] == "after" and len(gitlab.runners()) == 1


def old_manager(ci: Place, token: str, name: str = "old", at_its_end: str = "kill -QUIT 1; sleep 60", replicas: int = 1) -> None:
    """As a chart would have it: config.toml in a Secret, and jobs that end before the pod does."""
    toml = TOML.replace("[[runners]]", f'[[runners]]\n  name = "old"\n  url = "{URL}"\n  token = "{token}"\n  executor = "kubernetes"')
    toml = toml.replace("    image", f'    namespace = "{ci.name}"\n    image')
    ci.put("Secret", "old", {"stringData": {"config.toml": "check_interval = 1\n" + toml}})
    ci.put("ServiceAccount", "old", {})
    ci.put("RoleBinding", "old", {
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "gitlab-runner-executor"},
        "subjects": [{"kind": "ServiceAccount", "name": "old", "namespace": ci.name}]})
    container = {
        "name": "runner", "image": "gitlab/gitlab-runner:alpine-v19.4.0", "imagePullPolicy": "IfNotPresent",
        "args": ["run", "--config", "/etc/old/config.toml"],
        "lifecycle": {"preStop": {"exec": {"command": ["/bin/sh", "-c", at_its_end]}}},
        "volumeMounts": [{"name": "config", "mountPath": "/etc/old"}]}
    pod = {"serviceAccountName": "old", "terminationGracePeriodSeconds": 60, "containers": [container],
           "hostAliases": [{"ip": GITLAB_IP, "hostnames": [HOST]}],
           "volumes": [{"name": "config", "secret": {"secretName": "old"}}]}
    ci.put("Deployment", name, {"spec": {
        "replicas": replicas, "selector": {"matchLabels": {"app": name}},
        "template": {"metadata": {"labels": {"app": name}}, "spec": pod}}})


def takeover(ci: Place, token: str, deployment: str) -> subprocess.CompletedProcess:
    return subprocess.run([PROGRAM, "import", "helm", "-f", "-", "-n", ci.name, "--takeover", deployment, "--timeout", "1m"],
                          input=helm(ci, token), capture_output=True, text=True, timeout=150)


def test_a_takeover_waits_for_the_old_managers_jobs_and_goes_on_with_its_runner(ci: Place, gitlab: GitLabAdmin) -> None:
    runner = registered(gitlab)
    gitlab.push(runner["project"], {".gitlab-ci.yml": JOB.replace("[echo", "[sleep 3, echo")})
    refused = takeover(ci, runner["token"], "nobody")
    assert refused.returncode == 1 and "Nothing was changed." in refused.stderr, refused.stderr
    old_manager(ci, runner["token"], "unregisters", "gitlab-runner unregister --all-runners", replicas=0)
    refused = takeover(ci, runner["token"], "unregisters")
    assert refused.returncode == 1 and "GitLab would delete the runner" in refused.stderr, refused.stderr
    old_manager(ci, runner["token"])
    pipeline = gitlab.start_pipeline(runner["project"])
    wait_for("the old manager runs the job", lambda: gitlab.pipeline(pipeline["id"])["jobs"][0]["status"] == "running")

    done = takeover(ci, runner["token"], "old")
    assert done.returncode == 0, done.stderr
    assert runner["token"] not in done.stdout + done.stderr and not done.stdout
    assert gitlab.pipeline(pipeline["id"])["status"] == "success", "the old manager's job has ended"
    assert ci.kube.get("Deployment", "old", ci.name)["spec"]["replicas"] == 0
    imported = Runner(ci.kube, ci.name, "helm")
    assert imported.status()["runnerId"] == runner["id"] and imported.token() == runner["token"]
    finished(gitlab, gitlab.start_pipeline(runner["project"]))
    assert [known["id"] for known in gitlab.runners()] == [runner["id"]], "nothing was registered"
