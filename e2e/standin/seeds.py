"""What a freshly started stand-in may already contain."""
from __future__ import annotations

from .admin import create_project
from .models import Project
from .state import State

OLD_KIND_OF_TOKEN = "g-1YUWB4_JoLgshuPJ6y"  # twenty characters without a prefix, as GitLab 10 made them

CI_CONFIG = """\
# The jobs name no image: they run in the runner's default one.
stages: [build, test]

cache:
  paths: [.m2/repository]

compile:
  stage: build
  tags: [kubernetes]
  script: [./mvnw compile]

verify:
  stage: test
  tags: [kubernetes]
  script: [./mvnw verify]
  artifacts:
    paths: [target/spring-devops.jar]
"""

# Does with sh and sed what Maven would do, so that any image with a shell can run it.
BUILD = """\
#!/bin/sh
# Usage: ./mvnw compile|verify
set -eu

compile() {
  mkdir -p target/classes .m2/repository
  for source in $(find src/main -name '*.java'); do
    class=target/classes/$(basename "$source" .java).txt
    sed -n 's/.*System.out.println("\\(.*\\)");.*/\\1/p' "$source" > "$class"
    echo "[INFO] compiled $source"
  done
  date > .m2/repository/last-build
}

verify() {
  compile
  diff src/test/expected.txt target/classes/Application.txt
  echo "[INFO] Tests run: 1, Failures: 0"
  tar -cf target/spring-devops.jar -C target/classes .
  echo "[INFO] built target/spring-devops.jar"
}

"$1"
echo "[INFO] BUILD SUCCESS"
"""

APPLICATION = """\
package com.example.devops;

public class Application {
    public static void main(String[] arguments) {
        System.out.println("Hello from spring-devops");
    }
}
"""

SPRING_DEVOPS = {
    ".gitlab-ci.yml": CI_CONFIG,
    "README.md": "# spring-devops\n\nA greeting, built and tested by its pipeline.\n",
    "mvnw": BUILD,
    "src/main/java/com/example/devops/Application.java": APPLICATION,
    "src/test/expected.txt": "Hello from spring-devops\n",
}


async def article(state: State, registration_token: str | None) -> Project:
    """A GitLab of 2018 with one project: registration tokens without a prefix, hexadecimal runner tokens."""
    state.defaults["legacy_tokens"] = state.settings.legacy_tokens = 30
    return await create_project(state, "spring-devops", registration_token or OLD_KIND_OF_TOKEN, SPRING_DEVOPS)


SEEDS = {"article": article}
