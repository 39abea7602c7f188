"""The policy as the site has it; tests in one process with it use a quicker one."""

import runpy

from server.accounts import passwords
from tests.support.database import PASSWORD


def test_a_hash_costs_what_the_library_recommends() -> None:
    policy = runpy.run_path(passwords.__file__)

    made = policy["hash_of"](PASSWORD)

    assert made.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert policy["matches"](PASSWORD, made)
    assert not policy["matches"](f"{PASSWORD}!", made)
    assert not policy["matches"](PASSWORD, None)
