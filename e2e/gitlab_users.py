"""What people do at GitLab by its own API."""
from __future__ import annotations

import requests

from gitlab_admin import GitLabAdmin


class GitLabUser:
    """An administrator."""

    def __init__(self, admin: GitLabAdmin) -> None:
        self._admin = admin
        self._token = admin.add_token("api", admin=True)["token"]

    def create_runner(self, **attributes: object) -> dict:
        """Id and token of a runner made by hand."""
        answer = requests.post(f"{self._admin.url}/api/v4/user/runners", timeout=30,
                               json={"runner_type": "instance_type"} | attributes,
                               headers={"PRIVATE-TOKEN": self._token})
        answer.raise_for_status()
        return answer.json()

    def reset_token(self, runner_id: int) -> str:
        """The new token of a runner; the former one is dead."""
        answer = requests.post(f"{self._admin.url}/api/v4/runners/{runner_id}/reset_authentication_token", timeout=30,
                               headers={"PRIVATE-TOKEN": self._token})
        answer.raise_for_status()
        return answer.json()["token"]
