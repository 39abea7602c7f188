import pytest

from server.accounts import tokens
from server.models import Scope
from tests.support.database import NOW
from tests.support.site import ADA, EVE, Site
from tests.support.uploads import Uploader


def uploader(site: Site, email: str = ADA, scope: Scope = Scope.SUBMIT) -> Uploader:
    with site.database.unit_of_work() as session:
        token = tokens.create_for(session, email=email, scope=scope, days=None, now=NOW)
    return Uploader(site.browser().client, token)


@pytest.fixture
def ada(site: Site) -> Uploader:
    return uploader(site)


@pytest.fixture
def ada_reading(site: Site) -> Uploader:
    return uploader(site, scope=Scope.READ)


@pytest.fixture
def eve(site: Site) -> Uploader:
    return uploader(site, EVE)
