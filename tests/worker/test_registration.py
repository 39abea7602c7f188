from pathlib import Path

import pytest
from sqlalchemy import select

from evaluator import BadTruth
from server.models import Category, SplitName, TruthVersion
from tests.support.service import GOLDEN, Service
from worker.registration import BadNames, Registration, register


def registration(names: Path | None = None, masks: Path | None = None) -> Registration:
    return Registration(
        slug="fresh",
        split=SplitName.VAL,
        masks=masks or GOLDEN / "s50" / "masks",
        classes=50,
        names=names,
        is_public=True,
    )


def test_the_database_learns_names_and_sizes_and_nothing_of_the_masks(service: Service) -> None:
    register(service.context, registration())

    with service.context.database.reading() as session:
        manifest = session.scalars(select(TruthVersion.manifest)).first()
    assert manifest is not None
    assert len(manifest) == 60
    assert all(name.endswith(".png") and len(size) == 2 for name, size in manifest.items())


def test_the_same_masks_are_one_blob(service: Service, tmp_path: Path) -> None:
    first = register(service.context, registration())
    second = register(service.context, registration())

    assert first == second
    assert len(list((tmp_path / "vault" / "truth").iterdir())) == 1


def test_the_vault_is_its_owners_alone(service: Service, tmp_path: Path) -> None:
    register(service.context, registration())

    assert (tmp_path / "vault").stat().st_mode & 0o077 == 0


def test_names_are_read_from_a_csv(service: Service, tmp_path: Path) -> None:
    names = tmp_path / "names.csv"
    lines = [f"n{i:08d},thing {i},{i}" for i in range(1, 51)]
    # With a byte order mark, as spreadsheets write it.
    names.write_text("\n".join(["wnid,name,id", *lines]), encoding="utf-8-sig")

    register(service.context, registration(names))

    with service.context.database.reading() as session:
        found = session.scalars(select(Category.name).where(Category.wnid == "n00000007")).all()
    assert found == ["thing 7"]


@pytest.mark.parametrize(
    ("text", "says"), [("wnid,title\n", "no column id, name"), ("wnid,name,id\nn1,a,x\n", "line 2")]
)
def test_a_csv_that_cannot_be_read_is_told(
    service: Service, tmp_path: Path, text: str, says: str
) -> None:
    names = tmp_path / "names.csv"
    names.write_text(text)

    with pytest.raises(BadNames, match=says):
        register(service.context, registration(names))


def test_a_folder_without_masks_is_refused(service: Service, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()

    with pytest.raises(BadTruth, match="empty"):
        register(service.context, registration(masks=empty))
