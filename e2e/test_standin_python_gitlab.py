"""python-gitlab, the library that scripts against GitLab use, takes the stand-in for GitLab."""
from __future__ import annotations

import gitlab as python_gitlab
import pytest

from gitlab_admin import GitLabAdmin
from standin_fixtures import Standin, gitlab, standin  # noqa: F401 (fixtures)


@pytest.fixture
def client(standin: Standin, gitlab: GitLabAdmin) -> python_gitlab.Gitlab:
    token = gitlab.add_token("api", admin=True)["token"]
    client = python_gitlab.Gitlab(standin.url, private_token=token)
    client.auth()
    return client


def test_a_runner_lives_from_creation_to_deletion(client, gitlab) -> None:
    created = client.user.runners.create({"runner_type": "instance_type", "description": "d", "tag_list": "a,b"})
    assert created.token == gitlab.runner(created.id)["token"]
    runner = client.runners.get(created.id)
    assert (runner.description, runner.tag_list, runner.status) == ("d", ["a", "b"], "never_contacted")
    runner.description, runner.tag_list, runner.paused = "new", ["c"], True
    runner.save()
    changed = client.runners.get(created.id)
    assert (changed.description, changed.tag_list, changed.paused) == ("new", ["c"], True)
    runner.delete()
    with pytest.raises(python_gitlab.exceptions.GitlabGetError) as gone:
        client.runners.get(created.id)
    assert (gone.value.response_code, gone.value.error_message) == (404, "404 Runner Not Found")


def test_lists_are_followed_over_their_pages(client, gitlab) -> None:
    group = gitlab.add_group("team")
    project = gitlab.add_project("app", group_id=group["id"])
    made = {client.user.runners.create({"runner_type": "group_type", "group_id": group["id"]}).id for _ in range(5)}
    own = client.user.runners.create({"runner_type": "project_type", "project_id": project["id"]}).id

    def ids(manager, **query) -> set[int]:
        return {runner.id for runner in manager.list(iterator=True, per_page=2, **query)}
    assert ids(client.runners_all) == made | {own}
    assert ids(client.groups.get(group["id"], lazy=True).runners) == made
    assert ids(client.projects.get(project["id"], lazy=True).runners, type="project_type") == {own}
    assert len(client.runners_all.list(get_all=False, per_page=2)) == 2


def test_tokens_are_verified_and_reset(client, gitlab) -> None:
    created = client.user.runners.create({"runner_type": "instance_type"})
    client.runners.verify(created.token)
    reset = client.http_post(f"/runners/{created.id}/reset_authentication_token")
    assert reset["token"] == gitlab.runner(created.id)["token"]
    with pytest.raises(python_gitlab.exceptions.GitlabVerifyError, match="403"):
        client.runners.verify(created.token)


def test_registration_tokens_work_until_disabled(client, gitlab) -> None:
    token = gitlab.state()["settings"]["registration_token"]
    assert client.runners.create({"token": token, "description": "d"}).token
    gitlab.settings(allow_runner_registration_token=False)
    with pytest.raises(python_gitlab.exceptions.GitlabCreateError, match="410 Gone - runner registration disallowed"):
        client.runners.create({"token": token})


def test_refusals_become_exceptions_with_their_words(client) -> None:
    with pytest.raises(python_gitlab.exceptions.GitlabCreateError, match="Missing/invalid group"):
        client.user.runners.create({"runner_type": "group_type", "group_id": 99})
    with pytest.raises(python_gitlab.exceptions.GitlabCreateError, match="runner_type does not have a valid value"):
        client.user.runners.create({"runner_type": "x"})


def test_a_wrong_token_is_told_apart(standin, gitlab) -> None:
    client = python_gitlab.Gitlab(standin.url, private_token="glpat-wrong")
    with pytest.raises(python_gitlab.exceptions.GitlabAuthenticationError, match="401 Unauthorized"):
        client.auth()


def test_jobs_of_a_runner_and_version(client, gitlab) -> None:
    created = client.user.runners.create({"runner_type": "instance_type"})
    assert client.runners.get(created.id).jobs.list(get_all=True) == []
    assert client.version() == ("19.3.1-ee", "abcdef01")
    assert client.personal_access_tokens.get("self").scopes == ["api"]
