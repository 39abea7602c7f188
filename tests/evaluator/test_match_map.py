import numpy as np
import pytest

from evaluator import BadPrediction, MatchMap, parse_match
from evaluator.match_map import table_of


class TestParse:
    def test_a_missing_zero_stands_for_other(self) -> None:
        assert parse_match(b'{"1": 3}', classes=5).categories == {0: 0, 1: 3}

    def test_zero_may_stand_for_a_category(self) -> None:
        assert parse_match(b'{"0": 3}', classes=5).categories == {0: 3}

    def test_several_ids_may_share_a_category(self) -> None:
        assert parse_match(b'{"1": 3, "2": 3}', classes=5).categories == {0: 0, 1: 3, 2: 3}

    def test_a_byte_order_mark_is_no_mistake(self) -> None:
        assert parse_match(b'\xef\xbb\xbf{"65535": 5}', classes=5).categories == {0: 0, 65535: 5}

    def test_the_message_names_key_and_value(self) -> None:
        with pytest.raises(BadPrediction, match='the value of "7" is 6; values are whole numbers'):
            parse_match(b'{"7": 6}', classes=5)


class TestTable:
    def test_without_a_map_ids_are_classes(self) -> None:
        table = table_of(None, 5)

        np.testing.assert_array_equal(table.classes[:8], [0, 1, 2, 3, 4, 5, 6, 6])
        assert table.classes.shape == (65536,)
        assert (table.outside, table.distinct) == (6, 7)

    def test_with_a_map_only_named_ids_are(self) -> None:
        table = table_of(MatchMap({0: 0, 7: 2, 65535: 5}), 5)

        np.testing.assert_array_equal(table.classes[[0, 1, 2, 7, 65535]], [0, 6, 6, 2, 5])
        assert (table.outside, table.distinct) == (6, 2)

    def test_a_map_may_name_every_id_that_a_mask_can_hold(self) -> None:
        table = table_of(MatchMap({generated: generated % 6 for generated in range(65536)}), 5)

        np.testing.assert_array_equal(table.classes, np.arange(65536) % 6)
        assert (table.outside, table.distinct) == (6, 6)


def test_the_hash_is_of_the_map_and_not_of_the_file() -> None:
    one = parse_match(b'{"1": 2, "2": 1}', classes=5)
    other = parse_match(b'{\n"2": 1, "0": 0,\n"1": 2}', classes=5)

    assert one.content_hash == other.content_hash
    assert one.content_hash != parse_match(b'{"1": 2}', classes=5).content_hash
