"""Each request of the protocol, what it answers, and what it leaves behind."""

from datetime import timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from server.models import Submission, Upload
from server.uploads import service, staging, sweep
from tests.support.database import NOW
from tests.support.site import Site
from tests.support.uploads import OCTETS, TUS, UPLOADS, Uploader, id_of

CONTENT = bytes(range(256)) * 400
LIMIT = 1_000_000


def rows(site: Site) -> list[Upload]:
    with site.database.reading() as session:
        assert session.scalars(select(Submission.id)).all() == []
        return list(session.scalars(select(Upload)))


def files(site: Site) -> dict[str, bytes]:
    found = staging.all_in(site.settings.staging_folder)
    return {path.name: path.read_bytes() for path in found}


def refused(answer: Any, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["tus-resumable"] == "1.0.0"
    assert answer.headers["cache-control"] == "no-store"
    if answer.request.method == "HEAD":
        return {}
    body: dict[str, Any] = answer.json()
    assert body["code"] == code
    return body


class TestOptions:
    def test_tell_what_is_spoken_to_anybody(self, site: Site) -> None:
        answer = site.browser().client.options(UPLOADS)

        assert answer.status_code == 204
        assert answer.headers["tus-version"] == "1.0.0"
        assert answer.headers["tus-extension"] == "creation,expiration,termination"
        assert answer.headers["tus-max-size"] == str(LIMIT)


class TestCreation:
    def test_makes_an_empty_upload_with_an_address_of_its_own(
        self, site: Site, ada: Uploader
    ) -> None:
        answer = ada.begin(LIMIT, metadata="filename ZW50cnkuemlw,is_confidential")

        assert answer.status_code == 201
        upload_id = id_of(answer.headers["location"])
        assert files(site) == {upload_id: b""}
        state = ada.state(answer.headers["location"])
        assert state.status_code == 200
        assert state.headers["upload-offset"] == "0"
        assert state.headers["upload-length"] == str(LIMIT)
        assert state.headers["upload-metadata"] == "filename ZW50cnkuemlw,is_confidential"
        assert state.headers["cache-control"] == "no-store"

    def test_promises_to_wait_for_as_long_as_the_settings_say(self, ada: Uploader) -> None:
        expires = ada.begin(1).headers["upload-expires"]

        assert parsedate_to_datetime(expires) == NOW + timedelta(hours=24)

    @pytest.mark.parametrize("length", ["", "-1", "1.5", "0x10", "many", "9" * 19, "9" * 40])
    def test_refuses_a_length_that_is_none(self, site: Site, ada: Uploader, length: str) -> None:
        refused(ada.begin(length), 422, "field_invalid")
        assert (rows(site), files(site)) == ([], {})

    def test_refuses_more_than_the_limit(self, site: Site, ada: Uploader) -> None:
        refused(ada.begin(LIMIT + 1), 413, "archive_too_large")
        assert (rows(site), files(site)) == ([], {})

    def test_refuses_an_upload_of_nothing(self, site: Site, ada: Uploader) -> None:
        refused(ada.begin(0), 422, "archive_empty")
        assert rows(site) == []

    def test_takes_no_body(self, site: Site, ada: Uploader) -> None:
        sent = {**ada.headers, **OCTETS, "Upload-Length": "5"}
        refused(ada.client.post(UPLOADS, headers=sent, content=b"hello"), 422, "upload_malformed")
        assert rows(site) == []

    @pytest.mark.parametrize(
        "metadata",
        ["name !", "name YQ==,", "na me YQ==", "sha256 YWJj", "sha256", "x " + "A" * 5000],
    )
    def test_refuses_metadata_that_cannot_be_read(
        self, site: Site, ada: Uploader, metadata: str
    ) -> None:
        refused(ada.begin(5, metadata=metadata), 422, "field_invalid")
        assert rows(site) == []

    def test_is_for_those_who_may_submit(
        self, site: Site, ada: Uploader, ada_reading: Uploader
    ) -> None:
        refused(ada_reading.begin(5), 403, "not_allowed")
        ada.headers.pop("Authorization")
        refused(ada.begin(5), 401, "not_signed_in")
        assert rows(site) == []


class TestSending:
    def test_in_pieces_gives_the_bytes_that_were_sent(self, site: Site, ada: Uploader) -> None:
        url = ada.begun(len(CONTENT))
        for begin, end in ((0, 1), (1, 70_000), (70_000, len(CONTENT))):
            answer = ada.send(url, begin, CONTENT[begin:end])
            assert answer.status_code == 204, answer.text
            assert answer.headers["upload-offset"] == str(end)
            assert ada.offset(url) == end

        assert files(site) == {id_of(url): CONTENT}

    def test_each_byte_gives_the_next_one_a_day(self, site: Site, ada: Uploader) -> None:
        url = ada.begun(10)
        site.clock.time += timedelta(hours=23)
        expires = ada.send(url, 0, b"a").headers["upload-expires"]

        assert parsedate_to_datetime(expires) == NOW + timedelta(hours=47)
        site.clock.time += timedelta(hours=23)
        assert ada.offset(url) == 1

    def test_cuts_off_what_a_killed_server_had_not_recorded(
        self, site: Site, ada: Uploader
    ) -> None:
        url = ada.begun(len(CONTENT))
        ada.send(url, 0, CONTENT[:1000])
        with staging.path_of(site.settings.staging_folder, id_of(url)).open("ab") as file:
            file.write(b"?" * 300_000)

        assert ada.offset(url) == 1000
        assert ada.send(url, 1000, CONTENT[1000:]).status_code == 204
        assert files(site) == {id_of(url): CONTENT}

    @pytest.mark.parametrize("offset", [0, 999, 1001, 5000])
    def test_refuses_another_offset(self, site: Site, ada: Uploader, offset: int) -> None:
        url = ada.begun(5000)
        ada.send(url, 0, CONTENT[:1000])

        body = refused(ada.send(url, offset, b"xyz"), 409, "upload_offset_differs")

        assert body["offset"] == 1000
        assert files(site) == {id_of(url): CONTENT[:1000]}

    def test_refuses_more_than_was_announced_without_writing(
        self, site: Site, ada: Uploader
    ) -> None:
        url = ada.begun(1500)
        ada.send(url, 0, CONTENT[:1000])

        refused(ada.send(url, 1000, CONTENT[1000:1501]), 413, "upload_too_long")

        assert ada.offset(url) == 1000
        assert files(site) == {id_of(url): CONTENT[:1000]}
        assert ada.send(url, 1000, CONTENT[1000:1500]).status_code == 204

    def test_keeps_nothing_of_a_body_that_turns_out_too_long(
        self, site: Site, ada: Uploader, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("server.uploads.reception.BUFFER_BYTES", 1000)
        monkeypatch.setattr("server.uploads.reception.SAVE_BYTES", 2000)
        url = ada.begun(50_000)
        ada.send(url, 0, CONTENT[:1000])

        answer = ada.send(url, 1000, (CONTENT[i : i + 7000] for i in range(0, 70_000, 7000)))

        refused(answer, 413, "upload_too_long")
        assert ada.offset(url) == 1000
        assert ada.send(url, 1000, CONTENT[1000:50_000]).status_code == 204
        assert files(site) == {id_of(url): CONTENT[:50_000]}

    def test_refuses_another_content_type(self, ada: Uploader) -> None:
        url = ada.begun(5)
        sent = {**ada.headers, "Content-Type": "application/zip", "Upload-Offset": "0"}

        refused(ada.client.patch(url, headers=sent, content=b"hello"), 415, "content_type_wrong")

    @pytest.mark.parametrize("offset", ["", "-1", "one"])
    def test_refuses_an_offset_that_is_none(self, ada: Uploader, offset: str) -> None:
        refused(ada.send(ada.begun(5), offset, b"hello"), 422, "field_invalid")

    def test_writes_with_one_request_at_a_time(self, site: Site, ada: Uploader) -> None:
        url = ada.begun(10)
        with site.database.unit_of_work() as session:
            upload = session.scalars(select(Upload)).one()
            service.lock(session, upload, offset=0, now=NOW)

        refused(ada.send(url, 0, b"x"), 423, "upload_locked")
        refused(ada.give_up(url), 423, "upload_locked")
        assert ada.offset(url) == 0

        site.clock.time += service.LOCK  # whoever held it has been silent
        assert ada.send(url, 0, b"0123456789").status_code == 204

    def test_a_sleeper_that_still_has_the_file_keeps_others_out(
        self, site: Site, ada: Uploader
    ) -> None:
        url = ada.begun(10)
        tail = staging.Tail(staging.path_of(site.settings.staging_folder, id_of(url)), offset=0)

        refused(ada.send(url, 0, b"x"), 423, "upload_locked")
        tail.close()
        assert ada.send(url, 0, b"x").status_code == 204

    def test_says_so_when_the_bytes_are_gone(self, site: Site, ada: Uploader) -> None:
        url = ada.begun(10)
        staging.path_of(site.settings.staging_folder, id_of(url)).unlink()

        refused(ada.send(url, 0, b"x"), 410, "upload_gone")
        refused(ada.send(url, 0, b"x"), 410, "upload_gone")


class TestOthers:
    def test_find_nothing_and_change_nothing(
        self, site: Site, ada: Uploader, eve: Uploader, ada_reading: Uploader
    ) -> None:
        url = ada.begun(10)
        ada.send(url, 0, b"0123")
        for stranger, status in ((eve, 404), (ada_reading, 403)):
            assert stranger.state(url).status_code == status
            assert stranger.send(url, 4, b"evil").status_code == status
            assert stranger.give_up(url).status_code == status

        assert ada.offset(url) == 4
        assert files(site) == {id_of(url): b"0123"}

    @pytest.mark.parametrize("path", ["nothing", "..%2f..%2fluss.sqlite3", "x/y"])
    def test_paths_lead_nowhere(self, ada: Uploader, path: str) -> None:
        assert ada.send(f"{UPLOADS}/{path}", 0, b"x").status_code in {404, 405}

    @pytest.mark.parametrize("version", [None, "0.2.2"])
    def test_versions_of_the_protocol_are_refused(self, ada: Uploader, version: str | None) -> None:
        url = ada.begun(10)
        ada.headers.pop("Tus-Resumable")
        if version:
            ada.headers["Tus-Resumable"] = version

        for answer in (ada.begin(10), ada.send(url, 0, b"x"), ada.state(url), ada.give_up(url)):
            refused(answer, 412, "tus_version_unknown")
            assert answer.headers["tus-version"] == "1.0.0"

    def test_the_method_cannot_be_overridden(self, ada: Uploader) -> None:
        url = ada.begun(10)
        override = {**ada.headers, "X-HTTP-Method-Override": "DELETE"}

        assert ada.client.get(url, headers=override).status_code == 405
        assert ada.client.post(url, headers=override).status_code == 405
        assert ada.offset(url) == 0


class TestScriptsOfOurPages:
    """A page's script has the cookie and the page's form token, and no token of the API."""

    def headers(self, site: Site, form_token: str) -> tuple[Any, dict[str, str]]:
        browser = site.browser().sign_in()
        token = browser.page("/submit").one("main").one("form").one("input", name="form_token")
        sent = form_token or token.attributes["value"]
        return browser.client, {**TUS, "Upload-Length": "5", "X-Form-Token": sent}

    def test_upload_by_cookie_and_form_token(self, site: Site) -> None:
        client, headers = self.headers(site, "")

        assert client.post(UPLOADS, headers=headers).status_code == 201

    @pytest.mark.parametrize("form_token", ["wrong", "é"])
    def test_the_cookie_alone_is_not_enough(self, site: Site, form_token: str) -> None:
        client, headers = self.headers(site, "wrong")
        refused(client.post(UPLOADS, headers=headers), 401, "not_signed_in")
        headers.pop("X-Form-Token")
        refused(client.post(UPLOADS, headers=headers), 401, "not_signed_in")


class TestEnds:
    def test_giving_up_leaves_nothing(self, site: Site, ada: Uploader) -> None:
        url = ada.sent(CONTENT)

        assert ada.give_up(url).status_code == 204
        assert (rows(site), files(site)) == ([], {})
        refused(ada.state(url), 404, "not_found")

    def test_an_expired_upload_is_gone_for_its_owner_too(self, site: Site, ada: Uploader) -> None:
        url = ada.begun(10)
        ada.send(url, 0, b"0123")
        site.clock.time += timedelta(hours=24)

        refused(ada.state(url), 410, "upload_gone")
        refused(ada.send(url, 4, b"4"), 410, "upload_gone")
        refused(ada.give_up(url), 410, "upload_gone")

    def test_the_sweep_forgets_expired_uploads_and_deletes_files_of_none(
        self, site: Site, ada: Uploader
    ) -> None:
        expired, waiting = ada.begun(10), ada.begun(10)
        folder = site.settings.staging_folder
        orphan = staging.path_of(folder, "orphan")
        staging.create(orphan)
        self.look_old(folder, site)
        with site.database.unit_of_work() as session:
            upload = session.scalars(select(Upload).filter_by(public_id=id_of(expired))).one()
            upload.expires_at = NOW

        sweep.run(site.database, folder, site.clock)
        sweep.run(site.database, folder, site.clock)

        assert [row.public_id for row in rows(site)] == [id_of(waiting)]
        assert set(files(site)) == {id_of(waiting)}

    def test_the_sweep_spares_a_file_whose_row_is_on_its_way(self, site: Site) -> None:
        folder = site.settings.staging_folder
        staging.create(staging.path_of(folder, "young"))
        site.clock.time = sweep.file_time(staging.path_of(folder, "young"))

        sweep.run(site.database, folder, site.clock)

        assert set(files(site)) == {"young"}

    @staticmethod
    def look_old(folder: Path, site: Site) -> None:
        """Move the clock so far that every file looks left behind."""
        newest = max(sweep.file_time(path) for path in staging.all_in(folder))
        with site.database.unit_of_work() as session:
            for upload in session.scalars(select(Upload)):
                upload.expires_at = newest + timedelta(days=1)
        site.clock.time = newest + sweep.ORPHAN_AGE + timedelta(minutes=1)
