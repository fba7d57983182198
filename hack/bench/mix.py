"""The objects of the bench, drawn from a seed: of three that follow each other one is small, as in the samples, one is
typical, and one rich. Each has texts of its own, so that nothing packs well, or is found equal, by accident.

The number at the end of an object's name says which kind it is of, and its whole name what is drawn: under the same name
there is the same spec in each namespace and in each run with that seed.
"""
import os
import random

SEED = os.environ.get("SEED") or "0"
SECRET, CACHE_SECRET = "gitlab", "cache"
VARIABLES = 40
TAKEN = {"repo"}  # among two syllables, a volume of gitlab-runner's own: the kind refuses it
SYLLABLES = [first + second for first in "bdfghklmnprstvz" for second in "aeiou"]


def number_of(name):
    """17 of runner-17."""
    return int(name.rpartition("-")[2])


class Draw(random.Random):
    """Words that mean nothing, and what consists of them."""

    def word(self):
        word = "".join(self.choices(SYLLABLES, k=self.randint(2, 4)))
        return self.word() if word in TAKEN else word

    def words(self, least, most):
        return [self.word() for _ in range(self.randint(least, most))]

    def distinct(self, count):
        """So many words, of which no two are the same."""
        found = set()
        while len(found) < count:
            found.add(self.word())
        return sorted(found)

    def sentence(self):
        return " ".join(self.words(4, 10)).capitalize() + "."

    def host(self):
        return f"{self.word()}.{self.word()}.example"

    def digest(self):
        return f"{self.getrandbits(256):064x}"

    def image(self):
        return f"{self.host()}/{self.word()}/{self.word()}:{self.randint(1, 20)}.{self.randint(0, 99)}"


def small(draw, host, address):
    return {"url": f"http://{host}", "image": f"{draw.word()}:{draw.randint(1, 9)}.{draw.randint(0, 40)}",
            "tags": draw.distinct(draw.randint(1, 2)),
            "authentication": {"registrationTokenSecretRef": {"name": SECRET}},
            "hostAliases": [{"ip": address, "hostnames": [host]}]}


def resources(draw):
    return {"requests": {"cpu": f"{draw.randint(1, 40) * 50}m", "memory": f"{draw.randint(1, 40) * 64}Mi"},
            "limits": {"memory": f"{draw.randint(41, 90) * 64}Mi"}}


def volumes(draw):
    sources = ({"emptyDir": {"sizeLimit": f"{draw.randint(1, 50)}Gi"}},
               {"persistentVolumeClaim": {"claimName": f"{draw.word()}-$CI_CONCURRENT_ID"}},
               {"configMap": {"name": draw.word()}})
    names = draw.distinct(len(sources))
    return [{"name": name, "mountPath": f"/{draw.word()}/{name}"} | source for name, source in zip(names, sources)]


def cache(draw):
    return {"type": "s3", "path": "/".join(draw.words(1, 3)), "shared": draw.random() < 0.5,
            "s3": {"serverAddress": draw.host(), "bucketName": f"{draw.word()}-{draw.word()}",
                   "bucketLocation": f"{draw.word()}-{draw.randint(1, 3)}", "credentialsSecretRef": {"name": CACHE_SECRET}}}


def typical(draw, host, address):
    tolerations = [{"key": f"{draw.host()}/{draw.word()}", "value": draw.word(), "effect": "NoSchedule"},
                   {"key": draw.word(), "operator": "Exists"}]
    config = {"limit": draw.randint(1, 90), "pre_build_script": f"echo {draw.sentence()}\nexport {draw.word()}={draw.word()}\n",
              "kubernetes": {"poll_timeout": draw.randint(180, 900), "allowed_images": [f"{draw.host()}/*", f"{draw.host()}/*"]}}
    return small(draw, host, address) | {
        "tags": draw.distinct(draw.randint(3, 6)), "image": draw.image(), "description": draw.sentence(),
        "concurrent": draw.randint(1, 200), "nodeSelector": {f"{draw.host()}/{draw.word()}": draw.word()},
        "tolerations": tolerations, "volumes": volumes(draw), "cache": cache(draw), "resources": resources(draw),
        "config": {"runners": config},
    }


def expressions(draw, count):
    return [{"key": f"{draw.host()}/{draw.word()}", "operator": draw.choice(["In", "NotIn"]), "values": draw.distinct(3)}
            for _ in range(count)]


def affinity(draw):
    node = {"requiredDuringSchedulingIgnoredDuringExecution": {
                "nodeSelectorTerms": [{"matchExpressions": expressions(draw, 3)}, {"matchExpressions": expressions(draw, 1)}]},
            "preferredDuringSchedulingIgnoredDuringExecution": [
                {"weight": draw.randint(1, 100), "preference": {"matchExpressions": expressions(draw, 2)}}]}
    apart = [{"weight": draw.randint(1, 100), "podAffinityTerm": {
        "topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {draw.word(): draw.word()}}}}]
    return {"nodeAffinity": node, "podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": apart}}


def value(draw):
    return draw.choice([draw.word, draw.sentence, draw.digest, draw.image, lambda: f"https://{draw.host()}/{draw.word()}"])()


def patches(draw):
    """What is laid over the pod's template by gitlab-runner."""
    container = (f"containers:\n- name: build\n  securityContext: {{runAsUser: {draw.randint(1000, 60000)}}}\n"
                 f"  env:\n  - {{name: {draw.word()}, value: {draw.digest()}}}\n")
    return [{"name": draw.word(), "patch_type": "strategic", "patch": container},
            {"name": draw.word(), "patch_type": "merge", "patch": f"schedulerName: {draw.word()}\npriorityClassName: {draw.word()}\n"}]


def rich(draw, host, address):
    spec = typical(draw, host, address)
    runners = spec["config"]["runners"]
    runners["feature_flags"] = {"FF_USE_ADVANCED_POD_SPEC_CONFIGURATION": True}
    runners["kubernetes"] |= {"pod_spec": patches(draw),
                              "services": [{"name": draw.image(), "alias": draw.word()} for _ in range(2)]}
    return spec | {
        "affinity": affinity(draw),
        "environment": [{"name": f"{word.upper()}_{draw.word().upper()}", "value": value(draw)}
                        for word in draw.distinct(VARIABLES)],
        "podLabels": {word: draw.word() for word in draw.distinct(3)},
        "podAnnotations": {f"{draw.host()}/{word}": draw.sentence() for word in draw.distinct(3)},
        "manager": {"resources": resources(draw), "podLabels": {draw.word(): draw.word()},
                    "nodeSelector": {draw.word(): draw.word()}},
    }


KINDS = (small, typical, rich)


def spec(name, host, address, seed=SEED):
    """Of the object with this name; its GitLab is the host, at that address."""
    return KINDS[number_of(name) % len(KINDS)](Draw(f"{seed}/{name}"), host, address)
